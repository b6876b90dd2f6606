/// A table read from a file: bits, bits of which some are missing, or grey levels that are still to be made bits.
///
/// The format is told by the contents: see `density help tables` for all of them. Each may be plain or gzip.
public struct DataTable: Hashable, Sendable {
  /// What the table holds.
  public enum Contents: Hashable, Sendable {
    /// Every cell is 0 or 1.
    case bits(BinaryMatrix)
    /// Some cells are missing.
    case partial(PartialRows)
    /// Every cell is a grey level from 0 to 255, to be made a bit.
    case greyLevels(GreyLevels)
  }

  /// The file it was read from.
  public let path: String
  /// What it holds.
  public let contents: Contents
  /// The height and width of the picture a row is, if the file says so.
  public let imageShape: ImageShape?
  /// The names of the columns, if the file names them.
  public let columnNames: [String]?
  /// How the file was taken.
  public let summary: TableSummary

  /// Where the rows come from, and how the file was taken.
  public var origin: TableSource { TableSource(path: path, summary: summary) }

  /// The number of rows, at least one.
  public var rowCount: Int {
    switch contents {
    case .bits(let bits): bits.rowCount
    case .partial(let rows): rows.rowCount
    case .greyLevels(let grey): grey.rowCount
    }
  }

  /// The number of columns, at least one.
  public var columnCount: Int {
    switch contents {
    case .bits(let bits): bits.columnCount
    case .partial(let rows): rows.columnCount
    case .greyLevels(let grey): grey.columnCount
    }
  }

  /// The grey levels, if the table holds any.
  public var greyLevels: GreyLevels? {
    if case .greyLevels(let grey) = contents { grey } else { nil }
  }

  /// The rows, if cells may be missing.
  var partialRows: PartialRows? {
    if case .partial(let rows) = contents { rows } else { nil }
  }

  /// Returns the rows as bits, binarizing grey levels by the fixed draw; rows that are bits are as they are.
  ///
  /// - Parameters:
  ///   - binarization: how grey levels become bits.
  ///   - split: which split the file is; it selects the stream of a stochastic draw.
  /// - Throws: `DensityError.malformed` at the first missing cell.
  public func rows(
    _ binarization: Binarization = .standard, split: DataSplit
  ) throws(DensityError) -> BinaryMatrix {
    switch contents {
    case .bits(let bits): return bits
    case .partial(let rows):
      guard let (row, column) = rows.known.firstOffCell else { return rows.values }
      throw .missing(
        path: path, row: row, column: column, name: columnNames?[column], count: summary.missingCount,
        isAll: true)
    case .greyLevels(let grey): return grey.binarized(binarization, split: split)
    }
  }

  /// Reads a table; `-` is the standard input, and a folder one of pictures in PBM or PGM, sorted by their names.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for every way a file can break its
  ///   format, for a value that is neither 0 nor 1, rows of different lengths, and a table without rows or
  ///   columns; `.invalidConfiguration` for options that do not fit the file.
  public static func read(
    _ path: String, _ options: TableOptions = TableOptions()
  ) throws(DensityError) -> DataTable {
    try read(path, options, matching: nil)
  }

  /// Reads a table whose columns are those of a model or of another table.
  ///
  /// - Throws: also `mismatch` where they are not, before any row is read.
  static func read(
    _ path: String, _ options: TableOptions, matching wanted: WantedColumns?
  ) throws(DensityError) -> DataTable {
    var table = try OpenTable(path: path, options)
    if let wanted { try table.match(wanted) }
    let path = table.path
    var layout = table.reader.layout
    let imageShape = try options.imageShape(of: layout, path: path)
    var collector = TableCollector(
      columnCount: layout.columnCount, listedByteCount: options.listedByteCount)
    var missing = 0
    if let rows = table.reader.takeRows() {
      collector.add(rows, fraction: 1)
    } else {
      let length = TableBlock.length(columnCount: layout.columnCount)
      _ = try table.reader.forEachBlock(of: length) { (block) throws(DensityError) in
        collector.add(block, fraction: table.fraction)
        missing += block.missingCount
        return true
      }
    }
    guard collector.rowCount > 0 else {
      throw .malformed(
        path: path, at: .byte(0), expected: "a row of 0 and 1", found: "the end of the file")
    }
    // It may tell what was met on the way.
    layout = table.reader.layout
    let contents = collector.contents(imageShape: imageShape)
    let isGrey = if case .greyLevels = contents { true } else { false }
    return DataTable(
      path: path, contents: contents, imageShape: imageShape, columnNames: layout.columnNames,
      summary: TableSummary(layout, missingCount: missing, isGrey: isGrey))
  }

  /// The formats, in the order in which they are asked whether a file is theirs; the last takes any text.
  static let formats: [any TableFormat] = [
    IDXFormat(), NPYFormat(), NPZFormat(), PackedFormat(), PortableMapFormat(), MatrixMarketFormat(),
    ARFFFormat(),
    SVMLightFormat(), ItemListFormat(), TextFormat(),
  ]

  /// What the formats are called, and what they are.
  package static var formatSummaries: [(name: String, summary: String)] {
    formats.map { ($0.name, $0.summary) }
  }

  /// How many bytes of a file a format may look at.
  static let startLength = 4096

  /// Opens a table with the format that its contents, or the options, tell.
  static func reader(
    of source: ByteSource, _ options: TableOptions
  ) throws(DensityError) -> any TableReader {
    let start = try source.peek(startLength)
    guard !start.isEmpty else {
      throw source.malformed(expected: "a table of 0 and 1", found: "an empty file")
    }
    guard let name = options.format else {
      guard let format = formats.first(where: { $0.recognizes(start, path: source.path) }) else {
        throw source.malformed(at: 0, expected: "a table", found: quoted(start))
      }
      if !format.hasWords { try options.expectNoWords(source.path, format: format.name) }
      return try format.open(source, options)
    }
    guard let format = formats.first(where: { $0.name == name }) else {
      throw .invalidConfiguration(
        "no format '\(name)'; there are \(formats.map(\.name).joined(separator: ", "))")
    }
    if !format.hasWords { try options.expectNoWords(source.path, format: name) }
    return try format.open(source, options)
  }
}

/// A file, or a folder of pictures, that has been opened as a table.
struct OpenTable {
  /// The path, as errors name it.
  let path: String
  private(set) var reader: any TableReader
  private let progress: () -> Double?

  /// Opens a table; `-` is the standard input.
  init(path: String, _ options: TableOptions) throws(DensityError) {
    if Folder.exists(path) {
      let folder = try PictureFolder(path: path)
      try options.expectNoWords(path, format: PortableMapFormat().name)
      self.path = path
      reader = try folder.selecting(options)
      progress = { folder.fraction }
    } else {
      let source = try ByteSource(path: path)
      self.path = source.path
      reader = try DataTable.reader(of: source, options)
      progress = { source.fraction }
    }
  }

  /// How much of it is read, as far as that is known.
  var fraction: Double? { progress() }

  /// Takes the columns in the order of a model's, or of another table's.
  ///
  /// - Throws: `mismatch` for other names, or another number of columns.
  mutating func match(_ wanted: WantedColumns) throws(DensityError) {
    reader = try reader.matching(wanted, path: path)
  }
}

/// How a table was taken: what is said in one line, such as `comma, names in line 1, 22 columns, "id" left out, 3 missing`.
public struct TableSummary: Hashable, Sendable, Codable {
  /// The format or the delimiter.
  public let dialect: String
  /// The line of the names, counted from 1.
  public let nameLine: Int?
  /// Of a sparse table, the number of its first column: 0 or 1.
  public let indexBase: Int?
  /// The columns.
  public let columnCount: Int
  /// Columns that the file has and the table has not.
  public let leftOut: [String]
  /// Whether the columns were put in another order, that of a model, by their names.
  public let isReordered: Bool
  /// How many cells are missing.
  public let missingCount: Int
  /// Whether the table holds grey levels.
  public let isGrey: Bool

  init(_ layout: TableLayout, missingCount: Int, isGrey: Bool) {
    dialect = layout.dialect
    nameLine = layout.nameLine
    indexBase = layout.indexBase
    columnCount = layout.columnCount
    leftOut = layout.leftOut
    isReordered = layout.isReordered
    self.missingCount = missingCount
    self.isGrey = isGrey
  }
}

extension TableSummary: CustomStringConvertible {
  /// The line.
  public var description: String {
    var parts = [dialect]
    if let nameLine { parts.append("names in line \(nameLine)") }
    parts.append(columnCount == 1 ? "1 column" : "\(columnCount) columns")
    if !leftOut.isEmpty {
      let some = leftOut.prefix(4).map { quoted($0.utf8) }.joined(separator: ", ")
      parts.append("\(some)\(leftOut.count > 4 ? " and \(leftOut.count - 4) others" : "") left out")
    }
    if isReordered { parts.append("put in order by their names") }
    if missingCount > 0 { parts.append("\(missingCount) missing") }
    return parts.joined(separator: ", ")
  }
}

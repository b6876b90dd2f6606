/// A table read from a file: bits, bits of which some are missing, or grey levels that are still to be made bits.
///
/// The format is told by the contents: see `density help tables` for all of them. Each may be plain or gzip.
public struct DataTable: Hashable, Sendable {
  /// What the table holds.
  public enum Contents: Hashable, Sendable {
    case bits(BinaryMatrix)
    /// Some cells are missing.
    case partial(PartialRows)
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
      try rows.known.expectNothingMissing(path: path, firstRow: 0, names: columnNames)
      return rows.values
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
    if Folder.exists(path) {
      let folder = try PictureFolder(path: path)
      return try table(of: folder.selecting(options), path: path, options) { folder.fraction }
    }
    let source = try ByteSource(path: path)
    return try table(of: reader(of: source, options), path: source.path, options) { source.fraction }
  }

  /// Gathers the rows of a table.
  ///
  /// - Parameter fraction: how much of the table is read, as far as that is known.
  private static func table(
    of reader: any TableReader, path: String, _ options: TableOptions, fraction: () -> Double?
  ) throws(DensityError) -> DataTable {
    let layout = reader.layout
    let imageShape = try options.imageShape(of: layout, path: path)
    var collector = TableCollector(columnCount: layout.columnCount)
    var missing = 0
    _ = try reader.forEachBlock(of: TableBlock.length(columnCount: layout.columnCount)) {
      (block) throws(DensityError) in
      collector.add(block, fraction: fraction())
      missing += block.missingCount
      return true
    }
    guard collector.rowCount > 0 else {
      throw .malformed(
        path: path, at: .byte(0), expected: "a row of 0 and 1", found: "the end of the file")
    }
    return DataTable(
      path: path, contents: collector.contents(imageShape: imageShape), imageShape: imageShape,
      columnNames: layout.columnNames, summary: TableSummary(layout, missingCount: missing))
  }

  /// The formats, in the order in which they are asked whether a file is theirs; the last takes any text.
  static let formats: [any TableFormat] = [
    IDXFormat(), NPYFormat(), NPZFormat(), PortableMapFormat(), TextFormat(),
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
      return try format.open(source, options)
    }
    guard let format = formats.first(where: { $0.name == name }) else {
      throw .invalidConfiguration(
        "no format '\(name)'; there are \(formats.map(\.name).joined(separator: ", "))")
    }
    return try format.open(source, options)
  }
}

/// How a table was taken: what is said in one line, such as `comma, names in line 1, 22 columns, "id" left out, 3 missing`.
public struct TableSummary: Hashable, Sendable, Codable {
  /// The format or the delimiter.
  public let dialect: String
  /// The line of the names, counted from 1.
  public let nameLine: Int?
  /// The columns.
  public let columnCount: Int
  /// Columns that the file has and the table has not.
  public let leftOut: [String]
  /// How many cells are missing.
  public let missingCount: Int

  init(_ layout: TableLayout, missingCount: Int) {
    dialect = layout.dialect
    nameLine = layout.nameLine
    columnCount = layout.columnCount
    leftOut = layout.leftOut
    self.missingCount = missingCount
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
    if missingCount > 0 { parts.append("\(missingCount) missing") }
    return parts.joined(separator: ", ")
  }
}

extension DataTable {
  /// Returns the table with some of its columns, in the order given.
  ///
  /// - Precondition: they are columns of the table.
  public func selecting(columns: [Int]) -> DataTable {
    precondition(
      columns.allSatisfy { (0..<columnCount).contains($0) }, "columns \(columns) of \(columnCount)")
    let isPicture = columns == Array(0..<columnCount)
    let contents: Contents =
      switch self.contents {
      case .bits(let bits): .bits(bits.selecting(columns: columns))
      case .partial(let rows):
        .partial(
          PartialRows(
            values: rows.values.selecting(columns: columns), known: rows.known.selecting(columns: columns)))
      case .greyLevels(let grey):
        .greyLevels(
          GreyLevels(
            rowCount: grey.rowCount, columnCount: columns.count,
            levels: (0..<grey.rowCount).flatMap { row in
              columns.map { grey.levels[row * grey.columnCount + $0] }
            }, imageShape: isPicture ? grey.imageShape : nil))
      }
    return DataTable(
      path: path, contents: contents, imageShape: isPicture ? imageShape : nil,
      columnNames: columnNames.map { names in columns.map { names[$0] } }, summary: summary)
  }
}

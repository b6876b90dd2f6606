import Kernels

/// A table of bits that is read from its start to its end, block by block: however many rows there are, memory holds a
/// few thousand.
///
///     let table = try TableStream(path: "-")
///     try table.forEachBlock(of: 4096) { (rows) throws(DensityError) in … }
public final class TableStream: RowStream {
  /// The height and width of the picture a row is, if it is one.
  public let imageShape: ImageShape?
  /// Whether grey levels were met, and became bits.
  public private(set) var isBinarized = false
  private var table: OpenTable
  /// How many missing cells have been met.
  private var missingCount = 0
  /// How many rows were passed over.
  private var skippedCount = 0
  private let binarization: Binarization
  private let split: DataSplit

  /// Opens a table; `-` is the standard input.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - options: how to read it.
  ///   - binarization: how grey levels become bits.
  ///   - split: which split the file is; it selects the stream of a stochastic draw.
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a file of no known format, or whose beginning
  ///   breaks its format; `.invalidConfiguration` for options that do not fit it.
  public init(
    path: String, _ options: TableOptions = TableOptions(), binarization: Binarization = .standard,
    split: DataSplit = .test
  ) throws(DensityError) {
    OptimisationWarning.giveOnce()
    table = try OpenTable(path: path, options)
    self.binarization = binarization
    self.split = split
    imageShape = try options.imageShape(of: table.reader.layout, path: table.path)
  }

  /// The file, as errors name it.
  public var path: String { table.path }
  /// How much of the file was read; nil for what has no size.
  public var fraction: Double? { table.fraction }
  /// Where the rows come from, and how the file was taken, as far as it was read.
  public var origin: TableSource {
    TableSource(
      path: path,
      summary: TableSummary(table.reader.layout, missingCount: missingCount, isGrey: isBinarized))
  }

  /// How many rows to ask for at a time, so that a block of any width takes little memory.
  public var blockLength: Int { TableBlock.length(columnCount: columnCount) }
  /// The number of columns.
  public var columnCount: Int { table.reader.layout.columnCount }
  /// The names of the columns, if the file names them.
  public var columnNames: [String]? { table.reader.layout.columnNames }

  /// The number of rows, where the file says it before they come.
  package var promisedRowCount: Int? { table.reader.layout.rowCount }

  /// Passes over rows, before any is read; where the file has rows of equal length they are not even read.
  ///
  /// - Returns: how many were passed over: as many as asked for, or none.
  /// - Throws: what reading throws.
  package func skip(rows count: Int) throws(DensityError) -> Int {
    if count > 0, try table.reader.skip(rows: count) { skippedCount = count }
    return skippedCount
  }

  /// Takes the columns in the order of a model's: by their names, where both have names.
  ///
  /// - Throws: `DensityError.mismatch` for other names, or another number of columns.
  public func match(_ checkpoint: Checkpoint) throws(DensityError) {
    try table.match(WantedColumns(checkpoint))
  }

  /// Calls `body` with the rows in their order.
  ///
  /// - Throws: `DensityError.malformed`, also for the first missing cell; what reading and `body` throw.
  @discardableResult
  public func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    precondition(length > 0, "a block cannot have \(length) rows")
    var rowsBefore = skippedCount
    var missing: (row: Int, column: Int, count: Int)?
    let goesOn = try table.reader.forEachBlock(of: length) { (block) throws(DensityError) in
      defer { rowsBefore += block.rowCount }
      if missing == nil, let known = block.known {
        let cells = BinaryMatrix(rowCount: block.rowCount, columnCount: block.columnCount, words: known)
        missing = cells.firstOffCell.map { (rowsBefore + $0.row, $0.column, 0) }
      }
      if missing != nil {
        missing?.count += block.missingCount
        // The rest of a file is read to count what is missing; what has no size may have no end.
        return table.fraction != nil
      }
      guard let levels = block.levels else {
        return try body(
          BinaryMatrix(rowCount: block.rowCount, columnCount: block.columnCount, words: block.words))
      }
      isBinarized = true
      let grey = GreyLevels(rowCount: block.rowCount, columnCount: block.columnCount, levels: levels)
      return try body(grey.binarized(binarization, split: split, firstRow: rowsBefore))
    }
    if let missing {
      throw .missing(
        path: path, row: missing.row, column: missing.column, name: columnNames?[missing.column],
        count: missing.count, isAll: goesOn)
    }
    return goesOn
  }

  /// How the file stands, if it is a text that is kept.
  package var text: TableText? { table.reader.layout.text }

  /// Calls `body` with the rows in their order, and with which of their cells are there if some are missing.
  ///
  /// - Throws: what reading and `body` throw.
  @discardableResult
  public func forEachPartialBlock(
    of length: Int, _ body: (_ rows: BinaryMatrix, _ known: BinaryMatrix?) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    try forEachTextBlock(of: length) { (rows, known, _) throws(DensityError) in try body(rows, known) }
  }

  /// Does the same, and hands on the rows as they stand in a text that is kept.
  ///
  /// - Throws: what reading and `body` throw.
  @discardableResult
  package func forEachTextBlock(
    of length: Int,
    _ body: (_ rows: BinaryMatrix, _ known: BinaryMatrix?, [TableText.Row]?) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    precondition(length > 0, "a block cannot have \(length) rows")
    var rowsBefore = skippedCount
    return try table.reader.forEachBlock(of: length) { (block) throws(DensityError) in
      defer { rowsBefore += block.rowCount }
      let (rowCount, columnCount) = (block.rowCount, block.columnCount)
      missingCount += block.missingCount
      if let levels = block.levels {
        isBinarized = true
        let grey = GreyLevels(rowCount: rowCount, columnCount: columnCount, levels: levels)
        return try body(grey.binarized(binarization, split: split, firstRow: rowsBefore), nil, nil)
      }
      return try body(
        BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: block.words),
        block.known.map { BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: $0) }, block.texts
      )
    }
  }
}

extension BinaryMatrix {
  /// The first cell that is off, row by row.
  var firstOffCell: (row: Int, column: Int)? {
    for row in 0..<rowCount {
      if let column = (0..<columnCount).first(where: { !self[row, $0] }) { return (row, column) }
    }
    return nil
  }
}

extension DensityError {
  /// The error that cells are missing where none may be: the first of them, and how many there are, or are at least.
  static func missing(
    path: String, row: Int, column: Int, name: String?, count: Int, isAll: Bool
  ) -> DensityError {
    .malformed(
      path: path, at: .cell(row: row, column: column, name: name), expected: "0 or 1",
      found: "nothing (\(isAll ? "" : "at least ")\(count == 1 ? "1 cell is" : "\(count) cells are") missing)"
    )
  }
}

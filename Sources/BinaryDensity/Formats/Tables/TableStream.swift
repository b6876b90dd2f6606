/// A table of bits that is read from its start to its end, block by block: however many rows there are, memory holds a
/// few thousand.
///
///     let table = try TableStream(path: "-")
///     try table.forEachBlock(of: 4096) { (rows) throws(DensityError) in … }
public final class TableStream: RowStream {
  /// The file, as errors name it.
  public let path: String
  private var reader: any TableReader

  /// Opens a table; `-` is the standard input.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a file of no known format, or whose beginning
  ///   breaks its format; `.invalidConfiguration` for options that do not fit it.
  public init(path: String, _ options: TableOptions = TableOptions()) throws(DensityError) {
    let source = try ByteSource(path: path)
    self.path = source.path
    reader = try DataTable.reader(of: source, options)
    imageShape = try options.imageShape(of: reader.layout, path: path)
  }

  /// The number of columns.
  public var columnCount: Int { reader.layout.columnCount }
  /// The names of the columns, if the file names them.
  public var columnNames: [String]? { reader.layout.columnNames }
  /// The height and width of the picture a row is, if it is one.
  public let imageShape: ImageShape?

  /// Takes the columns in another order, or fewer of them.
  ///
  /// - Precondition: no block was read yet; the columns are columns of the table.
  public func select(columns: [Int]) {
    precondition(
      columns.allSatisfy { (0..<columnCount).contains($0) }, "columns \(columns) of \(columnCount)")
    if columns != Array(0..<columnCount) { reader = SelectedColumns(reader, columns: columns) }
  }

  /// Calls `body` with the rows in their order.
  ///
  /// - Throws: `DensityError.malformed`, also for the first missing cell, and for grey levels.
  @discardableResult
  public func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    precondition(length > 0, "a block cannot have \(length) rows")
    var rowsBefore = 0
    return try reader.forEachBlock(of: length) { (block) throws(DensityError) in
      if let known = block.known {
        let cells = BinaryMatrix(rowCount: block.rowCount, columnCount: block.columnCount, words: known)
        try cells.expectNothingMissing(path: path, firstRow: rowsBefore, names: columnNames)
      }
      guard block.levels == nil else {
        throw .mismatch(path: path, expected: "a table of 0 and 1", found: "grey levels")
      }
      rowsBefore += block.rowCount
      return try body(
        BinaryMatrix(rowCount: block.rowCount, columnCount: block.columnCount, words: block.words))
    }
  }
}

extension BinaryMatrix {
  /// Refuses a table of cells that are there in which one is not.
  func expectNothingMissing(path: String, firstRow: Int, names: [String]?) throws(DensityError) {
    let missing = rowCount * columnCount - onBitCount
    guard missing > 0 else { return }
    for row in 0..<rowCount {
      guard let column = (0..<columnCount).first(where: { !self[row, $0] }) else { continue }
      throw .malformed(
        path: path, at: .cell(row: firstRow + row, column: column, name: names?[column]),
        expected: "0 or 1", found: "a missing cell (\(missing) are missing)")
    }
  }
}

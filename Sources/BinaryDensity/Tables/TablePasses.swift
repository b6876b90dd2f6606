/// The rows of a table to be gone through several times, block by block, whether memory holds them or not.
struct TablePasses {
  /// The number of rows.
  let rowCount: Int
  /// The number of columns.
  let columnCount: Int
  /// In how many rows each column is on.
  let onCounts: [Int]
  /// In how many rows each column is known; nil if no cell is missing.
  let knownCounts: [Int]?
  private let held: HeldRows?
  private let whole: (rows: BinaryMatrix, known: BinaryMatrix?)?

  /// The rows of a table in memory, and which of their cells are known; nil if all are.
  init(_ rows: BinaryMatrix, known: BinaryMatrix?) {
    (rowCount, columnCount) = (rows.rowCount, rows.columnCount)
    onCounts = rows.onCounts
    knownCounts = known?.onCounts
    // Of lists all cells are known.
    whole = (known == nil ? rows : rows.packed(), known)
    held = nil
  }

  /// Takes all rows of a table that is read from its start to its end.
  ///
  /// - Throws: what reading throws; `DensityError.unwritable` where rows are too many for memory, and have to wait on a disk
  ///   that is full.
  init(
    _ table: TableStream, observing observe: (_ fraction: Double?) throws(DensityError) -> Void
  ) throws(DensityError) {
    var held = HeldRows(columnCount: table.columnCount)
    var rowCount = 0
    var onCounts = [Int](repeating: 0, count: table.columnCount)
    var missingCounts = onCounts
    try table.forEachPartialBlock(of: table.blockLength) { (rows, known) throws(DensityError) in
      try held.add(rows, known: known)
      rowCount += rows.rowCount
      for (column, count) in rows.onCounts.enumerated() { onCounts[column] += count }
      if let known {
        for (column, count) in known.onCounts.enumerated() { missingCounts[column] += rows.rowCount - count }
      }
      try observe(table.fraction)
      return true
    }
    self.rowCount = rowCount
    columnCount = table.columnCount
    self.onCounts = onCounts
    knownCounts = held.hasMissing ? missingCounts.map { rowCount - $0 } : nil
    self.held = held
    whole = nil
  }

  /// Calls `body` with blocks of rows in their order, the number of rows before, and which of their cells are known; nil if
  /// all of the block's are.
  ///
  /// - Throws: `DensityError.unreadable`, and what `body` throws.
  func forEachBlock(
    _ body: (_ firstRow: Int, _ rows: BinaryMatrix, _ known: BinaryMatrix?) throws(DensityError) -> Void
  ) throws(DensityError) {
    if let whole {
      try whole.rows.forEachPackedBlock { (firstRow, rows) throws(DensityError) in
        try body(firstRow, rows, whole.known)
        return true
      }
      return
    }
    var firstRow = 0
    try held?.forEachBlock { (rows, known) throws(DensityError) in
      try body(firstRow, rows, known)
      firstRow += rows.rowCount
    }
  }
}

/// Rows that come once and are wanted later, or several times: packed, a few megabytes of them in memory and the others in
/// a file without a name.
package struct HeldRows {
  /// Whether a cell of any is missing.
  package private(set) var hasMissing = false
  private let columnCount: Int
  private let bytes: SpilledBytes
  private var blocks: [(rowCount: Int, hasMissing: Bool)] = []

  /// - Parameter destination: what the rows are for: see `SpilledBytes`.
  package init(columnCount: Int, for destination: String? = nil) {
    self.columnCount = columnCount
    bytes = SpilledBytes(for: destination)
  }

  /// Adds rows, and which of their cells are known if some are missing.
  ///
  /// - Throws: `DensityError.unwritable`.
  package mutating func add(_ rows: BinaryMatrix, known: BinaryMatrix?) throws(DensityError) {
    blocks.append((rows.rowCount, known != nil))
    hasMissing = hasMissing || known != nil
    try bytes.append(rows.words)
    if let known { try bytes.append(known.words) }
  }

  /// Hands the rows on in their order, in the blocks they came in.
  ///
  /// - Throws: `DensityError.unreadable`, and what `body` throws.
  package func forEachBlock(
    _ body: (BinaryMatrix, _ known: BinaryMatrix?) throws(DensityError) -> Void
  ) throws(DensityError) {
    func take(_ rowCount: Int) throws(DensityError) -> BinaryMatrix {
      let wordCount = rowCount * ((columnCount + 63) / 64)
      let taken = try bytes.take(8 * wordCount)
      let words = taken.withUnsafeBytes { [UInt64]($0, order: .host) }
      return BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: words)
    }
    bytes.rewind()
    for block in blocks {
      let rows = try take(block.rowCount)
      try body(rows, block.hasMissing ? try take(block.rowCount) : nil)
    }
  }
}

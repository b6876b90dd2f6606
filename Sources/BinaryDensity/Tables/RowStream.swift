/// Rows that come one after another and can be looked at once: what a pipe gives.
///
/// Nobody knows how many there are before they have all come. What is counted and can be gone through again is a
/// `RowSource`.
public protocol RowStream {
  /// The number of columns.
  var columnCount: Int { get }
  /// Calls `body` with the rows in their order, in blocks of `length` rows of which the last may be shorter, while it
  /// says to go on.
  ///
  /// - Returns: whether it always did.
  /// - Precondition: `length > 0`.
  /// - Throws: what reading throws, and what `body` does.
  @discardableResult
  func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool
}

extension BinaryMatrix {
  /// Creates a table of all rows of a stream, as lists of what is on where it is large and these are smaller.
  ///
  /// - Throws: what reading throws.
  public init(_ stream: some RowStream) throws(DensityError) {
    var blocks: [BinaryMatrix] = []
    var byteCount = 0
    try stream.forEachBlock(of: 4096) { (block) throws(DensityError) in
      byteCount += 8 * block.rowCount * block.wordsPerRow
      blocks.append(byteCount > TableOptions.usualListedByteCount ? block.listedWhereSmaller() : block)
      return true
    }
    if blocks.last?.isListed ?? false { blocks = blocks.map { $0.listedWhereSmaller() } }
    self.init(concatenating: blocks, columnCount: stream.columnCount)
  }
}

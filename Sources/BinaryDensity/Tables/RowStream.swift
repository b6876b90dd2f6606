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
  /// Creates a table of all rows of a stream.
  ///
  /// - Throws: what reading throws.
  public init(_ stream: some RowStream) throws(DensityError) {
    var blocks: [BinaryMatrix] = []
    try stream.forEachBlock(of: 4096) { (block) throws(DensityError) in
      blocks.append(block)
      return true
    }
    self.init(concatenating: blocks, columnCount: stream.columnCount)
  }
}

/// How the rows of a table lie in blocks of about 4 KiB, in memory and in a packed file alike.
///
/// A block is what is read and checked at once, and what a shuffle moves as a whole (`ShuffledBatches`). Row r belongs to
/// block ⌊r / length⌋; the last block may be shorter.
public struct RowBlocks: Hashable, Sendable {
  /// The number of rows of the table.
  public let rowCount: Int
  /// The number of rows of every block but the last.
  public let length: Int

  /// The size of a block of rows of up to 32 768 columns, in bytes; wider rows have a block each.
  public static let byteCount = 4096

  /// Describes the blocks of a table of packed rows, ⌈columns / 64⌉ words of eight bytes each.
  ///
  /// - Precondition: neither number is negative.
  public init(rowCount: Int, columnCount: Int) {
    precondition(rowCount >= 0 && columnCount >= 0, "a table cannot be \(rowCount) × \(columnCount)")
    self.init(rowCount: rowCount, length: max(1, Self.byteCount / max(1, 8 * ((columnCount + 63) / 64))))
  }

  init(rowCount: Int, length: Int) {
    self.rowCount = rowCount
    self.length = length
  }

  /// The number of blocks.
  public var count: Int { rowCount / length + (rowCount % length > 0 ? 1 : 0) }

  /// The rows of a block.
  public subscript(block: Int) -> Range<Int> { block * length..<min((block + 1) * length, rowCount) }
}

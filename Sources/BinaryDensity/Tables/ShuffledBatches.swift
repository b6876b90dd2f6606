import Kernels

/// The minibatches of one epoch: every row once, in an order that depends on the seed and the epoch alone.
///
/// Batch k is known without the batches before it, so a run resumes in the middle of an epoch. The last batch
/// holds the remaining rows and may be smaller.
///
///     for batch in ShuffledBatches(rowCount: rows.rowCount, batchSize: 100, seed: 0, epoch: 3) { … }
public struct ShuffledBatches: RandomAccessCollection, Sendable {
  /// The number of rows in every batch but the last.
  public let batchSize: Int
  private let order: [Int]

  /// Shuffles the rows of an epoch.
  ///
  /// - Precondition: `rowCount >= 0`, `batchSize > 0`, `epoch >= 0`.
  /// - Complexity: O(rows) once; a batch then costs O(batch).
  public init(rowCount: Int, batchSize: Int, seed: UInt64, epoch: Int) {
    precondition(
      rowCount >= 0 && batchSize > 0 && epoch >= 0,
      "cannot shuffle \(rowCount) rows into batches of \(batchSize) in epoch \(epoch)")
    self.batchSize = batchSize
    var generator = Philox(seed: seed, stream: .batchOrder, index: UInt64(epoch))
    self.order = generator.permutation(of: rowCount)
  }

  /// The first batch's position, 0.
  public var startIndex: Int { 0 }
  /// The number of batches.
  public var endIndex: Int { (order.count + batchSize - 1) / batchSize }

  /// The row indices of batch k.
  public subscript(k: Int) -> [Int] {
    precondition(indices.contains(k), "batch \(k) is outside 0..<\(endIndex)")
    return Array(order[k * batchSize..<Swift.min((k + 1) * batchSize, order.count)])
  }
}

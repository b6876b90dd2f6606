import Kernels

/// The minibatches of one epoch: every row once, in an order that depends on the seed, the epoch and the sizes alone.
///
/// Batch k is known without the batches before it, so a run resumes in the middle of an epoch. The last batch
/// holds the remaining rows and may be smaller.
///
///     for batch in ShuffledBatches(rowCount: rows.rowCount, batchSize: 100, seed: 0, epoch: 3) { … }
///
/// Rows that are at hand together are shuffled as a whole. Of a file that is read in blocks, the blocks are shuffled, and
/// then the rows of a *window* of up to 256 of them among themselves: no more than a window is ever wanted at a time. If
/// the rows of each block are alike, which is the worst case, the mean over a batch of B rows has at most 1 + B / 128
/// times the variance that it has when all rows are shuffled; if the order of the rows means nothing, the same.
public struct ShuffledBatches: Sequence, Sendable {
  /// The number of rows.
  public let rowCount: Int
  /// The number of rows in every batch but the last.
  public let batchSize: Int
  private let blockLength: Int
  private let generator: Philox
  // The blocks in their order; each has blockLength rows, but the table's last what remains.
  private let blocks: [Int]
  // The blocks of window w are those from windowStarts[w] to windowStarts[w + 1] in that order.
  private let windowStarts: [Int]

  /// The most blocks of a window.
  static let windowLength = 256

  /// Shuffles the rows of an epoch.
  ///
  /// - Parameters:
  ///   - rowCount: the rows of the table.
  ///   - batchSize: the rows of a batch; the last may have fewer.
  ///   - blockLength: how many consecutive rows are at hand together; nil for all.
  ///   - seed: the seed of the training.
  ///   - epoch: the epoch, counted from 0.
  /// - Precondition: `rowCount >= 0`, `batchSize > 0`, `blockLength > 0`, `epoch >= 0`.
  /// - Complexity: O(blocks) once and O(rows) a window; a batch then costs O(batch).
  public init(rowCount: Int, batchSize: Int, blockLength: Int? = nil, seed: UInt64, epoch: Int) {
    let blockLength = blockLength ?? Swift.max(1, rowCount)
    precondition(
      rowCount >= 0 && batchSize > 0 && blockLength > 0 && epoch >= 0,
      "cannot shuffle \(rowCount) rows in blocks of \(blockLength) into batches of \(batchSize) in epoch \(epoch)"
    )
    self.rowCount = rowCount
    self.batchSize = batchSize
    self.blockLength = blockLength
    generator = Philox(seed: seed, stream: .batchOrder, index: UInt64(epoch))
    let blockCount = rowCount / blockLength + (rowCount % blockLength > 0 ? 1 : 0)
    var generator = generator
    blocks = blockCount > 1 ? generator.permutation(of: blockCount) : Array(0..<blockCount)
    // Windows of about equal length, for one of a single block would be no shuffle.
    let windowCount = (blockCount + Self.windowLength - 1) / Self.windowLength
    windowStarts = (0...windowCount).map { windowCount == 0 ? 0 : $0 * blockCount / windowCount }
  }

  /// The number of batches.
  public var count: Int { rowCount / batchSize + (rowCount % batchSize > 0 ? 1 : 0) }

  /// The batches from the first on.
  public func makeIterator() -> Iterator { makeIterator(atBatch: 0) }

  /// Returns the batches from batch k on.
  ///
  /// - Precondition: `0 <= k <= count`.
  public func makeIterator(atBatch k: Int) -> Iterator {
    precondition(k >= 0 && k <= count, "batch \(k) is outside 0...\(count)")
    return Iterator(self, position: Swift.min(k * batchSize, rowCount))
  }

  /// The rows of a block.
  private func rows(ofBlock block: Int) -> Range<Int> {
    block * blockLength..<Swift.min((block + 1) * blockLength, rowCount)
  }

  private func blocks(ofWindow window: Int) -> ArraySlice<Int> {
    blocks[windowStarts[window]..<windowStarts[window + 1]]
  }

  /// The number of rows of a window.
  private func rowCount(ofWindow window: Int) -> Int {
    blocks(ofWindow: window).reduce(0) { $0 + rows(ofBlock: $1).count }
  }

  /// The rows of a window in their order.
  private func rows(ofWindow window: Int) -> [Int] {
    // Each window has 2⁴⁰ words of the sequence to itself, and so have the blocks; a single block has the first.
    var generator = Philox(
      seed: generator.seed, stream: generator.stream,
      position: blocks.count > 1 ? UInt64(window + 1) << 40 : 0)
    let rows = blocks(ofWindow: window).flatMap(rows(ofBlock:))
    return generator.permutation(of: rows.count).map { rows[$0] }
  }

  /// The row indices of batch after batch.
  public struct Iterator: IteratorProtocol {
    private let batches: ShuffledBatches
    // How many rows have been given.
    private var position: Int
    // The window that the next row is in, and how many rows there are up to its end.
    private var window = -1
    private var windowRows: [Int] = []
    private var windowEnd = 0

    fileprivate init(_ batches: ShuffledBatches, position: Int) {
      self.batches = batches
      self.position = position
    }

    /// The row indices of the next batch.
    public mutating func next() -> [Int]? {
      guard position < batches.rowCount else { return nil }
      let end = Swift.min(position + batches.batchSize, batches.rowCount)
      var batch: [Int] = []
      batch.reserveCapacity(end - position)
      while position < end {
        if position >= windowEnd { findWindow() }
        let taken = position..<Swift.min(end, windowEnd)
        let start = windowEnd - windowRows.count
        batch += windowRows[taken.lowerBound - start..<taken.upperBound - start]
        position = taken.upperBound
      }
      return batch
    }

    /// Passes over windows to that of the next row.
    private mutating func findWindow() {
      while position >= windowEnd {
        window += 1
        windowEnd += batches.rowCount(ofWindow: window)
      }
      windowRows = batches.rows(ofWindow: window)
    }
  }
}

import Kernels

/// The minibatches of one pass over a table: every row once, in an order that depends on the seed, the pass and the sizes
/// alone.
///
/// Batch k is known without the batches before it, so a run resumes in the middle of a pass. The last batch
/// holds the remaining rows and may be smaller.
///
///     let batches = ShuffledBatches(
///       rowCount: rows.rowCount, columnCount: rows.columnCount, batchSize: 100, seed: 0, pass: 3)
///     for batch in batches { … }
///
/// A table of less than 128 MiB of packed rows is shuffled as a whole. Of a larger one the blocks (`RowBlocks`) are
/// shuffled, and then the rows of each *window* of K of them or more among themselves, so that whoever reads from a file
/// keeps no more than a window. K is 64 times the batch size, but 16 384 at the least and 65 536 at the most; a window has fewer than 2 K. If the rows of each block are alike,
/// which is the worst case, the mean over a batch of B rows has at most 1 + B / K times the variance that it has when all
/// rows are shuffled; if the order of the rows means nothing, the same.
public struct ShuffledBatches: Sequence, Sendable {
  /// The number of rows.
  public var rowCount: Int { blocks.rowCount }
  /// The number of rows in every batch but the last.
  public let batchSize: Int
  private let blocks: RowBlocks
  private let generator: Philox
  // The blocks in their order.
  private let order: [UInt32]
  // The blocks of window w are those from windowStarts[w] to windowStarts[w + 1] in that order.
  private let windowStarts: [Int]

  /// How many blocks a window has at the least: from 64 to 256 MiB.
  static let windowLengths = 16_384...65_536
  /// How many blocks a window has at the least for each row of a batch.
  static let blocksPerBatchRow = 64

  /// Shuffles the rows of a pass.
  ///
  /// - Parameters:
  ///   - rowCount: the rows of the table.
  ///   - columnCount: its columns.
  ///   - batchSize: the rows of a batch; the last may have fewer.
  ///   - seed: the seed of the training.
  ///   - pass: the pass, counted from 0.
  /// - Precondition: `rowCount >= 0`, `columnCount >= 0`, `batchSize > 0`, `pass >= 0`.
  /// - Complexity: O(blocks) once and O(rows) a window; a batch then costs O(batch).
  public init(rowCount: Int, columnCount: Int, batchSize: Int, seed: UInt64, pass: Int) {
    self.init(
      RowBlocks(rowCount: rowCount, columnCount: columnCount), batchSize: batchSize,
      windowLength: Swift.min(
        Swift.max(Self.windowLengths.lowerBound, Self.blocksPerBatchRow * batchSize),
        Self.windowLengths.upperBound), seed: seed,
      pass: pass)
  }

  /// Does the same with blocks of another length, in windows of so many blocks or more.
  package init(blockLength: Int, rowCount: Int, batchSize: Int, windowLength: Int, seed: UInt64, pass: Int) {
    self.init(
      RowBlocks(rowCount: rowCount, length: blockLength), batchSize: batchSize, windowLength: windowLength,
      seed: seed, pass: pass)
  }

  private init(_ blocks: RowBlocks, batchSize: Int, windowLength: Int, seed: UInt64, pass: Int) {
    precondition(
      batchSize > 0 && pass >= 0,
      "cannot shuffle \(blocks.rowCount) rows into batches of \(batchSize) in pass \(pass)")
    self.batchSize = batchSize
    let generator = Philox(seed: seed, stream: .batchOrder, index: UInt64(pass))
    self.generator = generator
    // Windows of about equal length.
    let windowCount = Swift.max(1, blocks.count / windowLength)
    guard windowCount > 1 else {
      self.blocks = RowBlocks(rowCount: blocks.rowCount, length: Swift.max(1, blocks.rowCount))
      order = [0]
      windowStarts = [0, 1]
      return
    }
    self.blocks = blocks
    var order = Array(0..<UInt32(blocks.count))
    var copy = generator
    copy.shuffle(&order)
    self.order = order
    windowStarts = (0...windowCount).map { $0 * blocks.count / windowCount }
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

  private func blocks(ofWindow window: Int) -> ArraySlice<UInt32> {
    order[windowStarts[window]..<windowStarts[window + 1]]
  }

  /// The number of rows of a window.
  private func rowCount(ofWindow window: Int) -> Int {
    blocks(ofWindow: window).reduce(0) { $0 + blocks[Int($1)].count }
  }

  /// The rows of a window in their order: each as the place of its block in the window times the length of a block, and its
  /// place in the block.
  private func places(ofWindow window: Int) -> [UInt32] {
    // Each window has 2⁴⁰ words of the sequence to itself, and so have the blocks; a single block has the first.
    var generator = Philox(
      seed: generator.seed, stream: generator.stream,
      position: windowStarts.count > 2 ? UInt64(window + 1) << 40 : 0)
    var places: [UInt32] = []
    places.reserveCapacity(rowCount(ofWindow: window))
    for (place, block) in blocks(ofWindow: window).enumerated() {
      let start = place * blocks.length
      places += UInt32(start)..<UInt32(start + blocks[Int(block)].count)
    }
    generator.shuffle(&places)
    return places
  }

  /// The row that a place in a window is.
  private func row(_ place: UInt32, ofWindow window: Int) -> Int {
    let (block, row) = Int(place).quotientAndRemainder(dividingBy: blocks.length)
    return blocks[Int(order[windowStarts[window] + block])].lowerBound + row
  }

  /// The row indices of batch after batch.
  public struct Iterator: IteratorProtocol {
    private let batches: ShuffledBatches
    // How many rows have been given.
    private var position: Int
    // The window that the next row is in, and how many rows there are up to its end.
    private var window = -1
    private var places: [UInt32] = []
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
        let start = windowEnd - places.count
        for place in places[taken.lowerBound - start..<taken.upperBound - start] {
          batch.append(batches.row(place, ofWindow: window))
        }
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
      places = batches.places(ofWindow: window)
    }
  }
}

/// Which stack each row goes to, and which rows are walked together.
///
/// Row r belongs to lane r mod L, and to block ⌊r / (L · G)⌋: a lane has at most G rows of a block. Blocks, not threads, say
/// what is coded in which order, so that neither the bytes nor the rows depend on how many threads there are.
package struct LaneLayout: Sendable, Equatable {
  /// The most lanes: each costs about six bytes.
  static let laneLimit = 64
  /// The most rows of a block.
  static let blockLimit = 1 << 12

  package let rowCount: Int
  /// L.
  package let laneCount: Int
  /// G.
  package let rowsPerLane: Int

  /// The rows of a block.
  package var blockLength: Int { laneCount * rowsPerLane }
  var blockCount: Int { (rowCount + blockLength - 1) / blockLength }

  init(rowCount: Int, laneCount: Int, rowsPerLane: Int) {
    self.rowCount = rowCount
    self.laneCount = laneCount
    self.rowsPerLane = rowsPerLane
  }

  /// Chooses lanes and blocks for a table.
  ///
  /// A lane for every 2¹⁶ cells, so that what lanes cost is little beside what they hold; blocks of 512 rows, or of as many as
  /// have 2²⁴ cells. The components of a mixture's first block are drawn from an empty stack and so cost what they would
  /// without bits-back, so that its blocks are at most a 64th of the rows.
  init(rowCount: Int, columnCount: Int, isMixture: Bool) {
    self.rowCount = rowCount
    laneCount = max(1, min(Self.laneLimit, rowCount, (rowCount * columnCount) >> 16))
    let length = min(512, (1 << 24) / columnCount, isMixture ? rowCount / 64 : 512)
    rowsPerLane = max(1, (length + laneCount - 1) / laneCount)
  }

  /// Returns the lanes in as many parts as keep all threads busy with few enough rows for a cursor.
  func laneSets(threadCount: Int, rowsPerShard: Int) -> [Range<Int>] {
    let shards = max(1, (blockLength + rowsPerShard - 1) / rowsPerShard)
    let count = min(laneCount, (shards + threadCount - 1) / threadCount * threadCount)
    return (0..<count).map { $0 * laneCount / count..<($0 + 1) * laneCount / count }
  }

  /// Returns the rows of a block.
  func rows(ofBlock block: Int) -> Range<Int> {
    block * blockLength..<min((block + 1) * blockLength, rowCount)
  }

  /// Returns the rows of a block that some lanes have, in their order.
  func rows(ofBlock block: Int, lanes: Range<Int>) -> [Int] {
    let rows = rows(ofBlock: block)
    return stride(from: rows.lowerBound, to: rows.upperBound, by: laneCount).flatMap { first in
      lanes.lazy.map { first + $0 }.filter { $0 < rows.upperBound }
    }
  }

  /// Returns which of some lanes, counted from the first of them, each of their rows belongs to.
  func lanes(ofRows rows: [Int], in lanes: Range<Int>) -> [Int] {
    rows.map { $0 % laneCount - lanes.lowerBound }
  }
}

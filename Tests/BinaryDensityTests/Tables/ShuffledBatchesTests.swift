import BinaryDensity
import Kernels
import Testing

@Suite("Shuffled batches")
struct ShuffledBatchesTests {
  @Test(
    "every row comes once, in batches of the size asked for",
    arguments: [(0, 5), (1, 5), (5, 5), (6, 5), (1000, 1), (1000, 7), (10, 1000)], [0, 1, 42] as [UInt64])
  func coverage(shape: (rowCount: Int, batchSize: Int), seed: UInt64) {
    let (rowCount, batchSize) = shape
    let batches = ShuffledBatches(
      rowCount: rowCount, columnCount: 7, batchSize: batchSize, seed: seed, pass: 3)
    #expect(batches.count == (rowCount + batchSize - 1) / batchSize)
    #expect(batches.joined().sorted() == Array(0..<rowCount))
    #expect(batches.dropLast().allSatisfy { $0.count == batchSize })
    // Any batch is known alone, and those after it.
    let all = Array(batches)
    for k in [0, all.count / 3, all.count - 1, all.count] where k >= 0 {
      #expect(Array(IteratorSequence(batches.makeIterator(atBatch: k))) == Array(all[k...]))
    }
  }

  @Test(
    "every row of several blocks comes once, each window's before the next's, from any batch on",
    arguments: [(10, 3), (1000, 1), (1000, 7), (1001, 2), (513, 1), (3000, 1000)], [1, 6, 100, 5000])
  func blocks(shape: (rowCount: Int, blockLength: Int), batchSize: Int) {
    let (rowCount, length) = shape
    let windowLength = 128
    func batches(of size: Int) -> ShuffledBatches {
      ShuffledBatches(
        blockLength: length, rowCount: rowCount, batchSize: size, windowLength: windowLength, seed: 4, pass: 1
      )
    }
    let all = Array(batches(of: batchSize))
    #expect(all.count == batches(of: batchSize).count && all.dropLast().allSatisfy { $0.count == batchSize })
    #expect(all.joined().sorted() == Array(0..<rowCount))
    for k in [1, all.count / 2, all.count - 1, all.count] where k <= all.count {
      #expect(Array(IteratorSequence(batches(of: batchSize).makeIterator(atBatch: k))) == Array(all[k...]))
    }
    // The batch size does not move a row, as long as windows are as long.
    let order = Array(all.joined())
    #expect(Array(batches(of: 1).joined()) == order)
    // Windows of equal numbers of blocks, to within one; a block belongs to one of them.
    let blockCount = (rowCount + length - 1) / length
    let windowCount = max(1, blockCount / windowLength)
    var start = 0
    var seen: Set<Int> = []
    for window in 0..<windowCount {
      let blocks = (window + 1) * blockCount / windowCount - window * blockCount / windowCount
      #expect(windowCount == 1 || (windowLength..<2 * windowLength).contains(blocks))
      var rows = 0
      var here: Set<Int> = []
      while start + rows < order.count, here.count < blocks || here.contains(order[start + rows] / length) {
        here.insert(order[start + rows] / length)
        rows += 1
      }
      #expect(here.count == blocks && seen.isDisjoint(with: here))
      seen.formUnion(here)
      start += rows
    }
    #expect(start == rowCount)
    // It is a shuffle, of blocks and of rows.
    if rowCount >= 1000 {
      #expect(order != order.sorted() && order.map { $0 / length } != order.map { $0 / length }.sorted())
    }
  }

  @Test("what one window holds is shuffled as a whole", arguments: [1, 7, 100, 5000])
  func oneWindow(blockLength: Int) {
    let whole = ShuffledBatches(rowCount: 100, columnCount: 9, batchSize: 9, seed: 3, pass: 5)
    let blocks = ShuffledBatches(
      blockLength: blockLength, rowCount: 100, batchSize: 9, windowLength: 100, seed: 3, pass: 5)
    #expect(Array(blocks) == Array(whole))
  }

  /// The rows of a block are alike and blocks are sorted: the worst case.
  @Test(
    "the mean over a batch varies as over rows that are all shuffled, up to 1 + B / K",
    arguments: [(batchSize: 5, windowLength: 320), (5, 16), (20, 16), (8, 64)])
  func variance(batchSize: Int, windowLength: Int) {
    let (length, windowCount) = (16, 6)
    let rowCount = windowCount * windowLength * length
    func value(_ row: Int) -> Double { Double(row / length) }
    var overall = RunningMean()
    overall.add((0..<rowCount).map(value))
    var means = RunningMean()
    var pass = 0
    while means.count < 20_000 {
      let batches = ShuffledBatches(
        blockLength: length, rowCount: rowCount, batchSize: batchSize, windowLength: windowLength, seed: 1,
        pass: pass)
      means.add(
        batches.filter { $0.count == batchSize }.map { rows in
          rows.reduce(0) { $0 + value($1) } / Double(batchSize)
        })
      pass += 1
    }
    func variance(_ mean: RunningMean) -> Double {
      mean.standardError * mean.standardError * Double(mean.count)
    }
    // Of rows that are drawn without putting them back, the last few vary less.
    let shuffled = variance(overall) / Double(batchSize) * (1 - Double(batchSize) / Double(rowCount))
    let ratio = variance(means) / shuffled
    let bound = 1 + Double(batchSize) / Double(windowLength)
    // The ratio's standard error is √(2 / 20 000) = 0.01, and somewhat more for batches of one window.
    #expect(ratio < bound + 0.06 && ratio > 0.94)
    // The bound is what is reached, up to the windows' being drawn without putting blocks back.
    if bound > 1.2 { #expect(ratio > 1 + (bound - 1) * 0.5) }
  }

  @Test("blocks have about 4096 bytes, and a row at the least")
  func sizes() {
    // 2²⁰ blocks of 4096 bytes: rows of 16 bytes, 256 a block.
    let blocks = RowBlocks(rowCount: 256 << 20, columnCount: 100)
    #expect(blocks.length == 256 && blocks.count == 1 << 20 && blocks[1] == 256..<512)
    #expect(RowBlocks(rowCount: 1000, columnCount: 784)[25] == 975..<1000)
    #expect(RowBlocks(rowCount: 10, columnCount: 1_000_000).length == 1)
    #expect(
      RowBlocks(rowCount: 10, columnCount: 0).count == 1 && RowBlocks(rowCount: 0, columnCount: 3).count == 0)
  }

  @Test("seeds and passes have orders of their own")
  func orders() {
    var orders: Set<[Int]> = []
    for seed in 0..<5 as Range<UInt64> {
      for pass in 0..<5 {
        orders.insert(
          Array(ShuffledBatches(rowCount: 100, columnCount: 3, batchSize: 9, seed: seed, pass: pass).joined())
        )
      }
    }
    #expect(orders.count == 25)
  }

  @Test("the order of a pass stays the same from version to version")
  func fixedOrder() {
    let order = Array(ShuffledBatches(rowCount: 10, columnCount: 3, batchSize: 10, seed: 1, pass: 2).joined())
    #expect(order == [7, 4, 1, 3, 5, 6, 8, 0, 2, 9])
  }

  @Test("permutations are equally likely", arguments: [1, 2] as [UInt64])
  func uniformity(seed: UInt64) {
    // χ² with 23 degrees of freedom exceeds 65.0 with probability about 7e-6.
    var counts: [[Int]: Int] = [:]
    for pass in 0..<24_000 {
      let batches = ShuffledBatches(rowCount: 4, columnCount: 3, batchSize: 4, seed: seed, pass: pass)
      counts[Array(batches)[0], default: 0] += 1
    }
    #expect(counts.count == 24)
    let chiSquare = counts.values.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
    #expect(chiSquare < 65)
  }

  @Test("bounded draws reach every integer and no other", arguments: [1, 2, 3, 1000, Int.max] as [Int])
  func bounds(bound: Int) {
    var generator = Philox(seed: 9)
    let draws = (0..<20_000).map { _ in generator.integer(below: bound) }
    #expect(draws.allSatisfy { $0 >= 0 && $0 < bound })
    // 20 000 draws miss one of 1000 integers with probability below 1000 · e⁻²⁰.
    if bound <= 1000 { #expect(Set(draws).count == bound) }
    let mean = draws.reduce(0.0) { $0 + Double($1) } / 20_000
    // Five standard errors of the mean of a uniform number.
    #expect(abs(mean / Double(bound - 1).nextUp - 0.5) < 5 * (1 / 12.0).squareRoot() / 141 || bound == 1)
  }
}

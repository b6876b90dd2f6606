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
    let batches = ShuffledBatches(rowCount: rowCount, batchSize: batchSize, seed: seed, epoch: 3)
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
    let batches = ShuffledBatches(
      rowCount: rowCount, batchSize: batchSize, blockLength: length, seed: 4, epoch: 1)
    let all = Array(batches)
    #expect(all.count == batches.count && all.dropLast().allSatisfy { $0.count == batchSize })
    #expect(all.joined().sorted() == Array(0..<rowCount))
    for k in [1, all.count / 2, all.count - 1, all.count] where k <= all.count {
      #expect(Array(IteratorSequence(batches.makeIterator(atBatch: k))) == Array(all[k...]))
    }
    // The batch size does not move a row.
    let order = Array(all.joined())
    let single = ShuffledBatches(
      rowCount: rowCount, batchSize: 1, blockLength: length, seed: 4, epoch: 1)
    #expect(Array(single.joined()) == order)
    // Windows of equal numbers of blocks, to within one; a block belongs to one of them.
    let blockCount = (rowCount + length - 1) / length
    let windowCount = (blockCount + 255) / 256
    var start = 0
    var seen: Set<Int> = []
    for window in 0..<windowCount {
      let blocks = (window + 1) * blockCount / windowCount - window * blockCount / windowCount
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

  @Test("one block is shuffled as a whole, whatever its length", arguments: [100, 101, 5000])
  func oneBlock(blockLength: Int) {
    let whole = ShuffledBatches(rowCount: 100, batchSize: 9, seed: 3, epoch: 5)
    let block = ShuffledBatches(rowCount: 100, batchSize: 9, blockLength: blockLength, seed: 3, epoch: 5)
    #expect(Array(block) == Array(whole))
  }

  @Test("seeds and epochs have orders of their own")
  func orders() {
    var orders: Set<[Int]> = []
    for seed in 0..<5 as Range<UInt64> {
      for epoch in 0..<5 {
        orders.insert(
          Array(ShuffledBatches(rowCount: 100, batchSize: 9, seed: seed, epoch: epoch).joined()))
      }
    }
    #expect(orders.count == 25)
  }

  @Test("the order of an epoch stays the same from version to version")
  func fixedOrder() {
    let order = Array(ShuffledBatches(rowCount: 10, batchSize: 10, seed: 1, epoch: 2).joined())
    #expect(order == [7, 4, 1, 3, 5, 6, 8, 0, 2, 9])
  }

  @Test("permutations are equally likely", arguments: [1, 2] as [UInt64])
  func uniformity(seed: UInt64) {
    // χ² with 23 degrees of freedom exceeds 65.0 with probability about 7e-6.
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<24_000 {
      let batches = ShuffledBatches(rowCount: 4, batchSize: 4, seed: seed, epoch: epoch)
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

import BinaryDensity
import Kernels
import Testing

@Suite("Grey levels to bits")
struct BinarizationTests {
  static func noise(rowCount: Int, columnCount: Int, seed: UInt64) -> GreyLevels {
    var generator = SplitMix(state: seed)
    // A third black, a third white, the rest between, so that every path is taken.
    let levels = (0..<rowCount * columnCount).map { _ -> UInt8 in
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: 0
      case 1: 255
      default: UInt8.random(in: 0...255, using: &generator)
      }
    }
    return GreyLevels(rowCount: rowCount, columnCount: columnCount, levels: levels)
  }

  /// The rule as the documentation states it, one pixel at a time.
  static func draw(_ grey: GreyLevels, seed: UInt64, stream: UInt64) -> BinaryMatrix {
    let blocksPerRow = (grey.columnCount + 3) / 4
    return BinaryMatrix(rowCount: grey.rowCount, columnCount: grey.columnCount) { row, column in
      var bits = Philox(
        seed: seed, stream: stream, position: UInt64(4 * (row * blocksPerRow + column / 4) + column % 4))
      let word = UInt64(bits.nextWord())
      return word * 255 < UInt64(grey.levels[row * grey.columnCount + column]) << 32
    }
  }

  @Test(
    "a draw follows the rule pixel by pixel", arguments: [1, 3, 4, 5, 63, 64, 65, 130, 784],
    [0, 2008, .max] as [UInt64])
  func rule(columnCount: Int, seed: UInt64) {
    let grey = Self.noise(rowCount: 11, columnCount: columnCount, seed: seed)
    for (index, split) in DataSplit.allCases.enumerated() {
      let expected = Self.draw(grey, seed: seed, stream: 0xDA01 << 48 | UInt64(index))
      #expect(grey.binarized(.stochastic(seed: seed), split: split) == expected)
      #expect(grey.binarized(.dynamic(seed: seed), split: split) == expected)
      #expect(expected.unusedBitsAreZero)
    }
    for epoch in [0, 1, 1000] {
      let expected = Self.draw(grey, seed: seed, stream: 0xDA02 << 48 | UInt64(epoch))
      #expect(grey.redrawn(seed: seed, epoch: epoch) == expected)
    }
  }

  @Test("a row's draw does not depend on the rows after it")
  func prefix() {
    let grey = Self.noise(rowCount: 20, columnCount: 50, seed: 1)
    let all = grey.binarized(.standard, split: .train)
    #expect(grey.rows(0..<7).binarized(.standard, split: .train) == all.rows(0..<7))
  }

  @Test("splits, seeds and epochs have draws of their own")
  func independence() {
    let grey = GreyLevels(rowCount: 10, columnCount: 100, levels: Array(repeating: 128, count: 1000))
    var draws = Set(DataSplit.allCases.map { grey.binarized(.standard, split: $0) })
    for seed in 0..<4 as Range<UInt64> {
      draws.insert(grey.binarized(.stochastic(seed: seed), split: .train))
      for epoch in 0..<4 { draws.insert(grey.redrawn(seed: seed, epoch: epoch)) }
    }
    #expect(draws.count == 3 + 4 + 16)
  }

  @Test("a level g is on with frequency g / 255", arguments: [1, 2008] as [UInt64])
  func marginals(seed: UInt64) {
    // 256 columns, one a level. A binomial count strays beyond 5.5 standard deviations with probability below
    // 4e-8, or 1e-5 for all levels together; the variance of 1/255 of 20 000 is large enough for that.
    let rowCount = 20_000
    let levels = (0..<rowCount).flatMap { _ in UInt8.min...UInt8.max }
    let grey = GreyLevels(rowCount: rowCount, columnCount: 256, levels: levels)
    for bits in [grey.binarized(.stochastic(seed: seed), split: .train), grey.redrawn(seed: seed, epoch: 5)] {
      for (level, mean) in bits.columnMeans.enumerated() {
        let p = Double(level) / 255
        #expect(abs(mean - p) <= 5.5 * (p * (1 - p) / Double(rowCount)).squareRoot(), "level \(level)")
      }
    }
  }

  @Test("a threshold is reached by levels at least as high", arguments: [0, 1, 127, 128, 255] as [UInt8])
  func threshold(level: UInt8) {
    let grey = GreyLevels(rowCount: 2, columnCount: 128, levels: Array(UInt8.min...UInt8.max))
    let bits = grey.binarized(.threshold(level), split: .train)
    for value in 0..<256 { #expect(bits[value / 128, value % 128] == (value >= level)) }
    #expect(Binarization.middleThreshold == .threshold(128))
  }

  @Test("grey rows are cut and picked")
  func rows() {
    let grey = GreyLevels(
      rowCount: 3, columnCount: 2, levels: [1, 2, 3, 4, 5, 6], imageShape: ImageShape(height: 1, width: 2))
    #expect(grey.rows(1..<3).levels == [3, 4, 5, 6])
    #expect(grey.selecting([2, 0]).levels == [5, 6, 1, 2])
    #expect(grey.selecting([2, 0]).imageShape == ImageShape(height: 1, width: 2))
  }

  @Test("the rule in words")
  func descriptions() {
    #expect(Binarization.standard.description == "stochastic, seed 2008")
    #expect(Binarization.middleThreshold.description == "threshold 128")
    #expect(Binarization.dynamic(seed: 3).description == "dynamic, seed 3")
  }
}

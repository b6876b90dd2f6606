import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Mutual information")
struct MutualInformationTests {
  /// Options under which nothing is tabulated, so that pairs have to be counted.
  static func drawing(seed: UInt64 = 0) -> Inference.Options {
    var options = Inference.Options(seed: seed)
    options.tabulationLimit = 0
    return options
  }

  @Test("of shares and counts by hand")
  func tables() {
    func table(_ both: Double, _ first: Double, _ second: Double, _ total: Double) -> BitPairTable {
      BitPairTable(both: both, first: first, second: second, total: total)
    }
    #expect(abs(table(0.5, 0.5, 0.5, 1).mutualInformation - log(2)) < 1e-15)
    #expect(abs(table(0, 0.5, 0.5, 1).mutualInformation - log(2)) < 1e-15)
    #expect(table(0.06, 0.2, 0.3, 1).mutualInformation < 1e-15)
    #expect(table(0, 0, 0.3, 1).mutualInformation == 0)
    // Cells 0.4, 0.1, 0.1, 0.4: I = log 2 − H(0.2).
    let known = log(2) + 0.8 * log(0.8) + 0.2 * log(0.2)
    #expect(abs(table(0.4, 0.5, 0.5, 1).mutualInformation - known) < 1e-15)
    #expect(abs(table(400, 500, 500, 1000).mutualInformation - known) < 1e-15)

    // Of four cells that all occur 1/2n is taken off, of three nothing; two of them, which always agree, get as much more as
    // their entropy does.
    let four = table(400, 500, 500, 1000).estimatedInformation
    #expect(abs(four.value - (known - 0.0005)) < 1e-12)
    let three = table(0, 300, 300, 1000)
    #expect(abs(three.estimatedInformation.value - three.mutualInformation) < 1e-12)
    let two = table(300, 300, 300, 1000)
    #expect(
      abs(two.estimatedInformation.value - BitCounts(on: 300, total: 1000).estimatedEntropy.value) < 1e-12)
    // Var log (p / (p·p)) of the cells is that of ±log 4 with probabilities of 0.8 and 0.2, but for half a row a cell.
    let error = ((0.16 * log(4) * log(4) + 0.001) / 1000).squareRoot()
    #expect(abs((four.standardError ?? 0) / error - 1) < 0.01)
    // Independent bits: no variance, and an error of 1/n.
    let independent = table(250, 500, 500, 1000).estimatedInformation
    #expect(independent.value == 0 && abs((independent.standardError ?? 0) - 0.001) < 1e-12)
    // What was never drawn is not said to be exact.
    #expect((table(0, 0, 0, 1000).estimatedInformation.standardError ?? 0) > 0.003)

    #expect(abs(BitCounts(on: 0.2, total: 1).entropy + 0.2 * log(0.2) + 0.8 * log(0.8)) < 1e-15)
    #expect(BitCounts(on: 0, total: 1).entropy == 0 && BitCounts(on: 7, total: 7).entropy == 0)
    let entropy = BitCounts(on: 200, total: 1000).estimatedEntropy
    #expect(abs(entropy.value - BitCounts(on: 0.2, total: 1).entropy - 0.0005) < 1e-12)
    #expect(
      abs((entropy.standardError ?? 0) / ((0.16 * log(4) * log(4) + 0.001) / 1000).squareRoot() - 1) < 0.01)
  }

  @Test("exact answers equal enumeration", arguments: InferenceCase.all)
  func exact(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(5)
    let truth = EnumeratedPairs(density)
    let found = try #require(try density.inference().mutualInformation())
    let count = density.variableCount
    #expect(found.variableCount == count && found.drawnRowCount == nil && found.columns == Array(0..<count))
    for i in 0..<count {
      #expect(found.entropy(of: i).isExact)
      #expect(abs(found.entropy(of: i).value - truth.entropy(of: i)) < 1e-5)
      #expect(found[i, i] == found.entropy(of: i))
      for j in 0..<count where j != i {
        #expect(found[i, j].isExact && abs(found[i, j].value - truth.information(i, j)) < 1e-5)
        #expect(abs(found[i, j].value - found[j, i].value) < 1e-12)
      }
    }
    // One column's pairs are those of all.
    let one = try #require(try density.inference().mutualInformation(of: [count - 1]))
    for j in 0..<count {
      #expect(abs(one[j, count - 1].value - found[count - 1, j].value) < 1e-12)
      #expect(abs(one.entropy(of: j).value - found.entropy(of: j).value) < 1e-12)
    }
  }

  @Test("a tree's pairs are those of its marginals, exactly", arguments: [1, 2, 3] as [UInt64])
  func trees(seed: UInt64) throws {
    let count = 90
    let tree = ChowLiuTree(
      parents: TractableCase.randomForest(count, seed: seed).parents,
      logits: .uniform(2, count, in: -3...3, seed: seed))
    let found = try #require(try tree.inference().mutualInformation())
    var evidence = PartialRows(rowCount: count * count, columnCount: count)
    for i in 0..<count {
      for j in 0..<count {
        evidence[i * count + j, i] = true
        evidence[i * count + j, j] = true
      }
    }
    let both = tree.logMarginals(of: evidence).map { exp($0) }
    for i in 0..<count {
      for j in 0..<i {
        let table = BitPairTable(
          both: both[i * count + j], first: both[i * count + i], second: both[j * count + j], total: 1)
        #expect(abs(found[i, j].value - table.mutualInformation) < 1e-13, "\(i), \(j)")
      }
    }
    // Along a path information only falls.
    for (i, parent) in tree.parents.enumerated() {
      guard let parent, let above = tree.parents[parent] else { continue }
      #expect(found[i, above].value <= min(found[i, parent].value, found[parent, above].value) + 1e-14)
    }
  }

  /// Pairs of one model share their draws, so errors beyond two come in clusters: 5 % of all, and no more than 8 % of so
  /// many models' pairs.
  @Test("errors of counted pairs are as large as they are said to be", arguments: [600, 4096])
  func coverage(rowCount: Int) throws {
    var (all, within, squares) = (0, 0, 0.0)
    for inferenceCase in InferenceCase.all {
      for seed in 1...3 as ClosedRange<UInt64> {
        let density = try inferenceCase.density(seed)
        let truth = EnumeratedPairs(density)
        let inference = try density.inference(Self.drawing(seed: seed))
        let found = try #require(try inference.mutualInformation(rowCount: rowCount))
        guard found.drawnRowCount == rowCount else { continue }
        for i in 0..<density.variableCount {
          for j in 0...i {
            let error = try #require(found[i, j].standardError)
            let expected = i == j ? truth.entropy(of: i) : truth.information(i, j)
            let z = (found[i, j].value - expected) / error
            all += 1
            squares += z * z
            if abs(z) <= 2 { within += 1 }
          }
        }
      }
    }
    #expect(all > 2000)
    let share = Double(within) / Double(all)
    #expect(share > 0.92, "\(share) of \(all)")
    // Nor are they said to be far larger.
    #expect(squares / Double(all) > 0.4, "\(squares / Double(all))")
  }

  @Test("counts are those of the drawn rows, whatever the words and the threads")
  func counts() throws {
    let nade = try ModelCase.nade(70, 8, .relu, ordering: .random).model(seed: 4)
    let rowCount = 8192 + 130
    var generator = Philox(seed: 9, stream: .dependence)
    let rows =
      try nade.sample(count: 8192, using: &generator) + nade.sample(count: 130, using: &generator)
    let inference = try nade.inference(Inference.Options(seed: 9))
    let found = try #require(try inference.mutualInformation(rowCount: rowCount))
    let some = try #require(
      try Threads.run(on: 1) { try inference.mutualInformation(of: [69, 3], rowCount: rowCount) })
    #expect(found.drawnRowCount == rowCount)
    for i in 0..<70 {
      for j in [0, 3, 63, 64, 69] where j != i {
        let on = (0..<rowCount).reduce((0, 0, 0)) {
          (
            $0.0 + (rows[$1, i] && rows[$1, j] ? 1 : 0), $0.1 + (rows[$1, i] ? 1 : 0),
            $0.2 + (rows[$1, j] ? 1 : 0)
          )
        }
        let expected = BitPairTable(
          both: Double(on.0), first: Double(on.1), second: Double(on.2), total: Double(rowCount))
        #expect(abs(found[i, j].value - expected.estimatedInformation.value) < 1e-12)
        if j == 3 || j == 69 { #expect(some[i, j] == found[i, j]) }
      }
    }
    let single = try #require(try Threads.run(on: 1) { try inference.mutualInformation(rowCount: rowCount) })
    #expect(single.strongestPairs(5000) == found.strongestPairs(5000))
  }

  @Test("the strongest pairs come first, each once")
  func order() throws {
    // x_1 copies x_0 mostly, x_2 copies x_1 less, x_3 is alone.
    let tree = ChowLiuTree(
      parents: [nil, 0, 1, nil],
      logits: Matrix(rowCount: 2, columnCount: 4, elements: [0, -3, -1, 0, 0, 3, 1, 0]))
    let found = try #require(try tree.inference().mutualInformation())
    let pairs = found.strongestPairs(100)
    #expect(pairs.count == 6)
    #expect(pairs.prefix(3).map { [$0.first, $0.second] } == [[0, 1], [1, 2], [0, 2]])
    let p = 1 / (1 + exp(-3.0))
    let expected = log(2) + p * log(p) + (1 - p) * log(1 - p)
    #expect(abs(pairs[0].information.value - expected) < 1e-9)
    #expect(abs(pairs[0].share - expected / log(2)) < 1e-9)
    #expect(pairs.suffix(3).allSatisfy { $0.second == 3 && $0.information.value < 1e-12 })
    #expect(found.strongestPairs(1) == [pairs[0]] && found.strongestPairs(0).isEmpty)
    let one = try #require(try tree.inference().mutualInformation(of: [2]))
    #expect(one.strongestPairs(9).map { [$0.first, $0.second] } == [[2, 1], [2, 0], [2, 3]])
    var lines: [Int] = []
    try found.forEachColumn { (pairs) throws(DensityError) in
      lines.append(pairs.count)
      return true
    }
    #expect(lines == [3, 2, 1, 0])
  }

  @Test("what cannot be asked is an error, and whoever stops gets nothing")
  func refusals() throws {
    let nade = try ModelCase.nade(30, 4, .relu, ordering: .natural).model(seed: 1)
    let inference = try nade.inference()
    for count in [-1, 0, 1, 1_000_000_001] {
      #expect(throws: DensityError.invalidConfiguration("from 2 to 1000000000 rows are drawn, not \(count)"))
      {
        _ = try inference.mutualInformation(rowCount: count)
      }
    }
    let stopped = try inference.mutualInformation { (_) throws(DensityError) in false }
    #expect(stopped == nil)
    #expect(try inference.dependenceOnRest { (_) throws(DensityError) in false } == nil)
    let wide = OpaqueDensity(variableCount: 21)
    #expect {
      _ = try wide.inference().mutualInformation()
    } throws: {
      if case .unsupported = $0 as? DensityError { true } else { false }
    }
    // Of few columns a table is enough.
    let few = try #require(try OpaqueDensity(variableCount: 3).inference().mutualInformation())
    #expect(few[0, 1].isExact && few[0, 1].value < 1e-12)
  }

  @Test("pictures: the brighter the more")
  func pictures() throws {
    let tree = ChowLiuTree(
      parents: [nil, 0, 1, nil],
      logits: Matrix(rowCount: 2, columnCount: 4, elements: [0, -3, -1, 0, 0, 3, 1, 0]))
    let found = try #require(try tree.inference().mutualInformation())
    let matrix = found.picture(magnification: 3)
    #expect(matrix.width == 12 && matrix.height == 12)
    func level(_ i: Int, _ j: Int) -> UInt8 { matrix.pixels[(3 * i + 1) * 12 + 3 * j + 1] }
    #expect(level(0, 1) == 255 && level(1, 0) == 255 && level(2, 2) == 255 && level(0, 3) == 0)
    let expected = 255 * (found[1, 2].value / found[0, 1].value).squareRoot()
    #expect(level(1, 2) == UInt8(expected.rounded()) && level(1, 2) == level(2, 1))
    let one = try #require(try tree.inference().mutualInformation(of: [1]))
    let heat = one.picture(of: 1, imageShape: ImageShape(height: 2, width: 2), magnification: 1)
    #expect(heat.width == 2 && heat.pixels == [255, 255, level(1, 2), 0])
  }
}

/// Log p of whole rows alone: independent fair bits.
private struct OpaqueDensity: Density {
  let variableCount: Int
  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Array(repeating: -log(2) * Double(variableCount), count: rows.rowCount)
  }
}

/// What pairs and the rest tell, by adding up over all rows.
struct EnumeratedPairs {
  private let probabilities: [Double]
  private let variableCount: Int

  init(_ density: any Density) {
    let terms = Enumerated(density).logProbabilities.map { exp($0) }
    let total = terms.reduce(0, +)
    probabilities = terms.map { $0 / total }
    variableCount = density.variableCount
  }

  /// The entropy of what some columns are together.
  private func entropy(ofColumns columns: Int) -> Double {
    var sums: [Int: Double] = [:]
    for (row, p) in probabilities.enumerated() { sums[row & columns, default: 0] += p }
    return sums.values.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
  }

  func entropy(of column: Int) -> Double { entropy(ofColumns: 1 << column) }

  func information(_ i: Int, _ j: Int) -> Double {
    entropy(of: i) + entropy(of: j) - entropy(ofColumns: 1 << i | 1 << j)
  }

  func informationOfRest(_ i: Int) -> Double {
    let all = 1 << variableCount - 1
    return entropy(of: i) + entropy(ofColumns: all & ~(1 << i)) - entropy(ofColumns: all)
  }
}

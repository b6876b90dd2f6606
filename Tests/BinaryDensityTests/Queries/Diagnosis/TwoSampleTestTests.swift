import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Two-sample tests of a model against a table")
struct TwoSampleTestTests {
  private let goOn: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }

  private func discrepancy(
    _ table: BinaryMatrix, _ model: BinaryMatrix, _ permutations: Int, seed: UInt64 = 0
  ) throws -> MeanDiscrepancy {
    try #require(
      try MeanDiscrepancy(table, model, permutationCount: permutations, seed: seed, observing: goOn))
  }

  private func comparison(
    _ table: [Double], _ model: [Double], _ permutations: Int
  ) throws -> LogProbabilityComparison {
    try #require(
      try LogProbabilityComparison(
        table: table, model: model, permutationCount: permutations, seed: 0, observing: goOn))
  }

  @Test("the mean discrepancy by hand")
  func discrepancyByHand() throws {
    // Distances 2 | 1 | 0 1 2 1 within the table, within the model, and between: the median is 1.
    let found = try discrepancy(BinaryMatrix([[0, 0], [1, 1]]), BinaryMatrix([[0, 0], [0, 1]]), 2000)
    #expect(found.length == 1 && found.tableRowCount == 2 && found.modelRowCount == 2)
    #expect(abs(found.value.value - (exp(-2) - 1) / 2) < 1e-6)
    // Of the three ways to part four rows one has 00 and 00 together, which is farther; one has 00 with 11 in either, the
    // same; and these have the least: all permutations are as far.
    #expect(found.pValue == 1)
    let parted = try discrepancy(BinaryMatrix([[0, 0], [0, 0]]), BinaryMatrix([[1, 1], [1, 0]]), 2999)
    // 1 + k(1) − (2 k(2) + 2 k(1)) / 2 for a median of 1.
    #expect(abs(parted.value.value - (1 + exp(-1) - exp(-2) - exp(-1))) < 1e-6 && parted.length == 1)
    // One way in three is as far: 1000 ± 26 of 2999, and five standard deviations.
    #expect(abs(parted.pValue - 1.0 / 3) < 0.045)
  }

  @Test("the mean discrepancy by its definition, for more rows than a block", arguments: [UInt64(1), 2])
  func discrepancyByDefinition(_ seed: UInt64) throws {
    let (table, model) = (
      BinaryMatrix.dependent(180, 70, seed: seed), BinaryMatrix.random(140, 70, probability: 0.5, seed: seed)
    )
    let found = try discrepancy(table, model, 99)
    let rows = table + model
    func distance(_ i: Int, _ j: Int) -> Int { (0..<70).count { rows[i, $0] != rows[j, $0] } }
    let distances = (0..<320).map { i in (0..<320).map { distance(i, $0) } }
    let different = (0..<320).flatMap { i in (0..<i).map { distances[i][$0] } }.sorted()
    #expect(found.length == Double(different[(different.count - 1) / 2]))
    /// The mean kernel of a row with others of some rows.
    func mean(_ i: Int, _ others: Range<Int>) -> Double {
      let terms = others.filter { $0 != i }.map { exp(-Double(distances[i][$0]) / found.length) }
      return terms.reduce(0, +) / Double(terms.count)
    }
    let shares = [
      (0..<180).map { mean($0, 0..<180) - mean($0, 180..<320) },
      (180..<320).map { mean($0, 180..<320) - mean($0, 0..<180) },
    ]
    let parts = shares.map { LikelihoodDifference($0, over: $0.map { _ in 0 }) }
    let expected = parts[0].mean + parts[1].mean
    // Four means of numbers below 1, rounded to float32, and of their sums.
    #expect(abs(found.value.value - expected) < 1e-6)
    let squares = parts.reduce(0) { $0 + 4 * pow($1.standardError ?? 0, 2) }
    #expect(abs((found.value.standardError ?? 0) / squares.squareRoot() - 1) < 1e-3)
    #expect(found.pValue == 0.01)
  }

  @Test("log p beside log p, by hand")
  func logProbabilitiesByHand() throws {
    // Of the six ways to choose two of four, two differ as much, and as much in rank.
    let apart = try comparison([-1, -2], [-3, -4], 5999)
    #expect(apart.tableMean.value == -1.5 && apart.modelMean.value == -3.5 && apart.difference.value == 2)
    #expect(abs((apart.difference.standardError ?? 0) - 0.5.squareRoot()) < 1e-12)
    #expect(apart.distance == 1 && apart.impossibleRowCount == 0)
    // 2000 ± 37 of 5999.
    #expect(abs(apart.differencePValue - 1.0 / 3) < 0.031 && abs(apart.distancePValue - 1.0 / 3) < 0.031)
    // The same mean, and all of one between those of the other; ties are one step.
    let spread = try comparison([-1, -1, -5, -5], [-3, -3, -3, -3, -3], 99)
    #expect(spread.difference.value == 0 && spread.differencePValue == 1 && spread.distance == 0.5)
    let equal = try comparison([-2, -2, -2], [-2, -2], 99)
    #expect(equal.differencePValue == 1 && equal.distance == 0 && equal.distancePValue == 1)
    let impossible = try comparison([-2, -2, -.infinity], [-2, -2, -2], 99)
    #expect(impossible.impossibleRowCount == 1 && impossible.difference.value == -.infinity)
    #expect(impossible.differencePValue == 0.01 && abs(impossible.distance - 1.0 / 3) < 1e-12)
  }

  @Test("shares of ones, by hand")
  func shares() {
    func z(_ tableOn: Int, _ tableRows: Int, _ modelOn: Int, _ modelRows: Int, among count: Int = 1)
      -> ShareDifference
    {
      ShareDifference(
        columns: [0], tableOn: tableOn, tableRows: tableRows, modelOn: modelOn, modelRows: modelRows,
        comparisonCount: count)
    }
    // 2 · (60 log 1.2 + 40 log 0.8) twice.
    let large = z(60, 100, 40, 100)
    #expect(abs(large.z - (4 * (60 * log(1.2) + 40 * log(0.8))).squareRoot()) < 1e-9)
    #expect(abs(large.pValue - erfc(large.z / 2.0.squareRoot())) < 1e-15 && large.tableShare == 0.6)
    #expect(z(40, 100, 60, 100).z == -large.z)
    #expect(abs(z(40, 100, 60, 100, among: 20).pValue - 20 * large.pValue) < 1e-12)
    // A single one in ten rows beside one in a thousand has a probability of a hundredth: no nine standard deviations.
    let rare = z(1, 10, 10, 10_000)
    #expect(abs(rare.z - 2.69) < 0.01 && rare.pValue > 0.005)
    for none in [z(0, 10, 0, 20), z(10, 10, 20, 20), z(3, 9, 2, 6)] {
      #expect(none.z == 0 && none.pValue == 1)
    }
  }

  /// A model of six variables, and what it is tested with.
  private static let options = TwoSampleTest.Options(
    rowCount: 150, kernelRowLimit: 60, permutationCount: 39, namedCount: 1)

  @Test("false alarms are as often as they may be, and no more often")
  func falseAlarms() throws {
    let model = try BaselineCase.mixture.density(6, seed: 3)
    let trials = 400
    var counts = [Int](repeating: 0, count: 5)
    for seed in 0..<trials {
      var generator = Philox(seed: UInt64(seed), stream: 0xFA15E)
      let rows = try model.sample(count: 70, using: &generator)
      var options = Self.options
      options.seed = UInt64(seed)
      let test = try #require(try model.twoSampleTest(against: rows, options))
      let values = [
        test.logProbability.differencePValue, test.logProbability.distancePValue, test.discrepancy.pValue,
        test.columns[0].pValue, test.pairs[0].pValue,
      ]
      for (index, value) in values.enumerated() where value <= 0.1 { counts[index] += 1 }
    }
    // At most 40 are expected, with a standard deviation of 6; by permutation exactly 40 but for ties. Five deviations.
    #expect(counts.allSatisfy { $0 <= 70 }, "\(counts)")
    #expect(counts[0] >= 10 && counts[2] >= 10, "\(counts)")
  }

  @Test("another distribution is told, and where it differs")
  func power() throws {
    let model = try BaselineCase.tree.density(6, seed: 3)
    var generator = Philox(seed: 5)
    var rows = try model.sample(count: 400, using: &generator)
    for row in 0..<400 where row % 4 > 0 { rows[row, 4] = true }
    var options = Self.options
    (options.rowCount, options.kernelRowLimit, options.namedCount) = (400, 300, 3)
    let test = try #require(try model.twoSampleTest(against: rows, options))
    #expect(test.discrepancy.pValue == 1.0 / 40 && test.discrepancy.tableRowCount == 300)
    #expect(test.columns.count == 3 && test.columns[0].columns == [4] && test.columns[0].pValue < 1e-6)
    #expect(test.columns[0].z > 5 && test.columns[0].tableShare > test.columns[0].modelShare)
    #expect(test.pairs.count == 3 && test.pairs[0].columns.contains(4))
    for pair in test.pairs {
      let both = (0..<400).count { row in rows[row, pair.columns[0]] && rows[row, pair.columns[1]] }
      #expect(pair.tableShare == Double(both) / 400)
    }
    #expect(test.pairedColumnCount == 6 && test.tableRowCount == 400 && test.modelRowCount == 400)
    // Rows all alike, the likeliest: their mean is too high.
    let mode = try model.tractable?.modes(given: PartialRows(rowCount: 1, columnCount: 6)).rows
    let same = try #require(mode).selecting(Array(repeating: 0, count: 50))
    let likely = try #require(try model.twoSampleTest(against: same, options))
    #expect(likely.logProbability.difference.value > 0 && likely.logProbability.differencePValue == 1.0 / 40)
    #expect(likely.logProbability.distancePValue == 1.0 / 40)
  }

  @Test("the same for any number of threads; of many rows some are chosen")
  func reproducible() throws {
    let model = try BaselineCase.mixture.density(6, seed: 3)
    let rows = BinaryMatrix.dependent(500, 6, seed: 8)
    var options = Self.options
    (options.rowLimit, options.rowCount) = (200, 2500)
    let found = try #require(try Threads.run(on: 1) { try model.twoSampleTest(against: rows, options) })
    #expect(try Threads.run(on: 3) { try model.twoSampleTest(against: rows, options) } == found)
    #expect(
      found.tableRowCount == 200 && found.modelRowCount == 2500 && found.discrepancy.modelRowCount == 60)
    options.seed = 1
    #expect(try model.twoSampleTest(against: rows, options) != found)
  }

  @Test("progress is told, and the work can be stopped anywhere")
  func stopping() throws {
    let model = try BaselineCase.mixture.density(6, seed: 3)
    let rows = BinaryMatrix.dependent(100, 6, seed: 8)
    var told: [Double] = []
    let found = try model.twoSampleTest(against: rows, Self.options) { (fraction) throws(DensityError) in
      told.append(fraction)
      return true
    }
    #expect(found != nil && told == told.sorted() && told.last == 1)
    for last in told {
      let stopped = try model.twoSampleTest(against: rows, Self.options) {
        (fraction) throws(DensityError) in fraction < last
      }
      #expect(stopped == nil)
    }
  }

  @Test func refusals() throws {
    let model = try BaselineCase.mixture.density(6, seed: 3)
    #expect(
      throws: DensityError.mismatch(path: "the table", expected: "6 columns as in the model", found: "5")
    ) {
      try model.twoSampleTest(against: BinaryMatrix(rowCount: 9, columnCount: 5))
    }
    #expect(
      throws: DensityError.mismatch(path: "the table", expected: "at least 2 rows to compare", found: "1")
    ) {
      try model.twoSampleTest(against: BinaryMatrix(rowCount: 1, columnCount: 6))
    }
    for options in [
      TwoSampleTest.Options(rowCount: 1), TwoSampleTest.Options(permutationCount: 0),
      TwoSampleTest.Options(kernelRowLimit: 1 << 30),
    ] {
      #expect(throws: DensityError.self) {
        try model.twoSampleTest(against: BinaryMatrix(rowCount: 9, columnCount: 6), options)
      }
    }
  }
}

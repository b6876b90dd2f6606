import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Exact queries of tractable densities, against enumeration")
struct TractableTests {
  /// Sums of up to 2¹⁰ products of up to 11 factors against another order of the same: 2¹¹ roundings and fewer.
  private func agree(_ logarithm: Double, _ expected: Double) -> Bool {
    expected == 0 ? logarithm == -.infinity : abs(logarithm - log(expected)) < 1e-12 * max(1, -log(expected))
  }

  @Test(
    "marginals, by on-bits too, are sums over all rows that agree", arguments: TractableCase.allCases,
    [1, 2, 3, 4, 5, 6] as [UInt64])
  func marginals(_ tractable: TractableCase, seed: UInt64) {
    for count in [1, 2, 4, 5, 10] {
      let subject = tractable.subject(count, seed: seed)
      let evidence =
        count < 6 ? PartialRows.allEvidence(count) : .allSubsets(count, seed: seed)
      let marginals = subject.queries.logMarginals(of: evidence)
      let counts = subject.queries.logMarginalsByOnBitCount(of: evidence)
      #expect(counts.rowCount == evidence.rowCount && counts.columnCount == count + 1)
      for row in 0..<evidence.rowCount {
        let sums = subject.sums(evidence[row: row])
        #expect(agree(marginals[row], sums.reduce(0, +)), "\(count) variables, \(evidence[row: row])")
        #expect(marginals[row] <= 0)
        for (n, sum) in sums.enumerated() {
          #expect(agree(counts[row, n], sum), "\(n) on-bits of \(count), \(evidence[row: row])")
        }
        let total = counts[row: row].reduce(0) { $0 + exp($1) }
        #expect(abs(total - exp(marginals[row])) < 1e-13)
      }
    }
  }

  @Test(
    "modes are the largest of all rows that agree, and proved", arguments: TractableCase.allCases,
    [1, 2, 3, 4, 5, 6] as [UInt64])
  func modes(_ tractable: TractableCase, seed: UInt64) throws {
    for count in [1, 2, 5, 10] {
      let subject = tractable.subject(count, seed: seed)
      let all = count < 6 ? PartialRows.allEvidence(count) : .allSubsets(count, seed: seed)
      let marginals = subject.queries.logMarginals(of: all)
      let evidence = all.selecting(marginals.indices.filter { marginals[$0] > -.infinity })
      let modes = try subject.queries.modes(given: evidence, nodeLimit: 1_000_000)
      #expect(modes.areProved)
      for row in 0..<evidence.rowCount {
        let known = evidence[row: row]
        let largest = subject.agreeing(known).reduce(0) { max($0, subject.probabilities[$1]) }
        let mode = modes.rows[row: row].enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }
        #expect(subject.agreeing(known).contains(mode))
        #expect(subject.probabilities[mode] >= largest * (1 - 1e-12))
        #expect(agree(modes.logProbabilities[row], largest) && modes.isProved(row))
      }
    }
  }

  @Test(
    "evidence of probability zero: a marginal of −∞, and an error of what would complete it",
    arguments: [TractableCase.deterministicForest, .deterministicMixture], [1, 2, 3, 4] as [UInt64])
  func impossibleEvidence(_ tractable: TractableCase, seed: UInt64) throws {
    let subject = tractable.subject(6, seed: seed)
    let evidence = PartialRows.allEvidence(6)
    let marginals = subject.queries.logMarginals(of: evidence)
    let (possible, impossible) = (
      try #require(marginals.firstIndex { $0 > -.infinity }),
      try #require(marginals.firstIndex { $0 == -.infinity })
    )
    let rows = evidence.selecting([possible, impossible, impossible])
    let error = DensityError.impossibleEvidence(row: 1, onBitCount: nil)
    var generator = Philox(seed: seed)
    #expect(throws: error) { try subject.queries.sample(given: rows, using: &generator) }
    #expect(throws: error) { try subject.queries.modes(given: rows, nodeLimit: 10) }
    #expect("\(error)" == "row 2 of the evidence has probability zero")
  }

  @Test(
    "completions come up as often as they should, given evidence and a number of on-bits",
    arguments: TractableCase.allCases, [1, 2, 3] as [UInt64])
  func frequencies(_ tractable: TractableCase, seed: UInt64) throws {
    // 24 cases, each 5 evidence sets with up to 7 numbers of on-bits: fewer than 1000 tests, one false alarm in 9000 runs.
    let (count, drawCount) = (6, 4000)
    let subject = tractable.subject(count, seed: seed)
    let all = PartialRows.allEvidence(count)
    let marginals = subject.queries.logMarginals(of: all)
    var generator = Philox(seed: seed, stream: 3)
    let possible = marginals.indices.filter { marginals[$0] > -300 }
    let chosen = [0] + (0..<4).map { _ in possible[generator.integer(below: possible.count)] }
    for index in chosen {
      let known = all[row: index]
      let agreeing = Set(subject.agreeing(known))
      let evidence = all.selecting(Array(repeating: index, count: drawCount))
      let total = subject.sums(known).reduce(0, +)
      let rows = try subject.queries.sample(given: evidence, using: &generator)
      #expect(
        comeUpAsExpected(rows) { agreeing.contains($0) ? subject.probabilities[$0] / total : 0 }, "\(known)")
      for (n, sum) in subject.sums(known).enumerated() {
        guard sum > 0 else {
          #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: n)) {
            try subject.queries.sample(given: evidence, onBitCount: n, using: &generator)
          }
          continue
        }
        let rows = try subject.queries.sample(given: evidence, onBitCount: n, using: &generator)
        #expect(
          comeUpAsExpected(rows) {
            agreeing.contains($0) && $0.nonzeroBitCount == n ? subject.probabilities[$0] / sum : 0
          }, "\(known), \(n) on-bits")
      }
    }
  }

  @Test(arguments: [TractableCase.bernoulli, .mixture, .tree])
  func countsThatNoRowHas(_ tractable: TractableCase) {
    let subject = tractable.subject(5, seed: 3)
    let evidence = PartialRows([[nil, nil, nil, nil, nil], [1, 1, nil, nil, 0]])
    var generator = Philox(seed: 1)
    for (n, row) in [(-1, 0), (6, 0), (1, 1), (5, 1), (.max, 0)] {
      #expect(throws: DensityError.impossibleEvidence(row: row, onBitCount: n)) {
        try subject.queries.sample(given: evidence, onBitCount: n, using: &generator)
      }
    }
  }

  @Test(
    "a row's draw follows from the seed and its index, for any number of threads",
    arguments: TractableCase.allCases)
  func determinism(_ tractable: TractableCase) throws {
    let subject = tractable.subject(9, seed: 2)
    let evidence = PartialRows(rowCount: 200, columnCount: 9)
    func draw(seed: UInt64, threads: Int) throws -> BinaryMatrix {
      var generator = Philox(seed: seed)
      return try Threads.run(on: threads) { try subject.queries.sample(given: evidence, using: &generator) }
    }
    let rows = try draw(seed: 5, threads: 1)
    #expect(try draw(seed: 5, threads: 2) == rows)
    if tractable == .bernoulli {
      #expect(try draw(seed: 6, threads: 2) != rows)
      #expect(rows.rows(0..<100) != rows.rows(100..<200))
    }
  }

  // MARK: The search for a mixture's mode

  private func contradiction(_ count: Int, _ components: Int, seed: UInt64) -> BernoulliMixture {
    BernoulliMixture(
      logits: .uniform(count, components, in: -1...1, seed: seed),
      logWeights: Matrix(rowCount: 1, columnCount: components))
  }

  @Test("branch and bound finds what enumeration does", arguments: [2, 8, 30], [1, 2, 3] as [UInt64])
  func largerMixtures(components: Int, seed: UInt64) throws {
    let mixture = contradiction(14, components, seed: seed)
    let modes = try mixture.modes(given: PartialRows(rowCount: 1, columnCount: 14))
    let all = mixture.logMarginals(of: PartialRows(.allRows(ofWidth: 14), knownColumns: 0..<14))
    #expect(modes.areProved)
    #expect(abs(modes.logProbabilities[0] - (all.max() ?? 0)) < 1e-11)
  }

  @Test("a search that is cut short says so, and bounds what it has not seen", arguments: [0, 1, 7, 100])
  func nodeLimit(_ limit: Int) throws {
    var unproved = 0
    for seed in 1...8 as ClosedRange<UInt64> {
      let mixture = contradiction(14, 20, seed: seed)
      let evidence = PartialRows(rowCount: 1, columnCount: 14)
      let modes = try mixture.modes(given: evidence, nodeLimit: limit)
      let best = try mixture.modes(given: evidence)
      let logProbability = mixture.logMarginals(of: PartialRows(modes.rows, knownColumns: 0..<14))[0]
      #expect(abs(modes.logProbabilities[0] - logProbability) < 1e-12)
      #expect(modes.logProbabilities[0] <= best.logProbabilities[0] + 1e-12)
      #expect(modes.logBounds[0] >= best.logProbabilities[0] - 1e-12)
      if !modes.areProved {
        unproved += 1
        #expect(modes.logBounds[0] > modes.logProbabilities[0])
      }
    }
    #expect(unproved > 0)
  }

  // MARK: Size

  @Test("a path of fifty thousand variables takes neither the stack nor the range of a Double")
  func longPath() throws {
    let count = 50_000
    let tree = ChowLiuTree(
      parents: (0..<count).map { $0 == 0 ? nil : $0 - 1 },
      logits: .uniform(2, count, in: -3...3, seed: 1))
    var generator = Philox(seed: 1)
    let ends = PartialRows(.random(2, count, seed: 2), knownColumns: [0, count - 1])
    let rows = try tree.sample(given: ends, using: &generator)
    let all = PartialRows(rows, knownColumns: 0..<count)
    for (row, logProbability) in tree.logProbabilities(of: rows).enumerated() {
      // Sums of 50 000 terms of up to 3 in two orders.
      #expect(abs(tree.logMarginals(of: all)[row] - logProbability) < 1e-6)
      #expect(rows[row, 0] == ends[row, 0] && rows[row, count - 1] == ends[row, count - 1])
    }
    let modes = try tree.modes(given: ends)
    #expect(zip(modes.logProbabilities, tree.logProbabilities(of: rows)).allSatisfy { $0 > $1 })
    #expect(abs(tree.logProbabilities(of: modes.rows)[0] - modes.logProbabilities[0]) < 1e-6)
    let few = try tree.sample(given: ends, onBitCount: 5, using: &generator)
    #expect(few.onBitCount(ofRow: 0) == 5 && few.onBitCount(ofRow: 1) == 5)
  }

  @Test("numbers of on-bits far from the mean", arguments: [TractableCase.bernoulli, .tree])
  func improbableCounts(_ tractable: TractableCase) {
    // p(no on-bit) and p(all on) are products, below the smallest Double.
    let count = 3000
    let logits = Matrix<Float>.uniform(2, count, in: -3...3, seed: 4)
    let queries: any ExactQueries =
      tractable == .tree
      ? ChowLiuTree(parents: (0..<count).map { $0 == 0 ? nil : ($0 - 1) / 2 }, logits: logits)
      : IndependentBernoulli(logits: logits.rows(0..<1))
    let counts = queries.logMarginalsByOnBitCount(of: PartialRows(rowCount: 1, columnCount: count))
    for isOn in [false, true] {
      let row = BinaryMatrix(rowCount: 1, columnCount: count) { _, _ in isOn }
      let expected = queries.logMarginals(of: PartialRows(row, knownColumns: 0..<count))[0]
      #expect(expected < -1500)
      #expect(abs(counts[0, isOn ? count : 0] - expected) < 1e-8)
    }
    #expect(abs(counts[row: 0].reduce(0) { $0 + exp($1) } - 1) < 1e-10)
  }

  @Test func evidenceOfAnotherWidth() async {
    await #expect(processExitsWith: .failure) {
      _ = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 3))
        .logMarginals(of: PartialRows(rowCount: 1, columnCount: 4))
    }
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Tractable densities along any ordering")
struct TractableCursorTests {
  static let cases: [TractableCase] = [
    .bernoulli, .mixture, .tree, .table, .extremeBernoulli, .extremeMixture, .extremeTree, .extremeTable,
  ]

  private func density(_ subject: TractableSubject) throws -> any AutoregressiveDensity & TractableDensity {
    try #require(subject.queries as? any AutoregressiveDensity & TractableDensity)
  }

  /// The density's own ordering, that reversed, and random ones.
  private func orderings(_ density: any AutoregressiveDensity, seed: UInt64) -> [Ordering] {
    [density.ordering, Ordering(density.ordering.variables.reversed())]
      + (0..<4).map { .random(count: density.variableCount, seed: seed, index: $0) }
  }

  /// Walks a cursor over given rows, and returns the logits, B × D in the order of the columns.
  private func logits(_ source: any CursorSource, _ rows: BinaryMatrix) -> Matrix<Float> {
    var result = Matrix<Float>(rowCount: rows.rowCount, columnCount: rows.columnCount)
    var logits = [Float](repeating: 0, count: rows.rowCount)
    let cursor = source.cursor(rowCount: rows.rowCount)
    for variable in source.ordering.variables {
      cursor.nextLogits(into: &logits)
      for row in logits.indices { result[row, variable] = logits[row] }
      cursor.advance((0..<rows.rowCount).map { rows[$0, variable] })
    }
    #expect(cursor.position == rows.columnCount)
    return result
  }

  @Test("conditionals are ratios of enumerated sums", arguments: cases, [1, 2, 3, 4, 5, 6] as [UInt64])
  func conditionals(_ tractable: TractableCase, seed: UInt64) throws {
    for count in [1, 2, 7, 8] {
      let subject = tractable.subject(count, seed: seed)
      let density = try density(subject)
      let rows = BinaryMatrix.random(20, count, seed: seed)
      for ordering in orderings(density, seed: seed) {
        let chain = try #require(density.autoregressive(along: ordering))
        #expect(chain.ordering == ordering && chain.tractable != nil)
        #expect(chain.logProbabilities(of: rows) == density.logProbabilities(of: rows))
        let logits = logits(chain.cursorSource(), rows)
        for row in 0..<rows.rowCount {
          var known = [Bool?](repeating: nil, count: count)
          for variable in ordering.variables {
            let sums = [false, true].map { value in
              known[variable] = value
              return subject.sums(known).reduce(0, +)
            }
            let expected = log(sums[1] / sums[0])
            known[variable] = rows[row, variable]
            // A rounding to Float, and some in Double.
            let error = abs(Double(logits[row, variable]) - expected)
            #expect(error <= 1.01 * roundoff * abs(expected) + 1e-12, "\(ordering.variables), \(variable)")
          }
        }
        if ordering != density.ordering {
          #expect(chain.conditionalLogits(of: rows).bitPatterns == logits.bitPatterns)
        }
      }
    }
  }

  @Test(
    "a row's logits do not depend on company, selection or resumption", arguments: cases, [1, 2] as [UInt64])
  func company(_ tractable: TractableCase, seed: UInt64) throws {
    let count = 9
    let density = try density(tractable.subject(count, seed: seed))
    let rows = BinaryMatrix.random(6, count, seed: seed)
    var generator = Philox(seed: seed)
    for ordering in orderings(density, seed: seed) {
      let source = try #require(density.autoregressive(along: ordering)).cursorSource()
      let alone = (0..<6).map { logits(source, rows.selecting([$0])) }
      var members = Array(0..<6)
      var cursor = source.cursor(rowCount: 6)
      for variable in ordering.variables {
        let chosen = (0..<5).map { _ in generator.integer(below: members.count) }
        switch generator.integer(below: 3) {
        case 0:
          cursor.select(chosen)
          members = chosen.map { members[$0] }
        case 1:
          let snapshots = cursor.snapshot(chosen)
          cursor = source.cursor(rowCount: 2)
          cursor.resume(snapshots)
          members = chosen.map { members[$0] }
        default: break
        }
        #expect(cursor.rowCount == members.count)
        var logits = [Float](repeating: 0, count: members.count)
        // Given values need no logits.
        if generator.integer(below: 4) > 0 {
          cursor.nextLogits(into: &logits)
          for (row, member) in members.enumerated() {
            #expect(logits[row].bitPattern == alone[member][0, variable].bitPattern)
          }
        }
        cursor.advance(members.map { rows[$0, variable] })
      }
    }
  }

  @Test(
    "a tree of many variables: conditionals multiply to p(x) along any ordering",
    arguments: [1, 2, 3] as [UInt64])
  func manyVariables(seed: UInt64) throws {
    let count = 700
    let tree = ChowLiuTree(
      parents: TractableCase.randomForest(count, seed: seed).parents,
      logits: .uniform(2, count, in: -6...6, seed: seed))
    try checkChainRule(tree, seed: seed)
  }

  @Test(
    "a path of variables, whose leaf comes first: messages go all the way", arguments: [1, 2] as [UInt64])
  func path(seed: UInt64) throws {
    let count = 600
    let path = ChowLiuTree(
      parents: (0..<count).map { $0 == 0 ? nil : $0 - 1 },
      logits: .uniform(2, count, in: -80...80, seed: seed))
    try checkChainRule(path, seed: seed)
  }

  @Test("a star: one variable has as many messages as there are others", arguments: [1, 2] as [UInt64])
  func star(seed: UInt64) throws {
    let star = ChowLiuTree(
      parents: (0..<600).map { $0 == 0 ? nil : 0 }, logits: .uniform(2, 600, in: -80...80, seed: seed))
    try checkChainRule(star, seed: seed)
  }

  @Test(
    "a mixture of many variables, whose shares leave the range of a Double", arguments: [1, 2] as [UInt64])
  func mixture(seed: UInt64) throws {
    try checkChainRule(
      BernoulliMixture(
        logits: .uniform(600, 5, in: -80...80, seed: seed),
        logWeights: .uniform(1, 5, in: -50...50, seed: seed)),
      seed: seed)
  }

  /// Checks Σ log conditionals against log p, and some conditionals against ratios of marginals.
  private func checkChainRule(
    _ density: some AutoregressiveDensity & TractableDensity, seed: UInt64
  ) throws {
    let count = density.variableCount
    let rows = BinaryMatrix.random(3, count, seed: seed)
    let all = density.logMarginals(of: PartialRows(rows, knownColumns: 0..<count))
    for ordering in orderings(density, seed: seed) {
      let logits = logits(try #require(density.autoregressive(along: ordering)).cursorSource(), rows)
      for row in 0..<rows.rowCount {
        let sum = (0..<count).reduce(0.0) { sum, i in
          let z = Double(logits[row, i]) * (rows[row, i] ? 1 : -1)
          return sum + min(z, 0) - log1p(exp(-abs(z)))
        }
        // A rounding to Float of each logit.
        #expect(abs(sum - all[row]) <= roundoff * (abs(all[row]) + Double(count)))
      }
      for position in [count / 3, count / 2, count - 1] {
        let variable = ordering.variables[position]
        var evidence = PartialRows(rows, knownColumns: ordering.variables[..<position])
        let values = [false, true].map { value in
          for row in 0..<rows.rowCount { evidence[row, variable] = value }
          return density.logMarginals(of: evidence)
        }
        for row in 0..<rows.rowCount {
          let expected = values[1][row] - values[0][row]
          // Two logarithms of Doubles, of up to 80 · 600.
          #expect(abs(Double(logits[row, variable]) - expected) <= 1.01 * roundoff * abs(expected) + 1e-10)
        }
      }
    }
  }

  @Test("what each offers", arguments: [TractableCase.bernoulli, .mixture, .tree])
  func capabilities(_ tractable: TractableCase) throws {
    let density = try density(tractable.subject(5, seed: 2))
    #expect(density.autoregressive()?.ordering == density.ordering)
    #expect(density.autoregressive(along: .natural(count: 4)) == nil)
    #expect(density.tractable?.variableCount == 5)
    let ordering = Ordering([4, 2, 0, 1, 3])
    let chain = try #require(density.autoregressive(along: ordering))
    #expect(chain.autoregressive()?.ordering == ordering)
    #expect(chain.autoregressive(along: density.ordering)?.ordering == density.ordering)
    // Walked, an ensemble of one and a mixture of one are the density.
    let rows = BinaryMatrix.random(8, 5, seed: 1)
    let mixed = try #require(Mixture([density, density]).autoregressive(along: ordering))
    for (a, b) in zip(mixed.logProbabilities(of: rows), density.logProbabilities(of: rows)) {
      #expect(abs(a - b) < 1e-5)
    }
  }
}

extension TractableCursorTests {
  @Test("rows drawn along another ordering come up as often as they should", arguments: cases[..<3])
  func sampling(_ tractable: TractableCase) throws {
    let subject = tractable.subject(6, seed: 4)
    let chain = try #require(try density(subject).autoregressive(along: .random(count: 6, seed: 9)))
    var generator = Philox(seed: 3)
    // Three tests: one false alarm in three million runs.
    let rows = chain.sample(count: 20_000, using: &generator)
    #expect(comeUpAsExpected(rows) { subject.probabilities[$0] })
  }
}

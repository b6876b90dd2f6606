import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("What each variable adds to log p")
struct ContributionTests {
  private let goOn: (Double) throws(DensityError) -> Bool = { (_) throws(DensityError) in true }

  /// Float32 conditionals err as log p does, by at most 1e-6 of a sum; the sum itself is in double precision.
  @Test(
    "a row's numbers add up to its log p, under every family", arguments: InferenceCase.all,
    [1, 2] as [UInt64])
  func sums(_ inferenceCase: InferenceCase, seed: UInt64) throws {
    let density = try inferenceCase.density(seed)
    let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
    let contributions = try density.contributions(of: rows)
    #expect(contributions.rowCount == rows.rowCount && contributions.conditioning == .before)
    for (sum, expected) in zip(contributions.sums, density.logProbabilities(of: rows)) {
      #expect(abs(sum - expected) <= 2e-6 * max(1, -expected))
    }
    #expect(contributions.values.elements.allSatisfy { $0 <= 0 })
    let hasOneOrder = density.autoregressive() != nil || density.tractable != nil
    #expect((contributions.remainders == nil) == hasOneOrder)
    #expect(contributions.remainders?.allSatisfy { $0 <= 0 } ?? true)

    let evaluator = try ContributionEvaluator(density)
    let exact = try #require(try evaluator.contributions(of: rows, inDouble: true, observing: goOn))
    // A client's own conditionals are in float32, whatever is wanted.
    let tolerance = density is ClientDensity ? 1e-6 : 1e-9
    for (sum, expected) in zip(exact.sums, inDouble(density, logProbabilitiesOf: rows)) {
      #expect(abs(sum - expected) <= tolerance * max(1, -expected))
    }
  }

  @Test("along an order a number is the log of the conditional of the value")
  func conditionals() throws {
    let density = try ModelCase.nade(7, 5, .relu, ordering: .random).model(seed: 4)
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let p = try density.chain().conditionals(of: rows)
    let values = try density.contributions(of: rows).values
    for row in 0..<rows.rowCount {
      for column in 0..<7 {
        let probability = rows[row, column] ? p[row, column] : 1 - p[row, column]
        #expect(abs(exp(values[row, column]) - Double(probability)) < 1e-6)
      }
    }
  }

  @Test("of several orders: the mean by responsibility, and minus a divergence, by hand")
  func remainder() throws {
    let parts = [
      try ModelCase.fvsbn(4, ordering: .explicit([2, 0, 3, 1])).model(seed: 1),
      try ModelCase.nade(4, 6, .sigmoid, ordering: .explicit([3, 1, 0, 2])).model(seed: 2),
    ]
    let weights = [0.3, 0.7]
    let rows = BinaryMatrix.allRows(ofWidth: 4)
    let found = try Mixture(parts, weights: weights).contributions(of: rows)
    let remainders = try #require(found.remainders)
    let own = try parts.map { try $0.contributions(of: rows) }
    for row in 0..<16 {
      let joint = zip(weights, own).map { $0 * exp($1.sums[row]) }
      let shares = joint.map { $0 / (joint[0] + joint[1]) }
      for column in 0..<4 {
        let expected = zip(shares, own).reduce(0) { $0 + $1.0 * $1.1.values[row, column] }
        #expect(abs(found.values[row, column] - expected) < 1e-12)
      }
      let divergence = zip(shares, weights).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
      #expect(abs(remainders[row] + divergence) < 1e-12 && divergence > 0)
      #expect(abs(found.sums[row] - log(joint[0] + joint[1])) < 1e-12)
    }
  }

  @Test("of two equal columns the first is the surprise")
  func order() throws {
    let rows = BinaryMatrix((0..<64).map { [$0 % 2, $0 % 2, $0 / 2 % 2] })
    let tree = try ChowLiuTree.fit(to: rows, pseudoCount: 1e-9)
    let values = try tree.contributions(of: rows).values
    let others = try tree.contributions(of: rows, given: .others).values
    for row in 0..<4 {
      let pair = [values[row, 0], values[row, 1]].sorted()
      #expect(abs(pair[0] + log(2)) < 1e-6 && pair[1] > -1e-6 && abs(values[row, 2] + log(2)) < 1e-6)
      // Given the other neither is.
      #expect(others[row, 0] > -1e-6 && others[row, 1] > -1e-6)
    }
  }

  @Test("a tractable density that is no chain: differences of its marginals")
  func marginals() throws {
    let tree = try ChowLiuTree.fit(to: .dependent(200, 6, seed: 3))
    let rows = BinaryMatrix.allRows(ofWidth: 6)
    let found = try Unordered(base: tree).contributions(of: rows)
    let natural = try #require(tree.autoregressive(along: .natural(count: 6)))
    let expected = try natural.contributions(of: rows)
    for (a, b) in zip(found.values.elements, expected.values.elements) { #expect(abs(a - b) < 1e-9) }
    for (sum, logProbability) in zip(found.sums, tree.logProbabilities(of: rows)) {
      #expect(abs(sum - logProbability) < 1e-9)
    }
  }

  @Test(
    "given all others: what enumeration says, and the log-pseudo-likelihood", arguments: InferenceCase.some)
  func others(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(3)
    let (count, all) = (density.variableCount, Enumerated(try inferenceCase.density(3)))
    let found = try density.contributions(of: all.rows, given: .others)
    #expect(found.remainders == nil && found.conditioning == .others)
    for row in stride(from: 0, to: all.rows.rowCount, by: 17) {
      var sum = 0.0
      for column in 0..<count {
        let flipped = try #require(
          (0..<all.rows.rowCount).first { candidate in
            (0..<count).allSatisfy { (all.rows[candidate, $0] != all.rows[row, $0]) == ($0 == column) }
          })
        let (p, q) = (exp(all.logProbabilities[row]), exp(all.logProbabilities[flipped]))
        #expect(abs(found.values[row, column] - log(p / (p + q))) < 1e-4)
        sum += found.values[row, column]
      }
      #expect(abs(found.sums[row] - sum) < 1e-12)
    }
  }

  @Test("a density of whole rows alone is refused, but given all others")
  func opaque() throws {
    let rows = BinaryMatrix.allRows(ofWidth: 3)
    for density in [Opaque(), Mixture([Opaque(), Opaque()])] as [any Density] {
      #expect {
        _ = try density.contributions(of: rows)
      } throws: { error in
        guard case DensityError.unsupported(let reason)? = error as? DensityError else { return false }
        return reason.contains("log p of whole rows alone")
      }
      // Of eight rows as likely each bit is as likely as not.
      let found = try density.contributions(of: rows, given: .others)
      #expect(found.values.elements.allSatisfy { abs($0 + log(2)) < 1e-12 })
    }
  }

  @Test("impossible rows have a sum of −∞, and a row that is not a number is named")
  func extremes() throws {
    let rows = BinaryMatrix([[0, 0], [1, 0], [1, 1]])
    let certain = Constant([.infinity, 0])
    let alone = try certain.contributions(of: rows)
    #expect(alone.values[0, 0] == -.infinity && alone.sums[0] == -.infinity && alone.values[1, 0] == 0)
    let mixed = try Mixture([certain, Constant([.infinity, 1], order: [1, 0])]).contributions(of: rows)
    #expect(mixed.sums[0] == -.infinity && mixed.sums[1].isFinite && mixed.remainders?[0] == 0)
    // A row that one of two has is of that one, which costs log 2.
    let half = try Mixture([certain, Constant([-.infinity, 1], order: [1, 0])]).contributions(of: rows)
    for row in 0..<3 {
      #expect(half.values[row, 0] == 0 && abs((half.remainders?[row] ?? 0) + log(2)) < 1e-12)
    }
    var summary = ContributionSummary(variableCount: 2)
    summary.add(alone)
    #expect(summary.variables[0].mean == -.infinity && summary.variables[0].standardError == nil)
    #expect(abs(summary.variables[1].mean + log(2)) < 1e-12)
    #expect(throws: DensityError.undefined(row: 0)) { try Constant([.nan, 0]).contributions(of: rows) }
  }

  @Test("who says to stop gets nothing")
  func stops() throws {
    let rows = BinaryMatrix.allRows(ofWidth: 3)
    for conditioning in Conditioning.allCases {
      let evaluator = try ContributionEvaluator(ModelCase.fvsbn(3).model(seed: 1), given: conditioning)
      #expect(try evaluator.contributions(of: rows) { (_) throws(DensityError) in false } == nil)
      #expect(
        try evaluator.contributions(of: BinaryMatrix(rowCount: 0, columnCount: 3), observing: goOn)?.rowCount
          == 0)
    }
  }

  @Test("means over rows and their standard errors, by hand, in whatever parts rows come")
  func summary() throws {
    let density = try CompositeCase.mixture.density(seed: 2)
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let all = try density.contributions(of: rows)
    var summary = ContributionSummary(variableCount: 7)
    for start in [0, 5, 64] {
      let end = start == 0 ? 5 : start == 5 ? 64 : 128
      summary.add(try density.contributions(of: rows.rows(start..<end)))
    }
    func check(_ mean: ContributionSummary.Mean?, _ values: [Double]) {
      let expected = values.reduce(0, +) / 128
      let variance = values.reduce(0) { $0 + ($1 - expected) * ($1 - expected) } / 127
      #expect(abs((mean?.mean ?? 0) - expected) < 1e-9)
      #expect(abs((mean?.standardError ?? 0) - (variance / 128).squareRoot()) < 1e-9)
    }
    #expect(summary.rowCount == 128)
    for column in 0..<7 { check(summary.variables[column], (0..<128).map { all.values[$0, column] }) }
    check(summary.remainder, all.remainders ?? [])
    check(summary.sum, all.sums)
    let total = summary.variables.reduce(summary.remainder?.mean ?? 0) { $0 + $1.mean }
    #expect(abs(total - summary.sum.mean) < 1e-9)

    var single = ContributionSummary(variableCount: 7)
    single.add(try density.contributions(of: rows.rows(3..<4)))
    #expect(single.sum.standardError == nil && abs(single.sum.mean - all.sums[3]) < 1e-9)
  }
}

/// A density of three bits, all rows as likely, that gives log p of whole rows alone.
private struct Opaque: Density {
  let variableCount = 3
  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Array(repeating: -3 * log(2), count: rows.rowCount)
  }
}

/// Independent bits of given logits, infinite ones too.
private struct Constant: AutoregressiveDensity {
  let logits: [Float]
  let ordering: Ordering
  var variableCount: Int { logits.count }

  init(_ logits: [Float], order: [Int] = [0, 1]) { (self.logits, ordering) = (logits, Ordering(order)) }

  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    Matrix(rowCount: rows.rowCount, columnCount: variableCount) { _, column in logits[column] }
  }
}

/// A tree as a client may write it: exact marginals, and no chain.
private struct Unordered: TractableDensity {
  let base: ChowLiuTree
  var variableCount: Int { base.variableCount }
  var tractable: (any TractableDensity)? { self }

  func logProbabilities(of rows: BinaryMatrix) -> [Double] { base.logProbabilities(of: rows) }
  func logMarginals(of evidence: PartialRows) -> [Double] { base.logMarginals(of: evidence) }
  func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix { try base.sample(given: evidence, using: &generator) }
  func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    try base.modes(given: evidence, nodeLimit: nodeLimit)
  }
  func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    base.logMarginalsByOnBitCount(of: evidence)
  }
  func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try base.sample(given: evidence, onBitCount: onBitCount, using: &generator)
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// What a tractable density answers: asked of densities and of what they compute with.
protocol ExactQueries: Sendable {
  func logMarginals(of evidence: PartialRows) -> [Double]
  func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix
  func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes
  func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double>
  func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix
}

extension IndependentBernoulli: ExactQueries {}
extension BernoulliMixture: ExactQueries {}
extension ChowLiuTree: ExactQueries {}
extension TabulatedDensity: ExactQueries {}
extension BernoulliTables: ExactQueries {}
extension BinaryForest: ExactQueries {
  func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    try modes(given: evidence)
  }
}

/// A random tractable density, with the probabilities of all rows by its definition.
struct TractableSubject: Sendable {
  let queries: any ExactQueries
  let variableCount: Int
  /// p of row r of `BinaryMatrix.allRows`.
  let probabilities: [Double]

  /// Returns Σ p(x) over the rows that agree with evidence, for each number of on-bits.
  func sums(_ evidence: [Bool?]) -> [Double] {
    var sums = [Double](repeating: 0, count: variableCount + 1)
    for row in agreeing(evidence) { sums[row.nonzeroBitCount] += probabilities[row] }
    return sums
  }

  /// The rows that agree with evidence.
  func agreeing(_ evidence: [Bool?]) -> [Int] {
    var (known, values) = (0, 0)
    for (i, value) in evidence.enumerated() {
      known |= value != nil ? 1 << i : 0
      values |= value == true ? 1 << i : 0
    }
    return probabilities.indices.filter { $0 & known == values }
  }
}

enum TractableCase: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case bernoulli, mixture, tree, table
  /// Logits of ±80 and near them.
  case extremeBernoulli, extremeMixture, extremeTree
  /// Probabilities down to e⁻⁵⁰⁰.
  case extremeTable
  /// Probabilities of which many are 0 or 1; a mixture also has components without weight.
  case deterministicForest, deterministicMixture

  var testDescription: String { rawValue }

  func subject(_ count: Int, seed: UInt64) -> TractableSubject {
    let isExtreme = [.extremeBernoulli, .extremeMixture, .extremeTree].contains(self)
    let range = isExtreme ? -80.0...80 : -2.5...2.5
    let componentCount = 1 + Int(seed % 5)
    var generator = Philox(seed: seed, stream: 0x7AC)
    switch self {
    case .bernoulli, .extremeBernoulli:
      let density = IndependentBernoulli(logits: .uniform(1, count, in: range, seed: seed))
      return subject(density, count) { x in
        x.enumerated().reduce(1) { $0 * p($1.element, density.logits[0, $1.offset]) }
      }
    case .mixture, .extremeMixture:
      let density = BernoulliMixture(
        logits: .uniform(count, componentCount, in: range, seed: seed),
        logWeights: .uniform(1, componentCount, in: isExtreme ? -50...50 : -1...1, seed: seed))
      return subject(density, count) { x in
        density.weights.enumerated().reduce(0) { sum, component in
          sum
            + x.enumerated().reduce(component.element) {
              $0 * p($1.element, density.logits[$1.offset, component.offset])
            }
        }
      }
    case .tree, .extremeTree:
      let density = ChowLiuTree(
        parents: Self.randomForest(count, seed: seed).parents,
        logits: .uniform(2, count, in: range, seed: seed))
      return subject(density, count) { x in
        x.indices.reduce(1) {
          $0 * p(x[$1], density.logits[density.parents[$1].map { x[$0] ? 1 : 0 } ?? 0, $1])
        }
      }
    case .table, .extremeTable:
      let density = TabulatedDensity(
        logProbabilities: .uniform(1, 1 << count, in: self == .table ? -3...1 : -500...0, seed: seed))
      let weights = density.logProbabilities.elements.map { exp(Double($0)) }
      let total = weights.reduce(0, +)
      return subject(density, count) { x in
        weights[x.enumerated().reduce(0) { $0 + ($1.element ? 1 << $1.offset : 0) }] / total
      }
    case .deterministicForest:
      let (parents, order) = Self.randomForest(count, seed: seed)
      let on = (0..<2 * count).map { _ in Self.probability(using: &generator) }
      func q(_ i: Int, _ b: Bool) -> Double { on[2 * i + (b && parents[i] != nil ? 1 : 0)] }
      let forest = BinaryForest(
        parents: parents, order: order,
        probabilities: (0..<count).flatMap { [1 - q($0, false), q($0, false), 1 - q($0, true), q($0, true)] })
      return subject(forest, count) { x in
        x.indices.reduce(1) { product, i in
          let q = q(i, parents[i].map { x[$0] } ?? false)
          return product * (x[i] ? q : 1 - q)
        }
      }
    case .deterministicMixture:
      let on = (0..<count * componentCount).map { _ in Self.probability(using: &generator) }
      var weights = (0..<componentCount).map { _ in
        Bool.random(using: &generator) ? 0 : Double.random(in: 0..<1, using: &generator)
      }
      weights[0] += 0.1
      weights = weights.map { $0 / weights.reduce(0, +) }
      let tables = BernoulliTables(
        weights: weights.map { WideDouble($0) },
        probabilities: (0..<count).flatMap { i in
          let q = on[i * componentCount..<(i + 1) * componentCount]
          return q.map { 1 - $0 } + q
        })
      return subject(tables, count) { x in
        weights.enumerated().reduce(0) { sum, component in
          sum
            + x.indices.reduce(component.element) {
              let q = on[$1 * componentCount + component.offset]
              return $0 * (x[$1] ? q : 1 - q)
            }
        }
      }
    }
  }

  private func subject(
    _ queries: any ExactQueries, _ count: Int, probability: ([Bool]) -> Double
  ) -> TractableSubject {
    TractableSubject(
      queries: queries, variableCount: count,
      probabilities: (0..<1 << count).map { row in probability((0..<count).map { row >> $0 & 1 == 1 }) })
  }

  /// σ(z) or σ(−z).
  private func p(_ isOn: Bool, _ z: Float) -> Double {
    let z = isOn ? Double(z) : -Double(z)
    return z < 0 ? exp(z) / (1 + exp(z)) : 1 / (1 + exp(-z))
  }

  private static func probability(using generator: inout Philox) -> Double {
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: 0
    case 1: 1
    default: Double.random(in: 0..<1, using: &generator)
    }
  }

  /// A random forest, and an order in which parents come first.
  static func randomForest(_ count: Int, seed: UInt64) -> (parents: [Int?], order: [Int]) {
    var generator = Philox(seed: seed, stream: 0xF0)
    let order = Ordering.random(count: count, seed: seed).variables
    var parents = [Int?](repeating: nil, count: count)
    for position in 1..<max(1, count) where Double.random(in: 0..<1, using: &generator) < 0.85 {
      parents[order[position]] = order[Int.random(in: 0..<position, using: &generator)]
    }
    return (parents, order)
  }
}

extension PartialRows {
  /// Every subset of the variables known once, with random values.
  static func allSubsets(_ count: Int, seed: UInt64) -> PartialRows {
    PartialRows(values: .random(1 << count, count, seed: seed), known: .allRows(ofWidth: count))
  }

  /// Every cell unknown, off or on: 3ᴰ rows.
  static func allEvidence(_ count: Int) -> PartialRows {
    let rows = (0..<count).reduce([[]] as [[Int?]]) { rows, _ in
      rows.flatMap { row in [nil, 0, 1].map { row + [$0] } }
    }
    return PartialRows(rows)
  }
}

/// Returns whether rows come up as often as they should, by Pearson's statistic: false for rows that are impossible.
///
/// P(χ²_n ≥ n + 2√(n·t) + 2t) ≤ e⁻ᵗ (Laurent & Massart, 2000); t = 16 is one false alarm in nine million. Cells that are
/// expected less than five times are one.
func comeUpAsExpected(_ rows: BinaryMatrix, _ probability: (Int) -> Double) -> Bool {
  var observed: [Int: Double] = [:]
  for row in 0..<rows.rowCount {
    observed[rows[row: row].enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }, default: 0] +=
      1
  }
  var (statistic, cells) = (0.0, 0.0)
  var rest = (observed: 0.0, expected: 0.0)
  for row in 0..<1 << rows.columnCount {
    let (o, e) = (observed[row] ?? 0, probability(row) * Double(rows.rowCount))
    if e == 0 && o > 0 { return false }
    guard e >= 5 else {
      rest = (rest.observed + o, rest.expected + e)
      continue
    }
    statistic += (o - e) * (o - e) / e
    cells += 1
  }
  if rest.expected > 0 {
    statistic += (rest.observed - rest.expected) * (rest.observed - rest.expected) / max(5, rest.expected)
    cells += 1
  }
  return statistic <= cells + 2 * (cells * 16).squareRoot() + 32
}

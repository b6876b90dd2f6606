import Foundation
import Kernels

/// A mixture of densities: each row comes whole from one of them.
///
///     p(x) = Σ_k w_k · p_k(x)
///
/// Any densities over the same variables mix, whatever their families and orders, and the result is exact: it is
/// probabilities of whole rows that are averaged. (Averaging the conditionals of models with different orders, or
/// their logits, gives no density, for each has seen what the other is asked about.) Models of one order can also be
/// averaged conditional by conditional: see `Ensemble`.
///
///     let mixture = Mixture(models).fittingWeights(to: validation)
public struct Mixture: Density {
  /// Mixture.
  public static let kind = ModelKind.mixture
  private let parts: WeightedDensities

  /// Mixes densities, with equal weights if none are given.
  ///
  /// - Precondition: there is at least one, all have the same number of variables, and there is a weight for each,
  ///   none negative and not all zero.
  public init(_ components: [any Density], weights: [Double]? = nil) {
    parts = WeightedDensities(components, weights: weights)
  }

  /// The densities.
  public var components: [any Density] { parts.densities }
  /// Their weights: positive or zero, with a sum of 1.
  public var weights: [Double] { parts.weights }
  /// The number of variables.
  public var variableCount: Int { components[0].variableCount }
  /// The numbers of all components' parameters, and the weights.
  public var parameterCount: Int { parts.parameterCount }
  /// The order of all components, if it is one.
  public var sharedOrdering: Ordering? {
    let first = components[0].sharedOrdering
    return components.allSatisfy { $0.sharedOrdering == first } ? first : nil
  }

  /// Returns log Σ_k w_k p_k(x) of each row.
  public func logProbability(of rows: BinaryMatrix, observing observe: (Double) -> Void) -> [Double] {
    let terms = components.indices.map { k in
      components[k].logProbability(of: rows) { observe((Double(k) + $0) / Double(components.count)) }
    }
    return Mixture.mixed(terms, weights: weights)
  }

  /// Returns log Σ_k w_k p_k(x) of each row, in Double throughout.
  public func referenceLogProbability(of rows: BinaryMatrix) -> [Double] {
    Mixture.mixed(components.map { $0.referenceLogProbability(of: rows) }, weights: weights)
  }

  /// Returns log Σ_k w_k exp terms[k][r] of each row r.
  static func mixed(_ terms: [[Double]], weights: [Double]) -> [Double] {
    let logWeights = weights.map(log)
    return terms[0].indices.map { row in
      // Weights add up to 1 but for rounding, so no more than a rounding is cut off.
      min(0, logSumExp(terms.indices.map { logWeights[$0] + terms[$0][row] }))
    }
  }

  /// Returns what computes the logits of the mixture's own conditionals.
  ///
  ///     p(x_i = 1 | x_<i) = Σ_k r_k · p_k(x_i = 1 | x_<i),   r_k ∝ w_k · p_k(x_<i)
  ///
  /// - Precondition: `sharedOrdering != nil`.
  public func conditionalLogits<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> (BinaryMatrix) -> Matrix<Scalar> {
    guard let sharedOrdering else {
      preconditionFailure("the mixture's components differ in ordering: it has no common conditionals")
    }
    let members = components.map { $0.conditionalLogits(in: type, batchCapacity: batchCapacity) }
    return { rows in
      mixedLogits(
        members.map { $0(rows) }, logWeights: weights.map(log), rows: rows, ordering: sharedOrdering)
    }
  }

  /// Draws the component of every row, then each component's rows.
  public func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logProbabilities: [Double]) {
    let rows = sample(count: count, using: &generator)
    return (rows, logProbability(of: rows))
  }

  /// Draws the component of every row, then each component's rows.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    precondition(count >= 0, "cannot draw \(count) rows")
    var members: [[Int]] = components.map { _ in [] }
    for row in 0..<count { members[drawIndex(weights: weights, using: &generator)].append(row) }
    var drawn: [BinaryMatrix] = []
    var place = Array(repeating: 0, count: count)
    var next = 0
    for (component, rows) in members.enumerated() where !rows.isEmpty {
      drawn.append(components[component].sample(count: rows.count, using: &generator))
      for row in rows {
        place[row] = next
        next += 1
      }
    }
    return BinaryMatrix(concatenating: drawn, columnCount: variableCount).selecting(place)
  }

  // MARK: Fitting

  /// Returns the mixture of the same components whose weights maximise the likelihood of rows.
  ///
  /// Expectation maximisation from the present weights; the likelihood never falls, and the problem has a single
  /// maximum. Rows that were not trained on are wanted, or the component that has overfitted most wins.
  /// - Complexity: one evaluation of every component, then O(rows · components) an iteration.
  public func fittingWeights(to rows: BinaryMatrix) -> Mixture {
    guard rows.rowCount > 0, components.count > 1 else { return self }
    let terms = components.map { $0.logProbability(of: rows) }
    return Mixture(components, weights: Mixture.fittedWeights(terms, from: weights))
  }

  /// Returns the weights that maximise Σ_r log Σ_k w_k exp terms[k][r].
  ///
  /// - Source: Dempster, Laird, Rubin, J. Royal Statistical Society B 39, 1977, section 4.3.
  static func fittedWeights(_ terms: [[Double]], from start: [Double]) -> [Double] {
    let rowCount = terms[0].count
    // exp(term − the row's largest), once: an iteration is then products and sums.
    var shares = Array(repeating: 0.0, count: rowCount * terms.count)
    for row in 0..<rowCount {
      let largest = terms.reduce(-Double.infinity) { max($0, $1[row]) }
      for k in terms.indices { shares[row * terms.count + k] = exp(terms[k][row] - largest) }
    }
    var weights = start
    for _ in 0..<500 {
      var sums = Array(repeating: 0.0, count: terms.count)
      for row in 0..<rowCount {
        let base = row * terms.count
        var total = 0.0
        for k in terms.indices { total += weights[k] * shares[base + k] }
        guard total > 0 else { continue }
        for k in terms.indices { sums[k] += weights[k] * shares[base + k] / total }
      }
      let total = sums.reduce(0, +)
      guard total > 0 else { return start }
      let updated = sums.map { $0 / total }
      let change = zip(updated, weights).reduce(0) { max($0, abs($1.0 - $1.1)) }
      weights = updated
      if change < 1e-6 { break }
    }
    return weights
  }

  // MARK: Checkpoints

  /// The weights and the components.
  public func archived() -> DensityArchive { parts.archived(as: kind) }

  /// Restores a mixture.
  public init(_ archive: DensityArchive) throws(DensityError) { parts = try WeightedDensities(archive) }
}

/// Returns log Σ exp of some numbers; −∞ if all are.
func logSumExp(_ terms: [Double]) -> Double {
  let largest = terms.reduce(-Double.infinity, max)
  guard largest > -Double.infinity else { return largest }
  return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
}

/// Draws k with probability w_k, of weights with a sum of 1.
func drawIndex(weights: [Double], using generator: inout some RandomNumberGenerator) -> Int {
  var u = Double.random(in: 0..<1, using: &generator)
  for (index, weight) in weights.enumerated() {
    u -= weight
    if u < 0 { return index }
  }
  // The last with a weight takes what rounding leaves.
  return weights.lastIndex { $0 > 0 } ?? 0
}

/// Returns log σ(z).
func logSigmoid(_ z: Double) -> Double { min(z, 0) - log1p(exp(-abs(z))) }

/// Returns the logits of the conditionals of a mixture of densities that share an ordering, from theirs.
func mixedLogits<Scalar: KernelScalar>(
  _ logits: [Matrix<Scalar>], logWeights: [Double], rows: BinaryMatrix, ordering: Ordering
) -> Matrix<Scalar> {
  var result = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: rows.columnCount)
  for row in 0..<rows.rowCount {
    var logShares = logWeights
    for variable in ordering.variables {
      let z = logits.map { Double($0[row, variable]) }
      let on = z.map(logSigmoid)
      let off = z.map { logSigmoid(-$0) }
      let logit =
        logSumExp(zip(logShares, on).map { $0 + $1 }) - logSumExp(zip(logShares, off).map { $0 + $1 })
      result[row, variable] = Scalar(logit)
      let seen = rows[row, variable] ? on : off
      for k in logShares.indices { logShares[k] += seen[k] }
    }
  }
  return result
}

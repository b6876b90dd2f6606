import Essentials
import Kernels

/// Returns log Σ exp of some numbers; −∞ if all are.
func logSumExp(_ terms: [Double]) -> Double {
  let largest = terms.reduce(-Double.infinity, max)
  guard largest > -Double.infinity else { return largest }
  return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
}

/// Returns log (e^a + e^b).
func logSumExp(_ a: Double, _ b: Double) -> Double {
  let (large, small) = (max(a, b), min(a, b))
  return large > -.infinity ? large + log1p(exp(small - large)) : large
}

/// Returns log σ(z) = −log(1 + e⁻ᶻ), accurate for any z.
func logSigmoid(_ z: Double) -> Double { min(z, 0) - log1p(exp(-abs(z))) }

/// Returns a log-probability, or −∞ in place of one that only a logit which excludes a value can give: of the size of
/// `KernelScalar.forcedLogit`, or of that times a weight.
func orImpossible(_ logProbability: Double) -> Double { logProbability < -1e17 ? -.infinity : logProbability }

/// Returns log Σ_k w_k exp terms[k][r] of each row r.
///
/// - Precondition: there is at least one term, and as many numbers in each.
func logMixture(_ terms: [[Double]], weights: [Double]) -> [Double] {
  let logWeights = weights.map(log)
  return terms[0].indices.map { row in
    // Weights add up to 1 but for rounding, so no more than a rounding is cut off.
    min(0, logSumExp(terms.indices.map { logWeights[$0] + terms[$0][row] }))
  }
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

/// Returns Σ_i log p(x_i) of each row under independent Bernoullis of given logits (B × D), in nats.
func logLikelihoods<Scalar: KernelScalar>(logits: Matrix<Scalar>, of rows: BinaryMatrix) -> [Double] {
  guard rows.rowCount > 0 else { return [] }
  var targets = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: rows.columnCount)
  targets.withUnsafeMutableView { rows.copyRows(0..<rows.rowCount, into: $0) }
  var sums = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: 1)
  sums.withUnsafeMutableView(reading: logits, targets) { sums, logits, targets in
    Scalar.bernoulliLogLikelihood(logits: logits, targets: targets, into: sums)
  }
  return sums.elements.map { orImpossible(Double($0)) }
}

/// Returns the logits of the conditionals of a mixture of densities of one ordering, from theirs.
///
///     p(x_i = 1 | x_<i) = Σ_k r_k · p_k(x_i = 1 | x_<i),   r_k ∝ w_k · p_k(x_<i)
///
/// - Parameters:
///   - logits: B × D for each density.
///   - logWeights: log w_k, up to a common term.
/// - Complexity: O(K · B · D).
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

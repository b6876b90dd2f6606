import Essentials
import Kernels

/// What a conditional of a given logit says of its variable, in double precision.
package struct LogitTerms {
  /// The probabilities of 1 and of 0.
  package let on, off: Double
  /// −log of these.
  package let costOfOn, costOfOff: Double

  /// The terms of a logit, which may be infinite.
  package init(_ z: Double) {
    let small = exp(-abs(z))
    let (less, more) = (small / (1 + small), 1 / (1 + small))
    (on, off) = z < 0 ? (less, more) : (more, less)
    let rest = log1p(small)
    costOfOn = max(-z, 0) + rest
    costOfOff = max(z, 0) + rest
  }

  /// The mean cost of a variable drawn by these probabilities under another conditional's costs, or under its own: then it is
  /// the entropy.
  package func meanCost(under other: LogitTerms) -> Double {
    // What is impossible costs nothing, however improbable the other holds it.
    (on > 0 ? on * other.costOfOn : 0) + (off > 0 ? off * other.costOfOff : 0)
  }
}

/// What is computed of rows under a density to estimate its entropy.
///
/// Of a chain each term of −log p(x) = Σ_i −log p(x_i | x_<i) is replaced by its mean given the variables before, the entropy of
/// the conditional: the expectation is the same, and what the draws of x_i alone add to the scatter is gone.
///
/// - Source: Rao, Bull. Calcutta Math. Soc. 37, 1945; Blackwell, Ann. Math. Stat. 18, 1947.
struct EntropyTerms: Sendable {
  private let evaluator: Evaluator
  private let chain: AutoregressiveEvaluator?

  init(_ density: any Density) {
    evaluator = density.evaluator()
    chain = density.autoregressive().map { $0.evaluator() }
  }

  /// The entropies of each row's conditionals, or −log p of it, in nats.
  func entropies(of rows: BinaryMatrix) throws(DensityError) -> [Double] {
    guard let chain else { return try logProbabilities(of: rows).map { -$0 } }
    let logits = chain.conditionalLogits(of: rows)
    let terms = rows.mapRows { row in
      (0..<rows.columnCount).reduce(0.0) { sum, column in
        let term = LogitTerms(Double(logits[row, column]))
        return sum + term.meanCost(under: term)
      }
    }
    return try terms.checked()
  }

  /// log p of each row, in nats.
  func logProbabilities(of rows: BinaryMatrix) throws(DensityError) -> [Double] {
    try evaluator.logProbabilities(of: rows) { (_) throws(DensityError) in true } ?? []
  }
}

extension [Double] {
  /// Returns the numbers.
  ///
  /// - Throws: `DensityError.undefined` of the first row whose number is none.
  func checked() throws(DensityError) -> [Double] {
    if let row = firstIndex(where: { $0.isNaN || $0 == -.infinity }) { throw .undefined(row: row) }
    return self
  }
}

import Essentials
import Kernels

/// What is computed of rows drawn of one of two densities to estimate how far these are apart.
struct DivergenceTerms: Sendable {
  private let first: Side
  private let second: Side

  /// One of the densities.
  private struct Side: Sendable {
    let evaluator: Evaluator
    let terms: EntropyTerms
    /// The density along the order that both have; nil if they have none in common.
    let chain: AutoregressiveEvaluator?
  }

  init(_ first: any Density, _ second: any Density) {
    let views = [first, second].views(along: nil)
    func side(_ density: any Density, _ view: (any AutoregressiveDensity)?) -> Side {
      Side(
        evaluator: density.evaluator(), terms: EntropyTerms(density),
        chain: view.map { $0.evaluator() })
    }
    self.first = side(first, views?[0])
    self.second = side(second, views?[1])
  }

  /// The densities to be drawn of.
  ///
  /// The figures are the entropy of a row's own density p, its divergence from the other one, q,
  /// what the row tells of which it is from, and the cross entropy.
  var sources: [EntropyDraws.Source] {
    [(first, second), (second, first)].map { own, other in
      EntropyDraws.Source(evaluator: own.evaluator) { (rows) throws(DensityError) in
        let terms = try Self.terms(of: rows, own, other)
        return [
          terms.map(\.entropy), terms.map(\.divergence), terms.map { information($0.logRatio) },
          terms.map { $0.entropy + $0.divergence },
        ]
      }
    }
  }

  /// The figures of one row.
  private struct Terms: Sendable {
    var entropy = 0.0
    var divergence = 0.0
    /// log p − log q.
    var logRatio = 0.0
  }

  private static func terms(of rows: BinaryMatrix, _ own: Side, _ other: Side) throws(DensityError) -> [Terms]
  {
    guard let ownChain = own.chain, let otherChain = other.chain else {
      let entropies = try own.terms.entropies(of: rows)
      let (logP, logQ) = (
        try own.terms.logProbabilities(of: rows), try other.terms.logProbabilities(of: rows)
      )
      // What was drawn has a probability.
      if let row = logP.firstIndex(of: -.infinity) { throw .undefined(row: row) }
      return entropies.indices.map {
        let ratio = logP[$0] - logQ[$0]
        return Terms(entropy: entropies[$0], divergence: ratio, logRatio: ratio)
      }
    }
    let (p, q) = (ownChain.conditionalLogits(of: rows), otherChain.conditionalLogits(of: rows))
    let terms = rows.mapRows { row in
      var sum = Terms()
      for column in 0..<rows.columnCount {
        let (own, other) = (LogitTerms(Double(p[row, column])), LogitTerms(Double(q[row, column])))
        let entropy = own.meanCost(under: own)
        sum.entropy += entropy
        sum.divergence += max(0, own.meanCost(under: other) - entropy)
        sum.logRatio +=
          rows[row, column] ? other.costOfOn - own.costOfOn : other.costOfOff - own.costOfOff
      }
      return sum
    }
    if let row = terms.firstIndex(where: { ($0.entropy + $0.divergence).isNaN }) {
      throw .undefined(row: row)
    }
    return terms
  }
}

/// Returns what a row of a log ratio log (p / q) tells of which density, of two as likely, it is from:
/// log 2 − h(p / (p + q)), in nats.
package func information(_ logRatio: Double) -> Double {
  // Near 0 the difference would be lost in rounding: log 2 − h(σ(r)) = r² / 8 − r⁴ / 64 + …
  let square = logRatio * logRatio
  guard square > 1e-6 else { return square / 8 - square * square / 64 }
  let r = abs(logRatio)
  guard r < 700 else { return log(2) }
  let small = exp(-r)
  // h(σ(r)) = log(1 + e⁻ʳ) + r e⁻ʳ / (1 + e⁻ʳ)
  return log(2) - log1p(small) - r * small / (1 + small)
}

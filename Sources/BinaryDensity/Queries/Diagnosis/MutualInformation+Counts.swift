import Essentials

/// How often a bit is on, of so many rows, or with which probability of 1.
package struct BitCounts {
  package let on: Double
  package let total: Double

  package init(on: Double, total: Double) { (self.on, self.total) = (on, total) }

  /// H = −Σ_a p(a) · log p(a) of the shares, in nats.
  package var entropy: Double {
    [on, total - on].reduce(0) { $1 > 0 ? $0 - $1 / total * log($1 / total) : $0 }
  }

  /// The entropy of the distribution that so many rows were drawn from.
  ///
  ///     Ĥ + (m − 1) / 2n,   error² = (Var log p̃(x) + 1/n) / n
  ///
  /// with m values that were drawn, and p̃ the shares after half a row more of each. At p = ½ the variance vanishes, and the
  /// error is of the order 1/n.
  /// - Source: Miller, Note on the Bias of Information Estimates, in Information Theory in Psychology, 1955.
  package var estimatedEntropy: Measured {
    let isBoth = on > 0 && on < total
    let p = [on, total - on].map { ($0 + 0.5) / (total + 1) }
    let moments = p.reduce((0.0, 0.0)) { ($0.0 + $1 * log($1), $0.1 + $1 * log($1) * log($1)) }
    let variance = max(0, moments.1 - moments.0 * moments.0)
    return Measured(
      min(log(2), entropy + (isBoth ? 1 / (2 * total) : 0)),
      standardError: ((variance + 1 / total) / total).squareRoot())
  }
}

/// How often two bits are on, together and each, of so many rows, or with which probabilities of 1.
package struct BitPairTable {
  package let both: Double
  package let first: Double
  package let second: Double
  package let total: Double

  package init(both: Double, first: Double, second: Double, total: Double) {
    (self.both, self.first, self.second, self.total) = (both, first, second, total)
  }

  /// Returns the information of two bits that come together so often, of so many rows, and each so often.
  private static func term(_ pair: Double, _ a: Double, _ b: Double, _ total: Double) -> Double {
    pair > 0 ? pair / total * log(pair * total / (a * b)) : 0
  }

  /// I = Σ_ab p(a, b) · log (p(a, b) / (p(a) · p(b))) of the shares, in nats.
  package var mutualInformation: Double {
    let sum =
      Self.term(both, first, second, total) + Self.term(first - both, first, total - second, total)
      + Self.term(second - both, total - first, second, total)
      + Self.term(total - first - second + both, total - first, total - second, total)
    return max(0, sum)
  }

  /// The mutual information under the distribution that so many rows were drawn from.
  ///
  ///     Î − (m_ab − m_a − m_b + 1) / 2n, but from 0 to log 2
  ///
  /// with m_ab, m_a and m_b cells and values that were drawn: 1/2n less than that of the shares where all four were. The error is
  ///
  ///     error² = (Var log (p̃(a, b) / (p̃(a) · p̃(b))) + 1/n) / n
  ///
  /// with p̃ the shares after half a row more in each cell, so that what was never drawn is not taken to be impossible. Where
  /// the bits are independent the variance vanishes, and 2n·Î is χ²-distributed: the error is of the order 1/n. Numbers of a few
  /// times that are skew: an estimate that is low by chance says too small an error.
  /// - Source: the bias: Miller, Note on the Bias of Information Estimates, in Information Theory in Psychology, 1955; the
  ///   error: Roulston, Estimating the errors on measured entropy and mutual information, Physica D 125, 1999.
  package var estimatedInformation: Measured {
    let cells = [both, first - both, second - both, total - first - second + both]
    func valueCount(_ on: Double) -> Int { on > 0 && on < total ? 2 : 1 }
    let excess = cells.count { $0 > 0 } - valueCount(first) - valueCount(second) + 1
    let smooth = cells.map { ($0 + 0.5) / (total + 2) }
    let (a, b) = (smooth[0] + smooth[1], smooth[0] + smooth[2])
    var (mean, square) = (0.0, 0.0)
    for (p, chance) in zip(smooth, [a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b)]) {
      let ratio = log(p / chance)
      mean += p * ratio
      square += p * ratio * ratio
    }
    let variance = max(0, square - mean * mean)
    return Measured(
      min(log(2), max(0, mutualInformation - Double(excess) / (2 * total))),
      standardError: ((variance + 1 / total) / total).squareRoot())
  }
}

import Essentials

/// The logarithm of a probability, in nats, and how it is known: exactly, or as an estimate with its error.
public struct LogProbability: Hashable, Sendable, Codable {
  /// How a number is known.
  public enum Certainty: Hashable, Sendable, Codable {
    /// But for rounding.
    case exact
    /// By particles: the standard error of the logarithm, and the effective number of the particles.
    case estimate(standardError: Double, effectiveSampleSize: Double)
  }

  /// log p, or its estimate; −∞ for what cannot be.
  public let value: Double
  /// Whether the value is exact.
  public let certainty: Certainty
  /// Whether the standard error can be believed.
  ///
  /// Always of what is exact; of an estimate while its batches' log p̂ scatter by less than 0.5 nats. What scatters more
  /// may have tails that no batch has met.
  public let isTrusted: Bool
  /// What log p is not below.
  ///
  /// The value itself where it is exact; of an estimate the value less log 20, whatever the tails are, in 95 % of runs at
  /// least. Nil for a conditional whose evidence had to be estimated.
  ///
  /// - Source: Markov's inequality: an unbiased estimate is above 20 p in at most a twentieth of the runs.
  public let lowerBound: Double?

  /// An exact number.
  init(exact value: Double) {
    self.value = value
    certainty = .exact
    isTrusted = true
    lowerBound = value
  }

  init(value: Double, certainty: Certainty, isTrusted: Bool, lowerBound: Double?) {
    self.value = value
    self.certainty = certainty
    self.isTrusted = isTrusted
    self.lowerBound = lowerBound
  }

  /// Whether the value is exact.
  public var isExact: Bool { certainty == .exact }

  /// The standard error of the value, in nats; 0 if it is exact.
  public var standardError: Double {
    if case .estimate(let error, _) = certainty { error } else { 0 }
  }
}

extension LogProbability: CustomStringConvertible {
  /// The number and how it is known, such as `-3.2189 (exact)` or `-80.71 ± 0.04 (estimate)`.
  public var description: String {
    guard case .estimate(let error, _) = certainty else { return printed(value, "%.4f") + " (exact)" }
    return printed(value, "%.4f") + " ± " + printed(error, "%.4f")
      + (isTrusted ? " (estimate)" : " (estimate, not trusted)")
  }
}

/// log p of some evidence: one exact number, or independent unbiased estimates of p.
struct MarginalEstimate: Sendable {
  /// The number of independent batches of an estimate.
  static let batchCount = 32
  /// How far the batches' log p̂ of a trusted estimate may scatter, as a standard deviation.
  static let trustedScatter = 0.5

  /// log p alone, or log p̂ of each batch.
  private(set) var logTerms: [Double]
  /// How many particles, equally weighted, the estimate is worth; nil if it is exact.
  private(set) var effectiveSampleSize: Double?
  /// How many particles, of however many filters, each batch is the mean of; 0 if it is exact.
  private(set) var particleCount: Int

  /// An exact log p.
  init(exact logProbability: Double) {
    logTerms = [logProbability]
    effectiveSampleSize = nil
    particleCount = 0
  }

  /// Batches, each the mean of as many particles' weights.
  init(logTerms: [Double], effectiveSampleSize: Double, particleCount: Int) {
    precondition(logTerms.count == Self.batchCount, "\(logTerms.count) batches")
    self.logTerms = logTerms
    self.effectiveSampleSize = effectiveSampleSize
    self.particleCount = particleCount
  }

  var isExact: Bool { effectiveSampleSize == nil }

  /// log p, or the logarithm of the batches' mean.
  var logMean: Double { isExact ? logTerms[0] : logSumExp(logTerms) - log(Double(logTerms.count)) }

  /// Whether the batches agree.
  var isTrusted: Bool {
    guard !isExact else { return true }
    // Batches that all say impossible agree, but a particle too many might have found a way.
    guard logTerms.allSatisfy(\.isFinite) else { return false }
    let mean = logTerms.reduce(0, +) / Double(logTerms.count)
    let squares = logTerms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(logTerms.count - 1)).squareRoot() < Self.trustedScatter
  }

  /// The estimate of more particles: these and those of another estimate of the same evidence.
  func merging(_ other: MarginalEstimate) -> MarginalEstimate {
    guard let size = effectiveSampleSize, let otherSize = other.effectiveSampleSize else { return self }
    let (own, others) = (Double(particleCount), Double(other.particleCount))
    return MarginalEstimate(
      logTerms: zip(logTerms, other.logTerms).map {
        logSumExp([$0 + log(own / (own + others)), $1 + log(others / (own + others))])
      },
      effectiveSampleSize: size + otherSize, particleCount: particleCount + other.particleCount)
  }

  /// Returns Σ_k w_k p_k, batch by batch: exact if all terms of a weight above zero are.
  ///
  /// - Precondition: there is at least one term.
  static func sum(_ terms: [MarginalEstimate], logWeights: [Double]? = nil) -> MarginalEstimate {
    let logWeights = logWeights ?? Array(repeating: 0, count: terms.count)
    let kept = zip(terms, logWeights).filter { $0.1 > -.infinity }
    let estimated = kept.filter { !$0.0.isExact }
    func total(_ batch: Int) -> Double {
      logSumExp(kept.map { $0.1 + ($0.0.isExact ? $0.0.logTerms[0] : $0.0.logTerms[batch]) })
    }
    guard !estimated.isEmpty else { return MarginalEstimate(exact: total(0)) }
    // Each estimate counts by its share in the sum.
    let shares = estimated.map { $0.1 + $0.0.logMean }
    let all = logSumExp(shares)
    let size = zip(estimated, shares).reduce(0) {
      $0 + (all > -.infinity ? exp($1.1 - all) : 1) * ($1.0.0.effectiveSampleSize ?? 0)
    }
    return MarginalEstimate(
      logTerms: (0..<batchCount).map(total), effectiveSampleSize: size,
      particleCount: estimated[0].0.particleCount)
  }

  /// log p, or its estimate with its error.
  var answer: LogProbability { answer(dividedBy: nil) }

  /// log of this over another, with the error of the ratio: what both have drawn in common cancels.
  ///
  ///     Var log (a / b) ≈ Var (a_β / ā − b_β / b̄) / batches
  ///
  /// - Precondition: the other is not exactly zero.
  func answer(dividedBy other: MarginalEstimate?) -> LogProbability {
    let divisor = other ?? MarginalEstimate(exact: 0)
    // A part is no likelier than the whole, but for rounding and for draws.
    let value = min(0, logMean - divisor.logMean)
    guard let size = effectiveSampleSize ?? divisor.effectiveSampleSize else {
      return LogProbability(exact: value)
    }
    let (top, bottom) = (relativeTerms, divisor.relativeTerms)
    let squares = zip(top, bottom).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let count = Double(Self.batchCount)
    let error = (squares / (count - 1) / count).squareRoot()
    return LogProbability(
      value: value,
      certainty: .estimate(
        standardError: error.isNaN ? .infinity : error,
        effectiveSampleSize: min(size, divisor.effectiveSampleSize ?? size)),
      isTrusted: isTrusted && divisor.isTrusted,
      lowerBound: divisor.isExact ? value - log(20) : nil)
  }

  /// Each batch over the mean of all.
  private var relativeTerms: [Double] {
    guard !isExact else { return Array(repeating: 1, count: Self.batchCount) }
    let mean = logMean
    return logTerms.map { exp($0 - mean) }
  }
}

import Essentials
import Kernels

/// How far two densities p and q are apart, in nats.
///
///     KL(p‖q) = Σ_x p(x) log (p(x) / q(x)),   JS(p, q) = ½ KL(p‖m) + ½ KL(q‖m),   m = (p + q) / 2
///
///     if let divergence = try network.divergence(to: tree) {
///       print(divergence.forward, divergence.reverse, divergence.jensenShannon)
///     }
///
/// A divergence that is infinite is exact: a row was met that one density gives and the other rules out.
///
/// - Source: Kullback, Leibler, On Information and Sufficiency, Ann. Math. Stat. 22, 1951; Lin, Divergence Measures Based on the
///   Shannon Entropy, IEEE Trans. Information Theory 37, 1991.
public struct Divergence: Hashable, Sendable, Codable {
  /// H(p).
  public let entropy: Measured
  /// H(q).
  public let otherEntropy: Measured
  /// KL(p‖q): what coding rows of p by q costs above H(p).
  public let forward: Measured
  /// KL(q‖p).
  public let reverse: Measured
  /// JS(p, q), from 0 where the densities are equal to log 2 where they share no row: what a row of either, by a fair coin,
  /// tells of which it is from.
  public let jensenShannon: Measured
  /// H(p, q) = H(p) + KL(p‖q) = −Σ p log q.
  public let crossEntropy: Measured
  /// H(q, p) = H(q) + KL(q‖p).
  public let reverseCrossEntropy: Measured
  /// How many rows of each density were drawn; 0 where everything is exact.
  public let drawCount: Int

  /// All seven figures.
  private var figures: [Measured] {
    [entropy, otherEntropy, forward, reverse, jensenShannon, crossEntropy, reverseCrossEntropy]
  }

  /// The largest standard error of them; 0 where everything is exact.
  public var largestStandardError: Double { figures.compactMap(\.standardError).max() ?? 0 }
}

extension Density {
  /// Returns how far the density p is from another, q, of the same variables.
  ///
  /// Exact for up to 20 variables, all of whose rows are tabulated. Else each figure is a mean over rows drawn of p or q with its
  /// standard error, but for entropies that `entropy(_:observing:)` has exactly. Where both are products of conditionals along
  /// one order, the divergence of rows x of p is that of the conditionals,
  ///
  ///     KL(p‖q) = E_x Σ_i KL(p(x_i | x_<i) ‖ q(x_i | x_<i))
  ///
  /// each term of which is at least 0; else it is the mean of log p − log q. Jensen and Shannon's is log 2 less the mean entropy
  /// of which density a row is from,
  ///
  ///     JS(p, q) = log 2 − ½ E_p h(r) − ½ E_q h(r),   r(x) = p(x) / (p(x) + q(x))
  ///
  /// A mean of log p − log q can have a few rare rows that matter most; where the densities have hardly a row in common, its
  /// standard error may be too small.
  /// - Parameters:
  ///   - other: q.
  ///   - columns: which variable of q each variable of p is; nil if they have the same order.
  ///   - options: how many rows are drawn of each, and by what seed.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: the figures, the same bits for any number of threads; nil if `observe` said to stop.
  /// - Throws: `DensityError.mismatch` for another number of variables; else as `entropy(_:observing:)`.
  /// - Precondition: `columns` is a permutation of the variables.
  /// - Complexity: 2ᴰ rows of each where they are tabulated, else a draw of each and two likelihoods of each draw.
  public func divergence(
    to other: any Density, columns: [Int]? = nil, _ options: EntropyOptions = EntropyOptions(),
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> Divergence? {
    if let problem = options.problem { throw .invalidConfiguration(problem) }
    guard other.variableCount == variableCount else {
      throw .mismatch(
        path: "the other model", expected: "\(variableCount) variables", found: "\(other.variableCount)")
    }
    if variableCount <= options.tabulationLimit {
      return try tabulatedDivergence(to: other, columns: columns, observing: observe)
    }
    let renumbered = columns.map { other.renumbered($0) } ?? other
    let entropies = [forestEntropy, other.forestEntropy]
    var draws = EntropyDraws(DivergenceTerms(self, renumbered).sources, figureCount: 4, options)
    let isDone = try draws.run(
      errors: { [Divergence($0, exactEntropies: entropies).largestStandardError] }, observing: observe)
    return isDone ? Divergence(draws, exactEntropies: entropies) : nil
  }

  private func tabulatedDivergence(
    to other: any Density, columns: [Int]?, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Divergence? {
    let own = try tabulatedLogProbabilities { (fraction) throws(DensityError) in try observe(fraction / 2) }
    guard let own else { return nil }
    let others = try other.tabulatedLogProbabilities { (fraction) throws(DensityError) in
      try observe(0.5 + fraction / 2)
    }
    return others.map { Divergence(tables: own, columns.map($0.renumbered) ?? $0) }
  }
}

extension Divergence {
  /// The figures of log p and log q of all rows.
  fileprivate init(tables logP: [Double], _ logQ: [Double]) {
    /// Σ p log (p / q), at least 0 but for rounding.
    func divergence(_ p: [Double], _ q: [Double]) -> Double {
      let possible = zip(p, q).filter { $0.0 > -.infinity }
      guard possible.allSatisfy({ $0.1 > -.infinity }) else { return .infinity }
      return max(0, possible.reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) })
    }
    let (ownEntropy, otherEntropy) = (tableEntropy(logP), tableEntropy(logQ))
    let (forward, reverse) = (divergence(logP, logQ), divergence(logQ, logP))
    let shared = zip(logP, logQ).reduce(0.0) { sum, terms in
      terms.0 == -.infinity && terms.1 == -.infinity
        ? sum : sum + (exp(terms.0) + exp(terms.1)) / 2 * information(terms.0 - terms.1)
    }
    self.init(
      entropy: Measured(ownEntropy), otherEntropy: Measured(otherEntropy), forward: Measured(forward),
      reverse: Measured(reverse), jensenShannon: Measured(min(log(2), shared)),
      crossEntropy: Measured(ownEntropy + forward), reverseCrossEntropy: Measured(otherEntropy + reverse),
      drawCount: 0)
  }

  /// The figures of what was drawn, but for entropies that are known.
  fileprivate init(_ draws: EntropyDraws, exactEntropies: [Double?]) {
    func entropy(_ source: Int) -> Measured {
      exactEntropies[source].map { Measured($0) } ?? draws.measured(source, 0)
    }
    func crossEntropy(_ source: Int) -> Measured {
      guard let exact = exactEntropies[source] else { return draws.measured(source, 3) }
      let divergence = draws.measured(source, 1)
      return Measured(exact + divergence.value, standardError: divergence.standardError)
    }
    let (own, others) = (draws.measured(0, 2), draws.measured(1, 2))
    let error = ((own.standardError ?? 0), (others.standardError ?? 0))
    self.init(
      entropy: entropy(0), otherEntropy: entropy(1),
      forward: draws.measured(0, 1), reverse: draws.measured(1, 1),
      jensenShannon: Measured(
        (own.value + others.value) / 2,
        standardError: (error.0 * error.0 + error.1 * error.1).squareRoot() / 2),
      crossEntropy: crossEntropy(0), reverseCrossEntropy: crossEntropy(1),
      drawCount: draws.rowCount)
  }
}

extension [Double] {
  /// Returns what stands in a table of all rows where bit c of a row's index is its column `columns[c]`.
  fileprivate func renumbered(_ columns: [Int]) -> [Double] {
    indices.map { index in
      self[columns.enumerated().reduce(0) { $0 | (index >> $1.offset & 1) << $1.element }]
    }
  }
}

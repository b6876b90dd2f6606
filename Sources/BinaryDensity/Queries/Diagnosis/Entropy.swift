import Essentials
import Kernels

extension Density {
  /// Returns the entropy H = −Σ_x p(x) log p(x), in nats.
  ///
  /// Exact for independent Bernoullis and Chow-Liu trees, and for up to 20 variables, whose probabilities are tabulated. Else it
  /// is a mean over rows drawn of the density with its standard error: of the sums of a chain's conditional entropies, or of
  /// −log p where there is no chain.
  ///
  ///     H = E_x Σ_i h(p(x_i = 1 | x_<i)),   h(p) = −p log p − (1 − p) log (1 − p)
  ///
  ///     if let entropy = try density.entropy() { print(entropy, "nats") }
  ///
  /// Where all rows that are drawn are the same one the standard error is ∞: they tell nothing of the others. Where they only have
  /// the same figure it is D · log 2 / n, for n rows of D variables.
  /// - Parameters:
  ///   - options: how many rows are drawn, and by what seed.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: the entropy, the same bits for any number of threads; nil if `observe` said to stop.
  /// - Throws: `DensityError.invalidConfiguration` for options that mean nothing; `.unsupported` if rows have to be drawn of a
  ///   density that cannot be sampled; `.undefined` for a row whose log p is not a number; what `observe` throws.
  /// - Complexity: O(D) for a tree, 2ᴰ rows where they are tabulated, and else a draw and a likelihood of each row drawn.
  /// - Source: Shannon, A Mathematical Theory of Communication, Bell System Technical Journal 27, 1948, section 6.
  public func entropy(
    _ options: EntropyOptions = EntropyOptions(),
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> Measured? {
    if let problem = options.problem { throw .invalidConfiguration(problem) }
    if let forestEntropy { return Measured(forestEntropy) }
    if variableCount <= options.tabulationLimit {
      return try tabulatedLogProbabilities(observing: observe).map { Measured(tableEntropy($0)) }
    }
    let terms = EntropyTerms(self)
    var draws = EntropyDraws(
      [
        EntropyDraws.Source(evaluator: evaluator()) { (rows) throws(DensityError) in
          [try terms.entropies(of: rows)]
        }
      ], figureCount: 1, options)
    let isDone = try draws.run(
      errors: { [$0.measured(0, 0).standardError ?? 0] }, observing: observe)
    return isDone ? draws.measured(0, 0) : nil
  }

  /// log p of all rows; nil if `observe` said to stop.
  func tabulatedLogProbabilities(
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try ProbabilityTable(QueryNode(of: self), variableCount: variableCount, observing: observe)?
      .checked(by: self).logProbabilities
  }

  /// The entropy in closed form of a density that is a forest; nil of others.
  var forestEntropy: Double? { (tractable as? any ForestDensity).map { $0.forest.entropy } }
}

/// A density that is a forest.
protocol ForestDensity: TractableDensity {
  /// The forest in double precision.
  var forest: BinaryForest { get }
}

extension IndependentBernoulli: ForestDensity {}
extension ChowLiuTree: ForestDensity {}

extension BinaryForest {
  /// H = Σ_i Σ_b p(x_π(i) = b) · h(p(x_i = 1 | b)), in nats.
  ///
  /// - Complexity: O(D).
  var entropy: Double {
    let on = marginals
    var sum = 0.0
    for i in order {
      let parentIsOn = parents[i].map { on[$0] } ?? 0
      for (b, share) in [1 - parentIsOn, parentIsOn].enumerated() {
        sum += share * BitCounts(on: probability(i, 1, given: b), total: 1).entropy
      }
    }
    return sum
  }
}

/// Returns −Σ p log p of the log-probabilities of all rows, in nats.
func tableEntropy(_ logProbabilities: [Double]) -> Double {
  logProbabilities.reduce(0) { $1 > -.infinity ? $0 - exp($1) * $1 : $0 }
}

import Essentials
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
  package static let kind = ModelKind.mixture
  private let parts: WeightedDensities

  /// Mixes densities, with equal weights if none are given.
  ///
  /// - Precondition: there is at least one, all have the same number of variables, and there is a weight for each,
  ///   none negative and not all zero.
  public init(_ densities: [any Density], weights: [Double]? = nil) {
    parts = WeightedDensities(densities, weights: weights)
  }

  init(_ parts: WeightedDensities) { self.parts = parts }

  /// The densities.
  public var densities: [any Density] { parts.densities }
  /// Their weights: positive or zero, with a sum of 1.
  public var weights: [Double] { parts.weights }
  /// The densities with their weights.
  public var components: [Component]? {
    zip(weights, densities).map { Component(weight: $0, density: $1) }
  }
  /// The number of variables.
  public var variableCount: Int { densities[0].variableCount }
  /// The numbers of all densities' parameters, and the weights.
  public var parameterCount: Int { parts.parameterCount }

  /// The mixture as a chain-rule product, where all its densities are products along one ordering.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    densities.views(along: ordering).map { OneOrderMixture($0, logWeights: weights.map(log), of: self) }
  }

  /// Returns log Σ_k w_k p_k(x) of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Evaluator(self, batchCapacity: max(1, min(rows.rowCount, 512))).logProbabilities(of: rows)
  }

  // MARK: Fitting

  /// Returns the mixture of the same components whose weights maximise the likelihood of rows.
  ///
  /// Expectation maximisation from the present weights; the likelihood never falls, and the problem has a single
  /// maximum. Rows that were not trained on are wanted, or the component that has overfitted most wins.
  /// - Complexity: one evaluation of every component, then O(rows · components) an iteration.
  public func fittingWeights(to rows: BinaryMatrix) -> Mixture {
    guard rows.rowCount > 0, densities.count > 1 else { return self }
    let terms = densities.map { $0.logProbabilities(of: rows) }
    return Mixture(densities, weights: Mixture.fittedWeights(terms, from: weights))
  }

  /// Returns the weights that maximise Σ_r log Σ_k w_k exp terms[k][r] + Σ_k prior[k] · log w_k.
  ///
  /// - Parameter prior: how many rows each component is taken to have had besides; none if not given.
  /// - Source: Dempster, Laird, Rubin, J. Royal Statistical Society B 39, 1977, section 4.3.
  static func fittedWeights(
    _ terms: [[Double]], from start: [Double], prior: [Double]? = nil
  ) -> [Double] {
    let rowCount = terms[0].count
    // exp(term − the row's largest), once: an iteration is then products and sums.
    var shares = Array(repeating: 0.0, count: rowCount * terms.count)
    for row in 0..<rowCount {
      let largest = terms.reduce(-Double.infinity) { max($0, $1[row]) }
      for k in terms.indices { shares[row * terms.count + k] = exp(terms[k][row] - largest) }
    }
    var weights = start
    for _ in 0..<500 {
      var sums = prior ?? Array(repeating: 0.0, count: terms.count)
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
}

extension Mixture: PreparableDensity {
  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    Likelihood(mixture: self, batchCapacity: batchCapacity)
  }

  /// One density after another, for what each needs to compute with can be as large as itself.
  private struct Likelihood: PreparedLikelihood {
    let mixture: Mixture
    let batchCapacity: Int

    func logProbabilities(
      of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
    ) throws(DensityError) -> [Double]? {
      var terms: [[Double]] = []
      let count = Double(mixture.densities.count)
      for density in mixture.densities {
        // Its memory is new each time, so a large batch would be spent on getting it.
        let evaluator = Evaluator(density, batchCapacity: min(batchCapacity, 512))
        let done = Double(terms.count)
        let term = try evaluator.logProbabilities(of: rows) { (fraction) throws(DensityError) in
          try observe((done + fraction) / count)
        }
        guard let term else { return nil }
        terms.append(term)
      }
      return logMixture(terms, weights: mixture.weights)
    }
  }
}

extension Mixture: ArchivableDensity {
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    logMixture(densities.map { inDouble($0, logProbabilitiesOf: rows) }, weights: weights)
  }

  /// The weights and the densities.
  package func archived() throws(DensityError) -> DensityArchive { try parts.archived(as: Self.kind) }

  /// Restores a mixture.
  package init(_ archive: DensityArchive) throws(DensityError) { parts = try WeightedDensities(archive) }
}

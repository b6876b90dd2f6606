import Essentials
import Kernels

extension IndependentBernoulli: TractableDensity, ChainRuleDensity {
  /// Itself.
  public var tractable: (any TractableDensity)? { self }

  /// Itself along its own ordering, and a view along any other, whose logits are the same.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    chain(along: ordering)
  }

  /// What walks the density along its own ordering.
  public func cursorSource() -> any CursorSource { ChainRuleSource(rule: chainRule(along: ordering)) }

  func chainRule(along ordering: Ordering) -> BernoulliChainRule { BernoulliChainRule(self, along: ordering) }

  /// The variables as roots.
  var forest: BinaryForest {
    BinaryForest(
      parents: Array(repeating: nil, count: variableCount), order: Array(0..<variableCount),
      probabilities: logits.elements.flatMap { z in
        let (off, on) = (exp(logSigmoid(-Double(z))), exp(logSigmoid(Double(z))))
        return [off, on, off, on]
      })
  }

  /// Returns log p(x_known) = Σ_{i known} log p(x_i) of each row.
  ///
  /// - Complexity: O(D) a row.
  public func logMarginals(of evidence: PartialRows) -> [Double] { forest.logMarginals(of: evidence) }

  /// Completes each row: draws its unknown variables.
  ///
  /// - Complexity: O(D) a row.
  public func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix { try forest.sample(given: evidence, using: &generator) }

  /// Completes each row by each variable's more probable value; an equal chance is off.
  ///
  /// - Complexity: O(D) a row; there are no nodes to be limited.
  public func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    try forest.modes(given: evidence)
  }

  /// Returns log p(Σ_i x_i = n, x_known) of each row, by convolution of the variables: B × (D + 1).
  ///
  /// - Complexity: O(D²) a row.
  public func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    forest.logMarginalsByOnBitCount(of: evidence)
  }

  /// Completes each row by a draw of those with n on-bits.
  ///
  /// - Complexity: O(D · n) time and memory for each evidence, and O(D) time for each row of it.
  public func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try forest.sample(given: evidence, onBitCount: onBitCount, using: &generator)
  }
}

extension ChowLiuTree: TractableDensity, ChainRuleDensity {
  /// Itself.
  public var tractable: (any TractableDensity)? { self }

  /// Itself along its own ordering, and a view along any other, whose cursor takes messages along the tree's paths.
  ///
  /// - Complexity: O(1) a step where parents come before their children, else at most O(D).
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    chain(along: ordering)
  }

  /// What walks the density along its own ordering.
  public func cursorSource() -> any CursorSource { ChainRuleSource(rule: chainRule(along: ordering)) }

  func chainRule(along ordering: Ordering) -> ForestChainRule { ForestChainRule(forest, along: ordering) }

  /// The tree in double precision.
  var forest: BinaryForest {
    let (ifOff, ifOn) = (logits[row: 0], logits[row: 1])
    return BinaryForest(
      parents: parents, order: ordering.variables,
      probabilities: parents.indices.flatMap { i in
        [-ifOff[i], ifOff[i], -ifOn[i], ifOn[i]].map { exp(logSigmoid(Double($0))) }
      })
  }

  /// Returns log p(x_known) of each row, by messages from the leaves to the roots.
  ///
  /// - Complexity: O(D) a row.
  public func logMarginals(of evidence: PartialRows) -> [Double] { forest.logMarginals(of: evidence) }

  /// Completes each row: messages go up, and draws down, each variable after its parent.
  ///
  /// - Complexity: O(D) a row.
  public func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix { try forest.sample(given: evidence, using: &generator) }

  /// Returns the most probable completion of each row, by maxima that go up as messages, and choices down.
  ///
  /// - Complexity: O(D) a row; there are no nodes to be limited.
  public func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    try forest.modes(given: evidence)
  }

  /// Returns log p(Σ_i x_i = n, x_known) of each row, by messages that tell on-bits apart by their number: B × (D + 1).
  ///
  /// - Complexity: O(D²) a row.
  public func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    forest.logMarginalsByOnBitCount(of: evidence)
  }

  /// Completes each row by a draw of those with n on-bits.
  ///
  /// - Complexity: O(D · n) time and memory for each evidence, and O(D · n) time for each row of it.
  public func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try forest.sample(given: evidence, onBitCount: onBitCount, using: &generator)
  }
}

extension BernoulliMixture: TractableDensity, ChainRuleDensity {
  /// Itself.
  public var tractable: (any TractableDensity)? { self }

  /// Itself along its own ordering, and a view along any other, whose cursor keeps the components' shares.
  ///
  /// - Complexity: O(K · D) to prepare, then O(K) a step.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    chain(along: ordering)
  }

  /// What walks the density along its own ordering.
  public func cursorSource() -> any CursorSource { ChainRuleSource(rule: chainRule(along: ordering)) }

  func chainRule(along ordering: Ordering) -> MixtureChainRule { MixtureChainRule(tables, along: ordering) }

  /// The components in double precision.
  ///
  /// - Complexity: O(K · D).
  var tables: BernoulliTables {
    let logWeights = logWeights.elements.map { Double($0) }
    let total = logSumExp(logWeights)
    return BernoulliTables(
      weights: logWeights.map { WideDouble(exponentOf: $0 - total) },
      probabilities: (0..<variableCount).flatMap { i in
        let z = logits[row: i].map { Double($0) }
        return z.map { exp(logSigmoid(-$0)) } + z.map { exp(logSigmoid($0)) }
      })
  }

  /// Returns log p(x_known) = log Σ_k w_k · p_k(x_known) of each row.
  ///
  /// - Complexity: O(K · D) once, then O(K · known) a row.
  public func logMarginals(of evidence: PartialRows) -> [Double] { tables.logMarginals(of: evidence) }

  /// Completes each row: draws its component by w_k · p_k(x_known), then its unknown variables.
  ///
  /// - Complexity: O(K · D) once, then O(K · known + D) a row.
  public func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix { try tables.sample(given: evidence, using: &generator) }

  /// Returns the most probable completion of each row, by branch and bound.
  ///
  /// The search is proved to be over for many mixtures and not for all: finding the mode of a mixture is NP-hard. A row
  /// that is not done after `nodeLimit` nodes gets the best completion that was found and a bound on all others.
  /// - Complexity: O(K · D) a row, and O(K) a node.
  public func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    try tables.modes(given: evidence, nodeLimit: nodeLimit)
  }

  /// Returns log p(Σ_i x_i = n, x_known) = log Σ_k w_k · p_k(Σ_i x_i = n, x_known) of each row: B × (D + 1).
  ///
  /// - Complexity: O(K · D²) a row.
  public func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    tables.logMarginalsByOnBitCount(of: evidence)
  }

  /// Completes each row by a draw of those with n on-bits: its component first, by w_k · p_k(Σ_i x_i = n, x_known).
  ///
  /// - Complexity: O(K · D · n) for each evidence, then O(D · n) for each row of it.
  public func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try tables.sample(given: evidence, onBitCount: onBitCount, using: &generator)
  }
}

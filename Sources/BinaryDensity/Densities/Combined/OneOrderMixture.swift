import Kernels

/// A mixture of densities of one ordering as a chain-rule product along it.
///
///     p(x_i = 1 | x_<i) = Σ_k r_k · p_k(x_i = 1 | x_<i),   r_k ∝ w_k · p_k(x_<i)
struct OneOrderMixture: PreparableDensity, PreparableConditionals {
  let ordering: Ordering
  private let parts: [any AutoregressiveDensity]
  private let logWeights: [Double]
  /// The mixture itself, which its log-probabilities are those of.
  private let mixture: any Density

  /// - Parameter logWeights: log w_k, up to a common term.
  /// - Precondition: there is at least one part, and all have the same ordering.
  init(_ parts: [any AutoregressiveDensity], logWeights: [Double], of mixture: any Density) {
    ordering = parts[0].ordering
    self.parts = parts
    self.logWeights = logWeights
    self.mixture = mixture
  }

  var variableCount: Int { mixture.variableCount }
  var parameterCount: Int { mixture.parameterCount }

  func logProbabilities(of rows: BinaryMatrix) -> [Double] { mixture.logProbabilities(of: rows) }
  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    EvaluatorLikelihood(Evaluator(mixture, batchCapacity: batchCapacity))
  }

  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    Executor(
      members: parts.map { $0.anyConditionalExecutor(in: type, batchCapacity: batchCapacity) },
      logWeights: logWeights, ordering: ordering)
  }

  func cursorSource() -> any CursorSource {
    CombinedCursorSource(
      parts.map { $0.cursorSource() }, ordering: ordering, rule: .mix(logWeights: logWeights))
  }

  private final class Executor<Scalar: KernelScalar>: ConditionalExecutor {
    private let members: [any ConditionalExecutor<Scalar>]
    private let logWeights: [Double]
    private let ordering: Ordering

    init(members: [any ConditionalExecutor<Scalar>], logWeights: [Double], ordering: Ordering) {
      self.members = members
      self.logWeights = logWeights
      self.ordering = ordering
    }

    func logits(of rows: BinaryMatrix) -> Matrix<Scalar> {
      mixedLogits(members.map { $0.logits(of: rows) }, logWeights: logWeights, rows: rows, ordering: ordering)
    }
  }
}

/// The likelihood that an evaluator of another density computes.
private struct EvaluatorLikelihood: PreparedLikelihood {
  private let evaluator: Evaluator

  init(_ evaluator: Evaluator) { self.evaluator = evaluator }

  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try evaluator.logProbabilities(of: rows, observing: observe)
  }
}

extension Sequence<any Density> {
  /// Returns the first of the densities' own orderings along which all of them are products of conditionals, with their
  /// views along it; nil if there is none.
  ///
  /// - Parameter ordering: the only one to be tried, if given.
  func views(along ordering: Ordering?) -> [any AutoregressiveDensity]? {
    let candidates = ordering.map { [$0] } ?? compactMap { $0.autoregressive()?.ordering }
    for (index, candidate) in candidates.enumerated() where !candidates[..<index].contains(candidate) {
      var views: [any AutoregressiveDensity] = []
      for density in self {
        guard let view = density.autoregressive(along: candidate) else { break }
        views.append(view)
      }
      if views.count == Array(self).count { return views }
    }
    return nil
  }
}

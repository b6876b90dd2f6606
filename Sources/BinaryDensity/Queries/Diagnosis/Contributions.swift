import Kernels

/// What a variable's probability is conditioned on.
public enum Conditioning: String, Hashable, Sendable, Codable, CaseIterable {
  /// The variables before it in the density's order.
  case before
  /// All other variables of the row.
  case others
}

/// What each variable of each row adds to log p, in nats.
///
/// **Given the variables before** (`Conditioning.before`) the numbers come from the chain rule, and add up to log p. Of a
/// density with one order o, variable i adds
///
///     c_i = log p(x_i | x_o(<i)),   Σ_i c_i = log p(x)
///
/// A mixture p = Σ_k w_k p_k of several orders has no such conditionals. With r_k = w_k p_k(x) / p(x), the probability that
/// the row came from component k,
///
///     c_i = Σ_k r_k log p_k(x_i | x_k(<i)),   Σ_i c_i − KL(r ‖ w) = log p(x)
///
/// where x_k(<i) are the variables before i in the order of k. That is an identity: log p(x) = log p_k(x) + log w_k − log r_k
/// for every k with r_k > 0, and so for the mean over k by the weights r_k, whose last two terms are −Σ_k r_k log(r_k / w_k).
/// This remainder, never above 0, is what it costs to say from which component the row came; it belongs to no variable.
///
/// What a variable adds depends on the order: of two equal columns the first is the surprise, and the second is none.
///
/// **Given all others** (`Conditioning.others`) c_i = log p(x_i | all other variables) depends on no order. These do not add
/// up to log p: their sum is the log-pseudo-likelihood.
/// - Source: the identity is the free energy of Neal and Hinton, A View of the EM Algorithm, in Learning in Graphical Models,
///   1998, at its maximum; the pseudo-likelihood: Besag, The Statistician 24 (3), 1975.
public struct Contributions: Sendable {
  /// What the variables' probabilities are conditioned on.
  public let conditioning: Conditioning
  /// What each variable adds, in nats: B × D in the order of the columns, each at most 0.
  public let values: Matrix<Double>
  /// What belongs to no variable of each row, in nats: −KL(r ‖ w); nil but for mixtures of several orders.
  public let remainders: [Double]?

  /// The number B of rows.
  public var rowCount: Int { values.rowCount }

  /// The sum over the variables and the remainder of each row, in nats: log p(x), or given all others the
  /// log-pseudo-likelihood.
  ///
  /// It is added up in double precision, from conditionals whose logits most networks compute in float32; so it differs from
  /// what `logProbabilities(of:)` says by no more than that errs, 1e-6 of the value.
  public var sums: [Double] {
    (0..<rowCount).map { row in values[row: row].reduce(0, +) + (remainders?[row] ?? 0) }
  }
}

extension Density {
  /// Returns what each variable of each row adds to log p, in nats.
  ///
  ///     let contributions = try density.contributions(of: rows)
  ///     print(contributions.values[0, 3])  // log p of the first row's fourth value, given those before it
  ///
  /// - Parameters:
  ///   - rows: any number.
  ///   - conditioning: what a variable's probability is conditioned on.
  /// - Throws: `DensityError.unsupported` for a density that gives log p of whole rows alone, unless given all others;
  ///   `DensityError.undefined` for a row whose log p is not a number; `DensityError.invalidConfiguration` where the numbers
  ///   do not fit into memory.
  /// - Precondition: `rows.columnCount == variableCount`.
  /// - Complexity: about that of a likelihood; given all others, see `Inference.logConditionalsGivenAllOthers(of:)`.
  public func contributions(
    of rows: BinaryMatrix, given conditioning: Conditioning = .before
  ) throws(DensityError) -> Contributions {
    let evaluator = try ContributionEvaluator(self, given: conditioning)
    guard let found = try evaluator.contributions(of: rows, observing: { (_) throws(DensityError) in true })
    else { preconditionFailure("nobody stopped it") }
    return found
  }
}

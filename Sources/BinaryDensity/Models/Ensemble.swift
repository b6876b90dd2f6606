import Kernels

/// Densities of one order, averaged conditional by conditional.
///
///     logit p(x_i = 1 | x_<i) = Σ_k w_k · logit p_k(x_i = 1 | x_<i)
///
/// This is a density, because every member's conditional has seen the same variables: each average is again a
/// Bernoulli distribution given x_<i. (Members of different orders can only be mixed as whole rows: see `Mixture`.)
/// It gains more than a mixture does: a mixture of K members is better than the best of them by at most log K nats a
/// row, an ensemble gains in every one of the D conditionals.
public struct Ensemble: Density {
  /// Ensemble.
  public static let kind = ModelKind.ensemble
  /// The densities.
  public let members: [any Density]
  /// Their weights: positive or zero, with a sum of 1.
  public let weights: [Double]
  private let order: Ordering

  /// Averages densities, with equal weights if none are given.
  ///
  /// - Precondition: there is at least one, all have the same `sharedOrdering`, and there is a weight for each, none
  ///   negative and not all zero.
  public init(_ members: [any Density], weights: [Double]? = nil) {
    guard let order = Ensemble.commonOrdering(of: members) else {
      preconditionFailure("an ensemble needs members of one ordering; mix them as whole rows instead")
    }
    let weights = weights ?? members.map { _ in 1 }
    let total = weights.reduce(0, +)
    precondition(
      weights.count == members.count && weights.allSatisfy { $0 >= 0 } && total > 0 && total.isFinite,
      "weights \(weights) for \(members.count) densities")
    self.members = members
    self.weights = weights.map { $0 / total }
    self.order = order
  }

  /// Returns the ordering that all of some densities have, if they do and there is one.
  static func commonOrdering(of members: [any Density]) -> Ordering? {
    guard let first = members.first?.sharedOrdering else { return nil }
    return members.allSatisfy { $0.sharedOrdering == first } ? first : nil
  }

  /// The number of variables.
  public var variableCount: Int { members[0].variableCount }
  /// The numbers of all members' parameters, and the weights.
  public var parameterCount: Int { members.reduce(weights.count) { $0 + $1.parameterCount } }
  /// The order of all members.
  public var sharedOrdering: Ordering? { order }

  /// Returns log p(x) of each row.
  public func logProbability(of rows: BinaryMatrix, observing observe: (Double) -> Void) -> [Double] {
    logProbabilities(of: rows, in: Float.self, observing: observe)
  }

  /// Returns log p(x) of each row, in Double throughout.
  public func referenceLogProbability(of rows: BinaryMatrix) -> [Double] {
    logProbabilities(of: rows, in: Double.self) { _ in }
  }

  private func logProbabilities<Scalar: KernelScalar>(
    of rows: BinaryMatrix, in type: Scalar.Type, observing observe: (Double) -> Void
  ) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    let capacity = max(1, min(512, rows.rowCount))
    let logits = conditionalLogits(in: type, batchCapacity: capacity)
    var result: [Double] = []
    result.reserveCapacity(rows.rowCount)
    for start in stride(from: 0, to: rows.rowCount, by: capacity) {
      let part = rows.rows(start..<min(start + capacity, rows.rowCount))
      result += logLikelihoods(logits: logits(part), of: part)
      observe(Double(result.count) / Double(rows.rowCount))
    }
    return result
  }

  /// Returns what averages the members' logits.
  public func conditionalLogits<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> (BinaryMatrix) -> Matrix<Scalar> {
    let parts = members.map { $0.conditionalLogits(in: type, batchCapacity: batchCapacity) }
    return { rows in
      var sum = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: variableCount)
      let target = sum.mutableView
      for (part, weight) in zip(parts, weights) where weight > 0 {
        let logits = part(rows)
        Scalar.accumulate(logits.view, scaledBy: Scalar(weight), into: target)
        withExtendedLifetime(logits) {}
      }
      return sum
    }
  }

  /// Draws rows by `drawnByIteration`.
  public func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logProbabilities: [Double]) {
    let (rows, logits) = drawnByIteration(count: count, using: &generator)
    return (rows, logLikelihoods(logits: logits, of: rows))
  }

  // MARK: Checkpoints

  private struct Configuration: Codable {
    let weights: [Double]
    let components: [DensityArchive.Component]
  }

  /// The weights and the members.
  public func archived() -> DensityArchive {
    let parts = members.map { $0.archived() }
    return DensityArchive(
      kind: kind,
      configuration: Checkpoint.encode(
        Configuration(weights: weights, components: parts.map(DensityArchive.Component.init))),
      components: parts)
  }

  /// Restores an ensemble.
  public init(_ archive: DensityArchive) throws(DensityError) {
    let weights = try archive.configuration(Configuration.self).weights
    let members = try archive.componentDensities()
    guard let order = Ensemble.commonOrdering(of: members) else {
      throw archive.malformed("members of one ordering", found: "several orderings")
    }
    guard weights.count == members.count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }),
      abs(weights.reduce(0, +) - 1) < 1e-9
    else {
      throw archive.malformed("\(members.count) weights with a sum of 1", found: "\(weights)")
    }
    self.members = members
    self.weights = weights
    self.order = order
  }
}

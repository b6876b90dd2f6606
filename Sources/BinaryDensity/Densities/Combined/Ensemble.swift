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
  private let parts: WeightedDensities
  private let order: Ordering

  /// Averages densities, with equal weights if none are given.
  ///
  /// - Precondition: there is at least one, all have the same `sharedOrdering`, and there is a weight for each, none
  ///   negative and not all zero.
  public init(_ members: [any Density], weights: [Double]? = nil) {
    guard let order = Ensemble.commonOrdering(of: members) else {
      preconditionFailure("an ensemble needs members of one ordering; mix them as whole rows instead")
    }
    parts = WeightedDensities(members, weights: weights)
    self.order = order
  }

  /// Returns densities with those that share an order put together: one density for each order, as an ensemble where
  /// there are several, and each that has no single order by itself.
  public static func groups(_ densities: [any Density]) -> [any Density] {
    var groups: [(order: Ordering?, members: [any Density])] = []
    for density in densities {
      let order = density.sharedOrdering
      if let order, let place = groups.firstIndex(where: { $0.order == order }) {
        groups[place].members.append(density)
      } else {
        groups.append((order, [density]))
      }
    }
    return groups.map { $0.members.count == 1 ? $0.members[0] : Ensemble($0.members) }
  }

  /// The densities.
  public var members: [any Density] { parts.densities }
  /// Their weights: positive or zero, with a sum of 1.
  public var weights: [Double] { parts.weights }

  /// Returns the ordering that all of some densities have, if they do and there is one.
  static func commonOrdering(of members: [any Density]) -> Ordering? {
    guard let first = members.first?.sharedOrdering else { return nil }
    return members.allSatisfy { $0.sharedOrdering == first } ? first : nil
  }

  /// The number of variables.
  public var variableCount: Int { members[0].variableCount }
  /// The numbers of all members' parameters, and the weights.
  public var parameterCount: Int { parts.parameterCount }
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
    // One member after another, for what each needs to compute with can be as large as itself; a block of rows' logits
    // takes at most 64 MB.
    let capacity = max(1, min(512, rows.rowCount))
    let block = max(capacity, (1 << 24) / variableCount)
    var result: [Double] = []
    result.reserveCapacity(rows.rowCount)
    for start in stride(from: 0, to: rows.rowCount, by: block) {
      let part = rows.rows(start..<min(start + block, rows.rowCount))
      var sum = Matrix<Scalar>(rowCount: part.rowCount, columnCount: variableCount)
      for (index, (member, weight)) in zip(members, weights).enumerated() where weight > 0 {
        let logits = member.conditionalLogits(in: type, batchCapacity: capacity)
        for first in stride(from: 0, to: part.rowCount, by: capacity) {
          let batch = first..<min(first + capacity, part.rowCount)
          sum.withUnsafeMutableView(reading: logits(part.rows(batch))) {
            Scalar.accumulate($1, scaledBy: Scalar(weight), into: $0.rows(batch))
          }
        }
        let done = Double(part.rowCount) * Double(index + 1) / Double(members.count)
        observe((Double(start) + done) / Double(rows.rowCount))
      }
      result += logLikelihoods(logits: sum, of: part)
    }
    return result
  }

  /// Returns what averages the members' logits.
  public func conditionalLogits<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> (BinaryMatrix) -> Matrix<Scalar> {
    let logits = members.map { $0.conditionalLogits(in: type, batchCapacity: batchCapacity) }
    return { rows in
      var sum = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: variableCount)
      for (logits, weight) in zip(logits, weights) where weight > 0 {
        sum.withUnsafeMutableView(reading: logits(rows)) {
          Scalar.accumulate($1, scaledBy: Scalar(weight), into: $0)
        }
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

  /// The weights and the members.
  public func archived() -> DensityArchive { parts.archived(as: kind) }

  /// Restores an ensemble.
  public init(_ archive: DensityArchive) throws(DensityError) {
    parts = try WeightedDensities(archive)
    guard let order = Ensemble.commonOrdering(of: parts.densities) else {
      throw archive.malformed("members of one ordering", found: "several orderings")
    }
    self.order = order
  }
}

import Essentials
import Kernels

/// Densities of one order, averaged conditional by conditional.
///
///     logit p(x_i = 1 | x_<i) = Σ_k w_k · logit p_k(x_i = 1 | x_<i)
///
/// This is a density, because every member's conditional has seen the same variables: each average is again a
/// Bernoulli distribution given x_<i. (Members of different orders can only be mixed as whole rows: see `Mixture`.)
/// It gains more than a mixture does: a mixture of K members is better than the best of them by at most log K nats a
/// row, an ensemble gains in every one of the D conditionals.
///
/// Averaged as probabilities instead, p(x_i = 1 | x_<i) = Σ_k w_k · p_k(x_i = 1 | x_<i), a conditional is never further
/// from the truth than the logarithm of one weight, in nats: a member that is careful keeps the others from harm.
///
/// Where members keep groups of columns (`GroupedNetwork`), an average of logits keeps the groups of all of them: in a
/// logarithmic pool a bit that is certain to one member is certain. So two members may not keep different groups that
/// have columns in common, for what one finds certain the other may exclude. An average of probabilities keeps the groups
/// that all members keep.
/// - Source: logarithmic and linear opinion pools: Genest & Zidek, Statistical Science 1, 1986.
public struct Ensemble: AutoregressiveDensity {
  /// What is averaged of the members' conditionals.
  public enum Averaged: String, Hashable, Sendable, Codable {
    /// Their logits: a logarithmic opinion pool.
    case logits
    /// Their probabilities: a linear opinion pool.
    case probabilities
  }

  /// Ensemble.
  package static let kind = ModelKind.ensemble
  private let parts: WeightedDensities
  /// What is averaged of the members' conditionals.
  public let averaged: Averaged
  /// The members along the ordering.
  private let views: [any AutoregressiveDensity]

  /// Averages densities, with equal weights if none are given; their logits, if nothing else is said.
  ///
  /// - Precondition: there is at least one, all are products of conditionals along one ordering (the own of one of
  ///   them), and there is a weight for each, none negative and not all zero. Where logits are averaged, groups of
  ///   columns that two members keep are equal, or have no column in common.
  public init(_ members: [any Density], weights: [Double]? = nil, averaging averaged: Averaged = .logits) {
    let parts = WeightedDensities(members, weights: weights)
    guard let views = members.views(along: nil) else {
      preconditionFailure("an ensemble needs members of one ordering; mix them as whole rows instead")
    }
    precondition(
      averaged == .probabilities || !members.haveContradictingGroups,
      "an ensemble's members keep groups of columns that contradict each other; mix them as whole rows instead"
    )
    self.init(parts, views, averaged)
  }

  private init(_ parts: WeightedDensities, _ views: [any AutoregressiveDensity], _ averaged: Averaged) {
    self.parts = parts
    self.views = views
    self.averaged = averaged
  }

  /// Returns densities with those that share their own ordering put together: one density for each, as an ensemble
  /// where there are several, and each that has no single ordering by itself.
  ///
  /// Members that keep groups of columns which contradict each other are not put together.
  public static func groups(_ densities: [any Density]) -> [any Density] {
    var groups: [(ordering: Ordering?, members: [any Density])] = []
    for density in densities {
      let ordering = density.autoregressive()?.ordering
      if let ordering,
        let place = groups.firstIndex(where: { group in
          group.ordering == ordering && !group.members.contains { $0.contradicts(density) }
        })
      {
        groups[place].members.append(density)
      } else {
        groups.append((ordering, [density]))
      }
    }
    return groups.map { $0.members.count == 1 ? $0.members[0] : Ensemble($0.members) }
  }

  /// The densities.
  public var members: [any Density] { parts.densities }
  /// Their weights: positive or zero, with a sum of 1.
  public var weights: [Double] { parts.weights }
  /// The number of variables.
  public var variableCount: Int { members[0].variableCount }
  /// The numbers of all members' parameters, and the weights.
  public var parameterCount: Int { parts.parameterCount }
  /// The ordering of all members.
  public var ordering: Ordering { views[0].ordering }

  /// The ensemble along another ordering, where all its members have one.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    guard let ordering, ordering != self.ordering else { return self }
    return members.views(along: ordering).map { Ensemble(parts, $0, averaged) }
  }

  /// Returns log p(x) of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Evaluator(self, batchCapacity: max(1, min(rows.rowCount, 512))).logProbabilities(of: rows)
  }

  /// Returns the logits of the averages, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  /// The members side by side, all prepared.
  public func cursorSource() -> any CursorSource {
    let kept = zip(views, weights).filter { $0.1 > 0 }
    return CombinedCursorSource(
      kept.map { $0.0.cursorSource() }, ordering: ordering,
      rule: averaged == .logits
        ? .average(weights: kept.map { Float($0.1) }) : .pool(logWeights: kept.map { log($0.1) }))
  }
}

extension Ensemble: PreparableDensity {
  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    Likelihood(ensemble: self, batchCapacity: batchCapacity)
  }

  private struct Likelihood: PreparedLikelihood {
    let ensemble: Ensemble
    let batchCapacity: Int

    func logProbabilities(
      of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
    ) throws(DensityError) -> [Double]? {
      try ensemble.logProbabilities(
        of: rows, in: Float.self, batchCapacity: batchCapacity, observing: observe)
    }
  }

  /// Computes one member after another, for what each needs to compute with can be as large as itself; a block of rows'
  /// logits takes at most 64 MB.
  fileprivate func logProbabilities<Scalar: KernelScalar>(
    of rows: any RowSource, in type: Scalar.Type, batchCapacity: Int,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    let capacity = max(1, min(batchCapacity, rows.rowCount))
    let block = max(capacity, (1 << 24) / variableCount)
    var result: [Double] = []
    result.reserveCapacity(rows.rowCount)
    let isWhole = try rows.forEachBlock(of: block) { (part) throws(DensityError) in
      var average = ConditionalAverage<Scalar>(averaged, rowCount: part.rowCount, columnCount: variableCount)
      for (index, (view, weight)) in zip(views, weights).enumerated() where weight > 0 {
        let executor = view.anyConditionalExecutor(in: type, batchCapacity: capacity)
        for first in stride(from: 0, to: part.rowCount, by: capacity) {
          let batch = first..<min(first + capacity, part.rowCount)
          average.add(executor.logits(of: part.rows(batch)), weight: weight, atRow: first)
        }
        let done = Double(part.rowCount) * Double(index + 1) / Double(views.count)
        if try !observe((Double(result.count) + done) / Double(rows.rowCount)) { return false }
      }
      result += logLikelihoods(logits: average.logits, of: part)
      return true
    }
    return isWhole ? result : nil
  }
}

extension Ensemble: PreparableConditionals {
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    Executor(
      zip(views, weights).filter { $0.1 > 0 }.map {
        ($0.0.anyConditionalExecutor(in: type, batchCapacity: batchCapacity), $0.1)
      }, averaged)
  }

  private final class Executor<Scalar: KernelScalar>: ConditionalExecutor {
    private let members: [(any ConditionalExecutor<Scalar>, Double)]
    private let averaged: Averaged

    init(_ members: [(any ConditionalExecutor<Scalar>, Double)], _ averaged: Averaged) {
      self.members = members
      self.averaged = averaged
    }

    func logits(of rows: BinaryMatrix) -> Matrix<Scalar> {
      var average = ConditionalAverage<Scalar>(
        averaged, rowCount: rows.rowCount, columnCount: rows.columnCount)
      for (member, weight) in members { average.add(member.logits(of: rows), weight: weight, atRow: 0) }
      return average.logits
    }
  }
}

extension Ensemble: ArchivableDensity {
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    let result = try? logProbabilities(of: rows, in: Double.self, batchCapacity: 512) {
      (_) throws(DensityError) in true
    }
    // Nothing stops it, and nothing throws.
    return result.flatMap(\.self) ?? []
  }

  /// The weights and the members, and what is averaged of them if that is not their logits.
  package func archived() throws(DensityError) -> DensityArchive {
    try parts.archived(as: Self.kind, averaged: averaged == .logits ? nil : averaged)
  }

  /// Restores an ensemble.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let parts = try WeightedDensities(archive)
    guard let views = parts.densities.views(along: nil) else {
      throw archive.malformed("members of one ordering", found: "several orderings")
    }
    let averaged = try WeightedDensities.averaged(archive) ?? .logits
    guard averaged == .probabilities || !parts.densities.haveContradictingGroups else {
      throw archive.malformed(
        "members whose groups of columns are equal or have none in common", found: "groups that overlap")
    }
    self.init(parts, views, averaged)
  }
}

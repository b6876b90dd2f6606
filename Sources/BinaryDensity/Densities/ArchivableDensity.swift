import Kernels

/// A density that a checkpoint can hold, and that has an oracle in Double: the package's own families.
package protocol ArchivableDensity: Density {
  /// The family, as in a checkpoint.
  static var kind: ModelKind { get }
  /// Returns what a checkpoint keeps of the density.
  ///
  /// - Throws: `DensityError.unsupported` if a part of it is not of the package's families.
  func archived() throws(DensityError) -> DensityArchive
  /// Restores a density from what a checkpoint has kept.
  ///
  /// - Throws: `DensityError.malformed` or `.mismatch`, naming the file.
  init(_ archive: DensityArchive) throws(DensityError)
  /// Returns log p of each row as plain loops in Double give it: slow, the oracle of `logProbabilities(of:)`.
  func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double]
}

extension Density {
  /// The family, or nil for a density that is not of the package's.
  public var kind: ModelKind? { (self as? any ArchivableDensity)?.family }
}

/// Returns log p of each row as plain loops in Double give it, of the package's densities; of others what they give.
package func inDouble(_ density: any Density, logProbabilitiesOf rows: BinaryMatrix) -> [Double] {
  switch density {
  case let density as any ArchivableDensity: density.referenceLogProbabilities(of: rows)
  case let density as any PreparableConditionals:
    logLikelihoods(logits: inDouble(density, conditionalLogitsOf: rows), of: rows)
  default: density.logProbabilities(of: rows)
  }
}

/// Returns the logits of the conditionals (B × D) as plain loops in Double give them.
package func inDouble(
  _ density: any AutoregressiveDensity, conditionalLogitsOf rows: BinaryMatrix
) -> Matrix<Double> {
  density.anyConditionalExecutor(in: Double.self, batchCapacity: 64).logits(of: rows)
}

extension ArchivableDensity {
  fileprivate var family: ModelKind { Self.kind }
}

/// The families of densities.
public enum ModelKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// Fully visible sigmoid belief network.
  case fvsbn
  /// Neural autoregressive distribution estimator.
  case nade
  /// Masked autoencoder for distribution estimation.
  case made
  /// Order-agnostic neural autoregressive distribution estimator.
  case eonade
  /// A network that keeps groups of columns.
  case grouped
  /// Densities averaged conditional by conditional.
  case ensemble
  /// Densities averaged as whole-row probabilities.
  case mixture
  /// A density of rows for each class.
  case labelled
  /// A network in training that sees a row's class.
  case conditional
  /// Independent variables.
  case bernoulli
  /// A mixture of independent variables.
  case bernoulliMixture = "bernoulli-mixture"
  /// A tree of variables, each given its parent.
  case chowLiu = "chow-liu"
  /// Each variable given one earlier one, averaged over which.
  case parentAverage = "parent-average"
  /// The probability of each row of few variables.
  case tabulated

  /// The families that `Trainer` trains.
  package static var trainable: [ModelKind] { allCases.filter { $0.type is any NetworkFamily.Type } }
  /// The families that are fitted at once, by counting.
  package static let baselines: [ModelKind] = [.bernoulli, .bernoulliMixture, .chowLiu]

  /// The type that implements the family.
  package var type: any ArchivableDensity.Type {
    switch self {
    case .fvsbn: FVSBN.self
    case .nade: NADE.self
    case .made: MADE.self
    case .eonade: EoNADE.self
    case .grouped: GroupedNetwork.self
    case .ensemble: Ensemble.self
    case .mixture: Mixture.self
    case .labelled: LabelledDensity.self
    case .conditional: ConditionalNetwork.self
    case .bernoulli: IndependentBernoulli.self
    case .bernoulliMixture: BernoulliMixture.self
    case .chowLiu: ChowLiuTree.self
    case .parentAverage: ParentAverage.self
    case .tabulated: TabulatedDensity.self
    }
  }
}

import Kernels

/// A distribution over rows of D bits whose log-probabilities are exact.
///
/// All that a checkpoint can hold conforms: single models, ensembles and mixtures of them, and baselines.
///
///     let model = try Checkpoint(contentsOf: "fit.safetensors").model
///     print(model.logProbability(of: rows))
public protocol Density: Sendable {
  /// The family, as in a checkpoint.
  static var kind: ModelKind { get }
  /// The number D of variables.
  var variableCount: Int { get }
  /// The number of fitted scalars, masked-out ones included.
  var parameterCount: Int { get }
  /// The order along which the chain rule takes the variables, or nil if there is not one for all rows.
  ///
  /// A mixture over different orders has none, and so no common conditionals.
  var sharedOrdering: Ordering? { get }
  /// Returns the exact log-probability of each row, in nats.
  ///
  /// Each value is ≤ 0 and within 1e-3 nats of a Double computation. The observer is told the fraction done.
  /// - Precondition: `rows.columnCount == variableCount`.
  func logProbability(of rows: BinaryMatrix, observing observe: (Double) -> Void) -> [Double]
  /// Returns the log-probabilities as plain loops in Double give them: slow, the oracle of `logProbability(of:)`.
  func referenceLogProbability(of rows: BinaryMatrix) -> [Double]
  /// Returns a function that computes the logits of the conditionals p(x_i = 1 | the variables before i).
  ///
  /// It takes up to any number of rows (B × D) and returns B × D logits in the table's order, one column a variable,
  /// working through `batchCapacity` rows at a time. A logit does not depend on its own variable or any later. In
  /// Double the plain reference loops compute it.
  /// - Precondition: `sharedOrdering != nil`.
  func conditionalLogits<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> (BinaryMatrix) -> Matrix<Scalar>
  /// Draws rows exactly, and returns the log-probability of each with it, in nats.
  func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logProbabilities: [Double])
  /// Draws rows exactly.
  func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix
  /// What a checkpoint keeps of the density.
  func archived() -> DensityArchive
  /// Restores a density from what a checkpoint has kept.
  ///
  /// - Throws: `DensityError.malformed` or `.mismatch`, naming the file.
  init(_ archive: DensityArchive) throws(DensityError)
}

extension Density {
  /// The family.
  public var kind: ModelKind { Self.kind }

  /// Returns the exact log-probability of each row, in nats.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbability(of rows: BinaryMatrix) -> [Double] { logProbability(of: rows) { _ in } }

  /// Returns the conditionals p(x_i = 1 | the variables before i), one column a variable in the table's order.
  ///
  /// - Precondition: `sharedOrdering != nil`.
  public func conditionals(of rows: BinaryMatrix) -> Matrix<Float> {
    guard rows.rowCount > 0 else { return Matrix(rowCount: 0, columnCount: variableCount) }
    var result = conditionalLogits(in: Float.self, batchCapacity: min(512, rows.rowCount))(rows)
    result.apply(.sigmoid)
    return result
  }

  /// Draws rows exactly.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    sampleWithLogProbabilities(count: count, using: &generator).rows
  }
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
  /// Densities averaged conditional by conditional.
  case ensemble
  /// Densities averaged as whole-row probabilities.
  case mixture
  /// Independent variables.
  case bernoulli
  /// A mixture of independent variables.
  case bernoulliMixture = "bernoulli-mixture"
  /// A tree of variables, each given its parent.
  case chowLiu = "chow-liu"

  /// The families that `Trainer` trains.
  package static var trainable: [ModelKind] { allCases.filter { $0.type is any TrainableDensity.Type } }
  /// The families that are fitted at once, by counting.
  package static let baselines: [ModelKind] = [.bernoulli, .bernoulliMixture, .chowLiu]

  /// The type that implements the family.
  package var type: any Density.Type {
    switch self {
    case .fvsbn: FVSBN.self
    case .nade: NADE.self
    case .made: MADE.self
    case .eonade: EoNADE.self
    case .ensemble: Ensemble.self
    case .mixture: Mixture.self
    case .bernoulli: IndependentBernoulli.self
    case .bernoulliMixture: BernoulliMixture.self
    case .chowLiu: ChowLiuTree.self
    }
  }
}

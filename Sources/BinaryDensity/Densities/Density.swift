import Kernels

/// A distribution over rows of D bits whose log-probabilities are exact.
///
/// Two things are asked of every density: how many variables it has, and log p of whole rows. What else it can do is
/// asked of it, because that depends on how it is made: a MADE of one mask has conditionals, one of several masks is a
/// mixture. Each capability is nil where it is absent.
///
///     let model = try Checkpoint(contentsOf: "fit.safetensors").model
///     print(model.logProbabilities(of: rows))
///     if let chain = model.autoregressive() { print(chain.conditionals(of: rows)) }
///
/// A density of your own conforms with the two requirements alone, and mixes with all others (`Mixture`). One that
/// gives its conditionals conforms to `AutoregressiveDensity`; then it can be sampled, walked and put into an `Ensemble`.
public protocol Density: Sendable {
  /// The number D of variables, at least 1.
  var variableCount: Int { get }
  /// Returns log p of each row, in nats.
  ///
  /// Each is at most 0. The package's own densities err by at most 1e-6 of the value, and so by less than 1e-3 nats where
  /// |log p| < 1000. To ask often, keep an `evaluator(batchCapacity:)`.
  /// - Precondition: `rows.columnCount == variableCount`.
  func logProbabilities(of rows: BinaryMatrix) -> [Double]

  /// Returns the density as a product of conditionals along an ordering of the variables, or nil if it is none.
  ///
  ///     p(x) = Π_i p(x_o(i) | x_o(0), …, x_o(i−1))
  ///
  /// - Parameter ordering: the ordering o wanted; nil asks for the density's own.
  /// - Returns: a view of the same distribution. A network has one for its own ordering alone; an ensemble or a mixture
  ///   has one where all its parts do; tractable densities have one for every ordering.
  func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)?
  /// The density as one that answers every marginal exactly, or nil.
  var tractable: (any TractableDensity)? { get }
  /// The densities that this one mixes, with their weights, or nil if it is no mixture:
  ///
  ///     p(x) = Σ_k w_k · p_k(x)
  var components: [Component]? { get }

  /// Draws rows exactly.
  ///
  /// Unless a density says otherwise it is walked along its ordering, or a component is drawn for each row.
  /// - Throws: `DensityError.unsupported` if it has neither.
  /// - Precondition: `count >= 0`.
  func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix

  /// The number of fitted scalars, masked-out ones included; 0 unless a density says otherwise.
  var parameterCount: Int { get }
}

/// One of the densities that a mixture is made of.
public struct Component: Sendable {
  /// The weight: positive or zero; those of a mixture have a sum of 1.
  public let weight: Double
  /// The density.
  public let density: any Density

  /// Creates a component.
  public init(weight: Double, density: any Density) {
    self.weight = weight
    self.density = density
  }
}

extension Density {
  /// None unless a density says otherwise.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? { nil }
  /// Returns the density as a product of conditionals along its own ordering, or nil if it has none.
  public func autoregressive() -> (any AutoregressiveDensity)? { autoregressive(along: nil) }
  /// Nil unless a density says otherwise.
  public var tractable: (any TractableDensity)? { nil }
  /// Nil unless a density says otherwise.
  public var components: [Component]? { nil }
  /// 0 unless a density says otherwise.
  public var parameterCount: Int { 0 }

  /// Draws rows along the density's ordering, or from its components.
  public func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try PreparedSampler(byCapabilityOf: self).sample(count: count, using: &generator)
  }

  /// Draws rows exactly, and returns log p of each, in nats, as `logProbabilities(of:)` gives it.
  ///
  /// - Throws: what `sample(count:using:)` throws.
  public func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> (rows: BinaryMatrix, logProbabilities: [Double]) {
    let rows = try sample(count: count, using: &generator)
    return (rows, logProbabilities(of: rows))
  }

  /// What a nest of mixtures comes down to, with weights; without what has a weight of zero.
  ///
  /// Each of these is tractable, or has an order, or mixes nothing.
  var leaves: [Component] {
    guard tractable == nil, autoregressive() == nil, let components else {
      return [Component(weight: 1, density: self)]
    }
    return components.filter { $0.weight > 0 }.flatMap { component in
      component.density.leaves.map {
        Component(weight: component.weight * $0.weight, density: $0.density)
      }
    }
  }

  /// Whether log p of some of its variables is exact, and costs no more than of all.
  var knowsMarginals: Bool { leaves.allSatisfy { $0.density.tractable != nil } }

  /// Returns the density made ready to be asked many times.
  ///
  /// - Parameter batchCapacity: the most rows that are computed at once; it decides memory and speed, never a bit.
  public func evaluator(batchCapacity: Int = 512) -> Evaluator {
    Evaluator(self, batchCapacity: batchCapacity)
  }
}

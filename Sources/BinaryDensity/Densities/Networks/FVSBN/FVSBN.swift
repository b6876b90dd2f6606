import Autodiff
import Kernels

/// The fully visible sigmoid belief network: one logistic regression a variable on the variables before it.
///
///     z_o(i) = b_o(i) + Σ_{j < i} w[o(j), o(i)] · x_o(j)
///
/// Parameters: w (D × D, of which D(D−1)/2 are used), b (1 × D). Cost O(D · on-bits) a row.
/// - Source: Frey, Hinton, Dayan, NIPS 1996; Neal, Artificial Intelligence 56, 1992; figures in Larochelle &
///   Murray, AISTATS 2011.
public struct FVSBN: NetworkDensity, AutoregressiveDensity {
  /// The shape of an FVSBN.
  public struct Configuration: ModelConfiguration {
    /// The number D of variables.
    public var variableCount: Int
    /// `.natural`, `.random` or `.explicit`.
    public var ordering: OrderingRule
    /// The seed of a random ordering; nil for a network that came with its ordering.
    public var seed: UInt64?

    /// Creates the configuration of D variables.
    public init(
      variableCount: Int, ordering: OrderingRule = RecommendedSettings.fvsbn.ordering, seed: UInt64? = 0
    ) {
      self.variableCount = variableCount
      self.ordering = ordering
      self.seed = seed
    }

    /// What is wrong with the configuration, or nil.
    public var problem: String? {
      if variableCount < 1 { return "a model needs at least one variable, not \(variableCount)" }
      if ordering == .resampled { return "an FVSBN has one ordering; resampled orderings need a MADE" }
      return ordering.problem(count: variableCount)
    }
  }

  /// FVSBN.
  package static let kind = ModelKind.fvsbn
  /// The configuration.
  public let configuration: Configuration
  /// w and b.
  public var parameters: Parameters<Float>
  /// The ordering.
  public let ordering: Ordering
  private let mask: Staircase

  /// Creates a network of given parameters.
  ///
  /// - Parameters:
  ///   - configuration: what the network is like.
  ///   - parameters: its matrices, of the shapes that the configuration says.
  ///   - ordering: nil for what the configuration's rule gives.
  /// - Precondition: the ordering is of D variables.
  public init(_ configuration: Configuration, parameters: Parameters<Float>, ordering: Ordering?) {
    var configuration = configuration
    self.ordering = configuration.takeOrdering(ordering)
    self.configuration = configuration
    self.parameters = parameters
    mask = Staircase(inputDegrees: self.ordering.inputDegrees, outputDegrees: self.ordering.outputDegrees)
  }

  /// Creates an untrained network, all parameters zero.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  public init(_ configuration: Configuration, seed: UInt64) throws(DensityError) {
    try self.init(initialising: configuration, seed: seed)
  }

  /// The shapes of w and b.
  package static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
    let count = configuration.variableCount
    return [.zeros("w", .variables(count), .variables(count)), .bias("b", .variables(count))]
  }

  /// The number of variables.
  public var variableCount: Int { configuration.variableCount }
  /// The shapes of w and b.
  public var parameterShapes: [ParameterShape] { Self.parameterShapes(configuration) }
  /// One mask: the variables before.
  public func masks(ofComponent component: Int) -> [Staircase] { [mask] }

  /// Adds z = x · (w ∘ mask) + b.
  public func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value {
    graph.maskedLinear(
      inputs.droppedRows(in: &graph), weights: parameter("w", in: &graph),
      bias: parameter("b", in: &graph), mask: inputs.masks[0])
  }

  /// Each conditional computed once: O(D²) a row.
  public func cursorSource(ofComponent component: Int) -> any CursorSource {
    NetworkCursorSource(
      MaskedNetwork(
        ordering: ordering.variables.map(Int32.init), hidden: [], activation: .relu, output: nil,
        direct: MaskedLayer(weights: parameters["w"], bias: parameters["b"], mask: mask)),
      ordering: ordering)
  }

  /// The network in the natural ordering.
  public func inNaturalOrder() -> (model: FVSBN, ordering: Ordering)? {
    let natural = Ordering.natural(count: variableCount)
    guard ordering != natural else { return nil }
    return (FVSBN(configuration, parameters: parameters, ordering: natural), ordering)
  }
}

extension FVSBN: NetworkFamily, PreparableConditionals {
  package init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.init(configuration, parameters: parameters, ordering: nil)
  }

  package init(_ configuration: Configuration, parameters: Parameters<Float>, masks: StoredMasks) {
    self.init(configuration, parameters: parameters, ordering: masks.orderings[0])
  }

  package static var optionalMembers: [String: JSONValue] { ["ordering": "natural"] }

  package mutating func clearForbiddenWeights() { clear(["w"], outside: [mask]) }
}

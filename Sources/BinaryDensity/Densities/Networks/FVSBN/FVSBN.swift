import Autodiff
import Kernels

/// The fully visible sigmoid belief network: one logistic regression a variable on the variables before it.
///
///     z_o(i) = b_o(i) + Σ_{j < i} w[o(j), o(i)] · x_o(j)
///
/// Parameters: w (D × D, of which D(D−1)/2 are used), b (1 × D). Cost O(D · on-bits) a row.
/// - Source: Frey, Hinton, Dayan, NIPS 1996; Neal, Artificial Intelligence 56, 1992; figures in Larochelle &
///   Murray, AISTATS 2011.
public struct FVSBN: AutoregressiveModel {
  /// The shape of an FVSBN.
  public struct Configuration: ModelConfiguration {
    /// The number D of variables.
    public var variableCount: Int
    /// `.natural`, `.random` or `.explicit`.
    public var ordering: OrderingRule
    /// The seed of a random ordering.
    public var seed: UInt64

    /// Creates the configuration of D variables.
    public init(
      variableCount: Int, ordering: OrderingRule = RecommendedSettings.fvsbn.ordering, seed: UInt64 = 0
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
  public static let kind = ModelKind.fvsbn
  /// The configuration.
  public let configuration: Configuration
  /// w and b.
  public var parameters: Parameters<Float> { didSet { latestSampler = LatestSampler() } }
  private let order: Ordering
  private let mask: Staircase
  private var latestSampler = LatestSampler()

  /// Creates a model of given parameters.
  public init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.configuration = configuration
    self.parameters = parameters
    order = configuration.ordering.ordering(
      count: configuration.variableCount, seed: configuration.seed, index: 0)
    mask = Staircase(inputDegrees: order.inputDegrees, outputDegrees: order.outputDegrees)
  }

  /// The shapes of w and b.
  public static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
    let count = configuration.variableCount
    return [.zeros("w", .variables(count), .variables(count)), .bias("b", .variables(count))]
  }

  /// The ordering.
  public func ordering(ofComponent component: Int) -> Ordering { order }
  /// One mask: the variables before.
  public func masks(ofComponent component: Int) -> [Staircase] { [mask] }

  /// Adds z = x · (w ∘ mask) + b.
  public func logits(
    of rows: Graph.Value, component: Int, masks: [Graph.Mask], dropout: Dropout, in graph: inout Graph
  ) -> Graph.Value {
    graph.maskedLinear(
      graph.dropping(rows, dropout.inputs), weights: parameter("w", in: &graph),
      bias: parameter("b", in: &graph), mask: masks[0])
  }

  /// Draws rows, each conditional computed once: O(D²) a row.
  public func draw(uniforms: Matrix<Float>, component: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    latestSampler.sampler(ofComponent: component) {
      IncrementalSampler(
        MaskedNetwork(
          ordering: order.variables.map(Int32.init), hidden: [], activation: .relu, output: nil,
          direct: MaskedLayer(weights: parameters["w"], bias: parameters["b"], mask: mask)))
    }.draw(uniforms)
  }
}

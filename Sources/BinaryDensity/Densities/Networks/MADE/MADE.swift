import Autodiff
import Kernels

/// The masked autoencoder for distribution estimation: a feed-forward network whose masks let the output of a
/// variable see only the variables before it.
///
/// Any number of hidden layers, including none, and optionally direct weights from inputs to outputs. In a residual MADE
/// a hidden layer of as many units as the one below adds that to its own,
///
///     h_l+1 = f(c_l+1 + h_l w_l+1) + h_l
///
/// and its units have the degrees of those they add, so that each still sees only what it may. With K masks
/// the model is the uniform mixture of K components that share parameters and differ in connectivity and, if
/// orderings are resampled, in order.
///
/// Parameters: `w0, c0, w1, c1, …` of the hidden layers, `v` and `b` of the output, `direct` (D × D) if wanted.
/// - Source: Germain, Gregor, Murray, Larochelle, MADE, ICML 2015; several masks: its order- and
///   connectivity-agnostic training. Residual layers: He, Zhang, Ren, Sun, Deep Residual Learning, CVPR 2016; in a MADE:
///   Nash & Durkan, Autoregressive Energy Machines, ICML 2019.
public struct MADE: AutoregressiveModel {
  /// The shape of a MADE.
  public struct Configuration: ModelConfiguration {
    /// The number D of variables.
    public var variableCount: Int
    /// The numbers of hidden units, first layer first; empty for none.
    public var hiddenCounts: [Int]
    /// What the hidden units apply.
    public var activation: Activation
    /// Whether inputs also reach outputs directly; always so without hidden layers.
    public var hasDirectWeights: Bool
    /// Whether hidden layers add the layer below where both have as many units.
    public var isResidual: Bool {
      get { residual ?? false }
      set { residual = newValue ? true : nil }
    }
    /// The number K of components, one mask each.
    public var maskCount: Int
    /// Whether training draws a fresh mask each step instead of cycling through the K.
    public var trainsOnFreshMasks: Bool
    /// The ordering, or a random one for each mask.
    public var ordering: OrderingRule
    /// The seed of masks and orderings.
    public var seed: UInt64
    // Nil for what files have from before there was a choice.
    private var residual: Bool?

    /// Creates the configuration of D variables.
    public init(
      variableCount: Int, hiddenCounts: [Int] = [500], activation: Activation = .relu,
      hasDirectWeights: Bool = false, isResidual: Bool = false, maskCount: Int = 1,
      trainsOnFreshMasks: Bool = false, ordering: OrderingRule = RecommendedSettings.made.ordering,
      seed: UInt64 = 0
    ) {
      self.variableCount = variableCount
      self.hiddenCounts = hiddenCounts
      self.activation = activation
      self.hasDirectWeights = hasDirectWeights || hiddenCounts.isEmpty
      self.maskCount = maskCount
      self.trainsOnFreshMasks = trainsOnFreshMasks
      self.ordering = ordering
      self.seed = seed
      self.isResidual = isResidual
    }

    /// Whether a hidden layer adds the one below to its own units.
    func addsLayerBelow(_ layer: Int) -> Bool {
      isResidual && layer > 0 && hiddenCounts[layer] == hiddenCounts[layer - 1]
    }

    /// What is wrong with the configuration, or nil.
    public var problem: String? {
      if variableCount < 1 { return "a model needs at least one variable, not \(variableCount)" }
      if let count = hiddenCounts.first(where: { $0 < 1 }) {
        return "a hidden layer needs at least one unit, not \(count)"
      }
      if hiddenCounts.count > 255 { return "a MADE has at most 255 hidden layers, not \(hiddenCounts.count)" }
      // All masks are kept, some kilobytes each.
      if !(1...4096).contains(maskCount) { return "a MADE has 1 to 4096 masks, not \(maskCount)" }
      if hiddenCounts.isEmpty && !hasDirectWeights {
        return "a MADE without hidden layers needs its direct weights"
      }
      if isResidual && !hiddenCounts.indices.contains(where: addsLayerBelow) {
        return "a residual MADE needs a hidden layer of as many units as the one below it"
      }
      return ordering.problem(count: variableCount)
    }
  }

  /// MADE.
  public static let kind = ModelKind.made
  /// The configuration.
  public let configuration: Configuration
  /// The weights and biases.
  public var parameters: Parameters<Float> { didSet { latestSampler = LatestSampler() } }
  private let components: [MaskSet]
  private var latestSampler = LatestSampler()

  /// Creates a model of given parameters.
  public init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.configuration = configuration
    self.parameters = parameters
    components = (0..<configuration.maskCount).map { MaskSet(configuration, index: $0) }
  }

  /// The shapes of the layers' weights and biases.
  public static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
    var shapes: [ParameterShape] = []
    let variables = ParameterShape.Extent.variables(configuration.variableCount)
    var below = variables
    for (layer, count) in configuration.hiddenCounts.enumerated() {
      shapes += [.weights("w\(layer)", below, .units(count)), .bias("c\(layer)", .units(count))]
      below = .units(count)
    }
    if !configuration.hiddenCounts.isEmpty { shapes.append(.weights("v", below, variables)) }
    shapes.append(.bias("b", variables))
    if configuration.hasDirectWeights { shapes.append(.zeros("direct", variables, variables)) }
    return shapes
  }

  /// The number of masks.
  public var componentCount: Int { configuration.maskCount }
  /// The ordering of a mask.
  public func ordering(ofComponent component: Int) -> Ordering { components[component].ordering }
  /// The masks of the hidden layers, of the output, and of the direct weights.
  public func masks(ofComponent component: Int) -> [Staircase] { components[component].staircases }

  /// Whether there is one mask, and no fresh ones.
  public var trainsOnOneMaskSet: Bool { componentCount == 1 && !configuration.trainsOnFreshMasks }

  /// The masks in turn, or fresh ones.
  public func masks(forTrainingStep step: Int) -> [Staircase] {
    configuration.trainsOnFreshMasks
      ? MaskSet(configuration, index: configuration.maskCount + step).staircases
      : masks(ofComponent: step % componentCount)
  }

  /// Adds the masked layers.
  public func logits(
    of rows: Graph.Value, component: Int, masks: [Graph.Mask], dropout: Dropout, in graph: inout Graph
  ) -> Graph.Value {
    var remaining = masks[...]
    let inputs = graph.dropping(rows, dropout.inputs)
    var h = inputs
    for layer in configuration.hiddenCounts.indices {
      let a = graph.maskedLinear(
        h, weights: parameter("w\(layer)", in: &graph), bias: parameter("c\(layer)", in: &graph),
        mask: remaining.removeFirst())
      let units = graph.dropping(graph.apply(configuration.activation, a), dropout.hidden)
      h = configuration.addsLayerBelow(layer) ? graph.add(units, h) : units
    }
    let bias = parameter("b", in: &graph)
    guard !configuration.hiddenCounts.isEmpty else {
      return graph.maskedLinear(
        inputs, weights: parameter("direct", in: &graph), bias: bias, mask: remaining.removeFirst())
    }
    let z = graph.maskedLinear(
      h, weights: parameter("v", in: &graph), bias: bias, mask: remaining.removeFirst())
    guard configuration.hasDirectWeights else { return z }
    return graph.add(
      z, graph.maskedLinear(inputs, weights: parameter("direct", in: &graph), mask: remaining.removeFirst()))
  }

  /// Draws rows, each hidden unit computed once: the operations of one likelihood at any depth.
  public func draw(uniforms: Matrix<Float>, component: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    latestSampler.sampler(ofComponent: component) { sampler(ofComponent: component) }.draw(uniforms)
  }

  private func sampler(ofComponent component: Int) -> IncrementalSampler {
    let set = components[component]
    let depth = configuration.hiddenCounts.count
    let bias = parameters["b"]
    let hidden = (0..<depth).map {
      MaskedLayer(
        weights: parameters["w\($0)"], bias: parameters["c\($0)"], mask: set.staircases[$0],
        addsInputs: configuration.addsLayerBelow($0))
    }
    let output =
      depth == 0 ? nil : MaskedLayer(weights: parameters["v"], bias: bias, mask: set.staircases[depth])
    let direct =
      !configuration.hasDirectWeights
      ? nil
      : MaskedLayer(
        weights: parameters["direct"], bias: depth > 0 ? nil : bias,
        mask: set.staircases[set.staircases.count - 1])
    return IncrementalSampler(
      MaskedNetwork(
        ordering: set.ordering.variables.map(Int32.init), hidden: hidden,
        activation: configuration.activation, output: output, direct: direct))
  }
}

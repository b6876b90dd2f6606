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
public struct MADE: NetworkDensity {
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
    /// The seed of masks and orderings; nil for a network that came with its own.
    public var seed: UInt64?
    // Nil for what files have from before there was a choice.
    private var residual: Bool?

    /// Creates the configuration of D variables.
    public init(
      variableCount: Int, hiddenCounts: [Int] = [500], activation: Activation = .relu,
      hasDirectWeights: Bool = false, isResidual: Bool = false, maskCount: Int = 1,
      trainsOnFreshMasks: Bool = false, ordering: OrderingRule = RecommendedSettings.made.ordering,
      seed: UInt64? = 0
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
      if trainsOnFreshMasks && seed == nil { return "fresh masks are drawn from a seed, and there is none" }
      return ordering.problem(count: variableCount)
    }
  }

  /// MADE.
  package static let kind = ModelKind.made
  /// The configuration.
  public let configuration: Configuration
  /// The weights and biases.
  public var parameters: Parameters<Float>
  /// The orderings and the degrees of the hidden units: a set for each component.
  public let maskSets: [MaskSet]

  /// Creates a network of given parameters.
  ///
  /// - Parameters:
  ///   - configuration: what the network is like.
  ///   - parameters: its matrices, of the shapes that the configuration says.
  ///   - maskSets: a set for each component; nil for those that the configuration's rule and seed give.
  /// - Precondition: `MaskSet.problem(of:in:)` finds nothing wrong with them.
  public init(_ configuration: Configuration, parameters: Parameters<Float>, maskSets: [MaskSet]?) {
    var configuration = configuration
    if let maskSets {
      precondition(
        maskSets.count == configuration.maskCount,
        "\(maskSets.count) mask sets for \(configuration.maskCount) components")
      if let problem = MaskSet.problem(of: maskSets, in: configuration) { preconditionFailure(problem) }
      configuration.ordering = configuration.ordering.describing(
        maskSets.map(\.ordering), seed: configuration.seed)
    }
    self.configuration = configuration
    self.parameters = parameters
    self.maskSets =
      maskSets ?? (0..<configuration.maskCount).map { [configuration] in MaskSet(configuration, index: $0) }
  }

  /// Creates an untrained network: biases zero, weights drawn from the seed, those that a single mask forbids zero.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  public init(_ configuration: Configuration, seed: UInt64) throws(DensityError) {
    try self.init(initialising: configuration, seed: seed)
  }

  /// The number of variables.
  public var variableCount: Int { configuration.variableCount }
  /// The shapes of the layers' weights and biases.
  public var parameterShapes: [ParameterShape] { Self.parameterShapes(configuration) }

  package static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
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
  public func ordering(ofComponent component: Int) -> Ordering { maskSets[component].ordering }
  /// The masks of the hidden layers, of the output, and of the direct weights.
  public func masks(ofComponent component: Int) -> [Staircase] { maskSets[component].staircases }

  /// Whether there is one mask, and no fresh ones.
  public var trainsOnOneMaskSet: Bool { componentCount == 1 && !configuration.trainsOnFreshMasks }

  /// The masks in turn, or fresh ones.
  public func masks(forTrainingStep step: Int) -> [Staircase] {
    configuration.trainsOnFreshMasks
      ? MaskSet(configuration, index: configuration.maskCount + step).staircases
      : masks(ofComponent: step % componentCount)
  }

  /// Adds the masked layers.
  public func logits(_ network: NetworkInputs, in graph: inout Graph) -> Graph.Value {
    let dropout = network.dropout
    var remaining = network.masks[...]
    let inputs = network.droppedRows(in: &graph)
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

  /// Each hidden unit computed once: the operations of one likelihood at any depth.
  public func cursorSource(ofComponent component: Int) -> any CursorSource {
    let set = maskSets[component]
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
    return NetworkCursorSource(
      MaskedNetwork(
        ordering: set.ordering.variables.map(Int32.init), hidden: hidden,
        activation: configuration.activation, output: output, direct: direct), ordering: set.ordering)
  }

  /// The network with all its mask sets in the natural ordering; nil also if orderings are drawn anew for each mask.
  public func inNaturalOrder() -> (model: MADE, ordering: Ordering)? {
    let natural = Ordering.natural(count: variableCount)
    guard configuration.ordering != .resampled, let ordering = sharedOrdering, ordering != natural else {
      return nil
    }
    var configuration = configuration
    configuration.ordering = .natural
    let sets = maskSets.map { MaskSet(ordering: natural, hiddenDegrees: $0.hiddenDegrees, in: configuration) }
    return (MADE(configuration, parameters: parameters, maskSets: sets), ordering)
  }
}

extension MADE: NetworkFamily {
  package init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.init(configuration, parameters: parameters, maskSets: nil)
  }

  package init(_ configuration: Configuration, parameters: Parameters<Float>, masks: StoredMasks) {
    self.init(configuration, parameters: parameters, maskSets: MADE.maskSets(of: masks, in: configuration))
  }

  package var storedMasks: StoredMasks {
    StoredMasks(orderings: maskSets.map(\.ordering), hiddenDegrees: maskSets.map(\.hiddenDegrees))
  }

  package static func storedMaskShape(
    _ configuration: Configuration
  ) -> (orderingCount: Int, hiddenCounts: [Int]) { (configuration.maskCount, configuration.hiddenCounts) }

  package static func problem(of masks: StoredMasks, in configuration: Configuration) -> String? {
    MaskSet.problem(of: maskSets(of: masks, in: configuration), in: configuration)
  }

  private static func maskSets(of masks: StoredMasks, in configuration: Configuration) -> [MaskSet] {
    zip(masks.orderings, masks.hiddenDegrees).map {
      MaskSet(ordering: $0, hiddenDegrees: $1, in: configuration)
    }
  }

  package static var optionalMembers: [String: JSONValue] {
    [
      "activation": "relu", "mask_count": 1, "has_direct_weights": false, "trains_on_fresh_masks": false,
      "ordering": "natural",
    ]
  }

  package mutating func clearForbiddenWeights() {
    guard trainsOnOneMaskSet else { return }
    let names = configuration.hiddenCounts.indices.map { "w\($0)" }
    let last = (names.isEmpty ? [] : ["v"]) + (configuration.hasDirectWeights ? ["direct"] : [])
    clear(names + last, outside: maskSets[0].staircases)
  }
}

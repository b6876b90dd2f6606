import Autodiff
import Kernels

/// The order-agnostic neural autoregressive distribution estimator: one network that gives p(x_i | any known variables),
/// and so a density for each of the D! orders of the variables.
///
///     h_1 = f(c_0 + (x ∘ m) w_0 + m u_0),   h_l+1 = f(c_l + h_l w_l),   z = b + h v
///
/// with m_i = 1 where variable i is known. The network sees which variables are known as well as their values, and its
/// layers are fully connected. The density is the uniform mixture of the chain-rule products along K orders, each a
/// *component*; K can be changed without training: see `withOrders(count:)`.
///
///     p(x) = (1/K) Σ_k Π_i p(x_o_k(i) | x_o_k(0), …, x_o_k(i−1))
///
/// Parameters: `w0` and `u0` (D × H), `c0`, then `w1, c1, …` of further hidden layers, `v` (H × D) and `b` of the output.
/// - Complexity: training costs a row one pass of the network, whatever D; a likelihood along one order costs
///   O(D · H) for one hidden layer and O(D · H²) for more.
/// - Source: Uria, Murray, Larochelle, A Deep and Tractable Density Estimator, ICML 2014.
public struct EoNADE: TrainableDensity {
  /// The shape of an EoNADE.
  public struct Configuration: ModelConfiguration {
    /// The number D of variables.
    public var variableCount: Int
    /// The numbers of hidden units, first layer first; at least one layer.
    public var hiddenCounts: [Int]
    /// What the hidden units apply.
    public var activation: Activation
    /// The number K of orders that are mixed.
    public var orderCount: Int
    /// `.resampled` for K random orders; any other rule gives the one order of a density of one component.
    public var ordering: OrderingRule
    /// The seed of the orders; nil for a network that came with its own.
    public var seed: UInt64?

    /// Creates the configuration of D variables; with random orders, of as many as are recommended if nothing is said.
    public init(
      variableCount: Int, hiddenCounts: [Int] = [500], activation: Activation = .relu,
      orderCount: Int? = nil, ordering: OrderingRule = RecommendedSettings.eonade.ordering, seed: UInt64? = 0
    ) {
      self.variableCount = variableCount
      self.hiddenCounts = hiddenCounts
      self.activation = activation
      self.orderCount =
        orderCount ?? (ordering == .resampled ? RecommendedSettings.eonade.orderCount : 1)
      self.ordering = ordering
      self.seed = seed
    }

    /// What is wrong with the configuration, or nil.
    public var problem: String? {
      if variableCount < 1 { return "a model needs at least one variable, not \(variableCount)" }
      if hiddenCounts.isEmpty { return "an EoNADE needs at least one hidden layer" }
      if let count = hiddenCounts.first(where: { $0 < 1 }) {
        return "a hidden layer needs at least one unit, not \(count)"
      }
      if hiddenCounts.count > 255 {
        return "an EoNADE has at most 255 hidden layers, not \(hiddenCounts.count)"
      }
      // All orders are kept, some kilobytes each.
      if !(1...4096).contains(orderCount) { return "an EoNADE mixes 1 to 4096 orders, not \(orderCount)" }
      if orderCount > 1 && ordering != .resampled {
        return "\(orderCount) orders are drawn at random (resampled); any other rule gives one"
      }
      return ordering.problem(count: variableCount)
    }
  }

  /// EoNADE.
  package static let kind = ModelKind.eonade
  /// The configuration.
  public let configuration: Configuration
  /// The weights and biases.
  public var parameters: Parameters<Float>
  /// The orders that are mixed.
  public let orders: [Ordering]

  /// Creates a network of given parameters.
  ///
  /// - Parameters:
  ///   - configuration: what the network is like.
  ///   - parameters: its matrices, of the shapes that the configuration says.
  ///   - orders: nil for what the configuration's rule and seed give.
  /// - Precondition: there are as many orders as the configuration says, each of D variables.
  public init(_ configuration: Configuration, parameters: Parameters<Float>, orders: [Ordering]?) {
    var configuration = configuration
    if let orders {
      precondition(
        orders.count == configuration.orderCount,
        "\(orders.count) orders where the configuration has \(configuration.orderCount)")
      precondition(
        orders.allSatisfy { $0.variables.count == configuration.variableCount },
        "orders of \(orders.map(\.variables.count)) variables for \(configuration.variableCount)")
      configuration.ordering =
        orders.count == 1
        ? configuration.ordering.describing(orders, seed: configuration.seed) : .resampled
    }
    self.configuration = configuration
    self.parameters = parameters
    self.orders =
      orders
      ?? (0..<configuration.orderCount).map { [configuration] in
        configuration.ordering.ordering(
          count: configuration.variableCount, seed: configuration.seed, index: $0)
      }
  }

  /// Creates an untrained network: biases zero, weights drawn from the seed.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  public init(_ configuration: Configuration, seed: UInt64) throws(DensityError) {
    try self.init(initialising: configuration, seed: seed)
  }

  /// Returns the same network as a mixture over the first `count` random orders of its seed.
  ///
  /// - Throws: `DensityError.invalidConfiguration` if it has no seed.
  /// - Precondition: `count` is 1 to 4096.
  public func withOrders(count: Int) throws(DensityError) -> EoNADE {
    precondition((1...4096).contains(count), "an EoNADE mixes 1 to 4096 orders, not \(count)")
    guard configuration.seed != nil else {
      throw .invalidConfiguration("further orders are drawn from the network's seed, and it has none")
    }
    var configuration = configuration
    configuration.ordering = .resampled
    configuration.orderCount = count
    return EoNADE(configuration, parameters: parameters, orders: nil)
  }

  /// Returns the same network along one order: another density for each.
  ///
  /// - Precondition: the order is one of D variables.
  public func along(_ order: Ordering) -> EoNADE {
    var configuration = configuration
    configuration.orderCount = 1
    configuration.ordering = .explicit(order.variables)
    return EoNADE(configuration, parameters: parameters, orders: [order])
  }

  /// The shapes of the layers' weights and biases.
  package static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
    let variables = ParameterShape.Extent.variables(configuration.variableCount)
    var shapes: [ParameterShape] = []
    var below = variables
    for (layer, count) in configuration.hiddenCounts.enumerated() {
      shapes.append(.weights("w\(layer)", below, .units(count)))
      if layer == 0 { shapes.append(.weights("u0", variables, .units(count))) }
      shapes.append(.bias("c\(layer)", .units(count)))
      below = .units(count)
    }
    return shapes + [.weights("v", below, variables), .bias("b", variables)]
  }

  /// The number of variables.
  public var variableCount: Int { configuration.variableCount }
  /// The shapes of the layers' weights and biases.
  public var parameterShapes: [ParameterShape] { Self.parameterShapes(configuration) }

  /// The network in the natural order, if it has one other order.
  public func inNaturalOrder() -> (model: EoNADE, ordering: Ordering)? {
    let natural = Ordering.natural(count: variableCount)
    guard configuration.ordering != .resampled, orders[0] != natural else { return nil }
    return (along(natural), orders[0])
  }

  /// Adds the logits of p(x_i = 1 | the known variables), for all i, to a graph.
  ///
  /// Shapes: `values`, 0 where unknown, `known` and the logits B × D.
  func logits(
    values: Graph.Value, known: Graph.Value, dropout: Dropout, in graph: inout Graph
  ) -> Graph.Value {
    // Layers without a mask are masked layers all the same: an executor spends their gradients where it makes them.
    func linear(
      _ x: Graph.Value, _ weights: String, _ bias: String?, in graph: inout Graph
    ) -> Graph.Value {
      let w = parameter(weights, in: &graph)
      let mask = graph.mask(
        Staircase(
          denseInputCount: parameters[weights].rowCount, outputCount: parameters[weights].columnCount),
        isFixed: true)
      let bias = bias.map { parameter($0, in: &graph) }
      return graph.maskedLinear(x, weights: w, bias: bias, mask: mask)
    }
    let first = linear(graph.dropping(values, dropout.inputs), "w0", "c0", in: &graph)
    var a = graph.add(first, linear(known, "u0", nil, in: &graph))
    for layer in 1..<configuration.hiddenCounts.count + 1 {
      let h = graph.dropping(graph.apply(configuration.activation, a), dropout.hidden)
      let isTop = layer == configuration.hiddenCounts.count
      a = linear(h, isTop ? "v" : "w\(layer)", isTop ? "b" : "c\(layer)", in: &graph)
    }
    return a
  }
}

import Autodiff
import Kernels

/// The neural autoregressive distribution estimator: D conditionals that share one growing hidden state.
///
///     z_o(i) = b_o(i) + v_o(i) · f(a_i),   a_0 = c,   a_{i+1} = a_i + w_o(i) · x_o(i)
///
/// Parameters: w and v (D × H), b (1 × D), c (1 × H). The recursion makes a row cost O(D · H), forward, backward
/// and sampling alike; computing each conditional afresh would cost O(D² · H).
/// - Source: Larochelle & Murray, The Neural Autoregressive Distribution Estimator, AISTATS 2011; ReLU units:
///   Uria, Murray, Larochelle, A Deep and Tractable Density Estimator, ICML 2014.
public struct NADE: AutoregressiveModel {
  /// The shape of a NADE.
  public struct Configuration: ModelConfiguration {
    /// The number D of variables.
    public var variableCount: Int
    /// The number H of hidden units.
    public var hiddenCount: Int
    /// `.sigmoid` or `.relu`.
    public var activation: Activation
    /// `.natural`, `.random` or `.explicit`.
    public var ordering: OrderingRule
    /// The seed of a random ordering.
    public var seed: UInt64

    /// Creates the configuration of D variables and H hidden units.
    public init(
      variableCount: Int, hiddenCount: Int = 500, activation: Activation = .relu,
      ordering: OrderingRule = RecommendedSettings.nade.ordering, seed: UInt64 = 0
    ) {
      self.variableCount = variableCount
      self.hiddenCount = hiddenCount
      self.activation = activation
      self.ordering = ordering
      self.seed = seed
    }

    /// What is wrong with the configuration, or nil.
    public var problem: String? {
      if variableCount < 1 { return "a model needs at least one variable, not \(variableCount)" }
      if hiddenCount < 1 { return "a NADE needs at least one hidden unit, not \(hiddenCount)" }
      if activation != .sigmoid && activation != .relu {
        return "a NADE's hidden units are sigmoid or relu, not \(activation.rawValue)"
      }
      if ordering == .resampled { return "a NADE has one ordering; resampled orderings need a MADE" }
      return ordering.problem(count: variableCount)
    }
  }

  /// NADE.
  public static let kind = ModelKind.nade
  /// The configuration.
  public let configuration: Configuration
  /// w, v, b and c.
  public var parameters: Parameters<Float>
  private let order: Ordering

  /// Creates a model of given parameters.
  public init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.configuration = configuration
    self.parameters = parameters
    order = configuration.ordering.ordering(
      count: configuration.variableCount, seed: configuration.seed, index: 0)
  }

  /// The shapes of w, v, b and c.
  public static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
    let variables = configuration.variableCount
    let hidden = configuration.hiddenCount
    return [
      .weights("w", .variables(variables), .units(hidden)),
      .weights("v", .variables(variables), .units(hidden)), .bias("b", .variables(variables)),
      .bias("c", .units(hidden)),
    ]
  }

  /// The ordering.
  public func ordering(ofComponent component: Int) -> Ordering { order }
  /// None: the recursion itself is autoregressive.
  public func masks(ofComponent component: Int) -> [Staircase] { [] }

  /// The fused recursion keeps its hidden units to itself.
  public static var allowsHiddenDropout: Bool { false }

  /// Adds the recursion.
  ///
  /// The recursion takes bits, so with dropout the weights, not the inputs, are divided by the share that is kept.
  public func logits(
    of rows: Graph.Value, component: Int, masks: [Graph.Mask], dropout: Dropout, in graph: inout Graph
  ) -> Graph.Value {
    var (x, w) = (rows, parameter("w", in: &graph))
    if dropout.inputs > 0 {
      x = graph.dropout(rows, rate: dropout.inputs, isRescaled: false)
      w = graph.scale(w, by: 1 / (1 - dropout.inputs))
    }
    return graph.nade(
      x, w: w, v: parameter("v", in: &graph), b: parameter("b", in: &graph),
      c: parameter("c", in: &graph), ordering: order.variables, activation: configuration.activation)
  }

  /// Draws rows along the recursion: O(D · H) a row.
  public func draw(uniforms: Matrix<Float>, component: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    var rows = Matrix<Float>(rowCount: uniforms.rowCount, columnCount: variableCount)
    var logits = rows
    rows.withUnsafeMutableView { rows in
      logits.withUnsafeMutableView(
        reading: uniforms, parameters["w"], parameters["v"], parameters["b"], parameters["c"]
      ) { logits, uniforms, w, v, b, c in
        Float.nadeSample(
          uniforms: uniforms,
          parameters: NADEOperands(
            w: w, v: v, b: b, c: c, ordering: order.variables.map(Int32.init),
            activation: configuration.activation),
          into: rows, logits: logits)
      }
    }
    return (BinaryMatrix(rows), logits)
  }
}

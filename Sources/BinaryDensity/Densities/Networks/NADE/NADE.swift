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
public struct NADE: NetworkDensity, AutoregressiveDensity {
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
    /// The seed of a random ordering; nil for a network that came with its ordering.
    public var seed: UInt64?

    /// Creates the configuration of D variables and H hidden units.
    public init(
      variableCount: Int, hiddenCount: Int = 500, activation: Activation = .relu,
      ordering: OrderingRule = RecommendedSettings.nade.ordering, seed: UInt64? = 0
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
  package static let kind = ModelKind.nade
  /// The configuration.
  public let configuration: Configuration
  /// w, v, b and c.
  public var parameters: Parameters<Float>
  /// The ordering.
  public let ordering: Ordering

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
  }

  /// Creates an untrained network: biases zero, weights drawn from the seed.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  public init(_ configuration: Configuration, seed: UInt64) throws(DensityError) {
    try self.init(initialising: configuration, seed: seed)
  }

  /// The number of variables.
  public var variableCount: Int { configuration.variableCount }
  /// The shapes of w, v, b and c.
  public var parameterShapes: [ParameterShape] { Self.parameterShapes(configuration) }

  package static func parameterShapes(_ configuration: Configuration) -> [ParameterShape] {
    let variables = configuration.variableCount
    let hidden = configuration.hiddenCount
    return [
      .weights("w", .variables(variables), .units(hidden)),
      .weights("v", .variables(variables), .units(hidden)), .bias("b", .variables(variables)),
      .bias("c", .units(hidden)),
    ]
  }

  /// The fused recursion keeps its hidden units to itself.
  public var allowsHiddenDropout: Bool { false }

  /// Adds the recursion.
  ///
  /// The recursion takes bits, so with dropout the weights, not the inputs, are divided by the share that is kept.
  public func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value {
    var w = parameter("w", in: &graph)
    if inputs.dropout.inputs > 0 {
      w = graph.scale(w, by: 1 / (1 - inputs.dropout.inputs), sparing: inputs.sparedCount)
    }
    return graph.nade(
      inputs.droppedRows(in: &graph, isRescaled: false), w: w, v: parameter("v", in: &graph),
      b: parameter("b", in: &graph),
      c: parameter("c", in: &graph), ordering: ordering.variables, activation: configuration.activation)
  }

  /// The recursion, step by step: O(D · H) a row.
  public func cursorSource(ofComponent component: Int) -> any CursorSource {
    NetworkCursorSource(ordering: ordering, draw: draw(uniforms:)) {
      CursorPlan(
        nade: parameters["w"], v: parameters["v"], b: parameters["b"], c: parameters["c"],
        ordering: ordering.variables.map(Int32.init), activation: configuration.activation)
    }
  }

  /// Draws rows by the kernel that also decides: variable i of row r is on where `uniforms[r, i] < p(x_i = 1 | …)`.
  private func draw(uniforms: Matrix<Float>) -> BinaryMatrix {
    var rows = Matrix<Float>(rowCount: uniforms.rowCount, columnCount: variableCount)
    var logits = rows
    rows.withUnsafeMutableView { rows in
      logits.withUnsafeMutableView(
        reading: uniforms, parameters["w"], parameters["v"], parameters["b"], parameters["c"]
      ) { logits, uniforms, w, v, b, c in
        Float.nadeSample(
          uniforms: uniforms,
          parameters: NADEOperands(
            w: w, v: v, b: b, c: c, ordering: ordering.variables.map(Int32.init),
            activation: configuration.activation),
          into: rows, logits: logits)
      }
    }
    return BinaryMatrix(rows)
  }

  /// The network in the natural ordering.
  public func inNaturalOrder() -> (model: NADE, ordering: Ordering)? {
    let natural = Ordering.natural(count: variableCount)
    guard ordering != natural else { return nil }
    return (NADE(configuration, parameters: parameters, ordering: natural), ordering)
  }
}

extension NADE: NetworkFamily, PreparableConditionals {
  package init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.init(configuration, parameters: parameters, ordering: nil)
  }

  package init(_ configuration: Configuration, parameters: Parameters<Float>, masks: StoredMasks) {
    self.init(configuration, parameters: parameters, ordering: masks.orderings[0])
  }

  package static var optionalMembers: [String: JSONValue] { ["activation": "relu", "ordering": "natural"] }
}

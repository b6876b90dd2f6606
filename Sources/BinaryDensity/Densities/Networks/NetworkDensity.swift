import Autodiff
import Kernels

/// A density whose conditionals a network computes: logits as ops of a graph.
///
/// It is a chain-rule product along an ordering, or a uniform mixture of a few such products, its *components*, which
/// share parameters. From its logits follow log-probabilities, conditionals, gradients and samples. A network of your own:
///
///     struct Regression: NetworkDensity, AutoregressiveDensity {
///       let variableCount: Int
///       var parameters: Parameters<Float>
///       var ordering: Ordering { .natural(count: variableCount) }
///       var parameterShapes: [ParameterShape] {
///         [.zeros("w", .variables(variableCount), .variables(variableCount)), .bias("b", .variables(variableCount))]
///       }
///       func masks(ofComponent component: Int) -> [Staircase] {
///         [Staircase(inputDegrees: ordering.inputDegrees, outputDegrees: ordering.outputDegrees)]
///       }
///       func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value {
///         graph.maskedLinear(
///           inputs.rows, weights: parameter("w", in: &graph), bias: parameter("b", in: &graph), mask: inputs.masks[0])
///       }
///     }
public protocol NetworkDensity: TrainableDensity where Inputs == [Graph.Mask] {
  /// The number of components; 1 for a plain chain-rule product.
  var componentCount: Int { get }
  /// The ordering of a component.
  func ordering(ofComponent component: Int) -> Ordering
  /// The masks of a component, in the order in which `logits(_:in:)` takes them.
  func masks(ofComponent component: Int) -> [Staircase]
  /// Whether every training step takes the same masks.
  var trainsOnOneMaskSet: Bool { get }
  /// The masks to train a step with.
  func masks(forTrainingStep step: Int) -> [Staircase]
  /// Adds the D logits of a component's conditionals (B × D, in the order of the columns) to a graph.
  ///
  /// The logit of a variable must depend on no variable but those before it in the ordering.
  func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value
  /// Returns a component made ready to be walked.
  func cursorSource(ofComponent component: Int) -> any CursorSource
}

/// What the logits of a network are computed from.
public struct NetworkInputs: Sendable {
  /// The rows, B × D, of zeros and ones.
  public let rows: Graph.Value
  /// Which component's logits are wanted.
  public let component: Int
  /// The masks of the component, or of the training step.
  public let masks: [Graph.Mask]
  /// The rates of dropout: none but in training.
  public let dropout: Dropout
  /// How many of the first variables are never dropped: those that say a row's class.
  public let sparedCount: Int

  init(
    rows: Graph.Value, component: Int, masks: [Graph.Mask], dropout: Dropout = .none, sparedCount: Int = 0
  ) {
    self.rows = rows
    self.component = component
    self.masks = masks
    self.dropout = dropout
    self.sparedCount = sparedCount
  }

  /// The rows, with dropout of all variables but those that are spared.
  func droppedRows(in graph: inout Graph, isRescaled: Bool = true) -> Graph.Value {
    guard dropout.inputs > 0 else { return rows }
    return graph.dropout(rows, rate: dropout.inputs, isRescaled: isRescaled, sparing: sparedCount)
  }
}

extension NetworkDensity {
  /// One component unless the network says otherwise.
  public var componentCount: Int { 1 }
  /// None unless the network says otherwise.
  public func masks(ofComponent component: Int) -> [Staircase] { [] }
  /// True unless the network says otherwise.
  public var trainsOnOneMaskSet: Bool { true }
  /// The first component's masks unless the network says otherwise.
  public func masks(forTrainingStep step: Int) -> [Staircase] { masks(ofComponent: 0) }
  /// Computes all conditionals in each step, unless the network says otherwise.
  public func cursorSource(ofComponent component: Int) -> any CursorSource {
    ConditionalCursorSource(NetworkComponent(self, component))
  }

  /// The ordering that all components share, if they do.
  package var sharedOrdering: Ordering? {
    let first = ordering(ofComponent: 0)
    return (1..<componentCount).allSatisfy { ordering(ofComponent: $0) == first } ? first : nil
  }

  /// Adds the exact log-probability of each row, in nats, to a graph: B × D to B × 1.
  ///
  /// Components are mixed as whole-row probabilities, log (1/K) Σ_k p_k(x): averaging their logits instead would not
  /// give a density.
  public func logProbability(of rows: Graph.Value, in graph: inout Graph) -> Graph.Value {
    likelihood(of: rows, components: 0..<componentCount, in: &graph).logProbability
  }

  /// Adds the logits of some components (B × D each), and log p of each row (B × 1) under their uniform mixture.
  func likelihood(
    of rows: Graph.Value, components: Range<Int>, in graph: inout Graph
  ) -> (logits: [Graph.Value], logProbability: Graph.Value) {
    var (logits, terms): ([Graph.Value], [Graph.Value]) = ([], [])
    for component in components {
      let masks = masks(ofComponent: component).map { graph.mask($0) }
      let inputs = NetworkInputs(rows: rows, component: component, masks: masks)
      let z = self.logits(inputs, in: &graph)
      logits.append(z)
      terms.append(graph.bernoulliLogLikelihood(logits: z, targets: rows))
    }
    return (logits, terms.count == 1 ? terms[0] : graph.logMeanExp(graph.concatenate(terms)))
  }

  /// The mean of −log p over the rows of a step, under the masks of the step.
  public func objective(_ dropout: Dropout) -> TrainingObjective<[Graph.Mask]> {
    var graph = Graph()
    let rows = graph.input("x", columns: variableCount, isSparse: true)
    let masks = masks(forTrainingStep: 0).map { graph.mask($0, isFixed: trainsOnOneMaskSet) }
    let inputs = NetworkInputs(rows: rows, component: 0, masks: masks, dropout: dropout)
    let logits = logits(inputs, in: &graph)
    let logProbability = graph.bernoulliLogLikelihood(logits: logits, targets: rows)
    let loss = graph.scale(graph.mean(logProbability, over: .rows), by: -1)
    graph.name(logits, "logits")
    graph.name(logProbability, "log p")
    graph.name(loss, "loss")
    return TrainingObjective(graph: graph, rows: rows, loss: loss, inputs: masks)
  }

  /// Sets the masks of a step, if they change.
  public func prepare(
    _ objective: TrainingObjective<[Graph.Mask]>, in executor: Executor<Float>, seed: UInt64, step: Int
  ) {
    guard !trainsOnOneMaskSet else { return }
    for (mask, staircase) in zip(objective.inputs, masks(forTrainingStep: step)) {
      executor.set(mask, to: staircase)
    }
  }

  /// Exact log-probabilities.
  public func judge(batchCapacity: Int, columnOrder: [Int]?) -> any ValidationJudge {
    LikelihoodExecutor(
      self, parameters: parameters, batchCapacity: batchCapacity, columnOrder: columnOrder)
  }

  /// Returns log p of each row, in nats: of K components log (1/K) Σ_k p_k(x).
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    evaluator(batchCapacity: max(1, min(rows.rowCount, 512))).logProbabilities(of: rows)
  }
}

extension NetworkDensity where Self: AutoregressiveDensity {
  /// The one ordering.
  public func ordering(ofComponent component: Int) -> Ordering { ordering }

  /// Returns log p of each row, in nats.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Evaluator(self, batchCapacity: max(1, min(rows.rowCount, 512))).logProbabilities(of: rows)
  }

  /// Returns the logits of the conditionals, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    NetworkComponent(self, 0).preparedLogits(of: rows)
  }

  /// The network made ready to be walked.
  public func cursorSource() -> any CursorSource { cursorSource(ofComponent: 0) }
}

/// One component of a network as a density of its own; it shares the network's parameters.
struct NetworkComponent<Network: NetworkDensity>: PreparableDensity, PreparableConditionals {
  let network: Network
  let component: Int

  /// - Precondition: the component exists.
  init(_ network: Network, _ component: Int) {
    precondition(
      (0..<network.componentCount).contains(component),
      "component \(component) is not in 0..<\(network.componentCount)")
    self.network = network
    self.component = component
  }

  var variableCount: Int { network.variableCount }
  var parameterCount: Int { network.parameterCount }
  var ordering: Ordering { network.ordering(ofComponent: component) }

  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Evaluator(self, batchCapacity: max(1, min(rows.rowCount, 512))).logProbabilities(of: rows)
  }

  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    NetworkLikelihood(network, components: component..<component + 1, batchCapacity: batchCapacity)
  }

  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    LikelihoodExecutor(
      network, components: component..<component + 1, parameters: network.parameters.converted(to: type),
      batchCapacity: batchCapacity, keepingLogits: true)
  }

  func cursorSource() -> any CursorSource { network.cursorSource(ofComponent: component) }
}

extension NetworkDensity {
  /// The components as densities of their own, with equal weights; nil if there is one.
  public var components: [Component]? {
    guard componentCount > 1 else { return nil }
    return (0..<componentCount).map {
      Component(weight: 1 / Double(componentCount), density: NetworkComponent(self, $0))
    }
  }

  /// The one component, or the mixture of several of one ordering.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    guard let own = sharedOrdering, ordering == nil || ordering == own else { return nil }
    if componentCount == 1 { return NetworkComponent(self, 0) }
    let parts = (0..<componentCount).map { NetworkComponent(self, $0) }
    return OneOrderMixture(parts, logWeights: parts.map { _ in 0 }, of: self)
  }
}

extension NetworkDensity where Self: AutoregressiveDensity {
  /// Itself along its own ordering, and none along any other.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    ordering == nil || ordering == self.ordering ? self : nil
  }
}

extension NetworkDensity {
  /// Returns one component as a density of its own.
  ///
  /// - Precondition: it exists.
  package func component(_ component: Int) -> any AutoregressiveDensity { NetworkComponent(self, component) }
}

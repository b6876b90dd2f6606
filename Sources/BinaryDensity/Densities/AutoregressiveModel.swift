import Autodiff
import Kernels

/// A density over rows of D bits, factorised by the chain rule along an ordering of the variables.
///
/// With o the ordering,
///
///     p(x) = Π_i p(x_o(i) | x_o(0), …, x_o(i−1))
///
/// or a uniform mixture of a few such products, its *components*, which share parameters.
///
/// A model is a value: a configuration and its parameters. It says how its logits are computed from a row by the
/// ops of a `Graph`; log-probabilities, conditionals, gradients and sampling follow from that.
public protocol AutoregressiveModel: TrainableDensity {
  /// The number of components; 1 for a plain chain-rule product.
  var componentCount: Int { get }
  /// The ordering of a component.
  func ordering(ofComponent component: Int) -> Ordering
  /// The masks of a component, in the order in which `logits(of:component:masks:dropout:in:)` takes them.
  func masks(ofComponent component: Int) -> [Staircase]
  /// Whether every training step takes the same masks.
  var trainsOnOneMaskSet: Bool { get }
  /// The masks to train a step with.
  func masks(forTrainingStep step: Int) -> [Staircase]
  /// Adds the D logits of a component's conditionals (B × D, in the order of the columns) to a graph.
  func logits(
    of rows: Graph.Value, component: Int, masks: [Graph.Mask], dropout: Dropout, in graph: inout Graph
  ) -> Graph.Value
  /// Draws rows from a component: variable i of row r is on where `uniforms[r, i] < p(x_i = 1 | …)`.
  ///
  /// Shapes: `uniforms`, the rows and the logits each decision was drawn from are B × D.
  func draw(uniforms: Matrix<Float>, component: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>)
}

extension AutoregressiveModel {
  /// One component unless the model says otherwise.
  public var componentCount: Int { 1 }
  /// True unless the model says otherwise.
  public var trainsOnOneMaskSet: Bool { true }
  /// The first component's masks unless the model says otherwise.
  public func masks(forTrainingStep step: Int) -> [Staircase] { masks(ofComponent: 0) }
  /// The ordering that all components share, if they do.
  public var sharedOrdering: Ordering? {
    let first = ordering(ofComponent: 0)
    return (1..<componentCount).allSatisfy { ordering(ofComponent: $0) == first } ? first : nil
  }

  /// Adds the exact log-probability of each row, in nats, to a graph: B × D to B × 1.
  ///
  /// Components are mixed as whole-row probabilities, log (1/K) Σ_k p_k(x): averaging their logits instead would not
  /// give a density.
  public func logProbability(of rows: Graph.Value, in graph: inout Graph) -> Graph.Value {
    let terms = (0..<componentCount).map { component in
      let masks = masks(ofComponent: component).map { graph.mask($0) }
      let logits = logits(
        of: rows, component: component, masks: masks, dropout: .none, in: &graph)
      return graph.bernoulliLogLikelihood(logits: logits, targets: rows)
    }
    return terms.count == 1 ? terms[0] : graph.logMeanExp(graph.concatenate(terms))
  }

  /// The mean of −log p over the rows of a step, under the masks of the step.
  public func objective(_ dropout: Dropout) -> TrainingObjective {
    var graph = Graph()
    let rows = rows(in: &graph)
    let masks = masks(forTrainingStep: 0).map { graph.mask($0, isFixed: trainsOnOneMaskSet) }
    let logits = logits(of: rows, component: 0, masks: masks, dropout: dropout, in: &graph)
    let logProbability = graph.bernoulliLogLikelihood(logits: logits, targets: rows)
    let loss = graph.scale(graph.mean(logProbability, over: .rows), by: -1)
    graph.name(logits, "logits")
    graph.name(logProbability, "log p")
    graph.name(loss, "loss")
    return TrainingObjective(graph: graph, rows: rows, loss: loss, masks: masks)
  }

  /// Sets the masks of a step, if they change.
  public func prepare(
    _ objective: TrainingObjective, in executor: Executor<Float>, seed: UInt64, step: Int
  ) {
    guard !trainsOnOneMaskSet else { return }
    for (mask, staircase) in zip(objective.masks, masks(forTrainingStep: step)) {
      executor.set(mask, to: staircase)
    }
  }

  /// Exact log-probabilities.
  public func judge(batchCapacity: Int) -> any ValidationJudge {
    Evaluator(self, batchCapacity: batchCapacity)
  }

  /// Adds the rows of a table of bits as the input of a graph.
  package func rows(in graph: inout Graph) -> Graph.Value {
    graph.input("x", columns: variableCount, isSparse: true)
  }
}

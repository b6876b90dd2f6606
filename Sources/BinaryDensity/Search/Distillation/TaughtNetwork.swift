import Autodiff
import Kernels
import Synchronization

/// A network in training that learns the conditionals of a teacher, besides the bits of its rows.
///
///     loss = −mean of Σ_i t_i · log q_i + (1 − t_i) · log (1 − q_i),   t_i = α · p(x_i = 1 | x_<i) + (1 − α) · x_i
///
/// Here p is the teacher's conditional, q the network's along the same ordering, and α the teacher's share. A bit tells which of
/// two things has happened, and a conditional how probable each was: a row says as much as many drawn from the teacher would.
///
/// - Source: Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531, section 2.
package struct TaughtNetwork<Network: NetworkDensity>: TrainableDensity {
  /// What changes from step to step besides the rows.
  package struct Inputs: Sendable {
    fileprivate let ofNetwork: TrainingObjective<[Graph.Mask]>
    /// B × D: the logits of the teacher's conditionals.
    fileprivate let logits: Graph.Value
  }

  /// What learns.
  package private(set) var network: Network
  private let teacher: Teacher
  private let share: Double
  /// Which column of the teacher's rows each variable is, and the place of each column; nil if they are in the same order.
  private var order: (columns: [Int], places: [Int])?

  /// - Parameter share: α, from 0 to 1.
  /// - Precondition: both are products of conditionals along the same ordering.
  package init(_ network: Network, taughtBy teacher: any AutoregressiveDensity, share: Double) {
    precondition(network.sharedOrdering == teacher.ordering, "a teacher needs the network's ordering")
    self.network = network
    self.teacher = Teacher(teacher)
    self.share = share
  }

  package var variableCount: Int { network.variableCount }
  package var parameters: Parameters<Float> {
    get { network.parameters }
    set { network.parameters = newValue }
  }
  package var parameterShapes: [ParameterShape] { network.parameterShapes }
  package var allowsHiddenDropout: Bool { network.allowsHiddenDropout }

  package func logProbabilities(of rows: BinaryMatrix) -> [Double] { network.logProbabilities(of: rows) }
  package func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    network.autoregressive(along: ordering)
  }
  package var components: [Component]? { network.components }

  package func judge(batchCapacity: Int, columnOrder: [Int]?) -> any ValidationJudge {
    network.judge(batchCapacity: batchCapacity, columnOrder: columnOrder)
  }

  package func inNaturalOrder() -> (model: TaughtNetwork, ordering: Ordering)? {
    network.inNaturalOrder().map { network, ordering in
      var model = self
      model.network = network
      model.order = (ordering.variables, ordering.positions)
      return (model, ordering)
    }
  }

  /// What is told of a step is the mean of −log p of its rows, as of other trainings.
  package func objective(_ dropout: Dropout) -> TrainingObjective<Inputs> {
    var graph = Graph()
    let rows = graph.input("x", columns: variableCount, isSparse: true)
    let teacherLogits = graph.input("logits of the teacher", columns: variableCount)
    let masks = network.masks(forTrainingStep: 0).map { graph.mask($0, isFixed: network.trainsOnOneMaskSet) }
    let logits = network.logits(
      NetworkInputs(rows: rows, component: 0, masks: masks, dropout: dropout), in: &graph)
    func crossEntropy(_ targets: Graph.Value) -> Graph.Value {
      let terms = graph.bernoulliLogLikelihood(logits: logits, targets: targets)
      return graph.scale(graph.mean(terms, over: .rows), by: -1)
    }
    let negativeLogProbability = crossEntropy(rows)
    let ofTeacher = crossEntropy(graph.apply(.sigmoid, teacherLogits))
    let loss =
      share == 1
      ? ofTeacher
      : graph.add(graph.scale(ofTeacher, by: share), graph.scale(negativeLogProbability, by: 1 - share))
    graph.name(logits, "logits")
    graph.name(loss, "loss")
    return TrainingObjective(
      graph: graph, rows: rows, loss: loss, negativeLogProbability: negativeLogProbability,
      inputs: Inputs(
        ofNetwork: TrainingObjective(graph: graph, rows: rows, loss: loss, inputs: masks),
        logits: teacherLogits))
  }

  /// Asks the teacher for its conditionals of the rows, which are set.
  package func prepare(
    _ objective: TrainingObjective<Inputs>, in executor: Executor<Float>, seed: UInt64, step: Int
  ) {
    network.prepare(objective.inputs.ofNetwork, in: executor, seed: seed, step: step)
    let rows = executor.withUnsafeView(of: objective.rows) { view in
      BinaryMatrix(rowCount: view.rowCount, columnCount: view.columnCount) { row, column in
        view[row, order?.places[column] ?? column] != 0
      }
    }
    let logits = teacher.logits(of: rows)
    executor.set(
      objective.inputs.logits, to: order.map { logits.selecting(rows: nil, columns: $0.columns) } ?? logits)
  }
}

extension TaughtNetwork: NetworkInTraining {}

/// A density made ready to be asked for conditionals again and again.
private final class Teacher: Sendable {
  private let density: any AutoregressiveDensity
  private let executor = Mutex<(any ConditionalExecutor<Float>)?>(nil)

  init(_ density: any AutoregressiveDensity) { self.density = density }

  func logits(of rows: BinaryMatrix) -> Matrix<Float> {
    executor.withLock { executor in
      let prepared =
        executor
        ?? density.anyConditionalExecutor(in: Float.self, batchCapacity: RecommendedSettings.batchSize)
      executor = prepared
      return prepared.logits(of: rows)
    }
  }
}

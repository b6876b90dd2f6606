import Autodiff
import Essentials
import Kernels

/// A density that is trained by gradients: named parameters, and a loss as a graph that a `Trainer` makes small.
///
/// Networks that give the logits of their conditionals conform to `NetworkDensity`, which derives the rest.
public protocol TrainableDensity: Density {
  /// What a step's graph takes besides its rows.
  associatedtype Inputs: Sendable

  /// What has been learnt, named and shaped as `parameterShapes` says.
  var parameters: Parameters<Float> { get set }
  /// The names and shapes of the parameters, in order, and how each is initialised.
  var parameterShapes: [ParameterShape] { get }
  /// Whether the model can be trained with dropout of its hidden units.
  var allowsHiddenDropout: Bool { get }
  /// Builds what a step of training minimises.
  func objective(_ dropout: Dropout) -> TrainingObjective<Inputs>
  /// Sets what a step needs besides its rows, which are set: masks, or random splits of the variables.
  func prepare(
    _ objective: TrainingObjective<Inputs>, in executor: Executor<Float>, seed: UInt64, step: Int)
  /// Whether a step takes rows with missing cells as they are; for other models they are completed by draws.
  static var takesMissingCells: Bool { get }
  /// Sets what a step needs besides its rows where some of their cells are missing.
  ///
  /// - Parameters:
  ///   - objective: whose rows are set, and are off where a cell is missing.
  ///   - known: which cells are known, a row for each, in the model's own order of the columns.
  ///   - executor: what computes the step.
  ///   - seed: the seed of the training.
  ///   - step: the number of the step.
  /// - Precondition: the model takes missing cells.
  func prepare(
    _ objective: TrainingObjective<Inputs>, known: BinaryMatrix, in executor: Executor<Float>, seed: UInt64,
    step: Int)
  /// Returns what measures validation rows while the model is trained.
  ///
  /// - Parameters:
  ///   - batchCapacity: the most rows that are measured at once.
  ///   - columnOrder: which column of the rows each variable of the model is: it may be the model in natural order that is
  ///     trained; nil if they are in the same order.
  func judge(batchCapacity: Int, columnOrder: [Int]?) -> any ValidationJudge
  /// Returns the same model over variables renumbered into its own ordering, and that ordering; nil if there is nothing
  /// to gain, or the model has several orderings.
  ///
  /// Only the ordering and what follows from it change; the parameters stay as they are, and the caller rearranges
  /// them by `parameterShapes`. Training and likelihoods then read every operand as it lies in memory.
  func inNaturalOrder() -> (model: Self, ordering: Ordering)?
}

/// The loss of a training step as a graph, with the places of what changes from step to step.
public struct TrainingObjective<Inputs: Sendable>: Sendable {
  /// The graph.
  public let graph: Graph
  /// The rows, B × D.
  public let rows: Graph.Value
  /// The number to be minimised.
  public let loss: Graph.Value
  /// The mean of −log p of the rows, or of an estimate of it, in nats: what is told of a step.
  ///
  /// It is the loss, where nothing else is minimised.
  public let negativeLogProbability: Graph.Value
  /// What else is set in each step.
  public let inputs: Inputs

  /// Creates an objective.
  ///
  /// - Precondition: `rows` is an input of the graph of D columns, and `loss` is 1 × 1, as is the negative log-probability if
  ///   it is another value.
  public init(
    graph: Graph, rows: Graph.Value, loss: Graph.Value, negativeLogProbability: Graph.Value? = nil,
    inputs: Inputs
  ) {
    self.graph = graph
    self.rows = rows
    self.loss = loss
    self.negativeLogProbability = negativeLogProbability ?? loss
    self.inputs = inputs
  }
}

/// Measures rows under parameters that change as a model is trained.
public protocol ValidationJudge: AnyObject {
  /// Replaces the parameters.
  func set(_ parameters: Parameters<Float>)
  /// Returns log p of each row, or an unbiased estimate of a bound on it, in nats; nil if `observe`, which is told the
  /// fraction done, says to stop.
  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]?
  /// Returns log p of the known cells of each row, or an estimate as above, in nats; asked of models that take missing
  /// cells.
  func logMarginals(
    of rows: PartialRows, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]?
}

extension ValidationJudge {
  /// Refuses unless a judge says otherwise.
  public func logMarginals(
    of rows: PartialRows, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    throw .unsupported("a judge of type \(Self.self) measures complete rows only")
  }
}

/// The rates of dropout in training: the chance of an input, or of a hidden unit, to be zeroed in a step.
///
/// - Source: Srivastava et al., Dropout, JMLR 15, 2014.
public struct Dropout: Hashable, Sendable, Codable {
  /// The rate for inputs.
  public var inputs: Double
  /// The rate for hidden units.
  public var hidden: Double

  /// No dropout.
  public static let none = Dropout()

  /// Creates rates from 0 up to but not including 1.
  public init(inputs: Double = 0, hidden: Double = 0) {
    self.inputs = inputs
    self.hidden = hidden
  }
}

extension TrainableDensity {
  /// The number of trainable scalars, masked-out ones included.
  public var parameterCount: Int { parameters.scalarCount }
  /// True unless the model says otherwise.
  public var allowsHiddenDropout: Bool { true }
  /// False unless the model says otherwise.
  public static var takesMissingCells: Bool { false }
  /// Stops unless the model says otherwise.
  public func prepare(
    _ objective: TrainingObjective<Inputs>, known: BinaryMatrix, in executor: Executor<Float>, seed: UInt64,
    step: Int
  ) {
    preconditionFailure("a \(Self.self) does not take rows with missing cells")
  }
  /// Nil unless the model says otherwise.
  public func inNaturalOrder() -> (model: Self, ordering: Ordering)? { nil }
  /// Measures with the model itself.
  public func judge(batchCapacity: Int, columnOrder: [Int]?) -> any ValidationJudge {
    ModelJudge(self, batchCapacity: batchCapacity, columnOrder: columnOrder)
  }
  /// The graph of what a step of training minimises, without dropout.
  public var trainingGraph: Graph { objective(.none).graph }

  /// Returns the model with the logits of `IndependentBernoulli`, fitted to the training rows, as output biases.
  func startingAtMarginals(of data: DataSplits) throws(DensityError) -> Self {
    guard parameters.names.contains("b") else { return self }
    var model = self
    if let partial = data.partialRows(.train) {
      model.parameters["b"] = IndependentBernoulli(marginalsOf: partial).logits
    } else {
      let marginals = try data.marginalLogits()
      model.parameters["b"] =
        (networkToKeep as? GroupedNetwork)?.biases(atMarginals: marginals) ?? marginals
    }
    return model
  }

  /// Adds a parameter of the model to a graph, or returns it if it is there.
  public func parameter(_ name: String, in graph: inout Graph) -> Graph.Value {
    let matrix = parameters[name]
    return graph.parameter(name, rows: matrix.rowCount, columns: matrix.columnCount)
  }
}

extension TrainableDensity where Inputs == Void {
  /// Nothing: the rows are all a step needs.
  public func prepare(
    _ objective: TrainingObjective<Inputs>, in executor: Executor<Float>, seed: UInt64, step: Int
  ) {}
}

/// Something in training of which a network is kept.
protocol NetworkInTraining {
  associatedtype Network: NetworkDensity
  var network: Network { get }
}

extension TrainableDensity {
  /// What is kept of a density when it has been trained: itself, unless it is more than a network.
  var networkToKeep: any TrainableDensity {
    func network(_ model: some NetworkInTraining) -> any TrainableDensity { model.network }
    return (self as? any NetworkInTraining).map { network($0) } ?? self
  }
}

/// Measures rows by asking the model for their log-probabilities.
private final class ModelJudge<Model: TrainableDensity>: ValidationJudge {
  private var model: Model
  private let batchCapacity: Int
  private let columnOrder: [Int]?

  init(_ model: Model, batchCapacity: Int, columnOrder: [Int]?) {
    self.model = model
    self.batchCapacity = batchCapacity
    self.columnOrder = columnOrder
  }

  func set(_ parameters: Parameters<Float>) { model.parameters = parameters }

  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try PlainLikelihood(model, batchCapacity: batchCapacity, columnOrder: columnOrder)
      .logProbabilities(of: rows, observing: observe)
  }
}

extension Parameters where Scalar == Float {
  /// Draws the initial values of parameters: uniform within each shape's bound.
  ///
  /// - Throws: `DensityError.invalidConfiguration` for more than the machine can train.
  public init(initialising shapes: [ParameterShape], seed: UInt64) throws(DensityError) {
    // What the machine cannot hold is refused here; to ask the system for it would end the process. A parameter's
    // gradient and Adam's two matrices are as large as the parameter itself.
    try checkMemory(
      of: "training this model",
      bytes: shapes.reduce(0) { $0 + trainingBytesPerWeight * Double($1.rows) * Double($1.columns) },
      instead: shapes.contains { $0.hasVariableRows && $0.hasVariableColumns } ? insteadOfPairs : nil)
    self.init()
    for (index, shape) in shapes.enumerated() {
      var generator = Philox(seed: seed, stream: .weights, index: UInt64(index))
      let matrix = Matrix<Float>(rowCount: shape.rows, columnCount: shape.columns) { _, _ in
        shape.bound > 0 ? Float(shape.bound) * (2 * unitFloat(generator.nextWord()) - 1) : 0
      }
      append(shape.name, matrix)
    }
  }
}

extension Graph {
  /// Adds dropout, if the rate is not zero.
  public mutating func dropping(_ x: Value, _ rate: Double) -> Value {
    rate > 0 ? dropout(x, rate: rate) : x
  }
}

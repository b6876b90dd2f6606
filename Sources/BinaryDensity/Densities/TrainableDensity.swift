import Autodiff
import Foundation
import Kernels

/// A density that is trained by gradients: a configuration, and parameters that a `Trainer` fits.
public protocol TrainableDensity: Density {
  /// What fixes the shape of a model.
  associatedtype Configuration: ModelConfiguration

  /// The configuration.
  var configuration: Configuration { get }
  /// What has been learnt.
  var parameters: Parameters<Float> { get set }
  /// Creates a model of given parameters, which must have the names and shapes of `parameterShapes`.
  init(_ configuration: Configuration, parameters: Parameters<Float>)
  /// The names and shapes of the parameters, in order, and how each is initialised.
  static func parameterShapes(_ configuration: Configuration) -> [ParameterShape]
  /// Whether the model can be trained with dropout of its hidden units.
  static var allowsHiddenDropout: Bool { get }
  /// Builds what a step of training minimises.
  func objective(_ dropout: Dropout) -> TrainingObjective
  /// Sets what a step needs besides its rows: masks, or random splits of the variables.
  func prepare(_ objective: TrainingObjective, in executor: Executor<Float>, seed: UInt64, step: Int)
  /// Returns what measures validation rows while the model is trained.
  func judge(batchCapacity: Int) -> any ValidationJudge
}

/// The loss of a training step as a graph, with the places of what changes from step to step.
public struct TrainingObjective: Sendable {
  package let graph: Graph
  /// The rows, B × D.
  package let rows: Graph.Value
  /// The number to be minimised.
  package let loss: Graph.Value
  var masks: [Graph.Mask] = []
  /// Further inputs, in an order that the model knows.
  var inputs: [Graph.Value] = []
}

/// Measures rows under parameters that change as a model is trained.
public protocol ValidationJudge: AnyObject {
  /// Replaces the parameters.
  func set(_ parameters: Parameters<Float>)
  /// Returns log p of each row, or an unbiased estimate of a bound on it, in nats; nil if `observe`, which is told the
  /// fraction done, says to stop.
  func logProbabilities(
    of table: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]?
}

extension ValidationJudge {
  /// Returns log p of each row, or an unbiased estimate of a bound on it, in nats.
  public func logProbabilities(of table: BinaryMatrix) -> [Double] {
    (try? logProbabilities(of: table) { (_) throws(DensityError) in true }) ?? []
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

/// What fixes the shape of a model, kept as JSON in its checkpoint.
public protocol ModelConfiguration: Hashable, Sendable, Codable {
  /// The number D of variables.
  var variableCount: Int { get }
  /// The ordering, or how orderings are chosen.
  var ordering: OrderingRule { get set }
  /// Returns what is wrong with the configuration, or nil.
  var problem: String? { get }
}

extension TrainableDensity {
  /// Creates an untrained model: biases zero, weights drawn from the seed.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  public init(_ configuration: Configuration, seed: UInt64) throws(DensityError) {
    if let problem = configuration.problem { throw .invalidConfiguration(problem) }
    let shapes = Self.parameterShapes(configuration)
    // What the machine cannot hold is refused here; to ask the system for it would end the process. A parameter's
    // gradient and Adam's two matrices are as large as the parameter itself.
    let gigabytes = shapes.reduce(0) { $0 + 16e-9 * Double($1.rows) * Double($1.columns) }
    guard gigabytes * 1e9 < Double(ProcessInfo.processInfo.physicalMemory) else {
      throw .invalidConfiguration("training this model takes \(gigabytes) GB, more than the machine's memory")
    }
    var parameters = Parameters<Float>()
    for (index, shape) in shapes.enumerated() {
      var generator = Philox(seed: seed, stream: .weights, index: UInt64(index))
      let matrix = Matrix<Float>(rowCount: shape.rows, columnCount: shape.columns) { _, _ in
        shape.bound > 0 ? Float(shape.bound) * (2 * unitFloat(generator.nextWord()) - 1) : 0
      }
      parameters.append(shape.name, matrix)
    }
    self.init(configuration, parameters: parameters)
  }

  /// The number D of variables.
  public var variableCount: Int { configuration.variableCount }
  /// The number of trainable scalars, masked-out ones included.
  public var parameterCount: Int { parameters.scalarCount }
  /// True unless the model says otherwise.
  public static var allowsHiddenDropout: Bool { true }

  /// The configuration and the parameters.
  public func archived() -> DensityArchive {
    DensityArchive(kind: kind, configuration: Checkpoint.encode(configuration), parameters: parameters)
  }

  /// Restores a model.
  public init(_ archive: DensityArchive) throws(DensityError) {
    let configuration = try archive.configuration(Configuration.self)
    if let problem = configuration.problem { throw archive.malformed("a possible model", found: problem) }
    // The configuration's sizes are believed only as far as the arrays bear them out, before any is allocated.
    var parameters = Parameters<Float>()
    for shape in Self.parameterShapes(configuration) {
      parameters.append(
        shape.name, try archive.matrix(shape.name, rowCount: shape.rows, columnCount: shape.columns))
    }
    self.init(configuration, parameters: parameters)
  }

  /// Returns the model with the logits of `IndependentBernoulli` as output biases.
  func startingAtMarginals(of rows: BinaryMatrix) -> Self {
    guard parameters.names.contains("b") else { return self }
    var model = self
    model.parameters["b"] = IndependentBernoulli(marginalsOf: rows).logits
    return model
  }

  func parameter(_ name: String, in graph: inout Graph) -> Graph.Value {
    let matrix = parameters[name]
    return graph.parameter(name, rows: matrix.rowCount, columns: matrix.columnCount)
  }
}

extension Graph {
  /// Adds dropout, if the rate is not zero.
  mutating func dropping(_ x: Value, _ rate: Double) -> Value { rate > 0 ? dropout(x, rate: rate) : x }
}

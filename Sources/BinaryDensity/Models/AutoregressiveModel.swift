import Autodiff
import Foundation
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
public protocol AutoregressiveModel: Sendable {
  /// What fixes the shape of a model.
  associatedtype Configuration: ModelConfiguration

  /// The name of the family, as in `density train --model`.
  static var kind: ModelKind { get }
  /// The configuration.
  var configuration: Configuration { get }
  /// What has been learnt.
  var parameters: Parameters<Float> { get set }
  /// Creates a model of given parameters, which must have the names and shapes of `parameterShapes`.
  init(_ configuration: Configuration, parameters: Parameters<Float>)

  /// The names and shapes of the parameters, in order, and how each is initialised.
  static func parameterShapes(_ configuration: Configuration) -> [ParameterShape]

  /// The number of components; 1 for a plain chain-rule product.
  var componentCount: Int { get }
  /// The ordering of a component.
  func ordering(ofComponent component: Int) -> Ordering
  /// The masks of a component, in the order in which `logits(of:masks:in:)` takes them.
  func masks(ofComponent component: Int) -> [Staircase]
  /// Whether every training step takes the same masks.
  var trainsOnOneMaskSet: Bool { get }
  /// The masks to train a step with.
  func masks(forTrainingStep step: Int) -> [Staircase]
  /// Adds the D logits of a component's conditionals (B × D, in the order of the columns) to a graph.
  func logits(
    of rows: Graph.Value, component: Int, masks: [Graph.Mask], in graph: inout Graph
  ) -> Graph.Value
  /// Draws rows from a component: variable i of row r is on where `uniforms[r, i] < p(x_i = 1 | …)`.
  ///
  /// Shapes: `uniforms`, the rows and the logits each decision was drawn from are B × D.
  func draw(uniforms: Matrix<Float>, component: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>)
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

/// The families of models.
public enum ModelKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// Fully visible sigmoid belief network.
  case fvsbn
  /// Neural autoregressive distribution estimator.
  case nade
  /// Masked autoencoder for distribution estimation.
  case made

  /// The type that implements the family.
  package var type: any AutoregressiveModel.Type {
    switch self {
    case .fvsbn: FVSBN.self
    case .nade: NADE.self
    case .made: MADE.self
    }
  }
}

/// The name and shape of a parameter, and the spread of its initial values.
public struct ParameterShape: Sendable {
  let name: String
  let rows: Int
  let columns: Int
  /// Initial values are uniform in ±bound.
  let bound: Double
  /// Whether a row belongs to a variable.
  let hasVariableRows: Bool
  /// Whether a column belongs to a variable.
  let hasVariableColumns: Bool

  /// What one side of a parameter belongs to.
  enum Extent {
    case variables(Int)
    case units(Int)

    var count: Int {
      switch self {
      case .variables(let count), .units(let count): count
      }
    }
    var isOfVariables: Bool { if case .variables = self { true } else { false } }
  }

  private init(_ name: String, _ rows: Extent, _ columns: Extent, bound: Double) {
    self.name = name
    self.rows = rows.count
    self.columns = columns.count
    self.bound = bound
    hasVariableRows = rows.isOfVariables
    hasVariableColumns = columns.isOfVariables
  }

  /// A bias: 1 × N, zero at first.
  static func bias(_ name: String, _ extent: Extent) -> ParameterShape {
    ParameterShape(name, .units(1), extent, bound: 0)
  }

  /// Weights K × N that all are zero at first.
  static func zeros(_ name: String, _ rows: Extent, _ columns: Extent) -> ParameterShape {
    ParameterShape(name, rows, columns, bound: 0)
  }

  /// Weights K × N, uniform in ±√(6 / (K + N)) at first.
  ///
  /// - Source: Glorot & Bengio, AISTATS 2010, equation 16.
  static func weights(_ name: String, _ rows: Extent, _ columns: Extent) -> ParameterShape {
    ParameterShape(
      name, rows, columns, bound: (6 / (Double(rows.count) + Double(columns.count))).squareRoot())
  }
}

extension AutoregressiveModel {
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
      var matrix = Matrix<Float>(rowCount: shape.rows, columnCount: shape.columns)
      if shape.bound > 0 {
        let view = matrix.mutableView
        for row in 0..<shape.rows {
          for column in 0..<shape.columns {
            view[row, column] = Float(shape.bound) * (2 * unitFloat(generator.nextWord()) - 1)
          }
        }
      }
      parameters.append(shape.name, matrix)
    }
    self.init(configuration, parameters: parameters)
  }

  /// The number D of variables.
  public var variableCount: Int { configuration.variableCount }
  /// The name of the family.
  public var kind: ModelKind { Self.kind }
  /// The number of trainable scalars, masked-out ones included.
  public var parameterCount: Int { parameters.scalarCount }

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
      let logits = logits(of: rows, component: component, masks: masks, in: &graph)
      return graph.bernoulliLogLikelihood(logits: logits, targets: rows)
    }
    return terms.count == 1 ? terms[0] : graph.logMeanExp(graph.concatenate(terms))
  }

  /// Adds the rows of a table of bits as the input of a graph.
  package func rows(in graph: inout Graph) -> Graph.Value {
    graph.input("x", columns: variableCount, isSparse: true)
  }

  func parameter(_ name: String, in graph: inout Graph) -> Graph.Value {
    let matrix = parameters[name]
    return graph.parameter(name, rows: matrix.rowCount, columns: matrix.columnCount)
  }
}

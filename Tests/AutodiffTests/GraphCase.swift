import Autodiff
import Kernels
import Testing
import _TestSupport

/// A graph under construction together with random numbers for its leaves.
struct GraphCase {
  /// The rows of a batch.
  static let rowCount = 5

  var graph = Graph()
  private(set) var parameters = Parameters<Double>()
  private(set) var inputs: [(value: Graph.Value, matrix: Matrix<Double>)] = []
  let seed: UInt64
  private var leafCount = 0

  init(seed: UInt64) { self.seed = seed }

  private mutating func nextSeed() -> UInt64 {
    leafCount += 1
    return seed &* 7919 &+ UInt64(leafCount)
  }

  /// Adds a trainable matrix of random numbers.
  mutating func parameter(
    _ rows: Int, _ columns: Int, in range: ClosedRange<Double> = -1...1
  ) -> Graph.Value {
    parameter(.uniform(rows, columns, in: range, seed: nextSeed()))
  }

  /// Adds a trainable matrix.
  mutating func parameter(_ matrix: Matrix<Double>, named given: String? = nil) -> Graph.Value {
    let name = given ?? "p\(parameters.names.count)"
    parameters.append(name, matrix)
    return graph.parameter(name, rows: matrix.rowCount, columns: matrix.columnCount)
  }

  /// Adds a batch of random numbers.
  mutating func input(_ columns: Int, in range: ClosedRange<Double> = -1...1) -> Graph.Value {
    let value = graph.input("x\(inputs.count)", columns: columns)
    inputs.append((value, .uniform(Self.rowCount, columns, in: range, seed: nextSeed())))
    return value
  }

  /// Adds a batch of random bits.
  mutating func bits(_ columns: Int, isSparse: Bool = true) -> Graph.Value {
    let value = graph.input("x\(inputs.count)", columns: columns, isSparse: isSparse)
    inputs.append((value, .bits(Self.rowCount, columns, probability: 0.4, seed: nextSeed())))
    return value
  }

  /// Adds a batch of ones, with which a row is spread over the batch by a product.
  mutating func ones() -> Graph.Value {
    let value = graph.input("x\(inputs.count)", columns: 1)
    inputs.append((value, Matrix(rowCount: Self.rowCount, columnCount: 1, repeating: 1)))
    return value
  }

  /// Adds a batch of numbers that depend on a parameter.
  mutating func batch(_ columns: Int) -> Graph.Value {
    let x = input(3)
    let w = parameter(3, columns)
    return graph.product(x, w)
  }

  /// Adds the sum of all elements of a value, each times a random weight, as a loss.
  mutating func loss(_ value: Graph.Value) -> Graph.Value {
    let shape = graph.shape(of: value)
    let weights =
      switch shape.rows {
      case .batch: input(shape.columns)
      // Nothing but a parameter has a fixed number of rows; its own gradient is checked along with the
      // others.
      case .fixed(let rows): parameter(rows, shape.columns)
      }
    let weighted = graph.multiply(value, weights)
    return graph.sum(graph.sum(weighted, over: .columns), over: .rows)
  }

  /// Returns an executor in Double with all inputs set.
  func executor(outputs: [Graph.Value], loss: Graph.Value? = nil) -> Executor<Double> {
    let executor = Executor(
      graph, outputs: outputs, loss: loss, batchCapacity: Self.rowCount, parameters: parameters)
    for (value, matrix) in inputs { executor.set(value, to: matrix) }
    // Graphs without inputs have a batch size too.
    if inputs.isEmpty { preconditionFailure("a case needs an input to set the batch size") }
    return executor
  }
}

/// A named way to build a value whose gradient is checked.
struct GradientCase: Sendable, CustomTestStringConvertible {
  let name: String
  let build: @Sendable (inout GraphCase) -> Graph.Value

  init(_ name: String, _ build: @escaping @Sendable (inout GraphCase) -> Graph.Value) {
    self.name = name
    self.build = build
  }

  var testDescription: String { name }
}

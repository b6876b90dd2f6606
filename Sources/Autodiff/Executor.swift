import Kernels

/// Runs a graph: owns the arenas, evaluates forward, differentiates backward.
///
/// After construction a run allocates nothing. The same graph runs in `Float` on the fast kernels and in
/// `Double` on their plain references, which is how every gradient and log-probability is checked.
///
///     let executor = Executor(graph, outputs: [logits], loss: loss, batchCapacity: 100, parameters: parameters)
///     executor.set(x, rowCount: 100) { rows in … }
///     executor.forward()
///     executor.backward(stepping: &optimizer, learningRate: 1e-3)
///
/// An executor is confined to one thread at a time; its kernels use all of them.
public final class Executor<Scalar: KernelScalar> {
  /// The graph that is run.
  public let graph: Graph
  /// Where its values live.
  public let plan: Plan
  /// The current parameters, in the order in which they were given.
  public package(set) var parameters: Parameters<Scalar>
  /// The gradient of the loss, shaped like `parameters`; empty without a loss.
  public package(set) var gradients = Parameters<Scalar>()
  /// The masks, by slot.
  public private(set) var masks: [Staircase]
  /// The number of rows in the current batch.
  public private(set) var batchSize = 0
  /// The precision of the products of masked layers whose inputs are not sparse.
  public var precision = Precision.float32
  /// Whether dropout draws; without it dropout is the identity.
  public var isTraining = false
  /// The seed of dropout's draws.
  public var seed: UInt64 = 0
  /// The number of the step, which dropout's draws depend on.
  public var step = 0

  private let loss: Graph.Value?
  /// The parts of batches that stand for inputs, by node: their numbers are read where they lie.
  private(set) var batches: [(batch: RowBatch<Scalar>, part: RowBatch<Scalar>.Part)?]
  let values: Storage<Scalar>
  let gradientArena: Storage<Scalar>
  let parameterIndex: [Int?]
  /// For each node that is a masked layer or a NADE and the only reader of its weights, their places in `parameters`.
  let ownWeights: [OwnWeights?]
  /// Whether a parameter is among them.
  let isSpent: [Bool]

  /// Plans and allocates.
  ///
  /// - Precondition: `parameters` has a matrix of the right shape for every parameter of the graph.
  public init(
    _ graph: Graph, outputs: [Graph.Value], loss: Graph.Value? = nil, batchCapacity: Int,
    parameters: Parameters<Scalar>
  ) {
    OptimisationWarning.giveOnce()
    self.graph = graph
    self.loss = loss
    plan = Plan(graph, outputs: outputs, loss: loss, batchCapacity: batchCapacity)
    masks = graph.masks
    batches = Array(repeating: nil, count: graph.nodes.count)
    values = Storage(count: plan.valueArenaCount, filledWith: 0)
    gradientArena = Storage(count: plan.gradientArenaCount, filledWith: 0)

    var index: [Int?] = Array(repeating: nil, count: graph.nodes.count)
    for (name, value) in graph.parameters {
      let matrix = parameters[name]
      precondition(
        graph[value].shape == Shape(matrix.rowCount, matrix.columnCount),
        "\(name): expected \(graph[value].shape), found \(matrix.rowCount)×\(matrix.columnCount)")
      index[value.index] = parameters.names.firstIndex(of: name)
    }
    parameterIndex = index
    var readers = Array(repeating: 0, count: graph.nodes.count)
    for k in graph.nodes.indices where plan.isNeeded[k] {
      for operand in graph.nodes[k].op.operands { readers[operand.index] += 1 }
    }
    func ownPlace(_ weights: Graph.Value) -> Int? { readers[weights.index] == 1 ? index[weights.index] : nil }
    let ownWeights = graph.nodes.indices.map { [plan] k -> OwnWeights? in
      guard plan.carriesGradient[k] else { return nil }
      switch graph.nodes[k].op {
      case .maskedLinear(_, let weights, _, _): return ownPlace(weights).map { .ofLayer($0) }
      case .nade(let n):
        guard let w = ownPlace(n.w), let v = ownPlace(n.v) else { return nil }
        return .ofNADE(w: w, v: v)
      default: return nil
      }
    }
    self.ownWeights = ownWeights
    let spent = ownWeights.flatMap { $0?.places ?? [] }
    isSpent = parameters.matrices.indices.map { spent.contains($0) }
    self.parameters = parameters
    if loss != nil {
      for (name, matrix) in zip(parameters.names, parameters.matrices) {
        gradients.append(name, Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount))
      }
    }
  }

  /// Sets the batch size and writes an input through a view of its rows.
  ///
  /// Inputs keep their contents from run to run.
  /// - Precondition: `rowCount` is between 1 and the capacity.
  package func set(_ input: Graph.Value, rowCount: Int, _ body: (UnsafeMutableMatrixView<Scalar>) -> Void) {
    precondition(
      rowCount >= 1 && rowCount <= plan.batchCapacity, "\(rowCount) rows do not fit 1...\(plan.batchCapacity)"
    )
    guard case .input = graph[input].op else {
      preconditionFailure("\(graph.name(of: input)) is not an input")
    }
    batchSize = rowCount
    batches[input.index] = nil
    if plan.isNeeded[input.index] { body(mutableView(of: input)) }
  }

  /// Sets the batch size and lets a batch of rows, or another part of it, stand for an input, without copying it.
  ///
  /// The executor reads the batch where it lies: when it is filled again, set it again.
  /// - Precondition: the batch has the part, that part the input's columns, and the batch from 1 to the capacity's rows.
  public func set(
    _ input: Graph.Value, to batch: RowBatch<Scalar>, part: RowBatch<Scalar>.Part = .values
  ) {
    precondition(
      batch.columnCount(of: part) == graph[input].shape.columns,
      "\(graph.name(of: input)) is \(graph[input].shape), not of \(batch.columnCount(of: part)) columns")
    set(input, rowCount: batch.rowCount) { _ in }
    batches[input.index] = (batch, part)
  }

  /// Sets the batch size and an input.
  ///
  /// - Precondition: the matrix has the input's columns and at most the capacity's rows.
  public func set(_ input: Graph.Value, to matrix: Matrix<Scalar>) {
    precondition(
      matrix.columnCount == graph[input].shape.columns,
      "\(graph.name(of: input)) is \(graph[input].shape), not of \(matrix.columnCount) columns")
    set(input, rowCount: matrix.rowCount) { target in matrix.withUnsafeView { Scalar.copy($0, into: target) }
    }
  }

  /// Puts another mask of the same size into a slot.
  public func set(_ mask: Graph.Mask, to staircase: Staircase) {
    precondition(
      staircase.inputCount == masks[mask.index].inputCount
        && staircase.outputCount == masks[mask.index].outputCount,
      "a mask keeps its size")
    precondition(!graph.masksAreFixed[mask.index], "a fixed mask is never replaced")
    masks[mask.index] = staircase
  }

  /// Replaces the parameters by others of the same shapes.
  public func set(_ newParameters: Parameters<Scalar>) {
    for name in parameters.names { parameters[name] = newParameters[name] }
  }

  /// Returns a copy of a value after a run.
  ///
  /// - Precondition: the value is one of the outputs, the loss or a leaf; others may have been overwritten.
  public subscript(value: Graph.Value) -> Matrix<Scalar> {
    let source = view(of: value)
    var copy = Matrix<Scalar>(rowCount: source.rowCount, columnCount: source.columnCount)
    copy.withUnsafeMutableView { Scalar.copy(source, into: $0) }
    return copy
  }

  /// Evaluates every value that an output or the loss depends on.
  public func forward() {
    precondition(batchSize > 0, "set an input before running")
    for k in graph.nodes.indices where plan.isNeeded[k] { evaluate(Graph.Value(index: k)) }
  }

  /// Computes `gradients`, the derivative of the loss with respect to every parameter.
  ///
  /// - Precondition: `forward()` has run on the same inputs.
  public func backward() {
    for index in gradients.matrices.indices { gradients.unsafeMutableView(at: index).clear() }
    eachGradient { differentiate($0) }
  }

  /// Calls `body` with every node whose gradient is complete, the loss first.
  func eachGradient(_ body: (Graph.Value) -> Void) {
    guard let loss else { preconditionFailure("the executor was made without a loss") }
    gradientView(of: loss).fill(1)
    for k in (0...loss.index).reversed() where plan.carriesGradient[k] {
      for operand in plan.gradientBirths[k] where parameterIndex[operand.index] == nil {
        gradientView(of: operand).clear()
      }
      body(Graph.Value(index: k))
    }
  }

  /// Returns the name of the first tensor that holds a number that is not finite, looking at the parameters,
  /// then at the values of the current batch in the order of computation, then at the gradients.
  public func firstNonFinite() -> String? {
    func isFinite(_ matrix: Matrix<Scalar>) -> Bool { matrix.withUnsafeView(Scalar.isFinite) }
    for (name, matrix) in zip(parameters.names, parameters.matrices) where !isFinite(matrix) {
      return "parameter \(name)"
    }
    for k in graph.nodes.indices where plan.isNeeded[k] {
      let value = Graph.Value(index: k)
      evaluate(value)
      if !Scalar.isFinite(view(of: value)) {
        return "\(graph.name(of: value)) = \(self.graph[value].op.name)(…)"
      }
    }
    for (name, matrix) in zip(gradients.names, gradients.matrices) where !isFinite(matrix) {
      return "the gradient of \(name)"
    }
    return nil
  }

  /// How a masked layer multiplies its inputs.
  func method(of inputs: Graph.Value) -> ProductMethod {
    if graph.isSparse(inputs) { return .sparse }
    return precision == .bf16 ? .bf16 : .dense
  }
}

import Kernels

/// A computation: an append-only list of nodes, each an op on earlier nodes and the shape of its value.
///
/// Because a node may only name nodes that exist, list order is a topological order. A graph is a value: it
/// holds no numbers, no closures and no buffers; an `Executor` runs it.
///
///     var graph = Graph()
///     let x = graph.input("x", columns: 784)
///     let w = graph.parameter("w", rows: 784, columns: 10)
///     let h = graph.apply(.tanh, graph.product(x, w))
///     print(graph)
///
/// Shapes are checked as nodes are added; a mismatch is a broken precondition whose message names the op and
/// the shapes.
public struct Graph: Sendable {
  /// A handle to the value of one node.
  public struct Value: Hashable, Sendable {
    package let index: Int

    package init(index: Int) { self.index = index }
  }

  /// A handle to one mask slot; the executor may put another mask of the same size into it between runs.
  public struct Mask: Hashable, Sendable {
    let index: Int
  }

  /// One equation: the op, the shape of its value, and a name if it was given one.
  public struct Node: Sendable {
    /// What is computed.
    public let op: Op
    /// The shape of the result.
    public let shape: Shape
    /// The name given with `name(_:_:)`, or the leaf's own.
    public internal(set) var name: String?
    /// Whether a parameter is among what the value is computed from, so that a gradient flows into it.
    let dependsOnParameters: Bool
  }

  /// The nodes, in the order in which they are computed.
  public private(set) var nodes: [Node] = []
  /// The masks, by slot.
  public private(set) var masks: [Staircase] = []
  /// Whether each mask stays for good.
  private(set) var masksAreFixed: [Bool] = []
  private var leaves: [String: Value] = [:]
  private var dropoutCount = 0

  /// Creates an empty graph.
  public init() {}

  subscript(value: Value) -> Node { nodes[value.index] }

  /// Returns the shape of a value.
  public func shape(of value: Value) -> Shape { self[value].shape }

  /// Returns the name of a value, or `%k` for the k-th node if it has none.
  public func name(of value: Value) -> String { self[value].name ?? "%\(value.index)" }

  /// Gives a value a name for printing and for messages.
  public mutating func name(_ value: Value, _ name: String) { nodes[value.index].name = name }

  /// The parameters in the order in which they were added.
  public var parameters: [(name: String, value: Value)] {
    nodes.indices.compactMap {
      guard case .parameter(let name) = nodes[$0].op else { return nil }
      return (name, Value(index: $0))
    }
  }

  /// Whether the executor may count on most of a value being zero.
  func isSparse(_ value: Value) -> Bool {
    var value = value
    while case .dropout(let x, _, _, _, _) = self[value].op { value = x }
    if case .input(_, let isSparse) = self[value].op { return isSparse }
    return false
  }

  private mutating func append(_ op: Op) -> Value {
    append(op, shape: op.shape(in: self), name: nil)
  }

  private mutating func append(_ op: Op, shape: Shape, name: String?) -> Value {
    let isParameter = if case .parameter = op { true } else { false }
    nodes.append(
      Node(
        op: op, shape: shape, name: name,
        dependsOnParameters: isParameter || op.operands.contains { self[$0].dependsOnParameters }))
    return Value(index: nodes.count - 1)
  }

  private mutating func leaf(_ name: String, _ op: Op, _ shape: Shape) -> Value {
    if let known = leaves[name] {
      precondition(
        self[known].op == op && self[known].shape == shape,
        "\(name) is already a leaf of this graph, \(self[known].shape), not \(shape)")
      return known
    }
    let value = append(op, shape: shape, name: name)
    leaves[name] = value
    return value
  }
}

// MARK: Building

extension Graph {
  /// Adds a trainable matrix, or returns the one of that name, so that parts of a graph can share it.
  public mutating func parameter(_ name: String, rows: Int, columns: Int) -> Value {
    leaf(name, .parameter(name), Shape(rows, columns))
  }

  /// Adds a matrix that is given at each run, one row a row of the batch.
  ///
  /// `isSparse` promises that most elements are zero, as in rows of bits; it changes only the time taken.
  public mutating func input(_ name: String, columns: Int, isSparse: Bool = false) -> Value {
    leaf(name, .input(name, isSparse: isSparse), Shape(rows: .batch, columns: columns))
  }

  /// Adds a mask slot and the mask it holds until the executor is given another.
  ///
  /// A fixed mask is never replaced. What it forbids then needs neither gradient nor optimizer, and an executor
  /// that steps an optimizer makes use of that.
  public mutating func mask(_ staircase: Staircase, isFixed: Bool = false) -> Mask {
    masks.append(staircase)
    masksAreFixed.append(isFixed)
    return Mask(index: masks.count - 1)
  }

  /// Adds the matrix product a · b; cost O(rows · inner · columns).
  public mutating func product(_ a: Value, _ b: Value) -> Value { append(.product(a, b)) }

  /// Adds `x · (weights ∘ mask) + bias`: a layer whose outputs see only the inputs their degrees permit.
  ///
  /// Forbidden weights are not read and get no gradient, and their blocks cost nothing.
  public mutating func maskedLinear(_ x: Value, weights: Value, bias: Value? = nil, mask: Mask) -> Value {
    append(.maskedLinear(x, weights: weights, bias: bias, mask: mask))
  }

  /// Adds a 1 × N bias to every row.
  public mutating func addBias(_ x: Value, _ bias: Value) -> Value { append(.addBias(x, bias: bias)) }

  /// Adds a + b of equal shapes.
  public mutating func add(_ a: Value, _ b: Value) -> Value { append(.add(a, b)) }

  /// Adds the element-wise product of equal shapes.
  public mutating func multiply(_ a: Value, _ b: Value) -> Value { append(.multiply(a, b)) }

  /// Adds factor · x, but for the first rows, `spared` many, which stay as they are.
  public mutating func scale(_ x: Value, by factor: Double, sparing spared: Int = 0) -> Value {
    append(.scale(x, by: factor, sparing: spared))
  }

  /// Adds f(x), element by element.
  public mutating func apply(_ f: Activation, _ x: Value) -> Value { append(.activation(f, x)) }

  /// Adds values of equally many rows side by side.
  public mutating func concatenate(_ values: [Value]) -> Value { append(.concatenate(values)) }

  /// Adds the sum along an axis.
  public mutating func sum(_ x: Value, over axis: Axis) -> Value { append(.sum(x, axis)) }

  /// Adds the mean along an axis.
  public mutating func mean(_ x: Value, over axis: Axis) -> Value { append(.mean(x, axis)) }

  /// Adds log (1/N) Σ_n exp x[r, n]: the log-probability of a uniform mixture of N densities.
  public mutating func logMeanExp(_ x: Value) -> Value { append(.logMeanExp(x)) }

  /// Adds dropout: in training an element is zeroed with probability `rate` or else divided by 1 − rate.
  ///
  /// The draw is a function of the executor's seed, its step number and this node. Without training it is x. If it
  /// is not rescaled, what is kept keeps its value, so that bits stay bits. Of data, the first columns, `spared` many, may
  /// be left as they are.
  /// - Source: Srivastava et al., Dropout, JMLR 15, 2014 (scaled at training time).
  public mutating func dropout(
    _ x: Value, rate: Double, isRescaled: Bool = true, sparing spared: Int = 0
  ) -> Value {
    precondition(
      spared == 0 || !self[x].dependsOnParameters,
      "dropout: columns are spared of data, not of what is learnt")
    dropoutCount += 1
    return append(
      .dropout(x, rate: rate, isRescaled: isRescaled, sparing: spared, stream: dropoutCount))
  }

  /// Adds each row's log-likelihood of targets under independent Bernoullis, in nats: twice B × D to B × 1.
  ///
  /// No gradient flows into the targets.
  public mutating func bernoulliLogLikelihood(logits: Value, targets: Value) -> Value {
    precondition(
      !self[targets].dependsOnParameters, "bernoulliLogLikelihood: the targets must not depend on parameters")
    return append(.bernoulliLogLikelihood(logits: logits, targets: targets))
  }

  /// Adds logits (B × D) of bits of which exactly one of each group is on: those given, but for what is certain.
  ///
  ///     −F after the bit of the group that is on,   F for the last of a group none of whose others is on,
  ///
  /// F = `KernelScalar.forcedLogit`. Each group lists its columns in the order in which they are decided. No gradient flows
  /// into the rows (B × D), nor into a logit that is replaced. Cost O(B · D).
  public mutating func oneHot(_ logits: Value, rows: Value, groups: [[Int]]) -> Value {
    precondition(!self[rows].dependsOnParameters, "oneHot: the rows must not depend on parameters")
    return append(.oneHot(logits: logits, rows: rows, groups: groups))
  }

  /// Adds NADE's logits for rows `x` in O(B · D · H): see `KernelScalar.nade`.
  ///
  /// No gradient flows into x, whose elements must be 0 or 1.
  public mutating func nade(
    _ x: Value, w: Value, v: Value, b: Value, c: Value, ordering: [Int], activation: Activation
  ) -> Value {
    precondition(!self[x].dependsOnParameters, "nade: the rows must not depend on parameters")
    precondition(
      [w, v, b, c].allSatisfy { self[$0].dependsOnParameters },
      "nade: w, v, b and c must depend on parameters")
    return append(
      .nade(
        Op.NADEValues(
          x: x, w: w, v: v, b: b, c: c, ordering: ordering.map(Int32.init), activation: activation)))
  }
}

import Kernels

/// Where every value and gradient of a graph lives: lifetimes turned into offsets in two arenas.
///
/// Time runs from 0 to 2N for N nodes: node k is computed at time k and differentiated at time 2N − 1 − k. A
/// value lives from its computation to its last reading, and an input always, because it keeps its contents
/// from run to run; a gradient lives from its first contribution to its node's own backward step. Two buffers
/// share memory only if their lifetimes do not meet. A plan is pure: integers in, integers out.
public struct Plan: Sendable {
  /// A stretch of an arena, in scalars, and the times at which it is in use.
  public struct Buffer: Hashable, Sendable {
    /// The first scalar.
    public let offset: Int
    /// How many scalars.
    public let count: Int
    /// The times, first to last, at which the contents matter.
    public let lifetime: ClosedRange<Int>
  }

  /// The most rows a batch may have.
  public let batchCapacity: Int
  /// The buffer of each node's value; nil for parameters, which live outside, and for nodes nothing needs.
  public let values: [Buffer?]
  /// The buffer of each node's gradient; nil where none is needed, and for parameters.
  public let gradients: [Buffer?]
  /// The size of the arena of values, in scalars.
  public let valueArenaCount: Int
  /// The size of the arena of gradients, in scalars.
  public let gradientArenaCount: Int
  /// For each node the operands whose gradient its backward step is the first to add to: zeroed just before.
  let gradientBirths: [[Graph.Value]]
  /// Whether a node is computed at all.
  let isNeeded: [Bool]
  /// Whether the loss depends on the node and the node on a parameter.
  let carriesGradient: [Bool]

  /// Plans the computation of `outputs` and, if a loss is given, of its gradient.
  ///
  /// - Precondition: `loss`, if given, is 1 × 1 and depends on a parameter.
  /// - Complexity: O(n²) in the number of nodes.
  public init(_ graph: Graph, outputs: [Graph.Value], loss: Graph.Value? = nil, batchCapacity: Int) {
    precondition(batchCapacity > 0, "a batch cannot have \(batchCapacity) rows")
    let count = graph.nodes.count
    let end = 2 * count
    let kept = outputs + (loss.map { [$0] } ?? [])

    var needed = Array(repeating: false, count: count)
    for value in kept { needed[value.index] = true }
    for k in graph.nodes.indices.reversed() where needed[k] {
      for operand in graph.nodes[k].op.operands { needed[operand.index] = true }
    }

    var carries = Array(repeating: false, count: count)
    if let loss {
      precondition(graph[loss].shape == .scalar, "a loss is 1×1, not \(graph[loss].shape)")
      precondition(graph[loss].dependsOnParameters, "the loss depends on no parameter")
      carries[loss.index] = true
      for k in (0...loss.index).reversed() where carries[k] {
        let op = graph.nodes[k].op
        for operand in op.operands where !op.constantOperands.contains(operand) {
          if graph[operand].dependsOnParameters { carries[operand.index] = true }
        }
      }
    }

    // Lifetimes of values.
    var lastUse = Array(0..<count)
    for value in kept { lastUse[value.index] = end }
    for k in graph.nodes.indices where needed[k] {
      let op = graph.nodes[k].op
      for operand in op.operands { lastUse[operand.index] = max(lastUse[operand.index], k) }
      guard carries[k] else { continue }
      let backward = end - 1 - k
      if op.backwardReadsOwnValue { lastUse[k] = max(lastUse[k], backward) }
      for operand in op.operandsReadByBackward {
        lastUse[operand.index] = max(lastUse[operand.index], backward)
      }
    }
    // Lifetimes of gradients: born at the backward step of the latest consumer, or with the loss.
    var births = Array(repeating: [Graph.Value](), count: count)
    var firstWrite: [Int?] = Array(repeating: nil, count: count)
    if let loss { firstWrite[loss.index] = count }
    for k in graph.nodes.indices.reversed() where carries[k] {
      let op = graph.nodes[k].op
      for operand in op.operands
      where carries[operand.index] && firstWrite[operand.index] == nil
        && !op.constantOperands.contains(operand)
      {
        firstWrite[operand.index] = end - 1 - k
        births[k].append(operand)
      }
    }

    var valueRequests: [Request] = []
    var gradientRequests: [Request] = []
    for k in graph.nodes.indices where needed[k] {
      let node = graph.nodes[k]
      if case .parameter = node.op { continue }
      let size = node.shape.rowCount(batchSize: batchCapacity) * paddedStride(node.shape.columns)
      // An input is written before the run starts and keeps its contents for the next one.
      let isInput = if case .input = node.op { true } else { false }
      valueRequests.append(
        Request(node: k, count: size, lifetime: isInput ? 0...end : k...max(lastUse[k], k)))
      if let birth = firstWrite[k] {
        gradientRequests.append(Request(node: k, count: size, lifetime: birth...(end - 1 - k)))
      }
    }
    self.batchCapacity = batchCapacity
    self.isNeeded = needed
    self.carriesGradient = carries
    self.gradientBirths = births
    (values, valueArenaCount) = Plan.place(valueRequests, nodeCount: count)
    (gradients, gradientArenaCount) = Plan.place(gradientRequests, nodeCount: count)
  }

  private struct Request {
    let node: Int
    let count: Int
    let lifetime: ClosedRange<Int>
  }

  /// Gives each request the lowest offset at which it meets no placed buffer of an overlapping lifetime, the
  /// largest requests first.
  private static func place(_ requests: [Request], nodeCount: Int) -> (buffers: [Buffer?], count: Int) {
    var buffers: [Buffer?] = Array(repeating: nil, count: nodeCount)
    var placed: [Buffer] = []
    var arenaCount = 0
    for request in requests.sorted(by: { ($1.count, $0.node) < ($0.count, $1.node) }) {
      var offset = 0
      for other in placed.filter({ $0.lifetime.overlaps(request.lifetime) }).sorted(by: {
        $0.offset < $1.offset
      })
      where offset + request.count > other.offset {
        offset = max(offset, other.offset + other.count)
      }
      let buffer = Buffer(offset: offset, count: request.count, lifetime: request.lifetime)
      placed.append(buffer)
      buffers[request.node] = buffer
      arenaCount = max(arenaCount, offset + request.count)
    }
    return (buffers, arenaCount)
  }
}

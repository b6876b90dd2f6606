import Autodiff
import Kernels
import Testing
import _TestSupport

/// What running a graph touches and when, worked out from the ops alone.
///
/// Node k is computed at time k and differentiated at time 2N − 1 − k.
struct Accesses {
  var values: [(node: Int, time: Int)] = []
  var gradients: [(node: Int, time: Int)] = []

  init(_ graph: Graph, outputs: [Graph.Value], loss: Graph.Value?) {
    let end = 2 * graph.nodes.count
    let operands = graph.nodes.map { Accesses.operands(of: $0.op) }
    var needed: Set<Int> = Set((outputs + [loss].compactMap { $0 }).map(\.index))
    for k in graph.nodes.indices.reversed() where needed.contains(k) { needed.formUnion(operands[k].all) }
    var differentiable: Set<Int> = []
    for k in graph.nodes.indices {
      if case .parameter = graph.nodes[k].op { differentiable.insert(k) }
      if operands[k].differentiable.contains(where: differentiable.contains) { differentiable.insert(k) }
    }
    var reached: Set<Int> = loss.map { [$0.index] } ?? []
    for k in graph.nodes.indices.reversed() where reached.contains(k) {
      reached.formUnion(operands[k].differentiable.filter(differentiable.contains))
    }

    for k in needed {
      // Its own value is written at time k, and an input's must have survived from before the run.
      values.append((k, k))
      if case .input = graph.nodes[k].op { values += [(k, 0), (k, end)] }
      values += operands[k].all.map { ($0, k) }
    }
    for value in outputs + [loss].compactMap({ $0 }) { values.append((value.index, end)) }
    for k in reached {
      let time = end - 1 - k
      gradients.append((k, time))
      gradients += operands[k].differentiable.filter(reached.contains).map { ($0, time) }
      values += Accesses.readByBackward(graph.nodes[k].op, node: k).map { ($0, time) }
    }
    if let loss { gradients.append((loss.index, graph.nodes.count)) }
  }

  private static func operands(of op: Op) -> (all: [Int], differentiable: [Int]) {
    let all: [Graph.Value]
    switch op {
    case .parameter, .input: all = []
    case .product(let a, let b), .add(let a, let b), .multiply(let a, let b), .addBias(let a, let b):
      all = [a, b]
    case .maskedLinear(let x, let w, let bias, _): all = [x, w] + [bias].compactMap { $0 }
    case .scale(let x, _, _), .activation(_, let x), .sum(let x, _), .mean(let x, _), .logMeanExp(let x),
      .dropout(let x, _, _, _, _):
      all = [x]
    case .concatenate(let parts): all = parts
    case .bernoulliLogLikelihood(let z, let t): return ([z.index, t.index], [z.index])
    case .oneHot(let z, let x, _): return ([z.index, x.index], [z.index])
    case .nade(let n):
      return ([n.x, n.w, n.v, n.b, n.c].map(\.index), [n.w, n.v, n.b, n.c].map(\.index))
    }
    return (all.map(\.index), all.map(\.index))
  }

  /// The values that a derivative is computed from, by the formulas of calculus: d(ab) needs a and b, dσ
  /// needs σ.
  private static func readByBackward(_ op: Op, node: Int) -> [Int] {
    switch op {
    case .product(let a, let b), .multiply(let a, let b): [a.index, b.index]
    case .maskedLinear(let x, let w, _, _): [x.index, w.index]
    case .activation: [node]
    case .logMeanExp(let x): [x.index, node]
    case .bernoulliLogLikelihood(let z, let t): [z.index, t.index]
    case .oneHot(_, let x, _): [x.index]
    case .nade(let n): [n.x, n.w, n.v, n.b, n.c].map(\.index)
    case .parameter, .input, .add, .addBias, .scale, .concatenate, .sum, .mean, .dropout: []
    }
  }
}

@Suite("Plans")
struct PlanTests {
  private static func isParameter(_ node: Graph.Node) -> Bool {
    if case .parameter = node.op { true } else { false }
  }

  @Test(
    "no two live buffers overlap, and each lives as long as it is read", arguments: 0..<150 as Range<UInt64>)
  func property(seed: UInt64) throws {
    let random = RandomGraph(seed: seed)
    let graph = random.made.graph
    var generator = Philox(seed: seed, stream: 2)
    let outputs = random.values.filter { _ in Int.random(in: 0..<8, using: &generator) == 0 } + [random.loss]
    for loss in [nil, random.loss] {
      let capacity = Int.random(in: 1...9, using: &generator)
      let plan = Plan(graph, outputs: outputs, loss: loss, batchCapacity: capacity)
      for (buffers, arenaCount) in [
        (plan.values, plan.valueArenaCount), (plan.gradients, plan.gradientArenaCount),
      ] {
        let used = buffers.compactMap { $0 }
        for (index, a) in used.enumerated() {
          #expect(a.offset >= 0 && a.offset + a.count <= arenaCount)
          for b in used[..<index] where a.lifetime.overlaps(b.lifetime) {
            #expect(a.offset + a.count <= b.offset || b.offset + b.count <= a.offset)
          }
        }
        for (k, buffer) in buffers.enumerated() {
          guard let buffer else { continue }
          let shape = graph.nodes[k].shape
          #expect(buffer.count >= shape.rowCount(batchSize: capacity) * paddedStride(shape.columns))
          // Rows start on cache lines.
          #expect(buffer.offset % 16 == 0)
        }
      }
      let accesses = Accesses(graph, outputs: outputs, loss: loss)
      for (node, time) in accesses.values where !Self.isParameter(graph.nodes[node]) {
        let buffer = try #require(plan.values[node], "%\(node) has no memory\n\(graph)")
        #expect(buffer.lifetime.contains(time), "%\(node) at \(time), alive \(buffer.lifetime)\n\(graph)")
      }
      for (node, time) in accesses.gradients where !Self.isParameter(graph.nodes[node]) {
        let buffer = try #require(plan.gradients[node], "%\(node)'s gradient has no memory\n\(graph)")
        #expect(buffer.lifetime.contains(time), "%\(node) at \(time), alive \(buffer.lifetime)\n\(graph)")
      }
      let touched = Set(accesses.values.map(\.node))
      #expect(graph.nodes.indices.allSatisfy { touched.contains($0) || plan.values[$0] == nil })
    }
  }

  @Test("sharing memory changes no bit of a result", arguments: 0..<60 as Range<UInt64>)
  func reuseChangesNothing(seed: UInt64) {
    let random = RandomGraph(seed: seed)
    let frugal = random.made.executor(outputs: [random.loss], loss: random.loss)
    let lavish = random.made.executor(outputs: random.values, loss: random.loss)
    // A plain forward run shares the most.
    let inference = random.made.executor(outputs: [random.loss])
    #expect(frugal.plan.valueArenaCount <= lavish.plan.valueArenaCount)
    for executor in [frugal, lavish, inference] {
      executor.isTraining = true
      executor.forward()
    }
    for executor in [frugal, lavish] { executor.backward() }
    #expect(frugal[random.loss] == lavish[random.loss])
    #expect(inference[random.loss] == lavish[random.loss])
    #expect(frugal.gradients == lavish.gradients)
    #expect(frugal[random.loss][0, 0].isFinite)
    #expect(frugal.gradients.matrices.contains { $0.elements.contains { $0 != 0 } })
  }

  @Test("a deep chain needs two values at a time to run, and all of them to learn")
  func chain() {
    var graph = Graph()
    var value = graph.input("x", columns: 16)
    let w = graph.parameter("w", rows: 16, columns: 16)
    for _ in 0..<20 { value = graph.apply(.tanh, graph.product(value, w)) }
    let loss = graph.mean(graph.mean(value, over: .columns), over: .rows)
    let inference = Plan(graph, outputs: [loss], batchCapacity: 10)
    let training = Plan(graph, outputs: [loss], loss: loss, batchCapacity: 10)
    // The input stays; besides it at any time one value is read and one written, the loss's two reductions
    // among them.
    #expect(inference.valueArenaCount <= 3 * 160 + 160 + 16)
    #expect(inference.gradientArenaCount == 0)
    // Twenty activations and the input are read by the backward pass.
    #expect(training.valueArenaCount >= 21 * 160)
    #expect(training.gradientArenaCount <= 2 * 160 + 160 + 16)
  }

  @Test("what nothing needs is neither computed nor given memory")
  func unneeded() {
    var graph = Graph()
    let x = graph.input("x", columns: 4)
    let unused = graph.input("y", columns: 1000)
    let activated = graph.apply(.relu, unused)
    let w = graph.parameter("w", rows: 4, columns: 1)
    let y = graph.product(x, w)
    let plan = Plan(graph, outputs: [y], batchCapacity: 3)
    #expect(plan.values[unused.index] == nil)
    #expect(plan.values[activated.index] == nil)
    #expect(plan.values[w.index] == nil)
    #expect(plan.values[y.index] != nil)
    #expect(plan.valueArenaCount == 2 * 3 * 16)
  }
}

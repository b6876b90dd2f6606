import Autodiff
import CAllocationCounter
import Kernels
import Testing
import _TestSupport

/// A network for each family of ops, large enough for its kernels to use several threads.
enum AllocationCase: String, CaseIterable, Sendable, Codable {
  case masked, sorted, nade, everythingElse

  /// Returns an executor ready to run and two masks to alternate between.
  func make() -> (executor: Executor<Float>, mask: Graph.Mask?, masks: [Staircase]) {
    let (rows, columns, hidden) = (100, 300, 200)
    var graph = Graph()
    var parameters = Parameters<Float>()
    func parameter(_ name: String, _ rows: Int, _ columns: Int) -> Graph.Value {
      parameters.append(name, .uniform(rows, columns, in: -0.1...0.1, seed: UInt64(name.count)))
      return graph.parameter(name, rows: rows, columns: columns)
    }
    let x = graph.input("x", columns: columns, isSparse: true)
    let masks = [1, 2].map { Staircase.random(inputCount: columns, outputCount: hidden, seed: $0) }
    var slot: Graph.Mask?
    let logits: Graph.Value
    switch self {
    case .masked:
      let mask = graph.mask(masks[0])
      slot = mask
      let a = graph.maskedLinear(
        graph.dropout(x, rate: 0.2), weights: parameter("w", columns, hidden),
        bias: parameter("ww", 1, hidden),
        mask: mask)
      let last = graph.mask(.random(inputCount: hidden, outputCount: columns, seed: 3))
      logits = graph.maskedLinear(
        graph.apply(.relu, a), weights: parameter("www", hidden, columns), mask: last)
    case .sorted:
      let first = graph.mask(.ascending(inputCount: columns, outputCount: hidden), isFixed: true)
      let last = graph.mask(.ascending(inputCount: hidden, outputCount: columns), isFixed: true)
      let a = graph.maskedLinear(
        x, weights: parameter("w", columns, hidden), bias: parameter("ww", 1, hidden), mask: first)
      logits = graph.maskedLinear(
        graph.apply(.relu, a), weights: parameter("www", hidden, columns), mask: last)
    case .nade:
      logits = graph.nade(
        x, w: parameter("w", columns, hidden), v: parameter("ww", columns, hidden),
        b: parameter("www", 1, columns), c: parameter("wwww", 1, hidden), ordering: Array(0..<columns),
        activation: .sigmoid)
    case .everythingElse:
      let h = graph.addBias(graph.product(x, parameter("w", columns, hidden)), parameter("ww", 1, hidden))
      let curves = Activation.allCases.map { graph.apply($0, h) }
      let gated = graph.multiply(graph.add(curves[0], curves[1]), graph.dropout(curves[2], rate: 0.5))
      let joined = graph.concatenate([gated, graph.scale(curves[3], by: 0.5)])
      let z = graph.product(joined, parameter("www", 2 * hidden, columns - 1))
      logits = graph.concatenate([z, graph.mean(gated, over: .columns)])
    }
    let p = graph.bernoulliLogLikelihood(logits: logits, targets: x)
    let mixed = graph.logMeanExp(graph.concatenate([p, p]))
    let loss = graph.scale(graph.sum(mixed, over: .rows), by: -1 / Double(rows))
    let executor = Executor(
      graph, outputs: [p], loss: loss, batchCapacity: rows, parameters: parameters)
    executor.set(x, to: .bits(rows, columns, seed: 1))
    executor.isTraining = true
    return (executor, slot, masks)
  }

  /// Takes training steps in groups of 50 and returns how often memory was allocated in each group.
  ///
  /// The first 10 steps, which start the threads and grow their scratch, belong to no group. Stops after a
  /// group without allocations.
  func allocationsPerGroup(atMost groups: Int, _ method: OptimizerMethod) -> [Int] {
    let (executor, mask, masks) = make()
    // Clipping needs the whole gradient; without it a sorted layer and a NADE spend their own.
    var optimizer = Optimizer(
      method, for: executor.parameters, clippingNorm: self == .sorted || self == .nade ? nil : 1)
    func step(_ index: Int) {
      if let mask { executor.set(mask, to: masks[index % 2]) }
      executor.step = index
      executor.forward()
      executor.backward(stepping: &optimizer, learningRate: 1e-3)
    }
    for index in 0..<10 { step(index) }
    var counts: [Int] = []
    counts.reserveCapacity(groups)
    while counts.count < groups, counts.last != 0 {
      let before = allocation_count()
      for index in 0..<50 { step(index) }
      counts.append(allocation_count() - before)
    }
    return counts
  }
}

@Suite("Memory", .enabled(if: allocation_counter_works()))
struct AllocationTests {
  // Without optimisation Swift puts closures and copies on the heap that otherwise never exist.
  #if DEBUG
    static let isOptimised = false
  #else
    static let isOptimised = true
  #endif

  @Test("the counter counts")
  func counter() {
    let before = allocation_count()
    let matrices = (0..<100).map { Matrix<Float>(rowCount: $0, columnCount: 3) }
    #expect(allocation_count() - before >= 100)
    #expect(matrices.count == 100)
  }

  // Each in a process of its own, because the counter counts every thread, and other tests run meanwhile.
  @Test(
    "a training step allocates nothing", .enabled(if: isOptimised), arguments: AllocationCase.allCases,
    [OptimizerMethod.sgd(momentum: 0.9), .adagrad(), .adam(weightDecay: 0.01)])
  func oneThread(_ network: AllocationCase, method: OptimizerMethod) async {
    await #expect(processExitsWith: .success) { [network, method] in
      let counts = Threads.run(on: 1) { network.allocationsPerGroup(atMost: 1, method) }
      #expect(counts == [0])
    }
  }

  // Which thread computes what is left to chance, so a thread may meet a kernel, and need its scratch, late.
  // But each does so only once.
  @Test(
    "nor does it on several threads, once each thread has met each kernel", .enabled(if: isOptimised),
    arguments: AllocationCase.allCases
  )
  func severalThreads(_ network: AllocationCase) async {
    await #expect(processExitsWith: .success) { [network] in
      Threads.count = 4
      let counts = network.allocationsPerGroup(atMost: 20, .adam())
      #expect(counts.last == 0)
    }
  }
}

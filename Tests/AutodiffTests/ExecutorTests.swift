import Autodiff
import Kernels
import Testing
import _TestSupport

@Suite("Executors")
struct ExecutorTests {
  /// A graph of a masked layer and its likelihood, as a function of the batch.
  private struct Network<Scalar: KernelScalar> {
    var graph = Graph()
    let x: Graph.Value
    let mask: Graph.Mask
    let hidden: Graph.Value
    let rows: Graph.Value
    let loss: Graph.Value
    let parameters: Parameters<Scalar>

    init(seed: UInt64, dropout rate: Double = 0) {
      x = graph.input("x", columns: 33, isSparse: true)
      mask = graph.mask(.random(inputCount: 33, outputCount: 17, seed: seed))
      let w = graph.parameter("w", rows: 33, columns: 17)
      let c = graph.parameter("c", rows: 1, columns: 17)
      let a = graph.maskedLinear(x, weights: w, bias: c, mask: mask)
      hidden = graph.dropout(graph.apply(.tanh, a), rate: rate)
      let v = graph.parameter("v", rows: 17, columns: 33)
      rows = graph.bernoulliLogLikelihood(logits: graph.product(hidden, v), targets: x)
      loss = graph.mean(rows, over: .rows)
      // Drawn in Float, so that both precisions run the same numbers.
      var drawn = Parameters<Float>()
      drawn.append("w", .uniform(33, 17, seed: seed))
      drawn.append("c", .uniform(1, 17, seed: seed + 1))
      drawn.append("v", .uniform(17, 33, seed: seed + 2))
      parameters = drawn.converted(to: Scalar.self)
    }

    func executor(capacity: Int) -> Executor<Scalar> {
      Executor(graph, outputs: [rows, hidden], loss: loss, batchCapacity: capacity, parameters: parameters)
    }
  }

  @Test("a partial batch gives what an executor of just that capacity gives", arguments: [1, 2, 7, 20])
  func partialBatch(rowCount: Int) {
    let network = Network<Float>(seed: 1)
    let roomy = network.executor(capacity: 64)
    let exact = network.executor(capacity: rowCount)
    // Leftovers of a full batch must not leak into the next, smaller one.
    roomy.set(network.x, to: .bits(64, 33, seed: 9))
    roomy.forward()
    roomy.backward()
    for executor in [roomy, exact] {
      executor.set(network.x, to: .bits(rowCount, 33, seed: 2))
      executor.forward()
      executor.backward()
    }
    #expect(roomy[network.rows].rowCount == rowCount)
    #expect(roomy[network.rows].bitPatterns == exact[network.rows].bitPatterns)
    #expect(roomy.gradients == exact.gradients)
  }

  @Test("running twice gives the same bits, the inputs being kept", arguments: 0..<20 as Range<UInt64>)
  func runningTwice(seed: UInt64) {
    let random = RandomGraph(seed: seed)
    let executor = random.made.executor(outputs: [random.loss], loss: random.loss)
    executor.isTraining = true
    executor.forward()
    executor.backward()
    let (value, gradients) = (executor[random.loss], executor.gradients)
    executor.forward()
    executor.backward()
    #expect(executor[random.loss] == value)
    #expect(executor.gradients == gradients)
  }

  @Test("a mask may change between runs", arguments: [1, 2, 3] as [UInt64])
  func maskChange(seed: UInt64) {
    let network = Network<Float>(seed: seed)
    let other = Network<Float>(seed: seed + 100)
    let executor = network.executor(capacity: 5)
    executor.set(network.x, to: .bits(5, 33, seed: seed))
    executor.forward()
    let before = executor[network.rows]
    let mask = executor.masks[0]
    executor.set(network.mask, to: other.graph.masks[0])
    executor.forward()
    let during = executor[network.rows]

    // A graph that was built with the other mask says what should come out.
    let direct = Executor(
      other.graph, outputs: [other.rows], batchCapacity: 5, parameters: network.parameters)
    direct.set(other.x, to: .bits(5, 33, seed: seed))
    direct.forward()
    #expect(during.bitPatterns == direct[other.rows].bitPatterns)
    #expect(during != before)
    executor.set(network.mask, to: mask)
    executor.forward()
    #expect(executor[network.rows] == before)
  }

  /// A deep masked network; with a higher index fewer of its layers can spend their gradient: a mask may change,
  /// weights are shared, a mask is not sorted.
  private static func layers(
    _ index: Int
  ) -> (graph: Graph, x: Graph.Value, changing: Graph.Mask?, loss: Graph.Value, masks: [String: Staircase]) {
    var graph = Graph()
    let x = graph.input("x", columns: 33, isSparse: index % 2 == 0)
    let masks: [String: Staircase] = [
      "w": .ascending(inputCount: 33, outputCount: 40), "uu": .ascending(inputCount: 40, outputCount: 40),
      "vvv": index < 3
        ? .ascending(inputCount: 40, outputCount: 33) : .random(inputCount: 40, outputCount: 33, seed: 5),
    ]
    var changing: Graph.Mask?
    func layer(_ x: Graph.Value, _ name: String, bias: Bool = false, isFixed: Bool = true) -> Graph.Value {
      guard let staircase = masks[name] else { preconditionFailure(name) }
      let weights = graph.parameter(
        name, rows: staircase.inputCount, columns: staircase.outputCount)
      let row = bias ? graph.parameter("\(name), bias", rows: 1, columns: staircase.outputCount) : nil
      let mask = graph.mask(staircase, isFixed: isFixed)
      if !isFixed { changing = mask }
      return graph.maskedLinear(x, weights: weights, bias: row, mask: mask)
    }
    var h = graph.apply(.tanh, layer(x, "w", bias: true, isFixed: index < 1))
    for _ in 0..<(index < 2 ? 1 : 2) { h = graph.apply(.relu, layer(h, "uu")) }
    let p = graph.bernoulliLogLikelihood(logits: layer(h, "vvv"), targets: x)
    let loss = graph.mean(p, over: .rows)
    return (graph, x, changing, loss, masks)
  }

  @Test(
    "a step whose gradients are spent on the way is a step along them, to the last bit", arguments: 0..<4,
    [
      (OptimizerMethod.adam(weightDecay: 0.1), nil), (.adam(), 0.01), (.sgd(momentum: 0.9), nil),
      (.adagrad(), nil),
    ] as [(OptimizerMethod, Double?)])
  func spentGradients(index: Int, rule: (method: OptimizerMethod, clippingNorm: Double?)) {
    let (graph, x, changing, loss, masks) = Self.layers(index)
    var parameters = Parameters<Float>()
    for (name, value) in graph.parameters {
      let shape = graph.shape(of: value)
      parameters.append(
        name, .uniform(shape.rowCount(batchSize: 1), shape.columns, seed: UInt64(name.unicodeScalars.count)))
    }
    let executors = (0..<2).map { _ in
      Executor(graph, outputs: [], loss: loss, batchCapacity: 20, parameters: parameters)
    }
    var optimizers = executors.map { _ in
      Optimizer(rule.method, for: parameters, clippingNorm: rule.clippingNorm)
    }
    for step in 0..<4 {
      for executor in executors {
        if let changing {
          executor.set(changing, to: .random(inputCount: 33, outputCount: 40, seed: UInt64(step)))
        }
        executor.set(x, to: .bits(20, 33, seed: UInt64(step)))
        executor.forward()
      }
      executors[0].backward()
      optimizers[0].step(executors[0], learningRate: 0.01)
      executors[1].backward(stepping: &optimizers[1], learningRate: 0.01)
      for name in parameters.names {
        let (stored, spent) = (executors[0].parameters[name], executors[1].parameters[name])
        // Weight decay shrinks forbidden weights too if their gradient of zero is stored.
        let mask = changing == nil || name != "w" ? masks[name] : nil
        let isEqual = (0..<stored.rowCount).allSatisfy { row in
          (0..<stored.columnCount).allSatisfy {
            if let mask, !mask.permits(row, $0) { return true }
            return stored[row, $0] == spent[row, $0]
          }
        }
        #expect(isEqual, "\(name), step \(step)")
      }
    }
  }

  @Test(
    "a NADE's step takes the gradients of its weights on the way, to the last bit; weights it shares it leaves",
    arguments: [Activation.sigmoid, .relu], [(20, false), (140, false), (20, true)])
  func spentGradientsOfNADE(activation: Activation, batch: (rows: Int, isShared: Bool)) {
    var graph = Graph()
    let x = graph.input("x", columns: 30)
    let (w, v) = (graph.parameter("w", rows: 30, columns: 20), graph.parameter("vv", rows: 30, columns: 20))
    let (b, c) = (graph.parameter("bbb", rows: 1, columns: 30), graph.parameter("cccc", rows: 1, columns: 20))
    var z = graph.nade(x, w: w, v: v, b: b, c: c, ordering: (0..<30).reversed(), activation: activation)
    if batch.isShared {
      z = graph.add(z, graph.nade(x, w: w, v: v, b: b, c: c, ordering: Array(0..<30), activation: activation))
    }
    let loss = graph.mean(graph.bernoulliLogLikelihood(logits: z, targets: x), over: .rows)
    var parameters = Parameters<Float>()
    for (name, value) in graph.parameters {
      let shape = graph.shape(of: value)
      parameters.append(
        name, .uniform(shape.rowCount(batchSize: 1), shape.columns, seed: UInt64(name.unicodeScalars.count)))
    }
    let executors = (0..<2).map { _ in
      Executor(graph, outputs: [], loss: loss, batchCapacity: batch.rows, parameters: parameters)
    }
    var optimizers = executors.map { _ in Optimizer(.adam(weightDecay: 0.1), for: parameters) }
    for step in 0..<4 {
      for executor in executors {
        executor.set(x, to: .bits(batch.rows, 30, seed: UInt64(step)))
        executor.forward()
      }
      executors[0].backward()
      optimizers[0].step(executors[0], learningRate: 0.01)
      executors[1].backward(stepping: &optimizers[1], learningRate: 0.01)
      for name in parameters.names {
        let (stored, spent) = (executors[0].parameters[name], executors[1].parameters[name])
        #expect(stored.bitPatterns == spent.bitPatterns, "\(name), step \(step)")
        #expect(stored.bitPatterns != parameters[name].bitPatterns, "\(name) moves")
      }
    }
  }

  @Test("Float and Double agree within rounding", arguments: [1, 2, 3, 4] as [UInt64])
  func precisions(seed: UInt64) {
    let single = Network<Float>(seed: seed)
    let double = Network<Double>(seed: seed)
    let bits = Matrix<Float>.bits(20, 33, seed: seed)
    let (fast, reference) = (single.executor(capacity: 20), double.executor(capacity: 20))
    fast.set(single.x, to: bits)
    reference.set(double.x, to: bits.converted(to: Double.self))
    for run in [fast.forward, fast.backward, reference.forward, reference.backward] { run() }
    // All numbers are at most 1. A pre-activation sums at most 34 terms: error 36·34·u, which tanh does not
    // enlarge and adds 3 ulp to. A logit sums 17 such: 17 times that error and 19·17·u of its own. A row sums
    // 33 log-likelihoods, whose slope is at most 1, of magnitude at most 18: 33 times the error of a logit,
    // and 4 ulp of each term.
    let hiddenError = 36.0 * 34 * roundoff + 6 * roundoff
    let logitError = 17 * hiddenError + 19 * 17 * roundoff
    let rowError = 33 * (logitError + 8 * 18 * roundoff)
    #expect(
      firstMismatch(fast[single.hidden], reference[double.hidden]) { _, _ in hiddenError } == nil)
    #expect(firstMismatch(fast[single.rows], reference[double.rows]) { _, _ in rowError } == nil)
    // The gradient of v averages h·(t − σ(z)): an error in h or z passes through at most once each.
    #expect(
      firstMismatch(fast.gradients["v"], reference.gradients["v"]) { _, _ in
        hiddenError + logitError + 22 * roundoff
      } == nil)
  }

  @Test("without training dropout is the identity, whatever the rate")
  func dropoutOff() {
    let with = Network<Float>(seed: 4, dropout: 0.7)
    let without = Network<Float>(seed: 4)
    let executors = [with, without].map { network in
      let executor = network.executor(capacity: 6)
      executor.set(network.x, to: .bits(6, 33, seed: 5))
      executor.forward()
      executor.backward()
      return executor
    }
    #expect(executors[0][with.rows] == executors[1][without.rows])
    #expect(executors[0].gradients == executors[1].gradients)
  }

  @Test(
    "dropout zeroes the stated share and scales the rest", arguments: [0.1, 0.5, 0.8], [1, 2] as [UInt64])
  func dropoutFrequency(rate: Double, seed: UInt64) {
    var graph = Graph()
    let x = graph.input("x", columns: 100)
    let y = graph.dropout(x, rate: rate)
    let executor = Executor(graph, outputs: [y], batchCapacity: 1000, parameters: Parameters<Float>())
    executor.set(x, to: Matrix(rowCount: 1000, columnCount: 100, repeating: 1))
    executor.isTraining = true
    executor.seed = seed
    executor.forward()
    let drawn = executor[y].elements
    let kept = drawn.filter { $0 != 0 }
    let scale = Float(1 / (1 - rate))
    #expect(kept.allSatisfy { abs($0 - scale) <= Float(2 * roundoff) * scale })
    // 10⁵ draws: five standard deviations, exceeded by chance once in 1.7 million.
    let deviation = (rate * (1 - rate) / 1e5).squareRoot()
    #expect(abs(1 - Double(kept.count) / 1e5 - rate) < 5 * deviation)
  }

  @Test("dropout and scaling leave what they spare as it is", arguments: [true, false])
  func sparing(isRescaled: Bool) {
    var graph = Graph()
    let x = graph.input("x", columns: 60, isSparse: true)
    let w = graph.parameter("w", rows: 4, columns: 3)
    let plain = graph.dropout(x, rate: 0.5, isRescaled: isRescaled)
    let spared = graph.dropout(x, rate: 0.5, isRescaled: isRescaled, sparing: 7)
    let scaled = graph.scale(w, by: 2, sparing: 3)
    var parameters = Parameters<Float>()
    parameters.append("w", Matrix(rowCount: 4, columnCount: 3, repeating: 1))
    let executor = Executor(
      graph, outputs: [plain, spared, scaled], batchCapacity: 50, parameters: parameters)
    executor.set(x, to: Matrix(rowCount: 50, columnCount: 60, repeating: 1))
    executor.isTraining = true
    executor.forward()
    let (all, most) = (executor[plain], executor[spared])
    #expect((0..<50).allSatisfy { row in (0..<7).allSatisfy { most[row, $0] == 1 } })
    #expect((0..<50).contains { row in (0..<7).contains { all[row, $0] == 0 } })
    let kept: Float = isRescaled ? 2 : 1
    let rest = (0..<50).flatMap { row in (7..<60).map { most[row, $0] } }
    #expect(Set(rest) == [0, kept])
    #expect(executor[scaled].elements == [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2])
    #expect(graph.description.contains("from column 7") && graph.description.contains("from row 3"))
  }

  @Test("dropout's draw depends on the seed, the step and the node, and on nothing else")
  func dropoutDraws() {
    var graph = Graph()
    let x = graph.input("x", columns: 64)
    let (first, second) = (graph.dropout(x, rate: 0.5), graph.dropout(x, rate: 0.5))
    let executor = Executor(
      graph, outputs: [first, second], batchCapacity: 8, parameters: Parameters<Float>())
    executor.set(x, to: Matrix(rowCount: 8, columnCount: 64, repeating: 1))
    executor.isTraining = true
    func draws(seed: UInt64, step: Int) -> [Matrix<Float>] {
      executor.seed = seed
      executor.step = step
      executor.forward()
      return [executor[first], executor[second]]
    }
    let reference = draws(seed: 1, step: 1)
    #expect(reference[0] != reference[1])
    #expect(draws(seed: 1, step: 2)[0] != reference[0])
    #expect(draws(seed: 2, step: 1)[0] != reference[0])
    #expect(draws(seed: 1, step: 1) == reference)
  }

  @Test("the first tensor that is not finite is named")
  func firstNonFinite() {
    func made() -> (executor: Executor<Float>, x: Graph.Value) {
      var graph = Graph()
      let x = graph.input("x", columns: 2)
      let a = graph.product(x, graph.parameter("w", rows: 2, columns: 1))
      graph.name(a, "activations")
      let squared = graph.multiply(a, a)
      let loss = graph.scale(graph.mean(squared, over: .rows), by: 1e-30)
      var parameters = Parameters<Float>()
      parameters.append("w", Matrix(rowCount: 2, columnCount: 1, elements: [1, 2]))
      let executor = Executor(graph, outputs: [], loss: loss, batchCapacity: 3, parameters: parameters)
      return (executor, x)
    }
    func message(_ input: [Float], weights: [Float] = [1, 2]) -> String? {
      let (executor, x) = made()
      var parameters = Parameters<Float>()
      parameters.append("w", Matrix(rowCount: 2, columnCount: 1, elements: weights))
      executor.set(parameters)
      executor.set(x, to: Matrix(rowCount: 3, columnCount: 2, elements: input))
      executor.forward()
      executor.backward()
      return executor.firstNonFinite()
    }
    #expect(message([1, 2, 3, 4, 5, 6]) == nil)
    #expect(message([1, 2, 3, 4, 5, 6], weights: [1, .nan]) == "parameter w")
    #expect(message([1, 2, .infinity, 4, 5, 6]) == "x = input(…)")
    #expect(message([1, 2, 3, 3e38, 5, 6]) == "activations = product(…)")
    #expect(message([1, 2, 3, 1e30, 5, 6]) == "%3 = multiply(…)")
  }

  @Test("a gradient that alone is not finite is named")
  func nonFiniteGradient() {
    var graph = Graph()
    let x = graph.input("x", columns: 1)
    let w = graph.parameter("w", rows: 1, columns: 1)
    let loss = graph.sum(graph.scale(graph.scale(graph.product(x, w), by: 1e30), by: 1e30), over: .rows)
    var parameters = Parameters<Float>()
    parameters.append("w", Matrix(rowCount: 1, columnCount: 1, elements: [0]))
    let executor = Executor(graph, outputs: [], loss: loss, batchCapacity: 1, parameters: parameters)
    executor.set(x, to: Matrix(rowCount: 1, columnCount: 1, elements: [1]))
    executor.forward()
    executor.backward()
    #expect(executor[loss][0, 0] == 0)
    #expect(executor.firstNonFinite() == "the gradient of w")
  }

  @Test("parameters are copied in, and a name decides where")
  func parameterOrder() {
    var graph = Graph()
    let x = graph.input("x", columns: 1)
    let a = graph.parameter("a", rows: 1, columns: 1)
    let y = graph.addBias(graph.product(x, a), graph.parameter("b", rows: 1, columns: 1))
    var parameters = Parameters<Double>()
    parameters.append("b", Matrix(rowCount: 1, columnCount: 1, elements: [10]))
    parameters.append("unused", Matrix(rowCount: 4, columnCount: 1))
    parameters.append("a", Matrix(rowCount: 1, columnCount: 1, elements: [2]))
    let executor = Executor(graph, outputs: [y], batchCapacity: 1, parameters: parameters)
    parameters["a"][0, 0] = 1000
    executor.set(x, to: Matrix(rowCount: 1, columnCount: 1, elements: [3]))
    executor.forward()
    #expect(executor[y][0, 0] == 16)
    #expect(executor.parameters.names == ["b", "unused", "a"])
    executor.set(parameters)
    executor.forward()
    #expect(executor[y][0, 0] == 3010)
  }
}

import Autodiff
import Foundation
import Kernels
import Testing
import _TestSupport

/// An update rule written for one number, in Double.
private protocol PlainRule {
  mutating func step(_ weight: Double, gradient: Double, rate: Double) -> Double
}

private struct PlainSGD: PlainRule {
  let momentum: Double
  var velocity = 0.0

  mutating func step(_ weight: Double, gradient: Double, rate: Double) -> Double {
    velocity = momentum * velocity + gradient
    return weight - rate * velocity
  }
}

private struct PlainAdagrad: PlainRule {
  let epsilon: Double
  var sum = 0.0

  mutating func step(_ weight: Double, gradient: Double, rate: Double) -> Double {
    sum += gradient * gradient
    return weight - rate * gradient / (sum.squareRoot() + epsilon)
  }
}

/// Algorithm 2 of Loshchilov & Hutter with the decay multiplied by the rate.
private struct PlainAdam: PlainRule {
  let beta1: Double
  let beta2: Double
  let epsilon: Double
  let decay: Double
  var mean = 0.0
  var variance = 0.0
  var count = 0.0

  mutating func step(_ weight: Double, gradient: Double, rate: Double) -> Double {
    count += 1
    mean = beta1 * mean + (1 - beta1) * gradient
    variance = beta2 * variance + (1 - beta2) * gradient * gradient
    let unbiasedMean = mean / (1 - pow(beta1, count))
    let unbiasedVariance = variance / (1 - pow(beta2, count))
    return weight - rate * (unbiasedMean / (unbiasedVariance.squareRoot() + epsilon) + decay * weight)
  }
}

@Suite("Optimizers and schedules")
struct OptimizerTests {
  /// An executor of the loss Σ_k w_k²·s_k / 2 + Σ b, whose gradient is s·w and 1.
  private func quadratic<Scalar: KernelScalar>(_ scalar: Scalar.Type) -> (Executor<Scalar>, [Double]) {
    let scales = [0.5, 1, 2, 4, 1, 3]
    var graph = Graph()
    let w = graph.parameter("w", rows: 2, columns: 3)
    let s = graph.input("s", columns: 3)
    let one = graph.input("one", columns: 2)
    // The batch has two rows, those of w by way of the identity.
    let rows = graph.product(one, w)
    let bowl = graph.scale(graph.multiply(graph.multiply(rows, rows), s), by: 0.5)
    let biased = graph.addBias(bowl, graph.parameter("b", rows: 1, columns: 3))
    let loss = graph.sum(graph.sum(biased, over: .columns), over: .rows)
    var parameters = Parameters<Scalar>()
    parameters.append("w", Matrix(rowCount: 2, columnCount: 3, elements: [1, -2, 3, -0.5, 0.25, 1]))
    parameters.append("b", Matrix(rowCount: 1, columnCount: 3, elements: [1, 2, 3]))
    let executor = Executor(graph, outputs: [], loss: loss, batchCapacity: 2, parameters: parameters)
    executor.set(s, to: Matrix(rowCount: 2, columnCount: 3, elements: scales.map { Scalar($0) }))
    executor.set(one, to: Matrix(rowCount: 2, columnCount: 2, elements: [1, 0, 0, 1]))
    return (executor, scales)
  }

  private func expectAgreement<Rule: PlainRule>(
    _ method: OptimizerMethod, _ rule: Rule, biasRule: Rule, clippingNorm: Double? = nil
  ) {
    let (executor, scales) = quadratic(Double.self)
    var optimizer = Optimizer(method, for: executor.parameters, clippingNorm: clippingNorm)
    var weights = executor.parameters["w"].elements
    var biases = executor.parameters["b"].elements
    var rules = weights.map { _ in rule }
    var biasRules = biases.map { _ in biasRule }
    for step in 0..<10 {
      let rate = 0.1 / Double(step + 1)
      executor.forward()
      executor.backward()
      optimizer.step(executor, learningRate: rate)

      // The bias of 3 columns is added to both rows, so its gradient is 2.
      var gradients = zip(weights, scales).map { $0 * $1 } + [2, 2, 2]
      let norm = gradients.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if let clippingNorm, norm > clippingNorm { gradients = gradients.map { $0 * clippingNorm / norm } }
      for k in weights.indices { weights[k] = rules[k].step(weights[k], gradient: gradients[k], rate: rate) }
      for k in biases.indices {
        biases[k] = biasRules[k].step(biases[k], gradient: gradients[6 + k], rate: rate)
      }
      // Some thirty roundings a step on numbers of at most 8.
      let bound = Double(30 * (step + 1)) * 8 * 0x1p-53
      for (found, expected) in zip(executor.parameters["w"].elements, weights) {
        #expect(abs(found - expected) <= bound, "step \(step)")
      }
      for (found, expected) in zip(executor.parameters["b"].elements, biases) {
        #expect(abs(found - expected) <= bound, "step \(step)")
      }
      #expect(optimizer.stepCount == step + 1)
    }
  }

  @Test("SGD follows its formula", arguments: [0, 0.9])
  func sgd(momentum: Double) {
    let rule = PlainSGD(momentum: momentum)
    expectAgreement(.sgd(momentum: momentum), rule, biasRule: rule)
  }

  @Test("Adagrad follows its formula", arguments: [1e-6, 0.1])
  func adagrad(epsilon: Double) {
    let rule = PlainAdagrad(epsilon: epsilon)
    expectAgreement(.adagrad(epsilon: epsilon), rule, biasRule: rule)
  }

  @Test("Adam follows its formula, and decay spares biases", arguments: [0, 0.1])
  func adam(decay: Double) {
    expectAgreement(
      .adam(beta1: 0.8, beta2: 0.99, epsilon: 1e-8, weightDecay: decay),
      PlainAdam(beta1: 0.8, beta2: 0.99, epsilon: 1e-8, decay: decay),
      biasRule: PlainAdam(beta1: 0.8, beta2: 0.99, epsilon: 1e-8, decay: 0))
  }

  @Test("a long gradient is shortened to the clipping norm, a short one left alone", arguments: [0.5, 100])
  func clipping(norm: Double) {
    let rule = PlainSGD(momentum: 0.5)
    expectAgreement(.sgd(momentum: 0.5), rule, biasRule: rule, clippingNorm: norm)
  }

  @Test(
    "every method finds the bottom of a bowl",
    arguments: [
      (OptimizerMethod.sgd(), 0.2), (.sgd(momentum: 0.5), 0.1), (.adagrad(), 0.5), (.adam(), 0.05),
    ])
  func convergence(method: OptimizerMethod, rate: Double) {
    let (executor, _) = quadratic(Float.self)
    var optimizer = Optimizer(method, for: executor.parameters)
    let start = executor.parameters["w"].elements.map { abs($0) }.max() ?? 0
    for _ in 0..<1000 {
      executor.forward()
      executor.backward()
      optimizer.step(executor, learningRate: rate)
    }
    // The flattest axis has a curvature of 1/2 and the steepest of 4: gradient descent at these rates takes
    // at least a twentieth off every error each step, and 0.95¹⁰⁰⁰ is 10⁻²².
    let end = executor.parameters["w"].elements.map { abs($0) }.max() ?? .infinity
    #expect(end < 1e-4 * start)
  }

  @Test("an optimizer restored from its state continues as if never stopped")
  func restoring() {
    let (first, _) = quadratic(Float.self)
    let (second, _) = quadratic(Float.self)
    func advance(_ executor: Executor<Float>, _ optimizer: inout Optimizer<Float>, _ count: Int) {
      for _ in 0..<count {
        executor.forward()
        executor.backward()
        optimizer.step(executor, learningRate: 0.01)
      }
    }
    var whole = Optimizer(.adam(), for: first.parameters)
    advance(first, &whole, 10)
    var half = Optimizer(.adam(), for: second.parameters)
    advance(second, &half, 5)
    var restored = Optimizer(half.method, state: half.state, stepCount: half.stepCount)
    advance(second, &restored, 5)
    #expect(first.parameters == second.parameters)
    #expect(whole.state == restored.state)
    #expect(restored.method.slotNames == ["mean", "variance"])
  }

  @Test("schedules have their stated values")
  func schedules() {
    func rate(_ schedule: Schedule, _ step: Int) -> Double {
      LearningRateController(schedule, base: 0.1, totalSteps: 1000).learningRate(atStep: step)
    }
    #expect(rate(.constant, 0) == 0.1)
    #expect(rate(.constant, 5000) == 0.1)
    #expect(rate(.inverseDecay(halving: 100), 0) == 0.1)
    #expect(rate(.inverseDecay(halving: 100), 100) == 0.05)
    #expect(rate(.inverseDecay(halving: 100), 300) == 0.025)

    let cosine = Schedule.cosine(warmUp: 0.1, floor: 0.2)
    // The rise ends at the base rate after the hundredth step; half of the fall is half-way to the floor.
    #expect(abs(rate(cosine, 0) - 0.001) < 1e-15)
    #expect(abs(rate(cosine, 49) - 0.05) < 1e-15)
    #expect(abs(rate(cosine, 99) - 0.1) < 1e-15)
    #expect(abs(rate(cosine, 100) - 0.1) < 1e-15)
    #expect(abs(rate(cosine, 550) - 0.06) < 1e-15)
    #expect(abs(rate(cosine, 1000) - 0.02) < 1e-15)
    #expect(abs(rate(cosine, 2000) - 0.02) < 1e-15)
    let rates = (100...1000).map { rate(cosine, $0) }
    #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 > $1 })
    #expect(rate(.cosine(warmUp: 0), 0) == 0.1)
    #expect(
      LearningRateController(.cosine(warmUp: 0.5), base: 1, totalSteps: 0).learningRate(atStep: 3).isFinite)
  }

  @Test("a plateau lowers the rate once for each stretch of patience")
  func plateau() {
    var controller = LearningRateController(
      .reduceOnPlateau(factor: 0.5, patience: 2), base: 1, totalSteps: 100)
    let figures = [10, 9, 9, 8, 8.5, 8, 8.2, 8.1, 7.9, 8, 7.9]
    let expected = [1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    for (figure, rate) in zip(figures, expected) {
      controller.observe(figure)
      #expect(controller.learningRate(atStep: 7) == rate, "after \(figure)")
    }
  }

  @Test(
    "methods and controllers survive JSON",
    arguments: [
      Schedule.constant, .inverseDecay(halving: 12.5), .cosine(warmUp: 0.1, floor: 0.01),
      .reduceOnPlateau(factor: 0.3, patience: 1),
    ])
  func codable(schedule: Schedule) throws {
    var controller = LearningRateController(schedule, base: 0.1, totalSteps: 77)
    for figure in [3, 2, 2, 2.5] { controller.observe(figure) }
    let data = try JSONEncoder().encode(controller)
    var restored = try JSONDecoder().decode(LearningRateController.self, from: data)
    #expect(restored == controller)
    controller.observe(2)
    restored.observe(2)
    #expect(restored.learningRate(atStep: 50) == controller.learningRate(atStep: 50))

    for method in [OptimizerMethod.sgd(momentum: 0.3), .adagrad(), .adam(weightDecay: 0.1)] {
      let data = try JSONEncoder().encode(method)
      #expect(try JSONDecoder().decode(OptimizerMethod.self, from: data) == method)
    }
  }
}

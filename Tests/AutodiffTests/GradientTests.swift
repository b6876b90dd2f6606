import Autodiff
import Kernels
import Testing
import _TestSupport

@Suite("Gradients against finite differences in Double")
struct GradientTests {
  @Test("of every op, along a random direction", arguments: GradientCase.everyOp, [1, 2, 3] as [UInt64])
  func everyOp(_ gradientCase: GradientCase, seed: UInt64) {
    var c = GraphCase(seed: seed)
    let value = gradientCase.build(&c)
    let loss = c.loss(value)
    // A loss always multiplies by data, but a value of parameters alone may not.
    if c.inputs.isEmpty { _ = c.input(1) }
    let executor = c.executor(outputs: [value], loss: loss)
    executor.isTraining = true
    executor.seed = seed
    executor.step = 3
    executor.forward()
    let magnitude = executor[value].elements.reduce(1) { $0 + abs($1) }
    let check = GradientCheck(executor, loss: loss, magnitude: magnitude, seed: seed)
    #expect(check.holds, "\(check)\n\(c.graph)")
  }

  @Test("of random graphs, along a random direction", arguments: 0..<100 as Range<UInt64>)
  func randomGraphs(seed: UInt64) {
    let random = RandomGraph(seed: seed)
    let executor = random.made.executor(outputs: [random.loss], loss: random.loss)
    executor.isTraining = true
    // The loss is a mean of numbers of magnitude 1 or so.
    let check = GradientCheck(executor, loss: random.loss, magnitude: 10, seed: seed)
    #expect(check.holds, "\(check)\n\(random.made.graph)")
  }

  @Test("of a small network, coordinate by coordinate", arguments: [1, 2] as [UInt64])
  func everyCoordinate(seed: UInt64) {
    var c = GraphCase(seed: seed)
    let x = c.bits(4)
    let mask = c.graph.mask(.random(inputCount: 4, outputCount: 3, seed: seed))
    let w = c.parameter(4, 3)
    let hidden = c.graph.maskedLinear(x, weights: w, bias: c.parameter(1, 3), mask: mask)
    let h = c.graph.dropout(c.graph.apply(.tanh, hidden), rate: 0.25)
    let direct = c.graph.product(x, c.parameter(4, 4))
    let z = c.graph.add(c.graph.product(h, c.parameter(3, 4)), c.graph.scale(direct, by: 0.5))
    let first = c.graph.bernoulliLogLikelihood(logits: c.graph.addBias(z, c.parameter(1, 4)), targets: x)
    let logits = c.graph.nade(
      x, w: w, v: c.parameter(4, 3), b: c.parameter(1, 4), c: c.parameter(1, 3), ordering: [2, 0, 3, 1],
      activation: .sigmoid)
    let second = c.graph.bernoulliLogLikelihood(logits: logits, targets: x)
    let gate = c.graph.sum(c.graph.multiply(h, h), over: .columns)
    let mixed = c.graph.logMeanExp(c.graph.concatenate([first, second, gate, first]))
    let loss = c.graph.mean(mixed, over: .rows)

    let executor = c.executor(outputs: [loss], loss: loss)
    executor.isTraining = true
    executor.seed = seed
    executor.forward()
    executor.backward()
    let gradients = executor.gradients
    let origin = executor.parameters
    for name in origin.names {
      for row in 0..<origin[name].rowCount {
        for column in 0..<origin[name].columnCount {
          let difference = DirectionalDerivative(magnitude: 20) { step in
            var moved = origin
            moved[name][row, column] += step
            executor.set(moved)
            executor.forward()
            return executor[loss][0, 0]
          }
          let reverse = gradients[name][row, column]
          #expect(
            abs(reverse - difference.value) <= difference.tolerance && difference.tolerance < 1e-6,
            "\(name)[\(row), \(column)]: \(reverse), not \(difference)")
        }
      }
    }
  }

  @Test("a forbidden weight has a gradient of exactly zero", arguments: [1, 2, 3] as [UInt64])
  func forbiddenWeights(seed: UInt64) {
    var c = GraphCase(seed: seed)
    let mask = Staircase.random(inputCount: 9, outputCount: 8, seed: seed)
    let w = c.parameter(9, 8)
    let slot = c.graph.mask(mask)
    let y = c.graph.maskedLinear(c.input(9), weights: w, mask: slot)
    let loss = c.loss(y)
    let executor = c.executor(outputs: [], loss: loss)
    executor.forward()
    executor.backward()
    let gradient = executor.gradients["p0"]
    for input in 0..<9 {
      for output in 0..<8 {
        #expect((gradient[input, output] == 0) == !mask.permits(input, output))
      }
    }
  }
}

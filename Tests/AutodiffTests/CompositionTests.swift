import Autodiff
import Foundation
import Kernels
import Testing
import _TestSupport

/// A bound on the rounding of a sum of `terms` numbers in Double, each the result of a dozen operations or
/// so.
private func roundingBound(terms: Int, magnitude: Double) -> Double {
  Double(terms + 16) * 0x1p-53 * magnitude
}

@Suite("A fused op equals small ops composed, in Double")
struct CompositionTests {
  /// Asserts that two values of a graph agree, and the gradients of the sum of each with random weights.
  private func expectEqual(
    _ fused: Graph.Value, _ composed: Graph.Value, of c: GraphCase, terms: Int, magnitude: Double,
    differentiating names: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var c = c
    let both = [fused, composed]
    let bound = roundingBound(terms: terms, magnitude: magnitude)
    let width = c.graph.shape(of: fused).columns
    let weights = c.input(width)
    let losses = both.map { value in
      let weighted = c.graph.multiply(value, weights)
      return c.graph.sum(c.graph.sum(weighted, over: .columns), over: .rows)
    }
    let executors = zip(both, losses).map { c.executor(outputs: [$0], loss: $1) }
    for executor in executors {
      executor.forward()
      executor.backward()
    }
    let values = zip(executors, both).map { $0[$1].elements }
    #expect(values[0].contains { $0 != 0 }, sourceLocation: sourceLocation)
    for (a, b) in zip(values[0], values[1]) {
      #expect(abs(a - b) <= bound, sourceLocation: sourceLocation)
    }
    for name in names {
      let gradients = executors.map { $0.gradients[name].elements }
      #expect(gradients[0].contains { $0 != 0 }, "\(name)", sourceLocation: sourceLocation)
      for (a, b) in zip(gradients[0], gradients[1]) {
        #expect(abs(a - b) <= bound, "\(name)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test("maskedLinear is a product with masked weights, and a bias", arguments: 1...5 as ClosedRange<UInt64>)
  func maskedLinear(seed: UInt64) {
    var c = GraphCase(seed: seed)
    let mask = Staircase.random(inputCount: 9, outputCount: 7, seed: seed)
    let x = seed % 2 == 0 ? c.bits(9) : c.batch(9)
    let w = c.parameter(9, 7)
    let bias = c.parameter(1, 7)
    let weightName = c.graph.name(of: w)
    let slot = c.graph.mask(mask)
    let fused = c.graph.maskedLinear(x, weights: w, bias: bias, mask: slot)
    let zerosAndOnes = c.parameter(
      Matrix(nanPaddedRowCount: 9, columnCount: 7) { mask.permits($0, $1) ? 1 : 0 })
    let masked = c.graph.multiply(w, zerosAndOnes)
    let composed = c.graph.addBias(c.graph.product(x, masked), bias)
    expectEqual(
      fused, composed, of: c, terms: 20, magnitude: 40,
      differentiating: [weightName, c.graph.name(of: bias)] + (seed % 2 == 0 ? [] : ["p0"]))
  }

  @Test("bernoulliLogLikelihood is Σ t·z − softplus z", arguments: 1...5 as ClosedRange<UInt64>)
  func bernoulli(seed: UInt64) {
    var c = GraphCase(seed: seed)
    let z = c.graph.scale(c.batch(8), by: 5)
    let t = c.bits(8)
    let fused = c.graph.bernoulliLogLikelihood(logits: z, targets: t)
    let softplus = c.graph.scale(c.graph.apply(.softplus, z), by: -1)
    let composed = c.graph.sum(c.graph.add(c.graph.multiply(t, z), softplus), over: .columns)
    // Eight terms of at most 2 · 15, and in the gradient five rows of 3 products.
    expectEqual(fused, composed, of: c, terms: 40, magnitude: 8 * 30, differentiating: ["p0"])
  }

  @Test(
    "nade is D separate networks on the variables before each",
    arguments: [Activation.sigmoid, .relu], 1...5 as ClosedRange<UInt64>)
  func nade(activation: Activation, seed: UInt64) {
    var c = GraphCase(seed: seed)
    let (variables, hidden) = (7, 4)
    let x = c.bits(variables)
    let w = c.parameter(variables, hidden)
    let v = c.parameter(variables, hidden)
    let b = c.parameter(1, variables)
    let bias = c.parameter(1, hidden)
    let names = [w, v, b, bias].map { c.graph.name(of: $0) }
    var generator = Philox(seed: seed)
    let ordering = Array(0..<variables).shuffled(using: &generator)
    let fused = c.graph.nade(x, w: w, v: v, b: b, c: bias, ordering: ordering, activation: activation)

    let ones = c.ones()
    var columns: [Graph.Value] = []
    for variable in 0..<variables {
      let before = Set(ordering.prefix { $0 != variable })
      let zerosAndOnes = c.parameter(
        Matrix(nanPaddedRowCount: variables, columnCount: hidden) { row, _ in before.contains(row) ? 1 : 0 })
      let a = c.graph.addBias(c.graph.product(x, c.graph.multiply(w, zerosAndOnes)), bias)
      let h = c.graph.apply(activation, a)
      let unit = c.parameter(Matrix(nanPaddedRowCount: 1, columnCount: variables) { $1 == variable ? 1 : 0 })
      let unitColumn = c.parameter(
        Matrix(nanPaddedRowCount: variables, columnCount: 1) { row, _ in row == variable ? 1 : 0 })
      let vOfVariable = c.graph.product(ones, c.graph.product(unit, v))
      let terms = c.graph.sum(c.graph.multiply(h, vOfVariable), over: .columns)
      columns.append(c.graph.addBias(terms, c.graph.product(b, unitColumn)))
    }
    let composed = c.graph.concatenate(columns)
    // A logit sums 4 products of at most 8, a gradient those of 5 rows and 7 variables.
    expectEqual(fused, composed, of: c, terms: 4 * 5 * 7, magnitude: 4 * 5 * 7 * 8, differentiating: names)
  }

  @Test("mean is the sum divided by the count", arguments: [Axis.rows, .columns])
  func mean(axis: Axis) {
    var c = GraphCase(seed: 3)
    let x = c.batch(6)
    let fused = c.graph.mean(x, over: axis)
    let count = axis == .rows ? GraphCase.rowCount : 6
    let composed = c.graph.scale(c.graph.sum(x, over: axis), by: 1 / Double(count))
    guard axis == .columns else {
      // A 1 × N value has no batch to be weighted over; the sum of its columns has the same gradient.
      for value in [fused, composed] {
        #expect(c.graph.shape(of: value) == Shape(1, 6))
      }
      let losses = [fused, composed].map { c.graph.sum($0, over: .columns) }
      let executors = zip([fused, composed], losses).map { c.executor(outputs: [$0], loss: $1) }
      for executor in executors {
        executor.forward()
        executor.backward()
      }
      let bound = roundingBound(terms: 15, magnitude: 15)
      for (a, b) in zip(executors[0][fused].elements, executors[1][composed].elements) {
        #expect(abs(a - b) <= bound)
      }
      for (a, b) in zip(executors[0].gradients["p0"].elements, executors[1].gradients["p0"].elements) {
        #expect(a != 0)
        #expect(abs(a - b) <= bound)
      }
      return
    }
    expectEqual(fused, composed, of: c, terms: 30, magnitude: 30, differentiating: ["p0"])
  }

  @Test("logMeanExp is the logarithm of the mean of exponentials", arguments: 1...5 as ClosedRange<UInt64>)
  func logMeanExp(seed: UInt64) {
    var c = GraphCase(seed: seed)
    let terms = c.parameter(GraphCase.rowCount, 6, in: -8...8)
    let y = c.graph.logMeanExp(terms)
    let loss = c.graph.sum(y, over: .rows)
    _ = c.input(1)
    let executor = c.executor(outputs: [y], loss: loss)
    executor.forward()
    executor.backward()
    let x = c.parameters["p0"]
    for row in 0..<x.rowCount {
      let total = x[row: row].reduce(0) { $0 + exp($1) }
      // The logarithm of the sum is up to 8 + log 6 in magnitude.
      #expect(abs(executor[y][row, 0] - log(total / 6)) <= roundingBound(terms: 6, magnitude: 20))
      for column in 0..<6 {
        let share = exp(x[row, column]) / total
        #expect(abs(executor.gradients["p0"][row, column] - share) <= roundingBound(terms: 6, magnitude: 20))
      }
    }
  }

  @Test("logMeanExp neither overflows nor loses its largest term", arguments: [-1e4, -700, 0, 700, 1e4])
  func logMeanExpShift(offset: Double) {
    var c = GraphCase(seed: 1)
    let spread = Matrix<Double>(rowCount: 2, columnCount: 3, elements: [0, -1, -2, 0, -500, -2000])
    let terms = c.parameter(Matrix(nanPaddedRowCount: 2, columnCount: 3) { spread[$0, $1] + offset })
    let y = c.graph.logMeanExp(terms)
    _ = c.input(1)
    let executor = c.executor(outputs: [y])
    executor.forward()
    let bound = roundingBound(terms: 3, magnitude: abs(offset) + 3)
    #expect(abs(executor[y][0, 0] - (offset + log((1 + exp(-1) + exp(-2)) / 3))) <= bound)
    #expect(abs(executor[y][1, 0] - (offset - log(3))) <= bound)
  }
}

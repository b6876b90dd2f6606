import Autodiff
import Kernels
import Testing
import _TestSupport

/// Ways to call the engine, each with one thing that may be wrong.
enum Contract: Int, CaseIterable, Sendable, Codable {
  case productInnerSizes, productOfBatchOnTheRight, maskedLinearWeights, maskedLinearMask, maskedLinearBias
  case addBiasColumns, addBiasRows, addColumns, addRows, multiplyShapes, infiniteScale, emptyConcatenation
  case concatenateRows, dropoutRate, negativeDropoutRate, bernoulliShapes, differentiableTargets
  case nadeShapes, nadeOrdering, nadeActivation, differentiableNADERows, constantNADEWeights
  case parameterShape, leafKind, zeroColumns, zeroRows, lossShape, lossWithoutParameters, batchCapacity
  case rowCount, noRows, inputColumns, inputKind, maskSize, parameterValueShape, missingParameter
  case backwardWithoutLoss, forwardWithoutInput, duplicateParameter, optimizerState

  /// Does the thing, wrongly or rightly.
  func perform(wrongly: Bool) {
    var graph = Graph()
    let x = graph.input("x", columns: 4)
    let w = graph.parameter("w", rows: 4, columns: 3)
    let bias = graph.parameter("bias", rows: 1, columns: 3)
    let xw = graph.product(x, w)
    let total = graph.sum(graph.sum(xw, over: .columns), over: .rows)

    switch self {
    case .productInnerSizes: _ = graph.product(x, graph.parameter("p", rows: wrongly ? 5 : 4, columns: 2))
    case .productOfBatchOnTheRight:
      _ = graph.product(w, wrongly ? xw : graph.parameter("p", rows: 3, columns: 2))
    case .maskedLinearWeights:
      let weights = graph.parameter("p", rows: wrongly ? 5 : 4, columns: 3)
      let mask = graph.mask(Staircase(denseInputCount: wrongly ? 5 : 4, outputCount: 3))
      _ = graph.maskedLinear(x, weights: weights, mask: mask)
    case .maskedLinearMask:
      let mask = graph.mask(Staircase(denseInputCount: 4, outputCount: wrongly ? 4 : 3))
      _ = graph.maskedLinear(x, weights: w, mask: mask)
    case .maskedLinearBias:
      let mask = graph.mask(Staircase(denseInputCount: 4, outputCount: 3))
      _ = graph.maskedLinear(x, weights: w, bias: wrongly ? w : bias, mask: mask)
    case .addBiasColumns: _ = graph.addBias(wrongly ? x : xw, bias)
    case .addBiasRows: _ = graph.addBias(xw, wrongly ? graph.parameter("p", rows: 2, columns: 3) : bias)
    case .addColumns: _ = graph.add(xw, wrongly ? x : xw)
    case .addRows: _ = graph.add(bias, wrongly ? xw : bias)
    case .multiplyShapes: _ = graph.multiply(xw, wrongly ? x : xw)
    case .infiniteScale: _ = graph.scale(x, by: wrongly ? .infinity : 2)
    case .emptyConcatenation: _ = graph.concatenate(wrongly ? [] : [x])
    case .concatenateRows: _ = graph.concatenate([x, wrongly ? w : xw])
    case .dropoutRate: _ = graph.dropout(x, rate: wrongly ? 1 : 0.5)
    case .negativeDropoutRate: _ = graph.dropout(x, rate: wrongly ? -0.1 : 0)
    case .bernoulliShapes: _ = graph.bernoulliLogLikelihood(logits: wrongly ? xw : x, targets: x)
    case .differentiableTargets:
      let square = graph.product(x, graph.parameter("p", rows: 4, columns: 4))
      _ = graph.bernoulliLogLikelihood(logits: square, targets: wrongly ? square : x)
    case .nadeShapes, .nadeOrdering, .nadeActivation, .differentiableNADERows, .constantNADEWeights:
      performNADE(wrongly: wrongly, x, w, bias, in: &graph)
    case .parameterShape: _ = graph.parameter("w", rows: 4, columns: wrongly ? 4 : 3)
    case .leafKind: _ = graph.input(wrongly ? "w" : "y", columns: 3)
    case .zeroColumns: _ = graph.input("y", columns: wrongly ? 0 : 1)
    case .zeroRows: _ = graph.parameter("p", rows: wrongly ? 0 : 1, columns: 1)
    case .lossShape: _ = Plan(graph, outputs: [], loss: wrongly ? bias : total, batchCapacity: 1)
    case .lossWithoutParameters:
      let data = graph.sum(graph.sum(x, over: .columns), over: .rows)
      _ = Plan(graph, outputs: [], loss: wrongly ? data : total, batchCapacity: 1)
    case .batchCapacity: _ = Plan(graph, outputs: [total], batchCapacity: wrongly ? 0 : 1)
    default: performRun(wrongly: wrongly, graph, x, w, total)
    }
  }

  private func performNADE(
    wrongly: Bool, _ x: Graph.Value, _ w: Graph.Value, _ c: Graph.Value, in graph: inout Graph
  ) {
    let v = graph.parameter("v", rows: 4, columns: wrongly && self == .nadeShapes ? 2 : 3)
    let b = graph.parameter("b", rows: 1, columns: 4)
    let square = graph.product(x, graph.parameter("p", rows: 4, columns: 4))
    let constant = graph.sum(graph.input("y", columns: 3), over: .rows)
    _ = graph.nade(
      wrongly && self == .differentiableNADERows ? square : x, w: w, v: v, b: b,
      c: wrongly && self == .constantNADEWeights ? constant : c,
      ordering: wrongly && self == .nadeOrdering ? [0, 1, 1, 3] : [3, 1, 2, 0],
      activation: wrongly && self == .nadeActivation ? .tanh : .relu)
  }

  private func performRun(
    wrongly: Bool, _ graph: Graph, _ x: Graph.Value, _ w: Graph.Value, _ total: Graph.Value
  ) {
    var graph = graph
    let mask = graph.mask(Staircase(denseInputCount: 4, outputCount: 3))
    var parameters = Parameters<Double>()
    let isMisshapen = wrongly && self == .parameterValueShape
    parameters.append("w", Matrix(rowCount: 4, columnCount: isMisshapen ? 2 : 3))
    if !(wrongly && self == .missingParameter) {
      parameters.append("bias", Matrix(rowCount: 1, columnCount: 3))
    }
    if self == .duplicateParameter {
      parameters.append(wrongly ? "w" : "v", Matrix(rowCount: 1, columnCount: 1))
    }
    let isLossless = wrongly && self == .backwardWithoutLoss
    let executor = Executor(
      graph, outputs: [total], loss: isLossless ? nil : total, batchCapacity: 2, parameters: parameters)
    if !(wrongly && self == .forwardWithoutInput) {
      let columns = wrongly && self == .inputColumns ? 3 : 4
      let rows = wrongly && self == .rowCount ? 3 : wrongly && self == .noRows ? 0 : 2
      executor.set(
        wrongly && self == .inputKind ? total : x, to: Matrix(rowCount: rows, columnCount: columns))
    }
    executor.forward()
    executor.backward()
    executor.set(mask, to: Staircase(denseInputCount: 4, outputCount: wrongly && self == .maskSize ? 4 : 3))
    let slots = wrongly && self == .optimizerState ? 1 : 2
    _ = Optimizer(.adam(), state: Array(repeating: parameters, count: slots), stepCount: 0)
  }
}

@Suite("Broken contracts stop the program")
struct ShapeTests {
  // The two differ in one argument, so that what ends the second cannot be anything else.
  @Test("rightly made a call returns, wrongly made it ends the program", arguments: Contract.allCases)
  func contracts(_ contract: Contract) async {
    await #expect(processExitsWith: .success) { [contract] in contract.perform(wrongly: false) }
    await #expect(processExitsWith: .failure) { [contract] in contract.perform(wrongly: true) }
  }

  #if DEBUG
    // Optimised builds stop without the message.
    @Test("the message names the op and the shapes")
    func message() async {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Contract.addColumns.perform(wrongly: true)
      }
      let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(message.contains("add: expected equal shapes; operands are %3 B×3, x B×4"))
    }
  #endif

  @Test("shapes follow from the operands")
  func shapes() {
    var graph = Graph()
    let x = graph.input("x", columns: 4)
    let w = graph.parameter("w", rows: 4, columns: 3)
    let xw = graph.product(x, w)
    let fixed = graph.product(graph.parameter("p", rows: 2, columns: 4), w)
    let values = [
      xw, fixed, graph.sum(xw, over: .rows), graph.mean(xw, over: .columns), graph.logMeanExp(w),
      graph.concatenate([x, xw, x]),
      graph.bernoulliLogLikelihood(logits: xw, targets: graph.input("t", columns: 3)),
    ]
    #expect(
      values.map { graph.shape(of: $0).description } == ["B×3", "2×3", "1×3", "B×1", "4×1", "B×11", "B×1"])
    #expect(graph.shape(of: fixed) == Shape(2, 3))
    #expect(Shape(rows: .batch, columns: 3).rowCount(batchSize: 7) == 7)
    #expect(Shape(4, 3).rowCount(batchSize: 7) == 4)
  }

  @Test("a leaf added again is the same value")
  func sharedLeaves() {
    var graph = Graph()
    let w = graph.parameter("w", rows: 4, columns: 3)
    let x = graph.input("x", columns: 3, isSparse: true)
    let again = [graph.parameter("w", rows: 4, columns: 3), graph.input("x", columns: 3, isSparse: true)]
    #expect(again == [w, x])
    #expect(graph.nodes.count == 2)
    #expect(graph.parameters.map(\.name) == ["w"])
  }

  @Test("a graph prints as equations with shapes")
  func description() {
    var graph = Graph()
    let x = graph.input("x", columns: 4, isSparse: true)
    let mask = graph.mask(Staircase(inputDegrees: [1, 2, 3, 4], outputDegrees: [1, 2, 3]))
    let w = graph.parameter("w", rows: 4, columns: 3)
    let a = graph.maskedLinear(x, weights: w, mask: mask)
    let h = graph.dropout(graph.apply(.relu, a), rate: 0.5)
    graph.name(h, "h")
    let v = graph.parameter("v", rows: 3, columns: 4)
    let b = graph.parameter("b", rows: 1, columns: 4)
    let z = graph.addBias(graph.product(h, v), b)
    let p = graph.bernoulliLogLikelihood(logits: z, targets: x)
    let q = graph.multiply(graph.scale(p, by: -0.5), graph.add(p, p))
    let n = graph.nade(
      x, w: w, v: graph.parameter("u", rows: 4, columns: 3), b: b,
      c: graph.parameter("c", rows: 1, columns: 3), ordering: [0, 1, 2, 3], activation: .sigmoid)
    let m = graph.logMeanExp(graph.concatenate([q, n]))
    _ = graph.mean(m, over: .rows)
    let expected = """
      x   : B×4 = input, sparse
      w   : 4×3 = parameter
      %2  : B×3 = maskedLinear(x, w, mask 0: 6 of 12)
      %3  : B×3 = relu(%2)
      h   : B×3 = dropout(%3, rate 0.5)
      v   : 3×4 = parameter
      b   : 1×4 = parameter
      %7  : B×4 = h · v
      %8  : B×4 = %7 + b
      %9  : B×1 = bernoulliLogLikelihood(%8, x)
      %10 : B×1 = -0.5 · %9
      %11 : B×1 = %9 + %9
      %12 : B×1 = %10 ∘ %11
      u   : 4×3 = parameter
      c   : 1×3 = parameter
      %15 : B×4 = nade(x, w, u, b, c)
                  a(i) = c + Σ_(j<i) x_o(j) · w_o(j)
                  z_o(i) = b_o(i) + u_o(i) · sigmoid(a(i))
                  for i = 1 … 4, o(i) = i
      %16 : B×5 = concatenate(%12, %15)
      %17 : B×1 = logMeanExp(%16)
      %18 : 1×1 = mean(%17, over rows)
      """
    #expect(graph.description == expected)
  }
}

// The Swift of the documentation's articles, block by block; `DocumentationTests` compares. Blocks that the README has too
// stand in ReadmeBlocks.swift.

import Autodiff
import BinaryDensity
import Foundation
import Kernels

func sumOfProbabilities(of density: any Density) -> Double {
  let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
  let total = density.logProbabilities(of: rows).reduce(0) { $0 + exp($1) }
  print(total)  // 1, but for rounding
  return total
}

func buildSmallGraph() -> Graph {
  var graph = Graph()
  let x = graph.input("x", columns: 3)
  let mask = graph.mask(Staircase(inputDegrees: [1, 2, 3], outputDegrees: [0, 1, 2]))
  let w = graph.parameter("w", rows: 3, columns: 3)
  let z = graph.maskedLinear(x, weights: w, bias: graph.parameter("b", rows: 1, columns: 3), mask: mask)
  let loss = graph.scale(graph.mean(graph.bernoulliLogLikelihood(logits: z, targets: x), over: .rows), by: -1)
  _ = loss
  return graph
}

/// What the article on the graph computes: the graph as it prints, the loss, a gradient, and a slope beside it.
func differentiateByHand() -> (graph: Graph, loss: Double, gradients: Parameters<Double>, slope: Double) {
  var graph = Graph()
  let x = graph.input("x", columns: 3)
  let mask = graph.mask(
    Staircase(inputDegrees: [1, 2, 3], outputDegrees: [0, 1, 2]))
  let w = graph.parameter("w", rows: 3, columns: 3)
  let b = graph.parameter("b", rows: 1, columns: 3)
  let z = graph.maskedLinear(x, weights: w, bias: b, mask: mask)
  let logProbability = graph.bernoulliLogLikelihood(
    logits: z, targets: x)
  let loss = graph.scale(
    graph.mean(logProbability, over: .rows), by: -1)
  print(graph)

  let rows = BinaryMatrix([[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])
  let parameters: Parameters<Double> = [
    "w": Matrix(rowCount: 3, columnCount: 3),
    "b": Matrix(rowCount: 1, columnCount: 3),
  ]
  let executor = Executor(
    graph, outputs: [z], loss: loss, batchCapacity: 4,
    parameters: parameters)
  executor.set(x, to: rows)
  executor.forward()
  executor.backward()
  print(executor[loss][0, 0])  // 2.0794415416798357
  print(executor.gradients["w"][row: 0])  // [0.0, -0.125, 0.125]
  let found = (executor[loss][0, 0], executor.gradients)

  func lossMoved(by step: Double) -> Double {
    var moved = parameters
    moved["w"][0, 1] += step
    executor.set(moved)
    executor.forward()
    return executor[loss][0, 0]
  }
  let step = 0x1p-13
  let slope =
    (lossMoved(by: step) - lossMoved(by: -step)) / (2 * step)
  print(slope)  // -0.125, but for about a millionth of a millionth
  return (graph, found.0, found.1, slope)
}

/// Checks what the articles say that their code computes.
func checkArticles() throws {
  expect(
    abs(sumOfProbabilities(of: try GatedNetwork(variableCount: 5, hiddenCount: 3, seed: 1)) - 1) < 1e-5,
    "no sum of 1")
  expect(buildSmallGraph().parameters.count == 2, "the small graph is another")
  let (graph, loss, gradients, slope) = differentiateByHand()
  let printed = """
    x  : B×3 = input
    w  : 3×3 = parameter
    b  : 1×3 = parameter
    %3 : B×3 = maskedLinear(x, w, b, mask 0: 3 of 9)
    %4 : B×1 = bernoulliLogLikelihood(%3, x)
    %5 : 1×1 = mean(%4, over rows)
    %6 : 1×1 = -1.0 · %5
    """
  expect(graph.description == printed, "the graph prints\n\(graph)")
  expect(loss == 2.0794415416798357, "the loss is \(loss)")
  let rows = (0..<3).map { gradients["w"][row: $0] }
  expect(rows == [[0, -0.125, 0.125], [0, 0, -0.125], [0, 0, 0]], "the gradient is \(rows)")
  expect(abs(slope + 0.125) < 1e-10, "the slope is \(slope)")
}

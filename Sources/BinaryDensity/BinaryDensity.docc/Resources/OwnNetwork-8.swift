import Autodiff
import BinaryDensity
import Kernels

/// A network whose hidden units have gates.
///
///     h = tanh(x·w + c) ∘ σ(x·u + d),   logits = h·v + b
struct GatedNetwork: NetworkDensity, AutoregressiveDensity {
  let variableCount: Int
  let hiddenCount: Int
  var parameters = Parameters<Float>()
  var ordering: Ordering { .natural(count: variableCount) }
  var allowsHiddenDropout: Bool { false }

  init(variableCount: Int, hiddenCount: Int, seed: UInt64) throws {
    self.variableCount = variableCount
    self.hiddenCount = hiddenCount
    parameters = try Parameters(
      initialising: parameterShapes, seed: seed)
  }

  var parameterShapes: [ParameterShape] {
    let variables = ParameterShape.Extent.variables(variableCount)
    let units = ParameterShape.Extent.units(hiddenCount)
    return [
      .weights("w", variables, units), .bias("c", units),
      .weights("u", variables, units), .bias("d", units),
      .weights("v", units, variables), .bias("b", variables),
    ]
  }

  /// A hidden unit of degree m sees the first m variables, and is seen by
  /// the logits after them.
  func masks(ofComponent component: Int) -> [Staircase] {
    let degrees = (0..<hiddenCount).map {
      1 + $0 * (variableCount - 1) / hiddenCount
    }
    return [
      Staircase(
        inputDegrees: ordering.inputDegrees, outputDegrees: degrees),
      Staircase(
        inputDegrees: degrees, outputDegrees: ordering.outputDegrees),
    ]
  }

  func logits(
    _ inputs: NetworkInputs, in graph: inout Graph
  ) -> Graph.Value {
    func layer(
      _ x: Graph.Value, _ weights: String, _ bias: String, _ mask: Graph.Mask
    ) -> Graph.Value {
      graph.maskedLinear(
        x, weights: parameter(weights, in: &graph),
        bias: parameter(bias, in: &graph), mask: mask)
    }
    let x = inputs.rows
    let units = graph.apply(.tanh, layer(x, "w", "c", inputs.masks[0]))
    let gates = graph.apply(.sigmoid, layer(x, "u", "d", inputs.masks[0]))
    let h = graph.multiply(units, gates)
    return layer(h, "v", "b", inputs.masks[1])
  }
}

/// The loss of some rows, the mean of −log p in nats, and its gradient
/// with respect to every parameter.
func lossAndGradients(
  of network: GatedNetwork, _ rows: BinaryMatrix
) -> (loss: Float, gradients: Parameters<Float>) {
  let objective = network.objective(.none)
  print(objective.graph)
  let executor = Executor(
    objective.graph, outputs: [], loss: objective.loss,
    batchCapacity: rows.rowCount, parameters: network.parameters)
  executor.set(objective.rows, to: rows)
  executor.forward()
  executor.backward()
  return (executor[objective.loss][0, 0], executor.gradients)
}

/// Trains a network, measures it, draws rows from it, keeps it in a file
/// and restores it from there.
func trainAndKeep(
  _ network: GatedNetwork, on data: DataSplits, in path: String
) throws -> GatedNetwork {
  let configuration = TrainingConfiguration(
    epochCount: 200, batchSize: 20, learningRate: 0.01,
    optimizer: .adam(weightDecay: 0.1), seed: 1)
  let trainer = try Trainer(
    network, data: data, configuration: configuration)
  _ = try trainer.run()
  let best = trainer.best

  if let validation = data.validation {
    let summary = LikelihoodSummary(
      logProbabilities: best.logProbabilities(of: validation),
      variableCount: data.variableCount)
    print("nats a row:", summary.negativeLogLikelihood)
    print("standard error:", summary.standardError ?? 0)
  }
}

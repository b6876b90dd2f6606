import Autodiff
import BinaryDensity
import Kernels

/// A network whose hidden units have gates: h = tanh(x·w + c) ∘ σ(x·u + d), and the logits are h·v + b.
struct GatedNetwork: NetworkDensity, AutoregressiveDensity {
  let variableCount: Int
  let hiddenCount: Int
  var parameters = Parameters<Float>()
  var ordering: Ordering { .natural(count: variableCount) }
  var allowsHiddenDropout: Bool { false }

  init(variableCount: Int, hiddenCount: Int, seed: UInt64) throws {
    self.variableCount = variableCount
    self.hiddenCount = hiddenCount
    parameters = try Parameters(initialising: parameterShapes, seed: seed)
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

  /// A hidden unit of degree m sees the first m variables, and is seen by the logits after them.
  func masks(ofComponent component: Int) -> [Staircase] {
    let degrees = (0..<hiddenCount).map { 1 + $0 * (variableCount - 1) / hiddenCount }
    return [
      Staircase(inputDegrees: ordering.inputDegrees, outputDegrees: degrees),
      Staircase(inputDegrees: degrees, outputDegrees: ordering.outputDegrees),
    ]
  }

  func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value {
    let (below, above) = (inputs.masks[0], inputs.masks[1])
    let (w, c) = (parameter("w", in: &graph), parameter("c", in: &graph))
    let (u, d) = (parameter("u", in: &graph), parameter("d", in: &graph))
    let (v, b) = (parameter("v", in: &graph), parameter("b", in: &graph))
    let a = graph.maskedLinear(inputs.rows, weights: w, bias: c, mask: below)
    let gate = graph.apply(.sigmoid, graph.maskedLinear(inputs.rows, weights: u, bias: d, mask: below))
    let h = graph.multiply(graph.apply(.tanh, a), gate)
    return graph.maskedLinear(h, weights: v, bias: b, mask: above)
  }
}

/// The loss of some rows, the mean of −log p in nats, and its gradient with respect to every parameter.
func lossAndGradients(
  of network: GatedNetwork, _ rows: BinaryMatrix
) -> (loss: Float, gradients: Parameters<Float>) {
  let objective = network.objective(.none)
  print(objective.graph)
  let executor = Executor(
    objective.graph, outputs: [], loss: objective.loss, batchCapacity: rows.rowCount,
    parameters: network.parameters)
  executor.set(objective.rows, to: rows)
  executor.forward()
  executor.backward()
  return (executor[objective.loss][0, 0], executor.gradients)
}

/// Trains a network, measures it, draws rows from it, keeps it in a file and restores it from there.
func trainAndKeep(_ network: GatedNetwork, on data: DataSplits, in path: String) throws -> GatedNetwork {
  let configuration = TrainingConfiguration(
    epochCount: 200, batchSize: 20, learningRate: 0.01, optimizer: .adam(weightDecay: 0.1), seed: 1)
  let trainer = try Trainer(network, data: data, configuration: configuration)
  _ = try trainer.run()
  let best = trainer.best

  if let validation = data.validation {
    let summary = LikelihoodSummary(
      logProbabilities: best.logProbabilities(of: validation), variableCount: data.variableCount)
    print("\(summary.negativeLogLikelihood) nats a row, standard error \(summary.standardError ?? 0)")
  }

  var generator = Philox(seed: 2)
  print(best.sample(count: 3, using: &generator))

  try best.parameters.write(to: path)
  var restored = try GatedNetwork(
    variableCount: network.variableCount, hiddenCount: network.hiddenCount, seed: 0)
  restored.parameters = try Parameters(contentsOf: path, shapes: restored.parameterShapes)
  return restored
}

// The README's Swift, block by block, each as it stands there; `ReadmeTests` compares. What a block takes for granted is
// given as arguments.

import Autodiff
import BinaryDensity
import Kernels

func printLikelihoods() throws {
  let model = try Checkpoint(contentsOf: "runs/nade/best.safetensors").model
  let rows = try DataTable.read("Data/mnist/t10k-images-idx3-ubyte.gz").rows(split: .test)
  for logProbability in model.logProbabilities(of: rows) { print(logProbability) }
}

func askByName() throws {
  let people = try Checkpoint(contentsOf: "runs/people/best.safetensors")
  let query = try Query("P(runner | smoker=no, vegan=?)", QueryVocabulary(people))
  if let answer = try people.model.inference().answers(to: [query])?.first {
    print(answer.logProbability)  // log p in nats: exact, or an estimate with its error
  }
}

func classify(_ rows: BinaryMatrix) throws {
  if let digits = try Checkpoint(contentsOf: "runs/digits/best.safetensors").model as? LabelledDensity {
    let scores = try digits.classScores(of: rows)  // log p(row, class)
    print(scores.posteriors(temperature: digits.temperature)[0])  // p(class | row) of the first row
  }
}

func trainAndSample() throws {
  let data = try DataSplits.mnist(directory: "Data/mnist")
  let model = try NADE(NADE.Configuration(variableCount: 784, hiddenCount: 500, activation: .relu), seed: 1)
  let training = TrainingConfiguration.recommended(for: .nade, rowCount: data.train.rowCount)
  let trainer = try Trainer(model, data: data, configuration: training)
  _ = try trainer.run()

  var generator = SystemRandomNumberGenerator()
  let (samples, logProbabilities) = trainer.best.sampleWithLogProbabilities(count: 100, using: &generator)
  let conditionals = trainer.best.conditionals(of: samples)  // p(x_i = 1 | the variables before i)
  _ = (logProbabilities, conditionals)
}

func runInAFolder(_ model: NADE, _ training: TrainingConfiguration, _ data: DataSplits) throws -> RunResult {
  let run = TrainingRun(in: RunDirectory(path: "runs/mine"), data: data)
  let result = try run.train(model, training)  // result.density, and result.summary, which is Codable
  let again = try run.resume(SavedTraining(in: run.directory))  // after a stop or a crash, to the same bits
  _ = again
  return result
}

func inTheBackground(
  _ model: NADE, _ data: DataSplits, _ configuration: TrainingConfiguration
) async throws -> NADE {
  let training = Background { observe in
    let trainer = try Trainer(model, data: data, configuration: configuration)
    _ = try trainer.run(observe)
    return trainer.best
  }
  for await event in training.events {
    if case .epoch(let record) = event { print(record.epoch, record.validationNLL ?? .nan) }
  }
  let best = try await training.result
  return best
}

func combine(
  _ models: [any Density], _ tree: ChowLiuTree, _ data: DataSplits, _ validation: BinaryMatrix
) throws -> (Mixture, any Density) {
  let ensemble = Ensemble(models)  // members of one order
  let mixture = Mixture([ensemble, tree]).fittingWeights(to: validation)
  let found = try DensitySearch(data, budget: .zero).run()  // what `density fit` does
  return (mixture, found.density)
}

func compress(_ rows: BinaryMatrix, by density: any Density) throws -> Bool {
  let coder = try density.coder()
  let bytes = coder.compress(rows)
  let same = try coder.decompress(bytes)  // or an error: never other rows
  return same == rows
}

func score(_ rows: BinaryMatrix, beside heldOut: BinaryMatrix, by density: any Density) throws
  -> [AnomalyScore]
{
  let reference = try AnomalyReference(logProbabilities: density.logProbabilities(of: heldOut))
  let scores = density.logProbabilities(of: rows).map { reference.score(ofLogProbability: $0) }
  return scores
}

func nameStrongestPairs(of density: any Density) throws {
  if let information = try density.inference().mutualInformation() {
    for pair in information.strongestPairs(10) { print(pair.first, pair.second, pair.information) }
  }
}

func diagnose(_ rows: BinaryMatrix, of density: any Density) throws -> ConditionalCalibration {
  let contributions = try density.contributions(of: rows)
  print(contributions.values[0, 3], contributions.sums[0])  // log p of a cell, and of its row
  let calibration = try density.conditionalCalibration(of: rows)
  print(calibration.calibrationError, calibration.calibrationErrorByChance.mean)
  return calibration
}

func compare(_ density: any Density, with other: any Density, _ heldOut: BinaryMatrix) throws {
  if let entropy = try density.entropy() { print(entropy, "nats") }
  if let divergence = try density.divergence(to: other) {
    print(divergence.forward, divergence.reverse, divergence.jensenShannon)
  }
  if let test = try density.twoSampleTest(against: heldOut) {
    for column in test.columns where column.pValue < 0.01 { print(column.columns, column.z) }
  }
}

func walk(_ density: any Density) {
  if let evaluator = density.autoregressive()?.evaluator() {
    let cursor = evaluator.cursor(rowCount: 3)
    var logits: [Float] = [0, 0, 0]
    while cursor.position < cursor.variableCount {
      cursor.nextLogits(into: &logits)  // log (p / (1 − p)) of each row's next variable
      let bits = logits.map { $0 > 0 }  // drawn, given, searched for: whatever is wanted
      cursor.advance(bits)
    }
  }
}

struct Coins: AutoregressiveDensity {
  let variableCount = 8
  var ordering: Ordering { .natural(count: variableCount) }

  /// Each coin shows what the one before it showed, with a probability of σ(1).
  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    Matrix(rowCount: rows.rowCount, columnCount: variableCount) { row, i in
      i == 0 ? 0 : rows[row, i - 1] ? 1 : -1
    }
  }
}

struct Regression: NetworkDensity, AutoregressiveDensity {
  let variableCount: Int
  var parameters: Parameters<Float>
  var ordering: Ordering { .natural(count: variableCount) }

  init(variableCount: Int) throws {
    self.variableCount = variableCount
    parameters = Parameters()
    parameters = try Parameters(initialising: parameterShapes, seed: 1)
  }

  var parameterShapes: [ParameterShape] {
    let variables = ParameterShape.Extent.variables(variableCount)
    return [.zeros("w", variables, variables), .bias("b", variables)]
  }

  func masks(ofComponent component: Int) -> [Staircase] {
    [Staircase(inputDegrees: ordering.inputDegrees, outputDegrees: ordering.outputDegrees)]
  }

  func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value {
    let (w, b) = (parameter("w", in: &graph), parameter("b", in: &graph))
    return graph.maskedLinear(inputs.rows, weights: w, bias: b, mask: inputs.masks[0])
  }
}

func buildGraph() -> Graph {
  let degrees = (0..<64).map { 1 + $0 * 782 / 63 }
  var graph = Graph()
  let x = graph.input("x", columns: 784, isSparse: true)
  let before = graph.mask(Staircase(inputDegrees: Array(1...784), outputDegrees: degrees))
  let after = graph.mask(Staircase(inputDegrees: degrees, outputDegrees: Array(0..<784)))
  let a = graph.maskedLinear(x, weights: graph.parameter("w", rows: 784, columns: 64), mask: before)
  let h = graph.apply(.tanh, a)
  let z = graph.maskedLinear(h, weights: graph.parameter("v", rows: 64, columns: 784), mask: after)
  let loss = graph.scale(graph.mean(graph.bernoulliLogLikelihood(logits: z, targets: x), over: .rows), by: -1)
  print(graph)
  _ = loss
  return graph
}

func askAboutParts(_ density: any Density, using generator: inout SystemRandomNumberGenerator) throws {
  let inference = try density.inference()
  let evidence = PartialRows([[1, nil, 0], [nil, nil, 1]])
  let answers = try inference.logMarginals(of: evidence)  // exact, or estimates with their errors
  let completions = try inference.sample(given: evidence, count: 10, using: &generator)
  let likeliest = try density.mostProbableRows(count: 5)
  _ = (answers, completions, likeliest)
}

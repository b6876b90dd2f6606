import BinaryDensity
import Foundation
import Kernels

/// Stops the program with a line if what was expected is not so.
func expect(_ holds: Bool, _ what: String) {
  guard holds else {
    FileHandle.standardError.write(Data("client: \(what)\n".utf8))
    exit(1)
  }
  checkCount += 1
}

nonisolated(unsafe) var checkCount = 0

/// The sum of the probabilities of all rows, less 1.
func excess(_ density: any Density) -> Double {
  let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
  return density.logProbabilities(of: rows).reduce(0) { $0 + exp($1) } - 1
}

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("client-\(UUID())").path
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: folder) }
expect(FileManager.default.changeCurrentDirectoryPath(folder), "no folder of its own")

// A density of the client's own.
let coins = Coins()
var generator = Philox(seed: 1)
let drawn = coins.sample(count: 2000, using: &generator)
expect(abs(excess(coins)) < 1e-5, "the coins' probabilities do not sum to 1")
expect(drawn.rowCount == 2000 && drawn.columnCount == 8, "the coins were not drawn")
let repeats = (0..<2000).count { drawn[$0, 3] == drawn[$0, 4] }
// σ(1) = 0.731; five standard deviations are 0.05.
expect(abs(Double(repeats) / 2000 - 0.731) < 0.05, "\(repeats) of 2000 coins repeat the one before")

// A network of the client's own, trained on them.
let data = DataSplits(name: "coins", train: drawn, validation: coins.sample(count: 500, using: &generator))
let regression = try Regression(variableCount: 8)
let trainer = try Trainer(
  regression, data: data, configuration: TrainingConfiguration(epochCount: 10, learningRate: 0.02))
expect(try trainer.run() == .finished, "the training was not finished")
guard let validation = data.validation else { exit(1) }
func nll(_ density: any Density) -> Double {
  LikelihoodSummary(logProbabilities: density.logProbabilities(of: validation), variableCount: 8)
    .negativeLogLikelihood
}
expect(
  abs(nll(trainer.best) - nll(coins)) < 0.1, "the network learnt \(nll(trainer.best)), not \(nll(coins))")
expect(abs(excess(trainer.best)) < 1e-5, "the network's probabilities do not sum to 1")

// The package's own beside them: a run in a folder, a checkpoint, an ensemble, a mixture, a walk.
let nade = try NADE(NADE.Configuration(variableCount: 8, hiddenCount: 12), seed: 3)
var training = TrainingConfiguration.recommended(for: .nade, rowCount: data.train.rowCount)
training.epochCount = 3
let result = try runInAFolder(nade, training, data)
let restored = try Checkpoint(contentsOf: "runs/mine/best.safetensors").model
expect(
  restored.logProbabilities(of: validation) == result.density.logProbabilities(of: validation),
  "the checkpoint gives other likelihoods")
let awaited = try await inTheBackground(nade, data, training)
expect(
  awaited.logProbabilities(of: validation) == result.density.logProbabilities(of: validation),
  "in the background another network was trained")
let tree = try ChowLiuTree.fit(to: data.train)
let (mixture, found) = try combine([trainer.best, restored, coins], tree, data, validation)
expect(
  abs(excess(mixture)) < 1e-5 && abs(excess(found)) < 1e-4, "the mixture's probabilities do not sum to 1")
expect(mixture.components?.count == 2 && mixture.kind == .mixture, "the mixture is no mixture")
walk(restored)
guard let evaluator = restored.autoregressive()?.evaluator() else { exit(1) }
let cursor = evaluator.cursor(rowCount: validation.rowCount)
var logProbabilities = [Double](repeating: 0, count: validation.rowCount)
for variable in evaluator.ordering.variables {
  var logits = [Float](repeating: 0, count: validation.rowCount)
  cursor.nextLogits(into: &logits)
  let bits = (0..<validation.rowCount).map { validation[$0, variable] }
  for row in bits.indices {
    logProbabilities[row] -= log1p(exp(Double(bits[row] ? -logits[row] : logits[row])))
  }
  cursor.advance(bits)
}
let largest =
  zip(logProbabilities, evaluator.logProbabilities(of: validation)).map { abs($0 - $1) }.max() ?? 1
expect(largest < 1e-5, "a walk's log p is off by \(largest)")
expect(coins.kind == nil && nade.autoregressive() != nil && tree.tractable != nil, "a capability is not told")

// What a file cannot hold is said in a line, and nothing is written.
do {
  try Checkpoint(model: mixture).write(to: "mixture.safetensors")
  expect(false, "a checkpoint holds a density that it does not know")
} catch let error {
  expect("\(error)".contains("Coins") || "\(error)".contains("Regression"), "\(error)")
}
expect(!FileManager.default.fileExists(atPath: "mixture.safetensors"), "half a file was written")
expect(buildGraph().parameters.count == 2, "the graph is another")
try checkArticles()
try checkTutorials()
try checkExamples()
print("client: \(checkCount) passed")

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Training")
struct TrainerTests {
  @Test(arguments: TrainingCase.all)
  func sameSeedSameBitsForAnyNumberOfThreads(_ training: TrainingCase) throws {
    let data = TrainingCase.data()
    func bits(_ model: some AutoregressiveModel, threads: Int) throws -> TrainingBits {
      try Threads.run(on: threads) {
        let trainer = try Trainer(model, data: data, configuration: training.configuration)
        _ = try trainer.run()
        return TrainingBits(trainer)
      }
    }
    let model = try training.model(data.variableCount)
    let reference = try bits(model, threads: 1)
    for threads in [1, 2, 3, 8] { #expect(try bits(model, threads: threads) == reference) }
  }

  @Test func anotherSeedGivesOtherBits() throws {
    let data = TrainingCase.data()
    func parameters(seed: UInt64) throws -> [Float] {
      var configuration = TrainingCase.all[0].configuration
      configuration.seed = seed
      let trainer = try Trainer(
        FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1), data: data, configuration: configuration)
      _ = try trainer.run()
      return trainer.model.parameters["w"].elements
    }
    #expect(try parameters(seed: 1) != parameters(seed: 2))
  }

  /// The chain's entropy is H(½) + 9·H(0.9) for 10 variables.
  ///
  /// The training rows' own figure may lie below it by
  /// overfitting, the held-out figure above it by that and by sampling noise of about 0.9 / √2000 = 0.02 nats a row
  /// times a few; 0.15 nats leaves room for both and would not let a model pass that had learnt nothing (6.9 nats).
  @Test(arguments: [ModelKind.fvsbn, .nade, .made])
  func reachesTheEntropyOfAChain(_ kind: ModelKind) throws {
    let data = DataSplits(
      name: "chain", train: TrainingCase.chain(rowCount: 4000, variableCount: 10, seed: 1),
      validation: TrainingCase.chain(rowCount: 1000, variableCount: 10, seed: 2),
      test: TrainingCase.chain(rowCount: 2000, variableCount: 10, seed: 3))
    func figure(_ model: some AutoregressiveModel) throws -> Double {
      let trainer = try Trainer(
        model, data: data,
        configuration: TrainingConfiguration(epochCount: 15, batchSize: 50, rate: 0.02, patience: 10))
      _ = try trainer.run()
      let values = trainer.best.logProbability(of: try #require(data.test))
      return LikelihoodSummary(logProbabilities: values, variableCount: 10).negativeLogLikelihood
    }
    let entropy = log(2) - 9 * (0.9 * log(0.9) + 0.1 * log(0.1))
    let reached =
      switch kind {
      case .fvsbn: try figure(FVSBN(FVSBN.Configuration(variableCount: 10, ordering: .natural), seed: 1))
      case .nade: try figure(NADE(NADE.Configuration(variableCount: 10, hiddenCount: 20), seed: 1))
      case .made:
        try figure(
          MADE(MADE.Configuration(variableCount: 10, hiddenCounts: [30], ordering: .natural), seed: 1))
      }
    #expect(abs(reached - entropy) < 0.15, "\(reached) against an entropy of \(entropy)")
  }

  @Test func patienceEndsTrainingAndTheBestIsKept() throws {
    // Eight rows of noise are learnt by heart, and the validation figure soon gets worse.
    var generator = Philox(seed: 1)
    func noise(_ count: Int) -> BinaryMatrix {
      BinaryMatrix(rowCount: count, columnCount: 12) { _, _ in Bool.random(using: &generator) }
    }
    let data = DataSplits(name: "noise", train: noise(8), validation: noise(200))
    let trainer = try Trainer(
      NADE(NADE.Configuration(variableCount: 12, hiddenCount: 30), seed: 1), data: data,
      configuration: TrainingConfiguration(
        epochCount: 400, batchSize: 4, rate: 0.02, schedule: .constant, patience: 3))
    var figures: [Double] = []
    let outcome = try trainer.run { event in
      if case .epoch(let record) = event { figures.append(record.validationNLL ?? .nan) }
      return true
    }
    #expect(outcome == .outOfPatience)
    let best = try #require(figures.min())
    #expect(trainer.progress.bestEpoch == (figures.firstIndex(of: best) ?? -1) + 1)
    #expect(figures.count == trainer.progress.bestEpoch + 3)
    let summary = LikelihoodSummary(
      logProbabilities: trainer.best.logProbability(of: try #require(data.validation)), variableCount: 12)
    #expect(summary.negativeLogLikelihood == best)
  }

  @Test(arguments: [1, 3, 100])
  func tablesSmallerThanABatchAndWithoutValidation(rowCount: Int) throws {
    let rows = TrainingCase.chain(rowCount: rowCount, variableCount: 5, seed: 1)
    let trainer = try Trainer(
      MADE(MADE.Configuration(variableCount: 5, hiddenCounts: [8]), seed: 1),
      data: DataSplits(name: "small", train: rows),
      configuration: TrainingConfiguration(epochCount: 3, batchSize: 64, rate: 0.05))
    #expect(try trainer.run() == .finished)
    #expect(trainer.best.parameters == trainer.model.parameters)
    #expect(trainer.best.logProbability(of: rows).allSatisfy { $0.isFinite && $0 <= 0 })
  }

  @Test func divergenceNamesTheStepAndATensorAndLeavesTheCheckpoint() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path)
      let data = TrainingCase.data()
      let model = try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5, activation: .relu), seed: 1)
      var configuration = TrainingConfiguration(
        epochCount: 2, batchSize: 10, rate: 1e-3, schedule: .constant, optimizer: .sgd(momentum: 0))
      _ = try Trainer(model, data: data, configuration: configuration).run(savingTo: directory)
      let before = [directory.last, directory.best].map { FileManager.default.contents(atPath: $0) }
      configuration.rate = 1e30
      let error = #expect(throws: DensityError.self) {
        try Trainer(model, data: data, configuration: configuration).run(savingTo: directory)
      }
      guard case .diverged(let step, let tensor) = error else {
        Issue.record("\(String(describing: error)) is no divergence")
        return
      }
      #expect(step >= 2 && !tensor.isEmpty)
      #expect(before == [directory.last, directory.best].map { FileManager.default.contents(atPath: $0) })
    }
  }

  @Test func configurationsThatMakeNoSenseAreRefused() throws {
    let data = TrainingCase.data()
    func refuses(_ change: (inout TrainingConfiguration) -> Void) throws -> Bool {
      var configuration = TrainingConfiguration()
      change(&configuration)
      do {
        _ = try Trainer(
          FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1), data: data, configuration: configuration)
        return false
      } catch DensityError.invalidConfiguration(let reason) {
        return !reason.isEmpty
      }
    }
    #expect(try refuses { $0.epochCount = 0 })
    #expect(try refuses { $0.batchSize = 0 })
    #expect(try refuses { $0.rate = 0 })
    #expect(try refuses { $0.rate = .nan })
    #expect(try refuses { $0.patience = 0 })
    #expect(try refuses { $0.clippingNorm = -1 })
    #expect(try !refuses { _ in })
  }

  @Test func modelsOfOtherColumnsAreRefused() throws {
    #expect(throws: DensityError.self) {
      try Trainer(
        FVSBN(FVSBN.Configuration(variableCount: 12), seed: 1), data: TrainingCase.data(),
        configuration: TrainingConfiguration())
    }
  }

  @Test func anEarlierRunIsMovedAsideWhole() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path + "/run")
      #expect(try directory.prepare() == nil)
      for number in 1...2 {
        try Data("\(number)".utf8).write(to: URL(fileURLWithPath: directory.best))
        let aside = try #require(try directory.prepare())
        #expect(aside == path + "/run~\(number)")
        #expect(FileManager.default.contents(atPath: aside + "/best.safetensors") == Data("\(number)".utf8))
        #expect(try names(in: directory.path).isEmpty)
      }
    }
  }
}

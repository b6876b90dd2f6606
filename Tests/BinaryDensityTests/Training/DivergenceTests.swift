import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Training that cannot go well")
struct DivergenceTests {
  private static let absurd = TrainingConfiguration(
    epochCount: 2, batchSize: 10, learningRate: 1e30, schedule: .constant, optimizer: .sgd(momentum: 0))

  /// Returns the step and the tensor that a training diverged with.
  private func divergence(_ body: () throws -> Void) throws -> (step: Int, tensor: String) {
    do {
      try body()
    } catch DensityError.diverged(let step, let tensor) {
      return (step, tensor)
    }
    Issue.record("training has not diverged")
    return (0, "")
  }

  private func files(_ directory: RunDirectory) -> [Data?] {
    [directory.last, directory.best].map { FileManager.default.contents(atPath: $0) }
  }

  @Test(arguments: TrainingCase.all)
  func namesTheStepAndATensorAndLeavesTheCheckpoint(_ training: TrainingCase) throws {
    func run<Model: TrainableDensity>(_ model: Model) throws {
      try withTemporaryDirectory { path in
        let directory = RunDirectory(path: path)
        let data = TrainingCase.data()
        _ = try Trainer(model, data: data, configuration: training.configuration).run(savingTo: directory)
        let before = files(directory)
        var configuration = Self.absurd
        configuration.learningRate = 1e300
        let found = try divergence {
          _ = try Trainer(model, data: data, configuration: configuration).run(savingTo: directory)
        }
        // The first step still starts from sound weights.
        #expect(found.step == 2 && found.tensor.hasPrefix("parameter "), "\(found)")
        #expect(files(directory) == before)
        #expect(try JSONLines.read(directory.history).isEmpty)
      }
    }
    try run(training.model(11))
  }

  /// The weights are finite, but not what is computed from them.
  @Test func namesTheValueThatOverflows() throws {
    let model = try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5, activation: .relu), seed: 1)
    let found = try divergence {
      _ = try Trainer(model, data: TrainingCase.data(), configuration: Self.absurd).run()
    }
    #expect(found == (2, "logits = nade(…)"))
  }

  /// One step an epoch, so that it is the validation that meets weights which are finite and of no use.
  @Test func validationFiguresAreFiniteToo() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path)
      var configuration = Self.absurd
      configuration.batchSize = 60
      let model = try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5, activation: .relu), seed: 1)
      let found = try divergence {
        _ = try Trainer(model, data: TrainingCase.data(), configuration: configuration)
          .run(savingTo: directory)
      }
      #expect(found == (1, "log p of the validation rows"))
      #expect(try names(in: path) == ["history.jsonl"])
      #expect(try JSONLines.read(directory.history).isEmpty)
    }
  }

  /// A step has made the weights infinite, and before the next can notice the observer asks to stop.
  @Test func aStopDoesNotSaveWhatIsNotFinite() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path)
      var configuration = Self.absurd
      configuration.learningRate = 1e300
      let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
      let trainer = try Trainer(model, data: TrainingCase.data(), configuration: configuration)
      let found = try divergence { _ = try trainer.run(savingTo: directory) { _ in false } }
      #expect(found.step == 1 && found.tensor.hasPrefix("parameter "))
      #expect(try names(in: path) == ["history.jsonl"])
    }
  }

  @Test func anOptimizerThatIsNotFiniteIsDivergence() throws {
    let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
    var configuration = Self.absurd
    configuration.optimizer = .adagrad()
    configuration.learningRate = 0.01
    let data = TrainingCase.data()
    var state = try Trainer(model, data: data, configuration: configuration).state
    var squares = state.optimizer.state[0]
    squares["b"] = Matrix(rowCount: 1, columnCount: 11, elements: Array(repeating: .infinity, count: 11))
    state.optimizer = Optimizer(.adagrad(), state: [squares], stepCount: 0)
    let trainer = try Trainer(current: model, best: model, data: data, state: state)
    // Steps of zero size would otherwise go unnoticed for good.
    let found = try divergence { _ = try trainer.run() }
    #expect(found == (6, "the optimizer's squares of b"))
  }

  @Test func configurationsThatMakeNoSenseAreRefused() throws {
    let data = TrainingCase.data()
    let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
    func refuses(_ change: (inout TrainingConfiguration) -> Void) throws -> Bool {
      var configuration = TrainingConfiguration.recommended(for: .fvsbn, rowCount: 60)
      change(&configuration)
      do {
        _ = try Trainer(model, data: data, configuration: configuration)
        return false
      } catch {
        guard case .invalidConfiguration = error else { throw error }
        return !error.description.isEmpty && !error.description.contains("\n")
      }
    }
    for count in [Int.min, -1, 0, .max] {
      #expect(try refuses { $0.epochCount = count })
      #expect(try refuses { $0.batchSize = count })
    }
    for number in [-1, 0, .nan, .infinity] {
      #expect(try refuses { $0.learningRate = number })
      #expect(try refuses { $0.clippingNorm = number })
      #expect(try refuses { $0.schedule = .inverseDecay(halving: number) })
      #expect(try refuses { $0.optimizer = .adagrad(epsilon: number) })
      #expect(try refuses { $0.optimizer = .adam(epsilon: number) })
    }
    for number in [-0.1, 1, 2, .nan] {
      #expect(try refuses { $0.optimizer = .sgd(momentum: number) })
      #expect(try refuses { $0.optimizer = .adam(beta1: number) })
      #expect(try refuses { $0.optimizer = .adam(beta2: number) })
      #expect(try refuses { $0.schedule = .reduceOnPlateau(factor: number) })
    }
    for number in [-0.1, 1.1, .nan] {
      #expect(try refuses { $0.schedule = .cosine(warmUp: number) })
      #expect(try refuses { $0.schedule = .cosine(floor: number) })
    }
    for number in [-0.1, .nan, .infinity] {
      #expect(try refuses { $0.optimizer = .adam(weightDecay: number) })
    }
    #expect(try refuses { $0.patience = 0 })
    #expect(try refuses { $0.validationInterval = 0 })
    #expect(try refuses { $0.schedule = .reduceOnPlateau(patience: 0) })
    #expect(try !refuses { _ in })
    #expect(try !refuses { $0.schedule = .cosine(warmUp: 1, floor: 1) })
    #expect(try !refuses { $0.batchSize = 1_000_000_000 })
  }

  /// A change of one number of a state that a training has reached.
  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let apply: @Sendable (inout TrainingState.Progress) -> Void

    static let all = [
      Change(testDescription: "epoch below 0") { $0.epoch = -1 },
      Change(testDescription: "epoch beyond the last") { $0.epoch = 5 },
      Change(testDescription: "largest epoch") { $0.epoch = .max },
      Change(testDescription: "batch below 0") { $0.batch = -1 },
      Change(testDescription: "batch beyond the last") { $0.batch = 10 },
      Change(testDescription: "largest batch") { $0.batch = .max },
      Change(testDescription: "step below 0") { $0.step = .min },
      Change(testDescription: "another step") { $0.step += 1 },
      Change(testDescription: "largest step") { $0.step = .max },
      Change(testDescription: "row count below 0") { $0.rowCount = -1 },
      Change(testDescription: "row count beyond the table") { $0.rowCount = 61 },
      Change(testDescription: "best epoch to come") { $0.bestEpoch = 2 },
      Change(testDescription: "batch size 0") { $0.configuration.batchSize = 0 },
      Change(testDescription: "another batch size") { $0.configuration.batchSize = 5 },
      Change(testDescription: "no epochs") { $0.configuration.epochCount = 0 },
      Change(testDescription: "another rate") { $0.configuration.learningRate = 1 },
      Change(testDescription: "another schedule") { $0.configuration.schedule = .cosine() },
    ]
  }

  @Test(arguments: Change.all)
  func statesThatNoTrainingReachesAreRefused(_ change: Change) throws {
    let data = TrainingCase.data()
    let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
    let trainer = try Trainer(model, data: data, configuration: TrainingCase.all[0].configuration)
    _ = try trainer.run { if case .step(let progress) = $0 { progress.step < 12 } else { true } }
    var state = trainer.state
    #expect(throws: Never.self) { try Trainer(current: model, best: model, data: data, state: state) }
    change.apply(&state.progress)
    #expect(throws: DensityError.self) { try Trainer(current: model, best: model, data: data, state: state) }
    try withTemporaryDirectory { path in
      let file = path + "/last.safetensors"
      try Checkpoint(model: model, training: state).write(to: file)
      #expect(throws: DensityError.self) { try Checkpoint(contentsOf: file) }
    }
  }

  @Test func dataThatDoNotFitAreRefused() throws {
    let model = try FVSBN(FVSBN.Configuration(variableCount: 12), seed: 1)
    #expect(throws: DensityError.mismatch(path: "chain", expected: "12 columns", found: "11")) {
      try Trainer(model, data: TrainingCase.data(), configuration: .recommended(for: .fvsbn, rowCount: 60))
    }
    let empty = DataSplits(name: "empty", train: BinaryMatrix(rowCount: 0, columnCount: 12))
    #expect(throws: DensityError.invalidConfiguration("empty: there are no training rows")) {
      try Trainer(model, data: empty, configuration: .recommended(for: .fvsbn, rowCount: 60))
    }
  }

  @Test func modelsBeyondTheMemoryAreRefused() throws {
    for count in [1_000_000_000, Int.max] {
      #expect(throws: DensityError.self) {
        try MADE(MADE.Configuration(variableCount: 6, hiddenCounts: [count, count]), seed: 1)
      }
      #expect(throws: DensityError.self) {
        try NADE(NADE.Configuration(variableCount: count, hiddenCount: count), seed: 1)
      }
      #expect(throws: DensityError.self) { try FVSBN(FVSBN.Configuration(variableCount: count), seed: 1) }
    }
  }
}

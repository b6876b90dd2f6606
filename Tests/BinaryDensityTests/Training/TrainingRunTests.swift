import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Runs in a folder")
struct TrainingRunTests {
  /// A chain of 60 rows, with validation and test rows of its own.
  static let data: DataSplits = {
    func rows(_ count: Int, _ seed: UInt64) -> BinaryMatrix {
      TrainingCase.chain(rowCount: count, variableCount: 11, seed: seed)
    }
    return DataSplits(name: "chain", train: rows(60, 1), validation: rows(30, 2), test: rows(20, 3))
  }()
  static let configuration = TrainingConfiguration(epochCount: 3, batchSize: 8, learningRate: 0.01, seed: 4)

  static func model(_ orderSeed: UInt64, _ weightSeed: UInt64) throws(DensityError) -> any TrainableDensity {
    try MADE(
      MADE.Configuration(variableCount: 11, hiddenCounts: [9], ordering: .random, seed: orderSeed),
      seed: weightSeed)
  }

  /// Whether a run is to go on that stops in the `number`-th network after a step.
  static func stops(in number: Int = 1, after step: Int) -> (RunEvent) -> Bool {
    { event in
      guard case .training(let member, .step(let progress)) = event else { return true }
      return member.number != number || progress.step < step
    }
  }

  static func bytes(_ directory: RunDirectory) throws -> [[UInt8]] {
    try [directory.best, directory.samples].map { try AtomicFile.read($0) }
  }

  static func encoded(_ summary: RunSummary) throws -> RunSummary {
    try JSONDecoder().decode(RunSummary.self, from: JSONEncoder().encode(summary))
  }

  // MARK: One network

  @Test func aRunKeepsAndTellsWhatCameOut() throws {
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: Self.data)
      let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
      var told: [String] = []
      let result = try run.train(model, Self.configuration) { event in
        switch event {
        case .prepared(let earlier): told.append("prepared \(earlier ?? "nothing")")
        case .began(let member, let density, let before):
          #expect(member.number == 1 && member.count == 1 && member.configuration == Self.configuration)
          #expect(density.kind == .fvsbn && before == nil)
          told.append("began")
        case .training(_, .epoch(let record)): told.append("epoch \(record.epoch)")
        case .training: break
        case .fitting: told.append("fitting")
        case .busy: break
        case .measuring(let split, let fraction):
          if fraction == 1 { told.append("measured \(split)") }
        }
        return true
      }
      #expect(
        told == [
          "prepared nothing", "began", "epoch 1", "epoch 2", "epoch 3", "measured validation",
          "measured test",
        ])

      let trainer = try Trainer(model, data: Self.data, configuration: Self.configuration)
      _ = try trainer.run()
      let summary = result.summary
      let network = try #require(summary.networks.first)
      #expect(summary.networks.count == 1 && !summary.isInterrupted)
      #expect(network.outcome == .finished && network.epochCount == 3 && network.stepCount == 24)
      #expect(network.bestEpoch == trainer.progress.bestEpoch)
      #expect(network.validationNLL == trainer.progress.bestValidationNLL)
      #expect(network.seconds > 0 && network.seconds == summary.seconds)
      #expect(abs(network.rowsPerSecond * network.seconds / 180 - 1) < 1e-9)
      #expect(summary.measurements.map(\.name) == ["validation", "test"])
      for (measurement, rows) in zip(summary.measurements, [Self.data.validation, Self.data.test]) {
        let logProbabilities = trainer.best.logProbabilities(of: try #require(rows))
        #expect(
          measurement.summary == LikelihoodSummary(logProbabilities: logProbabilities, variableCount: 11))
        #expect(measurement.seconds > 0)
      }
      #expect(summary.directory == run.directory.path)
      #expect(
        summary.files.map { ($0 as NSString).lastPathComponent }.sorted() == (try names(in: path + "/run")))
      #expect(summary.files.count == 4)
      #expect(try Self.encoded(summary) == summary)

      // The density is the checkpoint's, and the picture its samples.
      let density = try #require(result.density as? FVSBN)
      #expect(density.parameters == trainer.best.parameters)
      var generator = Philox(seed: 4, stream: .sampling)
      try density.sample(count: 100, using: &generator).picture().writePNG(to: path + "/expected.png")
      #expect(try AtomicFile.read(run.directory.samples) == AtomicFile.read(path + "/expected.png"))

      // An earlier run is kept.
      var kept: String?
      _ = try run.train(model, Self.configuration) { event in
        if case .prepared(let earlier) = event { kept = earlier }
        return true
      }
      #expect(kept == run.directory.path + "~1")
    }
  }

  @Test(arguments: [1, 7, 8, 13, 23])
  func aResumedRunEndsAsAnUninterruptedOne(stopAfter step: Int) throws {
    try withTemporaryDirectory { path in
      func run(_ name: String) -> TrainingRun {
        TrainingRun(in: RunDirectory(path: path + "/" + name), data: Self.data)
      }
      let model = try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5), seed: 1)
      let whole = try run("whole").train(model, Self.configuration)
      let stopped = try run("parts").train(
        model, Self.configuration, observing: Self.stops(after: step))
      #expect(stopped.summary.isInterrupted && stopped.summary.measurements.isEmpty)
      #expect(stopped.summary.networks.map(\.stepCount) == [step])
      #expect(stopped.summary.networks.map(\.outcome) == [.stopped])
      #expect(try !names(in: path + "/parts").contains("samples.png"))
      let saved = try SavedTraining(in: run("parts").directory)
      #expect(saved.state.progress.step == step && saved.state.progress.configuration == Self.configuration)
      var resumedAt: Int?
      let resumed = try run("parts").resume(saved) { event in
        if case .began(_, _, let before) = event { resumedAt = before?.step }
        return true
      }
      #expect(resumedAt == step)
      #expect(try Self.bytes(run("parts").directory) == Self.bytes(run("whole").directory))
      #expect(resumed.summary.measurements.map(\.summary) == whole.summary.measurements.map(\.summary))
      #expect(resumed.summary.networks.map(\.stepCount) == [24])

      // What is finished is only measured again.
      let last = try AtomicFile.read(run("parts").directory.last)
      let again = try run("parts").resume(try SavedTraining(in: run("parts").directory))
      #expect(try AtomicFile.read(run("parts").directory.last) == last)
      #expect(again.summary.measurements.map(\.summary) == whole.summary.measurements.map(\.summary))
      #expect(again.summary.networks.map(\.outcome) == [.finished])
    }
  }

  /// A finished training goes on for more epochs as one that was meant to take them, but for the rates so far.
  @Test(arguments: [Schedule.constant, .inverseDecay(halving: 9), .reduceOnPlateau(), .cosine()])
  func aFinishedRunIsExtended(_ schedule: Schedule) throws {
    try withTemporaryDirectory { path in
      func run(_ name: String) -> TrainingRun {
        TrainingRun(in: RunDirectory(path: path + "/" + name), data: Self.data)
      }
      var configuration = Self.configuration
      configuration.schedule = schedule
      let model = try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5), seed: 1)
      _ = try run("parts").train(model, configuration)
      var saved = try SavedTraining(in: run("parts").directory)
      let finished = saved
      #expect(throws: DensityError.self) { try saved.extend(toEpochs: 2) }
      try saved.extend(toEpochs: 7)
      let extended = try run("parts").resume(saved)
      #expect(extended.summary.networks.map(\.stepCount) == [7 * 8])
      configuration.epochCount = 7
      let whole = try run("whole").train(model, configuration)
      func rates(_ name: String) throws -> [Double?] {
        try String(decoding: AtomicFile.read(run(name).directory.history), as: UTF8.self)
          .split(separator: "\n").map {
            try JSONValue(parsing: Array($0.utf8)[...], path: "")["rate"]?.number
          }
      }
      // The rates from then on are those of the longer training.
      #expect(try rates("parts").suffix(4) == rates("whole").suffix(4))
      if case .cosine = schedule {
      } else {
        #expect(try Self.bytes(run("parts").directory) == Self.bytes(run("whole").directory))
        #expect(extended.summary.measurements.map(\.summary) == whole.summary.measurements.map(\.summary))
      }
      // What was read before is not gone on with.
      #expect(throws: DensityError.self) { try run("parts").resume(finished) }
    }
  }

  // MARK: Several networks

  @Test(arguments: [1, 2])
  func membersArePutTogether(orderCount: Int) throws {
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: Self.data)
      let result = try run.trainMembers(4, orderCount: orderCount, Self.configuration, Self.model)
      let members = try (0..<4).map { number in
        let model = try #require(
          try Self.model(4 + UInt64(number % orderCount), 4 + UInt64(number)) as? MADE)
        var training = Self.configuration
        training.seed += UInt64(number)
        let trainer = try Trainer(model, data: Self.data, configuration: training)
        _ = try trainer.run()
        return trainer.best
      }
      let rows = try #require(Self.data.test)
      let expected: any Density =
        orderCount == 1
        ? Ensemble(members)
        : Mixture([Ensemble([members[0], members[2]]), Ensemble([members[1], members[3]])])
      #expect(result.density.logProbabilities(of: rows) == expected.logProbabilities(of: rows))
      let kept = try Checkpoint(contentsOf: run.directory.best).model
      #expect(kept.logProbabilities(of: rows) == expected.logProbabilities(of: rows))
      #expect(result.summary.networks.count == 4)
      #expect(result.summary.networks.allSatisfy { $0.outcome == .finished && $0.stepCount == 24 })
      // Best and samples of the whole, three files of each member.
      #expect(result.summary.files.count == 2 + 4 * 3)
      #expect(try Self.encoded(result.summary) == result.summary)
    }
  }

  @Test func interruptedMembersAreResumedToTheSameBits() throws {
    try withTemporaryDirectory { path in
      func run(_ name: String) -> TrainingRun {
        TrainingRun(in: RunDirectory(path: path + "/" + name), data: Self.data)
      }
      _ = try run("whole").trainMembers(3, orderCount: 2, Self.configuration, Self.model)
      let parts = run("parts")
      let stopped = try parts.trainMembers(
        3, orderCount: 2, Self.configuration, observing: Self.stops(in: 2, after: 10), Self.model)
      #expect(
        stopped.summary.isInterrupted && stopped.summary.networks.map(\.outcome) == [.finished, .stopped])
      #expect(try names(in: path + "/parts") == ["members"])
      var began: [Int?] = []
      let resumed = try parts.trainMembers(
        3, orderCount: 2, Self.configuration, isResumed: true,
        observing: { event in
          if case .began(_, _, let before) = event { began.append(before?.step) }
          if case .training(let member, _) = event { #expect(member.number > 1) }
          return true
        }, Self.model)
      #expect(began == [24, 10, nil] && !resumed.summary.isInterrupted)
      #expect(try Self.bytes(parts.directory) == Self.bytes(run("whole").directory))

      // Another training is not gone on with.
      var other = Self.configuration
      other.learningRate = 0.5
      let folder = parts.directory.member(1).last
      #expect(
        throws: DensityError.mismatch(
          path: folder, expected: "the training that is asked for", found: "another training")
      ) { try parts.trainMembers(3, orderCount: 2, other, isResumed: true, Self.model) }
      #expect(throws: DensityError.self) {
        try parts.trainMembers(3, orderCount: 2, Self.configuration, isResumed: true) {
          (_, seed) throws(DensityError) in
          try FVSBN(FVSBN.Configuration(variableCount: 11), seed: seed)
        }
      }
    }
  }

  // MARK: Baselines

  @Test(arguments: [ModelKind.bernoulli, .bernoulliMixture, .chowLiu])
  func baselinesAreFitted(_ kind: ModelKind) throws {
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: Self.data)
      var iterations = 0
      let result = try run.fit(kind, componentCount: 3, seed: 2) { event in
        if case .fitting(let iteration, let limit) = event {
          #expect(iteration.number == iterations && limit >= iteration.number)
          iterations += 1
        }
        return true
      }
      let expected: any Density =
        switch kind {
        case .bernoulli: try IndependentBernoulli.fit(to: Self.data.train)
        case .chowLiu: try ChowLiuTree.fit(to: Self.data.train)
        default:
          try BernoulliMixture.fit(
            to: Self.data.train, validation: Self.data.validation, componentCount: 3, seed: 2)
        }
      let rows = try #require(Self.data.test)
      #expect(result.density.logProbabilities(of: rows) == expected.logProbabilities(of: rows))
      #expect(try Checkpoint(contentsOf: run.directory.best).model.kind == kind)
      #expect((iterations > 0) == (kind == .bernoulliMixture))
      #expect(result.summary.networks.isEmpty && result.summary.measurements.count == 2)
      #expect(result.summary.files == [run.directory.best, run.directory.samples])
    }
  }

  @Test func aStoppedMixtureIsKeptAsItIs() throws {
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: Self.data)
      let result = try run.fit(.bernoulliMixture, componentCount: 3) { event in
        if case .fitting(let iteration, _) = event { iteration.number < 1 } else { true }
      }
      #expect(result.summary.isInterrupted && result.summary.files == [run.directory.best])
    }
  }

  // MARK: What goes wrong

  @Test func foldersThatHoldNoTrainingAreRefused() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path + "/run")
      #expect(throws: DensityError.missingFile(path: directory.last)) { try SavedTraining(in: directory) }
      let run = TrainingRun(in: directory, data: Self.data)
      let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
      _ = try run.train(model, Self.configuration)
      let saved = try SavedTraining(in: directory)

      // Other rows, then the best of another family.
      let other = TrainingRun(in: directory, data: TrainingCase.data(seed: 77))
      #expect(throws: DensityError.self) { try other.resume(saved) }
      let best = try AtomicFile.read(directory.best)
      try Checkpoint(model: NADE(NADE.Configuration(variableCount: 11, hiddenCount: 2), seed: 1))
        .write(to: directory.best)
      let foreign = try SavedTraining(in: directory)
      let refusal = #expect(throws: DensityError.self) { try run.resume(foreign) }
      #expect(
        "\(try #require(refusal))".hasPrefix("\(directory.best): expected the model of \(directory.last)"))
      try AtomicFile.write(best, to: directory.best)

      // A model without the state of its training.
      try AtomicFile.write(best, to: directory.last)
      #expect(
        throws: DensityError.mismatch(
          path: directory.last, expected: "a checkpoint to resume from", found: "a finished model")
      ) { try SavedTraining(in: directory) }
      try AtomicFile.write(Array(best.dropLast(3)), to: directory.last)
      #expect(throws: DensityError.self) { try SavedTraining(in: directory) }
    }
  }

  @Test func whatCannotBeTrainedMovesNothing() throws {
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: Self.data)
      let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
      _ = try run.train(model, Self.configuration)
      var wrong = Self.configuration
      wrong.epochCount = 0
      #expect(throws: DensityError.self) { try run.train(model, wrong) }
      let wide = try FVSBN(FVSBN.Configuration(variableCount: 12), seed: 1)
      #expect(throws: DensityError.self) { try run.train(wide, Self.configuration) }
      #expect(try names(in: path) == ["run"])

      let blocked = TrainingRun(
        in: RunDirectory(path: run.directory.best + "/run"), data: Self.data)
      #expect(throws: DensityError.self) { try blocked.train(model, Self.configuration) }
      #expect(throws: DensityError.self) { try blocked.fit(.chowLiu) }
      #expect(try names(in: path) == ["run"])
    }
  }

  /// Whatever the observer is told of, what it throws comes out.
  @Test(arguments: ["prepared", "began", "step", "epoch", "fitting", "measuring"])
  func whatTheObserverThrowsComesOut(_ place: String) throws {
    func name(_ event: RunEvent) -> String {
      switch event {
      case .prepared: "prepared"
      case .began: "began"
      case .training(_, .epoch): "epoch"
      case .training: "step"
      case .fitting: "fitting"
      case .busy: "busy"
      case .measuring: "measuring"
      }
    }
    let failure = DensityError.invalidConfiguration("enough")
    func observe(_ event: RunEvent) throws(DensityError) -> Bool {
      if name(event) == place { throw failure }
      return true
    }
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: Self.data)
      #expect(throws: failure) {
        if place == "fitting" {
          _ = try run.fit(.bernoulliMixture, componentCount: 2, observing: observe)
        } else {
          _ = try run.trainMembers(1, Self.configuration, observing: observe, Self.model)
        }
      }
    }
  }
}

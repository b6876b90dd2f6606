import Autodiff
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
    func bits(_ model: some TrainableDensity, threads: Int) throws -> TrainingBits {
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

  @Test(arguments: TrainingCase.all)
  func anotherSeedGivesOtherBits(_ training: TrainingCase) throws {
    let data = TrainingCase.data()
    func parameters(_ model: some TrainableDensity, seed: UInt64) throws -> [[Float]] {
      var configuration = training.configuration
      configuration.seed = seed
      let trainer = try Trainer(model, data: data, configuration: configuration)
      _ = try trainer.run()
      return trainer.model.parameters.matrices.map(\.elements)
    }
    let model = try training.model(data.variableCount)
    #expect(try parameters(model, seed: 1) == parameters(model, seed: 1))
    #expect(try parameters(model, seed: 1) != parameters(model, seed: 2))
  }

  /// 36 rows make five steps of eight; bits are drawn anew in each pass, not in each epoch.
  @Test(arguments: [1, 3, 5, 15])
  func whatIsLearntDoesNotDependOnHowStepsAreDivided(stepsPerEpoch: Int) throws {
    let data = try TrainingCase.dynamicData()
    func parameters(epochCount: Int, stepsPerEpoch: Int?) throws -> Parameters<Float> {
      let trainer = try Trainer(
        NADE(NADE.Configuration(variableCount: 11, hiddenCount: 9), seed: 1), data: data,
        configuration: TrainingConfiguration(
          epochCount: epochCount, stepsPerEpoch: stepsPerEpoch, batchSize: 8, learningRate: 0.01, seed: 5))
      var (steps, epochs) = (0, 0)
      _ = try trainer.run { event in
        if case .step = event { steps += 1 }
        if case .epoch = event { epochs += 1 }
        return true
      }
      #expect(steps == 15 && epochs == epochCount && trainer.progress.fraction == 1)
      return trainer.model.parameters
    }
    #expect(
      try parameters(epochCount: 15 / stepsPerEpoch, stepsPerEpoch: stepsPerEpoch)
        == parameters(epochCount: 3, stepsPerEpoch: nil))
  }

  private func figure(
    _ model: some TrainableDensity, _ data: DataSplits, epochCount: Int, learningRate: Double
  ) throws -> Double {
    let trainer = try Trainer(
      model, data: data,
      configuration: TrainingConfiguration(epochCount: epochCount, batchSize: 50, learningRate: learningRate))
    _ = try trainer.run()
    return LikelihoodSummary(
      logProbabilities: trainer.best.logProbabilities(of: try #require(data.test)),
      variableCount: data.variableCount
    ).negativeLogLikelihood
  }

  /// A model's excess over the source's own figure on the same held-out rows estimates their divergence.
  ///
  /// Fitted to n rows a model of k parameters is expected to be off by k / 2n at most; NADE and MADE have
  /// some 440 that are not masked, and 4000 rows: 0.055 nats. The estimate's standard error is about √(2 ·
  /// divergence / rows) = 0.007 nats, of which four on either side are allowed. A model that had learnt
  /// nothing would be 3.2 nats off.
  @Test(arguments: [ModelKind.fvsbn, .nade, .made])
  func reachesTheEntropyOfAChain(_ kind: ModelKind) throws {
    let data = DataSplits(
      name: "chain", train: TrainingCase.chain(rowCount: 4000, variableCount: 10, seed: 1),
      validation: TrainingCase.chain(rowCount: 1000, variableCount: 10, seed: 2),
      test: TrainingCase.chain(rowCount: 2000, variableCount: 10, seed: 3))
    let reached =
      switch kind {
      case .fvsbn:
        try figure(
          FVSBN(FVSBN.Configuration(variableCount: 10, ordering: .natural), seed: 1), data, epochCount: 15,
          learningRate: 0.02)
      case .nade:
        try figure(
          NADE(NADE.Configuration(variableCount: 10, hiddenCount: 20), seed: 1), data, epochCount: 15,
          learningRate: 0.02)
      default:
        try figure(
          MADE(MADE.Configuration(variableCount: 10, hiddenCounts: [40], ordering: .natural), seed: 1), data,
          epochCount: 15, learningRate: 0.02)
      }
    let excess = reached - TrainingCase.chainFigure(try #require(data.test))
    #expect(excess > -0.03 && excess < 0.055 + 0.03, "\(excess)")
  }

  /// The entropy of D − 1 coins and their parity is (D − 1) log 2, and models with hidden units come close.
  ///
  /// Where each conditional is a logistic regression the parity's coin keeps all of log 2, for the best
  /// weights are zero. Each conditional costs its training about k / 2n, below 0.01 nats; 0.05 leaves room
  /// for the last steps.
  @Test(arguments: [ModelKind.fvsbn, .nade, .made])
  func learnsAParityIfItHasHiddenUnits(_ kind: ModelKind) throws {
    let data = DataSplits(
      name: "parity", train: TrainingCase.parity(rowCount: 2000, variableCount: 4, seed: 1),
      validation: TrainingCase.parity(rowCount: 500, variableCount: 4, seed: 2),
      test: TrainingCase.parity(rowCount: 1000, variableCount: 4, seed: 3))
    switch kind {
    case .fvsbn:
      let model = try FVSBN(FVSBN.Configuration(variableCount: 4, ordering: .natural), seed: 1)
      #expect(try figure(model, data, epochCount: 20, learningRate: 0.02) > 4 * log(2) - 0.01)
    case .nade:
      let model = try NADE(NADE.Configuration(variableCount: 4, hiddenCount: 32), seed: 1)
      #expect(abs(try figure(model, data, epochCount: 40, learningRate: 0.02) - 3 * log(2)) < 0.05)
    default:
      let configuration = MADE.Configuration(variableCount: 4, hiddenCounts: [32, 32], ordering: .natural)
      let model = try MADE(configuration, seed: 1)
      #expect(abs(try figure(model, data, epochCount: 40, learningRate: 0.02) - 3 * log(2)) < 0.05)
    }
  }

  @Test func rowsThatCannotBeReadEndTraining() throws {
    let data = TrainingCase.data()
    let error = DensityError.missingFile(path: "rows")
    let source = OtherRows(table: data.train, error: error)
    let trainer = try Trainer(
      FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1), data: data.reading(trainingRows: source),
      configuration: TrainingConfiguration(epochCount: 1, learningRate: 0.01))
    #expect(throws: error) { try trainer.run() }
  }

  @Test func patienceEndsTrainingAndTheBestIsKept() throws {
    // Eight rows of noise are learnt by heart, and the validation figure soon gets worse.
    let data = DataSplits(
      name: "noise", train: TrainingCase.noise(rowCount: 8, variableCount: 12, seed: 1),
      validation: TrainingCase.noise(rowCount: 200, variableCount: 12, seed: 2))
    let trainer = try Trainer(
      NADE(NADE.Configuration(variableCount: 12, hiddenCount: 30), seed: 1), data: data,
      configuration: TrainingConfiguration(
        epochCount: 400, batchSize: 4, learningRate: 0.02, schedule: .constant, patience: 3))
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
      logProbabilities: trainer.best.logProbabilities(of: try #require(data.validation)), variableCount: 12)
    #expect(summary.negativeLogLikelihood == best)
  }

  /// Measuring the validation rows less often changes what is known, never what is learnt.
  @Test func validationRowsAreMeasuredInTheirTurn() throws {
    let data = DataSplits(
      name: "noise", train: TrainingCase.noise(rowCount: 8, variableCount: 12, seed: 1),
      validation: TrainingCase.noise(rowCount: 200, variableCount: 12, seed: 2))
    func train(interval: Int, epochCount: Int = 8, patience: Int? = nil) throws -> (
      trainer: Trainer<NADE>, figures: [Double?]
    ) {
      let trainer = try Trainer(
        NADE(NADE.Configuration(variableCount: 12, hiddenCount: 30), seed: 1), data: data,
        configuration: TrainingConfiguration(
          epochCount: epochCount, batchSize: 4, learningRate: 0.005, schedule: .constant, patience: patience,
          validationInterval: interval))
      var figures: [Double?] = []
      _ = try trainer.run { event in
        if case .epoch(let record) = event {
          figures.append(record.validationNLL)
          // Until there is a figure, the last epoch's model is the one to keep.
          if figures.allSatisfy({ $0 == nil }) {
            #expect(trainer.best.parameters == trainer.model.parameters)
          }
        }
        return true
      }
      return (trainer, figures)
    }
    let always = try train(interval: 1)
    let seldom = try train(interval: 3)
    #expect(seldom.trainer.model.parameters == always.trainer.model.parameters)
    #expect(seldom.figures.map { $0 != nil } == (1...8).map { [3, 6, 8].contains($0) })
    #expect(zip(seldom.figures, always.figures).allSatisfy { $0 == nil || $0 == $1 })
    let measured = seldom.figures.compactMap(\.self)
    let best = try #require(measured.min())
    #expect(seldom.trainer.progress.bestValidationNLL == best)
    #expect(seldom.figures[seldom.trainer.progress.bestEpoch - 1] == best)
    // Epochs that were not measured cost no patience: it ends after a measured one.
    let impatient = try train(interval: 5, epochCount: 400, patience: 2)
    #expect(impatient.figures.count % 5 == 0 && impatient.figures.count < 400)
    #expect(impatient.figures.count == impatient.trainer.progress.bestEpoch + 5)
  }

  /// One row, tables smaller than a batch, as large, larger by one row, and larger.
  @Test(arguments: [1, 3, 63, 64, 65, 100], [false, true])
  func tablesOfAnySizeWithoutValidation(rowCount: Int, isValidationEmpty: Bool) throws {
    let rows = TrainingCase.chain(rowCount: rowCount, variableCount: 5, seed: 1)
    let trainer = try Trainer(
      MADE(MADE.Configuration(variableCount: 5, hiddenCounts: [8]), seed: 1),
      data: DataSplits(
        name: "small", train: rows,
        validation: isValidationEmpty ? BinaryMatrix(rowCount: 0, columnCount: 5) : nil),
      configuration: TrainingConfiguration(epochCount: 3, batchSize: 64, learningRate: 0.05, patience: 1))
    var records: [EpochRecord] = []
    var counts: [Int] = []
    let outcome = try trainer.run { event in
      switch event {
      case .step(let progress): counts.append(progress.rowCount)
      case .validating, .completing: break
      case .epoch(let record): records.append(record)
      }
      return true
    }
    // Without validation rows there is no figure to lose patience over.
    #expect(outcome == .finished && records.map(\.validationNLL) == [nil, nil, nil])
    let epoch = rowCount <= 64 ? [rowCount] : [64, rowCount]
    #expect(counts == epoch + epoch + epoch)
    #expect(trainer.progress.step == counts.count && trainer.progress.bestEpoch == 3)
    #expect(trainer.best.parameters == trainer.model.parameters)
    #expect(trainer.best.logProbabilities(of: rows).allSatisfy { $0.isFinite && $0 <= 0 })
  }

  @Test func aFolderThatCannotBeMadeIsRefused() throws {
    try withTemporaryDirectory { path in
      try Data().write(to: URL(fileURLWithPath: path + "/file"))
      #expect(throws: DensityError.unwritable(path: path + "/file/run", reason: "Not a directory")) {
        try RunDirectory(path: path + "/file/run").prepare()
      }
    }
  }

  @Test func anEarlierRunIsMovedAside() throws {
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
      // A folder that holds something else is used as it is.
      try Data("notes".utf8).write(to: URL(fileURLWithPath: directory.path + "/notes.txt"))
      #expect(try RunDirectory(path: path + "/run//").prepare() == nil)
      #expect(try names(in: directory.path) == ["notes.txt"])
      // A history alone is an earlier run too, slashes at the end of a path are no part of its name, and what else is
      // kept in the folder stays.
      try Data("{}".utf8).write(to: URL(fileURLWithPath: directory.history))
      #expect(try RunDirectory(path: path + "/run//").prepare() == path + "/run~3")
      #expect(try names(in: path + "/run~3") == ["history.jsonl"])
      #expect(try names(in: directory.path) == ["notes.txt"])
      #expect(try names(in: path) == ["run", "run~1", "run~2", "run~3"])
    }
  }

  @Test func ofAMembersFolderOnlyWhatARunWroteIsMoved() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path + "/run")
      for number in 1...2 {
        try AtomicFile.createDirectory(directory.member(number).path)
        try AtomicFile.write([1], to: directory.member(number).last)
      }
      try AtomicFile.write([2], to: directory.path + "/members/2/mine.csv")
      #expect(try directory.prepare() == path + "/run~1")
      #expect(try names(in: path + "/run~1/members/1") == ["last.safetensors"])
      #expect(try names(in: path + "/run~1/members/2") == ["last.safetensors"])
      #expect(try names(in: directory.path + "/members") == ["2"])
      #expect(try names(in: directory.path + "/members/2") == ["mine.csv"])
    }
  }

  /// Beside `.` and `..` nothing can be put that is theirs.
  @Test func aFolderWithoutANameKeepsItsEarlierRunsInside() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path + "/.")
      for number in 1...2 {
        try AtomicFile.write([1], to: directory.best)
        #expect(try directory.prepare() == path + "/./earlier~\(number)")
        #expect(try names(in: path + "/earlier~\(number)") == ["best.safetensors"])
      }
    }
  }
}

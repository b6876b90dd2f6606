import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Resumed training equals uninterrupted training, bit for bit")
struct ResumeTests {
  /// Where a training is stopped.
  enum Stop: Hashable, Sendable {
    case afterStep(Int)
    case afterEpoch(Int)
    /// In the middle of measuring the validation rows.
    case validating(Int)

    func goesOn(_ event: TrainingEvent) -> Bool {
      switch (self, event) {
      case (.afterStep(let step), .step(let progress)): progress.step < step
      case (.afterEpoch(let epoch), .epoch(let record)): record.epoch < epoch
      case (.validating(let epoch), .validating(let progress, _)): progress.epoch + 1 < epoch
      default: true
      }
    }
  }

  /// The first step, some in mid-epoch, the last of an epoch for each batch size (60 rows make 3 to 9 steps).
  @Test(arguments: TrainingCase.all, [1, 4, 6, 7, 8, 9])
  func afterAnyStep(_ training: TrainingCase, stopAfter step: Int) throws {
    try check(training, TrainingCase.data(), stops: [.afterStep(step)])
  }

  @Test(arguments: TrainingCase.all, [1, 2, 3])
  func whileValidating(_ training: TrainingCase, epoch: Int) throws {
    try check(training, TrainingCase.data(), stops: [.validating(epoch)])
  }

  @Test(arguments: TrainingCase.all, [1, 2, 3])
  func afterAnyEpoch(_ training: TrainingCase, stopAfter epoch: Int) throws {
    try check(training, TrainingCase.data(), stops: [.afterEpoch(epoch)])
  }

  @Test(arguments: TrainingCase.all)
  func afterEveryStep(_ training: TrainingCase) throws {
    // More stops than there are steps; the last find the training finished.
    try check(training, TrainingCase.data(), stops: (1...40).map { .afterStep($0) })
  }

  /// 36 rows make five steps of eight.
  @Test(arguments: [Stop.afterStep(2), .afterStep(4), .afterStep(5), .afterEpoch(1), .afterEpoch(3)])
  func withBitsDrawnAfreshEachEpoch(_ stop: Stop) throws {
    let data = try TrainingCase.dynamicData()
    let epochs = try [0, 1].map { try BinaryMatrix(data.trainingRows.rows(inPass: $0)) }
    try #require(epochs[0] != epochs[1])
    try check(TrainingCase.all[1], data, stops: [stop])
  }

  /// Epochs of three or of seven steps, where a pass over 36 rows takes five.
  @Test(
    arguments: [3, 7], [Stop.afterStep(2), .afterStep(5), .afterStep(8), .afterEpoch(1), .validating(2)])
  func withEpochsThatAreNoPasses(stepsPerEpoch: Int, _ stop: Stop) throws {
    let base = TrainingCase.all[1]
    var configuration = base.configuration
    configuration.stepsPerEpoch = stepsPerEpoch
    let training = TrainingCase(
      testDescription: base.testDescription, configuration: configuration, model: base.model)
    let records = try check(training, TrainingCase.dynamicData(), stops: [stop])
    #expect(records.count == 4)
  }

  /// Rows that only a source has.
  @Test(arguments: TrainingCase.all, [Stop.afterStep(2), .afterStep(5), .afterEpoch(1), .validating(2)])
  func ofRowsOfAnotherSource(_ training: TrainingCase, _ stop: Stop) throws {
    let data = TrainingCase.data()
    try check(
      training, data.reading(trainingRows: OtherRows(table: data.train)), stops: [stop])
  }

  /// Noise is soon learnt by heart, so that the rate falls on a plateau, and in the end patience runs out.
  @Test(arguments: [1, 3, 5, 6])
  func acrossAFallingRateAndTheEndOfPatience(stopAfter epoch: Int) throws {
    let data = DataSplits(
      name: "noise", train: TrainingCase.noise(rowCount: 8, variableCount: 12, seed: 1),
      validation: TrainingCase.noise(rowCount: 50, variableCount: 12, seed: 2))
    let training = TrainingCase(
      testDescription: "NADE by heart",
      configuration: TrainingConfiguration(
        epochCount: 100, batchSize: 4, learningRate: 0.02,
        schedule: .reduceOnPlateau(factor: 0.5, patience: 2),
        patience: 5)
    ) { try NADE(NADE.Configuration(variableCount: $0, hiddenCount: 30), seed: 1) }
    let records = try check(training, data, stops: [.afterEpoch(epoch)], outcome: .outOfPatience)
    #expect(records.count < 100)
    #expect(Set(records.map(\.learningRate)).isSuperset(of: [0.02, 0.01, 0.005]))
  }

  /// Compares a training stopped at some places, each time put on the disk and read back, with a whole one.
  @discardableResult
  private func check(
    _ training: TrainingCase, _ data: DataSplits, stops: [Stop], outcome: TrainingOutcome = .finished
  ) throws -> [EpochRecord] {
    func run<Model: TrainableDensity>(_ model: Model) throws -> [EpochRecord] {
      let whole = try Trainer(model, data: data, configuration: training.configuration)
      var records: [EpochRecord] = []
      try withTemporaryDirectory { path in
        let wholeDirectory = RunDirectory(path: path + "/whole")
        let directory = RunDirectory(path: path + "/parts")
        for folder in [wholeDirectory, directory] { _ = try folder.prepare() }
        let end = try whole.run(savingTo: wholeDirectory) { event in
          if case .epoch(let record) = event { records.append(record) }
          return true
        }
        #expect(end == outcome)

        let first = try Trainer(model, data: data, configuration: training.configuration)
        #expect(try first.run(savingTo: directory) { stops[0].goesOn($0) } == .stopped)
        if case .afterStep(let step) = stops[0] { #expect(first.progress.step == step) }
        if case .afterEpoch(let epoch) = stops[0] { #expect(first.progress.epoch == epoch) }
        for stop in stops.dropFirst() {
          _ = try resumed(Model.self, directory, data).run(savingTo: directory) { stop.goesOn($0) }
        }
        let last = try resumed(Model.self, directory, data)
        #expect(try last.run(savingTo: directory) == outcome)

        #expect(TrainingBits(last) == TrainingBits(whole))
        #expect(try AtomicFile.read(directory.best) == AtomicFile.read(wholeDirectory.best))
        try checkHistory(directory, records)
        try checkHistory(wholeDirectory, records)
      }
      return records
    }
    return try run(training.model(data.variableCount))
  }

  private func resumed<Model: TrainableDensity>(
    _ type: Model.Type, _ directory: RunDirectory, _ data: DataSplits
  ) throws -> Trainer<Model> {
    let last = try Checkpoint(contentsOf: directory.last)
    return try Trainer(
      current: #require(last.model as? Model),
      best: #require(try Checkpoint(contentsOf: directory.best).model as? Model), data: data,
      state: #require(last.training))
  }

  private func checkHistory(_ directory: RunDirectory, _ records: [EpochRecord]) throws {
    let history = try JSONLines.read(directory.history)
    #expect(history.map { $0["epoch"]?.integer } == Array(1...records.count))
    for (line, record) in zip(history, records) {
      #expect(
        line.members?.map(\.key) == [
          "epoch", "training_nll", "validation_nll", "rate", "rows_per_second", "seconds",
        ])
      #expect(line["training_nll"]?.number == record.trainingNLL)
      #expect(line["validation_nll"]?.number == record.validationNLL)
      #expect(line["rate"]?.number == record.learningRate)
      #expect((line["rows_per_second"]?.number ?? -1) >= 0)
    }
    let seconds = history.map { $0["seconds"]?.number ?? .nan }
    #expect(zip(seconds, seconds.dropFirst()).allSatisfy { $0 <= $1 } && seconds.allSatisfy { $0 >= 0 })
  }

  @Test(arguments: TrainingCase.all)
  func fromAnOldCheckpointAfterAKill(_ training: TrainingCase) throws {
    let data = TrainingCase.data()
    func run<Model: TrainableDensity>(_ model: Model) throws {
      let whole = try Trainer(model, data: data, configuration: training.configuration)
      _ = try whole.run()
      try withTemporaryDirectory { path in
        let directory = RunDirectory(path: path)
        let killed = try Trainer(model, data: data, configuration: training.configuration)
        // A checkpoint of epoch 1, but a best model and a history of epoch 3 and a part of a line, as a kill
        // may leave them.
        var old = Data()
        _ = try killed.run(savingTo: directory, every: .zero) { event in
          guard case .epoch(let record) = event else { return true }
          if record.epoch == 2 { old = FileManager.default.contents(atPath: directory.last) ?? old }
          return record.epoch < 3
        }
        try old.write(to: URL(fileURLWithPath: directory.last))
        var history = try AtomicFile.read(directory.history)
        history += Array(#"{"epoch":4,"traini"#.utf8)
        try AtomicFile.write(history, to: directory.history)
        let resumed = try resumed(Model.self, directory, data)
        #expect(resumed.progress.epoch == 1)
        #expect(try resumed.run(savingTo: directory) == .finished)
        #expect(TrainingBits(resumed) == TrainingBits(whole))
        #expect(try JSONLines.read(directory.history).map { $0["epoch"]?.integer } == [1, 2, 3, 4])
      }
    }
    try run(training.model(data.variableCount))
  }

  /// An epoch may take hours: with no interval, every step is on disk when it is over.
  @Test func stepsInMidEpochAreSavedToo() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path)
      let data = TrainingCase.data()
      let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 5)
      let trainer = try Trainer(model, data: data, configuration: TrainingCase.all[0].configuration)
      var saved: [Int?] = []
      _ = try trainer.run(savingTo: directory, every: .zero) { event throws(DensityError) in
        if case .step(let progress) = event, progress.step > 1 {
          saved.append(try Checkpoint(contentsOf: directory.last).training?.progress.step)
        }
        return true
      }
      // 60 rows in batches of 7 are 9 steps an epoch, of 4 epochs; each step finds the one before it on disk.
      #expect(saved == (1..<36).map { $0 })
    }
  }

  @Test func aFinishedTrainingStaysAsItIs() throws {
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path)
      let data = TrainingCase.data()
      let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 5)
      let trainer = try Trainer(model, data: data, configuration: TrainingCase.all[0].configuration)
      _ = try trainer.run(savingTo: directory)
      let files = try names(in: path).map { try AtomicFile.read(path + "/" + $0) }
      #expect(try resumed(FVSBN.self, directory, data).run(savingTo: directory) == .finished)
      #expect(try names(in: path).map { try AtomicFile.read(path + "/" + $0) } == files)
    }
  }

  @Test func onOtherDataIsRefused() throws {
    let configuration = TrainingCase.all[0].configuration
    let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
    let data = TrainingCase.data()
    let trainer = try Trainer(model, data: data, configuration: configuration)
    _ = try trainer.run { _ in false }
    func refusal(_ data: DataSplits) -> DensityError? {
      do {
        _ = try Trainer(current: trainer.model, best: trainer.best, data: data, state: trainer.state)
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal(data) == nil)
    // The same bits from a file of another name are the same data.
    #expect(refusal(DataSplits(name: "renamed", train: data.train, validation: data.validation)) == nil)
    let others = [
      TrainingCase.data(seed: 77), try TrainingCase.dynamicData(),
      DataSplits(name: data.name, train: data.train),
      DataSplits(name: data.name, train: data.train.rows(0..<59), validation: data.validation),
    ]
    for other in others {
      guard case .mismatch(let path, let expected, let found) = refusal(other) else {
        Issue.record("\(other.name) is taken")
        continue
      }
      #expect(path == other.name && expected.contains("chain: 60 × 11") && !found.isEmpty)
    }
  }
}

/// A history read back.
enum JSONLines {
  static func read(_ path: String) throws -> [JSONValue] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    return try text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)[...], path: path) }
  }
}

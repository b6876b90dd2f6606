import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Resumed training equals uninterrupted training, bit for bit")
struct ResumeTests {
  /// Steps to stop after: the first, one in mid-epoch, the last of an epoch (60 rows, 6 to 9 steps), a late one.
  @Test(arguments: TrainingCase.all, [1, 4, 6, 7, 8, 9, 20])
  func afterAnyStep(_ training: TrainingCase, stopAfter step: Int) throws {
    try check(training, TrainingCase.data(), stopAfter: step)
  }

  @Test(arguments: [2, 4, 5])
  func withBitsDrawnAfreshEachEpoch(stopAfter step: Int) throws {
    try check(TrainingCase.all[1], TrainingCase.dynamicData(), stopAfter: step)
  }

  private func check(_ training: TrainingCase, _ data: DataSplits, stopAfter step: Int) throws {
    func run<Model: AutoregressiveModel>(_ model: Model) throws {
      let whole = try Trainer(model, data: data, configuration: training.configuration)
      var wholeHistory: [EpochRecord] = []
      _ = try whole.run { event in
        if case .epoch(let record) = event { wholeHistory.append(record) }
        return true
      }
      try withTemporaryDirectory { path in
        let directory = RunDirectory(path: path)
        let first = try Trainer(model, data: data, configuration: training.configuration)
        let outcome = try first.run(savingTo: directory) { event in
          if case .step(let progress) = event { return progress.step < step }
          return true
        }
        #expect(outcome == .stopped)

        let last = try Checkpoint(contentsOf: directory.last)
        let current = try #require(last.model as? Model)
        let best = try #require(try Checkpoint(contentsOf: directory.best).model as? Model)
        let state = try #require(last.training)
        #expect(state.progress.step == step)
        let second = try Trainer(current: current, best: best, data: data, state: state)
        #expect(try second.run(savingTo: directory) == .finished)
        #expect(TrainingBits(second) == TrainingBits(whole))

        let history = try JSONLines.read(directory.history)
        #expect(history.map { $0["epoch"]?.integer } == wholeHistory.map(\.epoch))
        for (line, record) in zip(history, wholeHistory) {
          #expect(line["training_nll"]?.number == record.trainingNLL)
          #expect(line["validation_nll"]?.number == record.validationNLL)
          #expect(line["rate"]?.number == record.rate)
          #expect((line["rows_per_second"]?.number ?? -1) >= 0)
          #expect((line["seconds"]?.number ?? -1) >= 0)
        }
      }
    }
    try run(training.model(data.variableCount))
  }

  @Test func fromAnOldCheckpointAfterAKill() throws {
    let training = TrainingCase.all[1]
    let data = TrainingCase.data()
    func run<Model: AutoregressiveModel>(_ model: Model) throws {
      let whole = try Trainer(model, data: data, configuration: training.configuration)
      _ = try whole.run()
      try withTemporaryDirectory { path in
        let directory = RunDirectory(path: path)
        let killed = try Trainer(model, data: data, configuration: training.configuration)
        // A checkpoint of epoch 1, but a history and a best model of epoch 3, as a kill may leave them.
        var old: [Data] = []
        _ = try killed.run(savingTo: directory, every: .zero) { event in
          if case .epoch(let record) = event, record.epoch == 2 {
            old = [directory.last, directory.best].compactMap { FileManager.default.contents(atPath: $0) }
          }
          if case .epoch(let record) = event { return record.epoch < 3 }
          return true
        }
        try #require(old.count == 2)
        try old[0].write(to: URL(fileURLWithPath: directory.last))
        let last = try Checkpoint(contentsOf: directory.last)
        let state = try #require(last.training)
        #expect(state.progress.epoch == 1)
        let current = try #require(last.model as? Model)
        let best = try #require(try Checkpoint(contentsOf: directory.best).model as? Model)
        let resumed = try Trainer(current: current, best: best, data: data, state: state)
        #expect(try resumed.run(savingTo: directory) == .finished)
        #expect(TrainingBits(resumed) == TrainingBits(whole))
        #expect(try JSONLines.read(directory.history).map { $0["epoch"]?.integer } == [1, 2, 3, 4])
      }
    }
    try run(training.model(data.variableCount))
  }

  @Test func onOtherDataIsRefused() throws {
    let training = TrainingCase.all[0]
    let trainer = try Trainer(
      FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1), data: TrainingCase.data(),
      configuration: training.configuration)
    _ = try trainer.run { _ in false }
    let error = #expect(throws: DensityError.self) {
      try Trainer(
        current: trainer.model, best: trainer.best, data: TrainingCase.data(seed: 77), state: trainer.state)
    }
    guard case .mismatch = error else {
      Issue.record("\(String(describing: error)) is no mismatch")
      return
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

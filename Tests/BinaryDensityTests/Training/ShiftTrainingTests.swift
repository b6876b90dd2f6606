import BinaryDensity
import Kernels
import Testing
import _TestSupport

@Suite("Training on pictures that are moved")
struct ShiftTrainingTests {
  private static let shape = ImageShape(height: 3, width: 4)
  private static let rows = BinaryMatrix.random(40, 12, probability: 0.4, seed: 1)
  private static let data = DataSplits(
    name: "pictures", train: rows, validation: BinaryMatrix.random(20, 12, probability: 0.4, seed: 2),
    imageShape: shape)

  private static func configuration(_ share: Double) -> TrainingConfiguration {
    TrainingConfiguration(epochCount: 3, batchSize: 8, learningRate: 0.02, seed: 5, shiftShare: share)
  }

  private static func model() throws -> NADE {
    try NADE(NADE.Configuration(variableCount: 12, hiddenCount: 7), seed: 6)
  }

  @Test("each epoch learns from the rows as they are moved in it, whatever the number of threads")
  func epochs() throws {
    let configuration = Self.configuration(0.5)
    let trainer = try Threads.run(on: 3) {
      let trainer = try Trainer(Self.model(), data: Self.data, configuration: configuration)
      _ = try trainer.run()
      return trainer
    }
    // The same by a source that has moved them already.
    let moved = ShiftedRows(Self.rows, picture: PicturePlace(shape: Self.shape), share: 0.5, seed: 5)
    let by = try Trainer(
      Self.model(), data: Self.data.reading(trainingRows: moved), configuration: Self.configuration(0))
    _ = try by.run()
    #expect(trainer.model.parameters == by.model.parameters)
    let still = try Trainer(Self.model(), data: Self.data, configuration: Self.configuration(0))
    _ = try still.run()
    #expect(trainer.model.parameters != still.model.parameters)
    // The data are the same, and what measures them.
    #expect(trainer.progress.data == still.progress.data)
    let figure = LikelihoodSummary(
      logProbabilities: trainer.best.logProbabilities(of: try #require(Self.data.validation)),
      variableCount: 12
    ).negativeLogLikelihood
    #expect(abs(figure - (try #require(trainer.progress.bestValidationNLL))) < 1e-6)
  }

  @Test("stopped in mid-epoch and read back, it ends at the same bits", arguments: [2, 5, 7])
  func resume(step: Int) throws {
    let whole = try Trainer(Self.model(), data: Self.data, configuration: Self.configuration(0.4))
    _ = try whole.run()
    try withTemporaryDirectory { path in
      let directory = RunDirectory(path: path)
      let first = try Trainer(Self.model(), data: Self.data, configuration: Self.configuration(0.4))
      _ = try first.run(savingTo: directory) { event in
        if case .step(let progress) = event { progress.step < step } else { true }
      }
      let saved = try Checkpoint(contentsOf: directory.last)
      let state = try #require(saved.training)
      #expect(state.progress.configuration.shiftShare == 0.4)
      let resumed = try Trainer(
        current: #require(saved.model as? NADE),
        best: #require(try Checkpoint(contentsOf: directory.best).model as? NADE), data: Self.data,
        state: state)
      _ = try resumed.run()
      #expect(TrainingBits(resumed) == TrainingBits(whole))
    }
  }

  @Test("the bits of a class stay where they are")
  func labelled() throws {
    let words = (0..<40).map { $0 % 4 == 0 ? "a" : "b" }
    let labelled = try LabelledSplits(
      DataSplits(name: "pictures", train: Self.rows, imageShape: Self.shape),
      [.train: RowLabels(words)])
    let place = PicturePlace(shape: Self.shape, firstColumn: 2)
    #expect(try labelled.rowsAfterClasses().picture == place)
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path), data: labelled.data)
      let result = try run.train(
        on: labelled, isPerClass: false, configuration: { _ in Self.configuration(1) }
      ) {
        (_, weightSeed) throws(DensityError) in
        try NADE(NADE.Configuration(variableCount: 12, hiddenCount: 4), seed: weightSeed)
      }
      #expect(result.density.logProbabilities(of: Self.rows).allSatisfy { $0.isFinite })
    }
    let rows = try labelled.rowsAfterClasses().train
    let source = ShiftedRows(rows, picture: place, share: 1, seed: 1)
    let moved = try BinaryMatrix(source.rows(inPass: 0))
    #expect(moved != rows && moved.selecting(columns: [0, 1]) == rows.selecting(columns: [0, 1]))
  }

  @Test("rows that are no pictures, or miss cells, are refused, and a share that is none")
  func refusals() throws {
    func refusal(_ data: DataSplits, _ share: Double = 0.4) -> String? {
      do {
        _ = try Trainer(Self.model(), data: data, configuration: Self.configuration(share))
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(refusal(Self.data) == nil)
    #expect(
      refusal(DataSplits(name: "t", train: Self.rows))
        == "t: rows of 12 columns are not known to be pictures, and only pictures can be shifted; say their height and "
        + "width (--image 28x28), or leave --shifts out")
    let known = BinaryMatrix(rowCount: 40, columnCount: 12) { $0 != 3 || $1 != 5 }
    let partial = PartialRows(
      values: BinaryMatrix(rowCount: 40, columnCount: 12) { known[$0, $1] && Self.rows[$0, $1] }, known: known
    )
    #expect(
      refusal(DataSplits(name: "t", train: partial, imageShape: Self.shape))
        == "t: cells are missing, and only complete pictures can be shifted; leave --shifts out")
    for share in [-0.1, 1.5, .nan, .infinity] {
      #expect(
        refusal(Self.data, share) == "the share of rows that are moved is from 0 to 1, not \(share)")
    }
  }

  @Test("files from before there were shifts have none, and a training without them writes none")
  func files() throws {
    #expect(!Checkpoint.encode(Self.configuration(0)).contains("shifts"))
    #expect(Checkpoint.encode(Self.configuration(0.4)).contains(#""shifts":0.4"#))
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Networks trained on rows with missing cells")
struct MissingTrainingTests {
  static func data(hiding share: Double = 0.3) -> DataSplits {
    let whole = TrainingCase.data()
    return DataSplits(
      name: "gaps", train: PartialRows(whole.train, hiding: share, seed: 1),
      validation: whole.validation.map { PartialRows($0, hiding: 0.2, seed: 2) })
  }

  /// Stopped at many places, on the disk each time, a training ends where one that was not stopped ends.
  @Test(arguments: TrainingCase.all, [1, 2])
  func resumed(_ training: TrainingCase, redrawInterval: Int) throws {
    let data = Self.data()
    var configuration = training.configuration
    configuration.redrawInterval = redrawInterval
    func run<Model: TrainableDensity>(_ model: Model) throws {
      let whole = try Trainer(model, data: data, configuration: configuration)
      var redrawn = 0
      _ = try whole.run { event in
        if case .completing = event { redrawn += 1 }
        return true
      }
      #expect((redrawn > 0) == !Model.takesMissingCells)
      try withTemporaryDirectory { path in
        let directory = RunDirectory(path: path)
        var trainer = try Trainer(model, data: data, configuration: configuration)
        var stops = 0
        while try trainer.run(
          savingTo: directory,
          { event in
            switch event {
            // In mid-epoch, between epochs, and while cells are drawn, the first time.
            case .step(let progress): return progress.step % 5 != 2
            case .epoch: return false
            case .completing: return stops % 2 == 0
            case .validating: return true
            }
          }) == .stopped
        {
          stops += 1
          let last = try Checkpoint(contentsOf: directory.last)
          trainer = try Trainer(
            current: #require(last.model as? Model),
            best: #require(try Checkpoint(contentsOf: directory.best).model as? Model), data: data,
            state: #require(last.training))
          if stops > 60 { break }
        }
        #expect(stops > 5 && trainer.isFinished)
        #expect(TrainingBits(trainer) == TrainingBits(whole))
        #expect(trainer.state.completions == whole.state.completions)
      }
    }
    try run(training.model(data.variableCount))
  }

  @Test("completions keep what is known, and others are refused")
  func completions() throws {
    let data = Self.data()
    let model = try FVSBN(FVSBN.Configuration(variableCount: 11), seed: 1)
    let trainer = try Trainer(model, data: data, configuration: TrainingCase.all[0].configuration)
    _ = try trainer.run()
    let rows = try #require(data.partialRows(.train))
    var state = trainer.state
    let completions = try #require(state.completions)
    #expect(PartialRows(values: completions, known: rows.known) == rows)
    func refused(_ completions: BinaryMatrix?, _ data: DataSplits) -> Bool {
      state.completions = completions
      do {
        _ = try Trainer(current: model, best: model, data: data, state: state)
        return false
      } catch DensityError.mismatch { return true } catch { return false }
    }
    #expect(!refused(completions, data))
    #expect(refused(nil, data) && refused(BinaryMatrix(rowCount: 60, columnCount: 11), data))
    #expect(refused(completions.rows(0..<59), data))
    // The rows as they are completed are no training table of their own.
    #expect(refused(completions, DataSplits(name: "full", train: completions)))
  }

  /// What a family reaches on complete rows, on rows of which chance hid some, and on zeros in the place of those.
  @Test(
    "what chance hides costs little, and less than zeros in its place",
    arguments: [ModelKind.nade, .made, .eonade])
  func recovery(kind: ModelKind) throws {
    let count = 7
    let rows = TrainingCase.chain(rowCount: 3000, variableCount: count, seed: 3)
    let held = TrainingCase.chain(rowCount: 2000, variableCount: count, seed: 4)
    let partial = PartialRows(rows, hiding: 0.4, seed: 5)
    func trained<Model: TrainableDensity>(_ model: Model, _ data: DataSplits) throws -> Double {
      let configuration = TrainingConfiguration(
        epochCount: kind == .eonade ? 80 : 40, batchSize: 50, learningRate: 0.01, seed: 2,
        startsAtMarginals: true, redrawInterval: 2)
      let trainer = try Trainer(model, data: data, configuration: configuration)
      _ = try trainer.run()
      return DensitySearch.nll(trainer.best, held) - TrainingCase.chainFigure(held)
    }
    func excess(_ data: DataSplits) throws -> Double {
      switch kind {
      case .nade:
        try trained(NADE(NADE.Configuration(variableCount: count, hiddenCount: 20), seed: 1), data)
      case .made:
        try trained(
          MADE(
            MADE.Configuration(
              variableCount: count, hiddenCounts: [20], maskCount: 2, ordering: .resampled), seed: 1), data)
      default:
        try trained(
          EoNADE(EoNADE.Configuration(variableCount: count, hiddenCounts: [40], orderCount: 4), seed: 1), data
        )
      }
    }
    let complete = try excess(DataSplits(name: "whole", train: rows))
    let missing = try excess(DataSplits(name: "gaps", train: partial))
    let zeros = try excess(DataSplits(name: "zeros", train: partial.values))
    #expect(missing < complete + 0.06, "\(complete), \(missing)")
    #expect(zeros > missing + 0.3, "\(zeros), \(missing)")
  }

  @Test("a column that nobody knows stays even, and rows that know nothing do no harm")
  func nothingKnown() throws {
    let rows = TrainingCase.chain(rowCount: 400, variableCount: 5, seed: 3)
    var partial = PartialRows(rows, hiding: 0.2, seed: 4)
    for row in 0..<400 {
      partial[row, 2] = nil
      if row % 10 == 0 { for column in 0..<5 { partial[row, column] = nil } }
    }
    let data = DataSplits(name: "gaps", train: partial, validation: partial)
    func marginal<Model: TrainableDensity>(_ model: Model) throws -> Double {
      let trainer = try Trainer(
        model, data: data,
        configuration: TrainingConfiguration(
          epochCount: 20, batchSize: 20, learningRate: 0.003, startsAtMarginals: true))
      _ = try trainer.run()
      #expect(try #require(trainer.progress.bestValidationNLL).isFinite)
      let all = BinaryMatrix.allRows(ofWidth: 5)
      let p = trainer.best.logProbabilities(of: all).map(exp)
      #expect(abs(p.reduce(0, +) - 1) < 1e-5)
      return all.columnSum(2, weights: p)
    }
    let nade = try marginal(NADE(NADE.Configuration(variableCount: 5, hiddenCount: 8), seed: 1))
    #expect(abs(nade - 0.5) < 0.15, "\(nade)")
    // Its output for that column is asked for nothing, so that no gradient reaches its bias.
    let eonade = try EoNADE(EoNADE.Configuration(variableCount: 5, hiddenCounts: [8], orderCount: 2), seed: 1)
    let trainer = try Trainer(
      eonade, data: data,
      configuration: TrainingConfiguration(
        epochCount: 5, batchSize: 20, learningRate: 0.003, optimizer: .adam(weightDecay: 0)))
    _ = try trainer.run()
    #expect(trainer.best.parameters["b"][0, 2] == 0 && trainer.best.parameters["b"][0, 1] != 0)
  }

  @Test("figures of known cells are exact where columns are few, and said to be what they are")
  func measurements() throws {
    let data = Self.data()
    let rows: PartialRows = try #require(data.partialRows(.validation))
    let held = DataSplits(name: "held", train: data.train, validation: data.validation, test: data.train)
    let partial = DataSplits(
      name: "held", train: PartialRows(held.train, knownColumns: 0..<11), validation: rows, test: rows)
    let tree = try ChowLiuTree.fit(to: held.train)
    let network = try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5), seed: 1)
    for density in [tree as any Density, network] {
      let measured = try #require(try density.measureLikelihood(heldOutOf: partial))
      #expect(measured.map(\.name) == ["validation", "test"])
      #expect(measured.allSatisfy { $0.isOfKnownCells && !$0.isEstimated })
    }
    let exact = -tree.logMarginals(of: rows).reduce(0, +) / Double(rows.rowCount)
    let measured = try #require(try tree.measureLikelihood(heldOutOf: partial)).first?.summary
    #expect(abs((measured?.negativeLogLikelihood ?? 0) - exact) < 1e-12)
    let bits = exact / log(2) / (Double(rows.known.onBitCount) / Double(rows.rowCount))
    #expect(abs((measured?.bitsPerVariable ?? 0) - bits) < 1e-12)
    // Complete rows are measured as ever.
    #expect(try #require(try tree.measureLikelihood(heldOutOf: held)).allSatisfy { !$0.isOfKnownCells })
  }

  @Test("members and baselines of a run, and a search, take missing cells")
  func runs() throws {
    let data = Self.data()
    try withTemporaryDirectory { path in
      var training = TrainingCase.all[1].configuration
      training.epochCount = 2
      training.redrawInterval = 1
      let run = TrainingRun(in: RunDirectory(path: path + "/members"), data: data)
      let result = try run.trainMembers(2, training) { order, seed throws(DensityError) in
        try NADE(NADE.Configuration(variableCount: 11, hiddenCount: 5, seed: order), seed: seed)
      }
      #expect(result.density is Ensemble && result.summary.measurements.count == 1)
      for kind in ModelKind.baselines {
        let run = TrainingRun(in: RunDirectory(path: path + "/" + kind.rawValue), data: data)
        let fitted = try run.fit(kind, componentCount: 3)
        #expect(fitted.summary.measurements.allSatisfy { $0.isOfKnownCells && !$0.isEstimated })
        #expect((fitted.summary.measurements.first?.summary.negativeLogLikelihood ?? 99) < 8)
      }
    }
    let search = try DensitySearch(data, budget: .seconds(1)).run()
    #expect(search.leaderboard.contains { $0.name.hasPrefix("NADE") || $0.name.hasPrefix("MADE") })
    #expect(search.leaderboard.filter { !$0.validationNLL.isFinite }.isEmpty)
    let kinds = Recipe.first(stepCount: 100, hasMissingCells: true).prefix(2).map(\.network)
    #expect(kinds == [.nade(200, .relu), .eonade([200])])
    let recipe = Recipe.first(stepCount: 100, hasMissingCells: true)[1]
    #expect(Set(recipe.neighbours(peak: 0.9).map(\.description)).count == recipe.neighbours(peak: 0.9).count)
    let network = try recipe.model(variableCount: 5, imageShape: nil, order: 1, seed: 2, weightSeed: 3)
    #expect((network as? EoNADE)?.orders.count == 8)
  }
}

extension BinaryMatrix {
  /// Σ_r weights[r] over the rows in which a column is on.
  fileprivate func columnSum(_ column: Int, weights: [Double]) -> Double {
    weights.indices.reduce(0) { $0 + (self[$1, column] ? weights[$1] : 0) }
  }
}

import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Regularisation")
struct RegularizationTests {
  private let data = DataSplits(
    name: "chain", train: TrainingCase.chain(rowCount: 200, variableCount: 9, seed: 1),
    validation: TrainingCase.chain(rowCount: 100, variableCount: 9, seed: 2))

  private func made(_ hiddenCounts: [Int] = [12]) throws -> MADE {
    try MADE(MADE.Configuration(variableCount: 9, hiddenCounts: hiddenCounts), seed: 3)
  }

  @Test("with averaging, the best is the average of the weights after each step")
  func averaging() throws {
    let decay = 0.8
    let configuration = TrainingConfiguration(
      epochCount: 1, batchSize: 50, learningRate: 0.05, schedule: .constant, averaging: decay)
    let trainer = try Trainer(made(), data: data, configuration: configuration)
    var average: [[Double]] = []
    _ = try trainer.run {
      guard case .step(let progress) = $0 else { return true }
      let weights = trainer.model.parameters.matrices.map { $0.elements.map(Double.init) }
      // A plain mean until 1 / steps is less than the share of a new step, 0.2 here.
      let share = max(1 - decay, 1 / Double(progress.step))
      average =
        average.isEmpty
        ? weights : zip(average, weights).map { zip($0, $1).map { (1 - share) * $0 + share * $1 } }
      return true
    }
    let kept = trainer.best.parameters.matrices.map(\.elements)
    for (expected, found) in zip(average, kept) {
      for (a, b) in zip(expected, found) { #expect(abs(a - Double(b)) < 1e-6) }
    }
    #expect(kept != trainer.model.parameters.matrices.map(\.elements))
    let summary = LikelihoodSummary(
      logProbabilities: trainer.best.logProbabilities(of: try #require(data.validation)), variableCount: 9)
    #expect(abs(summary.negativeLogLikelihood - (try #require(trainer.progress.bestValidationNLL))) < 1e-6)
  }

  @Test("starting at the marginals makes the untrained biases the smoothed log-odds, constant columns too")
  func marginals() throws {
    var rows = TrainingCase.chain(rowCount: 40, variableCount: 9, seed: 4)
    for row in 0..<40 {
      rows[row, 2] = false
      rows[row, 5] = true
    }
    let configuration = TrainingConfiguration(epochCount: 1, learningRate: 1e-30, startsAtMarginals: true)
    let trainer = try Trainer(made(), data: DataSplits(name: "c", train: rows), configuration: configuration)
    let bias = trainer.model.parameters["b"]
    for column in 0..<9 {
      let on = Double((0..<40).count { rows[$0, column] })
      #expect(abs(Double(bias[0, column]) - log((on + 0.5) / (40 - on + 0.5))) < 1e-6)
    }
    _ = try trainer.run()
    #expect(trainer.best.logProbabilities(of: rows).allSatisfy { $0.isFinite && $0 < 0 })
  }

  @Test("dropout changes the training and not the density that is measured")
  func dropout() throws {
    func trained<Model: TrainableDensity>(_ model: Model, _ dropout: Dropout) throws -> Model {
      let configuration = TrainingConfiguration(epochCount: 2, learningRate: 0.02, dropout: dropout)
      let trainer = try Trainer(model, data: data, configuration: configuration)
      _ = try trainer.run()
      return trainer.best
    }
    func check<Model: TrainableDensity>(_ model: Model, _ dropouts: [Dropout]) throws {
      let plain = try trained(model, .none)
      for dropout in dropouts {
        let model = try trained(model, dropout)
        #expect(model.parameters != plain.parameters)
        let rows = BinaryMatrix.allRows(ofWidth: 9)
        #expect(abs(model.logProbabilities(of: rows).reduce(0) { $0 + exp($1) } - 1) < 1e-4)
        #expect(model.logProbabilities(of: rows) == model.logProbabilities(of: rows))
      }
    }
    try check(made([12, 7]), [Dropout(inputs: 0.3), Dropout(hidden: 0.3)])
    try check(made([]), [Dropout(inputs: 0.3)])
    try check(FVSBN(FVSBN.Configuration(variableCount: 9), seed: 1), [Dropout(inputs: 0.3)])
    for activation in [Activation.sigmoid, .relu] {
      try check(
        NADE(NADE.Configuration(variableCount: 9, hiddenCount: 6, activation: activation), seed: 1),
        [Dropout(inputs: 0.3)])
    }
  }

  @Test("what cannot be is refused in one line")
  func problems() throws {
    let nade = try NADE(NADE.Configuration(variableCount: 9, hiddenCount: 4), seed: 1)
    #expect(
      throws: DensityError.invalidConfiguration("a nade cannot be trained with dropout of hidden units")
    ) {
      var configuration = TrainingConfiguration.recommended(for: .nade, rowCount: 100)
      configuration.dropout.hidden = 0.5
      _ = try Trainer(nade, data: data, configuration: configuration)
    }
    func problem(_ dropout: Dropout = .none, averaging: Double? = nil) -> String? {
      TrainingConfiguration(epochCount: 1, learningRate: 0.01, dropout: dropout, averaging: averaging).problem
    }
    for dropout in [Dropout(inputs: 1), Dropout(hidden: -0.1), Dropout(inputs: .nan)] {
      #expect(problem(dropout) != nil)
    }
    #expect(problem(averaging: 1) != nil)
    #expect(problem(Dropout(inputs: 0.9), averaging: 0) == nil)
  }
}

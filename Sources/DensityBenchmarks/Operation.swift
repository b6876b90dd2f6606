import BinaryDensity
import Kernels

/// What is measured of a model.
package enum Operation: String, CaseIterable {
  /// A whole step of the trainer: the batch gathered, forward, backward, Adam.
  case train
  /// The log-probabilities of rows of a table.
  case logProbability = "log p"
  /// Rows drawn.
  case sample

  /// The rows of a step or a call.
  var batchSize: Int { self == .train ? 100 : 1000 }

  /// Prepares the operation; the closure returned repeats it for some seconds and gives the rows a second.
  func prepared<Model: AutoregressiveModel>(
    _ model: Model, rows: BinaryMatrix, configuration: TrainingConfiguration
  ) throws(DensityError) -> (_ seconds: Double) throws(DensityError) -> Double {
    switch self {
    case .train:
      return try Self.training(model, rows, configuration)
    case .logProbability:
      let evaluator = Evaluator(model, batchCapacity: batchSize)
      let batch = rows.rows(0..<min(batchSize, rows.rowCount))
      return { seconds in
        Self.rate(seconds) { evaluator.logProbabilities(of: batch).count }
      }
    case .sample:
      let count = batchSize
      var generator = Philox(seed: 3)
      return { seconds in
        Self.rate(seconds) { model.sample(count: count, using: &generator).rowCount }
      }
    }
  }

  private static func training<Model: AutoregressiveModel>(
    _ model: Model, _ rows: BinaryMatrix, _ configuration: TrainingConfiguration
  ) throws(DensityError) -> (Double) throws(DensityError) -> Double {
    var configuration = configuration
    configuration.batchSize = Operation.train.batchSize
    // The steps never reach the last epoch.
    configuration.epochCount = 1_000_000
    let trainer = try Trainer(
      model, data: DataSplits(name: "bench", train: rows), configuration: configuration)
    let clock = ContinuousClock()
    return { seconds throws(DensityError) in
      // The clock starts with the end of the first step: an epoch taken up in the middle is shuffled anew.
      var start: ContinuousClock.Instant?
      var count = 0
      var elapsed = 0.0
      _ = try trainer.run { (event) throws(DensityError) in
        guard case .step = event else { return true }
        guard let begun = start else {
          start = clock.now
          return true
        }
        count += configuration.batchSize
        elapsed = begun.duration(to: clock.now).seconds
        return elapsed < seconds
      }
      return Double(count) / elapsed
    }
  }

  private static func rate(_ seconds: Double, _ call: () -> Int) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    var count = 0
    var elapsed = 0.0
    repeat {
      count += call()
      elapsed = start.duration(to: clock.now).seconds
    } while elapsed < seconds
    return Double(count) / elapsed
  }
}

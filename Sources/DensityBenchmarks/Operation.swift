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

  /// The rows of a step or a call, in the benchmark's table.
  var batchSize: Int { self == .train ? 100 : 1000 }

  /// Prepares the operation; the closure returned repeats it for some seconds and gives the rows a second.
  ///
  /// - Parameter batchSize: the rows of a step or a call, at most as many as there are rows.
  func prepared<Model: AutoregressiveModel>(
    _ model: Model, rows: BinaryMatrix, configuration: TrainingConfiguration, batchSize: Int,
    stopwatch: Stopwatch = .wall
  ) throws(DensityError) -> (_ seconds: Double) throws(DensityError) -> Double {
    switch self {
    case .train:
      return try Self.training(model, rows, configuration, batchSize, stopwatch)
    case .logProbability:
      let evaluator = Evaluator(model, batchCapacity: batchSize)
      let batch = rows.rows(0..<batchSize)
      return { seconds in
        Self.rate(seconds, stopwatch) { evaluator.logProbabilities(of: batch).count }
      }
    case .sample:
      var generator = Philox(seed: 3)
      return { seconds in
        Self.rate(seconds, stopwatch) { model.sample(count: batchSize, using: &generator).rowCount }
      }
    }
  }

  private static func training<Model: AutoregressiveModel>(
    _ model: Model, _ rows: BinaryMatrix, _ configuration: TrainingConfiguration, _ batchSize: Int,
    _ stopwatch: Stopwatch
  ) throws(DensityError) -> (Double) throws(DensityError) -> Double {
    var configuration = configuration
    configuration.batchSize = batchSize
    // The steps never reach the last epoch.
    configuration.epochCount = 1_000_000
    let trainer = try Trainer(
      model, data: DataSplits(name: "bench", train: rows), configuration: configuration)
    return { seconds throws(DensityError) in
      // The clock starts with the end of the first step: an epoch taken up in the middle is shuffled anew.
      var start: Double?
      var count = 0
      var elapsed = 0.0
      _ = try trainer.run { (event) throws(DensityError) in
        guard case .step = event else { return true }
        guard let begun = start else {
          start = stopwatch.now
          return true
        }
        count += batchSize
        elapsed = stopwatch.now - begun
        return elapsed < seconds
      }
      return Double(count) / elapsed
    }
  }

  private static func rate(_ seconds: Double, _ stopwatch: Stopwatch, _ call: () -> Int) -> Double {
    let start = stopwatch.now
    var count = 0
    var elapsed = 0.0
    repeat {
      count += call()
      elapsed = stopwatch.now - start
    } while elapsed < seconds
    return Double(count) / elapsed
  }
}

import BinaryDensity
import Kernels

/// Repeats an operation for some seconds of a clock and returns the rows a second.
typealias Measurement = (_ seconds: Double, _ stopwatch: Stopwatch) throws(DensityError) -> Double

/// What is measured of a model.
package enum Operation: String, CaseIterable {
  /// A whole step of the trainer: the batch gathered, forward, backward, Adam.
  case train
  /// The log-probabilities of rows of a table.
  case logProbability = "log p"
  /// Rows drawn.
  case sample
  /// The logits of given rows by cursors on all threads, variable by variable.
  case walk
  /// The same by one cursor over all rows, on the calling thread alone.
  case step

  /// Whether all components of a mixture take part, not one a row.
  var takesAllComponents: Bool { self == .logProbability || self == .walk || self == .step }

  /// The rows of a step or a call, in the benchmark's table.
  var batchSize: Int { self == .train ? 100 : 1000 }

  /// Prepares the operation; the closure returned repeats it for some seconds and gives the rows a second.
  ///
  /// - Parameter batchSize: the rows of a step or a call, at most as many as there are rows.
  /// - Precondition: what is to be trained is a `TrainableDensity`.
  func prepared(
    _ density: any Density, rows: BinaryMatrix, configuration: TrainingConfiguration, batchSize: Int
  ) throws(DensityError) -> Measurement {
    switch self {
    case .train:
      guard let model = density as? any TrainableDensity else {
        preconditionFailure("a density of type \(type(of: density)) cannot be trained")
      }
      return try Self.training(model, rows, configuration, batchSize)
    case .logProbability:
      let evaluator = Evaluator(density, batchCapacity: batchSize)
      let batch = rows.rows(0..<batchSize)
      return Self.repeating { () throws(DensityError) in evaluator.logProbabilities(of: batch).count }
    case .sample:
      let evaluator = Evaluator(density)
      var generator = Philox(seed: 3)
      return Self.repeating { () throws(DensityError) in
        try evaluator.sample(count: batchSize, using: &generator).rowCount
      }
    case .walk, .step:
      guard let evaluator = density.autoregressive()?.evaluator(batchCapacity: batchSize) else {
        preconditionFailure("a density of type \(type(of: density)) has no ordering to be walked along")
      }
      return self == .walk
        ? Self.walking(evaluator, rows.rows(0..<batchSize))
        : Self.stepping(evaluator, rows.rows(0..<batchSize))
    }
  }

  /// The values of rows, variable by variable.
  private static func columns(of rows: BinaryMatrix) -> [[Bool]] {
    (0..<rows.columnCount).map { variable in (0..<rows.rowCount).map { rows[$0, variable] } }
  }

  private static func walking(_ evaluator: AutoregressiveEvaluator, _ rows: BinaryMatrix) -> Measurement {
    let columns = columns(of: rows)
    return repeating { () throws(DensityError) in
      let walked = try evaluator.walk(rowCount: rows.rowCount) { range, variable, _, values in
        let column = columns[variable]
        let given = column.span.extracting(range)
        for row in values.indices { values[row] = given[row] }
      }
      return walked?.rowCount ?? 0
    }
  }

  private static func stepping(_ evaluator: AutoregressiveEvaluator, _ rows: BinaryMatrix) -> Measurement {
    let columns = columns(of: rows)
    var logits = [Float](repeating: 0, count: rows.rowCount)
    return repeating { () throws(DensityError) in
      let cursor = evaluator.cursor(rowCount: rows.rowCount)
      for variable in evaluator.ordering.variables {
        cursor.nextLogits(into: &logits)
        cursor.advance(columns[variable])
      }
      return rows.rowCount
    }
  }

  private static func training<Model: TrainableDensity>(
    _ model: Model, _ rows: BinaryMatrix, _ configuration: TrainingConfiguration, _ batchSize: Int
  ) throws(DensityError) -> Measurement {
    var configuration = configuration
    configuration.batchSize = batchSize
    // The steps never reach the last epoch.
    configuration.epochCount = 1_000_000
    let trainer = try Trainer(
      model, data: DataSplits(name: "bench", train: rows), configuration: configuration)
    return { seconds, stopwatch throws(DensityError) in
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

  private static func repeating(_ call: @escaping () throws(DensityError) -> Int) -> Measurement {
    { (seconds, stopwatch) throws(DensityError) in
      let start = stopwatch.now
      var count = 0
      var elapsed = 0.0
      repeat {
        count += try call()
        elapsed = stopwatch.now - start
      } while elapsed < seconds
      return Double(count) / elapsed
    }
  }
}

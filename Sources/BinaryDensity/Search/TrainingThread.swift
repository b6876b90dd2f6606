import Essentials
import Kernels

/// Starts a thread that trains, on one processor.
func startTrainingThread(_ body: @escaping @Sendable () -> Void) {
  let status = startThread { Threads.run(on: 1, body) }
  precondition(status == 0, "the system starts no more threads: error \(status)")
}

extension Recipe {
  /// Returns how long a step takes on one processor, in seconds, by some that take no more than a time; nil if it cannot be made.
  func secondsPerStep(on data: DataSplits, within limit: Double, seed: UInt64) -> Double? {
    Threads.run(on: 1) {
      let model = try? model(for: data, order: 0, seed: seed, weightSeed: seed)
      return model.flatMap { secondsPerStep(of: $0, on: data, within: limit, seed: seed) }
    }
  }

  /// Does the same of a model of this recipe, on as many processors as there are; nil if it cannot be trained.
  func secondsPerStep<Model: TrainableDensity>(
    of model: Model, on data: DataSplits, within limit: Double, seed: UInt64
  ) -> Double? {
    let clock = ContinuousClock()
    let configuration = training(rowCount: data.trainingRowCount, seed: seed)
    guard let trainer = try? Trainer(model, data: data, configuration: configuration) else { return nil }
    var times: [ContinuousClock.Instant] = []
    let start = clock.now
    _ = try? trainer.run { (_) throws(DensityError) in
      times.append(clock.now)
      return times.count <= 50 && start.duration(to: clock.now).seconds < limit
    }
    guard let first = times.first, let last = times.last else { return nil }
    // Before the first step rows are shuffled, which is no part of a step; but one step is all there may have been.
    let seconds = times.count > 1 ? first.duration(to: last) / (times.count - 1) : start.duration(to: last)
    return max(seconds.seconds, 1e-9)
  }
}

/// Calls `body` with an observer that may throw errors of its own, whatever the observers are that `body` hands it to.
///
/// Long calls take a closure that is told how far they are and returns whether to go on. Most throw a `DensityError` or
/// nothing; with this one, they end with any error, such as a task's cancellation:
///
///     let outcome = try withObserver { (_: Double) in
///       try Task.checkCancellation()
///       return true
///     } in: { try inference.logMarginals(of: rows, observing: $0) }
///
/// - Parameters:
///   - observe: is told what happens, and returns whether to go on.
///   - body: makes the long call, with the observer that it is given.
/// - Throws: what `observe` throws, once the call has stopped, and what `body` throws.
public func withObserver<Event, Failure: Error, Result>(
  _ observe: (Event) throws(Failure) -> Bool, in body: (_ observe: (Event) -> Bool) throws -> Result
) throws -> Result {
  var failure: Failure?
  let result = withoutActuallyEscaping(observe) { observe in
    Swift.Result {
      try body { event in
        guard failure == nil else { return false }
        do throws(Failure) { return try observe(event) } catch {
          failure = error
          return false
        }
      }
    }
  }
  // That the call was stopped may be an error to it; why it was stopped is what happened first.
  if let failure { throw failure }
  return try result.get()
}

extension Trainer {
  /// Trains as `run(_:)` does, with an observer that throws errors of its own.
  ///
  /// After an error the training stands where it was, as after a stop, and goes on with the next `run`.
  /// - Throws: `DensityError.diverged`, and what `observe` throws.
  public func run<Failure: Error>(
    _ observe: (TrainingEvent) throws(Failure) -> Bool
  ) throws -> TrainingOutcome {
    try withObserver(observe) { try run($0) }
  }
}

extension TrainingRun {
  /// Trains a network as `train(_:_:observing:)` does, with an observer that throws errors of its own.
  ///
  /// After an error the run can be resumed, as after a stop.
  /// - Throws: what the other throws, and what `observe` throws.
  public func train<Failure: Error>(
    _ model: some TrainableDensity, _ configuration: TrainingConfiguration,
    observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) { try train(model, configuration, observing: $0) }
  }

  /// Goes on with a training as `resume(_:observing:)` does, with an observer that throws errors of its own.
  ///
  /// - Throws: what the other throws, and what `observe` throws.
  public func resume<Failure: Error>(
    _ saved: SavedTraining, observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) { try resume(saved, observing: $0) }
  }
}

extension DensitySearch {
  /// Searches as `run(_:)` does, with an observer that throws errors of its own.
  ///
  /// - Throws: what `observe` throws.
  public func run<Failure: Error>(_ observe: (Event) throws(Failure) -> Bool) throws -> Result {
    try withObserver(observe) { run($0) }
  }
}

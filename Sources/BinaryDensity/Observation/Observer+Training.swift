// Long calls whose observers may throw any error: each stops the call of the same name, and throws the error on.

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

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func run<Failure: Error>(
    savingTo directory: RunDirectory, every interval: Duration = .seconds(10),
    _ observe: (TrainingEvent) throws(Failure) -> Bool
  ) throws -> TrainingOutcome {
    try withObserver(observe) { try run(savingTo: directory, every: interval, $0) }
  }
}

extension TrainingRun {
  /// Trains a network as `train(_:_:observing:)` does, with an observer that throws errors of its own.
  ///
  /// After an error the run can be resumed, as after a stop.
  /// - Throws: what the call throws, and what `observe` throws.
  public func train<Failure: Error>(
    _ model: some TrainableDensity, _ configuration: TrainingConfiguration,
    observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) { try train(model, configuration, observing: $0) }
  }

  /// Goes on with a training as `resume(_:observing:)` does, with an observer that throws errors of its own.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func resume<Failure: Error>(
    _ saved: SavedTraining, observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) { try resume(saved, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func train<Failure: Error>(
    on labelled: LabelledSplits, memberCount: Int = 1, orderCount: Int = 1, isPerClass: Bool,
    discrimination: Double = 0, isResumed: Bool = false,
    observing observe: (RunEvent) throws(Failure) -> Bool,
    configuration: (_ rowCount: Int) -> TrainingConfiguration,
    _ model: (_ orderSeed: UInt64, _ weightSeed: UInt64) throws(DensityError) -> any TrainableDensity
  ) throws -> RunResult {
    try withObserver(observe) {
      try train(
        on: labelled, memberCount: memberCount, orderCount: orderCount, isPerClass: isPerClass,
        discrimination: discrimination, isResumed: isResumed, observing: $0, configuration: configuration,
        model)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func train<Failure: Error>(
    on labelled: LabelledSplits, from start: any Density, isResumed: Bool = false,
    observing observe: (RunEvent) throws(Failure) -> Bool,
    configuration: (_ rowCount: Int) -> TrainingConfiguration
  ) throws -> RunResult {
    try withObserver(observe) {
      try train(on: labelled, from: start, isResumed: isResumed, observing: $0, configuration: configuration)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func fit<Failure: Error>(
    _ kind: ModelKind, to labelled: LabelledSplits, componentCount: Int = 500, seed: UInt64 = 0,
    observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) {
      try fit(kind, to: labelled, componentCount: componentCount, seed: seed, observing: $0)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func trainMembers<Failure: Error>(
    _ count: Int, orderCount: Int = 1, _ configuration: TrainingConfiguration, isResumed: Bool = false,
    observing observe: (RunEvent) throws(Failure) -> Bool,
    _ model: (_ orderSeed: UInt64, _ weightSeed: UInt64) throws(DensityError) -> any TrainableDensity
  ) throws -> RunResult {
    try withObserver(observe) {
      try trainMembers(
        count, orderCount: orderCount, configuration, isResumed: isResumed, observing: $0, model)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func fit<Failure: Error>(
    _ kind: ModelKind, componentCount: Int = 500, seed: UInt64 = 0,
    observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) { try fit(kind, componentCount: componentCount, seed: seed, observing: $0) }
  }
}

extension DensitySearch {
  /// Searches as `run(_:)` does, with an observer that throws errors of its own.
  ///
  /// - Throws: what `observe` throws.
  public func run<Failure: Error>(_ observe: (Event) throws(Failure) -> Bool) throws -> Result {
    try withObserver(observe) { run($0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func run<Failure: Error>(
    savingTo path: String, _ observe: (Event) throws(Failure) -> Bool,
    keptAside: (_ aside: String) -> Void = { _ in }
  ) throws -> Result {
    try withObserver(observe) { try run(savingTo: path, $0, keptAside: keptAside) }
  }
}

extension Distillation {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func run<Failure: Error>(_ observe: (DensitySearch.Event) throws(Failure) -> Bool) throws -> Result {
    try withObserver(observe) { try run($0) }
  }
}

extension Density {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func measureKnownCells<Failure: Error>(
    of rows: PartialRows, named name: String, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> LikelihoodMeasurement? {
    try withObserver(observe) { try measureKnownCells(of: rows, named: name, observing: $0) }
  }
}

extension Reproduction {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func run<Failure: Error>(
    in directory: RunDirectory, data: DataSplits, _ training: TrainingConfiguration? = nil,
    observing observe: (RunEvent) throws(Failure) -> Bool
  ) throws -> RunResult {
    try withObserver(observe) { try run(in: directory, data: data, training, observing: $0) }
  }
}

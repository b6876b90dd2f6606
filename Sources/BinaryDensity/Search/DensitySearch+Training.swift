import Kernels

extension DensitySearch {
  /// A network that was trained, and what became of the training.
  struct Trained: Sendable {
    /// Nil if there was no time for one, or something went wrong.
    let density: (any Density)?
    let outcome: Outcome
  }

  /// Trains a network, on this thread.
  ///
  /// - Parameter isStopped: is asked at every step.
  static func train(
    _ assignment: Assignment, on data: DataSplits, seed: UInt64, isStopped: () -> Bool
  ) -> Trained {
    do {
      let weightSeed = seed &+ UInt64(1000 * (assignment.order + 1) + assignment.number)
      let model = try assignment.recipe.model(
        for: data, order: assignment.order, seed: seed, weightSeed: weightSeed)
      try checkShare(model, of: assignment.neighbourCount)
      return try train(model, assignment, on: data, weightSeed: weightSeed, isStopped: isStopped)
    } catch DensityError.interrupted {
      // There was no time to see how well it does.
      return Trained(density: nil, outcome: Outcome())
    } catch {
      return Trained(density: nil, outcome: Outcome(problem: "\(error)"))
    }
  }

  /// Refuses a network whose training takes more than its part of a quarter of the memory: parameters, their gradients
  /// and what Adam keeps of each.
  private static func checkShare(_ model: any TrainableDensity, of count: Int) throws(DensityError) {
    let bytes = 16 * Double(model.parameterCount) * Double(count)
    guard bytes > MachineMemory.limit / 4 else { return }
    throw .invalidConfiguration("training \(count) at a time takes more than a quarter of the memory")
  }

  private static func train<Model: TrainableDensity>(
    _ model: Model, _ assignment: Assignment, on data: DataSplits, weightSeed: UInt64, isStopped: () -> Bool
  ) throws(DensityError) -> Trained {
    let clock = ContinuousClock()
    let began = clock.now
    func elapsed() -> Double { began.duration(to: clock.now).seconds }
    func isOver() -> Bool { elapsed() >= assignment.secondsInAll || isStopped() }
    let trainer = try Trainer(
      model, data: data,
      configuration: assignment.recipe.training(rowCount: data.trainingRowCount, seed: weightSeed))
    _ = try trainer.run { (event) throws(DensityError) in
      switch event {
      case .step: elapsed() < assignment.seconds && !isStopped()
      case .validating, .completing: !isOver()
      case .epoch: true
      }
    }
    let seconds = elapsed()
    // Stopped in its first epoch a training has no figure yet.
    let density = trainer.progress.bestValidationNLL == nil ? trainer.model : trainer.best
    // What an order-agnostic network is judged by in training is a bound, and where cells are missing others have an estimate.
    let isFinal = !Model.takesMissingCells && !judgesByTable(data)
    let judged = isFinal ? trainer.progress.bestValidationNLL : nil
    guard let nll = judged ?? nll(density, data, while: { !isOver() }) else { throw .interrupted }
    guard nll.isFinite else { throw .invalidConfiguration("its validation figure is not finite") }
    return Trained(
      density: density,
      outcome: Outcome(
        nll: nll, isFinished: trainer.isFinished,
        peak: Double(trainer.progress.bestEpoch) / Double(trainer.progress.configuration.epochCount),
        secondsPerStep: seconds / Double(max(1, trainer.progress.step))))
  }
}

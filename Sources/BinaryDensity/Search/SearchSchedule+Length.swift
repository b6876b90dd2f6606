import Essentials

extension DensitySearch.Schedule {
  /// How many of the best recipes may be trained for longer at a time.
  private static let rivalCount = 3
  /// What a second network of a recipe gains beside the first, about, as a share of the NLL.
  private static let secondGain = 0.01
  /// How many longer trainings there must be time for where it is not known what length gains.
  private static let enoughTrainings = 6

  /// Returns the best recipe with more steps, if there is time for that and it should gain; while others train that, the next best
  /// recipes of as many steps, for what leads after few steps need not lead after many.
  func longer(_ state: DensitySearch.State, elapsed: Double) -> Recipe? {
    let ranked = state.trials.sorted()
    let rivals = ranked.filter { $0.recipe.stepCount == ranked[0].recipe.stepCount }
    let running = state.started.subtracting(ranked.map(\.recipe)).subtracting(state.failures)
    let trial = rivals.prefix(Self.rivalCount).first { trial in
      !running.contains { trial.recipe.isShorter(than: $0) }
    }
    return trial.flatMap { trial in
      let room = (end(state) - elapsed) / trial.secondsPerStep
      return lengthened(
        trial, state, room: room * Double(max(1, state.workersRunning)), longest: room / 1.1)
    }
  }

  /// Returns the recipe of a trial with two, four, eight or sixteen times its steps, whichever should end in the best mixture; nil if
  /// none is better than more networks of as many steps, or if it was at its best before its end.
  ///
  /// A doubling of the steps gains about half of what the last one gained, and S networks gain about 2e(1 − 1/S) where the second
  /// gains e. Where it is not known what length gains, a doubling is tried if that leaves time for some more trainings.
  /// - Parameters:
  ///   - room: how many steps there is time for, of all that train together.
  ///   - longest: how many one training may have.
  func lengthened(_ trial: DensitySearch.Trial, _ state: DensitySearch.State, room: Double, longest: Double)
    -> Recipe?
  {
    let recipe = trial.recipe
    // What is being trained for longer, or was and is not the better one, has been long enough.
    guard trial.peak > 0.8, !state.started.contains(where: { recipe.isShorter(than: $0) }) else {
      return nil
    }
    func lengthened(by factor: Int) -> Recipe {
      var longer = recipe
      longer.stepCount *= factor
      return longer.roundedToEpochs(rowCount: rowCount)
    }
    func trainings(_ factor: Int) -> Double {
      (room / Double(lengthened(by: factor).stepCount)).rounded(.down)
    }
    guard let doubling = gainOfDoubling(trial, state) else {
      return trainings(2) >= Double(Self.enoughTrainings) ? lengthened(by: 2) : nil
    }
    func gain(_ factor: Int) -> Double {
      // The network of the trial is there already.
      let count = factor == 1 ? 1 + trainings(1) : trainings(factor)
      return doubling * (1 - 1 / Double(factor)) - 2 * Self.secondGain * abs(trial.nll) / count
    }
    let possible = [2, 4, 8, 16].filter {
      trainings($0) >= 1 && Double(lengthened(by: $0).stepCount) <= min(longest, Recipe.mostSteps)
    }
    // Less than that nobody would see.
    let least = max(state.tolerance, 1e-4)
    guard let best = possible.max(by: { gain($0) < gain($1) }), gain(best) > gain(1) + least else {
      return nil
    }
    return lengthened(by: best)
  }

  /// What a doubling of the steps has gained, in nats: of the trial, against the longest of those that were shorter; nil if there
  /// is none.
  private func gainOfDoubling(_ trial: DensitySearch.Trial, _ state: DensitySearch.State) -> Double? {
    let shorter = state.trials.filter { $0.recipe.isShorter(than: trial.recipe) }
    return shorter.max { $0.recipe.stepCount < $1.recipe.stepCount }.map { shorter in
      (shorter.nll - trial.nll) / log2(Double(trial.recipe.stepCount) / Double(shorter.recipe.stepCount))
    }
  }
}

import Essentials
import Kernels

extension SmallTableSearch {
  /// Returns what is to be tried next; nil if there is nothing more that would be worth it.
  ///
  /// - Parameter room: what the recipe's networks are to have room in; it has fewer units where that is needed.
  static func next(
    _ shared: Shared, _ stepCount: Int, climbs: Bool, isQuick: Bool, in room: Room, while goesOn: () -> Bool
  ) -> Recipe? {
    while goesOn() {
      let (recipe, isOver) = shared.state.withLock { state -> (Recipe?, Bool) in
        var first = Recipe.firstOfSmallTables(stepCount: stepCount)
        if isQuick { first = [first[0]] }
        func new(_ recipes: [Recipe]) -> [Recipe] {
          recipes.compactMap { $0.shrunk(until: room.holds) }.filter { !state.started.contains($0) }
        }
        var candidates = new(first)
        // What few rows say of many recipes is luck.
        if candidates.isEmpty, climbs, state.started.count < 100 {
          let best = state.tried.min { $0.nll < $1.nll }
          candidates = best.map { new($0.recipe.neighbours(peak: $0.peak)) } ?? []
        }
        guard let recipe = candidates.first else { return (nil, state.runningCount == 0) }
        state.started.insert(recipe)
        state.runningCount += 1
        return (recipe, false)
      }
      if let recipe { return recipe }
      if isOver { return nil }
      // What others are at may lead to more.
      usleep(10_000)
    }
    return nil
  }

  /// Tries a recipe on folds.
  ///
  /// - Returns: the trial; nil if `goesOn` said no, or something went wrong.
  @discardableResult
  static func attempt(
    _ recipe: Recipe, _ shared: Shared, _ folds: Folds, orderCount: Int = 1, seed: UInt64,
    while goesOn: () -> Bool
  ) -> FoldTrial? {
    let start = ContinuousClock.now
    defer { shared.state.withLock { $0.runningCount -= 1 } }
    func entry(_ name: String, _ nll: Double) -> Entry {
      Entry(name: name, kind: .recipe, validationNLL: nll, seconds: start.duration(to: .now).seconds)
    }
    // Figures of one fold do not compare with those of all.
    let isOneOfMany = folds.parts.count == 1 && folds.whole.validation == nil
    do throws(DensityError) {
      guard let trial = try FoldTrial(recipe, folds, orderCount: orderCount, seed: seed, while: goesOn) else {
        return nil
      }
      shared.state.withLock { state in
        state.tried.append((recipe, trial.nll, trial.peak))
        if trial.nll < state.best?.nll ?? .infinity { state.best = trial }
      }
      if !isOneOfMany { shared.add(entry("\(recipe)", trial.nll)) }
      return trial
    } catch {
      // A recipe that diverges, or that the machine cannot hold, is a recipe that did not do well.
      shared.add(entry("\(recipe): \(error)", .infinity))
      return nil
    }
  }

  /// Returns a network of a trial's recipe in an order, of all rows; nil if `goesOn` says no.
  static func network(
    _ trial: FoldTrial, _ folds: Folds, order: Int, number: Int, seed: UInt64, while goesOn: () -> Bool
  ) throws(DensityError) -> (any Density)? {
    if !folds.isRefitted && order == 0 && number == 0 { return trial.firstNetwork }
    let data = folds.whole
    let weightSeed = seed &+ UInt64(1000 * number + order)
    var configuration = trial.recipe.training(rowCount: data.train.rowCount, seed: weightSeed)
    configuration.patience = folds.isRefitted ? nil : configuration.patience
    func train<Model: TrainableDensity>(_ model: Model) throws(DensityError) -> (any Density)? {
      let trainer = try Trainer(model, data: data, configuration: configuration)
      var isStopped = false
      _ = try trainer.run { (event) throws(DensityError) in
        isStopped = !goesOn()
        guard case .step(let progress) = event, folds.isRefitted else { return !isStopped }
        return !isStopped && progress.step < trial.stepCount
      }
      return isStopped ? nil : folds.isRefitted ? trainer.model : trainer.best
    }
    let model = try trial.recipe.model(for: data, order: order, seed: seed, weightSeed: weightSeed)
    return try train(model)
  }
}

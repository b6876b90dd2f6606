import Kernels

extension DensitySearch {
  /// What a search that counts steps is to do next, stage by stage: a stage is planned when all before it is done.
  package struct SteppedPlan {
    /// What comes next.
    enum Stage: Equatable {
      /// Recipes by a part of their training; the best third of them go to the next rung, and are trained for three times as long.
      case rung(Int)
      /// What differs in one thing from the best.
      case neighbours
      /// The best, for longer.
      case longer
      /// The first two members, by which it is measured what orders and numbers gain.
      case firstMembers
      case members
      case end
    }

    var stage = Stage.rung(0)
    /// What is planned and not begun.
    var queue: [Work] = []
    /// The recipes of the stage.
    var recipes: [Recipe] = []
    /// How many steps are planned so far.
    var stepCount = 0
    /// The best figure when neighbours were last tried.
    var nllBefore = Double.infinity
    /// Whether there ever was a plan.
    var isBegun: Bool { stage != .rung(0) }
  }
}

extension DensitySearch.Schedule {
  private typealias Work = DensitySearch.Work
  private typealias State = DensitySearch.State

  /// The most rungs after the first: 3⁵ = 243 recipes, so that a hundred machines have something to do.
  private static let mostRungs = 4

  /// Returns how many rungs a search of so many steps has after the first, and how long a whole training is.
  ///
  /// Each rung takes as long as three whole trainings, and neighbours after them four.
  private func shape(_ stepBudget: Int) -> (rungCount: Int, whole: Int) {
    let share = searchShare * Double(stepBudget)
    func cost(_ rungs: Int) -> Double { Double(3 * (rungs + 1) + 4) }
    // More recipes where whole trainings have all the steps that they need.
    let rungs =
      (0...Self.mostRungs).last {
        cost($0) * ($0 <= 2 ? 600 : Double(DensitySearch.longestStepCount)) <= share
      } ?? 0
    return (rungs, min(DensitySearch.longestStepCount, max(100, Int(share / cost(rungs)))))
  }

  /// Returns what to do next where steps are counted; nil for nothing more.
  ///
  /// A stage is planned from what the stages before it have found and from nothing else, so that what a search of so many steps
  /// finds does not depend on how many train for it, or how fast.
  func nextPlanned(_ state: inout DensitySearch.State, stepBudget: Int) -> DensitySearch.Work? {
    guard !state.isStopped else { return nil }
    while state.plan.queue.isEmpty {
      guard state.runningTrials == 0, state.runningMembers.isEmpty else { return .wait }
      guard state.plan.stage != .end else { return nil }
      plan(&state, stepBudget)
    }
    let work = state.plan.queue.removeFirst()
    switch work {
    case .trial(let recipe, _):
      state.started.insert(recipe)
      state.runningTrials += 1
    case .member(_, let order, let number, _):
      state.runningMembers.append([order, number])
      state.phase = "training members"
    case .wait: break
    }
    return work
  }

  /// Plans a stage, which may have nothing in it.
  private func plan(_ state: inout DensitySearch.State, _ stepBudget: Int) {
    let (rungCount, whole) = shape(stepBudget)
    let left = stepBudget - state.plan.stepCount
    switch state.plan.stage {
    case .rung(let rung):
      state.stepCount = whole
      let stepCount = max(100, whole / pow(3, rungCount - rung))
      let recipes = rung == 0 ? firstRecipes(pow(3, rungCount + 1), stepCount) : promoted(state, stepCount)
      add(recipes, &state)
      state.plan.stage = rung < rungCount ? .rung(rung + 1) : .neighbours
    case .neighbours:
      let room = Int(searchShare * Double(stepBudget)) - state.plan.stepCount
      let best = state.trials.min()
      let recipes = best.map { neighbours(of: $0, state, room: room) } ?? []
      // As long as there is room and something is gained.
      let goesOn = !recipes.isEmpty && (best?.nll ?? .infinity) < state.plan.nllBefore
      state.plan.nllBefore = best?.nll ?? .infinity
      if goesOn { add(recipes, &state) } else { state.plan.stage = .longer }
    case .longer:
      state.plan.stage = .firstMembers
      // An eighth at the most, since all others wait for it.
      guard let best = state.trials.min(),
        let longer = lengthened(best, state, room: Double(left), longest: Double(left) / 8),
        !state.started.contains(longer)
      else { return }
      add([longer], &state)
      state.plan.stage = .longer
    case .firstMembers:
      addMembers(2, left, &state)
      state.plan.stage = .members
    case .members:
      addMembers(.max, left, &state)
      state.plan.stage = .end
    case .end: break
    }
  }

  /// Plans trials of recipes, of each once.
  private func add(_ recipes: [Recipe], _ state: inout DensitySearch.State) {
    state.plan.recipes = []
    for recipe in recipes {
      let recipe = recipe.roundedToEpochs(rowCount: rowCount)
      guard !state.started.contains(recipe), !state.plan.recipes.contains(recipe) else { continue }
      state.plan.recipes.append(recipe)
      state.plan.queue.append(.trial(recipe, until: budget))
      state.plan.stepCount += recipe.stepCount
    }
  }

  /// Plans as many members as there are steps and space for.
  private func addMembers(_ most: Int, _ left: Int, _ state: inout DensitySearch.State) {
    guard let best = state.best else { return }
    var left = left
    var count = 0
    while count < most, left >= best.recipe.stepCount,
      state.needsMembers(parameterCount: best.density.parameterCount, besides: count)
    {
      let (order, number) = nextMember(of: best.recipe, &state)
      state.plan.queue.append(.member(best.recipe, order: order, number: number, isShortened: false))
      state.plan.stepCount += best.recipe.stepCount
      left -= best.recipe.stepCount
      count += 1
    }
  }

  /// Returns the first recipes of a search, and others that are drawn: some changes away from one of these.
  private func firstRecipes(_ count: Int, _ stepCount: Int) -> [Recipe] {
    let first = firstRecipes(stepCount: stepCount)
    var recipes = Array(first.prefix(count))
    var draw: UInt64 = 0
    while recipes.count < count, draw < 20 * UInt64(count) {
      var generator = Philox(seed: seed, stream: .recipes, index: draw)
      draw += 1
      var recipe = first[generator.integer(below: first.count)]
      for _ in 0...generator.integer(below: 4) {
        let others = recipe.neighbours(peak: 0.7, canShift: canShift).filter {
          $0.stepCount == recipe.stepCount
        }
        if !others.isEmpty { recipe = others[generator.integer(below: others.count)] }
      }
      if !recipes.contains(recipe) { recipes.append(recipe) }
    }
    return recipes.compactMap(shrunk)
  }

  /// Returns the best third of the last rung's recipes, with as many steps as those of this one.
  private func promoted(_ state: DensitySearch.State, _ stepCount: Int) -> [Recipe] {
    let trials = state.plan.recipes.compactMap { recipe in state.trials.first { $0.recipe == recipe } }
    let ranked = trials.sorted()
    return ranked.prefix(max(1, state.plan.recipes.count / Self.promotionRate)).map { trial in
      var recipe = trial.recipe
      recipe.stepCount = max(recipe.stepCount, stepCount)
      return recipe
    }
  }

  /// Returns what differs in one thing from a recipe, as far as there is room for their steps.
  private func neighbours(of trial: DensitySearch.Trial, _ state: DensitySearch.State, room: Int) -> [Recipe]
  {
    var room = room
    let recipes = self.neighbours(of: trial).compactMap(shrunk)
      .map { $0.roundedToEpochs(rowCount: rowCount) }
    return recipes.filter { !state.started.contains($0) }.prefix { recipe in
      room -= recipe.stepCount
      return room >= 0
    }
  }
}

/// An integer power, of an exponent that is not negative.
private func pow(_ base: Int, _ exponent: Int) -> Int {
  (0..<exponent).reduce(1) { value, _ in value * base }
}

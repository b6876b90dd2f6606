import Kernels

extension DensitySearch {
  /// What a worker is told to do.
  package enum Work {
    /// To try a recipe, until so many seconds of the search have passed.
    case trial(Recipe, until: Double)
    /// To train a network of a recipe: of which order, and which one of that order.
    case member(Recipe, order: Int, number: Int, isShortened: Bool)
    /// Nothing yet: what others are at leads to more.
    case wait
  }

  /// How a search shares out its time: what a worker does next.
  ///
  /// Where there is no time for whole trainings of many recipes, they are tried by a quarter of their training first, and a third of
  /// those, the best, by the whole of it (successive halving, without waiting for each other). That favours what learns fast
  /// over what, much regularised, ends up better; so where there is time, all are tried by the whole. What a whole training takes
  /// is known by then, so that none begins for which there is no time.
  /// - Source: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar, A system for massively parallel
  ///   hyperparameter tuning, MLSys 2020, algorithm 2.
  package struct Schedule {
    /// How long the search may take, and what of that it had used before it went on; in seconds.
    let budget: Double
    let used: Double
    /// How many steps it may take instead, if they are counted.
    let stepBudget: Int?
    let seed: UInt64
    /// How many of its rows are for training.
    let rowCount: Int
    let imageShape: ImageShape?
    /// Whether training rows have missing cells.
    let hasMissingCells: Bool
    /// Whether validation rows have missing cells.
    let estimatesValidation: Bool
    /// Whether training rows are pictures that may be moved.
    let canShift: Bool
    /// Whether each pass draws the training rows anew, from grey levels.
    private let drawsRowsAnew: Bool
    /// Whether the file of a recipe's network is small enough.
    private let isSmallEnough: @Sendable (Recipe) -> Bool

    /// What part of a training tells whether the whole is worth its time: one in so many steps.
    private static let shortening = 4
    /// How many recipes are tried shortly for one that is tried in full.
    static let promotionRate = 3
    /// After how much training without a gain, in whole trainings, members are worth more than other recipes, at the least.
    private static let leastPatience = 8.0
    /// What share of the trainings that there is time for may pass without a gain: where there are hundreds, a quarter fewer members
    /// costs nothing that shows.
    private static let idleShare = 0.25
    /// The share of the time that is for distilling, where that is done.
    private static let distillingShare = 0.25

    // A picture's recipes take minutes, and differ by less than a second member gains.
    var searchShare: Double { imageShape == nil ? 0.45 : 0.25 }
    private var searchEnd: Double { searchShare * budget }
    /// Until when a trial may go on that has begun; of a search that goes on, in the time that it is given anew.
    var trialEnd: Double { used + (searchShare + 0.1) * (budget - used) }
    /// When the last network is to be done; the rest of the time is for evaluating mixtures, which takes longer where cells
    /// of the validation rows are missing, and for distilling them.
    package func end(_ state: State) -> Double {
      let share = (estimatesValidation ? 0.8 : 0.94) - (distils(state) ? Self.distillingShare : 0)
      return used + share * (budget - used)
    }

    /// Whether there is time enough to distil, its share being four times what the best network took or more, and the table has
    /// no rows left that a training does not see, nor draws them anew.
    ///
    /// Otherwise more members are worth more, or longer trainings.
    func distils(_ state: State) -> Bool {
      guard stepBudget == nil, let recipe = state.best?.recipe, !drawsRowsAnew,
        !recipe.leavesRows(of: rowCount), let pace = secondsPerStep(recipe, state)
      else { return false }
      return Self.distillingShare * (budget - used) >= 4 * pace * Double(recipe.stepCount)
    }

    /// - Parameters:
    ///   - budget: all the time of the search, in seconds.
    ///   - used: what it has used of that before.
    ///   - byteLimit: the largest file that a network may take in half precision, in bytes; nil for any.
    ///   - stepBudget: how many steps it may take instead; nil to go by the time.
    ///   - seed: the seed of recipes that are drawn.
    package init(
      _ data: DataSplits, budget: Double, used: Double = 0, byteLimit: Int? = nil, stepBudget: Int? = nil,
      seed: UInt64 = 0
    ) {
      self.budget = budget
      self.used = used
      self.stepBudget = stepBudget
      self.seed = seed
      rowCount = data.trainingRowCount
      imageShape = data.imageShape
      hasMissingCells = data.partialRows(.train) != nil
      estimatesValidation = data.partialRows(.validation) != nil
      canShift = data.canShift
      drawsRowsAnew = data.drawsRowsAnew
      isSmallEnough = { recipe in
        guard let byteLimit else { return true }
        let model = try? recipe.model(for: data, order: 0, seed: 0, weightSeed: 0)
        // What cannot be made fails where it is tried.
        return model.map { DensitySearch.byteCount(of: $0, data, inHalfPrecision: true) <= byteLimit } ?? true
      }
    }

    /// Returns the recipe with as many units as the wanted file has room for; nil if it has none.
    func shrunk(_ recipe: Recipe) -> Recipe? { recipe.shrunk(until: isSmallEnough) }

    /// Returns what to do after `elapsed` seconds, and takes note of it; nil for nothing more.
    package func next(_ state: inout State, elapsed: Double) -> Work? {
      if let stepBudget { return nextPlanned(&state, stepBudget: stepBudget) }
      let end = end(state)
      guard !state.isStopped, elapsed < end else { return nil }
      func trial(_ recipe: Recipe, until end: Double) -> Work {
        state.started.insert(recipe)
        state.wanted.removeAll { $0 == recipe }
        state.runningTrials += 1
        return .trial(recipe, until: end)
      }
      if let recipe = nextRecipe(state, elapsed: elapsed) {
        // However long the baselines took, a network is tried.
        return trial(recipe, until: isUntried(state) && elapsed >= searchEnd ? end : trialEnd)
      }
      guard let best = state.best else { return state.runningTrials > 0 ? .wait : nil }
      if let longer = longer(state, elapsed: elapsed) { return trial(longer, until: end) }
      guard state.needsMembers(parameterCount: best.density.parameterCount) else { return nil }
      guard let recipe = affordable(best.recipe, state, seconds: end - elapsed) else { return nil }
      let (order, number) = nextMember(of: best.recipe, &state)
      state.runningMembers.append([order, number])
      if state.runningTrials == 0 { state.phase = "training members" }
      return .member(recipe, order: order, number: number, isShortened: recipe != best.recipe)
    }

    /// Returns the order and the number of the next member, and takes note of them.
    func nextMember(of recipe: Recipe, _ state: inout State) -> (order: Int, number: Int) {
      let order = DensitySearch.nextOrder(
        counts: state.memberNumbers.map(\.count), orderCount: recipe.orderCount(imageShape: imageShape),
        depth: state.depth ?? 1)
      if order == state.memberNumbers.count { state.memberNumbers.append([]) }
      let taken = state.memberNumbers[order]
      let number = (0...taken.count).first { !taken.contains($0) } ?? taken.count
      state.memberNumbers[order].append(number)
      return (order, number)
    }

    /// Returns the recipe with as many of its steps as there is time for; nil if that is less than a quarter of them.
    private func affordable(_ recipe: Recipe, _ state: State, seconds: Double) -> Recipe? {
      guard let pace = secondsPerStep(recipe, state), pace > 0 else { return recipe }
      let steps = 0.9 * seconds / pace
      if steps >= Double(recipe.stepCount) { return recipe }
      guard steps >= Double(recipe.stepCount) / 4 else { return nil }
      var shortened = recipe
      shortened.stepCount = Int(steps)
      shortened = shortened.roundedToEpochs(rowCount: rowCount)
      return shortened.stepCount < recipe.stepCount ? shortened : recipe
    }

    /// How long a step of the recipe took, or of one of the same network.
    private func secondsPerStep(_ recipe: Recipe, _ state: State) -> Double? {
      (state.trials.first { $0.recipe == recipe } ?? state.trials.last { $0.recipe.network == recipe.network })?
        .secondsPerStep
    }

    // MARK: Recipes

    /// Whether no recipe has been tried to its end, nor is one to be tried again.
    private func isUntried(_ state: State) -> Bool { state.trials.isEmpty && state.wanted.isEmpty }

    /// The recipes that a search of these data begins with.
    package func firstRecipes(stepCount: Int) -> [Recipe] {
      Recipe.first(
        stepCount: stepCount, hasMissingCells: hasMissingCells, isOfPictures: imageShape != nil)
    }

    /// The recipe to be tried next: one whose short trial was promising, or else one that nobody has tried: the first
    /// ones, then the neighbours of the best so far, or of the next best where there are none left. (Of five and no more:
    /// the more are tried, the luckier the best is.)
    private func nextRecipe(_ state: State, elapsed: Double) -> Recipe? {
      if let lost = state.wanted.first, elapsed < trialEnd { return lost }
      guard isUntried(state) || elapsed < searchEnd, state.idleEffort < patience(state, elapsed: elapsed)
      else { return nil }
      func isNew(_ recipe: Recipe) -> Bool {
        guard !state.started.contains(recipe) else { return false }
        let seconds = secondsPerStep(recipe, state).map { $0 * Double(recipe.stepCount) } ?? 0
        return state.best == nil || elapsed + seconds < trialEnd
      }
      let first = firstRecipes(stepCount: shortCount(ofWhole: state.stepCount, state))
      let ranked = state.trials.sorted()
      let short = ranked.filter { shortens(state) && isShort($0.recipe, state) }
      let promoted = short.prefix(short.count / Self.promotionRate).filter { $0.peak >= 0.5 }
        .map { whole($0.recipe, state) }
      let neighbours = ranked.prefix(5).lazy.flatMap { trial in
        self.neighbours(of: trial).map {
          // What differs in its length is tried at that length.
          $0.stepCount == trial.recipe.stepCount ? shortened($0, state) : $0
        }
      }
      func firstNew(_ recipes: some Sequence<Recipe>) -> Recipe? {
        recipes.lazy.map { $0.roundedToEpochs(rowCount: rowCount) }.filter(isNew).compactMap(shrunk)
          .first(where: isNew)
      }
      return firstNew(promoted) ?? firstNew(first) ?? firstNew(neighbours)
    }

    /// How much training without a gain is enough, in whole trainings.
    private func patience(_ state: State, elapsed: Double) -> Double {
      guard !state.trials.isEmpty else { return Self.leastPatience }
      let pace = state.trials.reduce(0) { $0 + $1.secondsPerStep } / Double(state.trials.count)
      let seconds = pace * Double(state.stepCount)
      let room = (end(state) - elapsed) * Double(max(1, state.workersRunning)) / max(seconds, 1e-9)
      return max(Self.leastPatience, Self.idleShare * room)
    }

    /// The recipes that differ in one thing from a trial's.
    ///
    /// Those of pictures are made longer when the search is over.
    func neighbours(of trial: DensitySearch.Trial) -> [Recipe] {
      trial.recipe.neighbours(peak: trial.peak, canShift: canShift).filter {
        imageShape == nil || $0.stepCount <= trial.recipe.stepCount
      }
    }

    /// Whether recipes are tried shortly first: those of pictures take minutes each however much time there is.
    private func shortens(_ state: State) -> Bool {
      imageShape != nil || state.stepCount < DensitySearch.longestStepCount
    }

    private func shortCount(ofWhole count: Int, _ state: State) -> Int {
      shortens(state) ? max(100, count / Self.shortening) : count
    }

    /// How many steps a whole training has, of a first recipe of this family.
    private func usualCount(_ recipe: Recipe, _ state: State) -> Int {
      if case .eonade = recipe.network { 3 * state.stepCount } else { state.stepCount }
    }

    private func isShort(_ recipe: Recipe, _ state: State) -> Bool {
      2 * recipe.stepCount <= usualCount(recipe, state)
    }

    private func whole(_ recipe: Recipe, _ state: State) -> Recipe {
      var recipe = recipe
      recipe.stepCount = usualCount(recipe, state)
      return recipe
    }

    private func shortened(_ recipe: Recipe, _ state: State) -> Recipe {
      var recipe = recipe
      recipe.stepCount = min(recipe.stepCount, shortCount(ofWhole: usualCount(recipe, state), state))
      return recipe
    }
  }

  /// Returns the order that the next member should have.
  ///
  /// If a second member of an order gains e nats and a second order m, then S members in each of M orders gain about
  /// 2e(1 − 1/S) + 2m(1 − 1/M): as errors that are averaged do. For a given S · M that is most where S / M = e / m,
  /// the `depth`.
  /// - Parameter counts: how many members each order has.
  package static func nextOrder(counts: [Int], orderCount: Int, depth: Double) -> Int {
    // The first two serve to measure the depth.
    if counts.isEmpty || counts[0] < 2 { return 0 }
    if counts.count < 2 { return 1 }
    let total = Double(counts.reduce(1, +))
    if counts.count < orderCount, Double(counts.count) < (total / depth).squareRoot() { return counts.count }
    return counts.indices.min { (counts[$0], $0) < (counts[$1], $1) } ?? 0
  }
}

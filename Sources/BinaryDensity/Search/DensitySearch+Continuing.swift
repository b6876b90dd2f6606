import Kernels

extension DensitySearch {
  /// Returns the state that a search goes on from, without the networks that no wanted file has room for.
  func restored(_ saved: SavedSearch, _ observe: (Event) -> Bool) -> State {
    let record = saved.record
    var state = State()
    state.stepCount = record.stepCount
    state.failures = record.failures
    state.depth = record.depth
    state.tries = record.tries
    state.leaderboard = record.tries
    state.bestNetworkNLL = record.tries.map(\.validationNLL).min() ?? .infinity
    let schedule = schedule
    func hasRoom(_ recipe: Recipe) -> Bool { schedule.shrunk(recipe) == recipe }
    state.members = saved.members.filter { hasRoom($0.recipe) }
    state.best = saved.best.flatMap { hasRoom($0.recipe) ? $0 : nil }
    state.memberNumbers = record.memberNumbers
    state.trials = record.trials.filter { hasRoom($0.recipe) }
    let bestRecipe = state.trials.min()?.recipe
    if saved.hasEnded, let bestRecipe {
      let networks = saved.found?.mixedNetworks ?? []
      if networks.isEmpty {
        // Of a table of probabilities, or a baseline, training starts anew.
        state.memberNumbers = [[0]]
      } else {
        state.droppedCount = max(0, state.memberNumbers.reduce(0) { $0 + $1.count } - networks.count)
      }
      for (index, network) in networks.enumerated() {
        // What a file's networks do is not in it, nor which they are: they have numbers that no others are given.
        guard let nll = nll(network, observe) else { break }
        let member = Network(
          recipe: bestRecipe, order: 0, number: Network.firstUnknown + index, density: network, nll: nll,
          isComplete: true)
        if state.best == nil { state.best = member } else { state.addMember(member) }
      }
      state.isBestUnsaved = state.best != nil
    }
    for network in saved.lost where network.isMember && network.order < state.memberNumbers.count {
      var recipe = network.recipe
      // The last members are trained for less.
      recipe.stepCount = bestRecipe?.stepCount ?? 0
      if recipe == bestRecipe { state.memberNumbers[network.order].removeAll { $0 == network.number } }
    }
    if state.best == nil, let bestRecipe {
      state.wanted = [bestRecipe]
      state.trials.removeAll { $0.recipe == bestRecipe }
    }
    state.started = Set(state.trials.map(\.recipe) + state.failures)
    return state
  }

  private func nll(_ density: any Density, _ observe: (Event) -> Bool) -> Double? {
    logProbabilities(of: density, observe).map(Self.nll(of:))
  }

  /// Makes sure that a search goes on with the rows that it began with.
  ///
  /// - Throws: `DensityError.mismatch`, which says what differs.
  func check(_ saved: SavedSearch) throws(DensityError) {
    let (before, now) = (saved.record.data, data.fingerprint)
    guard !before.describesTheSameData(as: now) else { return try checkGroups(saved) }
    func differing(_ expected: String, _ found: String) -> DensityError {
      .mismatch(
        path: saved.path, expected: "the table that the search began with, \(expected)",
        found: "\(found); without --resume a new search begins")
    }
    if before.columnCount != now.columnCount {
      throw differing("\(before.columnCount) columns", "\(now.columnCount)")
    }
    if before.rowCount != now.rowCount {
      throw differing("\(before.rowCount) training rows", "\(now.rowCount)")
    }
    if before.binarization != now.binarization {
      throw differing(
        "binarized: \(before.binarization ?? "not")", "binarized: \(now.binarization ?? "not")")
    }
    throw differing("\(before)", "other cells (\(now))")
  }

  /// Makes sure that the networks which there are keep the groups that are to be kept.
  private func checkGroups(_ saved: SavedSearch) throws(DensityError) {
    guard saved.record.groups != data.groups?.groups else { return }
    func words(_ groups: [[Int]]?) -> String {
      groups.map { $0.map { ColumnGroups.text(of: $0) }.joined(separator: ", ") } ?? "none"
    }
    throw .mismatch(
      path: saved.path,
      expected: "the groups of columns that the search began with: \(words(saved.record.groups))",
      found: "\(words(data.groups?.groups)); without --resume a new search begins")
  }
}

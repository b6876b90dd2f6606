import Essentials
import Kernels

extension DensitySearch {
  /// Searches until the time is over or more networks would gain nothing, or until the observer says to stop.
  ///
  /// - Parameter observe: is called on this thread some ten times a second, and returns whether to go on. After a
  ///   stop the best so far is returned.
  public func run(_ observe: (Event) -> Bool = { _ in true }) -> Result { run(in: nil, observe) }

  /// Does the same, and keeps what there is in a folder as soon as there is more.
  func run(in folder: SearchFolder?, _ observe: (Event) -> Bool) -> Result {
    if let folds {
      return SmallTableSearch(folds, budget: budget, seed: seed, byteLimit: byteLimit).run(observe)
    }
    began = clock.now - .seconds(used)
    let isQuick = budget == 0
    // With no more time than was used, what there is is mixed for as long as that takes.
    deadline = budget > used ? began + .seconds(budget) : nil
    addBaselines(observe)
    var state = saved.map { restored($0, observe) } ?? State()
    let workers = isQuick || budget > used ? Threads.count : 0
    if state.stepCount == 0, !isStopRequested, stepBudget == nil {
      state.stepCount = isQuick ? 1000 : usualStepCount(workers: workers)
    }
    var terms = RunningMean()
    terms.add(baselines.last?.terms ?? [])
    state.tolerance = terms.count > 1 ? 0.05 * terms.standardError : 0
    let remotes = workers > 0 && !isQuick ? team?.slots ?? [] : []
    state.workersRunning = workers + remotes.count
    state.isStopped = isStopRequested
    shared.state.withLock { before in
      let (events, leaderboard) = (before.events, before.leaderboard)
      before = state
      before.events = events
      before.leaderboard = (state.leaderboard + leaderboard).sorted { $0.validationNLL < $1.validationNLL }
    }
    start(workers, remotes, isQuick: isQuick)
    watch(folder, observe)
    // What it had found is a candidate still, so that more time makes nothing worse.
    let earlier = saved?.found.flatMap { found in
      lastLogProbabilities(of: found, observe).map {
        MixtureSelection.Candidate(name: "what was found before", found, terms: $0)
      }
    }
    return finished(earlier: earlier, observe)
  }

  /// How the time is shared out.
  var schedule: Schedule {
    budget == 0
      ? Schedule(data, budget: Self.quickBudget, byteLimit: byteLimit)
      : Schedule(
        data, budget: budget, used: used, byteLimit: byteLimit, stepBudget: stepBudget, seed: seed)
  }

  /// Starts the threads that train, and those that wait for what others train.
  private func start(_ workers: Int, _ remotes: [Team.Slot], isQuick: Bool) {
    let (shared, data, seed, began, schedule, team) = (shared, data, seed, began, schedule, team)
    for worker in 0..<workers + remotes.count {
      startTrainingThread {
        Worker(
          shared: shared, data: data, seed: seed, start: began, schedule: schedule, isQuick: isQuick,
          number: worker, count: workers,
          remote: worker < workers ? nil : team.map { ($0, remotes[worker - workers]) }
        ).run()
        shared.state.withLock { $0.workersRunning -= 1 }
        shared.wake.signal()
      }
    }
  }

  /// Tells of what the threads do, and keeps it, until they are done.
  private func watch(_ folder: SearchFolder?, _ observe: (Event) -> Bool) {
    var folder = folder
    var lastKept: ContinuousClock.Instant?
    while true {
      let news = shared.state.withLock { state in
        defer {
          state.events = []
          state.unsavedMembers = []
          state.isBestUnsaved = false
        }
        return state
      }
      for event in news.events { tell(event, observe) }
      for rank in team?.takeLost() ?? [] { tell(.lost(process: rank), observe) }
      let hasNetworks = news.isBestUnsaved || !news.unsavedMembers.isEmpty
      if let kept = folder,
        hasNetworks || isStopRequested || lastKept.map({ clock.now - $0 > .seconds(10) }) ?? true
      {
        do throws(DensityError) {
          try kept.keep(
            best: news.isBestUnsaved ? news.best : nil, members: news.unsavedMembers, record(of: news))
        } catch {
          tell(.unsaved(error), observe)
          folder = nil
        }
        lastKept = clock.now
      }
      let best = news.leaderboard.first?.validationNLL
      tell(.progress(phase: news.phaseText, fraction: fraction, best: best), observe)
      if isStopRequested { shared.state.withLock { $0.isStopped = true } }
      // Whoever has said to stop does not wait for a long step.
      if news.workersRunning == 0 || isStopRequested && isAlmostOver { break }
      _ = shared.wake.wait(timeout: .now() + 0.1)
    }
  }

  /// What the search knows by now besides its networks.
  var record: SearchRecord { record(of: shared.state.withLock(\.self)) }

  private func record(of state: State) -> SearchRecord {
    SearchRecord(
      seed: seed, data: data.fingerprint, groups: data.groups, budget: budget,
      seconds: budget == 0 ? 0 : began.duration(to: clock.now).seconds, estimatesFigures: estimatesFigures,
      state)
  }

  /// How many steps a first training has at the most.
  package static let longestStepCount = 6000

  /// How many steps the first trainings take: so many that some two dozen fit into the time, from 100 to the most.
  private func usualStepCount(workers: Int) -> Int {
    // A model of complete rows takes as long, and begins at once.
    let rows = DataSplits(name: data.name, train: data.train, imageShape: data.imageShape).withGroups(
      of: data)
    guard
      let pace = schedule.firstRecipes(stepCount: 100)[0].secondsPerStep(on: rows, within: 0.5, seed: seed)
    else {
      return 100
    }
    let affordable = (budget - used) * Double(workers + (team?.slots.count ?? 0)) / 24 / pace
    return affordable >= Double(Self.longestStepCount)
      ? Self.longestStepCount : max(100, Int(affordable) / 100 * 100)
  }
}

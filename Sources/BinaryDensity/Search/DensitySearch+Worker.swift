import Essentials
import Kernels

extension DensitySearch {
  /// What one thread does: trains what the schedule says, until the time is over.
  struct Worker {
    let shared: Shared
    let data: DataSplits
    let seed: UInt64
    /// When the search began; of one that goes on, as if it had not been interrupted.
    let start: ContinuousClock.Instant
    let schedule: Schedule
    let isQuick: Bool
    let number: Int
    /// How many workers there are on this machine.
    let count: Int
    /// Where the training is done, if not here.
    var remote: (team: Team, slot: Team.Slot)?

    private var elapsed: Double { start.duration(to: ContinuousClock().now).seconds }

    /// Whether there is no time left, not even for evaluating.
    private var isOver: Bool { elapsed >= schedule.budget || shared.state.withLock { $0.isStopped } }

    func run() {
      if isQuick {
        let first = schedule.firstRecipes(stepCount: shared.state.withLock { $0.stepCount })[0]
        guard let recipe = schedule.shrunk(first) else { return }
        let (again, order) = number.quotientAndRemainder(
          dividingBy: recipe.orderCount(imageShape: schedule.imageShape))
        _ = attempt(recipe, order: order, number: again, isMember: number > 0, until: schedule.budget)
        return
      }
      while let work = shared.state.withLock({ schedule.next(&$0, elapsed: elapsed) }) {
        switch work {
        case .trial(let recipe, let end):
          let isDone = attempt(recipe, order: 0, number: 0, isMember: false, until: end)
          shared.state.withLock { state in
            state.runningTrials -= 1
            if !isDone { state.giveBack(work) }
          }
          if !isDone { return }
        case .member(let recipe, let order, let number, let isShortened):
          let isDone = attempt(
            recipe, order: order, number: number, isMember: true, isShortened: isShortened,
            until: shared.state.withLock { schedule.end($0) })
          if isDone { measureDepth() }
          shared.state.withLock { state in
            state.runningMembers.removeAll { $0 == [order, number] }
            if !isDone { state.giveBack(work) }
          }
          if !isDone { return }
        case .wait: usleep(20_000)
        }
      }
    }

    /// Measures what a second member of one order gains against a member of another, once there are both.
    private func measureDepth() {
      let (best, members) = shared.state.withLock { ($0.depth == nil ? $0.best : nil, $0.members) }
      // Networks of several orders each make no ensemble.
      guard let best, best.isKnown, best.density.autoregressive() != nil else { return }
      func member(ofOrder order: Int) -> Network? {
        members.first { $0.order == order && $0.recipe == best.recipe && $0.isKnown }
      }
      guard let same = member(ofOrder: 0), let other = member(ofOrder: 1) else { return }
      func gain(_ density: any Density, over networks: [Network]) -> Double? {
        DensitySearch.nll(density, data, while: { !isOver }).map {
          max(networks.reduce(0) { $0 + $1.nll } / Double(networks.count) - $0, 1e-9)
        }
      }
      guard let ensemble = gain(Ensemble([best.density, same.density]), over: [best, same]),
        let mixture = gain(Mixture([best.density, other.density]), over: [best, other])
      else { return }
      let depth = ensemble / mixture
      shared.state.withLock { state in
        // Meanwhile a late trial may have become the best, of which this says nothing.
        if state.best?.recipe == best.recipe { state.depth = min(max(depth, 0.125), 8) }
      }
    }

    /// Trains a network: number k of an order of a recipe.
    ///
    /// - Returns: whether it was; false if the process died that was to train it.
    private func attempt(
      _ recipe: Recipe, order: Int, number: Int, isMember: Bool, isShortened: Bool = false, until end: Double
    ) -> Bool {
      let began = elapsed
      let assignment = Assignment(
        recipe: recipe, order: order, number: number, seconds: end - began,
        secondsInAll: schedule.budget - began, neighbourCount: count)
      let trained =
        if let (team, slot) = remote {
          team.train(assignment, in: slot) { isOver }
        } else {
          Optional(
            DensitySearch.train(assignment, on: data, seed: seed) {
              shared.state.withLock { $0.isStopped }
            })
        }
      // Nobody waits for what is not there when the time is over.
      guard let trained else { return isOver }
      let outcome = trained.outcome
      let kind = isMember ? Entry.Kind.member : .recipe
      if let density = trained.density, let nll = outcome.nll {
        let network = Network(
          recipe: recipe, order: order, number: number, density: density, nll: nll,
          isComplete: outcome.isFinished && !isShortened)
        let entry = Entry(
          name: isMember ? "member in order \(order)" : recipe.description, kind: kind, validationNLL: nll,
          seconds: elapsed - began)
        shared.state.withLock { state in
          if isMember {
            state.addMember(network)
          } else {
            state.add(
              Trial(
                recipe: recipe, nll: nll, peak: outcome.peak, secondsPerStep: outcome.secondsPerStep),
              network)
          }
          state.tries.append(entry)
          state.add(entry, network.density)
        }
      } else if let problem = outcome.problem {
        // A recipe that diverges, or that the machine cannot hold, is a recipe that did not do well.
        let entry = Entry(
          name: "\(recipe): \(problem)", kind: kind, validationNLL: .infinity, seconds: elapsed - began)
        shared.state.withLock { state in
          if !isMember { state.failures.append(recipe) }
          state.add(entry)
        }
      }
      shared.state.withLock { $0.doneStepCount += recipe.stepCount }
      shared.wake.signal()
      return true
    }
  }
}

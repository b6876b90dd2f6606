import Foundation
import Kernels
import Synchronization

extension DensitySearch {
  // MARK: State shared by the workers

  /// A recipe, and how well it did.
  struct Trial: Sendable {
    let recipe: Recipe
    let nll: Double
    /// The share of the training after which the model was at its best.
    let peak: Double
  }

  /// A trained network.
  struct Network: Sendable {
    let recipe: Recipe
    let order: Int
    let density: any Density
    let nll: Double
    /// Whether it was trained to the end, not cut short by that of the time.
    let isComplete: Bool
  }

  struct State {
    var stepCount = 0
    var started: Set<Recipe> = []
    var trials: [Trial] = []
    /// How many trials are being trained.
    var runningTrials = 0
    /// The network of the best trial.
    var best: Network?
    var members: [Network] = []
    /// The figure of the best network of all, members included.
    var bestNetworkNLL = Double.infinity
    /// How many members of the best recipe each order has, or will have once those in training are done.
    ///
    /// Order 0 begins with one: the network that the search itself has trained.
    var memberCounts: [Int: Int] = [0: 1]
    /// How many members an order should have for each order there is.
    var depth: Double?
    var events: [Event] = []
    var leaderboard: [Entry] = []
    var workersRunning = 0
    var isStopped = false
    var phase = "searching"

    /// Whether another member of so many parameters is worth its time and space.
    ///
    /// Beyond two hundred, what one gains is less than validation rows can show, while the file grows and each
    /// likelihood takes longer.
    func needsMembers(parameterCount: Int) -> Bool {
      let count = memberCounts.values.reduce(0, +)
      let bytes = 4 * Double(parameterCount) * Double(members.count + 1)
      return count < 200 && bytes < MachineMemory.limit / 8
    }

    mutating func add(_ trial: Trial, _ network: Network) {
      trials.append(trial)
      guard network.nll < best?.nll ?? .infinity else { return }
      if let best, best.recipe != network.recipe {
        memberCounts = [0: 1]
        depth = nil
      }
      best = network
    }

    mutating func add(_ entry: Entry, _ density: (any Density)? = nil) {
      events.append(.tried(entry))
      if let density, entry.validationNLL < bestNetworkNLL {
        bestNetworkNLL = entry.validationNLL
        events.append(.improved(density))
      }
      leaderboard.append(entry)
      leaderboard.sort { $0.validationNLL < $1.validationNLL }
    }
  }

  final class Shared: Sendable {
    let state = Mutex(State())
    let wake = DispatchSemaphore(value: 0)
  }

  // MARK: Training

  /// What one thread does: trains recipes, then members, until the time is over.
  struct Worker {
    let shared: Shared
    let data: DataSplits
    let seed: UInt64
    let start: ContinuousClock.Instant
    let budget: Double
    let isQuick: Bool
    let number: Int
    /// The largest file, in bytes.
    let byteLimit: Int?

    private var elapsed: Double { start.duration(to: ContinuousClock().now).seconds }
    // What is running then may go on for a while; the rest of the time is for evaluating mixtures, which takes longer
    // where cells of the validation rows are missing, and for distilling them.
    private var searchEnd: Double { 0.45 * budget }
    private var trialEnd: Double { 0.55 * budget }
    private var end: Double { (data.partialRows(.validation) == nil ? 0.79 : 0.68) * budget }

    /// Whether there is no time left, not even for evaluating.
    private var isOver: Bool { elapsed >= budget || shared.state.withLock { $0.isStopped } }

    func run() {
      if isQuick {
        let first = Recipe.first(stepCount: shared.state.withLock { $0.stepCount })[0]
        guard let recipe = shrunk(first) else { return }
        attempt(recipe, order: number, number: 0, isMember: number > 0, until: budget)
        return
      }
      search: while elapsed < searchEnd {
        switch nextRecipe() {
        case .next(let recipe):
          attempt(recipe, order: 0, number: 0, isMember: false, until: trialEnd)
          shared.state.withLock { $0.runningTrials -= 1 }
        case .wait: Thread.sleep(forTimeInterval: 0.02)
        case .none: break search
        }
      }
      shared.state.withLock { $0.phase = "training members" }
      members: while elapsed < end {
        switch nextMember() {
        case .next(let (recipe, order, number)):
          attempt(recipe, order: order, number: number, isMember: true, until: end)
          measureDepth()
        case .wait: Thread.sleep(forTimeInterval: 0.02)
        case .none: break members
        }
      }
    }

    /// Returns the recipe with as many units as the wanted file has room for; nil if it has none.
    private func shrunk(_ recipe: Recipe) -> Recipe? {
      guard let byteLimit else { return recipe }
      return recipe.shrunk { recipe in
        let model = try? recipe.model(
          variableCount: data.variableCount, imageShape: data.imageShape, order: 0, seed: seed,
          weightSeed: seed)
        // What cannot be made fails where it is tried.
        return model.map { DensitySearch.byteCount(of: $0, data, inHalfPrecision: true) <= byteLimit } ?? true
      }
    }

    /// What a worker is told to do.
    private enum Work<Value> {
      case next(Value)
      /// Nothing yet: what others are at may lead to more.
      case wait
      case none
    }

    /// The next recipe that nobody has tried: the first ones, then the neighbours of the best so far, or of the next
    /// best where there are none left. (Of five and no more: the more are tried, the luckier the best is.)
    private func nextRecipe() -> Work<Recipe> {
      shared.state.withLock { state in
        guard !state.isStopped else { return .none }
        let leaders = state.trials.sorted { $0.nll < $1.nll }.prefix(5)
        let candidates =
          Recipe.first(stepCount: state.stepCount, hasMissingCells: data.partialRows(.train) != nil)
          + leaders.flatMap { $0.recipe.neighbours(peak: $0.peak) }
        for candidate in candidates {
          guard let small = shrunk(candidate) else { continue }
          let recipe = small.roundedToEpochs(rowCount: data.train.rowCount)
          if state.started.insert(recipe).inserted {
            state.runningTrials += 1
            return .next(recipe)
          }
        }
        return state.runningTrials > 0 ? .wait : .none
      }
    }

    /// The recipe of the next member, its order, and which one of that order it is.
    private func nextMember() -> Work<(Recipe, order: Int, number: Int)> {
      shared.state.withLock { state in
        guard !state.isStopped else { return .none }
        guard let best = state.best else { return state.runningTrials > 0 ? .wait : .none }
        guard state.needsMembers(parameterCount: best.density.parameterCount) else { return .none }
        let order = DensitySearch.nextOrder(
          counts: state.memberCounts, orderCount: best.recipe.orderCount(imageShape: data.imageShape),
          depth: state.depth ?? 1)
        let number = state.memberCounts[order, default: 0]
        state.memberCounts[order] = number + 1
        return .next((best.recipe, order, number))
      }
    }

    /// Measures what a second member of one order gains against a member of another, once there are both.
    private func measureDepth() {
      let (best, members) = shared.state.withLock { ($0.depth == nil ? $0.best : nil, $0.members) }
      // Networks of several orders each make no ensemble.
      guard let best, best.density.autoregressive() != nil else { return }
      func member(ofOrder order: Int) -> Network? {
        members.first { $0.order == order && $0.recipe == best.recipe }
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
    private func attempt(_ recipe: Recipe, order: Int, number: Int, isMember: Bool, until end: Double) {
      let began = elapsed
      do {
        let weightSeed = seed &+ UInt64(1000 * (order + 1) + number)
        let model = try recipe.model(
          variableCount: data.variableCount, imageShape: data.imageShape, order: order, seed: seed,
          weightSeed: weightSeed)
        let (network, peak) = try train(model, recipe, order: order, weightSeed: weightSeed, until: end)
        let entry = Entry(
          name: isMember ? "member in order \(order)" : recipe.description, validationNLL: network.nll,
          seconds: elapsed - began)
        shared.state.withLock { state in
          if isMember {
            state.members.append(network)
          } else {
            state.add(Trial(recipe: recipe, nll: network.nll, peak: peak), network)
          }
          state.add(entry, network.density)
        }
      } catch DensityError.interrupted {
        // There was no time to see how well it does.
      } catch {
        // A recipe that diverges, or that the machine cannot hold, is a recipe that did not do well.
        let entry = Entry(name: "\(recipe): \(error)", validationNLL: .infinity, seconds: elapsed - began)
        shared.state.withLock { $0.add(entry) }
      }
      shared.wake.signal()
    }

    private func train<Model: TrainableDensity>(
      _ model: Model, _ recipe: Recipe, order: Int, weightSeed: UInt64, until end: Double
    ) throws(DensityError) -> (Network, peak: Double) {
      let trainer = try Trainer(
        model, data: data, configuration: recipe.training(rowCount: data.train.rowCount, seed: weightSeed))
      _ = try trainer.run { (event) throws(DensityError) in
        switch event {
        case .step: elapsed < end && !shared.state.withLock { $0.isStopped }
        case .validating, .completing: !isOver
        case .epoch: true
        }
      }
      // Stopped in its first epoch a training has no figure yet.
      let density = trainer.progress.bestValidationNLL == nil ? trainer.model : trainer.best
      // What an order-agnostic network is judged by in training is a bound.
      let judged = Model.takesMissingCells ? nil : trainer.progress.bestValidationNLL
      guard
        let nll = judged
          ?? DensitySearch.nll(density, data, while: { !isOver })
      else { throw .interrupted }
      guard nll.isFinite else { throw .invalidConfiguration("its validation figure is not finite") }
      let epochs = Double(trainer.progress.configuration.epochCount)
      return (
        Network(recipe: recipe, order: order, density: density, nll: nll, isComplete: trainer.isFinished),
        Double(trainer.progress.bestEpoch) / epochs
      )
    }
  }
}

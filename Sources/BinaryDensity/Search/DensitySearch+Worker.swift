import Foundation
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
    /// How many workers there are.
    let count: Int

    private var elapsed: Double { start.duration(to: ContinuousClock().now).seconds }

    /// Whether there is no time left, not even for evaluating.
    private var isOver: Bool { elapsed >= schedule.budget || shared.state.withLock { $0.isStopped } }

    func run() {
      if isQuick {
        let first = Recipe.first(stepCount: shared.state.withLock { $0.stepCount })[0]
        guard let recipe = schedule.shrunk(first) else { return }
        attempt(recipe, order: number, number: 0, isMember: number > 0, until: schedule.budget)
        return
      }
      while let work = shared.state.withLock({ schedule.next(&$0, elapsed: elapsed) }) {
        switch work {
        case .trial(let recipe, let end):
          attempt(recipe, order: 0, number: 0, isMember: false, until: end)
          shared.state.withLock { $0.runningTrials -= 1 }
        case .member(let recipe, let order, let number, let isShortened):
          attempt(
            recipe, order: order, number: number, isMember: true, isShortened: isShortened,
            until: shared.state.withLock { schedule.end($0) })
          shared.state.withLock { state in state.runningMembers.removeAll { $0 == [order, number] } }
          measureDepth()
        case .wait: Thread.sleep(forTimeInterval: 0.02)
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
    private func attempt(
      _ recipe: Recipe, order: Int, number: Int, isMember: Bool, isShortened: Bool = false, until end: Double
    ) {
      let began = elapsed
      do {
        let weightSeed = seed &+ UInt64(1000 * (order + 1) + number)
        let model = try recipe.model(for: data, order: order, seed: seed, weightSeed: weightSeed)
        try checkShare(model)
        let trained = try train(model, recipe, weightSeed: weightSeed, until: end)
        let network = Network(
          recipe: recipe, order: order, number: number, density: trained.density, nll: trained.nll,
          isComplete: trained.isFinished && !isShortened)
        let entry = Entry(
          name: isMember ? "member in order \(order)" : recipe.description,
          kind: isMember ? .member : .recipe, validationNLL: network.nll, seconds: elapsed - began)
        shared.state.withLock { state in
          if isMember {
            state.addMember(network)
          } else {
            state.add(
              Trial(
                recipe: recipe, nll: network.nll, peak: trained.peak, secondsPerStep: trained.secondsPerStep),
              network)
          }
          state.tries.append(entry)
          state.add(entry, network.density)
        }
      } catch DensityError.interrupted {
        // There was no time to see how well it does.
      } catch {
        // A recipe that diverges, or that the machine cannot hold, is a recipe that did not do well.
        let entry = Entry(
          name: "\(recipe): \(error)", kind: isMember ? .member : .recipe, validationNLL: .infinity,
          seconds: elapsed - began)
        shared.state.withLock { state in
          if !isMember { state.failures.append(recipe) }
          state.add(entry)
        }
      }
      shared.wake.signal()
    }

    /// Refuses a network whose training takes more than its part of a quarter of the memory: parameters, their gradients
    /// and what Adam keeps of each.
    private func checkShare(_ model: any TrainableDensity) throws(DensityError) {
      let bytes = 16 * Double(model.parameterCount) * Double(count)
      guard bytes > MachineMemory.limit / 4 else { return }
      throw .invalidConfiguration("training \(count) at a time takes more than a quarter of the memory")
    }

    /// What became of a training.
    private struct Trained {
      let density: any Density
      let nll: Double
      let isFinished: Bool
      let peak: Double
      let secondsPerStep: Double
    }

    private func train<Model: TrainableDensity>(
      _ model: Model, _ recipe: Recipe, weightSeed: UInt64, until end: Double
    ) throws(DensityError) -> Trained {
      let began = elapsed
      let trainer = try Trainer(
        model, data: data, configuration: recipe.training(rowCount: data.trainingRowCount, seed: weightSeed))
      _ = try trainer.run { (event) throws(DensityError) in
        switch event {
        case .step: elapsed < end && !shared.state.withLock { $0.isStopped }
        case .validating, .completing: !isOver
        case .epoch: true
        }
      }
      let seconds = elapsed - began
      // Stopped in its first epoch a training has no figure yet.
      let density = trainer.progress.bestValidationNLL == nil ? trainer.model : trainer.best
      // What an order-agnostic network is judged by in training is a bound.
      let judged = Model.takesMissingCells ? nil : trainer.progress.bestValidationNLL
      guard
        let nll = judged
          ?? DensitySearch.nll(density, data, while: { !isOver })
      else { throw .interrupted }
      guard nll.isFinite else { throw .invalidConfiguration("its validation figure is not finite") }
      return Trained(
        density: density, nll: nll, isFinished: trainer.isFinished,
        peak: Double(trainer.progress.bestEpoch) / Double(trainer.progress.configuration.epochCount),
        secondsPerStep: seconds / Double(max(1, trainer.progress.step)))
    }
  }
}

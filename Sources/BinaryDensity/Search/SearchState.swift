import Essentials
import Kernels
import Synchronization

extension DensitySearch {
  /// A recipe, and how well it did.
  ///
  /// The better one comes first, and of two that are alike always the same one.
  package struct Trial: Hashable, Comparable, Sendable, Codable {
    let recipe: Recipe
    /// The mean of −log p over the validation rows, in nats.
    let nll: Double
    /// The share of the training after which the model was at its best.
    let peak: Double
    /// How long a step took, in seconds.
    let secondsPerStep: Double

    package init(recipe: Recipe, nll: Double, peak: Double, secondsPerStep: Double) {
      (self.recipe, self.nll, self.peak, self.secondsPerStep) = (recipe, nll, peak, secondsPerStep)
    }

    package static func < (left: Trial, right: Trial) -> Bool {
      left.nll != right.nll ? left.nll < right.nll : left.recipe.description < right.recipe.description
    }
  }

  /// A trained network.
  package struct Network: Sendable {
    package let recipe: Recipe
    package let order: Int
    /// Which network of its recipe and order it is, counted from 0: its initial weights follow from it.
    package let number: Int
    let density: any Density
    package let nll: Double
    /// Whether it was trained to the end of its recipe, not for less because of the end of the time.
    package let isComplete: Bool

    /// The first number of the networks that were read back from what a search has found, which does not tell their orders.
    static let firstUnknown = 1_000_000
    /// Whether it is known which network of which order it is.
    var isKnown: Bool { number < Self.firstUnknown }

    package init(
      recipe: Recipe, order: Int, number: Int, density: any Density, nll: Double, isComplete: Bool
    ) {
      (self.recipe, self.order, self.number) = (recipe, order, number)
      (self.density, self.nll, self.isComplete) = (density, nll, isComplete)
    }
  }

  /// What the workers share.
  package struct State {
    package init() {}

    /// How many steps a whole training of a first recipe has.
    package var stepCount = 0
    package var started: Set<Recipe> = []
    /// Recipes to be tried before any other: those whose networks were lost.
    var wanted: [Recipe] = []
    var trials: [Trial] = []
    /// The recipes that diverged, or that the machine cannot hold.
    var failures: [Recipe] = []
    /// How many trials are being trained.
    package var runningTrials = 0
    /// How much training of recipes there was since one gained something, in whole trainings.
    package var idleEffort = 0.0
    /// What a recipe must gain to be better than by luck, in nats.
    package var tolerance = 0.0
    /// The network of the best trial.
    package var best: Network?
    var members: [Network] = []
    /// The figure of the best network of all, members included.
    var bestNetworkNLL = Double.infinity
    /// The numbers of the networks of the best recipe that each order has, or will have once those in training are done.
    ///
    /// Order 0 begins with one: the network that the search itself has trained.
    package var memberNumbers: [[Int]] = [[0]]
    /// How many of these are no longer there: a search that has ended keeps those alone that gain something.
    var droppedCount = 0
    /// Which of these are being trained: an order and a number each.
    var runningMembers: [[Int]] = []
    /// How many members an order should have for each order there is.
    var depth: Double?
    var events: [Event] = []
    /// What has been trained, in order.
    var tries: [Entry] = []
    var leaderboard: [Entry] = []
    /// The members that no folder holds yet.
    var unsavedMembers: [Network] = []
    /// Whether the folder holds another best network, or none.
    var isBestUnsaved = false
    /// How many steps were trained, or given up.
    var doneStepCount = 0
    /// Of a search that counts steps: what is to be done.
    package var plan = SteppedPlan()
    package var workersRunning = 0
    package var isStopped = false
    var phase = "searching"

    /// The phase, with what there is by now.
    var phaseText: String {
      let recipes = "\(trials.count) recipe\(trials.count == 1 ? "" : "s")"
      return members.isEmpty ? "\(phase): \(recipes)" : "\(phase): \(members.count), \(recipes) tried"
    }

    /// Whether another member of so many parameters is worth its time and space.
    ///
    /// Beyond two hundred, what one gains is less than validation rows can show, while the file grows and each
    /// likelihood takes longer.
    ///
    /// - Parameter others: how many are planned and not there yet.
    func needsMembers(parameterCount: Int, besides others: Int = 0) -> Bool {
      let count = memberNumbers.reduce(0) { $0 + $1.count } - droppedCount
      let bytes = 4 * Double(parameterCount) * Double(members.count + others + 1)
      return count < 200 && bytes < MachineMemory.limit / 8
    }

    /// Takes note of a trial and its network.
    package mutating func add(_ trial: Trial, _ network: Network) {
      let before = trials.min()
      trials.append(trial)
      idleEffort += min(1, Double(trial.recipe.stepCount) / Double(max(1, stepCount)))
      if trial.nll < (before?.nll ?? .infinity) - tolerance { idleEffort = 0 }
      guard best == nil || before.map({ trial < $0 }) ?? true else { return }
      if let best, best.recipe != network.recipe {
        memberNumbers = [[0]]
        droppedCount = 0
        depth = nil
      }
      best = network
      isBestUnsaved = true
    }

    /// Takes back work that nobody has done.
    mutating func giveBack(_ work: Work) {
      switch work {
      case .trial(let recipe, _):
        started.remove(recipe)
        if plan.isBegun { plan.queue.insert(work, at: 0) } else { wanted.append(recipe) }
      case .member(let recipe, let order, let number, _):
        if plan.isBegun {
          plan.queue.insert(work, at: 0)
        } else if order < memberNumbers.count, recipe == best?.recipe {
          memberNumbers[order].removeAll { $0 == number }
        }
      case .wait: break
      }
    }

    mutating func addMember(_ network: Network) {
      members.append(network)
      unsavedMembers.append(network)
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
}

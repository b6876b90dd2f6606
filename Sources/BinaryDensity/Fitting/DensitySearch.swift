import Foundation
import Kernels
import Synchronization

/// Finds a good density for a table within a time: tries recipes, trains many networks of the best, and mixes them.
///
///     let search = try DensitySearch(data, budget: .seconds(300))
///     let found = search.run()
///     print(found.density.logProbability(of: rows))
///
/// Everything is chosen on the validation rows; test rows are never looked at. In order:
///
/// 1. *Search*, up to 45 % of the time. Recipes are tried by hill climbing from a handful of first ones, a training a
///    thread, each on one thread, all in one order of the variables so that they compare.
/// 2. *Members.* The best recipe is trained again and again, over several orders and with several initial weights; as
///    many of each as their measured gains advise, and two hundred at most.
/// 3. *Mixing.* The members of one order are averaged conditional by conditional (`Ensemble`), those averages are
///    mixed as whole rows (`Mixture`), with equal weights, or fitted ones if that gains more on the validation rows
///    than a nat for each weight.
///
/// What is found depends on how far the machine gets in the time; what each network is depends on the seed alone.
public final class DensitySearch {
  /// One line of the leaderboard: something tried, and how well it did.
  public struct Entry: Sendable {
    /// What it is.
    public let name: String
    /// The mean of −log p over the validation rows, in nats.
    public let validationNLL: Double
    /// How long it took to make, in seconds.
    public let seconds: Double
  }

  /// What a search has found.
  public struct Result: Sendable {
    /// The density that did best on the validation rows.
    public let density: any Density
    /// All that was tried, the best first.
    public let leaderboard: [Entry]
    /// Whether it was told to stop before its time.
    public let isInterrupted: Bool
  }

  /// What an observer is told.
  public enum Event: Sendable {
    /// Something has been tried.
    case tried(Entry)
    /// What has been tried last is the best by now; worth keeping in case the process is killed.
    case improved(any Density)
    /// Time has passed: the phase, the fraction of the whole time, and the best figure so far.
    case progress(phase: String, fraction: Double, best: Double?)
  }

  private let data: DataSplits
  private let validation: BinaryMatrix
  private let budget: Double
  private let seed: UInt64
  private let shared = Shared()

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - data: training rows and, if there are any, validation rows; otherwise a tenth of the training rows is held
  ///     out by the seed. A table of one row validates on itself.
  ///   - budget: how long it may take; zero trains one network a thread by the first recipe, briefly.
  ///   - seed: the seed of everything drawn.
  /// - Throws: `DensityError.invalidConfiguration` if there are no rows or no columns.
  public init(_ data: DataSplits, budget: Duration = .seconds(300), seed: UInt64 = 0) throws(DensityError) {
    guard data.train.rowCount > 0 else {
      throw .invalidConfiguration("\(data.name): there are no training rows")
    }
    guard data.variableCount > 0 else { throw .invalidConfiguration("\(data.name): there are no columns") }
    let hasValidation = (data.validation?.rowCount ?? 0) > 0
    let split =
      hasValidation || data.train.rowCount < 2 ? data : data.holdingOutValidation(fraction: 0.1, seed: seed)
    validation = split.validation ?? split.train
    // Without its test rows: what is not there cannot be looked at.
    self.data = split.withoutTest(validation: validation)
    self.budget = max(0, budget.seconds)
    self.seed = seed
  }

  // MARK: State shared by the workers

  private struct Trial: Sendable {
    let recipe: Recipe
    let order: Int
    let density: any Density
    let nll: Double
    /// The share of the training after which the model was at its best.
    let peak: Double
    /// Whether it was trained to the end, not cut short by that of the time.
    let isComplete: Bool
  }

  private struct State {
    var stepCount = 0
    var started: Set<Recipe> = []
    var trials: [Trial] = []
    var members: [Trial] = []
    /// How many members each order has or will have; that the search itself has one of order 0 counts.
    var memberCounts: [Int: Int] = [0: 1]
    /// How many members an order should have for each order there is.
    var depth: Double?
    var events: [Event] = []
    var leaderboard: [Entry] = []
    var workersRunning = 0
    var isStopped = false
    var phase = "searching"

    var best: Trial? { trials.min { $0.nll < $1.nll } }

    /// Whether another member is worth its time: beyond so many, what one gains is less than validation rows can
    /// show, while the file grows and each likelihood takes longer.
    var needsMembers: Bool { memberCounts.values.reduce(0, +) < 200 }

    mutating func add(_ entry: Entry, _ density: (any Density)? = nil) {
      if let density {
        let isBest = entry.validationNLL < leaderboard.first?.validationNLL ?? .infinity
        events.append(.tried(entry))
        if isBest { events.append(.improved(density)) }
      }
      leaderboard.append(entry)
      leaderboard.sort { $0.validationNLL < $1.validationNLL }
    }
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
    let wake = DispatchSemaphore(value: 0)
  }

  // MARK: Running

  /// Searches until the time is over, or until the observer says to stop.
  ///
  /// - Parameter observe: is called on this thread some ten times a second, and returns whether to go on. After a
  ///   stop the best so far is returned.
  public func run(_ observe: (Event) -> Bool = { _ in true }) -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    func elapsed() -> Double { start.duration(to: clock.now).seconds }
    let isQuick = budget == 0
    addBaselines()

    let workers = Threads.count
    let stepCount = isQuick ? 1000 : usualStepCount(workers: workers)
    let (shared, data, seed, budget) = (shared, data, seed, isQuick ? 20 : budget)
    shared.state.withLock {
      $0.workersRunning = workers
      $0.stepCount = stepCount
    }
    for worker in 0..<workers {
      let thread = Thread {
        Threads.run(on: 1) {
          Worker(
            shared: shared, data: data, seed: seed, start: start, budget: budget, isQuick: isQuick,
            number: worker
          ).run()
        }
        shared.state.withLock { $0.workersRunning -= 1 }
        shared.wake.signal()
      }
      // Foundation's 512 KB are few for deep graphs.
      thread.stackSize = 8 << 20
      thread.start()
    }

    var isInterrupted = false
    while true {
      _ = shared.wake.wait(timeout: .now() + 0.1)
      let (events, running, phase, best) = shared.state.withLock { state in
        defer { state.events = [] }
        return (state.events, state.workersRunning, state.phase, state.leaderboard.first?.validationNLL)
      }
      var goOn = true
      for event in events where !observe(event) { goOn = false }
      let fraction = min(1, elapsed() / budget)
      if !observe(.progress(phase: phase, fraction: fraction, best: best)) { goOn = false }
      if !goOn && !isInterrupted {
        isInterrupted = true
        shared.state.withLock { $0.isStopped = true }
      }
      if running == 0 { break }
    }
    return finished(isInterrupted: isInterrupted, observe)
  }

  /// How many steps the first trainings take: so many that some two dozen fit into the time, from 100 to 6000.
  private func usualStepCount(workers: Int) -> Int {
    let clock = ContinuousClock()
    let recipe = Recipe.first(stepCount: 100)[0]
    guard
      let model = try? recipe.model(
        variableCount: data.variableCount, imageShape: data.imageShape, order: 0, seed: seed, weightSeed: seed
      )
    else { return 100 }
    var (seconds, steps) = (0.0, 0)
    func time<Model: TrainableDensity>(_ model: Model) {
      guard
        let trainer = try? Trainer(
          model, data: data, configuration: recipe.training(rowCount: data.train.rowCount, seed: seed))
      else { return }
      let start = clock.now
      _ = try? trainer.run { (event) throws(DensityError) in
        steps += 1
        return steps < 50 && start.duration(to: clock.now) < .milliseconds(500)
      }
      seconds = start.duration(to: clock.now).seconds
    }
    Threads.run(on: 1) { time(model) }
    let affordable = budget * Double(workers) / 24 * Double(steps) / max(seconds, 1e-6)
    return affordable >= 6000 ? 6000 : max(100, Int(affordable) / 100 * 100)
  }

  /// Fits the baselines; the first of them is there whatever happens.
  private func addBaselines() {
    let clock = ContinuousClock()
    func add(_ name: String, _ fit: () throws(DensityError) -> any Density) {
      let start = clock.now
      guard let density = try? fit() else { return }
      let nll = DensitySearch.nll(density, validation)
      guard nll.isFinite else { return }
      let entry = Entry(name: name, validationNLL: nll, seconds: start.duration(to: clock.now).seconds)
      shared.state.withLock { $0.add(entry, density) }
      baselines.append((density, nll, name))
    }
    add("independent Bernoullis") { () throws(DensityError) in try IndependentBernoulli.fit(to: data.train) }
    add("Chow-Liu tree") { () throws(DensityError) in try ChowLiuTree.fit(to: data.train) }
    let start = clock.now
    add("mixture of 30 Bernoullis") { () throws(DensityError) in
      try BernoulliMixture.fit(to: data.train, validation: validation, componentCount: 30, seed: seed) { _ in
        start.duration(to: clock.now).seconds < 0.05 * budget + 1
      }
    }
  }

  private var baselines: [(density: any Density, nll: Double, name: String)] = []

  package static func nll(_ density: any Density, _ rows: BinaryMatrix) -> Double {
    -density.logProbability(of: rows).reduce(0, +) / Double(max(1, rows.rowCount))
  }

  /// Returns the order that the next member should have.
  ///
  /// If a second member of an order gains e nats and a second order m, then S members in each of M orders gain about
  /// 2e(1 − 1/S) + 2m(1 − 1/M): as errors that are averaged do. For a given S · M that is most where S / M = e / m,
  /// the `depth`.
  package static func nextOrder(counts: [Int: Int], orderCount: Int, depth: Double) -> Int {
    // The first two serve to measure the depth.
    if counts[0, default: 0] < 2 { return 0 }
    if counts[1, default: 0] < 1 { return 1 }
    let total = Double(counts.values.reduce(1, +))
    if counts.count < orderCount, Double(counts.count) < (total / depth).squareRoot() { return counts.count }
    return counts.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 0
  }

  // MARK: Mixing

  /// Mixes what there is, and keeps what does best on the validation rows.
  private func finished(isInterrupted: Bool, _ observe: (Event) -> Bool) -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let (trials, members, best) = shared.state.withLock { ($0.trials, $0.members, $0.best) }
    // There is always a baseline.
    var found: [(density: any Density, nll: Double)] = baselines.map { ($0.density, $0.nll) }
    func add(_ density: any Density, nll: Double, name: String) {
      guard nll.isFinite else { return }
      let entry = Entry(name: name, validationNLL: nll, seconds: start.duration(to: clock.now).seconds)
      shared.state.withLock { $0.add(entry) }
      _ = observe(.tried(entry))
      found.append((density, nll))
    }

    // What was cut short counts if it is as good as some that were not.
    let worst = (members + [best].compactMap(\.self)).filter(\.isComplete).map(\.nll).max() ?? .infinity
    let pool =
      trials.filter { $0.recipe == best?.recipe } + members.filter { $0.isComplete || $0.nll <= worst }
    // Of hundreds of networks one is the best of all by luck, so where several can be mixed none stands for itself.
    if pool.count < 2 {
      found += trials.map { ($0.density, $0.nll) }
    } else {
      let groups = Dictionary(grouping: pool) { $0.order }.sorted { $0.key < $1.key }.map(\.value)
      var parts = groups.map { $0.count == 1 ? $0[0].density : Ensemble($0.map(\.density)) }
      // log p of each part in each validation row, computed once.
      var terms = parts.map { $0.logProbability(of: validation) }
      func mean(_ weights: [Double]) -> Double {
        let mixed = Mixture.mixed(terms, weights: weights)
        return -mixed.reduce(0, +) / Double(max(1, mixed.count))
      }
      func even() -> [Double] { parts.map { _ in 1 / Double(parts.count) } }
      let evenNLL = mean(even())
      if parts.count == 1 {
        add(parts[0], nll: evenNLL, name: "ensemble of \(pool.count) networks")
      } else {
        add(Mixture(parts), nll: evenNLL, name: "mixture of \(parts.count) orders, \(pool.count) networks")
      }
      parts += baselines.map(\.density)
      terms += baselines.map { $0.density.logProbability(of: validation) }
      // A fitted weight is a parameter, and n parameters gain n / 2 nats by chance on the rows they are fitted to.
      let weights = Mixture.fittedWeights(terms, from: even())
      let kept = weights.indices.filter { weights[$0] > 1e-4 }
      let gain = (evenNLL - mean(weights)) * Double(validation.rowCount)
      if kept.count > 1, gain > Double(kept.count) {
        let mixture = Mixture(kept.map { parts[$0] }, weights: kept.map { weights[$0] })
        add(
          mixture, nll: DensitySearch.nll(mixture, validation),
          name: "mixture of \(kept.count) parts, fitted weights")
      }
    }
    let leaderboard = shared.state.withLock { $0.leaderboard }
    guard let winner = found.min(by: { $0.nll < $1.nll }) else { preconditionFailure("nothing was fitted") }
    return Result(density: winner.density, leaderboard: leaderboard, isInterrupted: isInterrupted)
  }

  // MARK: Training

  /// What one thread does: trains recipes, then members, until the time is over.
  private struct Worker {
    let shared: Shared
    let data: DataSplits
    let seed: UInt64
    let start: ContinuousClock.Instant
    let budget: Double
    let isQuick: Bool
    let number: Int

    private var elapsed: Double { start.duration(to: ContinuousClock().now).seconds }
    // The rest of the time is for evaluating mixtures.
    private var searchEnd: Double { 0.45 * budget }
    private var end: Double { 0.94 * budget }

    func run() {
      if isQuick {
        let recipe = Recipe.first(stepCount: shared.state.withLock { $0.stepCount })[0]
        attempt(recipe, order: number, isMember: number > 0)
        return
      }
      while elapsed < searchEnd, let recipe = nextRecipe() {
        attempt(recipe, order: 0, isMember: false)
      }
      shared.state.withLock { $0.phase = "training members" }
      while elapsed < end, let (recipe, order) = nextMember() {
        attempt(recipe, order: order, isMember: true)
        measureDepth()
      }
    }

    /// The next recipe that nobody has tried: the first ones, then the neighbours of the best so far, or of the next
    /// best where there are none left. (Of five and no more: the more are tried, the luckier the best is.)
    private func nextRecipe() -> Recipe? {
      shared.state.withLock { state in
        guard !state.isStopped else { return nil }
        let leaders = state.trials.sorted { $0.nll < $1.nll }.prefix(5)
        let candidates =
          Recipe.first(stepCount: state.stepCount) + leaders.flatMap { $0.recipe.neighbours(peak: $0.peak) }
        let next = candidates.first { !state.started.contains($0) }
        if let next { state.started.insert(next) }
        return next
      }
    }

    /// The recipe and the order of the next member.
    private func nextMember() -> (Recipe, Int)? {
      shared.state.withLock { state in
        guard !state.isStopped, state.needsMembers, let best = state.best else { return nil }
        let order = DensitySearch.nextOrder(
          counts: state.memberCounts, orderCount: best.recipe.orderCount(imageShape: data.imageShape),
          depth: state.depth ?? 1)
        state.memberCounts[order, default: 0] += 1
        return (best.recipe, order)
      }
    }

    /// Measures what a second member of one order gains against a member of another, once there are both.
    private func measureDepth() {
      let (best, members) = shared.state.withLock { ($0.depth == nil ? $0.best : nil, $0.members) }
      guard let best, let same = members.first(where: { $0.order == 0 }),
        let other = members.first(where: { $0.order == 1 }), let validation = data.validation
      else { return }
      func gain(_ density: any Density, over trials: [Trial]) -> Double {
        max(
          trials.reduce(0) { $0 + $1.nll } / Double(trials.count) - DensitySearch.nll(density, validation),
          1e-9)
      }
      let depth =
        gain(Ensemble([best.density, same.density]), over: [best, same])
        / gain(Mixture([best.density, other.density]), over: [best, other])
      shared.state.withLock { $0.depth = min(max(depth, 0.125), 8) }
    }

    private func attempt(_ recipe: Recipe, order: Int, isMember: Bool) {
      let began = elapsed
      let count = shared.state.withLock { $0.trials.count + $0.members.count }
      do {
        let weightSeed = seed &+ UInt64(1000 * (order + 1)) &+ UInt64(isMember ? count : 0)
        let model = try recipe.model(
          variableCount: data.variableCount, imageShape: data.imageShape, order: order, seed: seed,
          weightSeed: weightSeed)
        guard let trial = try train(model, recipe, order: order, weightSeed: weightSeed, began: began) else {
          return
        }
        let entry = Entry(
          name: isMember ? "member in order \(order)" : recipe.description, validationNLL: trial.nll,
          seconds: elapsed - began)
        shared.state.withLock { state in
          if isMember { state.members.append(trial) } else { state.trials.append(trial) }
          state.add(entry, trial.density)
        }
      } catch {
        // A recipe that diverges, or that the machine cannot hold, is a recipe that did not do well.
        let entry = Entry(name: "\(recipe): \(error)", validationNLL: .infinity, seconds: elapsed - began)
        shared.state.withLock { $0.add(entry) }
      }
      shared.wake.signal()
    }

    private func train<Model: TrainableDensity>(
      _ model: Model, _ recipe: Recipe, order: Int, weightSeed: UInt64, began: Double
    ) throws(DensityError) -> Trial? {
      let trainer = try Trainer(
        model, data: data, configuration: recipe.training(rowCount: data.train.rowCount, seed: weightSeed))
      let stop = isQuick ? budget : end
      _ = try trainer.run { (event) throws(DensityError) in
        if case .step = event { return elapsed < stop && !shared.state.withLock { $0.isStopped } }
        return true
      }
      guard let nll = trainer.progress.bestValidation else { return nil }
      let epochs = Double(trainer.progress.configuration.epochCount)
      return Trial(
        recipe: recipe, order: order, density: trainer.best, nll: nll,
        peak: Double(trainer.progress.bestEpoch) / epochs, isComplete: trainer.isFinished)
    }
  }
}

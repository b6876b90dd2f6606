import Foundation
import Kernels
import Synchronization

/// What `DensitySearch` does with a table of few rows: all are learnt from, and all are held out once.
///
/// 1. *Counts.* Marginals, a tree, a forest and mixtures of Bernoullis are fitted to every fold.
/// 2. *Recipes* are trained on all folds in lockstep; each network is pooled, conditional by conditional, with the marginals and
///    an average over parents (`ParentAverage`), by weights that make the held-out cells most probable. Up to two hundred rows
///    only first recipes are tried, for more would be chosen among by luck. Beyond, recipes are found by hill climbing on one
///    fold, and the best few trained on all.
/// 3. *All rows.* Everything is fitted again to all rows, the best recipe in several orders for as many steps as its networks took
///    in the folds. Rows are mixed by weights ∝ exp(½ Σ log p) of the held-out rows.
///
/// - Source: weights by half of the log-likelihood: Grünwald, The Safe Bayesian, ALT 2012.
final class SmallTableSearch {
  typealias Entry = DensitySearch.Entry
  typealias Event = DensitySearch.Event

  private let folds: Folds
  private let budget: Double
  private let isQuick: Bool
  private let seed: UInt64
  private let shared: Shared
  private let start = ContinuousClock.now
  private var isStopRequested = false

  /// - Parameter budget: how many seconds it may take at the most; 0 tries one recipe in one order.
  init(_ folds: Folds, budget: Double, seed: UInt64) {
    self.folds = folds
    isQuick = budget == 0
    self.budget = isQuick ? DensitySearch.quickBudget : budget
    self.seed = seed
    shared = Shared()
  }

  private struct State {
    var started: Set<Recipe> = []
    var tried: [(recipe: Recipe, nll: Double, peak: Double)] = []
    var best: FoldTrial?
    var runningCount = 0
    /// How many recipes have been taken to be judged by all folds.
    var judgedCount = 0
    var nextOrder = 0
    /// The networks of all rows, of each order.
    var networks: [Int: any AutoregressiveDensity] = [:]
    var leaderboard: [Entry] = []
    var events: [Event] = []
    var isStopped = false
  }

  private final class Shared: Sendable {
    let state = Mutex(State())

    func add(_ entry: Entry) {
      state.withLock {
        $0.events.append(.tried(entry))
        $0.leaderboard.append(entry)
        $0.leaderboard.sort { $0.validationNLL < $1.validationNLL }
      }
    }
  }

  /// Something fitted by counting to every fold.
  private struct Counted {
    let logProbabilities: [Double]
    let fit: (BinaryMatrix) throws(DensityError) -> any Density
  }

  // MARK: Running

  /// Searches, and returns what is best made of the table; what is found when the observer says to stop.
  func run(_ observe: (Event) -> Bool) -> DensitySearch.Result {
    let rows = folds.whole.train
    let marginals = IndependentBernoulli(marginalsOf: rows)
    tell(.improved(marginals), observe)
    guard !folds.parts.isEmpty else {
      let nll = DensitySearch.nll(marginals, rows)
      shared.add(Entry(name: "independent Bernoullis", validationNLL: nll, seconds: 0))
      return mixed([], nil, otherwise: marginals, observe)
    }
    let counted = count(observe)
    let stepCount = stepCount()
    let explored = folds.isManyRows ? folds.first : folds
    runWorkers(phase: "searching", observe) { [shared, folds, seed, isQuick] goesOn in
      while let recipe = Self.next(
        shared, stepCount, climbs: folds.isManyRows && !isQuick,
        isQuick: isQuick, while: { goesOn(0.4) })
      {
        Self.attempt(recipe, shared, explored, seed: seed, while: { goesOn(0.45) })
      }
    }
    if folds.isManyRows {
      let found = shared.state.withLock { state in
        state.best = nil
        return state.tried.sorted { $0.nll < $1.nll }.prefix(3).map(\.recipe)
      }
      runWorkers(phase: "judging by all folds", observe) { [shared, folds, seed] goesOn in
        while goesOn(0.6) {
          let next = shared.state.withLock { state in
            defer { state.judgedCount += 1 }
            return state.judgedCount
          }
          guard next < found.count else { break }
          Self.attempt(found[next], shared, folds, seed: seed, while: { goesOn(0.65) })
        }
      }
    }
    let best = shared.state.withLock { $0.best }
    if let best {
      let orderCount =
        isQuick
        ? 1 : min(folds.isManyRows ? 16 : 8, best.recipe.orderCount(imageShape: folds.whole.imageShape))
      runWorkers(phase: "training on all rows", observe) { [shared, folds, seed] goesOn in
        while goesOn(0.85) {
          let order = shared.state.withLock { state in
            defer { state.nextOrder += 1 }
            return state.nextOrder
          }
          guard order < orderCount else { break }
          let network = try? Self.network(best, folds, order: order, seed: seed, while: { goesOn(0.95) })
          if let network { shared.state.withLock { $0.networks[order] = network } }
        }
      }
    }
    return mixed(counted, best, otherwise: marginals, observe)
  }

  private func tell(_ event: Event, _ observe: (Event) -> Bool) {
    if !observe(event) {
      isStopRequested = true
      shared.state.withLock { $0.isStopped = true }
    }
  }

  private var elapsed: Double { start.duration(to: .now).seconds }

  /// Runs a body on every thread's own worker, and tells the observer meanwhile what happens.
  ///
  /// The body is given what says whether there is still time, of which it names the share.
  private func runWorkers(
    phase: String, _ observe: (Event) -> Bool,
    _ body: @escaping @Sendable (_ goesOn: @Sendable (Double) -> Bool) -> Void
  ) {
    guard !isStopRequested else { return }
    let (shared, start, budget) = (shared, start, budget)
    let goesOn: @Sendable (Double) -> Bool = { share in
      start.duration(to: .now).seconds < share * budget && !shared.state.withLock { $0.isStopped }
    }
    let done = DispatchSemaphore(value: 0)
    let count = Threads.count
    for _ in 0..<count {
      let thread = Thread {
        Threads.run(on: 1) { body(goesOn) }
        done.signal()
      }
      // Foundation's 512 KB are few for deep graphs.
      thread.stackSize = 8 << 20
      thread.start()
    }
    var running = count
    while running > 0 {
      if done.wait(timeout: .now() + 0.05) == .success { running -= 1 }
      let (events, best) = shared.state.withLock { state in
        defer { state.events = [] }
        return (state.events, state.leaderboard.first?.validationNLL)
      }
      for event in events { tell(event, observe) }
      tell(.progress(phase: phase, fraction: min(1, elapsed / budget), best: best), observe)
    }
  }

  // MARK: Counts

  /// Fits what is fitted by counting to every fold.
  private func count(_ observe: (Event) -> Bool) -> [Counted] {
    var result: [Counted] = []
    func add(_ name: String, _ fit: @escaping (BinaryMatrix) throws(DensityError) -> any Density) {
      tell(.progress(phase: "counting", fraction: min(1, elapsed / budget), best: nil), observe)
      guard !isStopRequested else { return }
      let start = elapsed
      let densities = folds.parts.compactMap { try? fit($0.train) }
      guard densities.count == folds.parts.count else { return }
      let terms = folds.logProbabilities(of: densities)
      let nll = -terms.reduce(0, +) / Double(max(1, terms.count))
      let entry = Entry(name: name, validationNLL: nll, seconds: elapsed - start)
      shared.add(entry)
      result.append(Counted(logProbabilities: terms, fit: fit))
    }
    let seed = seed
    add("independent Bernoullis") { (rows) throws(DensityError) in try IndependentBernoulli.fit(to: rows) }
    if folds.whole.variableCount <= FoldTrial.pairLimit {
      add("Chow-Liu tree") { (rows) throws(DensityError) in try ChowLiuTree.fit(to: rows) }
      add("forest") { (rows) throws(DensityError) in try ChowLiuTree.forest(fittedTo: rows) }
    }
    for componentCount in [2, 5, 15, 30] where componentCount <= folds.parts[0].train.rowCount {
      add("mixture of \(componentCount) Bernoullis") { (rows) throws(DensityError) in
        try BernoulliMixture.fit(to: rows, componentCount: componentCount, seed: seed)
      }
    }
    return result
  }

  // MARK: Recipes

  /// Returns how many steps a first training takes: as many as let some eight recipes be tried, from 100 to 1000.
  private func stepCount() -> Int {
    let recipe = Recipe.firstOfSmallTables(stepCount: 1000)[0]
    let part = folds.parts[0]
    let start = elapsed
    var count = 0
    func time<Model: TrainableDensity>(_ model: Model) {
      let trainer = try? Trainer(
        model, data: part, configuration: recipe.training(rowCount: part.train.rowCount, seed: seed))
      _ = try? trainer?.run { (_) throws(DensityError) in
        count += 1
        return count < 40 && elapsed - start < 0.3
      }
    }
    Threads.run(on: 1) {
      let model = try? recipe.model(
        variableCount: folds.whole.variableCount, imageShape: folds.whole.imageShape, order: 0, seed: seed,
        weightSeed: seed)
      if let model { time(model) }
    }
    let perStep = (elapsed - start) / Double(max(1, count)) * Double(folds.isManyRows ? 1 : folds.parts.count)
    let affordable = 0.4 * budget * Double(Threads.count) / 16 / max(perStep, 1e-6)
    return affordable >= 1000 ? 1000 : max(100, Int(affordable) / 100 * 100)
  }

  /// Returns what is to be tried next; nil if there is nothing more that would be worth it.
  private static func next(
    _ shared: Shared, _ stepCount: Int, climbs: Bool, isQuick: Bool, while goesOn: () -> Bool
  ) -> Recipe? {
    while goesOn() {
      let (recipe, isOver) = shared.state.withLock { state -> (Recipe?, Bool) in
        var first = Recipe.firstOfSmallTables(stepCount: stepCount)
        if isQuick { first = [first[0]] }
        var candidates = first.filter { !state.started.contains($0) }
        // What few rows say of many recipes is luck.
        if candidates.isEmpty, climbs, state.started.count < 100 {
          let best = state.tried.min { $0.nll < $1.nll }
          candidates = best.map { $0.recipe.neighbours(peak: $0.peak) } ?? []
          candidates = candidates.filter { !state.started.contains($0) }
        }
        guard let recipe = candidates.first else { return (nil, state.runningCount == 0) }
        state.started.insert(recipe)
        state.runningCount += 1
        return (recipe, false)
      }
      if let recipe { return recipe }
      if isOver { return nil }
      // What others are at may lead to more.
      Thread.sleep(forTimeInterval: 0.01)
    }
    return nil
  }

  private static func attempt(
    _ recipe: Recipe, _ shared: Shared, _ folds: Folds, seed: UInt64, while goesOn: () -> Bool
  ) {
    let start = ContinuousClock.now
    defer { shared.state.withLock { $0.runningCount -= 1 } }
    func entry(_ name: String, _ nll: Double) -> Entry {
      Entry(name: name, validationNLL: nll, seconds: start.duration(to: .now).seconds)
    }
    let isOneOfMany = folds.parts.count == 1 && folds.whole.validation == nil
    do throws(DensityError) {
      guard let trial = try FoldTrial(recipe, folds, seed: seed, while: goesOn) else { return }
      shared.state.withLock { state in
        state.tried.append((recipe, trial.nll, trial.peak))
        if trial.nll < state.best?.nll ?? .infinity { state.best = trial }
      }
      shared.add(entry("\(recipe)" + (isOneOfMany ? ", one fold" : ""), trial.nll))
    } catch {
      // A recipe that diverges, or that the machine cannot hold, is a recipe that did not do well.
      shared.add(entry("\(recipe): \(error)", .infinity))
    }
  }

  /// Returns the network of a trial's recipe in an order, of all rows; nil if `goesOn` says no.
  private static func network(
    _ trial: FoldTrial, _ folds: Folds, order: Int, seed: UInt64, while goesOn: () -> Bool
  ) throws(DensityError) -> (any AutoregressiveDensity)? {
    if !folds.isRefitted && order == 0 { return trial.networks[0] }
    let data = folds.whole
    let weightSeed = seed &+ UInt64(order)
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
    let model = try trial.recipe.model(
      variableCount: data.variableCount, imageShape: data.imageShape, order: order, seed: seed,
      weightSeed: weightSeed)
    return try train(model)?.autoregressive()
  }

  // MARK: Mixing

  /// Mixes what there is.
  private func mixed(
    _ counted: [Counted], _ trial: FoldTrial?, otherwise marginals: any Density, _ observe: (Event) -> Bool
  ) -> DensitySearch.Result {
    let start = elapsed
    let rows = folds.whole.train
    // Each candidate's log p of the held-out rows, and what it is made of, of all rows.
    var candidates: [(terms: [Double], parts: [any Density])] = []
    for counted in counted {
      if let density = try? counted.fit(rows) { candidates.append((counted.logProbabilities, [density])) }
    }
    if let trial {
      let networks = shared.state.withLock { $0.networks }.sorted { $0.key < $1.key }.map(\.value)
      let pools = networks.compactMap { network in
        (try? FoldTrial.members(fittedTo: rows, network)).map { FoldTrial.pool($0, weights: trial.weights) }
      }
      if !pools.isEmpty { candidates.append((trial.logProbabilities, pools)) }
    }
    let halves = candidates.map { $0.terms.reduce(0, +) / Double(2 * folds.repetitionCount) }
    let scale = logSumExp(halves)
    let weighted = zip(candidates, halves).flatMap { candidate, half in
      candidate.parts.map {
        Component(weight: exp(half - scale) / Double(candidate.parts.count), density: $0)
      }
    }.filter { $0.weight > 1e-6 }
    let density: any Density =
      switch weighted.count {
      case 0: marginals
      case 1: weighted[0].density
      default: Mixture(weighted.map(\.density), weights: weighted.map(\.weight))
      }
    if candidates.count > 1 {
      let terms = logMixture(candidates.map(\.terms), weights: halves.map { exp($0 - scale) })
      let entry = Entry(
        name: "mixture of \(weighted.count) parts, weights by the held-out rows",
        validationNLL: -terms.reduce(0, +) / Double(max(1, terms.count)), seconds: elapsed - start)
      shared.add(entry)
      tell(.tried(entry), observe)
    }
    return DensitySearch.Result(
      density: density, leaderboard: shared.state.withLock { $0.leaderboard }, isInterrupted: isStopRequested)
  }
}

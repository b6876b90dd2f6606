import Essentials
import Kernels
import Synchronization

/// What `DensitySearch` does with a table of few rows: all are learnt from, and all are held out once.
///
/// 1. *Counts.* Marginals, a tree, a forest, mixtures of Bernoullis, an average over parents along the tree and, of up to 16
///    columns, counts of whole rows are fitted to every fold.
/// 2. *Recipes* are trained on all folds in lockstep; each network is pooled, conditional by conditional, with the marginals and
///    an average over parents (`ParentAverage`), by weights that make the held-out cells most probable. Up to two hundred rows
///    only first recipes are tried, for more would be chosen among by luck. Beyond, recipes are found by hill climbing on one
///    fold, and the best few trained on all, the best of random orders and the best of the columns' in two orders: what these
///    gain by being mixed says what more of them would.
/// 3. *All rows.* Everything is fitted again to all rows, the best recipe in several orders for as many steps as its
///    networks took in the folds; where rows are many, four times in each, whose logits are averaged. Rows are mixed by weights
///    ∝ exp(½ Σ log p) of the held-out rows, times what was believed before
///    (`beliefs(rowCount:candidateCount:)`). Who says to stop is given what there is, fitted to one fold where that is all.
///
/// Of groups of columns that are to be kept, what is counted are independent groups alone.
///
/// - Source: weights by half of the log-likelihood: Grünwald, The Safe Bayesian, ALT 2012.
package final class SmallTableSearch {
  typealias Entry = DensitySearch.Entry
  typealias Event = DensitySearch.Event

  private(set) var folds: Folds
  let budget: Double
  let isQuick: Bool
  let seed: UInt64
  /// What is found has room in it.
  let room: Room
  let shared: Shared
  private let start = ContinuousClock.now
  var isStopRequested = false

  /// - Parameters:
  ///   - budget: how many seconds it may take at the most; 0 tries one recipe in one order.
  ///   - byteLimit: the largest file, in bytes, which marginals in half precision fit into; nil for any.
  init(_ folds: Folds, budget: Double, seed: UInt64, byteLimit: Int?) {
    room = Room(folds.whole, byteLimit: byteLimit, averagesParents: folds.averagesParents)
    self.folds = folds
    self.folds.averagesParents = room.averagesParents
    isQuick = budget == 0
    self.budget = isQuick ? DensitySearch.quickBudget : budget
    self.seed = seed
    shared = Shared()
  }

  struct State {
    var started: Set<Recipe> = []
    var tried: [(recipe: Recipe, nll: Double, peak: Double)] = []
    var best: FoldTrial?
    var runningCount = 0
    /// The recipes that are yet to be judged by all folds, and those that have been.
    var judging: [Recipe] = []
    var judged: [FoldTrial] = []
    /// How many networks of all rows have been begun.
    var networkCount = 0
    /// The networks of all rows of each order, with their numbers.
    var networks: [Int: [(number: Int, density: any Density)]] = [:]
    var leaderboard: [Entry] = []
    var events: [Event] = []
    var isStopped = false
  }

  final class Shared: Sendable {
    let state = Mutex(State())

    func add(_ entry: Entry) {
      state.withLock {
        $0.events.append(.tried(entry))
        $0.leaderboard.append(entry)
        $0.leaderboard.sort { $0.validationNLL < $1.validationNLL }
      }
    }

    /// Gives what was counted the figures of fewer held-out rows, those that all there is has been asked about.
    func restate(_ counted: [Counted], ofFirst rowCount: Int) {
      let nlls = Dictionary(
        uniqueKeysWithValues: counted.map {
          ($0.name, DensitySearch.nll(of: Array($0.logProbabilities.prefix(rowCount))))
        })
      state.withLock { state in
        state.leaderboard = state.leaderboard.map { entry in
          guard entry.kind == .baseline, let nll = nlls[entry.name] else { return entry }
          return Entry(name: entry.name, kind: .baseline, validationNLL: nll, seconds: entry.seconds)
        }.sorted { $0.validationNLL < $1.validationNLL }
      }
    }
  }

  /// Something fitted by counting to every fold.
  struct Counted {
    let name: String
    /// log p of the held-out rows.
    let logProbabilities: [Double]
    /// What was fitted to the first fold.
    let first: any Density
    /// Fits the same to other rows; nil if told that there is no time.
    let fit: (BinaryMatrix, _ goesOn: () -> Bool) throws(DensityError) -> (any Density)?
  }

  // MARK: Running

  /// Searches, and returns what is best made of the table; what is found when the observer says to stop.
  func run(_ observe: (Event) -> Bool) -> DensitySearch.Result {
    let rows = folds.whole.train
    let marginals = folds.whole.independent(fittedTo: rows)
    tell(.improved(marginals), observe)
    guard !folds.parts.isEmpty else {
      let nll = DensitySearch.nll(marginals, rows)
      shared.add(Entry(name: folds.whole.nameOfIndependent, kind: .baseline, validationNLL: nll, seconds: 0))
      return mixed([], nil, otherwise: marginals, nll: nll, observe)
    }
    let counted = count(observe)
    let stepCount = isStopRequested ? 0 : stepCount()
    let explored = folds.isManyRows ? folds.first : folds
    runWorkers(phase: "searching", observe) { [shared, folds, seed, isQuick, room] goesOn in
      while let recipe = Self.next(
        shared, stepCount, climbs: folds.isManyRows && !isQuick,
        isQuick: isQuick, in: room, while: { goesOn(0.4) })
      {
        Self.attempt(recipe, shared, explored, seed: seed, while: { goesOn(0.45) })
      }
    }
    if folds.isManyRows, !isStopRequested { judge(observe) }
    let best = shared.state.withLock { $0.best }
    if let best {
      // Of the columns' own orders only those that were judged; random ones are alike.
      let orderCount =
        isQuick
        ? 1 : best.recipe.isNatural ? best.orderNLLs.count : Self.orderCount(of: best.recipe, folds)
      let count = folds.isManyRows && !isQuick ? 4 * orderCount : orderCount
      runWorkers(phase: "training on all rows", observe) { [shared, folds, seed] goesOn in
        while goesOn(0.85) {
          let index = shared.state.withLock { state in
            defer { state.networkCount += 1 }
            return state.networkCount
          }
          guard index < count else { break }
          let (number, order) = index.quotientAndRemainder(dividingBy: orderCount)
          let network = try? Self.network(
            best, folds, order: order, number: number, seed: seed, while: { goesOn(0.95) })
          if let network {
            shared.state.withLock { $0.networks[order, default: []].append((number, network)) }
          }
        }
      }
    }
    return mixed(counted, best, otherwise: marginals, nll: .infinity, observe)
  }

  /// In how many orders networks of a recipe are trained on all rows, of the columns' own in the two that are judged.
  private static func orderCount(of recipe: Recipe, _ folds: Folds) -> Int {
    recipe.isNatural ? 2 : folds.isManyRows ? 16 : 8
  }

  /// Trains the best recipes of one fold on all; if there is no time for any, the best of the one stays.
  ///
  /// One of random orders is among them. Of these many are mixed, and of the columns' order few, and what that gains one order does
  /// not tell: so the best of either kind is tried once more, in two orders, if there is time.
  private func judge(_ observe: (Event) -> Bool) {
    let (explored, recipes) = shared.state.withLock { state in
      defer { state.best = nil }
      let ranked = state.tried.sorted { $0.nll < $1.nll }.map(\.recipe)
      var best = Array(ranked.prefix(3))
      if best.allSatisfy(\.isNatural), let random = ranked.first(where: { !$0.isNatural }) {
        best.append(random)
      }
      return (state.best, best)
    }
    let judged = trials(of: recipes, orderCount: 1, share: 0.65, observe)
    let best = shared.state.withLock { state in
      state.best = state.best ?? explored
      return state.best
    }
    guard let best, !judged.isEmpty, !isQuick else { return }
    let kinds = [true, false].compactMap { isNatural in
      judged.filter { $0.recipe.isNatural == isNatural }.min { $0.nll < $1.nll }
    }
    let seconds = kinds.reduce(0) { $0 + 2.5 * $1.seconds } / Double(min(Threads.count, kinds.count))
    guard elapsed + seconds < 0.65 * budget else { return }
    let twofold = trials(of: kinds.map(\.recipe), orderCount: 2, share: 0.7, observe)
    let winner = twofold.min { first, second in
      let nlls = [first, second].map { $0.expectedNLL(mixing: Self.orderCount(of: $0.recipe, folds)) }
      return nlls[0] < nlls[1]
    }
    // Two orders do not compare with one.
    shared.state.withLock { $0.best = twofold.count == kinds.count ? winner : best }
  }

  /// Tries recipes on all folds until a share of the time is over; returns what came of them.
  private func trials(
    of recipes: [Recipe], orderCount: Int, share: Double, _ observe: (Event) -> Bool
  ) -> [FoldTrial] {
    shared.state.withLock { ($0.judging, $0.judged) = (recipes, []) }
    runWorkers(phase: "judging by all folds", observe) { [shared, folds, seed] goesOn in
      while goesOn(share - 0.05),
        let recipe = shared.state.withLock({ $0.judging.isEmpty ? nil : $0.judging.removeFirst() })
      {
        let trial = Self.attempt(
          recipe, shared, folds, orderCount: orderCount, seed: seed, while: { goesOn(share) })
        if let trial { shared.state.withLock { $0.judged.append(trial) } }
      }
    }
    return shared.state.withLock(\.judged)
  }

  func tell(_ event: Event, _ observe: (Event) -> Bool) {
    if !observe(event) {
      isStopRequested = true
      shared.state.withLock { $0.isStopped = true }
    }
  }

  /// Tells that time has passed, and returns whether nobody has said to stop.
  func goesOn(_ phase: String, _ observe: (Event) -> Bool) -> Bool {
    tell(.progress(phase: phase, fraction: min(1, elapsed / budget), best: nil), observe)
    return !isStopRequested
  }

  var elapsed: Double { start.duration(to: .now).seconds }

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
      startTrainingThread {
        body(goesOn)
        done.signal()
      }
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

  /// Returns how many steps a first training takes: as many as let some eight recipes be tried, of many rows sixteen; from 100 to
  /// 1000.
  private func stepCount() -> Int {
    let recipe = Recipe.firstOfSmallTables(stepCount: 1000)[0]
    guard let pace = recipe.secondsPerStep(on: folds.parts[0], within: 0.3, seed: seed) else { return 100 }
    let share = folds.isManyRows ? 0.4 / 16 : 0.5 / 8 / Double(folds.parts.count)
    let affordable = share * budget * Double(Threads.count) / pace
    return affordable >= 1000 ? 1000 : max(100, Int(affordable) / 100 * 100)
  }
}

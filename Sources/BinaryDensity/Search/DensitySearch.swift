import Foundation
import Kernels
import Synchronization

/// Finds a good density for a table within a time: tries recipes, trains many networks of the best, and mixes them.
///
///     let search = try DensitySearch(data, budget: .seconds(300))
///     let found = search.run()
///     print(found.density.logProbabilities(of: rows))
///
/// Everything is chosen on the validation rows, by the known cells of those that have missing ones; test rows are never
/// looked at. In order:
///
/// 1. *Search*, up to 45 % of the time. Recipes are tried by hill climbing from a handful of first ones, a training a
///    thread, each on one thread, all in one order of the variables so that they compare.
/// 2. *Members.* The best recipe is trained again and again, over several orders and with several initial weights; as
///    many of each as their measured gains advise, and two hundred at most, so that small tables take less than the time.
/// 3. *Mixing*, from 79 % of the time on. The members of one order are averaged conditional by conditional (`Ensemble`), those averages are
///    mixed as whole rows (`Mixture`), with equal weights, or fitted ones if that gains more on the validation rows
///    than a nat for each weight. Networks are left out as long as all of those left out gain less than a tenth of the
///    standard error of the validation figure.
/// 4. *Distillation*, in what is left of the time, where the mixture is better than its best network by more than five
///    standard errors of the difference: see `Distillation`. The network is kept in its place if it is worse by less than a
///    tenth of the standard error.
///
/// What is found depends on how far the machine gets in the time; what a network of a recipe, an order and a number is
/// depends on the seed alone.
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
    /// What was chosen by the validation rows: many networks of the best recipes, mixed where that is at least as good.
    ///
    /// It need not stand first on the leaderboard, for of hundreds of single networks one leads by luck.
    public let density: any Density
    /// All that was tried, the best first.
    public let leaderboard: [Entry]
    /// What there was to choose from in the end: the mixture of all networks, what is left of it, a network that learnt
    /// from it, as far as there are such.
    public let choices: [Choice]
    /// Whether it was told to stop before its time.
    public let isInterrupted: Bool
  }

  /// One of the densities that there were in the end.
  public struct Choice: Sendable {
    /// What it is.
    public let name: String
    /// The mean of −log p over the validation rows, in nats.
    public let validationNLL: Double
    /// The size of its file.
    public let byteCount: Int
    /// How many rows' log p it computes in a second, if that was timed.
    public let rowsPerSecond: Double?
    /// Whether it was chosen.
    public let isChosen: Bool

    /// Creates a choice.
    public init(
      name: String, validationNLL: Double, byteCount: Int, rowsPerSecond: Double?, isChosen: Bool
    ) {
      self.name = name
      self.validationNLL = validationNLL
      self.byteCount = byteCount
      self.rowsPerSecond = rowsPerSecond
      self.isChosen = isChosen
    }
  }

  /// What an observer is told.
  public enum Event: Sendable {
    /// Something has been tried.
    case tried(Entry)
    /// A network that is the best of all networks by now; worth keeping in case the process is killed.
    case improved(any Density)
    /// Time has passed: the phase, the fraction of the whole time, and the best figure so far.
    case progress(phase: String, fraction: Double, best: Double?)
  }

  let data: DataSplits
  private let validation: BinaryMatrix
  private let budget: Double
  private let seed: UInt64
  /// The largest file, in bytes.
  private let byteLimit: Int?
  private let shared = Shared()

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - data: training rows and, if there are any, validation rows; otherwise a tenth of the training rows is held
  ///     out by the seed. A table of one row validates on itself.
  ///   - budget: how long it may take; zero trains one network a thread by the first recipe, for 20 s at most.
  ///   - seed: the seed of everything drawn.
  ///   - byteLimit: the largest file that what is found may take, in bytes; nil for any.
  /// - Throws: `DensityError.invalidConfiguration` if there are no rows or no columns, or no model of them fits into
  ///   the file; `.mismatch` for validation rows of which all cells are missing.
  public init(_ data: DataSplits, budget: Duration = .seconds(300), seed: UInt64 = 0, byteLimit: Int? = nil)
    throws(DensityError)
  {
    guard data.train.rowCount > 0 else {
      throw .invalidConfiguration("\(data.name): there are no training rows")
    }
    guard data.variableCount > 0 else { throw .invalidConfiguration("\(data.name): there are no columns") }
    // Without test rows: what is not there cannot be looked at.
    if let validation = data.validation, validation.rowCount > 0 {
      self.data = data.withoutTest(validation: .validation)
      self.validation = validation
    } else {
      let split = data.withoutTest(validation: nil).holdingOutValidation(fraction: 0.1, seed: seed)
      validation = split.validation ?? split.train
      self.data = split.withoutTest(validation: split.validation == nil ? .train : .validation)
    }
    try self.data.checkHeldOutRows()
    self.budget = max(0, budget.seconds)
    self.seed = seed
    self.byteLimit = byteLimit
    let smallest = Self.smallestByteCount(of: self.data)
    if let byteLimit, byteLimit < smallest {
      throw .invalidConfiguration(
        "\(data.name): no model fits into \(byteLimit) bytes; the smallest takes \(smallest)")
    }
  }

  // MARK: Running

  /// Searches until the time is over or more networks would gain nothing, or until the observer says to stop.
  ///
  /// - Parameter observe: is called on this thread some ten times a second, and returns whether to go on. After a
  ///   stop the best so far is returned.
  public func run(_ observe: (Event) -> Bool = { _ in true }) -> Result {
    let start = clock.now
    began = start
    let isQuick = budget == 0
    deadline = isQuick ? nil : start + .seconds(budget)
    addBaselines(observe)

    let workers = Threads.count
    let stepCount = isQuick ? 1000 : usualStepCount(workers: workers)
    let (shared, data, seed, byteLimit) = (shared, data, seed, byteLimit)
    let budget = isQuick ? Self.quickBudget : budget
    shared.state.withLock {
      $0.workersRunning = workers
      $0.stepCount = stepCount
      $0.isStopped = isStopRequested
    }
    for worker in 0..<workers {
      let thread = Thread {
        Threads.run(on: 1) {
          Worker(
            shared: shared, data: data, seed: seed, start: start, budget: budget, isQuick: isQuick,
            number: worker, byteLimit: byteLimit
          ).run()
        }
        shared.state.withLock { $0.workersRunning -= 1 }
        shared.wake.signal()
      }
      // Foundation's 512 KB are few for deep graphs.
      thread.stackSize = 8 << 20
      thread.start()
    }

    while true {
      _ = shared.wake.wait(timeout: .now() + 0.1)
      let (events, running, phase, best) = shared.state.withLock { state in
        defer { state.events = [] }
        return (state.events, state.workersRunning, state.phase, state.leaderboard.first?.validationNLL)
      }
      for event in events { tell(event, observe) }
      tell(.progress(phase: phase, fraction: fraction, best: best), observe)
      if isStopRequested { shared.state.withLock { $0.isStopped = true } }
      if running == 0 { break }
    }
    return finished(observe)
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

  // MARK: Time

  private let clock = ContinuousClock()
  private lazy var began = clock.now
  /// The share of the time that has passed.
  private var fraction: Double {
    min(1, began.duration(to: clock.now).seconds / (budget == 0 ? Self.quickBudget : budget))
  }
  /// How many seconds a search without a budget takes at the most.
  private static let quickBudget = 20.0
  /// When evaluating is to end with what there is by then; nil if it may take what it takes.
  private var deadline: ContinuousClock.Instant?
  /// Whether the observer has said to stop.
  private var isStopRequested = false
  /// How long whoever stops a search waits for what is evaluated still.
  private static let grace = Duration.milliseconds(600)

  private var isOver: Bool { deadline.map { clock.now >= $0 } ?? false }

  /// Tells of an event, and notes the wish to stop.
  private func tell(_ event: Event, _ observe: (Event) -> Bool) {
    guard !observe(event), !isStopRequested else { return }
    isStopRequested = true
    let end = clock.now + Self.grace
    deadline = deadline.map { min($0, end) } ?? end
  }

  /// Returns log p of each validation row; nil if the time is over before.
  private func logProbabilities(of density: any Density, _ observe: (Event) -> Bool) -> [Double]? {
    let result = try? Self.logProbabilities(of: density, data) { (_) throws(DensityError) in goesOn(observe) }
    return result.flatMap(\.self)
  }

  /// Tells that something is evaluated, and returns whether there is time for it.
  private func goesOn(_ observe: (Event) -> Bool) -> Bool {
    let best = shared.state.withLock { $0.leaderboard.first?.validationNLL }
    tell(.progress(phase: "evaluating", fraction: fraction, best: best), observe)
    return !isOver
  }

  // MARK: Baselines

  /// The baselines, their figures, and their log p of each validation row.
  private var baselines: [MixtureSelection.Baseline] = []

  /// Fits the baselines, of which the first is there whatever happens.
  private func addBaselines(_ observe: (Event) -> Bool) {
    let start = clock.now
    baselines = []
    func report() { tell(.progress(phase: "fitting baselines", fraction: fraction, best: nil), observe) }
    /// Whether there is still time for the baselines.
    func hasTime(_ share: Double) -> Bool {
      report()
      return !isStopRequested && start.duration(to: clock.now).seconds < share * budget + 1
    }
    func add(_ name: String, _ fit: () throws(DensityError) -> (any Density)?) {
      report()
      guard !isStopRequested || baselines.isEmpty else { return }
      let start = clock.now
      guard let density = try? fit(), let terms = logProbabilities(of: density, observe) else { return }
      let nll = -terms.reduce(0, +) / Double(max(1, terms.count))
      guard nll.isFinite else { return }
      let entry = Entry(name: name, validationNLL: nll, seconds: start.duration(to: clock.now).seconds)
      shared.state.withLock { $0.add(entry) }
      baselines.append((density, nll, terms))
    }
    guard let train = ObservedRows(data, .train) else { preconditionFailure("there are no training rows") }
    add("independent Bernoullis") { () throws(DensityError) in try IndependentBernoulli.fit(to: train) }
    if baselines.isEmpty, let density = try? IndependentBernoulli.fit(to: train) {
      // Told to stop at once: something is to be kept all the same.
      baselines = [(density, .infinity, [])]
    }
    add("Chow-Liu tree") { () throws(DensityError) in
      try ChowLiuTree.fit(to: train, while: { hasTime(0.1) })
    }
    add("mixture of 30 Bernoullis") { () throws(DensityError) in
      try BernoulliMixture.fit(
        to: train, validation: ObservedRows(data, .validation), componentCount: 30, seed: seed,
        while: { hasTime(0.15) })
    }
  }

  package static func nll(_ density: any Density, _ rows: BinaryMatrix) -> Double {
    -density.logProbabilities(of: rows).reduce(0, +) / Double(max(1, rows.rowCount))
  }

  /// Returns the mean of −log p over the validation rows, or else the training rows; nil if `goesOn`, which is asked from
  /// time to time, says no.
  static func nll(_ density: any Density, _ data: DataSplits, while goesOn: () -> Bool) -> Double? {
    let terms = try? logProbabilities(of: density, data) { (_) throws(DensityError) in goesOn() }
    return terms.flatMap(\.self).map { -$0.reduce(0, +) / Double(max(1, $0.count)) }
  }

  /// Returns log p of each of these rows, or of its known cells; nil if `observe` says to stop.
  private static func logProbabilities(
    of density: any Density, _ data: DataSplits, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    let split = data.validation == nil ? DataSplit.train : .validation
    guard let partial = data.partialRows(split)?.informative else {
      return try density.evaluator().logProbabilities(of: data[split] ?? data.train, observing: observe)
    }
    return try MissingCellSampler(density).logMarginals(
      of: partial, particleCount: MissingCells.judgedParticleCount, seed: 0, observing: observe)
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

  /// The size of the smallest file of a model, that of independent variables in half precision.
  private static func smallestByteCount(of data: DataSplits) -> Int {
    let model = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: data.variableCount))
    return byteCount(of: model, data, inHalfPrecision: true)
  }

  /// The size of the file of a model of a table, in bytes.
  static func byteCount(of model: any Density, _ data: DataSplits, inHalfPrecision: Bool) -> Int {
    (try? Checkpoint(model: model, data).byteCount(inHalfPrecision: inHalfPrecision)) ?? .max
  }

  /// Mixes what there is, and keeps what does best on the validation rows.
  private func finished(_ observe: (Event) -> Bool) -> Result {
    let start = clock.now
    let (members, best) = shared.state.withLock { ($0.members, $0.best) }
    var outcome = withoutActuallyEscaping(observe) { observe in
      MixtureSelection(
        best: best, members: members, baselines: baselines, byteLimit: byteLimit,
        judge: judge(observe) { [self] candidate in
          let entry = Entry(
            name: candidate.name, validationNLL: candidate.nll,
            seconds: start.duration(to: clock.now).seconds)
          shared.state.withLock { $0.add(entry) }
          tell(.tried(entry), observe)
        }
      ).outcome()
    }
    // Nothing is smaller and faster than a table.
    if !isOver, outcome.hasGap, !(outcome.kept.density is TabulatedDensity),
      let network = distilled(outcome, observe)
    {
      outcome.add(distilled: network)
    }
    let leaderboard = shared.state.withLock { $0.leaderboard }
    return Result(
      density: outcome.kept.density, leaderboard: leaderboard, choices: choices(outcome),
      isInterrupted: isStopRequested)
  }

  /// Returns what there is to choose from, once each.
  private func choices(_ outcome: MixtureSelection.Outcome) -> [Choice] {
    var choices: [Choice] = []
    for candidate in [outcome.whole, outcome.kept, outcome.distilled].compactMap(\.self)
    where !choices.contains(where: { $0.name == candidate.name }) {
      choices.append(
        Choice(
          name: candidate.name, validationNLL: candidate.nll,
          byteCount: Self.byteCount(of: candidate.density, data, inHalfPrecision: false),
          rowsPerSecond: candidate.seconds.map { Double(candidate.terms.count) / max($0, 1e-9) },
          isChosen: candidate.name == outcome.kept.name))
    }
    return choices
  }

  /// Trains a network on rows that the mixture draws, in the time that is left; nil if there is too little.
  private func distilled(
    _ outcome: MixtureSelection.Outcome, _ observe: (Event) -> Bool
  ) -> MixtureSelection.Candidate? {
    let left = budget - began.duration(to: clock.now).seconds - 0.01 * budget
    // What is kept draws as well as all do, and faster, unless it had to be small.
    let teacher = byteLimit == nil ? outcome.kept : outcome.whole ?? outcome.kept
    guard left > 0,
      let distillation = try? Distillation(
        of: teacher.density, data, budget: .seconds(left), seed: seed,
        parameterLimit: (outcome.whole ?? teacher).density.parameterCount / 10, byteLimit: byteLimit)
    else { return nil }
    let result = try? distillation.run { event in
      switch event {
      case .tried(let entry):
        let entry = Entry(
          name: "distilled: \(entry.name)", validationNLL: entry.validationNLL, seconds: entry.seconds)
        shared.state.withLock { $0.add(entry) }
        tell(.tried(entry), observe)
      case .improved: break
      case .progress: tell(.progress(phase: "distilling", fraction: fraction, best: nil), observe)
      }
      return !isStopRequested
    }
    guard let result, let density = result.density else { return nil }
    let start = clock.now
    // Some moments, whenever the time ends.
    let rows = try? Self.logProbabilities(of: density, data) { (_) throws(DensityError) in true }
    return rows.flatMap(\.self).map {
      MixtureSelection.Candidate(
        name: result.name, density, terms: $0, seconds: start.duration(to: clock.now).seconds)
    }
  }

  /// What a selection is made by: the validation rows, and the time that is left.
  private func judge(
    _ observe: @escaping (Event) -> Bool, found: @escaping (MixtureSelection.Candidate) -> Void
  ) -> MixtureSelection.Judge {
    MixtureSelection.Judge(
      logProbabilities: { [self] in logProbabilities(of: $0, observe) },
      logProbabilitiesOfFirstMembers: { [self] ensemble in
        guard data.partialRows(.validation) == nil else { return nil }
        let terms = try? ensemble.logProbabilitiesOfFirstMembers(of: data.validation ?? data.train) {
          (_) throws(DensityError) in goesOn(observe)
        }
        return terms.flatMap(\.self)
      },
      byteCount: { [data] in Self.byteCount(of: $0, data, inHalfPrecision: $1) },
      isOver: { [self] in isOver }, found: found)
  }
}

import Kernels

/// Finds a good density for a table within a time: tries recipes, trains many networks of the best, and mixes them.
///
///     let search = try DensitySearch(data, budget: .seconds(300))
///     let found = search.run()
///     print(found.density.logProbabilities(of: rows))
///
/// Everything is chosen on the validation rows, by the known cells of those that have missing ones; test rows are never
/// looked at. In order:
///
/// 1. *Search*, up to 45 % of the time, for pictures 25 %, and less where recipes differ little. They are tried by hill
///    climbing from a handful of first ones, where time is short a quarter of their training first, and the best by the whole of
///    it; a training a thread, each on one thread, all in one order of the variables so that they compare.
/// 2. *Length.* The best recipe is trained for longer as long as that should gain more than as many networks more would, by what a
///    doubling of its steps has gained.
/// 3. *Members.* It is trained again and again, over several orders and with several initial weights; as
///    many of each as their measured gains advise, and two hundred at most, so that small tables take less than the time.
///    The last are trained for less, so that they are done in time.
/// 4. *Mixing*, in the last part of the time. The members of one order are averaged conditional by conditional (`Ensemble`), those
///    averages are mixed as whole rows (`Mixture`), with equal weights, or fitted ones if that gains more on the validation
///    rows than a nat for each weight. Networks are left out as long as all of those left out gain less than a tenth of the
///    standard error of the validation figure; where a table of all probabilities is smaller than the whole (of up to 16
///    columns), the best mixture is kept in that form.
/// 5. *Distillation*, in a quarter of the time, where that is four times what the best network took and a training sees every
///    row: see `Distillation`. The whole mixture teaches, and rows are drawn from it or, where that is slow and no size is given, from
///    what is left of it. Of what has learnt, what was left of the mixture, and the two mixed the search keeps the smallest that is
///    worse than the best of them, and than the whole, by less than a tenth of the standard error.
///
/// Of few rows (`foldCount`) each is held out in turn, and everything is learnt from all of them in the end: networks are pooled
/// with counts, conditional by conditional, and mixed with trees and mixtures as far as held-out rows speak for them, so that
/// a search is never much worse than counting.
///
/// Groups of columns that the data set knows of (`DataSplits.keeping(_:)`) are kept by everything that is tried, and so by what
/// is found: each network is a `GroupedNetwork`, and of the baselines there are independent groups alone.
///
/// What is found depends on how far the machine gets in the time; what a network of a recipe, an order and a number is
/// depends on the seed alone. So a search that was killed goes on as if it had not been (`run(savingTo:)`).
///
/// The networks that it keeps take an eighth of the machine's memory at most, those in training a quarter.
public final class DensitySearch {
  /// One line of the leaderboard: something tried, and how well it did.
  public struct Entry: Hashable, Sendable, Codable {
    /// What a line is of.
    public enum Kind: String, Hashable, Sendable, Codable {
      /// A density fitted without gradients.
      case baseline
      /// The network of a recipe.
      case recipe
      /// Another network of the best recipe.
      case member
      /// What is mixed of networks and baselines.
      case mixture
      /// A network that learnt from rows that a mixture draws.
      case distilled
    }

    /// What it is.
    public let name: String
    /// What it is of.
    public let kind: Kind
    /// The mean of −log p over the validation rows, in nats.
    public let validationNLL: Double
    /// How long it took to make, in seconds.
    public let seconds: Double

    init(name: String, kind: Kind = .mixture, validationNLL: Double, seconds: Double) {
      self.name = name
      self.kind = kind
      self.validationNLL = validationNLL
      self.seconds = seconds
    }

    private enum CodingKeys: String, CodingKey {
      case name, kind
      case validationNLL = "nll"
      case seconds
    }
  }

  /// What a search has found.
  public struct Result: Sendable {
    /// What was chosen by the validation rows: many networks of the best recipes, mixed where that is at least as good.
    ///
    /// It need not stand first on the leaderboard, for of hundreds of single networks one leads by luck.
    public let density: any Density
    /// Its mean of −log p over the validation rows, in nats; infinite if it was interrupted before there was one.
    public let validationNLL: Double
    /// Whether that is an estimate, for cells of the validation rows are missing: up to 20 columns only of what was interrupted.
    public let validationIsEstimated: Bool
    /// The standard error of that mean; nil of a single row, or if there was no time for it.
    public let validationStandardError: Double?
    /// How many rows that is the mean over.
    public let validationRowCount: Int
    /// All that was tried, the best first.
    ///
    /// Of 201 to 2000 rows, recipes that were tried on one fold alone are left out: their figures are of other rows.
    public let leaderboard: [Entry]
    /// How many recipes were tried.
    public let trialCount: Int
    /// The best of them; nil if no network was trained.
    public let bestRecipe: Recipe?
    /// What there was to choose from in the end: the best network, the mixture of all, what is left of it, a network that
    /// learnt from it, as far as there are such.
    public let choices: [Choice]
    /// Whether it was told to stop before its time.
    public let isInterrupted: Bool
    /// Whether what was saved is enough for another search to go on.
    public internal(set) var canGoOn = false
  }

  /// What an observer is told.
  public enum Event: Sendable {
    /// Something has been tried.
    case tried(Entry)
    /// A network that is the best of all networks by now; worth keeping in case the process is killed.
    case improved(any Density)
    /// Time has passed: the phase, the fraction of the whole time, and the best figure so far.
    case progress(phase: String, fraction: Double, best: Double?)
    /// What the search has can no longer be kept for a later one to go on from, and why; it goes on all the same.
    case unsaved(DensityError)
    /// A process that trained is dead, or silent: the search goes on without it.
    case lost(process: Int)
  }

  let data: DataSplits
  /// All the time it may take, that which it has used before included; in seconds.
  let budget: Double
  let seed: UInt64
  /// The largest file, in bytes.
  let byteLimit: Int?
  let shared = Shared()
  /// How many steps it may train, if they are counted instead of the time.
  let stepBudget: Int?
  /// Who trains besides this process.
  var team: Team?
  /// Whether others train besides this process.
  package var isLeading: Bool { team != nil }
  /// What the search goes on from.
  let saved: SavedSearch?
  /// The time that it had used before.
  let used: Double
  /// Where rows to judge by are few.
  let folds: Folds?

  /// Whether figures of networks on the validation rows are estimates, for cells of these are missing; up to 20 columns that of
  /// what is found is exact all the same.
  public var estimatesFigures: Bool { folds == nil && Self.estimatesFigures(data) }

  /// Prepares a search.
  ///
  /// - Parameters:
  ///   - data: training rows and, if there are any, validation rows; otherwise of up to 2000 rows
  ///     each is held out in turn, of more a tenth by the seed. Of more than 20 000 validation rows, given or held out, so
  ///     many choose, drawn by the seed.
  ///   - budget: how long it may take; zero trains one network a thread by the first recipe, for 20 s at most.
  ///   - seed: the seed of everything drawn.
  ///   - byteLimit: the largest file that what is found may take, in bytes; nil for any.
  /// - Throws: `DensityError.invalidConfiguration` if there are no rows or no columns, or no model of them fits into
  ///   the file; `.mismatch` for validation rows of which all cells are missing.
  public convenience init(
    _ data: DataSplits, budget: Duration = .seconds(300), seed: UInt64 = 0, byteLimit: Int? = nil
  ) throws(DensityError) {
    try self.init(data, seconds: budget.seconds, seed: seed, byteLimit: byteLimit, saved: nil)
  }

  /// Prepares a search that counts steps instead of the time: what it finds depends on the data, the seed and the number of steps
  /// alone, not on how many processors or processes train, or how fast, as long as no network takes a large part of the memory.
  ///
  /// It distils no network, and cannot be gone on with.
  ///
  /// - Parameters:
  ///   - data: training rows and, if there are any, validation rows, as of a search within a time.
  ///   - steps: about how many steps it may train, three hundred at the least, each of up to a hundred rows, all networks
  ///     together. Up to 6 thousand make a network, so that a hundred thousand are few.
  ///   - seed: the seed of everything drawn.
  ///   - byteLimit: the largest file that what is found may take, in bytes; nil for any.
  /// - Throws: as of a search within a time; `.invalidConfiguration` for no steps, and where rows are so few that a search ends
  ///   by itself.
  public convenience init(
    _ data: DataSplits, steps: Int, seed: UInt64 = 0, byteLimit: Int? = nil
  ) throws(DensityError) {
    guard steps > 0 else { throw .invalidConfiguration("a search takes at least one step, not \(steps)") }
    try self.init(
      data, seconds: Self.endless, seed: seed, byteLimit: byteLimit, saved: nil, stepBudget: steps)
    guard folds == nil else {
      throw .invalidConfiguration(
        "\(data.name): a search on few rows, or few validation rows, ends by itself and counts no steps; leave --steps out"
      )
    }
  }

  /// A time that is never over, in seconds.
  static let endless = 1e9

  /// Prepares to go on with a search.
  ///
  /// - Parameters:
  ///   - saved: the search.
  ///   - data: the rows that it began with.
  ///   - budget: how much longer it may take; zero mixes what there is. If nil it is what was left of its time, and as much
  ///     again as it has used where it was at its end.
  ///   - byteLimit: the largest file that what is found may take, in bytes; nil for any.
  /// - Throws: `DensityError.mismatch` if the rows are others; `.invalidConfiguration` if no model fits into the file.
  public convenience init(
    continuing saved: SavedSearch, _ data: DataSplits, budget: Duration? = nil, byteLimit: Int? = nil
  ) throws(DensityError) {
    let more = budget ?? saved.remaining ?? saved.used
    try self.init(data, seconds: more.seconds, seed: saved.seed, byteLimit: byteLimit, saved: saved)
    try check(saved)
  }

  private init(
    _ data: DataSplits, seconds: Double, seed: UInt64, byteLimit: Int?, saved: SavedSearch?,
    stepBudget: Int? = nil
  ) throws(DensityError) {
    guard data.train.rowCount > 0 else {
      throw .invalidConfiguration("\(data.name): there are no training rows")
    }
    guard data.variableCount > 0 else { throw .invalidConfiguration("\(data.name): there are no columns") }
    // Of the test rows too, before the work and not after.
    try data.checkHeldOutRows()
    // Without test rows: what is not there cannot be looked at.
    if data.validation.map({ $0.rowCount > 0 }) ?? false {
      self.data = data.withoutTest(validation: .validation).limitingValidation(seed: seed)
    } else {
      let split = try data.withoutTest(validation: nil).holdingOutValidation(seed: seed)
      self.data = split.withoutTest(validation: split.validation == nil ? .train : .validation)
    }
    folds = Folds(data, seed: seed)
    try self.data.checkHeldOutRows()
    let isQuick = seconds <= 0 && (saved?.networkCount ?? 0) == 0
    used = isQuick ? 0 : saved?.record.seconds ?? 0
    budget = isQuick ? 0 : used + max(0, seconds)
    self.seed = seed
    self.byteLimit = byteLimit
    self.stepBudget = stepBudget
    self.saved = saved
    if let byteLimit { try Self.checkRoom(for: self.data, in: byteLimit) }
  }

  /// How many folds a table of few rows is judged by, one where few validation rows are given; nil where many rows choose.
  ///
  /// Such a search ends by itself, and cannot be gone on with.
  public var foldCount: Int? { folds.map(\.parts.count) }

  // MARK: Time

  let clock = ContinuousClock()
  lazy var began = clock.now
  /// The share of the time that has passed, or of the steps.
  var fraction: Double {
    if let stepBudget {
      return min(1, 0.97 * Double(shared.state.withLock { $0.doneStepCount }) / Double(stepBudget))
    }
    return min(1, began.duration(to: clock.now).seconds / (budget == 0 ? Self.quickBudget : budget))
  }
  /// How many seconds a search without a budget takes at the most.
  static let quickBudget = 20.0
  /// When evaluating is to end with what there is by then; nil if it may take what it takes.
  var deadline: ContinuousClock.Instant?
  /// Whether the observer has said to stop.
  private(set) var isStopRequested = false
  /// How long whoever stops a search waits for what is evaluated still.
  private static let grace = Duration.milliseconds(600)

  var isOver: Bool { deadline.map { clock.now >= $0 } ?? false }
  /// Whether half of that is over which is left to evaluate what there is.
  var isAlmostOver: Bool { deadline.map { clock.now + Self.grace / 2 >= $0 } ?? false }

  /// The baselines, their figures, and their log p of each validation row.
  var baselines: [MixtureSelection.Baseline] = []

  /// Tells of an event, and notes the wish to stop.
  func tell(_ event: Event, _ observe: (Event) -> Bool) {
    guard !observe(event), !isStopRequested else { return }
    isStopRequested = true
    let end = clock.now + Self.grace
    deadline = deadline.map { min($0, end) } ?? end
  }

  /// Returns log p of each validation row; nil if the time is over before.
  func logProbabilities(of density: any Density, _ observe: (Event) -> Bool) -> [Double]? {
    let result = try? Self.logProbabilities(of: density, data) { (_) throws(DensityError) in goesOn(observe) }
    return result.flatMap(\.self)
  }

  /// Returns log p of each validation row, whether or not there is time left; nil if nobody waits for it.
  func lastLogProbabilities(of density: any Density, _ observe: (Event) -> Bool) -> [Double]? {
    let result = try? Self.logProbabilities(of: density, data) { (_) throws(DensityError) in
      isWaitedFor(observe)
    }
    return result.flatMap(\.self)
  }

  /// Tells that something is evaluated, and returns whether it is waited for: with or without time left, until somebody says to
  /// stop and some moments more.
  func isWaitedFor(_ observe: (Event) -> Bool) -> Bool { goesOn(observe) || !isStopRequested }

  /// Tells that something is evaluated, and returns whether there is time for it.
  func goesOn(_ observe: (Event) -> Bool) -> Bool {
    let best = shared.state.withLock { $0.leaderboard.first?.validationNLL }
    tell(.progress(phase: "evaluating", fraction: fraction, best: best), observe)
    return !isOver
  }
}

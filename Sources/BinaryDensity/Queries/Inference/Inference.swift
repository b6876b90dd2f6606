import Essentials
import Kernels
import Synchronization

/// A density made ready to be asked about some of its variables: marginals, conditionals, completions.
///
///     let inference = density.inference()
///     let evidence = PartialRows([[1, nil, 0], [nil, nil, 1]])
///     for answer in try inference.logMarginals(of: evidence) { print(answer) }  // -1.2040 (exact)
///
/// An answer is exact where it can be, and says so; elsewhere it is an estimate with its error. Tried in turn:
///
/// 1. *Tractable* densities (independent Bernoullis, their mixture, the Chow-Liu tree) know every marginal.
/// 2. A *chain* knows p of evidence that comes before all that is unknown in its order. What is unknown after the last
///    known variable sums to 1 and costs nothing.
/// 3. Of up to 20 variables all probabilities are tabulated once, and everything is exact.
/// 4. *Mixtures* add up what their components say: exactly, if all are exact.
/// 5. Few unknown variables before the last known one are enumerated, if that is predicted to take no longer than
///    `Options.enumerationSeconds`.
/// 6. Else particles run along the order, at first blind to evidence that comes later; if that is not good enough, they learn
///    what it asks for (`EvidenceTilt`), and start anew. See `LogProbability` for what their estimates promise.
///
/// Cells are taken to be missing at random: that a value is unknown says nothing about it.
public struct Inference: Sendable {
  /// What an answer may cost.
  public struct Options: Hashable, Sendable, Codable {
    /// How many particles a row's estimate begins with; at least 32, in batches.
    public var particleCount: Int
    /// How many it ends with at the most.
    ///
    /// They grow until the estimate is trusted and as good as `targetError` says. Those that others only learn from do not
    /// count.
    public var particleLimit: Int
    /// The standard error, in nats, that an estimate is to reach; nil if any will do.
    public var targetError: Double?
    /// The longest enumeration of a row's unknown variables, in seconds, as predicted by the time of a few steps.
    ///
    /// Near the limit an answer may be exact on one machine and an estimate on another.
    public var enumerationSeconds: Double
    /// The order of an `EoNADE`.
    public var order: Order
    /// The seed of all particles.
    public var seed: UInt64
    /// How many variables are tabulated at the most; tests look at what is done without a table.
    package var tabulationLimit = ProbabilityTable.variableLimit

    /// Creates options.
    public init(
      particleCount: Int = 2048, particleLimit: Int = 1 << 16, targetError: Double? = nil,
      enumerationSeconds: Double = 0.1, order: Order = .own, seed: UInt64 = 0
    ) {
      self.particleCount = particleCount
      self.particleLimit = max(particleLimit, particleCount)
      self.targetError = targetError
      self.enumerationSeconds = enumerationSeconds
      self.order = order
      self.seed = seed
    }

    /// What is wrong with the options, or nil.
    public var problem: String? {
      if !(32...1 << 26).contains(particleCount) {
        return "an estimate takes from 32 to \(1 << 26) particles, not \(particleCount)"
      }
      if !(particleCount...1 << 26).contains(particleLimit) {
        return "the most particles are \(particleLimit), not from \(particleCount) to \(1 << 26)"
      }
      if let targetError, !(targetError > 0 && targetError.isFinite) {
        return "a standard error to reach is above 0, not \(targetError)"
      }
      if !(enumerationSeconds >= 0 && enumerationSeconds.isFinite) {
        return "an enumeration takes from 0 seconds on, not \(enumerationSeconds)"
      }
      return nil
    }
  }

  /// Which density an order-agnostic network stands for when it is asked about some of its variables.
  public enum Order: String, Hashable, Sendable, Codable, CaseIterable {
    /// The mixture over its own orders: the density that `logProbabilities(of:)` is of.
    case own
    /// Its own orders, changed so that the evidence comes first, then what is asked about: exact, and another density
    /// for each set of known variables.
    case evidenceFirst = "evidence-first"
  }

  /// The number D of variables.
  public let variableCount: Int
  /// What an answer may cost.
  public private(set) var options: Options
  let density: any Density
  let node: QueryNode
  private let table: Tabulated

  /// Prepares a density.
  ///
  /// - Throws: `DensityError.invalidConfiguration` for options that mean nothing; `.unsupported` if the evidence is to come
  ///   first in a density that has an order of its own.
  public init(_ density: any Density, _ options: Options = Options()) throws(DensityError) {
    if let problem = options.problem { throw .invalidConfiguration(problem) }
    guard options.order == .own || density is EoNADE else {
      throw .unsupported(
        "only an EoNADE can take the evidence first: other densities have orders of their own")
    }
    self.density = density
    self.options = options
    variableCount = density.variableCount
    node = QueryNode(of: density)
    table = Tabulated()
  }

  /// Returns the density as it has been made ready, to be asked with other options.
  ///
  /// - Precondition: the options mean something, and keep to the order.
  package func with(_ change: (inout Options) -> Void) -> Inference {
    var result = self
    change(&result.options)
    precondition(result.options.problem == nil && result.options.order == options.order, "other options")
    return result
  }

  // MARK: Marginals and conditionals

  /// Returns log p(x_known) of each row.
  ///
  /// - Parameters:
  ///   - evidence: what is known.
  ///   - firstRow: the number of the first row: a row's particles follow from its number, so that a table asked about block by
  ///     block has the answers that it has as a whole, and errors that do not depend on each other.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: `DensityError.mismatch` for another number of columns; `.unsupported` if the density can only be asked about
  ///   whole rows, and these are not; what `observe` throws.
  public func logMarginals(
    of evidence: PartialRows, firstRow: Int = 0,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [LogProbability]? {
    try logMarginals(
      of: evidence, rowNumbers: Array(firstRow..<firstRow + evidence.rowCount), observing: observe)
  }

  /// Does the same with rows that need not stand side by side in their table: each has its number there.
  ///
  /// - Throws: as `logMarginals(of:firstRow:observing:)`.
  func logMarginals(
    of evidence: PartialRows, rowNumbers: [Int],
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [LogProbability]? {
    try require(evidence)
    return try refined(rowNumbers: rowNumbers) {
      (rows, earlier, draws, share) throws(DensityError) in
      let part = rows.count == evidence.rowCount ? evidence : evidence.selecting(rows)
      let found = try estimates(of: part, first: nil, draws.selecting(rows)) {
        (fraction) throws(DensityError) in
        try observe(share.overall(fraction))
      }
      return found?.enumerated().map { index, estimate in
        Refinement([earlier?[index].terms[0].merging(estimate) ?? estimate])
      }
    } answer: {
      $0.terms[0].answer
    }
  }

  /// Returns log p(x_target | x_evidence) of each row, as log p(target, evidence) − log p(evidence).
  ///
  /// Where these are estimates they take common draws, so that the error of the difference is less than either's.
  /// - Parameters:
  ///   - target: what is asked about.
  ///   - evidence: what is given.
  ///   - firstRow: the number of the first row, as of `logMarginals(of:firstRow:observing:)`.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: as `logMarginals(of:firstRow:observing:)`; `DensityError.invalidConfiguration` if a cell is known to both;
  ///   `.impossibleEvidence` if a row of evidence has probability zero.
  public func logConditionals(
    of target: PartialRows, given evidence: PartialRows, firstRow: Int = 0,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [LogProbability]? {
    try require(evidence)
    try require(target)
    let joint = try target.joined(with: evidence)
    let answers = try refined(rowNumbers: Array(firstRow..<firstRow + evidence.rowCount)) {
      (rows, earlier, draws, share) throws(DensityError) in
      let draws = draws.selecting(rows)
      let (top, bottom) = (joint.selecting(rows), evidence.selecting(rows))
      let first = try estimates(of: bottom, first: bottom, draws) { (fraction) throws(DensityError) in
        try observe(share.overall(fraction / 2))
      }
      guard let first else { return nil }
      let second = try estimates(of: top, first: bottom, draws) { (fraction) throws(DensityError) in
        try observe(share.overall(0.5 + fraction / 2))
      }
      return second.map { second in
        zip(second, first).enumerated().map { index, found in
          let own = [found.0, found.1]
          return Refinement(earlier.map { zip($0[index].terms, own).map { $0.merging($1) } } ?? own)
        }
      }
    } answer: {
      $0.terms[1].logMean == -.infinity ? nil : $0.terms[0].answer(dividedBy: $0.terms[1])
    }
    if let row = answers?.firstIndex(where: { $0 == nil }) {
      throw .impossibleEvidence(row: row, onBitCount: nil)
    }
    return answers?.compactMap(\.self)
  }

  /// Returns log p of each row's known cells: from the table where there is one, else as the density answers.
  ///
  /// - Parameter first: which cells an order-agnostic network is to take first, before the other known ones.
  func estimates(
    of evidence: PartialRows, first: PartialRows?, _ draws: FilterDraws,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [MarginalEstimate]? {
    if options.order == .evidenceFirst, let eonade = density as? EoNADE {
      return try evidenceFirstEstimates(
        eonade, of: evidence, first: first ?? evidence, draws, observing: observe)
    }
    // A row's answer does not depend on its company: each that the table is not needed for is computed without it.
    let tabulated =
      variableCount <= options.tabulationLimit
      ? (0..<evidence.rowCount).filter { !node.isDirect(evidence, row: $0) } : []
    guard !tabulated.isEmpty else { return try node.estimates(of: evidence, draws, observing: observe) }
    guard let table = try probabilityTable(observing: observe) else { return nil }
    let values = Threads.map(count: tabulated.count) { table.logMarginal(of: evidence, row: tabulated[$0]) }
    let others = Array(Set(0..<evidence.rowCount).subtracting(tabulated)).sorted()
    let found = try node.estimates(
      of: evidence.selecting(others), draws.selecting(others), observing: observe)
    guard let found else { return nil }
    var result = Array(repeating: MarginalEstimate(exact: 0), count: evidence.rowCount)
    for (row, value) in zip(tabulated, values) { result[row] = MarginalEstimate(exact: value) }
    for (row, estimate) in zip(others, found) { result[row] = estimate }
    return result
  }

  /// The probabilities of all rows, tabulated at first use.
  ///
  /// - Throws: `DensityError.undefined` if log p is not a number; what `observe` throws.
  /// - Precondition: at most `ProbabilityTable.variableLimit` variables.
  func probabilityTable(
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> ProbabilityTable? {
    if let made = table.value { return made }
    let made = try ProbabilityTable(node, variableCount: variableCount, observing: observe)?.checked(
      by: density)
    if let made { table.value = made }
    return made
  }

  /// Returns log p of each row under the network along its orders, the cells of `first` and then the other known ones
  /// brought to the front: exact, for all that is known comes first.
  private func evidenceFirstEstimates(
    _ eonade: EoNADE, of evidence: PartialRows, first: PartialRows, _ draws: FilterDraws,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [MarginalEstimate]? {
    // Rows that know the same cells have the same orders.
    let masks = PartialRows(values: first.known, known: evidence.known)
    var result = Array(repeating: MarginalEstimate(exact: 0), count: evidence.rowCount)
    for rows in masks.groupsOfEqualRows() {
      let row = rows[0]
      let orders = eonade.orders.map { order in
        order.bringingForward(
          { first.known[row, $0] }, then: { evidence.known[row, $0] })
      }
      let node = QueryNode.mixture(of: eonade, along: orders)
      let found = try node.estimates(of: evidence.selecting(rows), draws, observing: observe)
      guard let found else { return nil }
      for (row, estimate) in zip(rows, found) { result[row] = estimate }
    }
    return result
  }

  // MARK: Refinement

  /// The estimates that an answer is made of.
  struct Refinement: Sendable {
    let terms: [MarginalEstimate]
    init(_ terms: [MarginalEstimate]) { self.terms = terms }
  }

  /// Returns each row's answer, with particles that grow until it is trusted and good enough, or there are too many.
  ///
  /// - Parameter rowNumbers: the number of each row, from which its random numbers follow.
  func refined<Answer: QueryAnswer>(
    rowNumbers: [Int],
    _ compute: (
      _ rows: [Int], _ earlier: [Refinement]?, _ draws: FilterDraws, _ share: ProgressShare
    ) throws(DensityError) -> [Refinement]?,
    answer: (Refinement) -> Answer
  ) throws(DensityError) -> [Answer]? {
    let rowCount = rowNumbers.count
    var plans = Array(repeating: DrawPlan(first: options.particleCount), count: rowCount)
    var rows = Array(0..<rowCount)
    var refinements: [Refinement] = []
    var answers: [Answer] = []
    while true {
      // Rows of equal plans are asked about together; at first all are.
      let groups = Dictionary(grouping: rows) { plans[$0] }.sorted { $0.value[0] < $1.value[0] }
      var done = rowCount - rows.count
      for (plan, rows) in groups {
        let draws = FilterDraws(
          seed: options.seed, filters: plan.filters, particleCount: plan.size,
          areTilted: plan.isTilted, enumerationSeconds: options.enumerationSeconds, keys: rowNumbers)
        let earlier = plan.startsAnew ? nil : rows.map { refinements[$0] }
        let share = ProgressShare(done: done, rows: rows.count, count: rowCount)
        guard let found = try compute(rows, earlier, draws, share) else { return nil }
        done += rows.count
        if answers.isEmpty {
          refinements = found
          answers = found.map(answer)
        } else {
          for (row, refinement) in zip(rows, found) {
            refinements[row] = refinement
            answers[row] = answer(refinement)
          }
        }
      }
      rows = rows.filter { row in
        let growth = answers[row].growth(towards: options.targetError)
        return growth > 1 && plans[row].grow(by: growth, limit: options.particleLimit)
      }
      if rows.isEmpty { return answers }
    }
  }

  func require(_ rows: PartialRows) throws(DensityError) {
    guard rows.columnCount == variableCount else {
      throw .mismatch(
        path: "the evidence", expected: "\(variableCount) columns as in the model",
        found: "\(rows.columnCount)")
    }
  }
}

/// Which filters each batch of a row's estimate runs next: blind ones first; if these do not do, tilted ones, with which the
/// estimate starts anew.
private struct DrawPlan: Hashable {
  /// A cursor of more particles leaves the caches.
  private static let largestSize = 1024

  /// Whether the filters look ahead.
  private(set) var isTilted = false
  /// Whether what was estimated before counts no more.
  private(set) var startsAnew = true
  /// The numbers of the filters.
  private(set) var filters = 0..<0
  /// The particles of each.
  ///
  /// Few large filters are better than many small ones: with half the particles, a filter's variance more than doubles.
  private(set) var size = 1
  /// The particles of an estimate's batch, these and the earlier ones that count.
  private var total = 0

  /// The first filters, for so many particles in all batches.
  init(first particleCount: Int) { add(max(1, particleCount / MarginalEstimate.batchCount)) }

  /// Goes on to filters that make the particles so many times as many, but at most four times, and no more than a limit
  /// allows.
  ///
  /// - Returns: false if the limit is reached.
  mutating func grow(by factor: Double, limit: Int) -> Bool {
    let limit = limit / MarginalEstimate.batchCount
    guard total < limit else { return false }
    startsAnew = !isTilted
    if startsAnew {
      let doubled = min(2 * total, limit)
      (isTilted, total) = (true, 0)
      add(doubled)
    } else {
      // Predicted from so few batches, a factor is rounded to quarters: rows of equal plans are asked about together.
      let quarters = (4 * (min(factor, 4) - 1)).rounded(.up)
      add(min(limit - total, max(1, Int(quarters / 4 * Double(total)))))
    }
    return true
  }

  private mutating func add(_ count: Int) {
    size = min(count, Self.largestSize)
    filters = filters.upperBound..<filters.upperBound + count / size
    total += filters.count * size
  }
}

/// The rows of a call that are being answered, among all.
struct ProgressShare {
  let done: Int
  let rows: Int
  let count: Int

  /// The fraction of all that is done when a fraction of these is.
  func overall(_ fraction: Double) -> Double {
    (Double(done) + fraction * Double(rows)) / Double(max(1, count))
  }
}

/// What says how many particles are wanted.
protocol QueryAnswer {
  /// How many times as many particles it needs to be trusted, with a standard error of at most `error` if there is one to
  /// reach: 1 if it is good enough, else more.
  func growth(towards error: Double?) -> Double
}

extension LogProbability: QueryAnswer {
  func growth(towards error: Double?) -> Double {
    guard isTrusted else { return 2 }
    guard let error, standardError > error else { return 1 }
    // The error falls as the square root of the particles grows. A tenth more makes up for what an error's error is.
    let ratio = standardError / error
    return 1.1 * ratio * ratio
  }
}

extension Optional: QueryAnswer where Wrapped == LogProbability {
  func growth(towards error: Double?) -> Double { self?.growth(towards: error) ?? 1 }
}

/// The table of a density of few variables, once it has been made.
private final class Tabulated: Sendable {
  private let made = Mutex<ProbabilityTable?>(nil)

  var value: ProbabilityTable? {
    get { made.withLock { $0 } }
    set { made.withLock { $0 = newValue } }
  }
}

extension Density {
  /// Returns the density made ready to be asked about some of its variables.
  ///
  /// - Throws: as `Inference.init(_:_:)`.
  public func inference(
    _ options: Inference.Options = Inference.Options()
  ) throws(DensityError) -> Inference { try Inference(self, options) }
}

extension PartialRows {
  /// Returns the rows with what either knows.
  ///
  /// - Throws: `DensityError.invalidConfiguration` if a cell is known to both, or the numbers of rows differ.
  func joined(with other: PartialRows) throws(DensityError) -> PartialRows {
    guard rowCount == other.rowCount, columnCount == other.columnCount else {
      throw .invalidConfiguration("what is asked about is \(self), what is given \(other)")
    }
    for row in 0..<rowCount {
      for column in known.onBits(ofRow: row) where other.known[row, column] {
        throw .invalidConfiguration("row \(row + 1), column \(column + 1) is asked about and given at once")
      }
    }
    var (values, known) = (values, known)
    for index in values.words.indices {
      values.words[index] |= other.values.words[index]
      known.words[index] |= other.known.words[index]
    }
    return PartialRows(values: values, known: known)
  }
}

extension Ordering {
  /// Returns the ordering with some variables at its front, then some others, each in their own order.
  func bringingForward(_ isFirst: (Int) -> Bool, then isSecond: (Int) -> Bool) -> Ordering {
    let first = variables.filter(isFirst)
    let second = variables.filter { !isFirst($0) && isSecond($0) }
    return Ordering(first + second + variables.filter { !isFirst($0) && !isSecond($0) })
  }
}

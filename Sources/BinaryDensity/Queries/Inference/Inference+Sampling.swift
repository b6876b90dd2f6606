import Essentials
import Kernels

/// Draws from p(x_unknown | x_known): completed rows.
public struct Completions: Sendable {
  /// The rows: `count` for each row of evidence, one after another.
  public let rows: BinaryMatrix
  /// How many there are for each row of evidence.
  public let count: Int
  /// The effective number of the particles that a row's draws were taken from, the least of them; nil where they are exact.
  ///
  /// Each draw has particles of its own, so that draws are independent of each other. The fewer these are worth, the more
  /// they are like draws from p(unknown) alone.
  public let effectiveSampleSizes: [Double?]

  /// Whether the draws of all rows are exact.
  public var areExact: Bool { effectiveSampleSizes.allSatisfy { $0 == nil } }
}

/// How completions are drawn where evidence comes after what is unknown.
public enum CompletionMethod: Hashable, Sendable {
  /// Exactly where that takes no search (see `Inference`), else each by resampled particles of its own: then draws are
  /// approximate.
  ///
  /// These are an eighth of `Inference.Options.particleCount`; of rows where so many are worth less than an eighth of their
  /// number, all of it, and they have learnt from pilots what late evidence asks for.
  case particles
  /// Exactly: candidates are drawn along the order, and dropped as soon as they miss a known value. At most so many
  /// candidates a row are tried; 1 / p(evidence) are needed for one.
  case rejection(tryLimit: Int)
}

extension Inference {
  /// Completes each row by draws from p(x_unknown | x_known).
  ///
  /// Of a mixture a component is drawn by w_k · p_k(x_known) first, then the rest from it.
  /// - Parameters:
  ///   - evidence: what is known.
  ///   - count: how many completions of each row.
  ///   - method: what to do where evidence comes after what is unknown.
  ///   - temperature: what each unknown variable's logit is divided by as it is drawn. Other than 1 the draws are *not* from
  ///     p: below 1 they keep to what is probable, and far below they become the greedy choice.
  ///   - generator: gives all that is drawn.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: `DensityError.mismatch` for another number of columns; `.impossibleEvidence` if a row of evidence has
  ///   probability zero; `.unsupported` if the density can only be asked about whole rows; `.triesExhausted` if a row's tries are at
  ///   an end.
  /// - Precondition: `count >= 1`.
  public func sample(
    given evidence: PartialRows, count: Int = 1, method: CompletionMethod = .particles,
    temperature: Double = 1,
    using generator: inout some RandomNumberGenerator,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> Completions? {
    precondition(count >= 1, "cannot draw \(count) completions")
    precondition(temperature > 0 && temperature.isFinite, "a temperature of \(temperature)")
    try require(evidence)
    var result = CompletionBuilder(evidence, count: count)
    let seed: UInt64 = generator.next()
    if options.order == .evidenceFirst, let eonade = density as? EoNADE {
      for rows in PartialRows(values: evidence.known, known: evidence.known).groupsOfEqualRows() {
        let orders = eonade.orders.map { order in
          order.bringingForward({ evidence.known[rows[0], $0] }, then: { _ in false })
        }
        let node = QueryNode.mixture(of: eonade, along: orders)
        let plan = CompletionPlan(options, method: method, temperature: temperature, seed: seed)
        guard try node.complete(evidence, rows, into: &result, plan, observing: observe) else { return nil }
      }
      return result.completions
    }
    let usesTable =
      temperature == 1 && variableCount <= options.tabulationLimit
      && (0..<evidence.rowCount).contains { !node.isDirect(evidence, row: $0) }
    if usesTable {
      guard let table = try probabilityTable(observing: observe) else { return nil }
      try result.draw(from: table, seed: seed)
      return result.completions
    }
    let plan = CompletionPlan(options, method: method, temperature: temperature, seed: seed)
    // Blocks, so that what is drawn for them fits memory.
    let length = max(1, 4096 / count)
    for first in stride(from: 0, to: evidence.rowCount, by: length) {
      let rows = Array(first..<min(first + length, evidence.rowCount))
      let done = try node.complete(evidence, rows, into: &result, plan) { (fraction) throws(DensityError) in
        try observe((Double(first) + fraction * Double(rows.count)) / Double(evidence.rowCount))
      }
      guard done else { return nil }
    }
    return result.completions
  }
}

/// How rows are completed.
struct CompletionPlan {
  let options: Inference.Options
  let method: CompletionMethod
  let temperature: Double
  /// The seed of this call.
  let seed: UInt64

  init(_ options: Inference.Options, method: CompletionMethod, temperature: Double = 1, seed: UInt64) {
    self.options = options
    self.temperature = temperature
    self.method = method
    self.seed = seed
  }

  /// The plan of a component of a mixture.
  func part(_ index: Int) -> CompletionPlan {
    CompletionPlan(
      options, method: method, temperature: temperature,
      seed: seed &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// The particles of one draw.
  var particleCount: Int { max(32, options.particleCount / 8) }

  /// The generator of one purpose and one row, or block.
  func generator(_ row: Int, salt: UInt64 = 0) -> Philox {
    Philox(seed: seed &+ salt, stream: .completions, index: UInt64(row))
  }

  var draws: FilterDraws {
    FilterDraws(
      seed: seed, filters: 0..<1,
      particleCount: max(1, min(options.particleCount / MarginalEstimate.batchCount, 256)),
      enumerationSeconds: options.enumerationSeconds)
  }
}

/// The completions of rows as they are drawn, some places at a time.
struct CompletionBuilder {
  let evidence: PartialRows
  let count: Int
  private var rows: BinaryMatrix
  private var sizes: [Double?]

  init(_ evidence: PartialRows, count: Int) {
    self.evidence = evidence
    self.count = count
    rows = BinaryMatrix(rowCount: evidence.rowCount * count, columnCount: evidence.columnCount)
    sizes = Array(repeating: nil, count: evidence.rowCount)
  }

  var completions: Completions { Completions(rows: rows, count: count, effectiveSampleSizes: sizes) }

  /// Puts completed rows at places of the result.
  mutating func put(_ completed: BinaryMatrix, at places: [Int]) {
    let width = rows.wordsPerRow
    for (index, place) in places.enumerated() {
      for word in 0..<width { rows.words[place * width + word] = completed.words[index * width + word] }
    }
  }

  /// Notes that particles of so large an effective number drew a row's completions.
  mutating func note(effectiveSampleSize: Double, ofRow row: Int) {
    sizes[row] = min(sizes[row] ?? .infinity, effectiveSampleSize)
  }

  /// Draws all completions from a table.
  ///
  /// - Parameter onBitCount: how many on-bits they are to have, if that is fixed.
  mutating func draw(
    from table: ProbabilityTable, seed: UInt64, onBitCount: Int? = nil
  ) throws(DensityError) {
    let (evidence, count) = (evidence, count)
    let found = Threads.map(count: evidence.rowCount) { row in
      var generator = Philox(seed: seed, stream: .completions, index: UInt64(row))
      return table.draw(
        count, given: evidence, row: row, where: { onBitCount == nil || $0.nonzeroBitCount == onBitCount },
        using: &generator)
    }
    for (row, indices) in found.enumerated() {
      guard let indices else { throw .impossibleEvidence(row: row, onBitCount: onBitCount) }
      for (draw, index) in indices.enumerated() {
        for column in 0..<evidence.columnCount where index >> column & 1 == 1 {
          rows.turnOn(row * count + draw, column)
        }
      }
    }
  }
}

extension QueryNode {
  /// Completes some rows of the evidence; false if `observe` said to stop.
  func complete(
    _ evidence: PartialRows, _ rows: [Int], into result: inout CompletionBuilder, _ plan: CompletionPlan,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var rows = rows
    if case .rejection(let limit) = plan.method {
      let exact = rows.filter { isExact(evidence, row: $0, seconds: plan.options.enumerationSeconds) }
      for row in Set(rows).subtracting(exact).sorted() {
        guard try reject(row, into: &result, plan, tryLimit: limit, observing: observe) else { return false }
      }
      rows = exact
    }
    let places = rows.flatMap { row in (0..<result.count).map { row * result.count + $0 } }
    return try complete(places, into: &result, plan, observing: observe)
  }

  /// Draws the completions of some places, ascending: place p belongs to row ⌊p / count⌋ of the evidence.
  func complete(
    _ places: [Int], into result: inout CompletionBuilder, _ plan: CompletionPlan,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    guard let first = places.first else { return true }
    let count = result.count
    switch self {
    case .tractable(let density) where plan.temperature != 1:
      // Along an order that takes what is known first; of rows that know different cells one after another.
      let rows = result.evidence.selecting(places.map { $0 / count })
      for group in PartialRows(values: rows.known, known: rows.known).groupsOfEqualRows() {
        let order = Ordering.natural(count: rows.columnCount)
          .bringingForward({ rows.known[group[0], $0] }, then: { _ in false })
        guard let chain = density.autoregressive(along: order) else { continue }
        try ChainQueries(chain).complete(group.map { places[$0] }, into: &result, plan, observing: observe)
      }
      return try observe(1)
    case .tractable(let density):
      var generator = plan.generator(first)
      do throws(DensityError) {
        let completed = try density.sample(
          given: result.evidence.selecting(places.map { $0 / count }), using: &generator)
        result.put(completed, at: places)
      } catch .impossibleEvidence(let row, _) {
        throw .impossibleEvidence(row: places[row] / count, onBitCount: nil)
      }
      return try observe(1)
    case .opaque(let density):
      throw .unsupported(
        "a density of type \(type(of: density)) gives log p of whole rows alone, and cannot complete rows")
    case .chain(let chain): return try chain.complete(places, into: &result, plan, observing: observe)
    case .mixture(let logWeights, let parts):
      let rows = places.map { $0 / count }.removingRepeats
      var logShares = rows.map { _ in logWeights }
      let evidence = result.evidence.selecting(rows)
      for (index, part) in parts.enumerated() {
        let found = try part.estimates(of: evidence, plan.draws.part(index).selecting(rows)) {
          (fraction) throws(DensityError) in
          try observe((Double(index) + fraction) / Double(2 * parts.count))
        }
        guard let found else { return false }
        for (place, estimate) in found.enumerated() {
          logShares[place][index] += estimate.logMean
          if let size = estimate.effectiveSampleSize {
            result.note(effectiveSampleSize: size, ofRow: rows[place])
          }
        }
      }
      var members: [[Int]] = parts.map { _ in [] }
      var next = 0
      for (row, shares) in zip(rows, logShares) {
        let largest = shares.reduce(-Double.infinity, max)
        guard largest > -.infinity else { throw .impossibleEvidence(row: row, onBitCount: nil) }
        let chooser = CumulativeWeights(shares.map { exp($0 - largest) })
        var generator = plan.generator(row, salt: 1)
        while next < places.count, places[next] / count == row {
          members[chooser.draw(using: &generator)].append(places[next])
          next += 1
        }
      }
      for (index, part) in parts.enumerated() {
        let goesOn = try part.complete(members[index], into: &result, plan.part(index)) {
          (fraction) throws(DensityError) in
          try observe(0.5 + (Double(index) + fraction) / Double(2 * parts.count))
        }
        guard goesOn else { return false }
      }
      return true
    }
  }
}

extension [Int] {
  /// The numbers without those that equal the one before.
  var removingRepeats: [Int] {
    reduce(into: []) { result, number in if result.last != number { result.append(number) } }
  }
}

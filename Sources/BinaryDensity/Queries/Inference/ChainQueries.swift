import Essentials
import Kernels
import Synchronization

/// A chain of conditionals made ready for questions about some of its variables.
struct ChainQueries: Sendable {
  /// The order of the variables.
  let ordering: Ordering
  private let preparedSource: Lazy<any CursorSource>
  private let measuredStep: Lazy<Double>

  init(ordering: Ordering, _ source: @escaping @Sendable () -> any CursorSource) {
    self.ordering = ordering
    let prepared = Lazy(source)
    preparedSource = prepared
    measuredStep = Lazy { Self.measureStep(of: prepared.value) }
  }

  init(_ density: any AutoregressiveDensity) {
    self.init(ordering: density.ordering) { density.cursorSource() }
  }

  /// What cursors share, made at first use.
  var source: any CursorSource { preparedSource.value }

  /// The seconds that one thread takes for one variable of one row, measured once.
  var secondsPerStep: Double { measuredStep.value }

  /// Walks as many rows as are walked at best to the middle, where a variable costs what it does on average, and times
  /// some steps.
  private static func measureStep(of source: any CursorSource) -> Double {
    let rowCount = source.rowsPerShard
    let cursor = source.cursor(rowCount: rowCount)
    let bits = (0..<rowCount).map { $0 % 2 == 0 }
    var logits = [Float](repeating: 0, count: rowCount)
    let stepCount = min(8, source.variableCount)
    while cursor.position < (source.variableCount - stepCount) / 2 { cursor.advance(bits) }
    // What was put off until logits are asked for is no part of a step.
    cursor.nextLogits(into: &logits)
    let clock = ContinuousClock()
    let elapsed = clock.measure {
      for _ in 0..<stepCount {
        cursor.nextLogits(into: &logits)
        cursor.advance(bits)
      }
    }
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    return seconds / Double(rowCount * stepCount)
  }

  /// Returns log p of evidence that comes before all that is unknown, in nats; nil if `observe` said to stop.
  ///
  /// - Precondition: every path is a prefix.
  /// - Complexity: a step for each known variable.
  func prefixLogProbabilities(
    _ paths: [EvidencePath], observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    // Rows that are known equally far side by side: a shard is walked to the end of its longest.
    let order = paths.indices.sorted { paths[$0].count > paths[$1].count }
    let size = max(1, min(source.rowsPerShard, (paths.count + Threads.count - 1) / Threads.count))
    let shards = stride(from: 0, to: order.count, by: size).map {
      Array(order[$0..<min($0 + size, order.count)])
    }
    let parts = try mapInWaves(shards, observing: observe) { shard in
      let rows = shard.map { paths[$0] }
      var (sums, ended): ([Double], [Double]) = (Array(repeating: 0, count: rows.count), [])
      let walk = StepWalk(source.cursor(rowCount: rows.count))
      for position in 0..<(rows.first?.count ?? 0) {
        // The shortest stand at the end, and leave the walk there.
        let count = rows[..<walk.rowCount].count { position < $0.count }
        if count < walk.rowCount {
          ended = sums[count...] + ended
          sums.removeSubrange(count...)
          walk.select(Array(0..<count))
        }
        walk.set { row in
          guard let bit = rows[row].values[position] else { preconditionFailure("an unknown before a known") }
          return bit
        }
        walk.computeLogits()
        walk.addLogProbabilities(to: &sums)
        walk.advance()
      }
      return sums + ended
    }
    guard let parts else { return nil }
    var result = Array(repeating: 0.0, count: paths.count)
    for (index, value) in zip(order, parts.joined()) { result[index] = value }
    return result
  }

  /// Completes rows by walking them: known values are given, the others drawn.
  ///
  /// That is a draw from p(x_unknown | x_known) where nothing unknown comes before anything known.
  /// - Parameters:
  ///   - evidence: what is known.
  ///   - temperature: what logits are divided by.
  ///   - generator: gives the uniforms, row by row.
  /// - Throws: `DensityError.impossibleEvidence` for a row whose known values cannot be.
  func complete(
    _ evidence: PartialRows, temperature: Double = 1, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    var uniforms = Matrix<Float>(uninitializedRowCount: evidence.rowCount, columnCount: evidence.columnCount)
    uniforms.fillUniform(using: &generator)
    let draws = uniforms
    let inverse = Float(1 / temperature)
    let impossible = FirstImpossibleRow()
    let rows = try source.walk(rowCount: evidence.rowCount) { rows, variable, logits, values in
      for (place, row) in rows.enumerated() where evidence.known[row, variable] {
        let z = Double(logits[place])
        if orImpossible(evidence.values[row, variable] ? z : -z) == -.infinity { impossible.note(row) }
      }
      // A known value needs no draw: its uniform is put where the draw gives it.
      let column = rows.map { row -> Float in
        evidence.known[row, variable]
          ? (evidence.values[row, variable] ? -1 : 2) : draws[row, variable]
      }
      if temperature == 1 {
        drawBits(uniforms: column.span, logits: logits, into: &values)
      } else {
        let tempered = logits.indices.map { logits[$0] * inverse }
        drawBits(uniforms: column.span, logits: tempered.span, into: &values)
      }
    }
    if let row = impossible.row { throw .impossibleEvidence(row: row, onBitCount: nil) }
    // Nothing stops the walk.
    return rows ?? evidence.values
  }
}

/// The first of the rows that are found, on several threads, to be impossible.
private final class FirstImpossibleRow: Sendable {
  private let first = Mutex<Int?>(nil)

  var row: Int? { first.withLock(\.self) }

  func note(_ row: Int) { first.withLock { $0 = min($0 ?? row, row) } }
}

/// A cursor with room for its logits and the values of its rows.
final class StepWalk {
  let cursor: any Cursor
  /// The values of the rows' next variable.
  private(set) var bits: [Bool]
  private(set) var logits: [Float]
  private var probabilities: [Double]

  init(_ cursor: any Cursor) {
    self.cursor = cursor
    bits = Array(repeating: false, count: cursor.rowCount)
    logits = Array(repeating: 0, count: cursor.rowCount)
    probabilities = Array(repeating: 0, count: cursor.rowCount)
  }

  var rowCount: Int { bits.count }
  var position: Int { cursor.position }

  /// Sets the value of each row's next variable.
  func set(_ bit: (_ row: Int) -> Bool) {
    bits.withUnsafeMutableBufferPointer { bits in for row in bits.indices { bits[row] = bit(row) } }
  }

  /// Sets the value of all rows' next variable.
  func set(_ bit: Bool) { bits.withUnsafeMutableBufferPointer { $0.update(repeating: bit) } }

  /// Draws the values of the rows' next variable, whose logits have been computed.
  func draw(_ uniforms: [Float]) {
    var values = bits
    bits = []
    let z = logits
    var span = values.mutableSpan
    drawBits(uniforms: uniforms.span, logits: z.span, into: &span)
    bits = values
  }

  /// Draws the values of the rows' next variable, whose logits have been computed, so that among any rows side by side as many
  /// are on as are expected, but for one or two.
  ///
  /// Each value alone is drawn from its conditional. The first is drawn by itself: where the number that is expected is nearly
  /// whole, all draws of as many rows would otherwise agree, and seem sure of what so few rows cannot tell.
  /// - Source: the ordered pivotal method: Deville, Tillé, Biometrika 85 (1), 1998, section 3.
  func drawInOrder(_ uniforms: [Float]) {
    for row in logits.indices { probabilities[row] = 1 / (1 + exp(-Double(logits[row]))) }
    duel(uniforms)
  }

  /// Draws as `drawInOrder(_:)` from conditionals with shifted logits, q ∝ p exp(δ x), and adds log q(x) − log p(x).
  func drawInOrder(_ uniforms: [Float], shift: Double, addingLogRatiosTo ratios: inout [Double]) {
    let factor = exp(shift)
    for row in logits.indices {
      let p = 1 / (1 + exp(-Double(logits[row])))
      let normalizer = 1 + p * (factor - 1)
      probabilities[row] = p * factor / normalizer
      ratios[row] -= log(normalizer)
    }
    duel(uniforms)
    for row in bits.indices where bits[row] { ratios[row] += shift }
  }

  /// Draws the first row's value by itself, and those of the others by duels.
  ///
  /// Each row meets the one that is undecided so far. One of the two is decided, and the other goes on with what is left of
  /// both probabilities.
  private func duel(_ uniforms: [Float]) {
    let count = bits.count
    guard count > 0 else { return }
    probabilities.withUnsafeBufferPointer { p in
      bits.withUnsafeMutableBufferPointer { bits in
        bits[0] = Double(uniforms[0]) < p[0]
        guard count > 1 else { return }
        var (undecided, a) = (1, p[1])
        for row in 2..<count {
          let (b, u) = (p[row], Double(uniforms[row]))
          let sum = a + b
          if sum < 1 {
            // One is off.
            let isRowLeft = u * sum < b
            bits[isRowLeft ? undecided : row] = false
            if isRowLeft { undecided = row }
            a = sum
          } else {
            // One is on.
            let isRowLeft = u * (2 - sum) < 1 - b
            bits[isRowLeft ? undecided : row] = true
            if isRowLeft { undecided = row }
            a = sum - 1
          }
        }
        bits[undecided] = Double(uniforms[1]) < a
      }
    }
  }

  /// Computes the logits of the rows' next variable.
  func computeLogits() { cursor.nextLogits(into: &logits) }

  /// Adds log p of the value of each row's next variable, whose logits have been computed; −∞ if it cannot be.
  func addLogProbabilities(to sums: inout [Double]) {
    let (bits, logits) = (bits, logits)
    var span = sums.mutableSpan
    Kernels.addLogProbabilities(of: bits.span, logits: logits.span, to: &span)
    for row in span.indices { span[row] = orImpossible(span[row]) }
  }

  /// Gives the rows their values.
  func advance() { cursor.advance(bits) }

  /// Keeps, repeats and drops rows.
  func select(_ rows: [Int]) {
    cursor.select(rows)
    fit()
  }

  /// Goes on from snapshots.
  func resume(_ snapshots: [CursorSnapshot]) {
    cursor.resume(snapshots)
    fit()
  }

  private func fit() {
    guard bits.count != cursor.rowCount else { return }
    bits = Array(repeating: false, count: cursor.rowCount)
    logits = Array(repeating: 0, count: cursor.rowCount)
    probabilities = Array(repeating: 0, count: cursor.rowCount)
  }
}

/// Returns what `body` makes of items, some for every thread at a time; nil if `observe`, which is told the fraction
/// done between, says to stop.
func mapInWaves<Item: Sendable, Result: Sendable>(
  _ items: [Item], observing observe: (Double) throws(DensityError) -> Bool,
  _ body: @Sendable (Item) -> Result
) throws(DensityError) -> [Result]? {
  var results: [Result] = []
  results.reserveCapacity(items.count)
  let wave = 2 * Threads.count
  while results.count < items.count {
    let first = results.count
    results += Threads.map(count: min(wave, items.count - first)) { body(items[first + $0]) }
    if try !observe(Double(results.count) / Double(items.count)) { return nil }
  }
  return results
}

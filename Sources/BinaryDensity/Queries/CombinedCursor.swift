import Kernels

/// Makes cursors that walk several densities of one ordering together.
struct CombinedCursorSource: CursorSource {
  /// How the parts' logits become one.
  enum Rule: Sendable {
    /// Σ_k w_k · z_k: an ensemble's.
    case average(weights: [Float])
    /// The logit of Σ_k w_k · σ(z_k): that of an ensemble that averages probabilities.
    case pool(logWeights: [Double])
    /// The logit of Σ_k r_k · σ(z_k), r_k ∝ w_k · p_k(x_<i): a mixture's.
    case mix(logWeights: [Double])
  }

  let ordering: Ordering
  private let parts: [any CursorSource]
  private let rule: Rule

  /// - Precondition: all parts have the same ordering, and there is a weight for each.
  init(_ parts: [any CursorSource], ordering: Ordering, rule: Rule) {
    self.parts = parts
    self.ordering = ordering
    self.rule = rule
  }

  var rowsPerShard: Int { parts.reduce(128) { min($0, $1.rowsPerShard) } }

  func cursor(rowCount: Int) -> any Cursor {
    let cursors = parts.map { $0.cursor(rowCount: rowCount) }
    return switch rule {
    case .average(let weights): EnsembleCursor(cursors, weights: weights, rowCount: rowCount)
    case .pool(let logWeights):
      MixtureCursor(cursors, logWeights: logWeights, rowCount: rowCount, learns: false)
    case .mix(let logWeights):
      MixtureCursor(cursors, logWeights: logWeights, rowCount: rowCount, learns: true)
    }
  }
}

/// The cursors of the parts side by side, and their logits of the present position.
private final class PartCursors {
  let cursors: [any Cursor]
  /// Part k's rows at k · rowCount ..< (k + 1) · rowCount.
  private(set) var logits: [Float]
  private var part: [Float]
  /// The position that the logits are of.
  private var computedPosition = -1

  init(_ cursors: [any Cursor], rowCount: Int) {
    self.cursors = cursors
    logits = Array(repeating: 0, count: cursors.count * rowCount)
    part = Array(repeating: 0, count: rowCount)
  }

  var rowCount: Int { cursors[0].rowCount }
  var position: Int { cursors[0].position }
  var stateByteCount: Int { cursors.reduce(0) { $0 + $1.stateByteCount } }

  /// Computes the logits of all parts, if that is not done.
  func compute() {
    guard computedPosition != position else { return }
    for (index, cursor) in cursors.enumerated() {
      cursor.nextLogits(into: &part)
      logits.replaceSubrange(index * part.count..<(index + 1) * part.count, with: part)
    }
    computedPosition = position
  }

  func advance(_ bits: Span<Bool>) { for cursor in cursors { cursor.advance(bits) } }

  func select(_ rows: [Int]) {
    for cursor in cursors { cursor.select(rows) }
    resize()
  }

  /// The states of rows, one a part.
  func snapshot(_ rows: [Int]) -> [[CursorSnapshot]] {
    let parts = cursors.map { $0.snapshot(rows) }
    return rows.indices.map { row in parts.map { $0[row] } }
  }

  func resume(_ states: [[CursorSnapshot]]) {
    precondition(
      states.allSatisfy { $0.count == cursors.count },
      "snapshots of another number of parts than \(cursors.count)")
    for (index, cursor) in cursors.enumerated() { cursor.resume(states.map { $0[index] }) }
    resize()
  }

  private func resize() {
    logits = Array(repeating: 0, count: cursors.count * rowCount)
    part = Array(repeating: 0, count: rowCount)
    computedPosition = -1
  }
}

/// Walks the members of an ensemble and averages their logits, in the order of the members.
private final class EnsembleCursor: Cursor {
  private let parts: PartCursors
  private let weights: [Float]
  let variableCount: Int

  init(_ cursors: [any Cursor], weights: [Float], rowCount: Int) {
    parts = PartCursors(cursors, rowCount: rowCount)
    self.weights = weights
    variableCount = cursors[0].variableCount
  }

  var rowCount: Int { parts.rowCount }
  var position: Int { parts.position }
  var stateByteCount: Int { parts.stateByteCount }

  func nextLogits(into logits: inout MutableSpan<Float>) {
    require(logits.count, "logits")
    parts.compute()
    let partLogits = parts.logits
    let all = partLogits.span
    for (index, weight) in weights.enumerated() {
      accumulateLogits(
        all.extracting(index * rowCount..<(index + 1) * rowCount), weight: weight, isFirst: index == 0,
        into: &logits)
    }
  }

  func advance(_ bits: Span<Bool>) {
    require(bits.count, "values")
    parts.advance(bits)
  }

  func select(_ rows: [Int]) { parts.select(rows) }

  func snapshot(_ rows: [Int]) -> [CursorSnapshot] {
    parts.snapshot(rows).map { CursorSnapshot(position: position, state: $0) }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    _ = CursorSnapshot.commonPosition(of: snapshots, variableCount: variableCount)
    parts.resume(snapshots.map { $0.state(as: [CursorSnapshot].self) })
  }
}

/// Walks the components of a mixture, and knows how much each has had a share in the values so far.
///
/// One that does not learn of the values keeps the weights: then it is conditionals that are averaged.
private final class MixtureCursor: Cursor {
  private struct RowState: Sendable {
    let parts: [CursorSnapshot]
    let logShares: [Double]
  }

  private let parts: PartCursors
  private var recurrence: MixtureRecurrence
  private let learns: Bool
  let variableCount: Int

  init(_ cursors: [any Cursor], logWeights: [Double], rowCount: Int, learns: Bool) {
    self.learns = learns
    parts = PartCursors(cursors, rowCount: rowCount)
    recurrence = MixtureRecurrence(logWeights: logWeights, rowCount: rowCount)
    variableCount = cursors[0].variableCount
  }

  var rowCount: Int { parts.rowCount }
  var position: Int { parts.position }
  var stateByteCount: Int { parts.stateByteCount + 8 * parts.cursors.count }

  func nextLogits(into logits: inout MutableSpan<Float>) {
    require(logits.count, "logits")
    parts.compute()
    let partLogits = parts.logits
    recurrence.nextLogits(partLogits.span, into: &logits)
  }

  func advance(_ bits: Span<Bool>) {
    require(bits.count, "values")
    if learns {
      // How likely a value was in each component is known from its logit alone.
      parts.compute()
      let partLogits = parts.logits
      recurrence.advance(partLogits.span, bits)
    }
    parts.advance(bits)
  }

  func select(_ rows: [Int]) {
    parts.select(rows)
    recurrence.select(rows)
  }

  func snapshot(_ rows: [Int]) -> [CursorSnapshot] {
    zip(parts.snapshot(rows), rows).map { states, row in
      CursorSnapshot(
        position: position, state: RowState(parts: states, logShares: recurrence.state(ofRow: row)))
    }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    _ = CursorSnapshot.commonPosition(of: snapshots, variableCount: variableCount)
    let states = snapshots.map { $0.state(as: RowState.self) }
    parts.resume(states.map(\.parts))
    recurrence.resume(states.map(\.logShares))
  }
}

import Kernels

/// Walks any autoregressive density by computing all conditionals of the rows so far in each step.
///
/// - Complexity: D times that of `conditionalLogits(of:)` for a whole walk.
struct ConditionalCursorSource: CursorSource {
  private let density: any AutoregressiveDensity
  private let identity = SourceIdentity()

  init(_ density: any AutoregressiveDensity) { self.density = density }

  var ordering: Ordering { density.ordering }

  func cursor(rowCount: Int) -> any Cursor {
    ConditionalCursor(density, rowCount: rowCount, of: identity)
  }
}

/// The cursor of `ConditionalCursorSource`: the rows so far are all its state.
private final class ConditionalCursor: Cursor {
  private let density: any AutoregressiveDensity
  private let source: SourceIdentity
  private var rows: BinaryMatrix
  private(set) var position = 0

  init(_ density: any AutoregressiveDensity, rowCount: Int, of source: SourceIdentity) {
    self.density = density
    self.source = source
    rows = BinaryMatrix(rowCount: rowCount, columnCount: density.variableCount)
  }

  var variableCount: Int { density.variableCount }
  var rowCount: Int { rows.rowCount }
  var stateByteCount: Int { 8 * rows.wordsPerRow }

  func nextLogits(into logits: inout MutableSpan<Float>) {
    require(logits.count, "logits")
    let all = density.conditionalLogits(of: rows)
    let variable = density.ordering.variables[position]
    for row in 0..<rowCount { logits[row] = all[row, variable] }
  }

  func advance(_ bits: Span<Bool>) {
    require(bits.count, "values")
    let variable = density.ordering.variables[position]
    for row in 0..<rowCount where bits[row] { rows[row, variable] = true }
    position += 1
  }

  func select(_ indices: [Int]) { rows = rows.selecting(indices) }

  func snapshot(_ indices: [Int]) -> [CursorSnapshot] {
    indices.map { row in
      precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
      return CursorSnapshot(position: position, rows.rows(row..<row + 1), of: source)
    }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    position = CursorSnapshot.commonPosition(of: snapshots, variableCount: variableCount)
    rows = BinaryMatrix(
      concatenating: snapshots.map { $0.state(as: BinaryMatrix.self, of: source) },
      columnCount: variableCount)
  }
}

/// What tells a source from another: snapshots belong to the cursors of the source that made them.
final class SourceIdentity: Sendable {}

extension CursorSnapshot {
  /// A state, and the source whose cursors know what it means.
  private struct Owned<State: Sendable>: Sendable {
    let state: State
    let source: SourceIdentity
  }

  /// Creates the snapshot of a cursor of a source.
  init(position: Int, _ state: some Sendable, of source: SourceIdentity) {
    self.init(position: position, state: Owned(state: state, source: source))
  }

  /// The state as what a cursor of a source keeps.
  ///
  /// - Precondition: it was made by a cursor of that source.
  func state<State: Sendable>(as type: State.Type, of source: SourceIdentity) -> State {
    let owned = state(as: Owned<State>.self)
    precondition(owned.source === source, "a snapshot of another source's cursor")
    return owned.state
  }

  /// The position of all of some snapshots.
  ///
  /// - Precondition: there is at least one, and all have the same, which a walk of `variableCount` variables has.
  static func commonPosition(of snapshots: [CursorSnapshot], variableCount: Int) -> Int {
    guard let first = snapshots.first else { preconditionFailure("no snapshots to resume from") }
    precondition(
      snapshots.allSatisfy { $0.position == first.position },
      "snapshots of several positions: \(Set(snapshots.map(\.position)).sorted())")
    precondition(
      (0...variableCount).contains(first.position), "position \(first.position) of \(variableCount) variables"
    )
    return first.position
  }

  /// The state as what a cursor of this kind keeps.
  ///
  /// - Precondition: it was made by such a cursor.
  func state<State>(as type: State.Type) -> State {
    guard let state = state as? State else {
      preconditionFailure("a snapshot of another kind of cursor, \(Swift.type(of: self.state))")
    }
    return state
  }
}

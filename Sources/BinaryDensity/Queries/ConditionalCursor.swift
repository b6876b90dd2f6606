import Kernels

/// Walks any autoregressive density by computing all conditionals of the rows so far in each step.
///
/// - Complexity: D times that of `conditionalLogits(of:)` for a whole walk.
struct ConditionalCursorSource: CursorSource {
  private let density: any AutoregressiveDensity

  init(_ density: any AutoregressiveDensity) { self.density = density }

  var ordering: Ordering { density.ordering }

  func cursor(rowCount: Int) -> any Cursor { ConditionalCursor(density, rowCount: rowCount) }
}

/// The cursor of `ConditionalCursorSource`: the rows so far are all its state.
private final class ConditionalCursor: Cursor {
  private let density: any AutoregressiveDensity
  private var rows: BinaryMatrix
  private(set) var position = 0

  init(_ density: any AutoregressiveDensity, rowCount: Int) {
    self.density = density
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
    indices.map { CursorSnapshot(position: position, state: rows.rows($0..<$0 + 1)) }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    position = CursorSnapshot.commonPosition(of: snapshots)
    rows = BinaryMatrix(
      concatenating: snapshots.map { $0.state(as: BinaryMatrix.self) }, columnCount: variableCount)
  }
}

extension CursorSnapshot {
  /// The position of all of some snapshots.
  ///
  /// - Precondition: there is at least one, and all have the same.
  static func commonPosition(of snapshots: [CursorSnapshot]) -> Int {
    guard let first = snapshots.first else { preconditionFailure("no snapshots to resume from") }
    precondition(
      snapshots.allSatisfy { $0.position == first.position },
      "snapshots of several positions: \(Set(snapshots.map(\.position)).sorted())")
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

import Kernels

/// Makes cursors that walk a network and know what is certain of the groups of its columns.
struct GroupedCursorSource: CursorSource {
  /// Where a variable stands in its group.
  struct Place {
    /// Which group it is in.
    let group: Int
    /// Whether it is the group's last along the ordering.
    let isLast: Bool
  }

  private let source: any CursorSource
  /// The places of the variables by their positions; nil of those in no group.
  private let places: [Place?]
  private let groupCount: Int

  /// - Parameter groups: the columns of each group along the source's ordering.
  init(_ source: any CursorSource, groups: [[Int]]) {
    self.source = source
    groupCount = groups.count
    var places = [Place?](repeating: nil, count: source.variableCount)
    for (index, group) in groups.enumerated() {
      for column in group {
        places[source.ordering.positions[column]] = Place(group: index, isLast: column == group.last)
      }
    }
    self.places = places
  }

  var ordering: Ordering { source.ordering }
  var rowsPerShard: Int { source.rowsPerShard }

  func cursor(rowCount: Int) -> any Cursor {
    GroupedCursor(source.cursor(rowCount: rowCount), places: places, groupCount: groupCount)
  }
}

/// A network's cursor, and which groups of each row have their one.
private final class GroupedCursor: Cursor {
  private struct RowState: Sendable {
    let network: CursorSnapshot
    let isDecided: [Bool]
  }

  private let cursor: any Cursor
  private let places: [GroupedCursorSource.Place?]
  private let groupCount: Int
  /// Whether a column of a group is on: the groups of a row side by side.
  private var isDecided: [Bool]

  init(_ cursor: any Cursor, places: [GroupedCursorSource.Place?], groupCount: Int) {
    self.cursor = cursor
    self.places = places
    self.groupCount = groupCount
    isDecided = Array(repeating: false, count: cursor.rowCount * groupCount)
  }

  var variableCount: Int { cursor.variableCount }
  var rowCount: Int { cursor.rowCount }
  var position: Int { cursor.position }
  var stateByteCount: Int { cursor.stateByteCount + groupCount }

  func nextLogits(into logits: inout MutableSpan<Float>) {
    require(logits.count, "logits")
    guard let place = places[position] else { return cursor.nextLogits(into: &logits) }
    // Of the last of a group the network need not be asked.
    if !place.isLast { cursor.nextLogits(into: &logits) }
    for row in 0..<rowCount {
      if isDecided[row * groupCount + place.group] {
        logits[row] = -Float.forcedLogit
      } else if place.isLast {
        logits[row] = Float.forcedLogit
      }
    }
  }

  func advance(_ bits: Span<Bool>) {
    require(bits.count, "values")
    if let place = places[position] {
      for row in 0..<rowCount where bits[row] { isDecided[row * groupCount + place.group] = true }
    }
    cursor.advance(bits)
  }

  func select(_ rows: [Int]) {
    cursor.select(rows)
    isDecided = rows.flatMap { decided(inRow: $0) }
  }

  func snapshot(_ rows: [Int]) -> [CursorSnapshot] {
    zip(cursor.snapshot(rows), rows).map { state, row in
      CursorSnapshot(
        position: position, state: RowState(network: state, isDecided: Array(decided(inRow: row))))
    }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    _ = CursorSnapshot.commonPosition(of: snapshots, variableCount: variableCount)
    let states = snapshots.map { $0.state(as: RowState.self) }
    cursor.resume(states.map(\.network))
    isDecided = states.flatMap(\.isDecided)
  }

  private func decided(inRow row: Int) -> ArraySlice<Bool> {
    isDecided[row * groupCount..<(row + 1) * groupCount]
  }
}

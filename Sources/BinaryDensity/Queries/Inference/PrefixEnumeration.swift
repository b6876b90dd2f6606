import Kernels

extension ChainQueries {
  /// Returns log p(x_known, u) for every assignment u of the unknown variables that stand before the last known one.
  ///
  /// Bit j of an assignment's index is the value of the j-th of them. Prefixes are shared: depth first, in blocks of rows
  /// that a cursor walks in lockstep.
  /// - Returns: 2^unknown numbers, in nats, or nil if `observe` said to stop.
  /// - Precondition: at most 40 unknown variables.
  /// - Complexity: `path.enumerationSteps` steps, on all threads, and 24 bytes for each assignment.
  func assignments(
    of path: EvidencePath, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    precondition(path.unknownCount <= 40, "2 to the \(path.unknownCount) assignments are not enumerated")
    // The threads part where a block is as wide as a cursor is walked at best.
    let block = AssignmentBlock(source.cursor(rowCount: 1), path)
    block.walk { 2 * block.rows.indices.count <= source.rowsPerShard }
    var leaves = [block.rows]
    if block.position < path.count {
      let states = block.snapshot()
      let fixedCount = min(path.unknownCount - block.unknownCount, 6)
      let found = try mapInWaves(Array(0..<1 << fixedCount), observing: observe) { task in
        let own = AssignmentBlock(source.cursor(rowCount: 1), path)
        own.resume(states)
        var leaves: [Assignments] = []
        own.branch(fixing: (0..<fixedCount).map { task >> $0 & 1 == 1 }) { leaves.append($0) }
        return leaves
      }
      guard let found else { return nil }
      leaves = found.flatMap(\.self)
    }
    var result = Array(repeating: -Double.infinity, count: 1 << path.unknownCount)
    for rows in leaves {
      for (index, value) in zip(rows.indices, rows.logProbabilities) { result[index] = value }
    }
    return result
  }
}

/// Assignments of the unknown variables so far, side by side.
private struct Assignments {
  /// Bit j of an index is the value of the j-th unknown variable.
  var indices = [0]
  /// log p of all values so far.
  var logProbabilities = [0.0]
}

/// Rows that share a position, one for each of some assignments of the unknown variables before it.
private final class AssignmentBlock {
  /// What it takes to go on from a position.
  struct State: Sendable {
    let cursors: [CursorSnapshot]
    let rows: Assignments
    let unknownCount: Int
  }

  private let walk: StepWalk
  private let path: EvidencePath
  private(set) var rows = Assignments()
  /// How many unknown variables have been assigned.
  private(set) var unknownCount = 0

  init(_ cursor: any Cursor, _ path: EvidencePath) {
    walk = StepWalk(cursor)
    self.path = path
  }

  var position: Int { walk.position }

  func snapshot() -> State {
    State(
      cursors: walk.cursor.snapshot(Array(0..<rows.indices.count)), rows: rows, unknownCount: unknownCount)
  }

  func resume(_ state: State) {
    walk.resume(state.cursors)
    (rows, unknownCount) = (state.rows, state.unknownCount)
  }

  /// Walks on, doubling the rows at each unknown variable, to the end of the path or to an unknown variable at which
  /// `mayDouble` says no.
  func walk(_ mayDouble: () -> Bool) {
    while position < path.count {
      if let bit = path.values[position] {
        walk.set(bit)
      } else {
        guard mayDouble() else { return }
        let count = rows.indices.count
        walk.select(Array(0..<count) + Array(0..<count))
        rows.indices += rows.indices.map { $0 | 1 << unknownCount }
        rows.logProbabilities += rows.logProbabilities
        walk.set { $0 >= count }
        unknownCount += 1
      }
      step()
    }
  }

  private func step() {
    walk.computeLogits()
    walk.addLogProbabilities(to: &rows.logProbabilities)
    walk.advance()
  }

  /// Gives all rows a value of the unknown variable that is next.
  private func assign(_ bit: Bool) {
    walk.set(bit)
    if bit { rows.indices = rows.indices.map { $0 | 1 << unknownCount } }
    unknownCount += 1
    step()
  }

  /// Walks to the end of the path, the next unknown variables fixed and the others both ways.
  func branch(fixing fixed: [Bool], _ leaf: (Assignments) -> Void) {
    for bit in fixed {
      walk { false }
      assign(bit)
    }
    branch(leaf)
  }

  private func branch(_ leaf: (Assignments) -> Void) {
    walk { false }
    guard position < path.count else { return leaf(rows) }
    let state = snapshot()
    assign(false)
    branch(leaf)
    resume(state)
    assign(true)
    branch(leaf)
  }
}

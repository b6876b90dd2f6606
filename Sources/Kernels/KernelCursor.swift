import CKernels

/// Rows in lockstep along an order: at every step it gives the logit of each row's next variable and is told the values.
///
/// A logit has the same bits whether values were drawn or given, whichever rows stand beside its own, whether logits were
/// asked for before, after `select` and `resume`, and in every instruction set. A cursor belongs to one thread and
/// starts none.
package final class KernelCursor {
  private let plan: CursorPlan
  private let raw: OpaquePointer

  /// Starts before the first variable of a plan that has an order.
  package convenience init(_ plan: CursorPlan, rowCount: Int) {
    precondition(!plan.takesOrders, "rows of an order-agnostic network are walked along orders")
    self.init(plan, rowCount: rowCount, orders: [], orderOfRow: [])
  }

  /// Starts before the first variable of an order-agnostic network: row r takes the variables as
  /// `orders[orderOfRow[r]]` says.
  ///
  /// - Precondition: each order is a permutation of the variables.
  package convenience init(_ plan: CursorPlan, orders: [[Int32]], orderOfRow: [Int]) {
    precondition(plan.takesOrders, "the plan has an order of its own")
    for order in orders {
      precondition(
        order.count == plan.variableCount && order.allSatisfy { $0 >= 0 && $0 < plan.variableCount },
        "an order of \(plan.variableCount) variables has \(order)")
    }
    precondition(
      orderOfRow.allSatisfy { orders.indices.contains($0) }, "a row's order is not in 0..<\(orders.count)")
    self.init(
      plan, rowCount: orderOfRow.count, orders: orders.flatMap(\.self), orderOfRow: orderOfRow.map(Int32.init)
    )
  }

  private init(_ plan: CursorPlan, rowCount: Int, orders: [Int32], orderOfRow: [Int32]) {
    precondition(rowCount >= 0, "a cursor of \(rowCount) rows")
    self.plan = plan
    raw = orders.withUnsafeBufferPointer { orders in
      orderOfRow.withUnsafeBufferPointer {
        ck_cursor_create(
          plan.raw, rowCount, orders.baseAddress, orders.count / max(1, plan.variableCount), $0.baseAddress)
      }
    }
  }

  deinit { ck_cursor_free(raw) }

  /// Calls `body` with the address by which alone the kernels know the cursor: without this the last reference could go,
  /// and the cursor with it, while they run.
  private func withRaw<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    withExtendedLifetime(self) { body(raw) }
  }

  /// The number D of variables.
  package var variableCount: Int { plan.variableCount }
  /// The number of rows.
  package var rowCount: Int { withRaw(ck_cursor_rows) }
  /// How many variables are known.
  package var position: Int { withRaw(ck_cursor_position) }

  /// Writes the logit of each row's next variable; asked again it writes the same.
  ///
  /// - Precondition: there is a next variable, and `logits.count == rowCount`.
  package func nextLogits(into logits: inout MutableSpan<Float>) {
    precondition(position < variableCount, "the cursor is past the last of \(variableCount) variables")
    precondition(logits.count == rowCount, "room for \(logits.count) logits of \(rowCount) rows")
    logits.withUnsafeMutableBufferPointer { logits in
      guard let base = logits.baseAddress else { return }
      withRaw { kernels.pointee.cursor_logits($0, base) }
    }
  }

  /// Tells the values of each row's next variable.
  ///
  /// They are only noted: what follows from them is computed when logits are asked for, without the logits of variables
  /// that were skipped.
  /// - Precondition: there is a next variable, and `bits.count == rowCount`.
  package func advance(_ bits: Span<Bool>) {
    precondition(position < variableCount, "the cursor is past the last of \(variableCount) variables")
    precondition(bits.count == rowCount, "\(bits.count) bits for \(rowCount) rows")
    bits.withUnsafeBufferPointer { bits in withRaw { ck_cursor_advance($0, bits.baseAddress) } }
  }

  /// Keeps, repeats and drops rows: row i becomes what row `rows[i]` was.
  ///
  /// - Complexity: a copy of each row's numbers; allocates if there are more rows than ever before.
  package func select(_ rows: [Int]) {
    precondition(rows.allSatisfy { $0 >= 0 && $0 < rowCount }, "rows \(rows) of \(rowCount)")
    rows.withUnsafeBufferPointer { rows in withRaw { ck_cursor_select($0, rows.baseAddress, rows.count) } }
  }

  /// The number of bytes of one row's state.
  package var stateByteCount: Int { withRaw(ck_cursor_state_bytes) }

  /// Returns copies of some rows' states, to be resumed at this position by a cursor of the same plan and orders.
  package func snapshot(_ rows: [Int]) -> [CursorState] {
    precondition(rows.allSatisfy { $0 >= 0 && $0 < rowCount }, "rows \(rows) of \(rowCount)")
    withRaw { kernels.pointee.cursor_settle($0) }
    return rows.map { row in
      let bytes = [UInt8](unsafeUninitializedCapacity: stateByteCount) { buffer, count in
        if let base = buffer.baseAddress { withRaw { ck_cursor_snapshot($0, row, base) } }
        count = buffer.count
      }
      return CursorState(position: position, plan: plan, bytes: bytes)
    }
  }

  /// Takes up rows at the position they were left at; they become all rows there are.
  ///
  /// - Precondition: there is at least one state, all of one position and from cursors of this plan and its orders.
  package func resume(_ states: [CursorState]) {
    guard let first = states.first else { preconditionFailure("no state says at which position to resume") }
    precondition(
      states.allSatisfy { $0.position == first.position && $0.plan === plan },
      "states of several positions, or of another plan")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(states.count * stateByteCount)
    for state in states { bytes += state.bytes }
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      withRaw { ck_cursor_resume($0, base, states.count) }
    }
  }
}

/// One row of a cursor, parked at a position.
package struct CursorState: Sendable {
  /// How many variables are known.
  package let position: Int
  fileprivate let plan: CursorPlan
  fileprivate let bytes: [UInt8]
  /// The size of the state.
  package var byteCount: Int { bytes.count }
}

import Kernels

/// Makes cursors that walk a network of the package by kernels of their own.
struct NetworkCursorSource: CursorSource {
  let ordering: Ordering
  private let plan: Lazy<CursorPlan>
  /// The ordering as an EoNADE's cursor is told it, which walks along any; nil where the plan has one of its own.
  private let orders: [[Int32]]?
  /// Draws rows faster than a walk does.
  private let fusedDraw: (@Sendable (Matrix<Float>) -> BinaryMatrix)?

  /// - Parameters:
  ///   - isOrderAgnostic: whether the plan is an EoNADE's.
  ///   - draw: draws rows faster than a walk does, if anything does.
  ///   - plan: arranges the weights, at first use.
  init(
    ordering: Ordering, isOrderAgnostic: Bool = false,
    draw: (@Sendable (Matrix<Float>) -> BinaryMatrix)? = nil, plan: @escaping @Sendable () -> CursorPlan
  ) {
    self.ordering = ordering
    self.plan = Lazy(plan)
    orders = isOrderAgnostic ? [ordering.variables.map(Int32.init)] : nil
    fusedDraw = draw
  }

  /// A masked network.
  init(_ network: MaskedNetwork<Float>, ordering: Ordering) {
    let sampler = Lazy { IncrementalSampler(network) }
    self.init(ordering: ordering, draw: { sampler.value.draw($0) }) { CursorPlan(network) }
  }

  var rowsPerShard: Int { plan.value.rowsPerShard }

  func cursor(rowCount: Int) -> any Cursor {
    precondition(rowCount >= 0, "a cursor cannot have \(rowCount) rows")
    guard let orders else { return NetworkCursor(KernelCursor(plan.value, rowCount: rowCount)) }
    return NetworkCursor(
      KernelCursor(plan.value, orders: orders, orderOfRow: Array(repeating: 0, count: rowCount)))
  }

  func draw(uniforms: Matrix<Float>) -> BinaryMatrix {
    fusedDraw.map { $0(uniforms) } ?? drawByWalking(uniforms: uniforms)
  }
}

/// The kernels' cursor.
private final class NetworkCursor: Cursor {
  private let cursor: KernelCursor

  init(_ cursor: KernelCursor) { self.cursor = cursor }

  var variableCount: Int { cursor.variableCount }
  var rowCount: Int { cursor.rowCount }
  var position: Int { cursor.position }
  var stateByteCount: Int { cursor.stateByteCount }

  func nextLogits(into logits: inout MutableSpan<Float>) {
    require(logits.count, "logits")
    cursor.nextLogits(into: &logits)
  }

  func advance(_ bits: Span<Bool>) {
    require(bits.count, "values")
    cursor.advance(bits)
  }

  func select(_ rows: [Int]) { cursor.select(rows) }

  func snapshot(_ rows: [Int]) -> [CursorSnapshot] {
    cursor.snapshot(rows).map { CursorSnapshot(position: $0.position, state: $0) }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    _ = CursorSnapshot.commonPosition(of: snapshots, variableCount: variableCount)
    cursor.resume(snapshots.map { $0.state(as: CursorState.self) })
  }
}

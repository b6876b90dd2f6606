import Kernels

/// Views of the executor's own storage.
///
/// Those that leave their closures are taken and used within the executor's methods only. It lives for as long as one of
/// them runs, and with it its arenas, which are never replaced, and its parameters, gradients and batches, which nothing
/// replaces during a run.
extension Executor {
  /// Calls `body` with a view of a value after a run, which is valid until it returns.
  ///
  /// - Precondition: the value is one of the outputs, the loss or a leaf; others may have been overwritten.
  package func withUnsafeView<Result, Failure: Error>(
    of value: Graph.Value, _ body: (UnsafeMatrixView<Scalar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(view(of: value))
  }

  /// Calls `body` with the on-bits of a value, which are known of an input that a batch stands for.
  func withOnBits(of value: Graph.Value, _ body: (UnsafeOnBits?) -> Void) {
    guard let (batch, part) = batches[value.index], part == .values else { return body(nil) }
    batch.withUnsafeOnBits { body($0) }
  }

  /// A view of a value to read: the parameter's matrix, the batch that stands for it, or its stretch of the arena with the
  /// current number of rows.
  func view(of value: Graph.Value) -> UnsafeMatrixView<Scalar> {
    if let (batch, part) = batches[value.index] { return batch.unsafeView(of: part) }
    if let index = parameterIndex[value.index] { return parameters.unsafeView(at: index) }
    return UnsafeMatrixView(mutableView(of: value))
  }

  /// A view of the value of a node that is no parameter, to write.
  func mutableView(of value: Graph.Value) -> UnsafeMutableMatrixView<Scalar> {
    view(of: value, in: values, at: plan.values[value.index])
  }

  /// A view of a value's gradient, to accumulate into.
  func gradientView(of value: Graph.Value) -> UnsafeMutableMatrixView<Scalar> {
    if let index = parameterIndex[value.index] { return gradients.unsafeMutableView(at: index) }
    return view(of: value, in: gradientArena, at: plan.gradients[value.index])
  }

  private func view(
    of value: Graph.Value, in arena: Storage<Scalar>, at buffer: Plan.Buffer?
  ) -> UnsafeMutableMatrixView<Scalar> {
    let shape = graph[value].shape
    guard let buffer else { preconditionFailure("\(graph.name(of: value)) is not part of the plan") }
    return UnsafeMutableMatrixView(
      base: arena.base + buffer.offset, rowCount: shape.rowCount(batchSize: batchSize),
      columnCount: shape.columns, stride: paddedStride(shape.columns))
  }
}

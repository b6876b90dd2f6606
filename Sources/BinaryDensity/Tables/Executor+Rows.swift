import Autodiff
import Kernels

extension Executor {
  /// Sets the batch size and an input to rows of bits: 1 where a bit is on, 0 where it is off.
  ///
  ///     executor.set(x, to: rows)  // B × D
  ///     executor.forward()
  ///     print(executor[loss][0, 0])
  ///
  /// The bits are copied, column by column as the table has them. Whoever runs many batches of a large table fills one
  /// `RowBatch` after another instead, which is read where it lies and lists the on-bits for a sparse input.
  /// - Precondition: the rows have the input's columns, and are from 1 to the capacity's rows.
  /// - Complexity: O(rows · columns), on all threads.
  public func set(_ input: Graph.Value, to rows: BinaryMatrix) {
    precondition(
      rows.columnCount == graph.shape(of: input).columns,
      "\(graph.name(of: input)) is \(graph.shape(of: input)), not of \(rows.columnCount) columns")
    set(input, rowCount: rows.rowCount) { rows.copyRows(0..<rows.rowCount, into: $0) }
  }
}

import Kernels

extension BinaryMatrix {
  /// Writes the rows with the given indices as scalars 0 and 1, one after another.
  ///
  /// - Precondition: `view` is `indices.count` × `columnCount`.
  /// - Complexity: O(rows · columns) for the zeros, a plain fill, and O(on-bits) for the ones.
  @inlinable package func copyRows<S: KernelScalar>(
    _ indices: some Collection<Int>, into view: MatrixView<S>
  ) {
    precondition(
      view.rowCount == indices.count && view.columnCount == columnCount,
      "\(indices.count) × \(columnCount) bits do not fit a view of \(view.rowCount) × \(view.columnCount)")
    view.clear()
    var target = view.base
    for row in indices {
      precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
      for column in onBits(ofRow: row) { target[column] = 1 }
      target += view.stride
    }
  }

  /// Creates a table that is on where a scalar is not zero.
  package init<S: KernelScalar>(_ matrix: Matrix<S>) {
    let view = matrix.view
    self.init(rowCount: view.rowCount, columnCount: view.columnCount)
    var index = 0
    for row in 0..<view.rowCount {
      for start in stride(from: 0, to: view.columnCount, by: 64) {
        var word: UInt64 = 0
        for column in start..<min(start + 64, view.columnCount) {
          word |= (view[row, column] != 0 ? 1 : 0) << UInt64(column - start)
        }
        words[index] = word
        index += 1
      }
    }
    withExtendedLifetime(matrix) {}
  }
}

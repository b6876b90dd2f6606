import Kernels

extension BinaryMatrix {
  /// Writes the rows with the given indices as scalars 0 and 1, one after another.
  ///
  /// - Precondition: `view` is `indices.count` × `columnCount`.
  /// - Complexity: O(rows · columns), on all threads.
  package func copyRows<S: KernelScalar>(_ indices: [Int], into view: UnsafeMutableMatrixView<S>) {
    precondition(
      view.rowCount == indices.count && view.columnCount == columnCount,
      "\(indices.count) × \(columnCount) bits do not fit a view of \(view.rowCount) × \(view.columnCount)")
    for row in indices {
      precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    }
    expand(from: 0, indices, into: view)
  }

  /// Writes consecutive rows as scalars 0 and 1.
  ///
  /// - Precondition: `view` is `range.count` × `columnCount`.
  package func copyRows<S: KernelScalar>(_ range: Range<Int>, into view: UnsafeMutableMatrixView<S>) {
    precondition(
      view.rowCount == range.count && view.columnCount == columnCount,
      "\(range.count) × \(columnCount) bits do not fit a view of \(view.rowCount) × \(view.columnCount)")
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) are outside 0..<\(rowCount)")
    expand(from: range.lowerBound, nil, into: view)
  }

  private func expand<S: KernelScalar>(
    from first: Int, _ indices: [Int]?, into view: UnsafeMutableMatrixView<S>
  ) {
    words.withUnsafeBufferPointer { words in
      guard let base = words.baseAddress else { return }
      let start = base + first * wordsPerRow
      if let indices {
        indices.withUnsafeBufferPointer {
          S.expandBits(start, wordsPerRow: wordsPerRow, rows: $0.baseAddress, into: view)
        }
      } else {
        S.expandBits(start, wordsPerRow: wordsPerRow, rows: nil, into: view)
      }
    }
  }

  /// Creates a table that is on where a scalar is not zero.
  package init<S: KernelScalar>(_ matrix: Matrix<S>) {
    self.init(rowCount: matrix.rowCount, columnCount: matrix.columnCount)
    matrix.withUnsafeView { view in
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
    }
  }
}

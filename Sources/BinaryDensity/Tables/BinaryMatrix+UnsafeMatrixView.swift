import Kernels

extension BinaryMatrix {
  /// Writes consecutive rows as scalars 0 and 1.
  ///
  /// - Precondition: `view` is `range.count` × `columnCount`.
  /// - Complexity: O(rows · columns), on all threads.
  package func copyRows<S: KernelScalar>(_ range: Range<Int>, into view: UnsafeMutableMatrixView<S>) {
    precondition(
      view.rowCount == range.count && view.columnCount == columnCount,
      "\(range.count) × \(columnCount) bits do not fit a view of \(view.rowCount) × \(view.columnCount)")
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) are outside 0..<\(rowCount)")
    let part = lists?.words(ofRows: range, wordsPerRow: wordsPerRow) ?? packedWords
    let first = isListed ? 0 : range.lowerBound * wordsPerRow
    part.withUnsafeBufferPointer { words in
      guard let base = words.baseAddress else { return }
      S.expandBits(base + first, wordsPerRow: wordsPerRow, into: view)
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
          packedWords[index] = word
          index += 1
        }
      }
    }
  }
}

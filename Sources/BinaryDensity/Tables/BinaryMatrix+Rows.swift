import Kernels

extension BinaryMatrix {
  /// Returns some consecutive rows.
  public func rows(_ range: Range<Int>) -> BinaryMatrix {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) are outside 0..<\(rowCount)")
    return BinaryMatrix(
      rowCount: range.count, columnCount: columnCount,
      words: Array(words[range.lowerBound * wordsPerRow..<range.upperBound * wordsPerRow]))
  }

  /// Returns the rows with the given indices, in their order; an index may come more than once.
  public func selecting(_ indices: some Collection<Int>) -> BinaryMatrix {
    var selected: [UInt64] = []
    selected.reserveCapacity(indices.count * wordsPerRow)
    for row in indices {
      precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
      selected += words[row * wordsPerRow..<(row + 1) * wordsPerRow]
    }
    return BinaryMatrix(rowCount: indices.count, columnCount: columnCount, words: selected)
  }

  /// Returns the rows of one table followed by the rows of another.
  ///
  /// - Precondition: both have the same columns.
  public static func + (first: BinaryMatrix, second: BinaryMatrix) -> BinaryMatrix {
    precondition(
      first.columnCount == second.columnCount,
      "\(second.columnCount) columns cannot follow \(first.columnCount)")
    return BinaryMatrix(
      rowCount: first.rowCount + second.rowCount, columnCount: first.columnCount,
      words: first.words + second.words)
  }
}

extension BinaryMatrix {
  /// Creates a table of the rows of several tables, in order.
  ///
  /// - Precondition: every part has `columnCount` columns.
  /// - Complexity: O(words).
  public init(concatenating parts: some Sequence<BinaryMatrix>, columnCount: Int) {
    var rowCount = 0
    var words: [UInt64] = []
    for part in parts {
      precondition(
        part.columnCount == columnCount, "\(part.columnCount) columns cannot follow \(columnCount)")
      rowCount += part.rowCount
      words += part.words
    }
    self.init(rowCount: rowCount, columnCount: columnCount, words: words)
  }
}

extension BinaryMatrix {
  /// Returns the table with its columns in another order: column p of the result is column `order[p]` of this one.
  ///
  /// - Precondition: `order` has one index for each column of the result.
  /// - Complexity: O(rows · columns), on all threads.
  package func reorderingColumns(_ order: [Int]) -> BinaryMatrix {
    precondition(order.allSatisfy { $0 >= 0 && $0 < columnCount }, "an index is outside 0..<\(columnCount)")
    let chunk = 1024
    let parts = Threads.map(count: (rowCount + chunk - 1) / chunk) { part in
      reorderingColumns(order, ofRows: part * chunk..<min((part + 1) * chunk, rowCount))
    }
    return BinaryMatrix(rowCount: rowCount, columnCount: order.count, words: parts.flatMap { $0 })
  }

  private func reorderingColumns(_ order: [Int], ofRows rows: Range<Int>) -> [UInt64] {
    let newWordsPerRow = (order.count + 63) / 64
    return Array(unsafeUninitializedCapacity: rows.count * newWordsPerRow) { target, count in
      words.withUnsafeBufferPointer { source in
        for row in rows {
          let bits = source.baseAddress.map { $0 + row * wordsPerRow }
          for start in stride(from: 0, to: order.count, by: 64) {
            var word: UInt64 = 0
            for position in start..<min(start + 64, order.count) {
              let column = order[position]
              if let bits {
                word |= (bits[column >> 6] >> UInt64(column & 63) & 1) << UInt64(position - start)
              }
            }
            target[count] = word
            count += 1
          }
        }
      }
    }
  }
}

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

  /// Returns the table with some of its columns, in the order given; a column may come more than once.
  ///
  /// - Precondition: they are columns of the table.
  /// - Complexity: O(rows · columns).
  public func selecting(columns: [Int]) -> BinaryMatrix {
    precondition(
      columns.allSatisfy { (0..<columnCount).contains($0) },
      "columns \(columns) are outside 0..<\(columnCount)")
    let width = (columns.count + 63) / 64
    var selected = [UInt64](repeating: 0, count: rowCount * width)
    for row in 0..<rowCount {
      for (target, column) in columns.enumerated() {
        let bit = words[row * wordsPerRow + column / 64] >> UInt64(column % 64) & 1
        selected[row * width + target / 64] |= bit << UInt64(target % 64)
      }
    }
    return BinaryMatrix(rowCount: rowCount, columnCount: columns.count, words: selected)
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

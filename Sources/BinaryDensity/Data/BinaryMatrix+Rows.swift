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

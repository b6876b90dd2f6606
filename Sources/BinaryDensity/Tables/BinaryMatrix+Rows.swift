extension BinaryMatrix {
  /// Returns some consecutive rows.
  public func rows(_ range: Range<Int>) -> BinaryMatrix {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) are outside 0..<\(rowCount)")
    if let lists {
      var part = OnBitLists()
      part.append(range, of: lists)
      return BinaryMatrix(columnCount: columnCount, lists: part)
    }
    return BinaryMatrix(
      rowCount: range.count, columnCount: columnCount,
      words: Array(packedWords[range.lowerBound * wordsPerRow..<range.upperBound * wordsPerRow]))
  }

  /// Returns the rows with the given indices, in their order; an index may come more than once.
  public func selecting(_ indices: some Collection<Int>) -> BinaryMatrix {
    func check(_ row: Int) {
      precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    }
    if let lists {
      var part = OnBitLists()
      for row in indices {
        check(row)
        part.append(row, of: lists)
      }
      return BinaryMatrix(columnCount: columnCount, lists: part)
    }
    var selected: [UInt64] = []
    selected.reserveCapacity(indices.count * wordsPerRow)
    for row in indices {
      check(row)
      selected += packedWords[row * wordsPerRow..<(row + 1) * wordsPerRow]
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
    if let lists {
      let part = lists.selecting(columns)
      let result = BinaryMatrix(columnCount: columns.count, lists: part)
      return part.isSmaller(thanPackedRowsOf: columns.count) ? result : result.packed()
    }
    let width = (columns.count + 63) / 64
    var selected = [UInt64](repeating: 0, count: rowCount * width)
    for row in 0..<rowCount {
      for (target, column) in columns.enumerated() {
        let bit = packedWords[row * wordsPerRow + column / 64] >> UInt64(column % 64) & 1
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
    return BinaryMatrix(concatenating: [first, second], columnCount: first.columnCount)
  }
}

extension BinaryMatrix {
  /// Calls `body` with consecutive rows that are packed, and the number of the first: all of them, or of rows that are lists
  /// some at a time, so that they are not all packed at once; for as long as it says to go on.
  ///
  /// - Returns: whether it always did.
  /// - Throws: what `body` throws.
  @discardableResult
  func forEachPackedBlock<Failure: Error>(
    _ body: (_ firstRow: Int, _ rows: BinaryMatrix) throws(Failure) -> Bool
  ) throws(Failure) -> Bool {
    guard isListed else { return try body(0, self) }
    let length = TableBlock.length(columnCount: columnCount)
    for start in stride(from: 0, to: rowCount, by: length) {
      if try !body(start, rows(start..<min(start + length, rowCount)).packed()) { return false }
    }
    return true
  }
}

extension BinaryMatrix {
  /// Creates a table of the rows of several tables, in order.
  ///
  /// Where all parts keep lists, the table does.
  /// - Precondition: every part has `columnCount` columns.
  /// - Complexity: O(words).
  public init(concatenating parts: some Sequence<BinaryMatrix>, columnCount: Int) {
    var rowCount = 0
    var words: [UInt64] = []
    var lists: OnBitLists?
    for part in parts {
      precondition(
        part.columnCount == columnCount, "\(part.columnCount) columns cannot follow \(columnCount)")
      if rowCount == 0 { lists = part.lists.map { _ in OnBitLists() } }
      if let rows = part.lists, lists != nil {
        lists?.append(0..<part.rowCount, of: rows)
      } else {
        if let rows = lists {
          words = rows.words(ofRows: 0..<rowCount, wordsPerRow: (columnCount + 63) / 64)
          lists = nil
        }
        words += part.words
      }
      rowCount += part.rowCount
    }
    if let lists {
      self.init(columnCount: columnCount, lists: lists)
    } else {
      self.init(rowCount: rowCount, columnCount: columnCount, words: words)
    }
  }
}

extension BinaryMatrix {
  /// The columns that are on in one row, ascending.
  ///
  /// - Complexity: a pass costs O(words + on-bits), not O(columns).
  public struct OnBits: Sequence, IteratorProtocol, Sendable {
    // The words, or else the lists, are shared with the table, not copied.
    @usableFromInline let words: [UInt64]
    @usableFromInline let columns: [UInt32]?
    // Where the row stands among them.
    @usableFromInline let firstWord: Int
    @usableFromInline let endWord: Int
    @usableFromInline var nextWord: Int
    @usableFromInline var remaining: UInt64 = 0

    @inlinable init(words: [UInt64], columns: [UInt32]?, range: Range<Int>) {
      self.words = words
      self.columns = columns
      self.firstWord = range.lowerBound
      self.endWord = range.upperBound
      self.nextWord = range.lowerBound
    }

    /// The next column that is on.
    @inlinable public mutating func next() -> Int? {
      while remaining == 0 {
        guard nextWord < endWord else { return nil }
        nextWord += 1
        if let columns { return Int(columns[nextWord - 1]) }
        remaining = words[nextWord - 1]
      }
      let bit = remaining.trailingZeroBitCount
      remaining &= remaining &- 1
      return (nextWord - 1 - firstWord) * 64 + bit
    }

    /// At least the on-bits of the current word.
    @inlinable public var underestimatedCount: Int {
      columns == nil ? remaining.nonzeroBitCount : endWord - nextWord
    }
  }

  /// Returns the columns that are on in a row, ascending.
  @inlinable public func onBits(ofRow row: Int) -> OnBits {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    if let lists { return OnBits(words: [], columns: lists.columns, range: lists.places(ofRow: row)) }
    return OnBits(words: packedWords, columns: nil, range: row * wordsPerRow..<(row + 1) * wordsPerRow)
  }

  /// The number of bits that are on in the whole table.
  public var onBitCount: Int {
    lists?.columns.count ?? packedWords.reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// Returns the number of bits that are on in one row.
  public func onBitCount(ofRow row: Int) -> Int {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    if let lists { return lists.places(ofRow: row).count }
    return packedWords[row * wordsPerRow..<(row + 1) * wordsPerRow].reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// The fraction of rows in which each column is on: the maximum-likelihood independent model.
  ///
  /// A table without rows has means of zero.
  public var columnMeans: [Double] { onCounts.map { Double($0) / Double(max(rowCount, 1)) } }

  /// The number of rows in which each column is on.
  ///
  /// - Complexity: O(words), or O(on-bits) of lists.
  var onCounts: [Int] {
    var counts = [Int](repeating: 0, count: 64 * wordsPerRow)
    if let lists {
      for column in lists.columns { counts[Int(column)] += 1 }
    } else {
      packedWords.withUnsafeBufferPointer { words in
        for start in stride(from: 0, to: rowCount, by: 255) {
          let rows = start..<min(start + 255, rowCount)
          for word in 0..<wordsPerRow { Self.count(words, word, wordsPerRow, rows, into: &counts) }
        }
      }
    }
    return Array(counts[..<columnCount])
  }

  /// Counts the on-bits of one word's columns in up to 255 rows.
  ///
  /// Byte b of the k-th sum counts bit 8b + k.
  private static func count(
    _ words: UnsafeBufferPointer<UInt64>, _ word: Int, _ wordsPerRow: Int, _ rows: Range<Int>,
    into counts: inout [Int]
  ) {
    var sums = SIMD8<UInt64>()
    let shifts = SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
    var place = rows.lowerBound * wordsPerRow + word
    for _ in rows {
      sums &+= (SIMD8(repeating: words[place]) &>> shifts) & 0x0101_0101_0101_0101
      place += wordsPerRow
    }
    for bit in 0..<64 {
      counts[64 * word + bit] += Int(sums[bit & 7] >> UInt64(bit & 0x38) & 0xFF)
    }
  }
}

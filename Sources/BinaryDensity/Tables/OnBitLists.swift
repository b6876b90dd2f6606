/// Rows as lists of the columns that are on: compressed sparse rows.
///
/// What a `BinaryMatrix` of few on-bits keeps in place of packed words. Invariant: `starts` begins with 0, does not descend
/// and ends with `columns.count`; the columns of a row ascend.
@usableFromInline
package struct OnBitLists: Sendable {
  /// The columns that are on, row after row.
  @usableFromInline package private(set) var columns: [UInt32] = []
  /// Where the list of each row starts, and after all of them where the last ends.
  @usableFromInline package private(set) var starts: [Int] = [0]

  package init() {}

  /// Makes lists of packed rows, ⌈columns / 64⌉ words each; nil if they would take no less memory.
  ///
  /// - Complexity: O(words).
  package init?(smallerThan words: [UInt64], wordsPerRow: Int, rowCount: Int) {
    let onBitCount = words.reduce(0) { $0 + $1.nonzeroBitCount }
    guard Self.byteCount(rowCount: rowCount, onBitCount: onBitCount) < 8 * words.count else { return nil }
    append(words: words, wordsPerRow: wordsPerRow, rowCount: rowCount)
  }

  /// The number of rows.
  package var rowCount: Int { starts.count - 1 }
  /// The bytes that the lists take.
  package var byteCount: Int { Self.byteCount(rowCount: rowCount, onBitCount: columns.count) }

  /// The bytes that lists take.
  package static func byteCount(rowCount: Int, onBitCount: Int) -> Int {
    4 * onBitCount + 8 * (rowCount + 1)
  }

  /// Whether they take less memory than the packed rows of a table.
  package func isSmaller(thanPackedRowsOf columnCount: Int) -> Bool {
    byteCount < rowCount * ((columnCount + 63) / 64 * 8)
  }

  /// Where the list of a row stands among `columns`.
  @inlinable package func places(ofRow row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }

  /// Adds a row.
  ///
  /// - Precondition: its columns ascend.
  package mutating func append(_ row: some Sequence<UInt32>) {
    columns.append(contentsOf: row)
    starts.append(columns.count)
  }

  /// Adds a row of other lists.
  package mutating func append(_ row: Int, of other: OnBitLists) {
    append(other.columns[other.places(ofRow: row)])
  }

  /// Adds consecutive rows of other lists.
  package mutating func append(_ rows: Range<Int>, of other: OnBitLists) {
    let places = other.starts[rows.lowerBound]..<other.starts[rows.upperBound]
    let shift = columns.count - places.lowerBound
    columns += other.columns[places]
    starts.reserveCapacity(starts.count + rows.count)
    for row in rows { starts.append(other.starts[row + 1] + shift) }
  }

  /// Adds rows of packed words, ⌈columns / 64⌉ each.
  package mutating func append(words: some RandomAccessCollection<UInt64>, wordsPerRow: Int, rowCount: Int) {
    var start = words.startIndex
    for _ in 0..<rowCount {
      for word in 0..<wordsPerRow {
        var rest = words[words.index(start, offsetBy: word)]
        while rest != 0 {
          columns.append(UInt32(64 * word + rest.trailingZeroBitCount))
          rest &= rest &- 1
        }
      }
      starts.append(columns.count)
      start = words.index(start, offsetBy: wordsPerRow)
    }
  }

  /// Whether a bit is on.
  ///
  /// - Complexity: O(log on-bits of the row).
  package func isOn(_ row: Int, _ column: Int) -> Bool {
    var places = places(ofRow: row)
    while let first = places.first {
      let middle = (first + places.upperBound) / 2
      if columns[middle] == column { return true }
      places = columns[middle] < column ? middle + 1..<places.upperBound : first..<middle
    }
    return false
  }

  /// Returns the lists of other columns: that of number n is `selected[n]` here.
  ///
  /// - Complexity: O(on-bits of the result · log), after O(columns).
  func selecting(_ selected: [Int]) -> OnBitLists {
    let places = Dictionary(grouping: selected.indices) { UInt32(selected[$0]) }
    var result = OnBitLists()
    for row in 0..<rowCount {
      result.append(
        columns[self.places(ofRow: row)].flatMap { places[$0] ?? [] }.sorted().map { UInt32($0) })
    }
    return result
  }

  /// Returns consecutive rows as packed words, `wordsPerRow` each, of the columns from a first one on.
  ///
  /// - Precondition: no column before it is on.
  @usableFromInline package func words(
    ofRows rows: Range<Int>, wordsPerRow: Int, firstColumn: Int = 0
  ) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: rows.count * wordsPerRow)
    words.withUnsafeMutableBufferPointer { words in
      for (place, row) in rows.enumerated() {
        for number in columns[places(ofRow: row)] {
          let column = Int(number) - firstColumn
          words[place * wordsPerRow + column >> 6] |= 1 << UInt64(column & 63)
        }
      }
    }
    return words
  }
}

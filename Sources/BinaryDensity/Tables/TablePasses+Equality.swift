extension TablePasses {
  /// Returns groups of columns that are equal in all rows, by first columns.
  ///
  /// Columns are compared where sums of random numbers, one a row, over their on-bits are equal.
  /// - Complexity: O(on-bits), and O(rows · columns) where there are any.
  func equalColumns(among columns: [Int]) throws(DensityError) -> [[Int]] {
    var sums = [UInt64](repeating: 0, count: columnCount)
    try forEachBlock { (firstRow, rows, known) throws(DensityError) in
      for row in 0..<rows.rowCount {
        let number = mixed(UInt64(firstRow + row))
        for column in rows.onBits(ofRow: row) { sums[column] &+= number }
      }
      guard let known else { return }
      for row in 0..<rows.rowCount {
        let number = mixed(~UInt64(firstRow + row))
        for column in (0..<columnCount) where !known[row, column] { sums[column] &+= number }
      }
    }
    var groups: [[Int]] = []
    var numbers: [UInt64: Int] = [:]
    for column in columns {
      let number = numbers[sums[column], default: groups.count]
      if number == groups.count {
        numbers[sums[column]] = number
        groups.append([])
      }
      groups[number].append(column)
    }
    groups.removeAll { $0.count == 1 }
    guard !groups.isEmpty else { return [] }
    try forEachBlock { (_, rows, known) throws(DensityError) in
      for index in groups.indices {
        let first = groups[index][0]
        groups[index].removeAll { column in
          (0..<rows.rowCount).contains { row in
            rows[row, column] != rows[row, first]
              || (known.map { $0[row, column] != $0[row, first] } ?? false)
          }
        }
      }
    }
    return groups.filter { $0.count > 1 }
  }

  /// Returns how many rows equal an earlier one.
  ///
  /// Rows are compared by keys of 128 bits: the row itself, where it has as many cells or fewer and none is missing, and
  /// otherwise a hash, which takes two different rows of a thousand million for equal with a probability of 10⁻²⁰.
  /// - Complexity: O(rows · log rows), in passes of four million keys.
  func duplicateRowCount() throws(DensityError) -> Int {
    let passCount = UInt64((rowCount - 1) / (1 << 22) + 1)
    let isWhole = columnCount <= 128 && knownCounts == nil
    var count = 0
    var keys: [RowKey] = []
    for pass in 0..<passCount {
      keys.removeAll(keepingCapacity: true)
      try forEachBlock { (_, rows, known) throws(DensityError) in
        for row in 0..<rows.rowCount {
          let key = isWhole ? RowKey(rows, row) : RowKey(hashing: rows, known, row)
          if passCount == 1 || mixed(key.first ^ mixed(key.second)) % passCount == pass { keys.append(key) }
        }
      }
      keys.sort()
      for index in keys.indices.dropFirst() where keys[index] == keys[index - 1] { count += 1 }
    }
    return count
  }
}

/// What rows are compared by.
private struct RowKey: Comparable {
  let first: UInt64
  let second: UInt64

  /// The row itself.
  ///
  /// - Precondition: it has at most 128 cells.
  init(_ rows: BinaryMatrix, _ row: Int) {
    let start = row * rows.wordsPerRow
    first = rows.wordsPerRow > 0 ? rows.words[start] : 0
    second = rows.wordsPerRow > 1 ? rows.words[start + 1] : 0
  }

  /// A hash of a row and of which of its cells are missing.
  init(hashing rows: BinaryMatrix, _ known: BinaryMatrix?, _ row: Int) {
    var (a, b) = (UInt64(0), UInt64(0x6A09_E667_F3BC_C908))
    func add(_ word: UInt64) {
      a = mixed(a ^ word)
      b = mixed(b &+ word &* 0x9FB2_1C65_1E98_DF25)
    }
    for index in row * rows.wordsPerRow..<(row + 1) * rows.wordsPerRow {
      add(rows.words[index])
    }
    // A row of a block without missing cells has the hash that it has in one with some.
    if let known, known.onBitCount(ofRow: row) < known.columnCount {
      for index in row * rows.wordsPerRow..<(row + 1) * rows.wordsPerRow { add(~known.words[index]) }
    }
    (first, second) = (a, b)
  }

  static func < (a: RowKey, b: RowKey) -> Bool { (a.first, a.second) < (b.first, b.second) }
}

/// A number that looks random and is a function of another (the finalizer of SplitMix64).
private func mixed(_ number: UInt64) -> UInt64 {
  var z = number &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

extension ColumnGroups {
  /// A row that breaks a group.
  struct Breach: Hashable {
    /// The row, counted from 0.
    let row: Int
    /// The group.
    let group: [Int]
    /// Which of its columns are on: none, or several.
    let onColumns: [Int]
  }

  /// Returns the first row of a table that breaks a group, or nil.
  ///
  /// - Precondition: `rows.columnCount == columnCount`.
  /// - Complexity: O(rows · words) where a group's columns stand side by side.
  func breach(in rows: BinaryMatrix) -> Breach? {
    precondition(rows.columnCount == columnCount, "rows of \(rows.columnCount) columns, not \(columnCount)")
    let masks = groups.map { WordMask($0) }
    var breach: Breach?
    rows.forEachPackedBlock { firstRow, block in
      for row in 0..<block.rowCount {
        for (mask, group) in zip(masks, groups) where mask.onCount(block, row) != 1 {
          breach = Breach(row: firstRow + row, group: group, onColumns: group.filter { block[row, $0] })
          return false
        }
      }
      return true
    }
    return breach
  }

  /// Makes sure that a table has exactly one column of each group on in every row.
  ///
  /// - Parameters:
  ///   - rows: the table.
  ///   - path: what to call it.
  ///   - names: the names of its columns, if they have any.
  /// - Throws: `DensityError.malformed` that names the table, the row, the group and what was found; `.mismatch` for
  ///   another number of columns.
  public func check(_ rows: BinaryMatrix, path: String, columnNames names: [String]? = nil)
    throws(DensityError)
  {
    guard rows.columnCount == columnCount else {
      throw .mismatch(
        path: path, expected: "the \(columnCount) columns that the groups are of",
        found: "\(rows.columnCount)")
    }
    guard let breach = breach(in: rows) else { return }
    func words(_ column: Int) -> String {
      "\(column + 1)" + (names.map { " (\(quoted($0[column].utf8)))" } ?? "")
    }
    let found = breach.onColumns
    throw .malformed(
      path: path, at: .field("row \(breach.row + 1)"),
      expected: "exactly one of the columns \(Self.text(of: breach.group)) on, which are a group",
      found: found.isEmpty
        ? "none"
        : "\(found.count): \(found.prefix(6).map(words).joined(separator: ", "))\(found.count > 6 ? ", …" : "")"
    )
  }

  // MARK: Observed groups

  /// The fewest rows that groups are seen in: of fewer, columns without anything in common look like some.
  public static let fewestRows = 100

  /// Returns groups of columns side by side of which every row has exactly one on, as many columns to a group as can be;
  /// nil if there are none.
  ///
  /// That all rows of a table agree does not make a group of columns: others may yet come that do not. From left to right,
  /// the first column that may begin a group does, and of the groups that it may begin that with the fewest columns which
  /// are on in some row is taken, and all columns after it that never are. A column that is on in every row is in none,
  /// for it is a constant and no choice.
  /// - Complexity: O(rows · on-bits + columns).
  public static func observed(in rows: BinaryMatrix) -> ColumnGroups? {
    do throws(DensityError) {
      return try observed(in: TablePasses(rows, known: nil))
    } catch {
      preconditionFailure("a table in memory cannot be read: \(error)")
    }
  }

  /// Does the same with a table that is read block by block.
  ///
  /// - Throws: what reading throws.
  static func observed(in table: TablePasses) throws(DensityError) -> ColumnGroups? {
    guard table.rowCount >= fewestRows else { return nil }
    var candidates = Self.candidates(table)
    guard !candidates.isEmpty else { return nil }
    try table.forEachBlock { (_, rows, _) throws(DensityError) in
      // Of many, most fall with the first rows, by these rows' on-bits alone.
      var row = 0
      while candidates.count > 64, row < rows.rowCount {
        let on = Array(rows.onBits(ofRow: row))
        candidates.removeAll { on.count(within: $0) != 1 }
        row += 1
      }
      guard row < rows.rowCount else { return }
      candidates.removeAll { columns in
        ColumnGroups(checked: [Array(columns)], columnCount: table.columnCount).breach(in: rows) != nil
      }
    }
    var groups: [[Int]] = []
    for columns in candidates where columns.lowerBound > groups.last?.last ?? -1 {
      var end = columns.upperBound
      while end < table.columnCount, table.onCounts[end] == 0 { end += 1 }
      groups.append(Array(columns.lowerBound..<end))
    }
    return groups.isEmpty ? nil : ColumnGroups(checked: groups, columnCount: table.columnCount)
  }

  /// Returns the columns side by side that have as many on-bits as there are rows, as few from each first column as can be: with
  /// none in two of them, each row has one.
  ///
  /// - Complexity: O(columns).
  private static func candidates(_ table: TablePasses) -> [Range<Int>] {
    var candidates: [Range<Int>] = []
    // The on-bits of the columns from the first up to the end.
    var (end, sum) = (0, 0)
    for first in 0..<table.columnCount {
      if end < first { (end, sum) = (first, 0) }
      while end < table.columnCount, sum < table.rowCount, table.onCounts[end] < table.rowCount {
        sum += table.onCounts[end]
        end += 1
      }
      if sum == table.rowCount { candidates.append(first..<end) }
      if end > first { sum -= table.onCounts[first] }
    }
    return candidates
  }
}

extension [Int] {
  /// Returns how many of these numbers, which ascend, are within a range.
  fileprivate func count(within range: Range<Int>) -> Int {
    func countBelow(_ limit: Int) -> Int {
      var (low, high) = (0, count)
      while low < high {
        let middle = (low + high) / 2
        if self[middle] < limit { low = middle + 1 } else { high = middle }
      }
      return low
    }
    return countBelow(range.upperBound) - countBelow(range.lowerBound)
  }
}

/// The words of a row in which some columns stand.
private struct WordMask {
  private let parts: [(word: Int, mask: UInt64)]

  init(_ columns: [Int]) {
    var masks: [Int: UInt64] = [:]
    for column in columns { masks[column / 64, default: 0] |= 1 << UInt64(column % 64) }
    parts = masks.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Returns how many of the columns are on in a row.
  func onCount(_ rows: BinaryMatrix, _ row: Int) -> Int {
    let start = row * rows.wordsPerRow
    return parts.reduce(0) { $0 + (rows.words[start + $1.word] & $1.mask).nonzeroBitCount }
  }
}

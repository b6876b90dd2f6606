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
    // Lists are packed a few rows at a time.
    let length = rows.isListed ? TableBlock.length(columnCount: columnCount) : max(1, rows.rowCount)
    for start in stride(from: 0, to: rows.rowCount, by: length) {
      let end = min(start + length, rows.rowCount)
      let block = rows.isListed ? rows.rows(start..<end).packed() : rows
      for row in 0..<block.rowCount {
        for (mask, group) in zip(masks, groups) where mask.onCount(block, row) != 1 {
          return Breach(row: start + row, group: group, onColumns: group.filter { block[row, $0] })
        }
      }
    }
    return nil
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
  /// - Complexity: O(rows · on-bits).
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
    // As many on-bits as rows: with none in two columns, each row has one.
    var candidates = (0..<table.columnCount).compactMap { first in
      end(ofGroupFrom: first, table).map { first..<$0 }
    }
    guard !candidates.isEmpty else { return nil }
    try table.forEachBlock { (_, rows, _) throws(DensityError) in
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

  /// Returns where a group that begins with a column would end: where columns have as many on-bits as there are rows; nil if
  /// they have at no place.
  private static func end(ofGroupFrom first: Int, _ table: TablePasses) -> Int? {
    var (end, sum) = (first, 0)
    while end < table.columnCount, sum < table.rowCount, table.onCounts[end] < table.rowCount {
      sum += table.onCounts[end]
      end += 1
    }
    return sum == table.rowCount ? end : nil
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

extension DataSplits {
  /// What should be known before figures of held-out rows are believed: that they are the training rows.
  ///
  /// A validation or test table that is the training table is named, and so is one that shares most of its rows with it
  /// where that is no accident. Rows of few variables repeat by chance: as often as a training row has its like among the
  /// other training rows, so often has a fresh row, and only what goes far beyond that counts.
  /// - Returns: one line for each part concerned.
  /// - Complexity: O(words), or O(on-bits) of lists.
  public func leakageWarnings() -> [String] {
    let parts = [(DataSplit.validation, validation), (.test, test)]
    guard parts.contains(where: { $1 != nil }), train.rowCount > 0 else { return [] }
    let isListed = [train, validation, test].contains { $0?.isListed ?? false }
    func key(_ row: Int, _ split: DataSplit) -> [UInt64] { rowKey(row, of: split, isListed: isListed) }
    var counts: [[UInt64]: Int] = [:]
    for row in 0..<train.rowCount { counts[key(row, .train), default: 0] += 1 }
    let repeated = counts.values.reduce(0) { $0 + ($1 > 1 ? $1 : 0) }
    let usual = Double(repeated) / Double(train.rowCount)
    return parts.compactMap { split, rows in
      guard let rows, rows.rowCount > 0 else { return nil }
      if rows == train && partialRows(split) == partialRows(.train) {
        return "warning: the \(split.rawValue) rows are the training rows"
      }
      let shared = (0..<rows.rowCount).count { counts[key($0, split)] != nil }
      let share = Double(shared) / Double(rows.rowCount)
      guard rows.rowCount >= 8, share > 0.5, share > usual + 0.25 else { return nil }
      return "warning: \(shared) of the \(rows.rowCount) \(split.rawValue) rows are training rows too"
    }
  }
}

extension DataSplits {
  /// What one row of a part that is there is told by: its words, and where cells are missing which are known; its on-bits where
  /// rows of some part are lists, and after them which cells are not known.
  private func rowKey(_ row: Int, of split: DataSplit, isListed: Bool) -> [UInt64] {
    let partial = partialRows(split)
    guard let rows = self[split] else { return [] }
    guard isListed else {
      let tables = partial.map { [$0.values, $0.known] } ?? [rows]
      return tables.flatMap { $0.words[row * $0.wordsPerRow..<(row + 1) * $0.wordsPerRow] }
    }
    let unknown = partial.map { cells in (0..<cells.columnCount).filter { !cells.known[row, $0] } } ?? []
    return rows.onBits(ofRow: row).map { UInt64($0) } + unknown.map { ~UInt64($0) }
  }
}

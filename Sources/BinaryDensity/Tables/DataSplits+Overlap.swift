extension DataSplits {
  /// What should be known before figures of held-out rows are believed: that they are the training rows.
  ///
  /// A validation or test table that is the training table is named, and so is one that shares most of its rows with it
  /// where that is no accident. Rows of few variables repeat by chance: as often as a training row has its like among the
  /// other training rows, so often has a fresh row, and only what goes far beyond that counts.
  /// - Returns: one line for each part concerned.
  /// - Complexity: O(words), or O(on-bits) of lists.
  public func leakageWarnings() -> [String] {
    let (usual, overlaps) = overlaps()
    return overlaps.compactMap { overlap in
      let (split, rowCount) = (overlap.split.rawValue, overlap.rowCount)
      if overlap.isWhole { return "warning: the \(split) rows are the training rows" }
      let share = Double(overlap.sharedCount) / Double(rowCount)
      guard rowCount >= 8, share > 0.5, share > usual + 0.25 else { return nil }
      return "warning: \(overlap.sharedCount) of the \(rowCount) \(split) rows are training rows too"
    }
  }

  /// How many of the test rows are among the training rows too.
  package var sharedTestRowCount: Int { overlaps().parts.first { $0.split == .test }?.sharedCount ?? 0 }

  /// What the rows of a part have in common with the training rows.
  private struct Overlap {
    let split: DataSplit
    let rowCount: Int
    /// How many rows are among the training rows.
    let sharedCount: Int
    /// Whether they are these rows, all of them in their order.
    let isWhole: Bool
  }

  /// Returns what the parts have in common with the training rows, and the share of training rows that have their like among
  /// the others.
  private func overlaps() -> (usual: Double, parts: [Overlap]) {
    let parts = [(DataSplit.validation, validation), (.test, test)]
    guard parts.contains(where: { $1 != nil }), train.rowCount > 0 else { return (0, []) }
    let isListed = [train, validation, test].contains { $0?.isListed ?? false }
    let hasMissing = [DataSplit.train, .validation, .test].contains { partialRows($0) != nil }
    func key(_ row: Int, _ split: DataSplit) -> [UInt64] {
      rowKey(row, of: split, isListed: isListed, hasMissing: hasMissing)
    }
    var counts: [[UInt64]: Int] = [:]
    for row in 0..<train.rowCount { counts[key(row, .train), default: 0] += 1 }
    let repeated = counts.values.reduce(0) { $0 + ($1 > 1 ? $1 : 0) }
    let usual = Double(repeated) / Double(train.rowCount)
    let overlaps = parts.compactMap { split, rows -> Overlap? in
      guard let rows, rows.rowCount > 0 else { return nil }
      return Overlap(
        split: split, rowCount: rows.rowCount,
        sharedCount: (0..<rows.rowCount).count { counts[key($0, split)] != nil },
        isWhole: rows == train && partialRows(split) == partialRows(.train))
    }
    return (usual, overlaps)
  }
}

extension DataSplits {
  /// What tells a row of a part, which is there, from others.
  ///
  /// Its words, and after them which cells are known, if cells of any part are missing; where rows of some part are lists, its
  /// on-bits, and after them which cells are not known.
  private func rowKey(
    _ row: Int, of split: DataSplit, isListed: Bool, hasMissing: Bool
  ) -> [UInt64] {
    let partial = partialRows(split)
    guard let rows = self[split] else { return [] }
    guard isListed else {
      func words(_ table: BinaryMatrix) -> ArraySlice<UInt64> {
        table.packedWords[row * table.wordsPerRow..<(row + 1) * table.wordsPerRow]
      }
      let values = Array(words(partial?.values ?? rows))
      guard hasMissing else { return values }
      let all = (0..<values.count).map { UInt64.max >> UInt64(max(0, 64 * ($0 + 1) - rows.columnCount)) }
      return values + (partial.map { Array(words($0.known)) } ?? all)
    }
    let unknown = partial.map { cells in (0..<cells.columnCount).filter { !cells.known[row, $0] } } ?? []
    return rows.onBits(ofRow: row).map { UInt64($0) } + unknown.map { ~UInt64($0) }
  }
}

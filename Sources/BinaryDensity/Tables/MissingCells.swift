import Kernels

extension PartialRows {
  /// Whether every cell is known.
  ///
  /// - Complexity: O(words).
  public var isComplete: Bool { known.onBitCount == rowCount * columnCount }

  /// Which cells are missing.
  var missing: BinaryMatrix {
    var missing = known
    let lastWord = missing.columnCount % 64 == 0 ? ~0 : UInt64(1) << UInt64(missing.columnCount % 64) - 1
    for index in missing.words.indices {
      let isLast = index % missing.wordsPerRow == missing.wordsPerRow - 1
      missing.words[index] = ~missing.words[index] & (isLast ? lastWord : ~0)
    }
    return missing
  }

  /// The rows of which a cell is known: others have log p = 0 under every density, and so no figure.
  var informative: PartialRows {
    let rows = (0..<rowCount).filter { known.onBitCount(ofRow: $0) > 0 }
    return rows.count == rowCount ? self : selecting(rows)
  }

  /// How many rows have known cells and missing ones: of others nothing needs an estimate.
  var estimatedCount: Int {
    (0..<rowCount).count { (1..<max(1, columnCount)).contains(known.onBitCount(ofRow: $0)) }
  }

  /// Returns some consecutive rows.
  func rows(_ range: Range<Int>) -> PartialRows {
    PartialRows(values: values.rows(range), known: known.rows(range))
  }

  /// Returns these rows with their missing cells taken from others of the same shape.
  func completed(from rows: BinaryMatrix) -> BinaryMatrix {
    var completed = values
    for index in completed.words.indices {
      completed.words[index] |= rows.words[index] & ~known.words[index]
    }
    return completed
  }
}

/// How rows with missing cells are worked with.
enum MissingCells {
  /// The particles a row where missing cells are drawn anew: few are enough, for every draw starts from the last one.
  static let redrawnParticleCount = 4
  /// The particles a row where validation rows are measured in training.
  static let judgedParticleCount = 16
}

extension DataSplits {
  /// Whether networks in training have estimates of the validation figure.
  package var estimatesValidation: Bool { (partialRows(.validation)?.estimatedCount ?? 0) > 0 }

  /// The training rows, their missing cells drawn from a mixture of Bernoullis that is fitted to the known ones; nil if none
  /// is missing.
  func firstCompletions(seed: UInt64) throws(DensityError) -> BinaryMatrix? {
    guard let rows = partialRows(.train) else { return nil }
    let mixture = try BernoulliMixture.fit(
      to: rows, componentCount: 20, tolerance: 1e-4, iterationLimit: 30, seed: seed)
    var generator = Philox(seed: seed, stream: .redrawnCells)
    return try mixture.sample(given: rows, using: &generator)
  }

  /// Makes sure that completions are of the training rows.
  ///
  /// - Throws: `DensityError.mismatch`.
  func check(_ completions: BinaryMatrix?, isNeeded: Bool) throws(DensityError) {
    let rows = isNeeded ? partialRows(.train) : nil
    let found: String?
    switch (completions, rows) {
    case (nil, nil): found = nil
    case (nil, _): found = "none"
    case (_, nil): found = "some of a table of which none is missing"
    case (let completions?, let rows?):
      let isSame =
        completions.rowCount == rows.rowCount && completions.columnCount == rows.columnCount
        && rows.completed(from: completions) == completions
      found = isSame ? nil : "others"
    }
    if let found {
      throw .mismatch(
        path: name, expected: "the missing cells of the training rows as they were drawn last", found: found)
    }
  }

  /// Makes sure that there is something to measure by.
  ///
  /// - Throws: `DensityError.mismatch` for validation or test rows of which all cells are missing.
  func checkHeldOutRows() throws(DensityError) {
    for split in [DataSplit.validation, .test] {
      guard let rows = partialRows(split), rows.rowCount > 0, rows.known.onBitCount == 0 else { continue }
      throw .mismatch(
        path: path(of: split), expected: "\(split.rawValue) rows of which cells are known, to measure by",
        found: "\(rows.rowCount) of which all are missing; give others by --\(split.rawValue)"
          + (split == .validation ? ", or have others held out by another --seed" : ""))
    }
  }

  /// What should be known of training on a table with missing cells: how many are missing and what is assumed of them,
  /// columns of which nothing can be learnt, and rows that say nothing.
  ///
  /// - Returns: a line for each that concerns the training rows; none for a complete table.
  public func missingCellNotes() -> [String] {
    guard let rows = partialRows(.train) else { return [] }
    let cells = Double(rows.rowCount * rows.columnCount)
    let share = 100 * (1 - Double(rows.known.onBitCount) / cells)
    let percent = share < 0.1 ? "less than 0.1" : "\((share * 10).rounded() / 10)"
    var notes = [
      "\(name): \(percent) % of the training cells are missing, which is taken to be by chance alone"
    ]
    let knownCounts = rows.known.onCounts
    let empty = knownCounts.indices.filter { knownCounts[$0] == 0 }
    if !empty.isEmpty {
      let some = empty.prefix(4).map { columnNames?[$0] ?? "\($0 + 1)" }.joined(separator: ", ")
      let all = some + (empty.count > 4 ? " and \(empty.count - 4) others" : "")
      notes.append(
        "warning: no training row knows column\(empty.count == 1 ? "" : "s") \(all): nothing can be learnt of "
          + (empty.count == 1 ? "it" : "them"))
    }
    let silent = (0..<rows.rowCount).count { rows.known.onBitCount(ofRow: $0) == 0 }
    if silent > 0 {
      notes.append("\(silent) of the \(rows.rowCount) training rows know\(silent == 1 ? "s" : "") nothing")
    }
    return notes
  }
}

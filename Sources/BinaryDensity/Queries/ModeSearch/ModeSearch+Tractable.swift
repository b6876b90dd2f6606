extension ModeSearch {
  /// How many nodes a tractable density may visit for one row.
  private var tractableNodeLimit: Int { min(options.nodeLimit, 1 << 22) }

  /// Returns the most probable completion of each row, as a tractable density finds it.
  func completions(
    of evidence: PartialRows, _ density: any TractableDensity
  ) throws(DensityError) -> Modes {
    let modes = try density.modes(given: evidence, nodeLimit: tractableNodeLimit)
    let exact = try logProbabilities(of: modes.rows)
    return Modes(
      rows: modes.rows, logProbabilities: exact,
      logBounds: exact.indices.map { row in
        modes.isProved(row)
          ? exact[row] : max(exact[row], min(0, modes.logBounds[row] + Self.slack(exact[row])))
      })
  }

  /// Rows that agree with evidence, and the most probable of them.
  private struct Subset: Sendable {
    let evidence: [Bool?]
    let mode: [Bool]
    let logBound: Double
    /// The first unknown variable that may differ among the rows.
    let firstFree: Int
  }

  /// Returns the most probable rows of a tractable density.
  ///
  /// All other rows than the mode of a set of rows differ from it in some first variable: that parts them into at most D
  /// sets, each of which is evidence, and has a mode in its turn.
  /// - Complexity: `count` · D modes.
  /// - Source: Lawler, Management Science 18, 1972.
  func modes(
    _ count: Int, _ evidence: [Bool?], of density: any TractableDensity,
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Modes? {
    var candidates = ModeSearchCandidates(count: count)
    var sets = MaxHeap<Subset>()
    func add(_ parts: [(evidence: [Bool?], firstFree: Int)]) throws(DensityError) {
      guard let width = parts.first?.evidence.count else { return }
      var rows = PartialRows(rowCount: parts.count, columnCount: width)
      for (row, part) in parts.enumerated() {
        for (i, value) in part.evidence.enumerated() where value != nil { rows[row, i] = value }
      }
      let marginals = density.logMarginals(of: rows)
      let possible = parts.indices.filter { marginals[$0] > -.infinity }
      guard !possible.isEmpty else { return }
      let modes = try completions(of: rows.selecting(possible), density)
      candidates.add(modes.rows, modes.logProbabilities)
      for (place, part) in possible.enumerated() {
        let set = Subset(
          evidence: parts[part].evidence, mode: modes.rows[row: place], logBound: modes.logBounds[place],
          firstFree: parts[part].firstFree)
        sets.insert(set, key: modes.logBounds[place])
      }
    }
    try add([(evidence, 0)])
    // Beyond the rows wanted, those are looked at that rounding may have put in their place, unless there are too many.
    for taken in 0..<2 * count + 64 {
      guard sets.largest >= candidates.least - Self.slack(candidates.least) else { break }
      guard let (_, set) = sets.popLargest() else { break }
      if try !observe(min(1, Double(taken) / Double(count))) {
        sets.insert(set, key: set.logBound)
        break
      }
      var parts: [(evidence: [Bool?], firstFree: Int)] = []
      var known = set.evidence
      for i in set.firstFree..<known.count where set.evidence[i] == nil {
        known[i] = !set.mode[i]
        parts.append((known, i + 1))
        known[i] = set.mode[i]
      }
      try add(parts)
    }
    guard !candidates.best.isEmpty else { throw .impossibleEvidence(row: 0, onBitCount: nil) }
    let bound = sets.largest - Self.slack(candidates.least)
    return candidates.modes(columnCount: evidence.count, others: bound)
  }

  /// The density's own log p of rows.
  func logProbabilities(of rows: BinaryMatrix) throws(DensityError) -> [Double] {
    try evaluator.logProbabilities(of: rows) { (_) throws(DensityError) in true } ?? []
  }
}

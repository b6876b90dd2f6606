import Essentials

extension ModeSearch {
  /// Whether so few cells are unknown that all completions are looked at: no more than a table of 20 variables has cells.
  func isEnumerable(_ unknownCount: Int) -> Bool {
    let limit = Self.enumerableCount << Self.enumerableCount
    return unknownCount <= Self.enumerableCount && variableCount << unknownCount <= limit
  }

  /// Returns the most probable of all rows that agree with evidence.
  ///
  /// - Complexity: 2 to the number of unknown cells likelihoods.
  func enumeratedModes(
    _ count: Int, _ evidence: [Bool?], _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Modes? {
    let unknown = evidence.indices.filter { evidence[$0] == nil }
    guard isEnumerable(unknown.count) else {
      throw .unsupported(
        "a density with neither conditionals nor components has to be enumerated to find its most probable rows, "
          + "and \(unknown.count) of \(variableCount) unknown cells are too many")
    }
    var candidates = ModeSearchCandidates(count: count)
    let total = 1 << unknown.count
    let step = 1 << 14
    for start in stride(from: 0, to: total, by: step) {
      var rows = BinaryMatrix(rowCount: min(step, total - start), columnCount: evidence.count) { _, i in
        evidence[i] ?? false
      }
      for row in 0..<rows.rowCount {
        for (bit, i) in unknown.enumerated() where (start + row) >> bit & 1 == 1 { rows.turnOn(row, i) }
      }
      candidates.add(rows, try logProbabilities(of: rows))
      if try !observe(Double(start + rows.rowCount) / Double(total)), start + step < total {
        return candidates.best.isEmpty ? nil : candidates.modes(columnCount: evidence.count, others: 0)
      }
    }
    guard !candidates.best.isEmpty else { throw .impossibleEvidence(row: 0, onBitCount: nil) }
    return candidates.modes(columnCount: evidence.count, others: -.infinity)
  }

  /// Returns the best rows of a mixture that are found from its components' most probable rows.
  ///
  /// Where the same n rows are proved to be the most probable of every component, all others are bounded by what the next
  /// row of each component may have:
  ///
  ///     log p(x) ≤ log Σ_k w_k · exp(bound_k,n)
  func improvedModes(
    _ count: Int, _ evidence: [Bool?], _ options: Options,
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Modes? {
    guard case .mixture(let parts) = method else { preconditionFailure("no mixture") }
    var candidates = ModeSearchCandidates(count: count)
    var found: [(logWeight: Double, modes: Modes)] = []
    var unknownWeights: [Double] = []
    var goesOn = true
    for (index, part) in parts.enumerated() {
      let done = Double(index)
      do throws(DensityError) {
        var options = options
        options.nodeLimit = part.search.options.nodeLimit
        let modes = try part.search.search(count, evidence, options) { (fraction) throws(DensityError) in
          goesOn = try observe((done + fraction) / Double(parts.count + 1))
          return goesOn
        }
        if let modes {
          candidates.add(modes.rows, try logProbabilities(of: modes.rows))
          found.append((part.logWeight, modes))
        } else {
          unknownWeights.append(part.logWeight)
        }
      } catch .impossibleEvidence {
        continue
      } catch .unsupported {
        unknownWeights.append(part.logWeight)
      }
    }
    if candidates.best.isEmpty {
      if !goesOn { return nil }
      guard unknownWeights.isEmpty else {
        throw .unsupported("none of the mixture's components can be searched for its most probable rows")
      }
      throw .impossibleEvidence(row: 0, onBitCount: nil)
    }
    let unknown = evidence.indices.filter { evidence[$0] == nil }
    let starts = candidates.rows(columnCount: evidence.count)
    for row in 0..<min(4, starts.rowCount) where goesOn {
      try climb(from: starts.rows(row..<row + 1), unknown, &candidates) { () throws(DensityError) in
        goesOn = try observe(Double(parts.count) / Double(parts.count + 1))
        return goesOn
      }
    }
    let common = unknownWeights.isEmpty ? Self.commonCount(found.map(\.modes)) : 0
    let isAll = unknownWeights.isEmpty && common >= count
    let bound = logSumExp(
      unknownWeights + found.map { $0.logWeight + ($0.modes.logBounds.dropFirst(common).first ?? 0) })
    return candidates.modes(
      columnCount: evidence.count,
      others: isAll ? -.infinity : bound + Self.slack(candidates.best[0].logProbability))
  }

  /// Returns how many rows are proved to be the most probable of every component, whichever order they have in each.
  private static func commonCount(_ all: [Modes]) -> Int {
    let most = all.map { modes in (0..<modes.rows.rowCount).prefix { modes.isProved($0) }.count }.min() ?? 0
    var sets = all.map { _ in Set<[Bool]>() }
    var common = 0
    for row in 0..<most {
      for index in all.indices { sets[index].insert(all[index].rows[row: row]) }
      if sets.allSatisfy({ $0 == sets[0] }) { common = row + 1 }
    }
    return common
  }

  /// Flips bits of a row as long as it becomes more probable.
  ///
  /// In each round all flips are tried; then the best of them together, one, two, four and so on of those that gain.
  private func climb(
    from start: BinaryMatrix, _ unknown: [Int], _ candidates: inout ModeSearchCandidates,
    _ goesOn: () throws(DensityError) -> Bool
  ) throws(DensityError) {
    var row = start
    var logProbability = try logProbabilities(of: row)[0]
    for _ in 0..<Self.mostRounds {
      guard try goesOn() else { return }
      let flipped = row.flipping(unknown.map { [$0] })
      let found = try logProbabilities(of: flipped)
      candidates.add(flipped, found)
      let gaining = unknown.indices.filter { found[$0] > logProbability }.sorted { found[$0] > found[$1] }
      guard !gaining.isEmpty else { return }
      var sizes = [gaining.count]
      while let size = sizes.last, size > 1 { sizes.append(size / 2) }
      let together = row.flipping(sizes.map { gaining.prefix($0).map { unknown[$0] } })
      let values = try logProbabilities(of: together)
      candidates.add(together, values)
      guard let best = values.indices.max(by: { values[$0] < values[$1] }), values[best] > logProbability
      else { return }
      row = together.rows(best..<best + 1)
      logProbability = values[best]
    }
  }

  private static let mostRounds = 100
}

extension BinaryMatrix {
  /// Returns copies of a table's only row, each with some of its bits flipped.
  fileprivate func flipping(_ columns: [[Int]]) -> BinaryMatrix {
    var rows = selecting(Array(repeating: 0, count: columns.count))
    for (row, columns) in columns.enumerated() { for column in columns { rows[row, column].toggle() } }
    return rows
  }
}

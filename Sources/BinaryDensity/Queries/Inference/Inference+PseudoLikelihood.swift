import Essentials
import Kernels

extension Inference {
  /// Returns log p(x_i | all other variables) for each variable i of each row, in nats: B × D.
  ///
  ///     p(x_i | x_others) = p(x) / (p(x) + p(x with x_i flipped))
  ///
  /// Exact for every density. Their sum over i is the row's log-pseudo-likelihood.
  /// - Precondition: `rows.columnCount == variableCount`.
  /// - Complexity: a row of a chain takes D (D + 1) / 2 steps, for what is flipped shares what comes before it; of a tree O(D),
  ///   and of a mixture of K Bernoullis O(K · D); that for each component of a mixture. Any other density is asked for log p
  ///   of D + 1 rows.
  /// - Source: Besag, Statistical Analysis of Non-Lattice Data, The Statistician 24 (3), 1975.
  public func logConditionalsGivenAllOthers(of rows: BinaryMatrix) -> Matrix<Double> {
    let found = try? logConditionalsGivenAllOthers(of: rows) { (_) throws(DensityError) in true }
    // Nothing stops it, and nothing throws.
    return found.flatMap(\.self) ?? Matrix(rowCount: 0, columnCount: variableCount)
  }

  /// As the above; nil if `observe`, which is told the fraction done, says to stop.
  ///
  /// - Throws: what `observe` throws.
  public func logConditionalsGivenAllOthers(
    of rows: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Matrix<Double>? {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    let flips = Flips(node, variableCount: variableCount)
    let pieceCount = flips.pieces.count
    var result = Matrix<Double>(rowCount: rows.rowCount, columnCount: variableCount)
    // No more rows at once than have some millions of numbers.
    let length = max(1, (1 << 22) / (flips.leafCount * (variableCount + 1)))
    for start in stride(from: 0, to: rows.rowCount, by: length) {
      let count = min(length, rows.rowCount - start)
      let found = try mapInWaves(
        Array(0..<count * pieceCount),
        observing: { (fraction) throws(DensityError) in
          try observe((Double(start) + fraction * Double(count)) / Double(rows.rowCount))
        }
      ) { task in
        let (row, piece) = task.quotientAndRemainder(dividingBy: pieceCount)
        return flips.pieces[piece].logProbabilities(rows.rows(start + row..<start + row + 1))
      }
      guard let found else { return nil }
      for row in 0..<count {
        let terms = flips.combined(found[row * pieceCount..<(row + 1) * pieceCount])
        for column in 0..<variableCount {
          // What is flipped may be impossible, and the row too: then nothing is told.
          let difference = terms[column + 1] - terms[0]
          result[start + row, column] =
            difference.isNaN ? -log(2) : -max(0, difference) - log1p(exp(-abs(difference)))
        }
      }
    }
    return result
  }

  /// Returns log p(x_i | the other known cells of its row) for each known cell i of each row, in nats; nil for a cell that is
  /// not known.
  ///
  ///     log p(x_i | x_known without i) = log p(x_known) − log p(x_known without i)
  ///
  /// Exact for rows that know all their cells, and where both marginals are; else estimates.
  /// - Parameters:
  ///   - rows: what is known.
  ///   - firstRow: the number of the first row, as of `logMarginals(of:firstRow:observing:)`.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: as `logConditionals(of:given:firstRow:observing:)`.
  public func logConditionalsGivenAllOthers(
    of rows: PartialRows, firstRow: Int = 0,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [[LogProbability?]]? {
    try require(rows)
    var result = Array(
      repeating: [LogProbability?](repeating: nil, count: variableCount), count: rows.rowCount)
    let whole = (0..<rows.rowCount).filter { rows.known.onBitCount(ofRow: $0) == variableCount }
    let wholeShare = Double(whole.count) / Double(max(1, rows.rowCount))
    let found = try logConditionalsGivenAllOthers(of: rows.values.selecting(whole)) {
      (fraction) throws(DensityError) in try observe(wholeShare * fraction)
    }
    guard let found else { return nil }
    for (index, row) in whole.enumerated() {
      result[row] = found[row: index].map { LogProbability(exact: $0) }
    }
    var doneCount = whole.count
    for row in 0..<rows.rowCount where rows.known.onBitCount(ofRow: row) < variableCount {
      let share = ProgressShare(done: doneCount, rows: 1, count: rows.rowCount)
      let answers = try logConditionalsOfKnownCells(rows, row: row, firstRow: firstRow) {
        (fraction) throws(DensityError) in try observe(share.overall(fraction))
      }
      guard let answers else { return nil }
      for (column, answer) in zip(rows.known.onBits(ofRow: row), answers) { result[row][column] = answer }
      doneCount += 1
    }
    return result
  }

  /// Returns log p of each known cell of a row given the others.
  private func logConditionalsOfKnownCells(
    _ rows: PartialRows, row: Int, firstRow: Int,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [LogProbability]? {
    let known = Array(rows.known.onBits(ofRow: row))
    // A question for each cell, no more at once than take 32 MiB.
    let length = max(1, (1 << 26) / variableCount)
    var answers: [LogProbability] = []
    for start in stride(from: 0, to: known.count, by: length) {
      let columns = known[start..<min(start + length, known.count)]
      var targets = PartialRows(rowCount: columns.count, columnCount: variableCount)
      var others = rows.selecting(Array(repeating: row, count: columns.count))
      for (index, column) in columns.enumerated() {
        targets[index, column] = rows[row, column]
        others[index, column] = nil
      }
      do throws(DensityError) {
        let found = try logConditionals(
          of: targets, given: others, firstRow: (firstRow + row) * variableCount + start
        ) { (fraction) throws(DensityError) in
          try observe((Double(start) + fraction * Double(columns.count)) / Double(known.count))
        }
        guard let found else { return nil }
        answers += found
      } catch .impossibleEvidence {
        throw .impossibleEvidence(row: row, onBitCount: nil)
      }
    }
    return answers
  }
}

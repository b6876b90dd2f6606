extension DensitySearch {
  /// Returns the mean of −log p, of numbers log p; 0 of none.
  static func nll(of logProbabilities: [Double]) -> Double {
    -logProbabilities.reduce(0, +) / Double(max(1, logProbabilities.count))
  }

  package static func nll(_ density: any Density, _ rows: BinaryMatrix) -> Double {
    nll(of: density.logProbabilities(of: rows))
  }

  /// Returns the mean of −log p over the validation rows, or else the training rows; nil if `goesOn`, which is asked from
  /// time to time, says no.
  static func nll(_ density: any Density, _ data: DataSplits, while goesOn: () -> Bool) -> Double? {
    let terms = try? logProbabilities(of: density, data) { (_) throws(DensityError) in goesOn() }
    return terms.flatMap(\.self).map(nll(of:))
  }

  /// Returns log p of each of these rows, or of its known cells; nil if `observe` says to stop.
  ///
  /// Of known cells it is an estimate where `isEstimate(_:_:)` says so.
  static func logProbabilities(
    of density: any Density, _ data: DataSplits, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    let split = data.validation == nil ? DataSplit.train : .validation
    guard let partial = data.partialRows(split)?.informative else {
      return try density.evaluator().logProbabilities(of: data[split] ?? data.train, observing: observe)
    }
    if canTabulate(for: partial) {
      return try exactLogMarginals(of: partial, density, observing: observe)
    }
    return try MissingCellSampler(density).logMarginals(
      of: partial, particleCount: MissingCells.judgedParticleCount, seed: 0, observing: observe)
  }

  // MARK: Rows with missing cells

  /// The rows that choose, if cells of them are missing.
  private static func judgedPartialRows(of data: DataSplits) -> PartialRows? {
    data.partialRows(data.validation == nil ? .train : .validation)?.informative
  }

  /// Whether the table of all probabilities, which makes every answer exact, takes no more than four times as many steps along an
  /// order as particles do.
  private static func canTabulate(for rows: PartialRows) -> Bool {
    let count = rows.columnCount
    guard count <= ProbabilityTable.variableLimit else { return false }
    return 2 << count <= 4 * MissingCells.judgedParticleCount * rows.estimatedCount * count
  }

  /// Whether networks are judged by the table of all their probabilities, and not by estimates from their training.
  static func judgesByTable(_ data: DataSplits) -> Bool {
    judgedPartialRows(of: data).map(canTabulate) ?? false
  }

  /// Whether figures of networks are estimated, by particles: cells of the rows that choose are missing, too few or of too many
  /// columns for a table.
  static func estimatesFigures(_ data: DataSplits) -> Bool {
    judgedPartialRows(of: data).map { $0.estimatedCount > 0 && !canTabulate(for: $0) } ?? false
  }

  /// Whether the figure of a density is: one that knows its marginals needs no estimate.
  static func isEstimate(_ density: any Density, _ data: DataSplits) -> Bool {
    estimatesFigures(data) && !density.knowsMarginals
  }

  /// Returns log p of the known cells of each row that chooses, exactly; nil of more columns than are tabulated, or if `observe`
  /// says to stop.
  static func exactLogProbabilities(
    of density: any Density, _ data: DataSplits, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    guard let rows = judgedPartialRows(of: data), rows.columnCount <= ProbabilityTable.variableLimit else {
      return nil
    }
    return try exactLogMarginals(of: rows, density, observing: observe)
  }

  /// - Precondition: no more columns than are tabulated.
  private static func exactLogMarginals(
    of rows: PartialRows, _ density: any Density, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try Inference(density).logMarginals(of: rows, observing: observe)?.map(\.value)
  }
}

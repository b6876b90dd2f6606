extension Density {
  /// Measures how likely the known cells of rows are, and takes the time.
  ///
  /// - Parameters:
  ///   - rows: at least one row, of which cells are missing; those that know nothing have no figure.
  ///   - name: what they are called.
  ///   - observe: is told the fraction done, and returns whether to go on.
  /// - Returns: the figures, of log p of the known cells and in bits a known cell: exact where
  ///   that is cheap (see `Inference`), else estimated by particles; nil if `observe` said to stop.
  /// - Throws: `DensityError.mismatch` if no cell is known; `.unsupported` for a density that has neither conditionals nor components, and what `observe`
  ///   throws.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func measureKnownCells(
    of rows: PartialRows, named name: String,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> LikelihoodMeasurement? {
    let given = rows
    let rows = given.informative
    guard rows.rowCount > 0 else {
      throw .mismatch(
        path: name, expected: "rows of which cells are known",
        found: "\(given.rowCount) of which all are missing")
    }
    let clock = ContinuousClock()
    let start = clock.now
    // Of many rows the mean is wanted, which errs by far less than each.
    let inference = try Inference(
      self, Inference.Options(particleCount: 512, particleLimit: 4096, enumerationSeconds: 0.002))
    guard let answers = try inference.logMarginals(of: rows, observing: observe) else { return nil }
    let logMarginals = answers.map(\.value)
    let summary = LikelihoodSummary(
      logProbabilities: logMarginals, knownCellsPerRow: Double(rows.known.onBitCount) / Double(rows.rowCount))
    return LikelihoodMeasurement(
      name: name, summary: summary, seconds: start.duration(to: clock.now).seconds, isOfKnownCells: true,
      isEstimated: answers.contains { !$0.isExact })
  }
}

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
    var meter = LikelihoodMeter(self, named: name)
    guard try meter.add(rows.values, known: rows.known, observing: observe) != nil else { return nil }
    return try meter.measurement()
  }
}

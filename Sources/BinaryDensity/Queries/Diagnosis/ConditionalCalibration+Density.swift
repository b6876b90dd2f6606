extension Density {
  /// Returns how well the probabilities of single cells fit the values of some rows, better not of those trained on.
  ///
  /// - Parameters:
  ///   - rows: at least one.
  ///   - conditioning: what forecasts are conditioned on; nil for the variables before, or where the density mixes several
  ///     orders, or gives log p of whole rows alone, all others.
  /// - Throws: `DensityError.unsupported` where forecasts given the variables before are asked of a density that has none;
  ///   `DensityError.undefined` for a row whose log p is not a number.
  /// - Precondition: `rows.columnCount == variableCount`.
  /// - Complexity: about that of a likelihood; given all others, see `Inference.logConditionalsGivenAllOthers(of:)`.
  public func conditionalCalibration(
    of rows: BinaryMatrix, given conditioning: Conditioning? = nil
  ) throws(DensityError) -> ConditionalCalibration {
    let evaluator = try ContributionEvaluator(forecastsOf: self, given: conditioning)
    var calibration = ConditionalCalibration(
      variableCount: variableCount, given: evaluator.conditioning)
    for start in stride(from: 0, to: rows.rowCount, by: 1024) {
      let block = rows.rows(start..<min(start + 1024, rows.rowCount))
      do throws(DensityError) {
        let found = try evaluator.contributions(of: block) { (_) throws(DensityError) in true }
        if let found { calibration.add(found, of: block) }
      } catch .undefined(let row) {
        throw .undefined(row: start + row)
      }
    }
    return calibration
  }
}

extension ContributionEvaluator {
  /// Prepares a density whose contributions are forecasts of single cells: without a remainder.
  ///
  /// - Parameters:
  ///   - density: the density.
  ///   - conditioning: nil for the variables before where the density has one order, else all others.
  /// - Throws: `DensityError.unsupported` where the variables before are asked for and the density has no one order.
  public init(forecastsOf density: any Density, given conditioning: Conditioning?) throws(DensityError) {
    let leaves = density.leaves
    let hasOrder =
      leaves.count == 1 && (leaves[0].density.autoregressive() != nil || leaves[0].density.tractable != nil)
    try self.init(density, given: conditioning ?? (hasOrder ? .before : .others))
    guard !hasRemainder else {
      throw .unsupported(
        "a mixture of several orders has no probability of a cell given those before it; ask given all others"
      )
    }
  }
}

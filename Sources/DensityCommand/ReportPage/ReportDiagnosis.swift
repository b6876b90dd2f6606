import BinaryDensity

/// What the cells of rows add to log p, and how well their probabilities fit.
struct ReportDiagnosis {
  /// What each column adds, given those before it in the order; nil where that would take too long, or the model tells log p
  /// of whole rows alone.
  private(set) var summary: ContributionSummary?
  /// The maps of pictures.
  private(set) var picture: SurprisePicture?
  /// How well forecasts fit; nil where they would take too long, or there are none.
  private(set) var calibration: ConditionalCalibration?

  /// How many rows are needed to say anything.
  private static let leastRowCount = 20

  /// Asks the model about each cell of the rows that have all, as far as that is bounded work.
  ///
  /// - Throws: `DensityError.interrupted`, and of a row whose log p is not a number.
  init(
    _ table: ReportTable, of model: any Density, imageShape: ImageShape?, _ work: ReportWork
  ) throws(DensityError) {
    let (count, width, pace) = (
      table.wholeRows.count, model.variableCount, model.multiplicationsPerRowOfCells
    )
    let enough = min(count, Self.leastRowCount)
    let taken = work.affordable(count, multiplications: pace, cells: width)
    guard count > 0, taken >= enough, let inTurn = try? ContributionEvaluator(model) else { return }
    var summary = ContributionSummary(variableCount: width)
    var picture = try? SurprisePicture(imageShape: imageShape, isOfMeans: true, magnification: 4)
    var calibration = inTurn.hasRemainder ? nil : ConditionalCalibration(variableCount: width, given: .before)
    try Self.forEachBlock(table, taken, pace, inTurn, work.observer("looking at cells")) {
      (rows, found) throws(DensityError) in
      summary.add(found)
      // Maps of means take no more memory than one.
      try? picture?.add(rows, found)
      calibration?.add(found, of: rows)
    }
    (self.summary, self.picture) = (summary, picture)
    // A flipped cell at a time.
    let flips = model.multiplicationsPerRowOfFlips
    let others = work.affordable(count, multiplications: flips, cells: width)
    if inTurn.hasRemainder, others >= enough,
      let evaluator = try? ContributionEvaluator(forecastsOf: model, given: .others)
    {
      var given = ConditionalCalibration(variableCount: width, given: .others)
      try Self.forEachBlock(table, others, flips, evaluator, work.observer("forecasting cells")) {
        (rows, found) throws(DensityError) in given.add(found, of: rows)
      }
      calibration = given
    }
    self.calibration = calibration
  }

  /// Hands on what the cells add of so many rows, evenly spread, in blocks that take a part of a second.
  private static func forEachBlock(
    _ table: ReportTable, _ count: Int, _ multiplicationsPerRow: Double, _ evaluator: ContributionEvaluator,
    _ observe: (Double) throws(DensityError) -> Bool,
    _ body: (BinaryMatrix, Contributions) throws(DensityError) -> Void
  ) throws(DensityError) {
    let length = max(1, min(256, (1 << 20) / evaluator.variableCount, Int(1e9 / multiplicationsPerRow)))
    let places = table.spread(count)
    for start in stride(from: 0, to: count, by: length) {
      let rows = table.whole(places[start..<min(start + length, count)])
      do throws(DensityError) {
        let found = try evaluator.contributions(of: rows) { (fraction) throws(DensityError) in
          try observe((Double(start) + fraction * Double(rows.rowCount)) / Double(count))
        }
        if let found { try body(rows, found) }
      } catch .undefined(let row) {
        throw .undefined(row: table.wholeRows[places[start + row]].number - 1)
      }
    }
  }
}

import BinaryDensity

/// The rows that a report looks at, and how likely the model makes them.
struct ReportTable {
  let rows: ReportRows
  /// The likelihood of all rows; of their known cells where some are missing.
  let measurement: LikelihoodMeasurement
  /// log p of each row that knows a cell, in nats, or of its known cells.
  let logProbabilities: [Double]
  /// The rows without missing cells, as numbers from 0, and log p of each.
  let wholeRows: [(row: Int, logProbability: Double)]

  /// Measures rows.
  ///
  /// - Throws: what measuring throws.
  init(
    _ rows: ReportRows, under model: any Density, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    self.rows = rows
    let part = rows.source.part
    let measured = try Self.measure(
      rows, under: model, named: part.isFolder ? part.split.rawValue : part.path, observing: observe)
    (measurement, logProbabilities) = measured
    let counts = rows.known.map { known in (0..<rows.rowCount).map { known.onBitCount(ofRow: $0) } }
    let measuredRows = (0..<rows.rowCount).filter { counts?[$0] != 0 }
    wholeRows = zip(measuredRows, measured.logProbabilities).filter { row, _ in
      counts.map { $0[row] == model.variableCount } ?? true
    }.map { (row: $0, logProbability: $1) }
  }

  /// Returns how likely a density makes rows, and log p of each of which a cell is known.
  static func measure(
    _ rows: ReportRows, under density: any Density, named name: String,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> (LikelihoodMeasurement, logProbabilities: [Double]) {
    var meter = LikelihoodMeter(density, named: name)
    let values = try meter.add(rows.values, known: rows.known, observing: observe) ?? []
    return (try meter.measurement(), values)
  }

  /// Returns some of the rows without missing cells, by their places among these.
  func whole(_ places: some Collection<Int>) -> BinaryMatrix {
    rows.values.selecting(places.map { wholeRows[$0].row })
  }

  /// Which rows a section is of, in words.
  ///
  /// - Parameter count: how many of those without missing cells it looks at.
  func words(_ count: Int) -> String {
    let name = rows.source.part.name
    let missing = rows.rowCount - wholeRows.count
    let left =
      missing == 0 ? "" : "; \(counted(missing, "row")) with missing cells left out"
    guard count == wholeRows.count else {
      return
        "the first \(count) rows\(missing == 0 ? "" : " without missing cells") of \(name), for more would take long"
    }
    return
      (rows.isWhole ? "\(count) rows of \(name)" : "\(count) of the first \(rows.rowCount) rows of \(name)")
      + left
  }
}

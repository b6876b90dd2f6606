import BinaryDensity

/// The rows that a report looks at, and how likely the model makes them.
struct ReportTable {
  let rows: ReportRows
  /// The likelihood of all rows; of their known cells where some are missing.
  let measurement: LikelihoodMeasurement
  /// log p of each row that knows a cell, in nats, or of its known cells.
  let logProbabilities: [Double]
  /// The rows without missing cells: their places among the rows, their numbers in the table, from 1, and log p of each.
  let wholeRows: [(place: Int, number: Int, logProbability: Double)]

  /// Measures rows.
  ///
  /// - Throws: what measuring throws.
  init(
    _ rows: ReportRows, under model: any Density, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    self.rows = rows
    let part = rows.source.part
    let name = part.isFolder ? part.split.rawValue : part.path
    let measured: (LikelihoodMeasurement, logProbabilities: [Double])
    do throws(DensityError) {
      measured = try Self.measure(rows, under: model, named: name, observing: observe)
    } catch .undefined(let row) {
      throw .undefined(row: rows.numbers[row])
    }
    (measurement, logProbabilities) = measured
    let counts = rows.known.map { known in (0..<rows.rowCount).map { known.onBitCount(ofRow: $0) } }
    let measuredRows = (0..<rows.rowCount).filter { counts?[$0] != 0 }
    wholeRows = zip(measuredRows, measured.logProbabilities).filter { row, _ in
      counts.map { $0[row] == model.variableCount } ?? true
    }.map { (place: $0, number: rows.numbers[$0] + 1, logProbability: $1) }
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
    rows.values.selecting(places.map { wholeRows[$0].place })
  }

  /// Returns so many places among the rows without missing cells, evenly spread.
  func spread(_ count: Int) -> [Int] { evenlySpread(count, of: wholeRows.count) }

  /// Which rows a section is of, in words.
  ///
  /// - Parameter count: how many of those without missing cells it looks at.
  func words(_ count: Int) -> String {
    let name = rows.source.part.name
    let missing = rows.rowCount - wholeRows.count
    guard count == wholeRows.count else {
      return
        "\(count) rows\(missing == 0 ? "" : " without missing cells") of \(name), evenly spread, for more would take long"
    }
    let left = missing == 0 ? "" : "; \(counted(missing, "row")) with missing cells left out"
    return (missing == 0 ? "" : "\(count) of ") + "\(rows.words) \(name)" + left
  }
}

/// How likely a density makes some rows, and how long it took to find out.
public struct LikelihoodMeasurement: Hashable, Sendable, Codable {
  /// What the rows are called: the part of a data set, or a file.
  public let name: String
  /// The figures.
  public let summary: LikelihoodSummary
  /// The time taken.
  public let seconds: Double
  /// Whether cells of the rows are missing: then the figures are of log p of the known ones, and bits are by known cell.
  public var isOfKnownCells = false
  /// Whether log p is not exact but estimated by draws, which makes it a little too small on average.
  public var isEstimated = false

  /// Creates a measurement.
  package init(
    name: String, summary: LikelihoodSummary, seconds: Double, isOfKnownCells: Bool = false,
    isEstimated: Bool = false
  ) {
    self.name = name
    self.summary = summary
    self.seconds = seconds
    self.isOfKnownCells = isOfKnownCells
    self.isEstimated = isEstimated
  }

  /// Rows a second.
  public var rowsPerSecond: Double { Double(summary.rowCount) / seconds }
}

extension Density {
  /// Measures how likely rows are, and takes the time.
  ///
  /// - Parameters:
  ///   - rows: at least one row.
  ///   - name: what they are called.
  ///   - observe: is told the fraction done, and returns whether to go on.
  /// - Returns: the figures, and log p of each row in nats; nil if `observe` said to stop.
  /// - Throws: what `observe` throws.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func measureLikelihood(
    of rows: BinaryMatrix, named name: String,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> (measurement: LikelihoodMeasurement, logProbabilities: [Double])? {
    var meter = LikelihoodMeter(self, named: name)
    guard let logProbabilities = try meter.add(rows, observing: observe) else { return nil }
    return (try meter.measurement(), logProbabilities)
  }

  /// Measures the rows of a data set that a density has not learnt from: its validation and its test rows, as far as
  /// there are any.
  ///
  /// - Parameters:
  ///   - data: the data set.
  ///   - observe: is told which rows are measured and the fraction done, and returns whether to go on.
  /// - Returns: the figures; nil if `observe` said to stop.
  /// - Throws: what `observe` throws.
  public func measureLikelihood(
    heldOutOf data: DataSplits,
    observing observe: (DataSplit, Double) throws(DensityError) -> Bool = { _, _ throws(DensityError) in true
    }
  ) throws(DensityError) -> [LikelihoodMeasurement]? {
    var measurements: [LikelihoodMeasurement] = []
    for split in [DataSplit.validation, .test] {
      guard let rows = data[split], rows.rowCount > 0 else { continue }
      func tell(_ fraction: Double) throws(DensityError) -> Bool { try observe(split, fraction) }
      if let partial = data.partialRows(split) {
        guard let measured = try measureKnownCells(of: partial, named: split.rawValue, observing: tell) else {
          return nil
        }
        measurements.append(measured)
        continue
      }
      guard let measured = try measureLikelihood(of: rows, named: split.rawValue, observing: tell) else {
        return nil
      }
      measurements.append(measured.measurement)
    }
    return measurements
  }
}

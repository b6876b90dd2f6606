/// Measures how likely a density makes rows that come block by block, and takes the time.
///
///     var meter = LikelihoodMeter(density, named: "table.csv")
///     try table.forEachPartialBlock(of: table.blockLength) { (rows, known) throws(DensityError) in
///       try meter.add(rows, known: known) != nil
///     }
///     print(try meter.measurement().summary)
///
/// The figures do not depend on how rows are divided into blocks: log p of a row follows from the row alone, and an estimate
/// from the row and its number; they are summed without rounding. Where cells of more than 20 columns are missing, how fast the
/// machine is decides which rows are enumerated and which are estimated.
public struct LikelihoodMeter {
  /// What the rows are called.
  public let name: String
  /// What was measured.
  public private(set) var tally = LikelihoodTally()
  /// How many rows came, those of which nothing is known too.
  public private(set) var rowCount = 0
  private let density: any Density
  private let evaluator: Evaluator
  /// Made when the first cell is missing.
  private var inference: Inference?
  private var isEstimated = false
  private var seconds = 0.0
  private let clock = ContinuousClock()

  /// Prepares to measure rows.
  public init(_ density: any Density, named name: String) {
    self.name = name
    self.density = density
    evaluator = density.evaluator()
  }

  /// Measures rows.
  ///
  /// - Parameters:
  ///   - rows: the rows.
  ///   - known: which of their cells are known; nil if all are.
  ///   - firstRow: the number of the first row in the table; those that came before, unless it is given.
  ///   - observe: is told the fraction done, and returns whether to go on.
  /// - Returns: log p of each row, in nats, or of its known cells: exact where that is cheap (see `Inference`), else
  ///   estimated by particles. A row of which nothing is known is left out. Nil if `observe` said to stop.
  /// - Throws: `DensityError.unsupported` where cells are missing, for a density that has neither conditionals nor
  ///   components; `.undefined` for a row whose log p is not a number; what `observe` throws.
  /// - Precondition: rows of as many columns as the density has variables.
  @discardableResult
  public mutating func add(
    _ rows: BinaryMatrix, known: BinaryMatrix? = nil, firstRow: Int? = nil,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [Double]? {
    let start = clock.now
    defer { seconds += start.duration(to: clock.now).seconds }
    let firstRow = firstRow ?? rowCount
    rowCount += rows.rowCount
    guard let known else {
      guard
        let values = try evaluator.logProbabilities(of: rows, firstRow: firstRow, observing: observe)
      else { return nil }
      tally.add(values, cellCount: rows.rowCount * rows.columnCount)
      return values
    }
    return try add(PartialRows(values: rows, known: known), firstRow: firstRow, observing: observe)
  }

  private mutating func add(
    _ rows: PartialRows, firstRow: Int, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    isOfKnownCells = true
    let counts = (0..<rows.rowCount).map { rows.known.onBitCount(ofRow: $0) }
    let complete = counts.indices.filter { counts[$0] == rows.columnCount }
    let partial = counts.indices.filter { counts[$0] > 0 && counts[$0] < rows.columnCount }
    let share = Double(complete.count) / Double(max(1, complete.count + partial.count))
    let exact = try logProbabilities(ofComplete: complete, of: rows.values, firstRow: firstRow) {
      (fraction) throws(DensityError) in try observe(share * fraction)
    }
    if inference == nil { inference = try Inference(density, Self.options) }
    let answers = try inference?.logMarginals(
      of: rows.selecting(partial), rowNumbers: partial.map { firstRow + $0 }
    ) { (fraction) throws(DensityError) in try observe(share + (1 - share) * fraction) }
    guard let exact, let answers else { return nil }
    var values = [Double?](repeating: nil, count: rows.rowCount)
    for (row, value) in zip(complete, exact) { values[row] = value }
    for (row, answer) in zip(partial, answers) { values[row] = answer.value }
    isEstimated = isEstimated || answers.contains { !$0.isExact }
    let result = values.compactMap(\.self)
    tally.add(result, cellCount: counts.reduce(0, +))
    return result
  }

  /// Returns log p of rows without missing cells, computed as in a table that has none.
  private func logProbabilities(
    ofComplete rows: [Int], of table: BinaryMatrix, firstRow: Int,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    guard !rows.isEmpty else { return [] }
    do throws(DensityError) {
      return try evaluator.logProbabilities(of: table.selecting(rows), observing: observe)
    } catch {
      guard case .undefined(let row) = error else { throw error }
      throw .undefined(row: firstRow + rows[row])
    }
  }

  /// Whether cells of the rows are missing.
  public private(set) var isOfKnownCells = false

  /// Of many rows the mean is wanted, which errs by far less than each.
  private static let options = Inference.Options(
    particleCount: 512, particleLimit: 4096, enumerationSeconds: 0.002)

  /// The figures.
  ///
  /// - Throws: `DensityError.mismatch` if there was no row, or of none a cell is known.
  public func measurement() throws(DensityError) -> LikelihoodMeasurement {
    guard tally.rowCount > 0 else {
      throw .mismatch(
        path: name, expected: rowCount > 0 ? "rows of which cells are known" : "at least one row",
        found: rowCount > 0 ? "\(rowCount) of which all are missing" : "none")
    }
    return LikelihoodMeasurement(
      name: name, summary: tally.summary, seconds: seconds, isOfKnownCells: isOfKnownCells,
      isEstimated: isEstimated)
  }
}

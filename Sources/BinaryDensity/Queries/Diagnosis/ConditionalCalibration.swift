import Essentials
import Kernels

/// How well the probabilities that a density gives single cells fit the values they have.
///
/// Every cell of every row is a forecast p(x_i = 1 | …) and what came of it. Cells of like forecasts make a bin: of those
/// for which the density said 0.3, three in ten should be on. Forecasts are those of the chain rule, given the variables
/// before, or given all others: see `Conditioning`.
///
///     let calibration = try density.conditionalCalibration(of: heldOut)
///     print(calibration.calibrationError, calibration.calibrationErrorByChance.mean)
///
/// **Errors.** Rows are taken for independent, cells of a row are not. With n_rb the cells of row r in bin b, p and x their
/// forecasts and values,
///
///     G_rb = Σ_cells (x − p),   gap_b = Σ_r G_rb / Σ_r n_rb,
///     se(gap_b)² = R / (R − 1) · Σ_r (G_rb − gap_b n_rb)² / (Σ_r n_rb)²
///
/// which is the standard error of a ratio of means over R rows. The expected calibration error is
///
///     ECE = Σ_b |Σ_r G_rb| / (R · D) = mean over r of Σ_b s_b G_rb / D,   s_b the sign of bin b's gap
///
/// whose standard error is that of a mean with the signs as they are.
///
/// **By chance.** An ECE is never 0, for gaps of any sign add up. Of a calibrated density bin b's sum has a mean of 0 and a
/// variance V_b, and, being nearly normal, an absolute value of √(2 V_b / π) on the mean. Along an order V_b = Σ_cells p (1 − p):
/// which bin a cell is in is known before its value is, so that the terms are uncorrelated, within a row and between bins.
/// Given all others they are not, and V_b is estimated by Σ_r G_rb² − (Σ_r G_rb)² / R.
///
/// - Source: the error: Naeini, Cooper, Hauskrecht, AAAI 2015, and Guo et al., ICML 2017, equation 3; the ratio: Cochran,
///   Sampling Techniques, 3rd edition, 1977, section 6.4; forecasts in turn: Dawid, The Well-Calibrated Bayesian, J. American
///   Statistical Association 77, 1982.
public struct ConditionalCalibration: Sendable {
  /// Cells whose forecasts are in a range.
  public struct Bin: Hashable, Sendable, Codable {
    /// How many there are.
    public let cellCount: Int
    /// How many rows have any.
    public let rowCount: Int
    /// The mean forecast; 0 without cells.
    public let predicted: Double
    /// The share of them that is on; 0 without cells.
    public let observed: Double
    /// The standard error of `observed − predicted`; nil of less than two rows.
    public let gapStandardError: Double?

    /// How much more of them are on than was forecast.
    public var gap: Double { observed - predicted }
  }

  /// What a calibrated density's error would be, by chance alone.
  public struct Chance: Hashable, Sendable, Codable {
    /// The mean.
    public let mean: Double
    /// The standard deviation; nil given all others, where bins are correlated.
    public let standardDeviation: Double?
  }

  /// How much more often a variable is on than was forecast.
  public struct VariableGap: Hashable, Sendable, Codable {
    /// The mean over rows of x − p.
    public let gap: Double
    /// Its standard error, the rows' standard deviation over √rows; nil of a single row.
    ///
    /// Of a variable that is on in hardly any row it is too small, for what was not seen does not vary.
    public let standardError: Double?
    /// The standard deviation that a calibrated density's gap would have, √(Σ_r p (1 − p)) / R.
    public let chanceDeviation: Double
    /// The gap in standard deviations of a calibrated density's; nil where Σ_r p (1 − p) is below 10, too little to tell.
    ///
    /// The largest of D calibrated ones is about √(2 log D).
    public let z: Double?
  }

  /// The number of bins, of equal width.
  public static let binCount = ClassificationSummary.binCount

  /// What forecasts are conditioned on.
  public let conditioning: Conditioning
  /// The number D of variables.
  public let variableCount: Int
  private var tallies = [Tally](repeating: Tally(), count: binCount)
  /// Σ_r G_rb G_rc of each two bins b ≤ c.
  private var products = [Double](repeating: 0, count: binCount * binCount)
  private var gaps: RunningMeans
  /// Σ_r p (1 − p) of each variable.
  private var variances: [Double]

  /// What is kept of the cells in a bin.
  private struct Tally: Sendable {
    var (cells, rows, on) = (0, 0, 0)
    /// Σ p, and Σ p (1 − p), over the cells.
    var (forecasts, spread) = (0.0, 0.0)
    /// Σ_r G_rb².
    var squaredGaps = 0.0
    /// Σ_r G_rb n_rb and Σ_r n_rb².
    var (gapTimesCount, squaredCounts) = (0.0, 0.0)
    var gap: Double { Double(on) - forecasts }
  }

  /// Creates the calibration of no rows.
  ///
  /// - Precondition: a variable at least.
  public init(variableCount: Int, given conditioning: Conditioning) {
    precondition(variableCount > 0, "a density has variables")
    (self.variableCount, self.conditioning) = (variableCount, conditioning)
    gaps = RunningMeans(count: variableCount)
    variances = Array(repeating: 0, count: variableCount)
  }

  /// Adds rows; memory does not grow with them.
  ///
  /// - Parameters:
  ///   - contributions: log p of each cell's value given what forecasts are conditioned on, as `ContributionEvaluator` gives it.
  ///   - rows: the values.
  /// - Precondition: contributions of these rows, without a remainder, which no forecast has.
  public mutating func add(_ contributions: Contributions, of rows: BinaryMatrix) {
    precondition(
      contributions.rowCount == rows.rowCount && contributions.values.columnCount == variableCount
        && rows.columnCount == variableCount, "contributions of other rows")
    precondition(
      contributions.remainders == nil && contributions.conditioning == conditioning,
      "these are no forecasts given \(conditioning)")
    for row in 0..<rows.rowCount {
      let logs = contributions.values[row: row]
      // p(x_i = 1) of log p(x_i): itself, or what is left of 1.
      add(
        forecasts: logs.indices.map { rows[row, $0] ? exp(logs[$0]) : -expm1(logs[$0]) },
        values: logs.indices.map { rows[row, $0] })
    }
  }

  private mutating func add(forecasts: [Double], values: [Bool]) {
    var own = [(cells: Int, gap: Double)](repeating: (0, 0), count: Self.binCount)
    var differences: [Double] = []
    for (variable, (p, isOn)) in zip(forecasts, values).enumerated() {
      let bin = min(Self.binCount - 1, Int(p * Double(Self.binCount)))
      let difference = (isOn ? 1 : 0) - p
      differences.append(difference)
      own[bin].cells += 1
      own[bin].gap += difference
      tallies[bin].cells += 1
      tallies[bin].on += isOn ? 1 : 0
      tallies[bin].forecasts += p
      variances[variable] += p * (1 - p)
      tallies[bin].spread += p * (1 - p)
    }
    gaps.add(differences)
    let present = own.indices.filter { own[$0].cells > 0 }
    for (place, b) in present.enumerated() {
      let (gap, count) = (own[b].gap, Double(own[b].cells))
      tallies[b].rows += 1
      tallies[b].gapTimesCount += gap * count
      tallies[b].squaredCounts += count * count
      tallies[b].squaredGaps += gap * gap
      for c in present[place...] { products[b * Self.binCount + c] += gap * own[c].gap }
    }
  }

  /// The number R of rows.
  public var rowCount: Int { gaps.rowCount }
  /// The number of cells.
  public var cellCount: Int { rowCount * variableCount }

  /// The bins, from forecasts near 0 to those near 1.
  public var bins: [Bin] {
    tallies.enumerated().map { index, tally in
      guard tally.cells > 0 else {
        return Bin(cellCount: 0, rowCount: 0, predicted: 0, observed: 0, gapStandardError: nil)
      }
      let (count, rows) = (Double(tally.cells), Double(rowCount))
      let gap = tally.gap / count
      let squares =
        products[index * (Self.binCount + 1)] - 2 * gap * tally.gapTimesCount + gap * gap
        * tally.squaredCounts
      // Where all are off, or all on, rows tell nothing of how often they would be otherwise.
      let isOneSided = tally.on == 0 || tally.on == tally.cells
      let variance = max(squares * rows / max(1, rows - 1), isOneSided ? tally.spread : 0)
      return Bin(
        cellCount: tally.cells, rowCount: tally.rows, predicted: tally.forecasts / count,
        observed: Double(tally.on) / count,
        gapStandardError: tally.rows > 1 ? variance.squareRoot() / count : nil)
    }
  }

  /// The expected calibration error: the mean over cells of |observed − predicted| of their bin; not a number without rows.
  public var calibrationError: Double {
    tallies.reduce(0) { $0 + abs($1.gap) } / Double(cellCount)
  }

  /// The standard error of the calibration error; nil of less than two rows.
  ///
  /// Where the error is no larger than by chance, signs change from table to table, and it is too large.
  public var calibrationErrorStandardError: Double? {
    guard rowCount > 1 else { return nil }
    let signs = tallies.map { $0.gap < 0 ? -1.0 : 1 }
    var squares = 0.0
    for b in signs.indices {
      for c in b..<signs.count {
        squares += (b == c ? 1 : 2) * signs[b] * signs[c] * products[b * Self.binCount + c]
      }
    }
    let (rows, sum) = (Double(rowCount), tallies.reduce(0) { $0 + abs($1.gap) })
    let variance = max(0, squares - sum * sum / rows) / (rows - 1)
    return (variance / rows).squareRoot() / Double(variableCount)
  }

  /// What a calibrated density's error would be on as many rows, by chance alone; not a number without rows.
  public var calibrationErrorByChance: Chance {
    let cells = Double(cellCount)
    let variances = tallies.map { tally in
      conditioning == .before
        ? tally.spread : max(0, tally.squaredGaps - tally.gap * tally.gap / Double(rowCount))
    }
    let mean = variances.reduce(0) { $0 + (2 * $1 / .pi).squareRoot() } / cells
    let variance = variances.reduce(0) { $0 + $1 * (1 - 2 / .pi) }
    return Chance(
      mean: mean, standardDeviation: conditioning == .before ? variance.squareRoot() / cells : nil)
  }

  /// How much more often each variable is on than was forecast.
  public var variableGaps: [VariableGap] {
    (0..<variableCount).map { variable in
      let (gap, deviation) = (gaps.mean(variable), variances[variable].squareRoot() / Double(rowCount))
      return VariableGap(
        gap: gap, standardError: gaps.standardError(variable), chanceDeviation: deviation,
        z: variances[variable] >= 10 ? gap / deviation : nil)
    }
  }

  /// Returns a reliability diagram: for each range of forecasts a bar as high as the share of cells that are on, and below one
  /// as high as the square root of how many cells the range has.
  ///
  /// - Parameter side: the side of the square of the bars, in pixels.
  /// - Precondition: a side of at least 30.
  public func reliabilityDiagram(side: Int = 360) -> GreyImage {
    GreyImage(
      reliability: bins.map {
        ReliabilityBar(count: $0.cellCount, predicted: $0.predicted, observed: $0.observed)
      }, side: side, hasRootCounts: true)
  }
}

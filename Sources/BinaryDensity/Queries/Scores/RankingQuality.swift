/// How well a score tells anomalies from other rows: the area under the ROC curve, and average precision.
///
///     let quality = RankingQuality(anomalies: typicality(of: odd), others: typicality(of: usual))
///     print(quality.areaUnderCurve, quality.averagePrecision)
///
/// Let m anomalies have the weight 1 / m each and n others 1 / n. Of a threshold s let T(s) be the weight of anomalies that
/// score at least s and F(s) that of others; π = m / (m + n).
///
///     area = P(anomaly > other) + ½ P(anomaly = other)
///     average precision = Σ_i P(s_i) / m over the anomalies,   P(s) = π T(s) / (π T(s) + (1 − π) F(s))
///
/// Standard errors are for m and n as they are: √(var of the anomalies' influences / m + var of the others' / n), where a row's
/// influence is how fast the figure changes with the row's weight. Of the area that is DeLong's error. It says 0 of a perfect
/// ranking, which no finite number of rows can promise.
/// - Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988; Efron, Biometrika 68, 1981 (the infinitesimal jackknife).
public struct RankingQuality: Hashable, Sendable, Codable {
  /// The number m of anomalies.
  public let anomalyCount: Int
  /// The number n of other rows.
  public let otherCount: Int
  /// The probability that an anomaly scores above another row; a tie counts a half.
  public let areaUnderCurve: Double
  /// The standard error of the area; nil where one side has a single row.
  public let areaStandardError: Double?
  /// The mean over the anomalies of the share of anomalies among the rows that score as high or higher.
  ///
  /// A score that says nothing has about m / (m + n).
  public let averagePrecision: Double
  /// The standard error of average precision; nil where one side has a single row.
  public let averagePrecisionStandardError: Double?

  /// Compares the scores of two sets of rows; higher is odder.
  ///
  /// - Precondition: at least one of each, and none is NaN.
  /// - Complexity: O((m + n) log (m + n)).
  public init(anomalies: [Double], others: [Double]) {
    precondition(!anomalies.isEmpty && !others.isEmpty, "two sets of rows are compared, and one is empty")
    let levels = Level.descending(anomalies: anomalies, others: others)
    let (m, n) = (Double(anomalies.count), Double(others.count))
    anomalyCount = anomalies.count
    otherCount = others.count
    let area = Self.area(levels, m, n)
    let precision = Self.averagePrecision(levels, m, n)
    (areaUnderCurve, areaStandardError) = (area.value, area.standardError(levels, m, n))
    (averagePrecision, averagePrecisionStandardError) = (
      precision.value, precision.standardError(levels, m, n)
    )
  }

  private static func area(_ levels: [Level], _ m: Double, _ n: Double) -> Figure {
    var figure = Figure()
    var (anomaliesAbove, othersAbove) = (0.0, 0.0)
    for level in levels {
      // An anomaly's influence is the share of others below it, another row's that of anomalies above it.
      figure.ofAnomalies.append((n - othersAbove - level.others / 2) / n)
      figure.ofOthers.append((anomaliesAbove + level.anomalies / 2) / m)
      anomaliesAbove += level.anomalies
      othersAbove += level.others
    }
    figure.value = zip(levels, figure.ofAnomalies).reduce(0) { $0 + $1.0.anomalies * $1.1 } / m
    return figure
  }

  private static func averagePrecision(_ levels: [Level], _ m: Double, _ n: Double) -> Figure {
    var figure = Figure()
    var precisions: [Double] = []
    // The weight of a level's anomalies by ∂P/∂T and ∂P/∂F, for π = m / (m + n).
    var slopes: [(anomalies: Double, others: Double)] = []
    var (anomalies, others) = (0.0, 0.0)
    for level in levels {
      anomalies += level.anomalies
      others += level.others
      let all = anomalies + others
      precisions.append(anomalies / all)
      slopes.append(
        (level.anomalies * others / (all * all), -level.anomalies * anomalies * n / (m * all * all)))
    }
    figure.value = zip(levels, precisions).reduce(0) { $0 + $1.0.anomalies * $1.1 } / m
    // A row counts at its own threshold and at all below.
    var (ofAnomalies, ofOthers) = (0.0, 0.0)
    for (slope, precision) in zip(slopes, precisions).reversed() {
      ofAnomalies += slope.anomalies
      ofOthers += slope.others
      figure.ofAnomalies.append(precision + ofAnomalies)
      figure.ofOthers.append(ofOthers)
    }
    figure.ofAnomalies.reverse()
    figure.ofOthers.reverse()
    return figure
  }
}

/// The rows of one score.
private struct Level {
  let score: Double
  var anomalies: Double
  var others: Double

  static func descending(anomalies: [Double], others: [Double]) -> [Level] {
    var levels: [Level] = []
    let rows =
      anomalies.map { Level(score: $0, anomalies: 1, others: 0) }
      + others.map { Level(score: $0, anomalies: 0, others: 1) }
    precondition(!rows.contains { $0.score.isNaN }, "a score is not a number")
    for row in rows.sorted(by: { $0.score > $1.score }) {
      guard let last = levels.last, last.score == row.score else {
        levels.append(row)
        continue
      }
      levels[levels.count - 1].anomalies += row.anomalies
      levels[levels.count - 1].others += row.others
    }
    return levels
  }
}

/// A figure, and the influences of the rows of each level up to a constant.
private struct Figure {
  var value = 0.0
  var ofAnomalies: [Double] = []
  var ofOthers: [Double] = []

  func standardError(_ levels: [Level], _ m: Double, _ n: Double) -> Double? {
    guard m > 1, n > 1 else { return nil }
    return
      (Self.variance(ofAnomalies, levels.map(\.anomalies)) / m
      + Self.variance(ofOthers, levels.map(\.others)) / n).squareRoot()
  }

  /// Returns the variance of values that each stand for so many rows, with one degree of freedom less.
  private static func variance(_ values: [Double], _ counts: [Double]) -> Double {
    let count = counts.reduce(0, +)
    let mean = zip(values, counts).reduce(0) { $0 + $1.0 * $1.1 } / count
    return zip(values, counts).reduce(0) { $0 + $1.1 * ($1.0 - mean) * ($1.0 - mean) } / (count - 1)
  }
}

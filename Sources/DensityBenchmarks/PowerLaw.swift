import Foundation

/// y = factor · x^exponent, fitted to points by least squares of log y against log x.
package struct PowerLaw: Equatable {
  package let exponent: Double
  package let factor: Double
  /// The standard error of the exponent; 0 for two points, which a line meets exactly.
  package let standardError: Double
  /// The largest ratio of a point to the law, either way.
  package let largestDeviation: Double

  /// Whether the law says what the points do: none strays from it by more than a fifth.
  package var isStraight: Bool { largestDeviation <= 1.2 }

  /// Fits points of positive coordinates.
  ///
  /// - Precondition: there are two points of different x.
  package init(_ points: [(x: Double, y: Double)]) {
    let logs = points.map { (x: log($0.x), y: log($0.y)) }
    let count = Double(logs.count)
    let meanX = logs.reduce(0) { $0 + $1.x } / count
    let meanY = logs.reduce(0) { $0 + $1.y } / count
    let spread = logs.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
    precondition(spread > 0, "a slope takes two points of different x")
    let slope = logs.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / spread
    let deviations = logs.map { $0.y - meanY - slope * ($0.x - meanX) }
    let residuals = deviations.reduce(0) { $0 + $1 * $1 }
    largestDeviation = exp(deviations.reduce(0) { max($0, abs($1)) })
    exponent = slope
    factor = exp(meanY - slope * meanX)
    standardError = count > 2 ? (residuals / (count - 2) / spread).squareRoot() : 0
  }
}

/// The mean of numbers that come in parts, and how they scatter.
///
/// - Source: Chan, Golub, LeVeque, Algorithms for Computing the Sample Variance, The American Statistician 37, 1983.
package struct RunningMean: Sendable {
  /// How many numbers there were.
  package private(set) var count = 0.0
  /// The mean of those that are finite.
  package private(set) var mean = 0.0
  /// Σ (number − mean)².
  private var squares = 0.0
  private var isInfinite = false

  /// No numbers yet.
  package init() {}

  /// Takes in some numbers, each finite or +∞.
  package mutating func add(_ values: [Double]) {
    guard !values.isEmpty else { return }
    guard values.allSatisfy(\.isFinite) else {
      isInfinite = true
      return
    }
    let size = Double(values.count)
    let ownMean = values.reduce(0, +) / size
    let ownSquares = values.reduce(0) { $0 + ($1 - ownMean) * ($1 - ownMean) }
    let (total, step) = (count + size, ownMean - mean)
    squares += ownSquares + step * step * count * size / total
    mean += step * size / total
    count = total
  }

  /// The standard error of the mean; ∞ of a single number, and 0 if one was infinite.
  package var standardError: Double {
    isInfinite ? 0 : count > 1 ? (squares / (count - 1) / count).squareRoot() : .infinity
  }

  /// The mean as an estimate of the expectation.
  ///
  /// One number that is infinite, whatever its probability, makes the expectation infinite: that is exact.
  package var measured: Measured {
    isInfinite ? Measured(.infinity) : Measured(mean, standardError: standardError)
  }
}

/// The mean of numbers that come in parts, and how they scatter.
///
/// - Source: Chan, Golub, LeVeque, Algorithms for Computing the Sample Variance, The American Statistician 37, 1983.
package struct RunningMean: Sendable {
  /// How many numbers there were.
  package private(set) var count = 0.0
  private var finiteMean = 0.0
  /// Σ (number − mean)².
  private var squares = 0.0
  /// The sum of those that are not finite; 0 if there are none.
  private var infinity = 0.0

  /// No numbers yet.
  package init() {}

  /// Takes in some numbers, finite or not.
  package mutating func add(_ values: [Double]) {
    guard !values.isEmpty else { return }
    guard values.allSatisfy(\.isFinite) else {
      infinity = values.reduce(infinity) { $1.isFinite ? $0 : $0 + $1 }
      return
    }
    let size = Double(values.count)
    let ownMean = values.reduce(0, +) / size
    let ownSquares = values.reduce(0) { $0 + ($1 - ownMean) * ($1 - ownMean) }
    merge(size, ownMean, ownSquares)
  }

  /// Takes in a number, finite or not.
  mutating func add(_ value: Double) {
    guard value.isFinite else { return infinity += value }
    merge(1, value, 0)
  }

  private mutating func merge(_ size: Double, _ ownMean: Double, _ ownSquares: Double) {
    let (total, step) = (count + size, ownMean - finiteMean)
    squares += ownSquares + step * step * count * size / total
    finiteMean += step * size / total
    count = total
  }

  /// Whether a number was not finite.
  private var isInfinite: Bool { infinity != 0 }

  /// The mean: not a number of none, or of infinite ones of both signs.
  package var mean: Double { isInfinite ? infinity : count > 0 ? finiteMean : .nan }

  /// The standard error of the mean; ∞ of a single number, and 0 if one was infinite.
  package var standardError: Double {
    isInfinite ? 0 : count > 1 ? (squares / (count - 1) / count).squareRoot() : .infinity
  }

  /// The mean as an estimate of the expectation.
  ///
  /// One number that is infinite, whatever its probability, makes the expectation infinite: that is exact.
  package var measured: Measured {
    isInfinite ? Measured(infinity) : Measured(mean, standardError: standardError)
  }
}

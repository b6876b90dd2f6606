/// The mean of numbers and its standard error, the same in whatever parts and order the numbers come.
///
/// Sums of the numbers and of their squares are kept without any rounding (`ExactSum`), so that tables can be measured in
/// blocks, and blocks on many machines.
package struct ExactMoments: Hashable, Sendable {
  /// How many numbers there are.
  package private(set) var count = 0
  /// Σ x.
  package private(set) var sum = ExactSum()
  /// Σ x².
  package private(set) var squares = ExactSum()
  /// The sum of those that are in neither sum, for they are infinite, or no numbers, or their squares are; 0 if none is.
  package private(set) var infinity = 0.0

  /// No numbers yet.
  package init() {}

  /// Sums that were taken before.
  package init(count: Int, sum: [Double], squares: [Double], infinity: Double) {
    self.count = count
    self.infinity = infinity
    for part in sum { self.sum.add(part) }
    for part in squares { self.squares.add(part) }
  }

  /// Adds numbers.
  package mutating func add(_ numbers: some Sequence<Double>) {
    for number in numbers {
      count += 1
      guard (number * number).isFinite else {
        infinity += number * abs(number)
        continue
      }
      sum.add(number)
      squares.add(number, times: number)
    }
  }

  /// Adds the numbers of another.
  package mutating func add(_ other: ExactMoments) {
    count += other.count
    infinity += other.infinity
    sum.add(other.sum)
    squares.add(other.squares)
  }

  /// The mean; not a number of none.
  package var mean: Double { infinity != 0 ? infinity : sum.value / Double(count) }

  /// The standard error of the mean, the numbers' standard deviation over √count; nil of fewer than two, which show none,
  /// and if one is infinite.
  package var standardError: Double? {
    guard count > 1, infinity == 0 else { return nil }
    // Σ (x − m)² − (Σ (x − m))² / n, where m is the mean but for rounding. Nothing is rounded before the end, for the
    // terms may be many orders larger than their sum.
    let (count, mean) = (Double(count), mean)
    var (deviation, deviations) = (sum, squares)
    deviation.add(-count, times: mean)
    for part in sum.parts { deviations.add(-2 * mean, times: part) }
    for part in ExactSum(mean, times: mean).parts { deviations.add(count, times: part) }
    let rest = deviation.value
    let squares = deviations.value - rest * rest / count
    return (max(0, squares) / (count - 1) / count).squareRoot()
  }
}

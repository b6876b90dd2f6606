import Foundation

/// The median of some ratios and an interval that holds the true median in at least 95 of 100 cases.
///
/// Whatever the ratios' distribution, each is below its median with probability ½. So of n ratios the number below is
/// binomial, and the interval reaches from the k-th smallest to the k-th largest, with the largest k such that
///
///     2 · P(Binomial(n, ½) < k) ≤ 0.05
///
/// which are the medians that a sign test of level 5 % does not reject.
/// - Source: Gibbons & Chakraborti, Nonparametric Statistical Inference, 2003, section 5.2.
package struct RatioSummary: Equatable {
  /// The fewest ratios that such an interval can be given for: 2 · ½⁶ < 0.05.
  package static let smallestCount = 6

  package let median: Double
  package let lower: Double
  package let upper: Double

  /// Summarises ratios.
  ///
  /// - Precondition: there are at least `smallestCount`.
  package init(_ ratios: [Double]) {
    let rank = Self.rank(count: ratios.count)
    precondition(rank > 0, "\(ratios.count) ratios give no interval of 95 %; it takes \(Self.smallestCount)")
    let sorted = ratios.sorted()
    median = DensityBenchmarks.median(ofSorted: sorted)
    lower = sorted[rank - 1]
    upper = sorted[sorted.count - rank]
  }

  /// Returns the largest k with 2 · P(Binomial(count, ½) < k) ≤ 0.05; 0 if there is none.
  ///
  /// - Precondition: `count` is at most 1000, where ½ to its power is still a normal number.
  package static func rank(count: Int) -> Int {
    precondition(count <= 1000, "\(count) ratios are more than 1000")
    var probability = pow(0.5, Double(count))
    var below = probability
    var rank = 0
    while rank < count, 2 * below <= 0.05 {
      rank += 1
      probability *= Double(count - rank + 1) / Double(rank)
      below += probability
    }
    return rank
  }
}

/// Returns the middle of numbers in ascending order, or the mean of the two middle ones.
///
/// - Precondition: there is at least one.
func median(ofSorted numbers: [Double]) -> Double {
  let middle = numbers.count / 2
  return numbers.count % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2
}

/// Whether one build is as fast as another, row by row and as a whole.
package struct Verdict: Equatable {
  /// A row whose whole interval lies below this, in both of two runs, has become slower.
  package static let leastRatio = 0.97
  /// The least geometric mean of all rows' medians.
  package static let leastMean = 0.99

  /// The rows that have become slower.
  package let slowRows: [String]
  /// The geometric mean of the rows' medians in their first runs.
  package let mean: Double

  /// Judges rows.
  ///
  /// - Parameters:
  ///   - first: every row's ratios of new to old.
  ///   - second: those of the rows that were run again. A row's chance to be slow twice by accident is the square.
  package init(first: [(label: String, ratios: RatioSummary)], second: [String: RatioSummary]) {
    slowRows = first.filter { row in
      Self.isSlow(row.ratios) && second[row.label].map(Self.isSlow) ?? false
    }.map(\.label)
    mean = Self.geometricMean(first.map(\.ratios.median))
  }

  /// Whether a run finds a row slower.
  package static func isSlow(_ ratios: RatioSummary) -> Bool { ratios.upper < leastRatio }

  /// Returns exp of the mean logarithm; 1 of no numbers.
  package static func geometricMean(_ numbers: [Double]) -> Double {
    numbers.isEmpty ? 1 : exp(numbers.reduce(0) { $0 + log($1) } / Double(numbers.count))
  }

  /// Whether nothing has become slower.
  package var passes: Bool { slowRows.isEmpty && mean >= Self.leastMean }

  /// The verdict in a line.
  package var description: String {
    var reasons: [String] = []
    if !slowRows.isEmpty {
      reasons.append("below \(Self.leastRatio) in two runs: \(slowRows.joined(separator: ", "))")
    }
    if mean < Self.leastMean { reasons.append("the geometric mean is below \(Self.leastMean)") }
    return passes ? "passed" : "failed: " + reasons.joined(separator: "; ")
  }
}

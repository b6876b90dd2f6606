import Essentials
import Kernels

/// What variables tell of each other, two by two, under a density: their mutual information, in nats.
///
///     I(x_i; x_j) = Σ_ab p(a, b) · log (p(a, b) / (p_i(a) · p_j(b)))
///
/// It is 0 for independent variables and at most the lesser of their entropies.
///
///     if let information = try density.inference().mutualInformation() {
///       for pair in information.strongestPairs(10) { print(pair.first, pair.second, pair.information) }
///     }
///
/// Columns count from 0. Either every number is exact but for rounding, or all come from the same drawn rows, and so do
/// not err independently of each other: see `Inference.mutualInformation(of:rowCount:observing:)`.
public struct MutualInformation: Sendable {
  /// Two variables, and what one tells of the other.
  public struct Pair: Hashable, Sendable {
    /// A column.
    public let first: Int
    /// Another column.
    public let second: Int
    /// I(x_first; x_second), in nats.
    public let information: Measured
    /// The information over the lesser of the two entropies: 0 of independent variables, 1 where one follows from the other.
    public let share: Double
  }

  /// The columns whose pairs with all columns are here, R of them.
  public let columns: [Int]
  /// How many rows were drawn; nil if all is exact.
  public let drawnRowCount: Int?
  /// The probabilities, or in how many drawn rows variables are on: a row for each of `columns`.
  private let pairs: PairProbabilities
  /// Which row each column has; the largest number if none.
  private let places: [Int]

  init(columns: [Int], _ pairs: PairProbabilities, drawnRowCount: Int? = nil) {
    (self.columns, self.pairs, self.drawnRowCount) = (columns, pairs, drawnRowCount)
    places = Self.places(of: columns, variableCount: pairs.on.count)
  }

  /// The number D of variables.
  public var variableCount: Int { pairs.on.count }

  /// I(x_i; x_j), in nats; of a variable with itself its entropy.
  ///
  /// - Precondition: both are columns, and one of them is among `columns`.
  public subscript(i: Int, j: Int) -> Measured {
    guard i != j else { return entropy(of: i) }
    let table = table(i, j)
    return drawnRowCount == nil ? Measured(table.mutualInformation) : table.estimatedInformation
  }

  /// The entropy of a variable, in nats.
  public func entropy(of column: Int) -> Measured {
    let counts = BitCounts(on: pairs.on[column], total: total)
    return drawnRowCount == nil ? Measured(counts.entropy) : counts.estimatedEntropy
  }

  /// What two variables tell of each other.
  ///
  /// - Precondition: as of the subscript; the columns are different.
  public func pair(_ first: Int, _ second: Int) -> Pair {
    let information = self[first, second]
    let entropy = min(entropy(of: first).value, entropy(of: second).value)
    return Pair(
      first: first, second: second, information: information,
      share: entropy > 0 ? min(1, information.value / entropy) : 0)
  }

  /// Returns the pairs of most information, first the one of most; of equal ones those of first columns.
  ///
  /// A pair is named once, with the column first that is first among `columns`.
  /// - Precondition: `count >= 0`.
  /// - Complexity: O(R · D · log count) on all threads.
  public func strongestPairs(_ count: Int) -> [Pair] {
    var best: [Pair] = []
    // What waits to be compared takes no more than some megabytes.
    for start in stride(from: 0, to: columns.count, by: 256) {
      let parts = Threads.map(count: min(256, columns.count - start)) { index in
        Self.strongest(count, of: others(of: start + index).map { pair(columns[start + index], $0) })
      }
      best = Self.strongest(count, of: best + parts.flatMap(\.self))
    }
    return best
  }

  /// Calls `body` with the pairs of each of `columns` that no earlier one has, until it says to stop.
  ///
  /// - Throws: what `body` throws.
  public func forEachColumn(_ body: ([Pair]) throws(DensityError) -> Bool) throws(DensityError) {
    for place in columns.indices {
      guard try body(others(of: place).map { pair(columns[place], $0) }) else { return }
    }
  }

  private static func strongest(_ count: Int, of pairs: [Pair]) -> [Pair] {
    Array(
      pairs.sorted {
        ($1.information.value, $0.first, $0.second) < ($0.information.value, $1.first, $1.second)
      }.prefix(count))
  }

  /// The columns that a column's pairs are of, without those of the columns before it.
  private func others(of place: Int) -> [Int] {
    (0..<variableCount).filter { places[$0] > place }
  }

  /// Returns each column's place among some, and the largest number for the others.
  static func places(of columns: [Int], variableCount: Int) -> [Int] {
    var places = Array(repeating: Int.max, count: variableCount)
    for (place, column) in columns.enumerated() { places[column] = place }
    return places
  }

  private func table(_ i: Int, _ j: Int) -> BitPairTable {
    let isFirst = places[i] < .max
    let (row, other) = isFirst ? (places[i], j) : (places[j], i)
    precondition(row < .max, "neither column \(i) nor \(j) is among those whose pairs are here")
    return BitPairTable(
      both: pairs.bothOn[row, other], first: pairs.on[i], second: pairs.on[j], total: total)
  }

  /// What the probabilities, or the counts, of all rows add up to.
  private var total: Double { Double(drawnRowCount ?? 1) }
}

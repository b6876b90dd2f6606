/// How likely rows are that come in parts: block by block, or from many machines.
///
/// Log-probabilities are summed without any rounding, so that the figures are those of all rows at once, to the last bit, in
/// whatever parts and order they come.
///
///     var tally = LikelihoodTally()
///     for block in blocks { tally.add(density.logProbabilities(of: block), cellCount: block.rowCount * 784) }
///     print(tally.summary.negativeLogLikelihood)
public struct LikelihoodTally: Hashable, Sendable {
  /// The number of cells of the rows, or of those that are known.
  public private(set) var cellCount = 0
  private(set) var moments = ExactMoments()

  /// No rows yet.
  public init() {}

  /// The sums of a tally of before: see `sums`.
  package init(rowCount: Int, cellCount: Int, sums: (sum: [Double], squares: [Double], infinity: Double)) {
    self.cellCount = cellCount
    moments = ExactMoments(
      count: rowCount, sum: sums.sum, squares: sums.squares, infinity: sums.infinity)
  }

  /// Numbers whose sums Σ log p and Σ (log p)² are, exactly; and the sum of those log p that are in neither, 0 or −∞.
  package var sums: (sum: [Double], squares: [Double], infinity: Double) {
    (moments.sum.parts, moments.squares.parts, moments.infinity)
  }

  /// The number of rows.
  public var rowCount: Int { moments.count }

  /// Adds rows.
  ///
  /// - Parameters:
  ///   - logProbabilities: log p of each, in nats.
  ///   - cellCount: how many cells they have, or how many of these are known.
  public mutating func add(_ logProbabilities: [Double], cellCount: Int) {
    moments.add(logProbabilities)
    self.cellCount += cellCount
  }

  /// Adds the rows of another.
  public mutating func add(_ other: LikelihoodTally) {
    moments.add(other.moments)
    cellCount += other.cellCount
  }

  /// The figures.
  ///
  /// - Precondition: there is at least one row.
  public var summary: LikelihoodSummary { LikelihoodSummary(self) }
}

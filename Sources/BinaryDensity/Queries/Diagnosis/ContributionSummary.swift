/// What each variable adds to log p of a table's rows on the mean, with standard errors.
///
///     var summary = ContributionSummary(variableCount: 784)
///     summary.add(try density.contributions(of: rows))
///     print(summary.variables[0].mean)
///
/// Rows are added as they come; memory does not grow with them.
public struct ContributionSummary: Sendable {
  /// A mean over rows, in nats.
  public struct Mean: Hashable, Sendable, Codable {
    /// The mean.
    public let mean: Double
    /// Its standard error, the rows' standard deviation over √rows; nil of a single row, and where p of a row is 0.
    public let standardError: Double?
  }

  /// The number D of variables.
  public let variableCount: Int
  /// The variables, the remainder, and the sum of all.
  private var means: RunningMeans
  private var hasRemainder = false

  /// Creates the summary of no rows.
  public init(variableCount: Int) {
    self.variableCount = variableCount
    means = RunningMeans(count: variableCount + 2)
  }

  /// Adds rows.
  ///
  /// - Precondition: rows of as many variables.
  public mutating func add(_ contributions: Contributions) {
    precondition(
      contributions.values.columnCount == variableCount,
      "rows of \(contributions.values.columnCount) variables, not \(variableCount)")
    hasRemainder = hasRemainder || contributions.remainders != nil
    for (row, sum) in contributions.sums.enumerated() {
      means.add(contributions.values[row: row] + [contributions.remainders?[row] ?? 0, sum])
    }
  }

  /// The number of rows.
  public var rowCount: Int { means.rowCount }
  /// What each variable adds; not a number without rows.
  public var variables: [Mean] { (0..<variableCount).map(mean) }
  /// What belongs to no variable; nil but for mixtures of several orders.
  public var remainder: Mean? { hasRemainder ? mean(variableCount) : nil }
  /// The sum: the mean of log p, or given all others of the log-pseudo-likelihood.
  public var sum: Mean { mean(variableCount + 1) }

  private func mean(_ index: Int) -> Mean {
    Mean(mean: means.mean(index), standardError: means.standardError(index))
  }
}

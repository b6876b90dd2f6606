/// What is reported of the log-probabilities of a table's rows.
public struct LikelihoodSummary: Hashable, Sendable, Codable {
  /// The number of rows.
  public let rowCount: Int
  /// The mean of −log p(x) over the rows, in nats.
  public let negativeLogLikelihood: Double
  /// The standard error of that mean: the rows' standard deviation over √rows; nil of a single row, which shows none.
  public let standardError: Double?
  /// The mean in bits, divided by the number of variables, or of known cells a row.
  public let bitsPerVariable: Double

  /// Summarises log-probabilities, in nats, of rows of `variableCount` variables.
  ///
  /// - Precondition: there is at least one row.
  public init(logProbabilities: [Double], variableCount: Int) {
    var tally = LikelihoodTally()
    tally.add(logProbabilities, cellCount: logProbabilities.count * variableCount)
    self.init(tally)
  }

  /// Summarises what was tallied; bits are zero where no cell is known.
  ///
  /// - Precondition: there is at least one row.
  public init(_ tally: LikelihoodTally) {
    precondition(tally.rowCount > 0, "no rows to summarise")
    rowCount = tally.rowCount
    negativeLogLikelihood = -tally.moments.mean
    standardError = tally.moments.standardError
    let cellsPerRow = Double(tally.cellCount) / Double(rowCount)
    bitsPerVariable = cellsPerRow > 0 ? negativeLogLikelihood / 0.693147180559945309417 / cellsPerRow : 0
  }
}

/// How much likelier the rows of a table are under one density than under another, compared row by row.
///
/// What is hard for one is mostly hard for the other, so the difference is known far better than either mean. A row that both
/// rule out is no likelier under one than under the other.
public struct LikelihoodDifference: Hashable, Sendable, Codable {
  /// The mean over the rows of log p(x) − log q(x), in nats.
  public let mean: Double
  /// The standard error of that mean: the standard deviation of the rows' differences over √rows; nil of a single row.
  public let standardError: Double?

  /// Compares the log-probabilities, in nats, of the same rows under p and under q.
  ///
  /// - Precondition: there is at least one row, and as many of one as of the other.
  public init(_ logProbabilities: [Double], over others: [Double]) {
    precondition(logProbabilities.count == others.count, "the rows of one are not those of the other")
    var tally = LikelihoodTally()
    tally.add(Self.terms(logProbabilities, others), cellCount: 0)
    self.init(tally)
  }

  /// Returns log p(x) − log q(x) of each row.
  package static func terms(_ logProbabilities: [Double], _ others: [Double]) -> [Double] {
    zip(logProbabilities, others).map { $0 == $1 ? 0 : $0 - $1 }
  }

  /// Summarises a tally of differences log p(x) − log q(x).
  ///
  /// - Precondition: there is at least one row.
  public init(_ differences: LikelihoodTally) {
    precondition(differences.rowCount > 0, "no rows to compare")
    mean = differences.moments.mean
    standardError = differences.moments.standardError
  }
}

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
    self.init(logProbabilities: logProbabilities, knownCellsPerRow: Double(variableCount))
  }

  /// Summarises log-probabilities of the known cells of rows; bits are zero where nothing is known.
  init(logProbabilities: [Double], knownCellsPerRow: Double) {
    precondition(!logProbabilities.isEmpty, "no rows to summarise")
    let (mean, error) = meanAndStandardError(of: logProbabilities)
    rowCount = logProbabilities.count
    negativeLogLikelihood = -mean
    standardError = error
    bitsPerVariable = knownCellsPerRow > 0 ? -mean / 0.693147180559945309417 / knownCellsPerRow : 0
  }
}

/// How much likelier the rows of a table are under one density than under another, compared row by row.
///
/// What is hard for one is mostly hard for the other, so the difference is known far better than either mean.
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
    precondition(!others.isEmpty, "no rows to compare")
    (mean, standardError) = meanAndStandardError(of: zip(logProbabilities, others).map { $0 - $1 })
  }
}

private func meanAndStandardError(of values: [Double]) -> (mean: Double, standardError: Double?) {
  let count = Double(values.count)
  let mean = values.reduce(0, +) / count
  let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  // A mean that is not finite has no error either.
  return (mean, count > 1 && squares.isFinite ? (squares / (count - 1) / count).squareRoot() : nil)
}

/// What is reported of the log-probabilities of a table's rows.
public struct LikelihoodSummary: Hashable, Sendable, Codable {
  /// The number of rows.
  public let rowCount: Int
  /// The mean of −log p(x) over the rows, in nats.
  public let negativeLogLikelihood: Double
  /// The standard error of that mean: the rows' standard deviation over √rows.
  public let standardError: Double
  /// The mean in bits, divided by the number of variables.
  public let bitsPerVariable: Double

  /// Summarises log-probabilities, in nats, of rows of `variableCount` variables.
  ///
  /// - Precondition: there is at least one row.
  public init(logProbabilities: [Double], variableCount: Int) {
    precondition(!logProbabilities.isEmpty, "no rows to summarise")
    let count = Double(logProbabilities.count)
    let mean = logProbabilities.reduce(0, +) / count
    let squares = logProbabilities.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    rowCount = logProbabilities.count
    negativeLogLikelihood = -mean
    standardError = count > 1 ? (squares / (count - 1) / count).squareRoot() : 0
    bitsPerVariable = -mean / 0.693147180559945309417 / Double(variableCount)
  }
}

import Essentials

/// How many rows a model's entropy, its divergence from another, and what is compared with it are estimated by.
///
/// Where a figure can be had exactly none are drawn.
public struct EntropyOptions: Hashable, Sendable, Codable {
  /// How many rows are drawn of each model, at first.
  public var rowCount: Int
  /// How many rows are drawn of each model at the most.
  public var rowLimit: Int
  /// The standard error, in nats, that every figure is to reach, if the limit allows; nil if any will do.
  public var targetError: Double?
  /// The seed of the rows.
  public var seed: UInt64
  /// How many variables are tabulated at the most; tests look at what is done without a table.
  package var tabulationLimit = ProbabilityTable.variableLimit

  /// Creates options.
  public init(
    rowCount: Int = 10_000, rowLimit: Int = 1 << 20, targetError: Double? = nil, seed: UInt64 = 0
  ) {
    self.rowCount = rowCount
    self.rowLimit = max(rowLimit, rowCount)
    self.targetError = targetError
    self.seed = seed
  }

  /// What is wrong with the options, or nil.
  public var problem: String? {
    if !(2...1 << 32).contains(rowCount) { return "an estimate takes from 2 to 2^32 rows, not \(rowCount)" }
    if !(rowCount...1 << 32).contains(rowLimit) {
      return "the most rows are \(rowLimit), not from \(rowCount) to 2^32"
    }
    if let targetError, !(targetError > 0 && targetError.isFinite) {
      return "a standard error to reach is above 0, not \(targetError)"
    }
    return nil
  }
}

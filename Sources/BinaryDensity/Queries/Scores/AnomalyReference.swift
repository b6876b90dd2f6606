/// log p of rows that are as they should be, by which it is told how odd other rows are.
///
/// The rows must be ones that the density was not trained on: those are likelier than any fresh row, so that every fresh row
/// would look odd beside them.
///
///     let reference = try AnomalyReference(logProbabilities: model.logProbabilities(of: heldOut))
///     for logProbability in model.logProbabilities(of: rows) {
///       let score = reference.score(ofLogProbability: logProbability)
///       if score.pValue < 0.01 || score.typicalityPValue < 0.01 { print(score) }
///     }
public struct AnomalyReference: Sendable {
  /// The mean of log p over the reference rows, in nats: minus what is taken for the density's entropy.
  public var meanLogProbability: Double { sum / Double(rowCount) }
  private let sum: Double
  /// log p of the n reference rows in nats, ascending.
  private let sorted: [Double]

  /// Creates a reference.
  ///
  /// - Parameter logProbabilities: log p of each reference row, in nats, in any order.
  /// - Throws: `DensityError.unsupported` where there is no row, and for a row that has probability zero, beside which nothing
  ///   is odd.
  /// - Precondition: no log p is NaN.
  /// - Complexity: O(n log n).
  public init(logProbabilities: [Double]) throws(DensityError) {
    guard !logProbabilities.isEmpty else { throw .unsupported("there is no reference row to compare with") }
    precondition(!logProbabilities.contains { $0.isNaN }, "log p of a reference row is not a number")
    if let row = logProbabilities.firstIndex(where: { !$0.isFinite }) {
      throw .unsupported(
        "row \(row + 1) of the reference has log p \(logProbabilities[row]): a model that rules such rows out tells nothing "
          + "odd by them")
    }
    sorted = logProbabilities.sorted()
    sum = logProbabilities.reduce(0, +)
  }

  /// The number n of reference rows; no p-value is below 1 / (n + 1).
  public var rowCount: Int { sorted.count }

  /// Returns how odd a row is.
  ///
  /// - Parameter logProbability: log p of the row, in nats.
  /// - Precondition: it is not NaN.
  /// - Complexity: O(log n).
  public func score(ofLogProbability logProbability: Double) -> AnomalyScore {
    precondition(!logProbability.isNaN, "log p of a row is not a number")
    return AnomalyScore(
      logProbability: logProbability,
      pValue: pValue(of: count { $0 <= logProbability }),
      typicality: abs(logProbability - meanLogProbability),
      typicalityPValue: pValue(of: countAsFar(asLogProbability: logProbability)))
  }

  private func pValue(of count: Int) -> Double { Double(count + 1) / Double(rowCount + 1) }

  /// Returns how many reference rows are at least as far from the mean as a row.
  ///
  /// The mean is that of the reference and the row together, which treats all n + 1 alike; by it the p-value is exact.
  private func countAsFar(asLogProbability value: Double) -> Int {
    guard value.isFinite else { return 0 }
    let mean = (sum + value) / Double(rowCount + 1)
    // The row's own side is compared with the row itself, so that rounding parts no ties.
    let (low, high) = value <= mean ? (value, 2 * mean - value) : (2 * mean - value, value)
    return low == high ? rowCount : count { $0 <= low } + rowCount - count { $0 < high }
  }

  /// Returns how many of the ascending numbers are in a part that begins with the first.
  private func count(_ isIn: (Double) -> Bool) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if isIn(sorted[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// How odd a row is beside reference rows.
///
/// Both p-values are conformal: (1 + the number of the n reference rows that are as odd or odder) / (n + 1), equally odd ones
/// counted, so that it errs to the safe side. A row that comes from where the reference rows come from has a p-value of at most α
/// with a probability of at most α, whatever the density is worth.
/// - Source: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005, chapter 2.
public struct AnomalyScore: Hashable, Sendable, Codable {
  /// log p of the row, in nats.
  public let logProbability: Double
  /// The p-value of a log p as low.
  public let pValue: Double
  /// |log p − the mean of the reference rows' log p| in nats: how far the row is from the typical set, on either side.
  ///
  /// A density can give rows of another kind more probability than those it was trained on (Nalisnick, Matsukawa, Teh, Gorur,
  /// Lakshminarayanan, ICLR 2019); what is too likely is then odd too.
  /// - Source: Nalisnick, Matsukawa, Teh, Lakshminarayanan, arXiv:1906.02994, 2019, section 3, for one row.
  public let typicality: Double
  /// The p-value of a typicality as large; the mean is then over the reference rows and the row together.
  public let typicalityPValue: Double
}

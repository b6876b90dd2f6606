import Arguments
import BinaryDensity

/// What is kept of rows as they are scored: figures, the oddest, and all of log p only where it is needed.
struct ScoredRows {
  /// The figures of log p.
  private(set) var tally = LikelihoodTally()
  /// log p of all rows, in nats, if it is kept.
  private(set) var logProbabilities: [Double] = []
  private let topCount: Int
  private let keepsAll: Bool
  private var candidates: [(row: Int, logProbability: Double)] = []

  /// - Parameters:
  ///   - topCount: how many of the oddest rows are wanted.
  ///   - keepsAll: whether all of log p is.
  init(topCount: Int, keepsAll: Bool) {
    (self.topCount, self.keepsAll) = (topCount, keepsAll)
  }

  /// Adds the next rows.
  mutating func add(_ block: [Double]) {
    if keepsAll { logProbabilities += block }
    if topCount > 0 {
      candidates += block.enumerated().map { (tally.rowCount + $0.offset, $0.element) }
      if candidates.count > 2 * topCount + 65_536 { candidates = oddest }
    }
    tally.add(block, cellCount: 0)
  }

  /// The oddest rows, counted from 0, the oddest first: the p-value falls with log p, which orders those of the same p-value
  /// too.
  var oddest: [(row: Int, logProbability: Double)] {
    Array(candidates.sorted { ($0.logProbability, $0.row) < ($1.logProbability, $1.row) }.prefix(topCount))
  }
}

/// What `density score` reports of a table: its oddest rows, and how well another table's are told from them.
struct ScoreReport {
  private let parts: ScoreCommand.Parts
  private let reference: AnomalyReference
  private let rowCount: Int
  /// The mean of log p, in nats.
  private let mean: Double
  /// The oddest rows, numbered from 1; nil if they are not asked for.
  private let top: [(number: Int, score: AnomalyScore)]?
  /// By what anomalies are told, in words and as a key, and how well; nil without anomalies.
  private let qualities: [(words: String, key: String, quality: RankingQuality)]?

  /// - Parameters:
  ///   - rows: at least one; with all of log p where there are anomalies.
  ///   - isTopWanted: whether to name the oddest rows.
  ///   - anomalies: log p of the rows that are taken for anomalies.
  init(
    parts: ScoreCommand.Parts, reference: AnomalyReference, rows: ScoredRows, isTopWanted: Bool,
    anomalies: [Double]?
  ) {
    (self.parts, self.reference) = (parts, reference)
    rowCount = rows.tally.rowCount
    mean = -rows.tally.summary.negativeLogLikelihood
    top =
      isTopWanted
      ? rows.oddest.map { ($0.row + 1, reference.score(ofLogProbability: $0.logProbability)) } : nil
    qualities = anomalies.map { anomalies in
      func quality(_ oddity: (Double) -> Double) -> RankingQuality {
        RankingQuality(anomalies: anomalies.map(oddity), others: rows.logProbabilities.map(oddity))
      }
      return [
        ("low log p ", "by_log_p", quality { -$0 }),
        ("typicality", "by_typicality", quality { reference.score(ofLogProbability: $0).typicality }),
      ]
    }
  }

  func printText() throws {
    try Terminal.print("reference   \(parts.words(reference))")
    try Terminal.print(
      "rows        \(rowCount) of \(parts.rows.name), mean log p \(fixed(mean, 3)) nats")
    if let qualities, let anomalies = parts.anomalies {
      let (odd, usual) = (qualities[0].quality.anomalyCount, qualities[0].quality.otherCount)
      try Terminal.print(
        "anomalies   \(odd) of \(anomalies.name); by chance AUROC 0.5, average precision "
          + fixed(Double(odd) / Double(odd + usual), 4))
      for (words, _, quality) in qualities {
        try Terminal.print(
          "\(words)  AUROC \(withError(quality.areaUnderCurve, quality.areaStandardError, 4)), average precision "
            + withError(quality.averagePrecision, quality.averagePrecisionStandardError, 4))
      }
    }
    guard let top else { return }
    func line(_ fields: [String]) -> String {
      zip(fields, [8, 12, 10, 12, 10]).map { field, width in
        String(repeating: " ", count: max(1, width - field.count)) + field
      }.joined()
    }
    try Terminal.print(line(["row", "log p", "p-value", "typicality", "p-value"]))
    for (number, score) in top {
      try Terminal.print(
        line([
          "\(number)", fixed(score.logProbability, 3), fixed(score.pValue, 5), fixed(score.typicality, 3),
          fixed(score.typicalityPValue, 5),
        ]))
    }
  }

  func printJSON() throws {
    var object: [JSONValue.Member] = [
      .init(key: "reference", value: parts.reference.map { .string($0.name) } ?? .null),
      .init(key: "reference_rows", value: .integer(reference.rowCount)),
      .init(key: "reference_mean_log_p", value: .real(reference.meanLogProbability)),
      .init(key: "table", value: .string(parts.rows.name)),
      .init(key: "rows", value: .integer(rowCount)),
      .init(key: "mean_log_p", value: .real(mean)),
    ]
    if let qualities, let anomalies = parts.anomalies {
      object.append(.init(key: "against", value: .string(anomalies.name)))
      object.append(.init(key: "against_rows", value: .integer(qualities[0].quality.anomalyCount)))
      for (_, key, quality) in qualities { object.append(.init(key: key, value: quality.json)) }
    }
    if let top {
      let rows = top.map { number, score in
        [
          "row": .integer(number), "log_p": .real(score.logProbability), "p_value": .real(score.pValue),
          "typicality": .real(score.typicality), "typicality_p_value": .real(score.typicalityPValue),
        ] as JSONValue
      }
      object.append(.init(key: "top", value: .array(rows)))
    }
    try DensityCommand.printJSON(ScoreCommand.command, object)
  }
}

extension RankingQuality {
  fileprivate var json: JSONValue {
    [
      "auroc": .real(areaUnderCurve), "auroc_standard_error": JSONValue(areaStandardError),
      "average_precision": .real(averagePrecision),
      "average_precision_standard_error": JSONValue(averagePrecisionStandardError),
    ]
  }
}

import Arguments
import BinaryDensity

/// What `density score` reports of a table: its oddest rows, and how well another table's are told from them.
struct ScoreReport {
  private let parts: ScoreCommand.Parts
  private let reference: AnomalyReference
  private let logProbabilities: [Double]
  /// The oddest rows, numbered from 1; nil if they are not asked for.
  private let top: [(number: Int, score: AnomalyScore)]?
  /// By what anomalies are told, in words and as a key, and how well; nil without anomalies.
  private let qualities: [(words: String, key: String, quality: RankingQuality)]?

  /// - Parameters:
  ///   - logProbabilities: log p of the rows, in nats; at least one.
  ///   - topCount: how many of the oddest rows to name.
  ///   - anomalies: log p of the rows that are taken for anomalies.
  init(
    parts: ScoreCommand.Parts, reference: AnomalyReference, logProbabilities: [Double], topCount: Int?,
    anomalies: [Double]?
  ) {
    (self.parts, self.reference, self.logProbabilities) = (parts, reference, logProbabilities)
    // The p-value falls with log p, which orders those of the same p-value too.
    top = topCount.map { count in
      logProbabilities.indices.sorted { (logProbabilities[$0], $0) < (logProbabilities[$1], $1) }.prefix(
        count
      )
      .map { ($0 + 1, reference.score(ofLogProbability: logProbabilities[$0])) }
    }
    qualities = anomalies.map { anomalies in
      func quality(_ oddity: (Double) -> Double) -> RankingQuality {
        RankingQuality(anomalies: anomalies.map(oddity), others: logProbabilities.map(oddity))
      }
      return [
        ("low log p ", "by_log_p", quality { -$0 }),
        ("typicality", "by_typicality", quality { reference.score(ofLogProbability: $0).typicality }),
      ]
    }
  }

  private var mean: Double { logProbabilities.reduce(0, +) / Double(logProbabilities.count) }

  func printText() throws {
    try Terminal.print("reference   \(parts.words(reference))")
    try Terminal.print(
      "rows        \(logProbabilities.count) of \(parts.rows.name), mean log p \(fixed(mean, 3)) nats")
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
      .init(key: "reference", value: .string(parts.reference.name)),
      .init(key: "reference_rows", value: .integer(reference.rowCount)),
      .init(key: "reference_mean_log_p", value: .real(reference.meanLogProbability)),
      .init(key: "table", value: .string(parts.rows.name)),
      .init(key: "rows", value: .integer(logProbabilities.count)),
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
    try Terminal.print(JSONValue.object(object).indentedDescription)
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

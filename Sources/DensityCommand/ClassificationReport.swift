import BinaryDensity

extension ClassificationSummary {
  /// The figures in one line: `test error 3.50 % ± 0.18, log loss 0.1321 ± 0.0041 nats, calibration error 0.0060 (10000 rows)`.
  func line(_ name: String) -> String {
    let percent = fixed(100 * error, 2) + " % ± " + fixed(100 * errorError, 2)
    return "\(name) error \(percent), log loss \(withError(logLoss, logLossError, 4)) nats, "
      + "calibration error \(fixed(calibrationError, 4)) (\(counted(rowCount, "row")))"
  }

  /// The table of classes, a line for each: how many of its rows have which as the most probable.
  func confusionTable(_ classes: [String]) -> String {
    let heads = classes.map { String($0.prefix(12)) }
    let width = 1 + (heads.map(\.count) + confusion.flatMap { $0.map { "\($0)".count } }).reduce(1, max)
    func cell(_ text: String) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
    let lines = zip(heads, confusion).map { name, counts in
      cell(name) + " |" + counts.map { cell("\($0)") }.joined()
    }
    return ([cell("") + " |" + heads.map(cell).joined()] + lines).joined(separator: "\n")
  }

  /// The figures as members of a JSON object.
  func members(classes: [String]) -> [JSONValue.Member] {
    [
      .init(key: "rows", value: .integer(rowCount)), .init(key: "errors", value: .integer(errorCount)),
      .init(key: "error", value: .real(error)), .init(key: "error_standard_error", value: .real(errorError)),
      .init(key: "log_loss", value: .real(logLoss)),
      .init(key: "log_loss_standard_error", value: JSONValue(logLossError)),
      .init(key: "calibration_error", value: .real(calibrationError)),
      .init(
        key: "bins",
        value: .array(
          bins.map {
            [
              "rows": .integer($0.rowCount), "confidence": .real($0.confidence),
              "accuracy": .real($0.accuracy),
            ]
          })),
      .init(key: "classes", value: .array(classes.map(JSONValue.string))),
      .init(key: "confusion", value: .array(confusion.map { .array($0.map(JSONValue.integer)) })),
    ]
  }
}

import Arguments
import BinaryDensity

/// What `density explain --summary` prints: how much each variable surprises on the mean.
struct ExplainReport {
  let table: DiagnosedTable
  let summary: ContributionSummary
  let topCount: Int?

  private var conditioning: Conditioning { table.evaluator.conditioning }

  /// The variables, the most surprising first.
  private var ranking: [(column: Int, mean: ContributionSummary.Mean)] {
    // A mean that is −∞ comes first.
    summary.variables.enumerated().map { ($0, $1) }.sorted { ($0.1.mean, $0.0) < ($1.1.mean, $1.0) }
  }

  /// The part of the sum that a mean is; nil where there is none.
  private func share(_ mean: Double) -> Double? {
    let sum = summary.sum.mean
    return sum < 0 && sum.isFinite ? mean / sum : nil
  }

  func printText() throws {
    let what = conditioning == .before ? "log p      " : "log pseudo-p"
    try Terminal.print(
      "rows        \(summary.rowCount) of \(table.name), each cell given \(conditioning.words)")
    try Terminal.print(
      "\(what) \(withError(summary.sum.mean, summary.sum.standardError, 3)) nats a row, minus the sum of all surprises"
    )
    if let remainder = summary.remainder {
      try Terminal.print(
        "remainder   \(withError(remainder.mean, remainder.standardError, 3)) nats, of no variable: "
          + "which component a row is from")
    }
    try Terminal.print("        surprise    share  variable")
    let ranking = ranking.prefix(topCount ?? 20)
    for (column, mean) in ranking {
      let surprise = withError(-mean.mean, mean.standardError, 4)
      let part = share(mean.mean).map { fixed(100 * $0, 2) + " %" } ?? ""
      try Terminal.print(
        "\(padded(surprise, 16)) \(padded(part, 8))  \(Terminal.visible(table.columnNames[column]))")
    }
    let rest = summary.variableCount - ranking.count
    if rest > 0 { try Terminal.print("and \(rest) more, less surprising: --top \(summary.variableCount)") }
  }

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  func printAsJSON() throws {
    var members: [JSONValue.Member] = [
      .init(key: "table", value: .string(table.name)), .init(key: "rows", value: .integer(summary.rowCount)),
      .init(key: "given", value: .string(conditioning.rawValue)),
      .init(key: "sum", value: .real(summary.sum.mean)),
      .init(key: "sum_standard_error", value: JSONValue(summary.sum.standardError)),
    ]
    if let remainder = summary.remainder {
      members.append(.init(key: "remainder", value: .real(remainder.mean)))
      members.append(.init(key: "remainder_standard_error", value: JSONValue(remainder.standardError)))
    }
    let variables = ranking.prefix(topCount ?? .max).map { column, mean in
      [
        "variable": .string(table.columnNames[column]), "column": .integer(column + 1),
        "surprise": .real(-mean.mean), "standard_error": JSONValue(mean.standardError),
        "share": JSONValue(share(mean.mean)),
      ] as JSONValue
    }
    try printJSON(ExplainCommand.command, members, rows: "variables", variables)
  }
}

extension Conditioning {
  /// What comes after "given".
  var words: String {
    switch self {
    case .before: "those before it in the model's order"
    case .others: "all others of its row"
    }
  }
}

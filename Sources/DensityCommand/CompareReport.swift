import Arguments
import BinaryDensity
import Essentials

/// What `density compare` says of a model's entropy, and of how far it is from another.
struct EntropyReport {
  let path: String
  let other: String?
  let variableCount: Int
  let isJSON: Bool

  /// Prints the entropy of the model alone.
  func print(_ entropy: Measured) throws {
    guard !isJSON else { return try print(["entropy": entropy.json]) }
    try Terminal.print("model    \(path), \(variableCount) variables")
    try Terminal.print(line("H", entropy))
  }

  /// Says so if the error that is wanted was not reached.
  func warn(_ error: Double, of options: EntropyOptions) {
    guard let target = options.targetError, error > target else { return }
    ProgressLine().print(
      "--error \(target) is not reached by \(options.rowLimit) rows: the largest error is "
        + printed(error, "%.2g"))
  }

  /// Prints what lies between the two models.
  func print(_ divergence: Divergence) throws {
    guard !isJSON else {
      return try print([
        "other": other.map(JSONValue.string) ?? .null,
        "entropy": divergence.entropy.json, "other_entropy": divergence.otherEntropy.json,
        "kl": divergence.forward.json, "reverse_kl": divergence.reverse.json,
        "jensen_shannon": divergence.jensenShannon.json,
        "cross_entropy": divergence.crossEntropy.json,
        "reverse_cross_entropy": divergence.reverseCrossEntropy.json,
        "rows_drawn_of_each": .integer(divergence.drawCount),
      ])
    }
    try Terminal.print("p        \(path), \(variableCount) variables")
    try Terminal.print("q        \(other ?? "")")
    for (name, figure) in [
      ("H(p)", divergence.entropy), ("H(q)", divergence.otherEntropy), ("KL(p‖q)", divergence.forward),
      ("KL(q‖p)", divergence.reverse), ("JS(p, q)", divergence.jensenShannon),
      ("H(p, q)", divergence.crossEntropy), ("H(q, p)", divergence.reverseCrossEntropy),
    ] { try Terminal.print(line(name, figure)) }
    if [divergence.forward, divergence.reverse].contains(where: { $0.value == .infinity }) {
      try Terminal.print("infinite: one model gives rows that the other rules out")
    }
    if divergence.drawCount > 0 { try Terminal.print("\(divergence.drawCount) rows drawn of each") }
  }

  /// One figure in nats, in bits, and in bits a variable.
  private func line(_ name: String, _ figure: Measured) -> String {
    let bits = figure.scaled(by: 1 / log(2))
    let perVariable = bits.scaled(by: 1 / Double(variableCount)).number
    return name + String(repeating: " ", count: max(0, 9 - name.count))
      + "\(figure.number) nats, \(bits.number) bits"
      // Jensen and Shannon's is at most one bit, whatever the number of variables.
      + (name.hasPrefix("JS") ? "" : ", \(perVariable) bits a variable")
      + (figure.isExact ? " (exact)" : "")
  }

  private func print(_ figures: JSONValue) throws {
    guard case .object(let members) = figures else { return }
    try printJSON(
      CompareCommand.command,
      [
        .init(key: "checkpoint", value: .string(path)),
        .init(key: "variables", value: .integer(variableCount)),
      ] + members)
  }
}

/// What `density compare` says of a table's rows beside a model's own.
struct TwoSampleReport {
  private let test: TwoSampleTest
  private let path: String
  private let table: String
  private let allRowCount: Int
  private let names: [String]?

  /// - Parameters:
  ///   - allRowCount: how many rows the table has, compared or not.
  ///   - names: those of the columns, if they have any.
  init(_ test: TwoSampleTest, path: String, table: String, allRowCount: Int, names: [String]?) {
    self.test = test
    self.path = path
    self.table = table
    self.allRowCount = allRowCount
    self.names = names
  }

  func printText() throws {
    let (scores, kernel) = (test.logProbability, test.discrepancy)
    let chosen = test.tableRowCount < allRowCount ? "\(test.tableRowCount) of " : ""
    try Terminal.print("table    \(chosen)\(allRowCount) rows of \(table == "-" ? "standard input" : table)")
    try Terminal.print("model    \(test.modelRowCount) rows drawn of \(path)")
    try Terminal.print(
      "log p    table \(scores.tableMean.number), model \(scores.modelMean.number) nats; "
        + "difference \(scores.difference.number), p-value \(fixed(scores.differencePValue, 4))")
    if scores.impossibleRowCount > 0 {
      try Terminal.print(
        "         \(scores.impossibleRowCount) of the table's rows impossible under the model")
    }
    try Terminal.print(
      "         Kolmogorov-Smirnov distance \(fixed(scores.distance, 4)), p-value "
        + fixed(scores.distancePValue, 4))
    try Terminal.print(
      "kernel   MMD² \(kernel.value.number), p-value \(fixed(kernel.pValue, 4)) (\(kernel.tableRowCount) and "
        + "\(kernel.modelRowCount) rows, length \(fixed(kernel.length, 0)) bits)")
    for (title, entries) in [("column", test.columns), ("pair", test.pairs)] where !entries.isEmpty {
      try Terminal.print(Self.fields(["table", "model", "z", "p-value"]) + "  \(title)")
      for entry in entries {
        try Terminal.print(
          Self.fields([
            fixed(entry.tableShare, 4), fixed(entry.modelShare, 4), fixed(entry.z, 2),
            entry.pValue < 1e-300
              ? "<1e-300"
              : entry.pValue < 1e-4 ? printed(entry.pValue, "%.0e") : fixed(entry.pValue, 4),
          ]) + "  \(columns(entry))")
      }
    }
  }

  private static func fields(_ fields: [String]) -> String {
    zip(fields, [9, 9, 9, 10]).map { field, width in
      String(repeating: " ", count: max(1, width - field.count)) + field
    }.joined()
  }

  /// The columns by name, or by number from 1.
  private func columns(_ entry: ShareDifference) -> String {
    entry.columns.map { column in names.map { Terminal.visible($0[column]) } ?? "#\(column + 1)" }
      .joined(separator: ", ")
  }

  func printJSON() throws {
    let (scores, kernel) = (test.logProbability, test.discrepancy)
    let object: JSONValue = [
      "checkpoint": .string(path), "table": .string(table), "rows": .integer(allRowCount),
      "compared_rows": .integer(test.tableRowCount), "drawn_rows": .integer(test.modelRowCount),
      "log_p": [
        "table_mean": scores.tableMean.json, "model_mean": scores.modelMean.json,
        "difference": scores.difference.json, "difference_p_value": .real(scores.differencePValue),
        "impossible_rows": .integer(scores.impossibleRowCount), "ks_distance": .real(scores.distance),
        "ks_p_value": .real(scores.distancePValue),
      ],
      "kernel": [
        "mmd_squared": kernel.value.json, "p_value": .real(kernel.pValue),
        "length_bits": .real(kernel.length), "table_rows": .integer(kernel.tableRowCount),
        "model_rows": .integer(kernel.modelRowCount),
      ],
      "columns": .array(test.columns.map(json)), "pairs": .array(test.pairs.map(json)),
      "columns_compared_in_pairs": .integer(test.pairedColumnCount),
    ]
    try DensityCommand.printJSON(CompareCommand.command, object.members ?? [])
  }

  private func json(_ entry: ShareDifference) -> JSONValue {
    [
      "columns": .array(
        entry.columns.map { column in names.map { .string($0[column]) } ?? .integer(column + 1) }),
      "table_share": .real(entry.tableShare), "model_share": .real(entry.modelShare), "z": .real(entry.z),
      "p_value": .real(entry.pValue),
    ]
  }
}

extension Measured {
  /// The number with its error, if it has one.
  fileprivate var number: String {
    isExact ? (value.isFinite ? fixed(value, 4) : "\(value)") : "\(self)"
  }

  fileprivate func scaled(by factor: Double) -> Measured {
    Measured(value * factor, standardError: standardError.map { $0 * factor })
  }

  /// The number and its error; words for what is not finite, which JSON has no numbers for, and null for no error.
  fileprivate var json: JSONValue {
    [
      "value": value.isFinite ? .real(value) : .string("\(value)"), "exact": .bool(isExact),
      "standard_error": standardError.map { $0.isFinite ? .real($0) : .string("\($0)") } ?? .null,
    ]
  }
}

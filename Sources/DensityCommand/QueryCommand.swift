import Arguments
import BinaryDensity
import Kernels

/// The command `density query`.
enum QueryCommand {
  static let command = Command(
    name: "query",
    summary: "Ask a model for probabilities by name, such as 'P(a=1 | b=0, c=?)'.",
    discussion: """
      One line an answer, exact or an estimate with its error, and always said which. 'density help queries' tells what \
      can be asked, and what each model answers how. In place of queries, --alike names the rows of a table that the \
      model finds most alike to one of them.
      """,
    options: [
      .value("file", short: "f", placeholder: "path", help: "Queries, one a line; - reads standard input.")
    ] + InferenceArguments.options + [
      CommonOptions.seed(of: "estimates"),
      .value("alike", placeholder: "table", help: "Find rows of this table, in place of queries."),
      .value("row", placeholder: "number", default: "1", help: "With --alike: which row they are alike to."),
      .value("count", short: "n", placeholder: "rows", default: "10", help: "With --alike: how many rows."),
      DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.json("answers"), CommonOptions.threads],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional("query", arity: .any, help: "What is asked: see 'density help queries'."),
    ],
    examples: [
      Command.Example(
        "density query model.safetensors 'P(runner | smoker=1)' 'P(vegan)'",
        "two questions about named columns"),
      Command.Example(
        "density query model.safetensors 'P(at least 2 of a,b,c | d=1)'", "a count, given something"),
      Command.Example(
        "density query model.safetensors --file queries.txt --json", "many, for another program"),
      Command.Example(
        "density query model.safetensors --alike table.csv --row 7 -n 5", "the five rows most alike to row 7"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let texts = try arguments.values("query", as: .string)
    let file = try arguments.optionalValue("file", as: .path)
    let alike = try arguments.optionalValue("alike", as: .path)
    guard alike != nil || file != nil || !texts.isEmpty else {
      throw UsageError(
        "nothing is asked: give queries such as 'P(#1 | #2=0)', --file, or --alike; see 'density help queries'"
      )
    }
    let asking = (["file", "seed"] + InferenceArguments.options.map(\.name)).filter { arguments.isGiven($0) }
    if alike != nil, !texts.isEmpty || !asking.isEmpty {
      throw UsageError("--alike stands in place of queries\(asking.first.map { " and --\($0)" } ?? "")")
    }
    if alike == nil {
      let idle = ["row", "count", "split"] + DataOptions.reading.map(\.name)
      if let name = idle.first(where: { arguments.isGiven($0) }) {
        throw UsageError("--\(name) says nothing without --alike")
      }
    }
    let options = try InferenceArguments.options(arguments)
    let checkpoint = try Checkpoint(contentsOf: try arguments.value("checkpoint", as: .path))
    if let alike { return try printAlike(arguments, checkpoint, table: alike) }
    let queries = try queries(texts, file: file, for: checkpoint)
    let progress = ProgressLine()
    let inference = try checkpoint.model.inference(options)
    let answers = try inference.answers(to: queries) { (fraction) throws(DensityError) in
      progress.update("asking", fraction: fraction)
      return true
    }
    progress.finish()
    let pairs = Array(zip(queries, answers ?? []))
    if arguments.flag("json") {
      try Terminal.print(JSONValue.array(pairs.map { $1.json(of: $0) }).indentedDescription)
    } else {
      for (query, answer) in pairs { try Terminal.print(answer.line(of: query)) }
    }
    return .success
  }

  /// Reads the queries of the command line, and then those of a file.
  private static func queries(
    _ texts: [String], file: String?, for checkpoint: Checkpoint
  ) throws -> [Query] {
    var vocabulary = QueryVocabulary(checkpoint)
    vocabulary.suggest = { Suggestion.nearest(to: $0, among: $1) }
    var queries = try texts.map { try Query($0, vocabulary) }
    if let file { queries += try Query.queries(path: file, vocabulary) }
    return queries
  }

  // MARK: Rows that are alike

  private static func printAlike(
    _ arguments: ParsedArguments, _ checkpoint: Checkpoint, table path: String
  ) throws -> ExitStatus {
    let number = try arguments.value("row", as: .integer(in: 1...Int.max))
    let count = try arguments.value("count", as: .integer(in: 1...1_000_000))
    let (rows, name, source) = try DataOptions.rows(arguments, path: path, for: checkpoint)
    guard number <= rows.rowCount else {
      throw UsageError("--row \(number): \(name) has \(rows.rowCount) rows")
    }
    let likeness = try RowLikeness(to: rows.rows(number - 1..<number), under: checkpoint.model)
    let progress = ProgressLine()
    var nearest = NearestRows(count: count)
    for start in stride(from: 0, to: rows.rowCount, by: blockLength) {
      let block = rows.rows(start..<min(start + blockLength, rows.rowCount))
      for (offset, divergence) in likeness.divergences(of: block).enumerated() {
        let row = start + offset
        guard row != number - 1 else { continue }
        let equal = (0..<rows.columnCount).count { rows[number - 1, $0] == rows[row, $0] }
        nearest.note(.init(number: row + 1, divergence: divergence, equalBitCount: equal))
      }
      progress.update("comparing", fraction: Double(start + block.rowCount) / Double(rows.rowCount))
    }
    progress.finish()
    try DataOptions.report(source, arguments, path: path, for: checkpoint)
    if arguments.flag("json") {
      let found = nearest.rows.map { row in
        [
          "row": .integer(row.number), "divergence": .real(row.divergence),
          "equal_bits": .integer(row.equalBitCount),
        ] as JSONValue
      }
      let report: JSONValue = ["table": .string(path), "row": .integer(number), "alike": .array(found)]
      try Terminal.print(report.indentedDescription)
    } else {
      try Terminal.print("row         J (nats)  equal bits of \(rows.columnCount)")
      for row in nearest.rows {
        let figure = fixed(row.divergence, 4)
        let blanks = String(repeating: " ", count: max(1, 20 - "\(row.number)".count - figure.count))
        try Terminal.print("\(row.number)\(blanks)\(figure)  \(row.equalBitCount)")
      }
    }
    return .success
  }

  private static let blockLength = 4096
}

/// The rows of the least divergences so far; of equal ones those of more equal bits, then the earlier ones.
private struct NearestRows {
  struct Row {
    let number: Int
    let divergence: Double
    let equalBitCount: Int

    func isBefore(_ other: Row) -> Bool {
      (divergence, -equalBitCount, number) < (other.divergence, -other.equalBitCount, other.number)
    }
  }

  let count: Int
  private(set) var rows: [Row] = []

  init(count: Int) { self.count = count }

  mutating func note(_ row: Row) {
    if rows.count == count, let last = rows.last, !row.isBefore(last) { return }
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if row.isBefore(rows[middle]) { high = middle } else { low = middle + 1 }
    }
    rows.insert(row, at: low)
    if rows.count > count { rows.removeLast() }
  }
}

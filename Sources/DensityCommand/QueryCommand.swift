import Arguments
import BinaryDensity

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
    let vocabulary = QueryVocabulary.suggesting(checkpoint)
    var lines = texts.map { text in
      Query.Line(
        text: text, query: Result { () throws(DensityError) in try Query(text, vocabulary) })
    }
    if let file { lines += try Query.lines(path: file, vocabulary) }
    Interrupt.install()
    let outcomes = try outcomes(of: lines, try checkpoint.model.inference(options))
    let failures = outcomes.compactMap { if case .failure(let error) = $0 { error } else { nil } }
    // A single question has its error as every command has.
    if let failure = failures.first, lines.count == 1 { throw failure }
    try print(Array(zip(lines, outcomes)), vocabulary, isJSON: arguments.flag("json"))
    if failures.count > 1 {
      ProgressLine().print("\(failures.count) of \(lines.count) queries have no answer; the first:")
    }
    if let failure = failures.first { throw failure }
    return .success
  }

  /// Answers what can be understood; each line has its answer or its error.
  private static func outcomes(
    of lines: [Query.Line], _ inference: Inference
  ) throws -> [Query.Outcome] {
    let progress = ProgressLine()
    let queries = lines.compactMap { try? $0.query.get() }
    let found = try inference.outcomes(to: queries) { (fraction) throws(DensityError) in
      if Interrupt.isRequested { throw .interrupted }
      progress.update("asking", fraction: fraction)
      return true
    }
    progress.finish()
    var answers = (found ?? []).makeIterator()
    return lines.map { line in
      switch line.query {
      case .failure(let error): .failure(error)
      case .success: answers.next() ?? .failure(.interrupted)
      }
    }
  }

  /// Prints a line or an element for each question, and what its words were taken for.
  private static func print(
    _ pairs: [(line: Query.Line, outcome: Query.Outcome)], _ vocabulary: QueryVocabulary, isJSON: Bool
  ) throws {
    if isJSON {
      let elements = pairs.map { line, outcome -> JSONValue in
        switch (line.query, outcome) {
        case (.success(let query), .success(let answer)): answer.json(of: query, vocabulary)
        case (_, .failure(let error)), (.failure(let error), _):
          ["query": .string(line.text), "error": .string("\(error)")]
        }
      }
      try printJSON(command, [.init(key: "answers", value: .array(elements))])
    } else {
      for (line, outcome) in pairs {
        switch (line.query, outcome) {
        case (.success(let query), .success(let answer)): try Terminal.print(answer.line(of: query))
        case (_, .failure(let error)), (.failure(let error), _):
          try Terminal.print("error: \("\(error)".onOneLine)")
        }
      }
    }
    var said: Set<Query.Category> = []
    for (line, _) in pairs {
      for category in (try? line.query.get())?.categories ?? [] where said.insert(category).inserted {
        ProgressLine().print(vocabulary.note(category))
      }
    }
  }
}

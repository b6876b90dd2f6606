import Arguments
import BinaryDensity
import Essentials

/// The command `density classify`.
enum ClassifyCommand {
  static let command = Command(
    name: "classify",
    summary: "Give each row the probabilities of the classes, by Bayes' rule.",
    discussion: """
      The model is one of labelled rows ('density train --labels'). The probability of class c is proportional to \
      (p(c) p(row | c))^(1/T), with the temperature T that training has fitted on its validation rows; --temperature says \
      another, and 1 is Bayes' rule as it stands, far too certain where rows have many columns.

      Without labels each row's most probable class and the probabilities are written as CSV. Where labels are known, the \
      error, the log loss, the calibration error (over 15 ranges of confidence) and the table of confusions are printed \
      instead, and rows are written with --output only. The reliability diagram has a bar for each range of confidence, as \
      high as the share of rows that are right, beside the diagonal; below, how many rows each range has.
      """,
    options: [
      DataOptions.data, DataOptions.split, LabelOptions.labels,
      .value(
        "output", short: "o", placeholder: "path", help: "Where to write classes and probabilities, as CSV."),
      .value("reliability", placeholder: "path", help: "With labels: write a reliability diagram, a PNG."),
      .value("temperature", placeholder: "number", help: "The temperature. Default: the model's."),
    ] + DataOptions.reading + [CommonOptions.threads, CommonOptions.json()],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's."),
    ],
    examples: [
      Command.Example(
        "density classify runs/digits/best.safetensors Data/mnist", "MNIST's test rows, with their labels"),
      Command.Example("density classify model.safetensors new.csv -o classes.csv", "rows of your own"),
      Command.Example(
        "density classify model.safetensors rows.csv --labels species --json",
        "how right it is"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let model = try arguments.value("checkpoint", as: .path)
    let path = try LabelOptions.tablePath(arguments)
    let output = try arguments.optionalValue("output", as: .path)
    let diagram = try arguments.optionalValue("reliability", as: .path)
    let given = try arguments.optionalValue("temperature", as: .positiveNumber)
    if let output, output != "-", !TableFile.isText(output) {
      throw UsageError(
        "--output \(output): classes and probabilities are written as .csv or .txt, or these and .gz")
    }
    if let diagram, !diagram.hasSuffix(".png") {
      throw UsageError("--reliability \(diagram): expected a .png")
    }
    let isJSON = arguments.flag("json")
    if isJSON, output == "-" {
      throw UsageError("--output -: with --json standard output has one object; name a file")
    }
    for file in [output == "-" ? nil : output, diagram].compactMap(\.self) {
      try AtomicFile.checkWritable(file, besides: [model, path])
    }
    let checkpoint = try Checkpoint(contentsOf: model)
    guard let density = checkpoint.model as? LabelledDensity else {
      throw DensityError.mismatch(
        path: model, expected: "a model of labelled rows, as 'density train --labels' makes",
        found: "a \(familyName(of: checkpoint.model))")
    }
    let words = try labels(arguments, path: path, for: checkpoint)
    let (rows, _, source) = try DataOptions.rows(arguments, path: path, for: checkpoint)
    try words?.check(rowCount: rows.rowCount, of: path)
    let labels = try words?.indices(in: density.classes)
    if diagram != nil && labels == nil { throw UsageError("--reliability needs --labels") }
    let progress = ProgressLine()
    let scores = try density.classScores(of: rows) { (fraction) throws(DensityError) in
      progress.update("classifying", fraction: fraction)
      return true
    }
    progress.finish()
    guard let scores else { preconditionFailure("nobody stopped it") }
    try DataOptions.report(source, arguments, path: path, for: checkpoint)
    let temperature = given ?? density.temperature
    let answers = ClassAnswers(classes: density.classes, scores: scores, temperature: temperature)
    if let labels {
      let summary = ClassificationSummary(scores, labels: labels, temperature: temperature)
      try report(
        summary, of: DataOptions.isDirectory(path) ? try arguments.value("split", as: .string) : path,
        density.classes, temperature: temperature, isJSON: isJSON, output: output)
      if let diagram { try summary.reliabilityDiagram().writePNG(to: diagram) }
    }
    if let output, output != "-" {
      try AtomicFile.write(output.hasSuffix(".gz") ? Gzip.compress(answers.csv) : answers.csv, to: output)
      progress.print("\(counted(scores.rowCount, "row")) in \(output)")
    }
    if labels == nil, isJSON {
      let rows = output == nil ? answers.json : []
      try printJSON(
        command,
        [
          .init(key: "temperature", value: .real(temperature)),
          .init(key: "classes", value: .array(density.classes.map(JSONValue.string))),
          .init(key: "rows", value: .integer(scores.rowCount)),
          .init(key: "most_probable", value: .array(answers.rowCounts.map(JSONValue.integer))),
          .init(key: "output", value: output.map(JSONValue.string) ?? .null),
        ], rows: "answers", rows)
    } else if !isJSON, output == nil ? labels == nil : output == "-" {
      _ = try StandardOutput.write(answers.csv)
    }
    return .success
  }

  /// Reads the rows' labels, if they are known.
  private static func labels(
    _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint
  ) throws -> RowLabels? {
    let file = try arguments.optionalValue("labels", as: .path)
    guard DataOptions.isDirectory(path) else {
      return try LabelOptions.labels(arguments, of: path, file: file, for: checkpoint)
    }
    if let file, !DataOptions.isDirectory(file) {
      throw UsageError("--labels \(file): \(path) is a folder with its own labels; say --labels \(path)")
    }
    do {
      let split = try arguments.value("split", as: ValueFormat<DataSplit>.choice)
      return try RowLabels.mnist(directory: file ?? path)[split]
    } catch DensityError.missingFile where file == nil {
      return nil
    }
  }

  private static func report(
    _ summary: ClassificationSummary, of name: String, _ classes: [String], temperature: Double, isJSON: Bool,
    output: String?
  ) throws {
    if isJSON {
      return try printJSON(
        command,
        [.init(key: "split", value: .string(name)), .init(key: "temperature", value: .real(temperature))]
          + summary.members(classes: classes) + [
            .init(key: "output", value: output.map(JSONValue.string) ?? .null)
          ])
    }
    try Terminal.print(summary.line(name))
    try Terminal.print("temperature \(fixed(temperature, 3))")
    if classes.count <= 20 { try Terminal.print(summary.confusionTable(classes)) }
  }
}

/// What is written of each row: its most probable class, and the probabilities of all.
private struct ClassAnswers {
  let classes: [String]
  let scores: ClassScores
  let temperature: Double

  /// A line a row, after one of the columns' names.
  var csv: [UInt8] {
    let best = scores.mostProbable()
    return Self.line(["class"] + classes.map { "p(\($0))" })
      + (0..<scores.rowCount).flatMap { row in
        let posteriors = scores.posteriors(ofRow: row, temperature: temperature)
        return Self.line([classes[best[row]]] + posteriors.map { "\(Float($0))" })
      }
  }

  /// An object a row.
  var json: [JSONValue] {
    let best = scores.mostProbable()
    return (0..<scores.rowCount).map { row in
      let posteriors = scores.posteriors(ofRow: row, temperature: temperature)
      let members = zip(classes, posteriors).map { JSONValue.Member(key: $0, value: .real($1)) }
      return [
        "row": .integer(row + 1), "class": .string(classes[best[row]]), "probabilities": .object(members),
      ]
    }
  }

  /// Of how many rows each class is the most probable.
  var rowCounts: [Int] {
    scores.mostProbable().reduce(into: Array(repeating: 0, count: classes.count)) { $0[$1] += 1 }
  }

  /// Returns a line of CSV.
  private static func line(_ fields: [String]) -> [UInt8] {
    Array(fields.map { TableFile.csvCell($0) }.joined(separator: [0x2C])) + [0x0A]
  }
}

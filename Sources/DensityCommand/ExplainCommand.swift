import Arguments
import BinaryDensity

/// The command `density explain`.
enum ExplainCommand {
  static let command = Command(
    name: "explain",
    summary: "Tell what each variable adds to log p of each row.",
    discussion: """
      Writes CSV, a line a row and a column a variable: log p(x_i | the variables before i in the model's order), in nats. A \
      row's numbers add up to its log p. A mixture of several orders adds for each variable the mean over its components, \
      by the probability that the row came from each, and has a last column, remainder: minus the Kullback-Leibler \
      divergence of these probabilities from the components' weights, which belongs to no variable.

      What a variable adds depends on the order: of two equal columns the first is the surprise. With --others a number is \
      log p(x_i | all other variables), which depends on no order, and does not add up to log p.

      --summary prints the variables by their mean surprise, the mean over the rows of minus these numbers, with standard \
      errors. --picture draws rows that are pictures, each above a map of its surprise; with --summary, the share of rows \
      in which each pixel is on above the mean surprise. Then rows are written with --output only. Every row must be \
      complete.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path",
        help: "Where to write: .csv, .txt or .npy. Default: standard output."),
      .flag("summary", help: "Print the mean surprise of the variables instead."),
      .value(
        "top", placeholder: "count",
        help: "With --summary: only so many variables. Default: 20; all as JSON."),
      .value(
        "picture", placeholder: "path", help: "Draw maps of surprise, a PNG; by default of the first 20 rows."
      ),
      .value("magnify", placeholder: "factor", default: "3", help: "The side of a picture's pixel."),
    ] + DiagnosedTable.options + [CommonOptions.json("summary")],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density explain model.safetensors table.csv --summary", "which columns are hard to predict"),
      Command.Example(
        "density explain model.safetensors table.csv -o why.csv", "which cells make a row unlikely"),
      Command.Example(
        "density explain digits.safetensors Data/mnist --rows 1-20 --picture why.png",
        "where digits surprise"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let model = try arguments.value("checkpoint", as: .path)
    let path = try DataOptions.tablePath(arguments)
    let isSummary = arguments.flag("summary")
    let topCount = try arguments.optionalValue("top", as: .integer(in: 1...1_000_000_000))
    let magnification = try arguments.value("magnify", as: .integer(in: 1...64))
    let picture = try arguments.optionalValue("picture", as: .path)
    let output = try arguments.optionalValue("output", as: .path).flatMap { $0 == "-" ? nil : $0 }
    try checkOptions(arguments, isSummary: isSummary, picture: picture)
    let writesRows = output != nil || !(isSummary || picture != nil)
    let destination = try ExplainOutput(path: output, isWanted: writesRows)
    for file in [output, picture].compactMap(\.self) {
      try AtomicFile.checkWritable(file, besides: [model, path])
    }
    if let output, output == picture { throw UsageError("--output and --picture are the same file") }
    let checkpoint = try Checkpoint(contentsOf: model)
    let evaluator = try ContributionEvaluator(
      checkpoint.model, given: arguments.flag("others") ? .others : .before)
    let table = try DiagnosedTable(
      arguments, checkpoint, evaluator,
      usual: picture != nil && !isSummary && !writesRows ? RowNumbers(first: 20) : nil)
    var maps = try picture.map { (_) throws(UsageError) in
      try SurprisePicture(imageShape: table.imageShape, isOfMeans: isSummary, magnification: magnification)
    }
    var summary = ContributionSummary(variableCount: evaluator.variableCount)
    var rowCount = 0
    let names = table.columnNames + (evaluator.hasRemainder ? ["remainder"] : [])
    try destination.writing(names) { (write) throws(DensityError) in
      rowCount = try table.forEachPart("explaining") { (rows, contributions) throws(DensityError) in
        summary.add(contributions)
        // What is written so far is not kept.
        do throws(UsageError) { try maps?.add(rows, contributions) } catch {
          throw .invalidConfiguration("\(error)")
        }
        return try write(contributions)
      }
    }
    if isSummary {
      let report = ExplainReport(table: table, summary: summary, topCount: topCount)
      try arguments.flag("json") ? report.printAsJSON() : report.printText()
    }
    let status = try table.finish(rowCount: rowCount, keptIn: output)
    if let maps, let picture, status != .interrupted {
      let (image, halfGrey, white) = maps.image()
      try image.writePNG(to: picture)
      ProgressLine().print(
        "\(picture): black is no surprise, half grey \(fixed(halfGrey, 3)) nats, white \(fixed(white, 3)) or more"
      )
    }
    return status
  }

  /// Refuses options that would say nothing.
  private static func checkOptions(
    _ arguments: ParsedArguments, isSummary: Bool, picture: String?
  ) throws(UsageError) {
    if !isSummary, let option = ["top", "json"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) is for --summary")
    }
    if let picture, !picture.hasSuffix(".png") { throw UsageError("--picture \(picture): expected a .png") }
    if picture == nil, arguments.isGiven("magnify") { throw UsageError("--magnify is for --picture") }
  }
}

/// Where what cells add is written.
private enum ExplainOutput {
  case nowhere
  case standardOutput
  case file(NumberTableFile)

  init(path: String?, isWanted: Bool) throws(DensityError) {
    guard let path else {
      self = isWanted ? .standardOutput : .nowhere
      return
    }
    self = .file(try NumberTableFile(path: path))
  }

  /// Writes rows as they come; a file takes its name when all are written, or Ctrl-C ends the work.
  func writing(
    _ names: [String],
    _ produce: (_ write: (Contributions) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws(DensityError) {
    let shape = TableWriter.Shape(columnCount: names.count, names: names)
    switch self {
    case .nowhere: try produce { (_) throws(DensityError) in true }
    case .standardOutput:
      let heading = TableWriter.standardOutput(shape)
      try produce { (part) throws(DensityError) in
        try heading.flush()
        return try StandardOutput.write(Self.numbers(part).flatMap { NumberTableFile.line($0) })
      }
    case .file(let file):
      try file.writing(shape) { (write) throws(DensityError) in
        try produce { (part) throws(DensityError) in
          for numbers in Self.numbers(part) { try write(numbers) }
          return true
        }
      }
    }
  }

  private static func numbers(_ part: Contributions) -> [[Float]] {
    (0..<part.rowCount).map { row in
      (part.values[row: row] + (part.remainders.map { [$0[row]] } ?? [])).map { Float($0) }
    }
  }
}

import Arguments
import BinaryDensity

/// The command `density score`.
enum ScoreCommand {
  static let command = Command(
    name: "score",
    summary: "Tell how odd each row is, beside rows that are as they should be.",
    discussion: """
      Writes CSV, a line a row. log_p is in nats. p_value is conformal: (1 + the reference rows of log p as low or lower) / \
      (1 + all reference rows), so a row like the reference has one of 0.01 or less at most once in a hundred times. A model \
      may give rows of another kind more probability than its own, so typicality is how far log p is from the mean of the \
      reference, on either side, with its own p-value. No p-value is below 1 / (1 + reference rows).

      --reference is rows like those that were learnt, but never trained on: a validation table, or better one that chose \
      nothing. Of a folder its validation rows are taken. Rows that were trained on are likelier than fresh ones, and would \
      make every fresh row look odd. Without a reference, rows are drawn from the model: a p-value then says how odd the row \
      would be if the model were right, and where the model is not, fresh rows look odder than they are.

      With --top, --against or --json a report is printed instead, and rows are written with --output only. --against \
      measures how well a table's rows, taken for anomalies, are told from the rows: the area under the ROC curve and \
      average precision, by low log p and by typicality. Every row must be complete.
      """,
    options: [
      .value(
        "reference", short: "r", placeholder: "path",
        help:
          "Rows not trained on, to compare with. Default: a folder's validation rows, or else draws from the model."
      ),
      .value(
        "draws", placeholder: "count", default: "10000",
        help: "How many rows to draw where there is no reference."),
      CommonOptions.seed(of: "these draws"),
      .value("output", short: "o", placeholder: "path", help: "Where to write the scores, as CSV."),
      .value("top", placeholder: "count", help: "Report so many of the oddest rows, by p-value and log p."),
      .value(
        "against", placeholder: "path", help: "Report how well this table's rows are told from the rows."),
      DataOptions.data, DataOptions.split,
    ] + DataOptions.reading + [ShardRecord.option, CommonOptions.threads, CommonOptions.json("report")],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density score model.safetensors new.csv --reference valid.csv -o scores.csv", "rows of your own"),
      Command.Example(
        "density score runs/nade/best.safetensors Data/mnist --top 20", "MNIST's oddest test digits"),
      Command.Example(
        "density score runs/nade/best.safetensors Data/mnist --against fashion",
        "are other pictures told from digits?"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let model = try arguments.value("checkpoint", as: .path)
    let parts = try Parts(arguments)
    let topCount = try arguments.optionalValue("top", as: .integer(in: 1...1_000_000))
    let drawCount = try arguments.value("draws", as: .integer(in: 1...100_000_000))
    let seed = try arguments.value("seed", as: .seed)
    if parts.reference != nil, let option = ["draws", "seed"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) is of draws from the model, and there is a reference")
    }
    let output = try arguments.optionalValue("output", as: .path)
    if let output {
      guard TableFile.isText(output) else {
        throw UsageError("--output \(output): scores are written as .csv or .txt, or these and .gz")
      }
      try AtomicFile.checkWritable(output, besides: [model] + parts.all.map(\.path))
    }
    let isReport = topCount != nil || parts.anomalies != nil || arguments.flag("json")
    if arguments.isGiven(ShardRecord.option.name) {
      try ShardRecord.checkPlace(besides: output)
      if isReport { throw UsageError("a part of the rows has no report: --shard goes with --output alone") }
    }
    Interrupt.install()
    let tables = ScoredTables(arguments, try Checkpoint(contentsOf: model))
    let reference = try AnomalyReference(
      logProbabilities: try parts.reference.map {
        try tables.logProbabilities(of: $0, "scoring the reference")
      }
        ?? tables.logProbabilities(ofDraws: drawCount, seed: seed))
    let table = try tables.table(parts.rows)
    var scored = ScoredRows(topCount: topCount ?? 0, keepsAll: parts.anomalies != nil)
    func score(
      isAwaited: Bool = false, _ write: (_ lines: [UInt8]) throws(DensityError) -> Bool
    ) throws(DensityError) {
      var heading = heading
      try tables.forEachBlock(of: table, "scoring", isAwaited: isAwaited) { (block) throws(DensityError) in
        scored.add(block)
        defer { heading = [] }
        return try write(heading + lines(block, beside: reference))
      }
    }
    if let output {
      try TableFile(path: output).writing { (write) throws(DensityError) in
        try score { (lines) throws(DensityError) in
          try write(lines)
          return true
        }
      }
      try table.shard?.write(besides: output)
    } else if isReport {
      try score { (_) throws(DensityError) in true }
    } else {
      try score(isAwaited: true) { (lines) throws(DensityError) in try StandardOutput.write(lines) }
    }
    try table.report()
    if isReport {
      let report = ScoreReport(
        parts: parts, reference: reference, rows: scored, isTopWanted: topCount != nil,
        anomalies: try parts.anomalies.map { try tables.logProbabilities(of: $0, "scoring the anomalies") })
      try arguments.flag("json") ? report.printJSON() : report.printText()
    } else {
      Terminal.note(Terminal.visible("reference: \(parts.words(reference))") + "\n")
    }
    return .success
  }

  private static let heading = Array("log_p,p_value,typicality,typicality_p_value\n".utf8)

  private static func lines(_ logProbabilities: [Double], beside reference: AnomalyReference) -> [UInt8] {
    logProbabilities.flatMap { logProbability in
      let score = reference.score(ofLogProbability: logProbability)
      return Array(
        "\(score.logProbability),\(score.pValue),\(score.typicality),\(score.typicalityPValue)\n".utf8)
    }
  }
}

extension ScoreCommand {
  /// Which rows are scored, and beside which.
  struct Parts {
    /// nil to compare with draws from the model.
    let reference: ModelTable.Part?
    let rows: ModelTable.Part
    let anomalies: ModelTable.Part?

    init(_ arguments: ParsedArguments) throws {
      let split = try arguments.value("split", as: ValueFormat<DataSplit>.choice)
      rows = ModelTable.Part(try DataOptions.tablePath(arguments), split)
      anomalies = try arguments.optionalValue("against", as: .path).map { ModelTable.Part($0, split) }
      let given = try arguments.optionalValue("reference", as: .path)
      reference = (given ?? (rows.isFolder ? rows.path : nil)).map { ModelTable.Part($0, .validation) }
      guard all.count(where: { $0.path == "-" }) < 2 else {
        throw UsageError("standard input, -, can be read once only")
      }
      guard reference != rows else {
        throw UsageError(
          "\(rows.name) cannot be its own reference: score other rows, or name another by --reference")
      }
    }

    var all: [ModelTable.Part] { [rows] + [reference, anomalies].compactMap(\.self) }

    /// The reference in words.
    func words(_ scores: AnomalyReference) -> String {
      "\(counted(scores.rowCount, "row")) \(reference.map { "of \($0.name)" } ?? "drawn from the model"), "
        + "mean log p \(fixed(scores.meanLogProbability, 3)) nats"
    }
  }
}

import Arguments
import BinaryDensity
import Kernels

/// The command `density sample`.
enum SampleCommand {
  static let command = Command(
    name: "sample",
    summary: "Draw rows from a model, exactly, or given what some columns are.",
    discussion: """
      The output's name says its form: .png for a picture, .csv, .txt, .npy or .idx (or one of these and .gz) or .bits for \
      rows; - writes CSV to standard output.

      --given fixes columns, in the words of a query: 'smoker, runner=0', or #3 by number. The draws are from \
      p(others | given): exact where what is given comes first in the model's order, where few columns are unknown, and of models that answer every question \
      exactly; elsewhere each by --particles of its own, which is approximate and said, with what the worst are worth, or \
      exact again with --exact, which drops candidates until the given is met. A temperature below 1 keeps to what is \
      probable: its draws are not from p. --on-bits asks for rows with so many ones. For a table of given cells, row by \
      row, see 'density impute'.
      """,
    options: [
      .value("count", short: "n", placeholder: "rows", default: "100", help: "How many rows."),
      CommonOptions.seed(of: "the draws"),
      .value(
        "output", short: "o", placeholder: "path",
        help: "Where to write the rows. Default: samples.png of pictures, otherwise standard output."),
      .value(
        "given", placeholder: "cells",
        help: "Only rows with these values: name=1,name=0, or #3=1 by number; see 'density help queries'."),
      .value(
        "exact", placeholder: "tries",
        help: "With --given: exact draws by rejection, of so many tries at the most."),
      .value("on-bits", placeholder: "count", help: "Only rows with so many ones."),
      .value(
        "temperature", placeholder: "number", default: "1",
        help: "What logits are divided by; other than 1, rows are not drawn from p."),
      .flag(
        "distinct",
        help: "Print each different row once, with how often it was drawn, the most frequent first."),
      .value(
        "logprob", placeholder: "path",
        help: "Also write each row's log-probability, in nats, to this file; - is standard output."),
      .value("class", placeholder: "name", help: "Of a model of labelled rows: only rows of this class."),
      .flag(
        "each-class",
        help: "Of a model of labelled rows: so many rows of each class, one class after another."),
      .value(
        "columns", placeholder: "count",
        help:
          "Pictures, or blocks of a table's rows, side by side in a .png. Default: about a square, or a line of pictures a class."
      ),
      CommonOptions.magnification(),
    ] + InferenceArguments.drawOptions + [ShardRecord.option, CommonOptions.threads],
    positionals: [Positional("checkpoint", help: "The trained model, a .safetensors file.")],
    examples: [
      Command.Example(
        "density sample runs/nade/best.safetensors -n 64 -o digits.png", "a picture of 64 digits"),
      Command.Example(
        "density sample model.safetensors -n 1000 -o rows.npy --logprob logp.txt",
        "a thousand rows and how likely each is"),
      Command.Example(
        "density sample runs/digits/best.safetensors --each-class -n 10 -o classes.png",
        "ten rows of each class"),
      Command.Example(
        "density sample model.safetensors --given smoker=1 -n 1000 --distinct",
        "what a smoker is like, and how often"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let model = try arguments.value("checkpoint", as: .path)
    var loaded: Checkpoint?
    if !arguments.isGiven("output") { loaded = try Checkpoint(contentsOf: model) }
    // Rows of a table are read, and pictures are looked at.
    let wantsPicture = loaded?.imageShape != nil || ["columns", "magnify"].contains(where: arguments.isGiven)
    let output = try arguments.optionalValue("output", as: .path) ?? (wantsPicture ? "samples.png" : "-")
    let isPicture = output.hasSuffix(".png")
    if arguments.flag("distinct") {
      guard output == "-" || TableFile.isText(output) else {
        throw UsageError("--distinct writes CSV: to -, or to a .csv or .txt")
      }
      if arguments.isGiven("logprob") { throw UsageError("--logprob says nothing with --distinct") }
    }
    let table = isPicture || output == "-" ? nil : try TableFile(path: output, for: .rowsOrPicture)
    let scorePath = try arguments.optionalValue("logprob", as: .path)
    let scores = try scorePath.flatMap { $0 == "-" ? nil : try TableFile(path: $0, for: .numbers) }
    if scorePath == "-", output == "-" {
      throw UsageError("--logprob -: the rows go to standard output already; name a file by --output")
    }
    if scorePath != nil,
      try arguments.value("order", as: ValueFormat<Inference.Order>.choice) == .evidenceFirst
    {
      throw UsageError(
        "--logprob is of the checkpoint's own orders, and the rows of --order evidence-first are not")
    }
    if let scores, scores.path == output || AtomicFile.isSameFile(scores.path, output) {
      throw UsageError("--output and --logprob name the same file")
    }
    let wholeCount = try arguments.value("count", as: .integer(in: 1...100_000_000))
    if arguments.isGiven(ShardRecord.option.name) {
      try ShardRecord.checkPlace(besides: output)
      guard let table, table.format != .items else {
        throw UsageError(
          "--output \(output): parts are rows, in a form that says how many columns there are: .csv, .txt, .npy, .idx, .svm or "
            + ".pbm")
      }
      if let option = ["distinct", "each-class", "logprob"].first(where: arguments.isGiven) {
        throw UsageError("--\(option) is for all rows at once: it does not go with --shard")
      }
    }
    let columns = try arguments.optionalValue("columns", as: .integer(in: 1...10_000))
    let magnification = try arguments.optionalValue("magnify", as: .integer(in: 1...64))
    for path in [output == "-" ? nil : output, scores?.path].compactMap(\.self) {
      try AtomicFile.checkWritable(path, besides: [model])
    }
    let checkpoint = try loaded ?? Checkpoint(contentsOf: model)
    let models = try ClassSampling.models(arguments, of: checkpoint, path: model)
    var shard = try ShardRecord(
      arguments, rowCount: wholeCount, columnCount: checkpoint.model.variableCount, check: "")
    let count = shard?.rows.count ?? wholeCount
    let rowCount = count * models.count
    if isPicture {
      try checkPicture(
        rowCount: rowCount, columnCount: checkpoint.model.variableCount, checkpoint.imageShape,
        names: checkpoint.columnNames, columns: columns, magnification: magnification)
    }
    // Each part has random numbers of its own.
    var generator = Philox(
      seed: try arguments.value("seed", as: .seed), stream: .sampling,
      index: UInt64(shard?.shard.number ?? 0))

    let progress = ProgressLine()
    let samplers = try models.map { model in
      var part = checkpoint
      part.model = model
      return (model: model, conditional: try ConditionalSampling(arguments, for: part))
    }
    Interrupt.install()
    var note: String?
    let logProbabilities = HeldNumbers<Double>(for: scores?.path)
    /// Draws the rows in parts, each of which is handed on at once, until nobody wants more.
    func draw(_ body: (BinaryMatrix) throws(DensityError) -> Bool) throws(DensityError) {
      var drawnCount = 0
      for sampler in samplers {
        let evaluator = sampler.model.evaluator()
        for start in stride(from: 0, to: count, by: partLength) {
          let size = min(partLength, count - start)
          let part: BinaryMatrix
          if let conditional = sampler.conditional {
            (part, note) = try conditional.sample(count: size, using: &generator)
          } else {
            part = try evaluator.sample(count: size, using: &generator)
          }
          if Interrupt.isRequested { throw .interrupted }
          // What has no log p is not drawn from it either, which the first row finds out in any case.
          let scored = scorePath != nil ? part : part.rows(0..<(start == 0 ? 1 : 0))
          let terms = try evaluator.logProbabilities(of: scored) { (_) throws(DensityError) in true } ?? []
          if scorePath != nil { try logProbabilities.add(terms) }
          drawnCount += part.rowCount
          progress.update("sampling", fraction: Double(drawnCount) / Double(rowCount))
          guard try body(part) else { return }
        }
      }
    }
    var shape = TableWriter.Shape(
      columnCount: checkpoint.model.variableCount, names: checkpoint.columnNames,
      imageShape: checkpoint.imageShape, rowCount: rowCount)
    shape.values = checkpoint.reading?.values
    var preview: [String] = []
    if arguments.flag("distinct") {
      var distinct = DistinctRows(columnCount: checkpoint.model.variableCount)
      try draw { (part) throws(DensityError) in
        distinct.add(part)
        return true
      }
      try distinct.write(to: output, names: checkpoint.columnNames, values: shape.values)
    } else if isPicture {
      var parts: [BinaryMatrix] = []
      try draw { (part) throws(DensityError) in
        parts.append(part)
        return true
      }
      let rows = BinaryMatrix(concatenating: parts, columnCount: checkpoint.model.variableCount)
      try rows.picture(
        imageShape: checkpoint.imageShape, names: checkpoint.columnNames,
        columns: columns ?? (models.count > 1 && checkpoint.imageShape != nil ? min(count, 10_000) : nil),
        magnification: magnification
      )
      .writePNG(to: output)
      preview = rows.preview(checkpoint.imageShape)
    } else if let table {
      try table.writing(shape) { (writer) throws(DensityError) in
        try draw { (part) throws(DensityError) in try writer.write(part) }
      }
    } else {
      let writer = TableWriter.standardOutput(shape)
      try draw { (part) throws(DensityError) in
        let goesOn = try writer.write(part)
        try writer.flush()
        return goesOn
      }
      try writer.finish()
    }
    progress.finish()
    if let scores {
      try scores.writingNumbers { (writer) throws(DensityError) in
        try logProbabilities.forEachBlock { (numbers) throws(DensityError) in try writer.write(numbers) }
      }
    }
    if scorePath == "-" {
      try logProbabilities.forEachBlock { (numbers) throws(DensityError) in
        _ = try StandardOutput.write(TableFile.bytes(of: numbers, as: .text))
      }
    }
    for line in preview { try Terminal.print(line) }
    if let table {
      shard?.values = table.format == .text ? shape.values : nil
      try shard?.write(besides: table.path)
    }
    for note in (samplers[0].conditional?.notes ?? []) + [note].compactMap(\.self) { progress.print(note) }
    if output != "-" { progress.print("\(rowCount) rows in \(output)") }
    return .success
  }

  /// So many rows are drawn at a time that no thread is idle, and so few that the first come at once.
  private static let partLength = 1024
}

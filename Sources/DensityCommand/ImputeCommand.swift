import Arguments
import BinaryDensity
import Kernels

/// The command `density impute`.
enum ImputeCommand {
  static let command = Command(
    name: "impute",
    summary: "Complete the missing cells of a table.",
    discussion: """
      Each row's missing cells are filled in given its known ones: with draws from p(missing | known), which as a whole \
      are as varied as the data; with the probability that each cell is 1; or with the most probable completion, the same \
      for every row that knows the same. Rows without missing cells stay as they are. Cells are taken to be missing at \
      random: that a value is missing must not say anything about it.

      Draws are exact where all that is known comes first in the model's order, where few cells are missing, and of \
      models that answer every question exactly; elsewhere they are drawn by particles. The mean is exact where the \
      probabilities of all missing cells of a row are, by an enumeration of --enumerate seconds; else that of --draws draws. See 'density mode' for the most probable completions.

      A table of text is written to .csv, .txt and standard output as it was read: all its columns in their order, those left \
      out by --ignore too, in the table's own words, with other values in missing cells only. With several --draws of a \
      table that has names, a first column "row" numbers its rows; elsewhere the draws of a row follow one another.

      The output's name says its form: .csv, .txt, .npy, .idx, .svm, .dat or .pbm, or one of these and .gz, for a mean the \
      first three; .png for a picture: each row as it was (with --hide), as it was seen, with grey for what is missing, and \
      its completions below; - is standard output.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path", default: "-", help: "Where to write the completed rows."),
      .value(
        "how", placeholder: "what", default: "draw", allowed: ["draw", "mean", "mode"],
        help: "What fills a missing cell: a draw, the probability of a 1, or the most probable row's value."),
      .value(
        "draws", placeholder: "count",
        help:
          "How many completions of each row to draw, one after another in the output; default: 1. A mean is taken "
          + "over so many, one row in the output; default: 100."),
      .value(
        "hide", placeholder: "cells",
        help:
          "Hide these cells first: lower-half, random-half, square (of pictures), or columns such as a,b,7-20."
      ),
      CommonOptions.seed(of: "draws, and of hidden cells"),
      .value("count", short: "n", placeholder: "rows", help: "Complete only so many rows. Default: all."),
      .value(
        "beam", placeholder: "width", default: "128",
        help: "For the most probable completions: how many prefixes are walked side by side."),
      .value(
        "nodes", placeholder: "count", default: "20000",
        help:
          "For the most probable completions: how many steps of a prefix a row's search may take; 0 for a beam alone."
      ),
      .value(
        "across", placeholder: "count",
        help:
          "In a .png, how many pictures, or blocks of a table's rows, stand side by side. Default: 20 pictures, or about a square."
      ),
      CommonOptions.magnification(),
      DataOptions.split,
    ] + InferenceArguments.drawOptions + DataOptions.reading + [CommonOptions.threads],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional(
        "table", help: "Rows with missing cells, or whole ones with --hide; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density impute model.safetensors gaps.csv -o full.csv", "a draw for each missing cell"),
      Command.Example(
        "density impute model.safetensors gaps.csv --how mean -o mean.csv", "probabilities instead"),
      Command.Example(
        "density impute m.safetensors Data/mnist -n 9 --hide square -o digits.png",
        "digits with a hole, and what may have been there"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try arguments.value("output", as: .path)
    let how = try arguments.value("how", as: .string)
    let sink = try ImputeSink.Kind(output: output, how: how)
    try checkOptions(arguments, how: how, isPicture: sink == .picture)
    let draws = try arguments.optionalValue("draws", as: .integer(in: 1...100_000))
    let limit = try arguments.optionalValue("count", as: .integer(in: 1...1_000_000_000))
    let model = try arguments.value("checkpoint", as: .path)
    let table = try arguments.value("table", as: .path)
    if output != "-" { try AtomicFile.checkWritable(output, besides: [model, table]) }
    let checkpoint = try Checkpoint(contentsOf: model)
    let seed = try arguments.value("seed", as: .seed)
    let completer = try RowCompleter(
      checkpoint.model, how: how, drawCount: draws,
      ModeSearch.Options(
        beamWidth: try arguments.value("beam", as: .integer(in: 1...1_000_000)),
        nodeLimit: try arguments.value("nodes", as: .integer(in: 0...Int.max))),
      try InferenceArguments.options(arguments, forDraws: true))
    let evidence = try EvidenceTable(
      arguments, path: table, for: checkpoint, limit: limit, keepsText: sink.isText)
    let hidden = try arguments.optionalValue("hide", as: .string).map {
      try HiddenCells($0, .suggesting(checkpoint, columnNames: evidence.columnNames))
    }
    let shape = TableWriter.Shape(
      columnCount: checkpoint.model.variableCount, names: evidence.columnNames,
      imageShape: evidence.imageShape)
    Interrupt.install()
    let progress = ProgressLine()
    var rowCount = 0
    let picture = ImputeSink.PictureOptions(
      across: try arguments.optionalValue("across", as: .integer(in: 1...10_000)),
      magnification: try arguments.optionalValue("magnify", as: .integer(in: 1...64)),
      hasOriginals: hidden != nil)
    let text = CompletedText(evidence.text, shape, drawCount: how == "draw" ? draws ?? 1 : 1)
    try ImputeSink(sink, path: output, shape, picture, text).writing { (write) throws(DensityError) in
      try evidence.forEachTextBlock(of: completer.blockLength) {
        (before, rows, texts, fraction) throws(DensityError) in
        let seen =
          try hidden?.hiding(in: rows, firstRow: before, imageShape: evidence.imageShape, seed: seed) ?? rows
        let completed = try completer.complete(seen) { (_) throws(DensityError) in !Interrupt.isRequested }
        guard let completed else { throw .interrupted }
        if let fraction { progress.update("completing", fraction: fraction) }
        rowCount += completed.rowCount
        return try write(ImputeSink.Part(original: rows, seen: seen, completed: completed, texts: texts))
      }
    }
    progress.finish()
    try evidence.report()
    if let note = completer.note { progress.print(note) }
    if output != "-" { progress.print("\(rowCount) rows in \(output)") }
    return .success
  }

  /// Refuses options that would say nothing.
  private static func checkOptions(
    _ arguments: ParsedArguments, how: String, isPicture: Bool
  ) throws(UsageError) {
    if how == "mode" && arguments.isGiven("draws") {
      throw UsageError("--draws says nothing with --how mode")
    }
    if how != "mode", let option = ["beam", "nodes"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) is for --how mode")
    }
    if !isPicture, let option = ["across", "magnify"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) is for a .png")
    }
  }
}

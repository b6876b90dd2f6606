import Arguments
import BinaryDensity

/// The command `density marginal`.
enum MarginalCommand {
  static let command = Command(
    name: "marginal",
    summary: "Write log p of the known cells of each row, or of some given others, in nats.",
    discussion: """
      A line a row, in the table's order: log p, its standard error, and how it is known. exact is but for rounding; an \
      estimate is by particles in 32 batches, which double until they agree, reach --error, or are as many as --particles; \
      untrusted where they still disagree by more than half a nat. Then log p less log 20 is not exceeded in more than one \
      run in twenty, and more --particles may help. A missing cell never counts as a probability of 1: it is summed over.

      With --given the known cells of those columns are conditions, and log p is that of the row's other known cells given \
      them; a column with a value, as in a,b=1, is given that value in every row. With --others a line has, for each known \
      cell, log p of it given all other known cells of the row, which tells what is odd: exact of whole rows under every \
      model, and where marginals are exact; a missing cell stays empty.

      Ctrl-C keeps the rows finished by then.

      Cells are taken to be missing at random: that a value is missing must not say anything about it.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path",
        help: "Where to write: .csv or .txt; .npy or .idx for log p alone. Default: standard output."),
      .value(
        "given", placeholder: "columns",
        help: "Condition on these, by name or number, or with a value for all rows: a,#7-#20,b=1."),
      .value("hide", placeholder: "cells", help: "Hide these cells first: as of 'density impute'."),
      .flag("others", help: "Instead, log p of each cell given the row's others."),
      .value("count", short: "n", placeholder: "rows", help: "Only so many rows. Default: all."),
    ] + InferenceArguments.options + [
      CommonOptions.seed(of: "particles, and of hidden cells"), DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads, CommonOptions.json("answers")],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional("table", help: "The rows, of which cells may be missing; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density marginal model.safetensors gaps.csv", "how likely what is known of each row is"),
      Command.Example(
        "density marginal model.safetensors table.csv --given age,sex",
        "the rest of each row given two columns"),
      Command.Example(
        "density marginal model.safetensors table.csv --others -o odd.csv", "which cell of each row is odd"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.optionalValue("output", as: .path).flatMap { $0 == "-" ? nil : $0 }
    let model = try arguments.value("checkpoint", as: .path)
    let table = try arguments.value("table", as: .path)
    let limit = try arguments.optionalValue("count", as: .integer(in: 1...1_000_000_000))
    let isOthers = arguments.flag("others")
    if isOthers, let option = ["given", "order"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) does not go with --others")
    }
    let output = try MarginalOutput(path: path, isOthers: isOthers, isJSON: arguments.flag("json"))
    if let path { try AtomicFile.checkWritable(path, besides: [model, table]) }
    let options = try InferenceArguments.options(arguments)
    let checkpoint = try Checkpoint(contentsOf: model)
    let inference = try Inference(checkpoint.model, options)
    let evidence = try EvidenceTable(arguments, path: table, for: checkpoint, limit: limit)
    let vocabulary = QueryVocabulary.suggesting(checkpoint, columnNames: evidence.columnNames)
    let given = try arguments.optionalValue("given", as: .string).map {
      try CellList($0, vocabulary, option: "--given")
    }
    let hidden = try arguments.optionalValue("hide", as: .string).map { try HiddenCells($0, vocabulary) }
    Interrupt.install()
    let progress = ProgressLine()
    var report = MarginalReport(
      mode: isOthers ? .others : given == nil ? .marginal : .given, keepsRows: arguments.flag("json"))
    let shape = TableWriter.Shape(columnCount: checkpoint.model.variableCount, names: evidence.columnNames)
    try output.writing(shape) { (write) throws(DensityError) in
      try evidence.forEachPart(upTo: 512) { (before, rows, overall) throws(DensityError) in
        let rows =
          try hidden?.hiding(
            in: rows, firstRow: before, imageShape: evidence.imageShape, seed: options.seed) ?? rows
        let part = try answers(inference, rows, given, isOthers: isOthers, firstRow: before) { fraction in
          progress.update("asking", fraction: overall(fraction))
          return !Interrupt.isRequested
        }
        guard let part else { return false }
        report.add(part)
        return try write(part)
      }
      // What is done is kept, if anything is.
      if Interrupt.isRequested && report.rowCount == 0 { throw .interrupted }
    }
    progress.finish()
    try evidence.report()
    for category in given?.categories ?? [] { progress.print(vocabulary.note(category)) }
    if arguments.flag("json") { try printJSON(command, report.members, rows: "answers", report.rows) }
    progress.print(report.summary)
    guard Interrupt.isRequested else { return .success }
    progress.print("interrupted after \(report.rowCount) rows" + (path.map { ", kept in \($0)" } ?? ""))
    return .interrupted
  }

  /// Asks about some rows; nil if `observe` says to stop.
  private static func answers(
    _ inference: Inference, _ rows: PartialRows, _ given: CellList?, isOthers: Bool, firstRow: Int,
    observing observe: (Double) -> Bool
  ) throws(DensityError) -> MarginalPart? {
    func goesOn(_ fraction: Double) throws(DensityError) -> Bool { observe(fraction) }
    if isOthers {
      return try inference.logConditionalsGivenAllOthers(of: rows, firstRow: firstRow, observing: goesOn)
        .map { .cells($0) }
    }
    guard let given else {
      return try inference.logMarginals(of: rows, firstRow: firstRow, observing: goesOn).map { .rows($0) }
    }
    let (target, condition) = rows.split(by: given)
    return try inference.logConditionals(
      of: target, given: condition, firstRow: firstRow, observing: goesOn
    ).map { .rows($0) }
  }
}

extension PartialRows {
  /// What is asked of each row, and what is given: the known cells of some columns, and the values said of others.
  fileprivate func split(by given: CellList) -> (target: PartialRows, condition: PartialRows) {
    var (target, condition) = (self, PartialRows(rowCount: rowCount, columnCount: columnCount))
    for row in 0..<rowCount {
      for cell in given.cells {
        switch cell.said {
        case .nothing: condition[row, cell.column] = self[row, cell.column]
        case .value(let value): condition[row, cell.column] = value
        case .unknown: break
        }
        target[row, cell.column] = nil
      }
    }
    return (target, condition)
  }
}

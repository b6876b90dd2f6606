import Arguments
import BinaryDensity
import Foundation

/// The command `density fit`.
enum FitCommand {
  static let command = Command(
    name: "fit",
    summary: "Find a good density for a table within a time, without settings.",
    discussion: """
      Tries families, sizes and regularisation on the training rows, chooses on the validation rows, trains many \
      networks of the best recipe and mixes them into one checkpoint. Test rows, if given, are looked at once, at the \
      end. What networks gain together that is less than a tenth of the standard error is left out, parameters are kept in half \
      precision where that costs less than 0.001 nats, and a table of up to 16 columns is never larger than the table of its \
      probabilities. Where the mixture is much better than its best network, the last part of the time trains one \
      network on rows that it draws (see density distill), which is written if it is as good but for a tenth of the standard \
      error; the sizes and speeds of all are printed. Cells may be missing, which is taken to be by chance and not because of what stood there; validation rows with \
      missing cells choose by their known ones. The leaderboard is of single tries; what is written mixes many of them, and need not stand first, for of \
      hundreds of networks one leads by luck. Ctrl-C ends the search and keeps the best so far; should the process be killed, the \
      output's name with .partial is the best single network by then. A file that the output has the name of is kept, \
      with ~1 after its name.
      """,
    options: DataOptions.heldOut + [
      .value(
        "budget", short: "t", placeholder: "time", default: "5m",
        help: "How long it may take, such as 30s, 5m or 1h; 0 is quick: one network a thread."),
      .value("output", short: "o", placeholder: "path", default: "fit.safetensors", help: "The checkpoint."),
      sizeOption,
      CommonOptions.seed(),
      CommonOptions.threads,
      CommonOptions.json(),
    ] + DataOptions.reading,
    positionals: [Positional("table", help: "The rows: see 'density help tables'; or MNIST's folder.")],
    examples: [
      Command.Example("density fit table.csv", "five minutes, a tenth held out to choose by"),
      Command.Example(
        "density fit train.csv --validation valid.csv --test test.csv -t 1h",
        "with rows of your own to choose and to report by"),
    ], run: run)

  /// The option that bounds a file.
  static let sizeOption = Option.value(
    "size", placeholder: "size",
    help: "The largest file that will do, such as 500kB or 5MB. Default: any.")

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try arguments.value("output", as: .path)
    let budget = try arguments.value("budget", as: .duration)
    let seed = try arguments.value("seed", as: .seed)
    let byteLimit = try arguments.optionalValue("size", as: .byteCount)
    // Found out before the work, not after.
    let table = try arguments.value("table", as: .path)
    let heldOut = try ["validation", "test"].compactMap { try arguments.optionalValue($0, as: .path) }
    for path in [output, output + ".partial"] {
      try AtomicFile.checkWritable(path, besides: [table] + heldOut)
    }
    let data = try DataOptions.tables(arguments, path: table)
    let search = try DensitySearch(data, budget: .seconds(budget), seed: seed, byteLimit: byteLimit)
    let progress = ProgressLine()
    for source in data.sources { progress.print("\(source)") }
    let holdsOut = data.validation == nil && data.train.rowCount > 1
    let counted = holdsOut ? data.holdingOutValidation(seed: seed) : data
    progress.print(
      "\(rowCounts(of: counted)) of \(data.variableCount) variables"
        + (holdsOut ? "; the validation rows are held out of the table" : "")
        + (data.binarization.map { ", binarized: \($0)" } ?? ""))
    let figure = data.train.rowCount == 1 && data.validation == nil ? "training NLL" : "validation NLL"
    if figure == "training NLL" {
      progress.print(
        "a single row leaves none to choose by: the figures are those of the row that is learnt from")
    }
    Interrupt.install()
    let result = try search.run(savingTo: output) { event in
      switch event {
      case .tried(let entry): progress.print(line(entry))
      case .improved: break
      case .progress(let phase, let fraction, let best):
        progress.update(
          phase, fraction: fraction, figures: best.map { ["best \(figure) \(fixed($0, 3))"] } ?? [])
      }
      return !Interrupt.isRequested
    } keptAside: { aside in
      progress.print("kept the earlier file as \(aside)")
    }
    progress.finish()
    if result.isInterrupted { progress.print("interrupted; the best so far is kept") }
    // Whoever wants an end is given the figures that are there within a moment.
    var end = Interrupt.isRequested ? ContinuousClock.now + .milliseconds(300) : nil
    let measurements = try result.density.measureLikelihood(heldOutOf: data) {
      (split, fraction) throws(DensityError) in
      progress.update("measuring \(split.rawValue) rows", fraction: fraction)
      if Interrupt.isRequested && end == nil { end = .now }
      return end.map { .now < $0 } ?? true
    }
    progress.finish()
    try report(
      result, measurements ?? [], data.sources, figure: figure, isJSON: arguments.flag("json"), output: output
    )
    return Interrupt.isRequested ? .interrupted : .success
  }

  /// Prints what was found, and what was tried.
  private static func report(
    _ result: DensitySearch.Result, _ measurements: [LikelihoodMeasurement], _ sources: [TableSource],
    figure: String, isJSON: Bool, output: String
  ) throws {
    guard !isJSON else {
      let leaderboard = result.leaderboard.map { entry -> JSONValue in
        [
          "name": .string(entry.name),
          "validation_nll": figure == "validation NLL" ? .real(entry.validationNLL) : .null,
          "seconds": .real(entry.seconds),
        ]
      }
      return try Terminal.print(
        JSONValue.object(
          try members(describing: result.density) + [
            .init(key: "tables", value: .array(sources.map(\.json))),
            .init(key: "leaderboard", value: .array(leaderboard)),
            .init(key: "choices", value: .array(result.choices.map { $0.json(figure: figure) })),
            .init(key: "results", value: .array(measurements.map { .object($0.members) })),
            .init(key: "output", value: .string(output)),
          ]
        ).indentedDescription)
    }
    try Terminal.print((figure == "training NLL" ? "  " : "") + "\(figure)  seconds  what")
    for entry in result.leaderboard.prefix(12) { try Terminal.print(line(entry)) }
    if result.leaderboard.count > 12 { try Terminal.print("… and \(result.leaderboard.count - 12) more") }
    for line in DensitySearch.Choice.lines(result.choices, figure: figure) { try Terminal.print(line) }
    try Terminal.print(description(of: result.density))
    for measurement in measurements { try Terminal.print(measurement.line) }
    try Terminal.print("model  \(output)")
  }

  private static func line(_ entry: DensitySearch.Entry) -> String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let nll = entry.validationNLL.isFinite ? fixed(entry.validationNLL, 4) : "failed"
    return "\(right(nll, 14))  \(right(fixed(entry.seconds, 1), 7))  \(entry.name)"
  }
}

import Arguments
import BinaryDensity
import Essentials

/// The command `density distill`.
enum DistillCommand {
  static let command = Command(
    name: "distill",
    summary: "Train one network, or one an order, to be what a mixture of many is.",
    discussion: """
      A model draws as many rows as one likes, and a network that learns from them learns what the model knows. A third of \
      the rows that it learns from are those of the table, for from drawn rows alone it would learn the model's errors too. \
      Where several of the model's networks have the network's order of the columns, it learns the chances that these give to each \
      cell too, which say more than the cell's bit. \
      The network has at most a tenth of the model's parameters, or as many as one of the model's networks; of a model without \
      NADEs and MADEs it is a NADE of up to 200 units. Several ways are tried, one after the other: the best of the model's \
      networks goes on learning, with next to no regularisation and then with the model's, and a wider one learns from the \
      beginning, along the same order. What does best learns once more, for longer; or, where several networks have room in that \
      tenth, those of up to five of the model's other orders learn in the best way that has room, and their mixture is written \
      where it is better. Where time is left over, new networks learn with other regularisation. The validation rows choose: \
      rows that the model has not learnt from either. Without --validation they are those that were held out of the table when \
      the model learnt; where it has learnt from all of the table, as of few rows, a thousand rows that it draws choose, and say \
      how near to it the network comes. The network need not be better than the model's best one. The model's \
      size, speed and validation figure are printed beside the network's. Ctrl-C keeps the best network so far. A file that \
      the output has the name of is kept, with ~1 after its name.
      """,
    options: [DataOptions.data] + DataOptions.heldOut + [
      .value(
        "budget", short: "t", placeholder: "time", default: "5m",
        help: "How long it may take, such as 30s, 5m or 1h."),
      .value(
        "output", short: "o", placeholder: "path", default: "distilled.safetensors", help: "The checkpoint."),
      FitCommand.sizeOption, CommonOptions.seed(), CommonOptions.threads, CommonOptions.json(),
    ] + DataOptions.reading,
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.one, "The rows that the model learnt from, or a folder with MNIST's."),
    ],
    examples: [
      Command.Example(
        "density distill fit.safetensors table.csv -o small.safetensors", "what density fit has found"),
      Command.Example(
        "density distill fit.safetensors train.csv --validation valid.csv --size 200kB",
        "no larger than wanted"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.value("checkpoint", as: .path)
    let table = try arguments.value("table", as: .path)
    let output = try arguments.value("output", as: .path)
    let budget = try arguments.value("budget", as: .duration)
    let byteLimit = try arguments.optionalValue("size", as: .byteCount)
    let seed = try arguments.value("seed", as: .seed)
    let heldOut = try ["validation", "test"].compactMap { try arguments.optionalValue($0, as: .path) }
    try AtomicFile.checkWritable(output, besides: [path, table] + heldOut)
    var checkpoint = try Checkpoint(contentsOf: path)
    let model = checkpoint.model
    let read = try DataOptions.tables(arguments, path: table, matching: checkpoint)
    let rows = try Rows(of: read, chosenFor: checkpoint, path: table, seed: seed)
    let data = rows.data
    let distillation = try Distillation(
      of: model, data, budget: .seconds(budget), seed: seed, byteLimit: byteLimit,
      recipe: checkpoint.bestRecipe)
    let areEstimated = distillation.estimatesFigures
    let progress = ProgressLine()
    for source in read.sources { progress.print("\(source)") }
    progress.print(rowCounts(of: rows.areDrawn ? read : data))
    if let note = rows.note { progress.print(note) }
    Interrupt.install()
    let result = try distillation.run { event in
      switch event {
      case .tried(let entry): progress.print(line(entry, isEstimated: areEstimated))
      case .improved, .unsaved, .lost: break
      case .progress(let phase, let fraction, let best):
        progress.update(
          phase, fraction: fraction,
          figures: best.map {
            ["best \(rows.figure) \(estimate(fixed($0, 3), if: areEstimated))"]
          } ?? [])
      }
      return !Interrupt.isRequested
    }
    progress.finish()
    guard let network = result.density else {
      if Interrupt.isRequested {
        progress.print("interrupted before a network was trained for an epoch: nothing is written")
        return .interrupted
      }
      throw DensityError.invalidConfiguration("no training came to a finite figure")
    }
    (checkpoint.model, checkpoint.training, checkpoint.search) = (network, nil, nil)
    checkpoint.provenance =
      rows.areDrawn
      ? Provenance(read)
      : Provenance(
        data, validationNLL: result.validationNLL, isEstimated: result.validationIsEstimated)
    if let byteLimit { try checkpoint.makeRoom(in: byteLimit) }
    if let aside = try AtomicFile.keepAside(output) { progress.print("kept the earlier file as \(aside)") }
    try checkpoint.write(to: output)
    if result.isInterrupted { progress.print("interrupted; the best so far is kept") }
    let name = (teacher: familyName(of: model), network: result.name)
    let measured = try [(name.teacher, model), (name.network, network)].map { name, density in
      let measurements = try density.measureLikelihood(heldOutOf: data) {
        (split, fraction) throws(DensityError) in
        progress.update(
          "measuring \(split.rawValue) rows of the \(name == result.name ? "network" : "model")",
          fraction: fraction)
        return !Interrupt.isRequested
      }
      return Measured(name: name, density: density, measurements: (measurements ?? []).map(rows.named))
    }
    progress.finish()
    try report(
      measured, figure: rows.figure, result, checkpoint, isJSON: arguments.flag("json"), output: output)
    return Interrupt.isRequested ? .interrupted : .success
  }

  private struct Measured {
    let name: String
    let density: any Density
    let measurements: [LikelihoodMeasurement]
  }

  /// Prints the model, unless there was no time or there were no rows to measure it on, beside the network.
  ///
  /// - Parameters:
  ///   - figure: what the figures by which it was chosen are called.
  ///   - result: the network, whose figure stands where it was not measured again.
  private static func report(
    _ measured: [Measured], figure: String, _ result: Distillation.Result, _ checkpoint: Checkpoint,
    isJSON: Bool, output: String
  ) throws {
    let choices = try measured.enumerated().compactMap { index, measured -> DensitySearch.Choice? in
      var file = checkpoint
      file.model = measured.density
      let (isNetwork, validation) = (index == 1, measured.measurements.first)
      let nll = validation?.summary.negativeLogLikelihood ?? (isNetwork ? result.validationNLL : nil)
      guard let nll else { return nil }
      return DensitySearch.Choice(
        isNetwork ? .distilled : .mixture, name: measured.name, measured.density, validationNLL: nll,
        byteCount: try file.byteCount(), rowsPerSecond: validation?.rowsPerSecond, isChosen: isNetwork,
        isEstimated: validation?.isEstimated ?? result.validationIsEstimated)
    }
    if isJSON {
      let results = measured.last?.measurements.map { JSONValue.object($0.members) } ?? []
      return try printJSON(
        command,
        try members(describing: checkpoint.model) + [
          .init(key: "choices", value: .array(choices.map { $0.json(figure: figure) })),
          .init(key: "results", value: .array(results)),
          .init(key: "output", value: .string(output)),
        ])
    }
    for line in DensitySearch.Choice.lines(choices, figure: figure) { try Terminal.print(line) }
    try Terminal.print(description(of: checkpoint.model))
    for measurement in measured.last?.measurements ?? [] { try Terminal.print(measurement.line) }
    try Terminal.print("model  \(output)")
  }

  private static func line(_ entry: DensitySearch.Entry, isEstimated: Bool) -> String {
    let nll =
      entry.validationNLL.isFinite ? estimate(fixed(entry.validationNLL, 4), if: isEstimated) : "failed"
    return "\(nll)  \(fixed(entry.seconds, 1)) s  \(entry.name)"
  }
}

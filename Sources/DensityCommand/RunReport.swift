import Arguments
import BinaryDensity

extension RunResult {
  /// Adds what came out of a run to its record, and prints it as JSON or as text under a headline.
  func report(
    isJSON: Bool, headline: String, _ data: DataSplits,
    classification: [(split: DataSplit, summary: ClassificationSummary)] = []
  ) throws {
    let directory = RunDirectory(path: summary.directory)
    let figures =
      [
        JSONValue.Member(key: "training", value: summary.trainingJSON),
        .init(key: "results", value: .array(summary.measurements.map { .object($0.members) })),
      ]
      + (classification.isEmpty
        ? [] : [.init(key: "classification", value: .array(classification.map { json($0, density) }))])
    // A finished run that was resumed has nothing new to tell.
    if summary.networks.isEmpty || summary.networks.contains(where: { $0.rowsPerSecond > 0 }) {
      try RunRecord.complete(directory, data, figures)
    }
    if isJSON {
      let tables = JSONValue.Member(key: "tables", value: .array(data.sources.map(\.json)))
      return try printJSON(TrainCommand.command, try members(describing: density) + [tables] + figures)
    }
    try Terminal.print(headline)
    if Terminal.showsPictures, let line = directory.validationLine(isEstimated: data.estimatesValidation) {
      try Terminal.print(line)
    }
    for measurement in summary.measurements { try Terminal.print(measurement.line) }
    for (split, summary) in classification { try Terminal.print(summary.line(split.rawValue)) }
    try Terminal.print("model    \(directory.best)")
    try Terminal.print(
      "samples  "
        + (summary.files.contains(directory.samples)
          ? directory.samples : "no picture: \(density.variableCount) columns are too many for one"))
  }
}

/// How well the rows of a part are classified, as JSON.
private func json(
  _ part: (split: DataSplit, summary: ClassificationSummary), _ density: any Density
) -> JSONValue {
  .object(
    [.init(key: "split", value: .string(part.split.rawValue))]
      + part.summary.members(classes: (density as? LabelledDensity)?.classes ?? []))
}

extension RunDirectory {
  /// The course of the validation figure as a row of blocks, if there is one.
  fileprivate func validationLine(isEstimated: Bool) -> String? {
    let figures = ((try? epochs()) ?? []).compactMap(\.validationNLL)
    guard figures.count > 1, let first = figures.first, let last = figures.last else { return nil }
    let ends = [first, last].map { estimate(fixed($0, 3), if: isEstimated) }
    return "validation NLL \(ends[0]) \(sparkline(figures)) \(ends[1])"
  }
}

extension RunSummary {
  /// How the training went, in a line.
  var headline: String {
    let time = durationText(seconds: seconds)
    guard let network = networks.first else { return "fitted in \(time)" }
    guard networks.count == 1 else { return "trained \(networks.count) members in \(time)" }
    // Of a finished run that was resumed there is no speed to tell of.
    let speed = network.rowsPerSecond > 0 ? ", \(Int(network.rowsPerSecond)) rows/s" : ""
    return "trained \(network.epochCount) epoch\(network.epochCount == 1 ? "" : "s") in \(time)\(speed); "
      + "best epoch \(network.bestEpoch)"
  }

  /// How the training went, as JSON.
  var trainingJSON: JSONValue {
    var members: [JSONValue.Member] = []
    if networks.count > 1 { members.append(.init(key: "members", value: .integer(networks.count))) }
    let network = networks.count == 1 ? networks.first : nil
    if let network {
      members += [
        .init(key: "epochs", value: .integer(network.epochCount)),
        .init(key: "best_epoch", value: .integer(network.bestEpoch)),
        .init(key: "steps", value: .integer(network.stepCount)),
      ]
    }
    members.append(.init(key: "seconds", value: .real(seconds)))
    if let network { members.append(.init(key: "rows_per_second", value: .real(network.rowsPerSecond))) }
    members.append(.init(key: "run", value: .string(directory)))
    return .object(members)
  }
}

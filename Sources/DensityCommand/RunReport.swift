import Arguments
import BinaryDensity

extension RunResult {
  /// Prints what came out of a run, as JSON or as text under a headline.
  func report(
    isJSON: Bool, headline: String, sources: [TableSource] = [],
    classification: [(split: DataSplit, summary: ClassificationSummary)] = []
  ) throws {
    if isJSON {
      return try Terminal.print(
        JSONValue.object(
          try members(describing: density) + [
            .init(key: "tables", value: .array(sources.map(\.json))),
            .init(key: "training", value: summary.trainingJSON),
            .init(key: "results", value: .array(summary.measurements.map { .object($0.members) })),
          ]
            + (classification.isEmpty
              ? []
              : [.init(key: "classification", value: .array(classification.map { json($0, density) }))])
        ).indentedDescription)
    }
    let directory = RunDirectory(path: summary.directory)
    try Terminal.print(headline)
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

extension RunSummary {
  /// How the training went, in a line.
  var headline: String {
    let time = durationText(seconds: seconds)
    guard let network = networks.first else { return "fitted in \(time)" }
    guard networks.count == 1 else { return "trained \(networks.count) members in \(time)" }
    return "trained \(network.epochCount) epoch\(network.epochCount == 1 ? "" : "s") in \(time), "
      + "\(Int(network.rowsPerSecond)) rows/s; best epoch \(network.bestEpoch)"
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

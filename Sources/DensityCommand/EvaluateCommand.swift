import Arguments
import BinaryDensity

/// The command `density evaluate`.
enum EvaluateCommand {
  static let command = Command(
    name: "evaluate",
    summary: "Measure a model's likelihood on a table of bits.",
    discussion: """
      Prints the mean negative log-likelihood in nats with its standard error, and in bits a variable. With \
      --reference every row is computed a second time in double precision by the plain reference loops, which is slow, \
      and the largest difference is reported. An EoNADE gives a density for any order of the variables: --orders says \
      how many random ones to mix. Where cells are missing the figure is that of the known ones: exact, or \
      estimated by particles, which makes it a little too large, and said. --against compares row by row with another \
      model: the difference of two means is known far better than either.
      """,
    options: [DataOptions.data, DataOptions.split] + DataOptions.reading + [
      .value(
        "orders", placeholder: "count",
        help: "The number of orders of an EoNADE. Default: the checkpoint's."),
      .value(
        "against", placeholder: "checkpoint", help: "Another model, to compare with row by row."),
      .flag("reference", help: "Compare every row with the double-precision reference."),
      CommonOptions.threads,
      CommonOptions.json(),
    ],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional("table", arity: .oneOrNone, help: "The rows, in place of --data."),
    ],
    examples: [
      Command.Example("density evaluate runs/nade/best.safetensors", "the test rows of MNIST"),
      Command.Example("density evaluate runs/nade/best.safetensors table.csv --json", "rows of your own"),
      Command.Example("density evaluate runs/eonade/best.safetensors --orders 128", "over 128 orders"),
      Command.Example(
        "density evaluate a.safetensors --against b.safetensors", "how much better the first is"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let orderCount = try arguments.optionalValue("orders", as: .integer(in: 1...4096))
    var checkpoint = try Checkpoint(contentsOf: try arguments.value("checkpoint", as: .path))
    if let orderCount {
      guard let eonade = checkpoint.model as? EoNADE else {
        throw UsageError(
          "--orders is for an EoNADE; the checkpoint holds a \(familyName(of: checkpoint.model))")
      }
      checkpoint.model = try eonade.withOrders(count: orderCount)
    }
    let other = try arguments.optionalValue("against", as: .path)
    let rivalCheckpoint = try other.map { try Checkpoint(contentsOf: $0) }
    let rival = rivalCheckpoint?.model
    let path = try DataOptions.tablePath(arguments)
    let (rows, partial, name, source) = try DataOptions.partialRows(arguments, path: path, for: checkpoint)
    if partial != nil, let option = ["reference", "against"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) compares complete rows; cells of \(path) are missing")
    }
    if let rival, let other, rival.variableCount != checkpoint.model.variableCount {
      throw DensityError.mismatch(
        path: other, expected: "a model of \(checkpoint.model.variableCount) variables",
        found: "one of \(rival.variableCount)")
    }
    let rivalColumns = try other.flatMap {
      try ColumnMatching.columns(
        of: checkpoint.columnNames, matching: rivalCheckpoint?.columnNames, path: $0)
    }
    let progress = ProgressLine()
    let model = checkpoint.model
    func measure(
      _ model: any Density, _ rows: BinaryMatrix, _ label: String
    ) throws -> (measurement: LikelihoodMeasurement, logProbabilities: [Double]) {
      let measured = try model.measureLikelihood(of: rows, named: name) { (fraction) throws(DensityError) in
        progress.update(label, fraction: fraction)
        return true
      }
      guard let measured else { preconditionFailure("nobody stopped it") }
      return measured
    }
    func measureKnownCells(_ partial: PartialRows) throws -> LikelihoodMeasurement {
      let measured = try model.measureKnownCells(of: partial, named: name) {
        (fraction) throws(DensityError) in
        progress.update("evaluating", fraction: fraction)
        return true
      }
      guard let measured else { preconditionFailure("nobody stopped it") }
      return measured
    }
    let whole = partial == nil ? try measure(model, rows, "evaluating") : nil
    guard let measurement = try whole?.measurement ?? partial.map(measureKnownCells) else {
      preconditionFailure("rows are complete or they are not")
    }
    let advantage = try rival.map {
      LikelihoodDifference(
        whole?.logProbabilities ?? [],
        over: try measure($0, rivalColumns.map(rows.selecting(columns:)) ?? rows, "evaluating the other")
          .logProbabilities)
    }
    let difference =
      arguments.flag("reference") ? largestDifference(model, rows, progress) : nil
    progress.finish()
    try DataOptions.report(source, arguments, path: path, for: checkpoint)
    if arguments.flag("json") {
      var object = try members(describing: model) + measurement.members
      if let source { object.append(.init(key: "table", value: source.json)) }
      if let advantage {
        object.append(.init(key: "against", value: other.map(JSONValue.string) ?? .null))
        object.append(.init(key: "difference_is", value: "log p - log p of against, nats a row"))
        object.append(.init(key: "difference", value: .real(advantage.mean)))
        object.append(.init(key: "difference_standard_error", value: JSONValue(advantage.standardError)))
      }
      if let difference { object.append(.init(key: "largest_difference", value: .real(difference))) }
      try Terminal.print(JSONValue.object(object).indentedDescription)
    } else {
      try Terminal.print(description(of: model))
      try Terminal.print(measurement.line)
      try Terminal.print(
        "\(durationText(seconds: measurement.seconds)), "
          + "\(Int(measurement.rowsPerSecond)) rows/s")
      if let advantage, let other {
        try Terminal.print(
          "log p less that of \(other): \(withError(advantage.mean, advantage.standardError, 3)) nats a row"
        )
      }
      if let difference {
        try Terminal.print("largest difference from the double-precision reference: \(difference) nats")
      }
    }
    return .success
  }

  private static func largestDifference(
    _ model: some Density, _ rows: BinaryMatrix, _ progress: ProgressLine
  ) -> Double {
    let size = 64
    var largest = 0.0
    for start in stride(from: 0, to: rows.rowCount, by: size) {
      let part = rows.rows(start..<min(start + size, rows.rowCount))
      for (a, b) in zip(model.logProbabilities(of: part), inDouble(model, logProbabilitiesOf: part)) {
        largest = max(largest, abs(a - b))
      }
      progress.update("reference", fraction: Double(start + part.rowCount) / Double(rows.rowCount))
    }
    return largest
  }
}

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
      ShardRecord.option,
      CommonOptions.threads,
      CommonOptions.json(),
    ],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's."),
    ],
    examples: [
      Command.Example("density evaluate runs/nade/best.safetensors Data/mnist", "the test rows of MNIST"),
      Command.Example("density evaluate runs/nade/best.safetensors table.csv --json", "rows of your own"),
      Command.Example(
        "density evaluate runs/eonade/best.safetensors Data/mnist --orders 128", "over 128 orders"),
      Command.Example(
        "density evaluate a.safetensors table.csv --against b.safetensors", "how much better the first is"),
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
    let part = try ModelTable.Part(arguments)
    let table = try ModelTable(arguments, part, for: checkpoint)
    if table.shard != nil, !arguments.flag("json") {
      throw UsageError("--shard needs --json: the figures of a part are for 'density merge'")
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
    let wantsReference = arguments.flag("reference")
    let rivalEvaluator = rival?.evaluator()
    var meter = LikelihoodMeter(model, named: part.isFolder ? part.split.rawValue : part.path)
    var differences = LikelihoodTally()
    var largestDifference = 0.0
    var refused: String?
    try table.forEachBlock(of: table.blockLength) { (block) throws(DensityError) in
      func goOn(_ label: String) -> (Double) throws(DensityError) -> Bool {
        { (fraction) throws(DensityError) in
          if let overall = block.overall(fraction) { progress.update(label, fraction: overall) }
          return true
        }
      }
      if block.known != nil {
        refused = ["reference", "against"].first(where: arguments.isGiven)
        guard refused == nil else { return false }
      }
      let measured = try meter.add(
        block.rows, known: block.known, firstRow: block.firstRow, observing: goOn("evaluating"))
      if let rivalEvaluator {
        let terms = try rivalEvaluator.logProbabilities(
          of: rivalColumns.map(block.rows.selecting(columns:)) ?? block.rows, firstRow: block.firstRow,
          observing: goOn("evaluating the other"))
        differences.add(LikelihoodDifference.terms(measured ?? [], terms ?? []), cellCount: 0)
      }
      if wantsReference {
        largestDifference = max(
          largestDifference, try Self.largestDifference(model, block.rows, goOn("reference")))
      }
      return true
    }
    progress.finish()
    if let refused {
      throw UsageError("--\(refused) compares complete rows; cells of \(part.path) are missing")
    }
    if let source = table.source { try DataOptions.checkSplit(arguments, source) }
    let measurement = try meter.measurement()
    let silentCount = meter.rowCount - measurement.summary.rowCount
    if silentCount > 0 {
      progress.print("\(counted(silentCount, "row")) without a known cell: in no figure")
    }
    try table.report()
    let source = table.source
    let advantage = rival.map { _ in LikelihoodDifference(differences) }
    let difference = wantsReference ? largestDifference : nil
    if arguments.flag("json") {
      var object = try members(describing: model) + measurement.members
      if let source { object.append(.init(key: "tables", value: .array([source.json]))) }
      if let advantage, let other { object += advantage.members(against: other) }
      if let difference { object.append(.init(key: "largest_difference", value: .real(difference))) }
      if let shard = table.shard {
        object.append(.init(key: "shard", value: shard.json))
        object.append(.init(key: "tally", value: meter.tally.json))
        if rival != nil { object.append(.init(key: "difference_tally", value: differences.json)) }
      }
      try printJSON(Self.command, object)
    } else {
      try Terminal.print(description(of: model))
      try Terminal.print(measurement.line)
      try Terminal.print(
        "\(durationText(seconds: measurement.seconds)), "
          + "\(Int(measurement.rowsPerSecond)) rows/s")
      if let advantage, let other { try Terminal.print(advantage.line(against: other)) }
      if let difference { try Terminal.print(referenceLine(difference)) }
    }
    return .success
  }

  /// The largest difference from the reference, in a line.
  static func referenceLine(_ difference: Double) -> String {
    "largest difference from the double-precision reference: \(difference) nats"
  }

  private static func largestDifference(
    _ model: some Density, _ rows: BinaryMatrix, _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Double {
    let size = 64
    var largest = 0.0
    for start in stride(from: 0, to: rows.rowCount, by: size) {
      let part = rows.rows(start..<min(start + size, rows.rowCount))
      for (a, b) in zip(model.logProbabilities(of: part), inDouble(model, logProbabilitiesOf: part)) {
        largest = max(largest, abs(a - b))
      }
      _ = try observe(Double(start + part.rowCount) / Double(rows.rowCount))
    }
    return largest
  }
}

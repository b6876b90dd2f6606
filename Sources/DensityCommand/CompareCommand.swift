import Arguments
import BinaryDensity
import Essentials

/// The command `density compare`.
enum CompareCommand {
  static let command = Command(
    name: "compare",
    summary: "Measure a model's entropy, and how far it is from another model or from a table.",
    discussion: """
      Of a model alone: its entropy H, what a row of its own costs on average. Beside another model: the entropies of both, what \
      coding the rows of one by the other costs more (Kullback and Leibler's divergence, either way), and Jensen and Shannon's \
      divergence, from 0 to log 2 = 0.6931 nats. Columns go by their names where both models have names. Up to 20 columns \
      everything is exact; beyond, what has no closed form is a mean over rows drawn of the models, with its standard error.

      Beside a table: whether its rows could be draws of the model. They must be rows that the model was not trained on. log p \
      of the table's rows is compared with that of the model's own, in their means and in their spread; rows are compared by a \
      kernel that knows nothing of the model; and the columns and pairs of columns are named whose shares of ones differ most, \
      with the number z of standard deviations and a p-value for all of them together. The other p-values are by \
      permutation. Of more than 100000 rows so many are chosen at random, and 2000 for the kernel.
      """,
    options: [
      .value(
        "rows", short: "n", placeholder: "count", default: "10000",
        help: "How many rows to draw of each model, where draws are needed."),
      .value(
        "error", placeholder: "nats",
        help: "Draw up to a million rows, until no figure has a larger standard error."),
      .value(
        "permutations", placeholder: "count", default: "999",
        help: "With a table: how often rows are permuted; no p-value is below 1 / (1 + count)."),
      .value(
        "top", placeholder: "count", default: "5",
        help: "With a table: how many columns, and how many pairs, to name."),
      CommonOptions.seed(of: "draws, choices and permutations"), DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads, CommonOptions.json("figures")],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional(
        "other", arity: .oneOrNone,
        help: "Another model, or a table or folder of rows; - reads a table from standard input."),
    ],
    examples: [
      Command.Example("density compare model.safetensors", "its entropy"),
      Command.Example(
        "density compare a.safetensors b.safetensors --error 0.01", "how far two models are apart"),
      Command.Example("density compare model.safetensors held-out.csv", "could these rows be its draws?"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.value("checkpoint", as: .path)
    let other = try arguments.optionalValue("other", as: .path)
    let isModel = other.map(isCheckpoint) ?? false
    let isTable = other != nil && !isModel
    let idle =
      isTable
      ? ["error"]
      : ["permutations", "top"] + ([DataOptions.split] + DataOptions.reading).map(\.name)
    if let option = idle.first(where: arguments.isGiven) {
      let named = other.map { "; \($0) is taken for a \(isModel ? "model" : "table")" }
      throw UsageError(
        (isTable ? "--\(option) goes with models" : "--\(option) goes with a table")
          + (named ?? ", and none is named"))
    }
    let rowCount = try arguments.value("rows", as: .integer(in: 2...10_000_000))
    let seed = try arguments.value("seed", as: .seed)
    let checkpoint = try Checkpoint(contentsOf: path)
    Interrupt.install()
    if let other, isTable {
      let options = TwoSampleTest.Options(
        rowCount: rowCount,
        permutationCount: try arguments.value("permutations", as: .integer(in: 1...100_000)),
        namedCount: try arguments.value("top", as: .integer(in: 0...1_000_000)), seed: seed)
      try compare(checkpoint, at: path, withTable: other, options, arguments)
    } else {
      let options = EntropyOptions(
        rowCount: rowCount, targetError: try arguments.optionalValue("error", as: .positiveNumber), seed: seed
      )
      try compare(checkpoint, at: path, with: other, options, isJSON: arguments.flag("json"))
    }
    return .success
  }

  /// Measures the entropy of a model, and how far it is from another.
  private static func compare(
    _ checkpoint: Checkpoint, at path: String, with other: String?, _ options: EntropyOptions, isJSON: Bool
  ) throws {
    let progress = ProgressLine()
    func goOn(_ fraction: Double) throws(DensityError) -> Bool {
      if Interrupt.isRequested { throw .interrupted }
      progress.update("drawing", fraction: fraction)
      return true
    }
    let report = EntropyReport(
      path: path, other: other, variableCount: checkpoint.model.variableCount, isJSON: isJSON)
    guard let other else {
      let entropy = try checkpoint.model.entropy(options, observing: goOn)
      progress.finish()
      try entropy.map(report.print)
      report.warn(entropy?.standardError ?? 0, of: options)
      return
    }
    let rival = try Checkpoint(contentsOf: other)
    guard rival.model.variableCount == checkpoint.model.variableCount else {
      throw DensityError.mismatch(
        path: other, expected: "a model of \(checkpoint.model.variableCount) variables",
        found: "one of \(rival.model.variableCount)")
    }
    let columns = try ColumnMatching.columns(
      of: rival.columnNames, matching: checkpoint.columnNames, path: other)
    let divergence = try checkpoint.model.divergence(
      to: rival.model, columns: columns, options, observing: goOn)
    progress.finish()
    if columns != nil { progress.print("\(other): columns put in order by their names") }
    try divergence.map(report.print)
    report.warn(divergence?.largestStandardError ?? 0, of: options)
  }

  /// Tests whether a table's rows could be draws of a model.
  private static func compare(
    _ checkpoint: Checkpoint, at path: String, withTable table: String, _ options: TwoSampleTest.Options,
    _ arguments: ParsedArguments
  ) throws {
    let (rows, name, source): (BinaryMatrix, String, TableSource?)
    do throws(any Error) {
      (rows, name, source) = try DataOptions.rows(arguments, path: table, for: checkpoint)
    } catch let error as DensityError {
      throw DataOptions.explained(error, missingCells: "density impute fills them in")
    }
    guard rows.rowCount > 1 else {
      throw DensityError.mismatch(
        path: table, expected: "at least 2 rows to compare", found: "\(rows.rowCount)")
    }
    let progress = ProgressLine()
    let test = try checkpoint.model.twoSampleTest(against: rows, options) {
      (fraction) throws(DensityError) in
      if Interrupt.isRequested { throw .interrupted }
      progress.update("comparing", fraction: fraction)
      return true
    }
    progress.finish()
    try DataOptions.report(source, arguments, path: table, for: checkpoint)
    guard let test else { return }
    let report = TwoSampleReport(
      test, path: path, table: name == table ? table : "\(table) (\(name))", allRowCount: rows.rowCount,
      names: checkpoint.columnNames)
    try arguments.flag("json") ? report.printJSON() : report.printText()
  }

  /// Whether a file is a model: by its name, or by how a safetensors file begins, a length of 8 bytes and then a brace.
  private static func isCheckpoint(_ path: String) -> Bool {
    if path.hasSuffix(".safetensors") { return true }
    // What is read of a pipe is gone.
    let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let type = try? FileManager.default.attributesOfItem(atPath: resolved)[.type] as? FileAttributeType
    guard path != "-", type == .typeRegular, let file = fopen(path, "r") else { return false }
    defer { fclose(file) }
    var start = [UInt8](repeating: 0, count: 9)
    guard fread(&start, 1, 9, file) == 9 else { return false }
    // No header has 2^40 bytes.
    return start.dropFirst(5).prefix(3).allSatisfy { $0 == 0 } && start.last == UInt8(ascii: "{")
  }
}

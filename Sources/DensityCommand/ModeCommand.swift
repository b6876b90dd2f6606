import Arguments
import BinaryDensity

/// The command `density mode`.
enum ModeCommand {
  static let command = Command(
    name: "mode",
    summary: "Find the most probable rows, or the most probable completion of each row of a table.",
    discussion: """
      Prints a line a row: its log-probability in nats, whether no other row is more probable (proved), or else the best \
      that was found and what none exceeds (at most …), and the row where it has up to 64 columns. Without a table these \
      are the most probable rows of the model, in their order; -o writes them as a table, and --json has an object a row on \
      a line of its own, with the columns that are on by name, or by number from 1. With a table they are the completions of its missing \
      cells, row by row, known cells included in the log-probability.

      Up to 20 columns everything is proved. Beyond, a model of one order of the columns is searched by prefixes: a beam \
      first, then all prefixes that may lead to a more probable row, as far as --nodes and --memory go. A mixture of \
      several orders is proved only if few cells are missing. Ctrl-C ends a search with the best rows so far.
      """,
    options: [
      .value(
        "count", short: "n", placeholder: "rows",
        help:
          "Without a table, how many of the most probable rows; default: 10. With one, how many of its rows; "
          + "default: all."),
      .value(
        "output", short: "o", placeholder: "path",
        help:
          "Write the rows too: .csv, .txt, .npy, .idx, .svm, .dat or .pbm, or one of these and .gz; .png for a picture."
      ),
      .value(
        "beam", placeholder: "width", default: "128", help: "How many prefixes are walked side by side."),
      .value(
        "memory", placeholder: "MB", default: "512", help: "The memory for prefixes that wait, in megabytes."),
      .value(
        "nodes", placeholder: "count",
        help:
          "How many steps of a prefix a search takes; 0 for a beam alone. Default: 20 million, with a table "
          + "1 million a row."),
      .value(
        "across", placeholder: "count",
        help: "Pictures, or blocks of a table's rows, side by side in a .png. Default: about a square."),
      CommonOptions.magnification(),
      DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads, CommonOptions.json()],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional(
        "table", arity: .oneOrNone, help: "Rows with missing cells; - reads standard input. Default: none."),
    ],
    examples: [
      Command.Example("density mode model.safetensors -n 5", "the five most probable rows"),
      Command.Example(
        "density mode model.safetensors gaps.csv -o full.csv",
        "a table's most probable completion, row by row"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try ModeOutput(arguments)
    let model = try arguments.value("checkpoint", as: .path)
    let table = try arguments.optionalValue("table", as: .path)
    let most = table == nil ? 100_000 : 1_000_000_000
    let wanted = try arguments.optionalValue("count", as: .integer(in: 1...most))
    let options = ModeSearch.Options(
      beamWidth: try arguments.value("beam", as: .integer(in: 1...1_000_000)),
      memoryLimit: try arguments.value("memory", as: .integer(in: 0...1 << 30)) << 20,
      nodeLimit: try arguments.optionalValue("nodes", as: .integer(in: 0...Int.max))
        ?? (table == nil ? 20_000_000 : 1_000_000))
    if let path = output.path {
      try AtomicFile.checkWritable(path, besides: [model, table].compactMap(\.self))
    }
    let checkpoint = try Checkpoint(contentsOf: model)
    let search = ModeSearch(checkpoint.model, options)
    let evidence = try table.map {
      try EvidenceTable(arguments, path: $0, for: checkpoint, limit: wanted)
    }
    let report = ModeReport(
      isJSON: arguments.flag("json"), names: evidence?.columnNames ?? checkpoint.columnNames)
    var shape = TableWriter.Shape(
      columnCount: checkpoint.model.variableCount, names: evidence?.columnNames ?? checkpoint.columnNames,
      imageShape: evidence?.imageShape ?? checkpoint.imageShape)
    shape.values = checkpoint.reading?.values
    Interrupt.install()
    let progress = ProgressLine()
    try output.write(shape) { (write) throws(DensityError) in
      guard let evidence else {
        let modes = try search.mostProbableRows(count: wanted ?? 10) { (fraction) throws(DensityError) in
          progress.update("searching", fraction: fraction)
          return !Interrupt.isRequested
        }
        guard let modes else { throw .interrupted }
        try report.add(modes, from: 0)
        return try write(modes.rows)
      }
      try evidence.forEachBlock(of: blockLength) { (before, rows, fraction) throws(DensityError) in
        let modes = try search.completions(of: rows) { (_) throws(DensityError) in !Interrupt.isRequested }
        guard let modes else { throw .interrupted }
        if let fraction { progress.update("searching", fraction: fraction) }
        try write(modes.rows)
        // Where nobody reads any more, a file is still to be filled.
        return try report.add(modes, from: before) || output.path != nil
      }
    }
    progress.finish()
    try evidence?.report()
    try report.finish(describing: checkpoint.model)
    progress.print(report.summary)
    return Interrupt.isRequested ? .interrupted : .success
  }

  /// So few rows are searched at a time that their lines come soon, and so many that no thread is idle.
  private static let blockLength = 64
}

/// Where most probable rows are written to, besides what is said of them: a table, a picture, or nowhere.
private struct ModeOutput {
  let path: String?
  private let table: TableFile?
  private let across: Int?
  private let magnification: Int?

  init(_ arguments: ParsedArguments) throws {
    path = try arguments.optionalValue("output", as: .path)
    table = try path.flatMap { $0.hasSuffix(".png") ? nil : try TableFile(path: $0, for: .rowsOrPicture) }
    across = try arguments.optionalValue("across", as: .integer(in: 1...10_000))
    magnification = try arguments.optionalValue("magnify", as: .integer(in: 1...64))
    let isPicture = path != nil && table == nil
    if !isPicture, let option = ["across", "magnify"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) is for a .png")
    }
  }

  /// Writes the rows that `find` hands on, part by part.
  func write(
    _ shape: TableWriter.Shape,
    _ find: (_ write: (BinaryMatrix) throws(DensityError) -> Void) throws(DensityError) -> Void
  ) throws {
    if let table {
      return try table.writing(shape) { (writer) throws(DensityError) in
        try find { (rows) throws(DensityError) in try writer.write(rows) }
      }
    }
    var parts: [BinaryMatrix] = []
    try find { (rows) throws(DensityError) in if path != nil { parts.append(rows) } }
    guard let path else { return }
    let rows = BinaryMatrix(concatenating: parts, columnCount: shape.columnCount)
    try checkPicture(
      rowCount: rows.rowCount, columnCount: rows.columnCount, shape.imageShape, names: shape.names,
      columns: across, magnification: magnification)
    try rows.picture(
      imageShape: shape.imageShape, names: shape.names, columns: across, magnification: magnification
    ).writePNG(to: path)
  }
}

/// What is said of most probable rows, as they are found.
private final class ModeReport {
  private let isJSON: Bool
  private let names: [String]?
  private var entries: [JSONValue] = []
  private var (count, provedCount) = (0, 0)

  init(isJSON: Bool, names: [String]?) { (self.isJSON, self.names) = (isJSON, names) }

  /// Says what was found; returns whether anyone still reads.
  @discardableResult
  func add(_ modes: Modes, from first: Int) throws(DensityError) -> Bool {
    var text = ""
    for row in 0..<modes.rows.rowCount {
      count += 1
      let (value, bound) = (modes.logProbabilities[row], modes.logBounds[row])
      let isProved = modes.isProved(row)
      if isProved { provedCount += 1 }
      if isJSON {
        entries.append([
          "row": .integer(first + row + 1),
          "on": .array(
            modes.rows.onBits(ofRow: row).map { column in
              names.map { .string($0[column]) } ?? .integer(column + 1)
            }),
          "log_p": .real(value), "proved": .bool(isProved), "at_most": .real(bound),
        ])
      } else {
        var parts = ["\(first + row + 1)", "\(value)"]
        parts.append(isProved ? "proved" : "best found (at most \(fixed(bound, 4)))")
        if modes.rows.columnCount <= 64 { parts.append(modes.rows[row: row].map { $0 ? "1" : "0" }.joined()) }
        text += parts.joined(separator: "  ") + "\n"
      }
    }
    return isJSON ? true : try StandardOutput.write(Array(text.utf8))
  }

  /// Prints the JSON, if that is wanted.
  func finish(describing model: any Density) throws {
    guard isJSON else { return }
    try printJSON(ModeCommand.command, try members(describing: model), rows: "rows", entries)
  }

  /// How many rows there are, and how many are proved.
  var summary: String { "\(counted(count, "row")), \(provedCount) proved" }
}

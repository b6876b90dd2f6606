import Arguments
import BinaryDensity
import Foundation

/// The command `density compress`.
enum CompressCommand {
  static let command = Command(
    name: "compress",
    summary: "Compress a table without loss, to what its rows cost under a model.",
    discussion: """
      The file takes Σ −log₂ p(x) bits and a little: about six bytes for each of at most 64 lanes and thirty for the rest. \
      'density decompress' with the same model gives the same rows back. Any model will do; of one that mixes several orders \
      all components are walked. A row costs at most 24 bits a cell, whatever it is.

      Without the model the file is worth nothing, so that it pays only where the model is there anyway, or rows are many. \
      Missing cells cannot be compressed: 'density impute' fills them in.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path", isRequired: true,
        help: "Where to write; - for standard output."),
      DataOptions.data, DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads, CommonOptions.json("figures")],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional("table", arity: .oneOrNone, help: "The rows, in place of --data; - reads standard input."),
    ],
    examples: [
      Command.Example("density compress runs/nade/best.safetensors -o digits.bdr", "MNIST's test rows"),
      Command.Example("density compress model.safetensors table.csv -o table.bdr", "a table of your own"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try arguments.value("output", as: .path)
    let model = try arguments.value("checkpoint", as: .path)
    let path = try DataOptions.tablePath(arguments)
    if output == "-" {
      if arguments.flag("json") { throw UsageError("--json and -o - both write to standard output") }
    } else {
      try AtomicFile.checkWritable(output, besides: [model, path])
    }
    let checkpoint = try Checkpoint(contentsOf: model)
    let coder = try checkpoint.model.coder()
    let (rows, names) = try completeRows(arguments, path: path, for: checkpoint)
    let progress = ProgressLine()
    Interrupt.install()
    // What has no log p is refused before anything is written.
    let evaluator = checkpoint.model.evaluator()
    let scores = try evaluator.logProbabilities(of: rows) { (fraction) throws(DensityError) in
      try goOn("evaluating", fraction, progress)
    }
    // Names and pictures that the model has need not stand in the file.
    let kept = checkpoint.columnNames == nil ? names : nil
    let bytes = try coder.compress(rows, columnNames: kept) { (fraction) throws(DensityError) in
      try goOn("compressing", fraction, progress)
    }
    guard let bytes, let scores else { throw DensityError.interrupted }
    if output == "-" {
      try Terminal.writeToStandardOutput(bytes)
    } else {
      try AtomicFile.write(bytes, to: output)
    }
    progress.finish()
    let ideal = scores.reduce(0) { $0 - $1 / log(2) }
    try report(arguments, rows: rows, byteCount: bytes.count, ideal: ideal, progress)
    return .success
  }

  private static func goOn(
    _ label: String, _ fraction: Double, _ progress: ProgressLine
  ) throws(DensityError) -> Bool {
    if Interrupt.isRequested { throw .interrupted }
    progress.update(label, fraction: fraction)
    return true
  }

  /// Reads the rows of a table without missing cells, and the names of its columns if it has any.
  private static func completeRows(
    _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint
  ) throws -> (BinaryMatrix, names: [String]?) {
    if DataOptions.isDirectory(path) {
      let (rows, _, source) = try DataOptions.rows(arguments, path: path, for: checkpoint)
      try DataOptions.report(source, arguments, path: path, for: checkpoint)
      return (rows, nil)
    }
    let table = try DataOptions.stream(arguments, path: path, for: checkpoint)
    let rows: BinaryMatrix
    do throws(DensityError) {
      rows = try BinaryMatrix(table)
    } catch {
      throw DataOptions.explained(error, missingCells: "density impute fills them in")
    }
    try DataOptions.report(table.origin, arguments, path: path, for: checkpoint)
    return (rows, table.columnNames)
  }

  private static func report(
    _ arguments: ParsedArguments, rows: BinaryMatrix, byteCount: Int, ideal: Double, _ progress: ProgressLine
  ) throws {
    let rowCount = Double(max(1, rows.rowCount))
    guard !arguments.flag("json") else {
      let figures: JSONValue = [
        "rows": .integer(rows.rowCount), "columns": .integer(rows.columnCount), "bytes": .integer(byteCount),
        "bits_per_row": .real(Double(8 * byteCount) / rowCount),
        "ideal_bits_per_row": .real(ideal / rowCount),
      ]
      return try Terminal.print(figures.indentedDescription)
    }
    let packed = (rows.rowCount * rows.columnCount + 7) / 8
    progress.print(
      "\(rows.rowCount) row\(rows.rowCount == 1 ? "" : "s") in \(byteCount) bytes (\(packed) packed): \(fixed(Double(8 * byteCount) / rowCount, 3)) "
        + "bits a row, of which Σ −log₂ p(x) is \(fixed(ideal / rowCount, 3))")
  }
}

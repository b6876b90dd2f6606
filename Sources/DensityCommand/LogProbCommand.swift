import Arguments
import BinaryDensity

/// The command `density logprob`.
enum LogProbCommand {
  static let command = Command(
    name: "logprob",
    summary: "Write the log-probability of each row of a table, in nats.",
    discussion: """
      One number a row, in the table's order, to standard output or to a file: .txt, .csv, .npy or .idx, or one of \
      these and .gz.
      """,
    options: [
      .value("output", short: "o", placeholder: "path", help: "Where to write. Default: standard output."),
      DataOptions.data, DataOptions.split,
    ] + DataOptions.reading + [
      CommonOptions.threads
    ],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional("table", arity: .oneOrNone, help: "The rows, in place of --data; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density logprob runs/nade/best.safetensors | sort -g | head",
        "the least likely of MNIST's test rows"),
      Command.Example(
        "density logprob model.safetensors table.csv -o scores.npy", "scores of your own rows, as an array"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    // The output is checked before any work goes into what it is to hold.
    let output = try arguments.optionalValue("output", as: .path).map {
      try TableFile(path: $0, for: .numbers)
    }
    let model = try arguments.value("checkpoint", as: .path)
    let path = try DataOptions.tablePath(arguments)
    if let output { try AtomicFile.checkWritable(output.path, besides: [model, path]) }
    let checkpoint = try Checkpoint(contentsOf: model)
    let progress = ProgressLine()
    let evaluator = checkpoint.model.evaluator()
    var all: [Double] = []
    var rowCount = 0
    /// Scores rows, and writes them at once where they go to standard output; returns whether anyone still reads.
    func score(_ rows: BinaryMatrix, fraction: Double?) throws(DensityError) -> Bool {
      let scores =
        try evaluator.logProbabilities(of: rows, firstRow: rowCount) { (_) throws(DensityError) in true }
        ?? []
      rowCount += scores.count
      if let fraction { progress.update("evaluating", fraction: fraction) }
      guard output == nil else {
        all += scores
        return true
      }
      return try StandardOutput.write(TableFile.bytes(of: scores, as: .text))
    }
    var source: TableSource?
    if DataOptions.isDirectory(path) {
      let (rows, _, _) = try DataOptions.rows(arguments, path: path, for: checkpoint)
      try rows.forEachBlock(of: blockLength) { (block) throws(DensityError) in try score(block, fraction: nil)
      }
    } else {
      let table = try DataOptions.stream(arguments, path: path, for: checkpoint)
      try table.forEachBlock(of: blockLength) { (block) throws(DensityError) in
        try score(block, fraction: table.fraction)
      }
      source = table.origin
    }
    progress.finish()
    try DataOptions.report(source, arguments, path: path, for: checkpoint)
    if let output { try output.write(all) }
    return .success
  }

  /// So many rows are scored at a time that no thread is idle, and so few that the first scores come at once.
  private static let blockLength = 1024
}

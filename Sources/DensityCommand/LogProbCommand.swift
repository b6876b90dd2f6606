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
    ] + DataOptions.binarization + [
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
    let output = try arguments.optionalValue("output", as: .path).map { try TableFile(path: $0) }
    let model = try arguments.value("checkpoint", as: .path)
    let path = try arguments.optionalValue("table", as: .path) ?? arguments.value("data", as: .path)
    if let output { try AtomicFile.checkWritable(output.path, besides: [model, path]) }
    let checkpoint = try Checkpoint(contentsOf: model)
    let (rows, _, _) = try DataOptions.rows(arguments, path: path, for: checkpoint.model)
    let progress = ProgressLine()
    let logProbabilities =
      try checkpoint.model.evaluator().logProbabilities(of: rows) { (fraction) throws(DensityError) in
        progress.update("evaluating", fraction: fraction)
        return true
      } ?? []
    progress.finish()
    if let output {
      try output.write(logProbabilities)
    } else {
      try Terminal.writeToStandardOutput(TableFile.bytes(of: logProbabilities, as: .text))
    }
    return .success
  }
}

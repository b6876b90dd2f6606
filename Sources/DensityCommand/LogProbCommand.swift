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
    ] + DataOptions.reading + [ShardRecord.option, CommonOptions.threads],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density logprob runs/nade/best.safetensors Data/mnist | sort -g | head",
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
    let part = try ModelTable.Part(arguments)
    if let output { try AtomicFile.checkWritable(output.path, besides: [model, part.path]) }
    if arguments.isGiven(ShardRecord.option.name) { try ShardRecord.checkPlace(besides: output?.path) }
    Interrupt.install()
    let tables = ScoredTables(arguments, try Checkpoint(contentsOf: model))
    let table = try tables.table(part)
    if let output {
      try output.writingNumbers { (writer) throws(DensityError) in
        try tables.forEachBlock(of: table, "evaluating") { (scores) throws(DensityError) in
          try writer.write(scores)
          return true
        }
      }
    } else {
      try tables.forEachBlock(of: table, "evaluating", isAwaited: true) { (scores) throws(DensityError) in
        try StandardOutput.write(TableFile.bytes(of: scores, as: .text))
      }
    }
    if let output { try table.shard?.write(besides: output.path) }
    try table.report()
    return .success
  }
}

import Arguments
import BinaryDensity
import Essentials

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
    ] + DataOptions.reading + [ShardRecord.option, CommonOptions.threads, CommonOptions.json("figures")],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density compress runs/nade/best.safetensors Data/mnist -o digits.bdr", "MNIST's test rows"),
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
    if arguments.isGiven(ShardRecord.option.name) { try ShardRecord.checkPlace(besides: output) }
    let checkpoint = try Checkpoint(contentsOf: model)
    let coder = try checkpoint.model.coder()
    let table = try ModelTable(arguments, try ModelTable.Part(arguments), for: checkpoint)
    // Names and pictures that the model has need not stand in the file.
    let names = checkpoint.columnNames == nil ? table.columnNames : nil
    let progress = ProgressLine()
    Interrupt.install()
    let evaluator = checkpoint.model.evaluator()
    var figures = CompressionFigures(columnCount: checkpoint.model.variableCount)
    func compress(to write: ([UInt8]) throws(DensityError) -> Void) throws(DensityError) {
      let rows = table.completeRows(missingCells: "density impute fills them in")
      let isWhole = try rows.forEachCompressible { (rows) throws(DensityError) in
        // What has no log p is refused before it is written.
        let firstRow = figures.rowCount + (table.shard?.rows.lowerBound ?? 0)
        let scores = try evaluator.logProbabilities(of: rows, firstRow: firstRow) {
          (fraction) throws(DensityError) in try goOn("evaluating", fraction, progress)
        }
        let bytes = try coder.compress(rows, columnNames: names) { (fraction) throws(DensityError) in
          try goOn("compressing", fraction, progress)
        }
        guard let scores, let bytes else { return false }
        figures.add(scores, byteCount: bytes.count)
        try write(bytes)
        return true
      }
      if !isWhole { throw .interrupted }
    }
    if output == "-" {
      try compress { (bytes) throws(DensityError) in _ = try StandardOutput.write(bytes) }
    } else {
      try AtomicFile.writing(to: output) { (sink) throws(DensityError) in
        try compress { (bytes) throws(DensityError) in _ = try sink(bytes) }
      }
    }
    progress.finish()
    if output != "-" { try table.shard?.write(besides: output) }
    try table.report()
    try report(arguments, figures, progress)
    return .success
  }

  private static func goOn(
    _ label: String, _ fraction: Double, _ progress: ProgressLine
  ) throws(DensityError) -> Bool {
    if Interrupt.isRequested { throw .interrupted }
    progress.update(label, fraction: fraction)
    return true
  }

  private static func report(
    _ arguments: ParsedArguments, _ figures: CompressionFigures, _ progress: ProgressLine
  ) throws {
    guard !arguments.flag("json") else {
      let object: JSONValue = [
        "rows": .integer(figures.rowCount), "columns": .integer(figures.columnCount),
        "bytes": .integer(figures.byteCount), "bits_per_row": .real(figures.bitsPerRow),
        "ideal_bits_per_row": .real(figures.idealBitsPerRow),
      ]
      return try printJSON(command, object.members ?? [])
    }
    let packed = (figures.rowCount * figures.columnCount + 7) / 8
    progress.print(
      "\(counted(figures.rowCount, "row")) in \(figures.byteCount) bytes (\(packed) packed): "
        + "\(fixed(figures.bitsPerRow, 3)) bits a row, of which Σ −log₂ p(x) is \(fixed(figures.idealBitsPerRow, 3))"
    )
  }
}

/// What rows cost, and what they would at the least.
private struct CompressionFigures {
  let columnCount: Int
  private(set) var byteCount = 0
  private var tally = LikelihoodTally()

  init(columnCount: Int) { self.columnCount = columnCount }

  mutating func add(_ logProbabilities: [Double], byteCount: Int) {
    tally.add(logProbabilities, cellCount: 0)
    self.byteCount += byteCount
  }

  var rowCount: Int { tally.rowCount }
  var bitsPerRow: Double { Double(8 * byteCount) / Double(max(1, rowCount)) }
  var idealBitsPerRow: Double { rowCount > 0 ? tally.summary.negativeLogLikelihood / log(2) : 0 }
}

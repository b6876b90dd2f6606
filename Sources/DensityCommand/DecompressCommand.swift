import Arguments
import BinaryDensity

/// The command `density decompress`.
enum DecompressCommand {
  static let command = Command(
    name: "decompress",
    summary: "Give back the rows of a compressed table.",
    discussion: """
      The model must be the one that 'density compress' had. The output's name says its form: .csv or .txt, .npy, .idx, .svm, \
      .dat or .pbm, or one of these and .gz; .png for one picture of all rows; - writes CSV to standard output. A damaged or \
      cut file is refused, and nothing is written.
      """,
    options: [
      .value("output", short: "o", placeholder: "path", isRequired: true, help: "Where to write the rows."),
      CommonOptions.threads, CommonOptions.json("figures"),
    ],
    positionals: [
      Positional("checkpoint", help: "The model that compressed the table, a .safetensors file."),
      Positional("file", help: "What 'density compress' wrote."),
    ],
    examples: [
      Command.Example("density decompress model.safetensors table.bdr -o table.csv", "the table again"),
      Command.Example(
        "density decompress runs/nade/best.safetensors digits.bdr -o digits.png", "a picture of all digits"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try arguments.value("output", as: .path)
    let isPicture = output.hasSuffix(".png")
    let table = isPicture || output == "-" ? nil : try TableFile(path: output)
    let model = try arguments.value("checkpoint", as: .path)
    let path = try arguments.value("file", as: .path)
    if output != "-" { try AtomicFile.checkWritable(output, besides: [model, path]) }
    // The file is looked at first, which is sooner done.
    let file = try CompressedRows(try AtomicFile.read(path), path: path)
    let checkpoint = try Checkpoint(contentsOf: model)
    let coder = try checkpoint.model.coder()
    let shape = TableWriter.Shape(
      columnCount: file.columnCount, names: names(file, checkpoint), imageShape: imageShape(file, checkpoint),
      rowCount: file.rowCount)
    let progress = ProgressLine()
    Interrupt.install()
    if let table {
      try table.writing(shape) { (writer) throws(DensityError) in
        try decompress(file, by: coder, progress) { (rows) throws(DensityError) in
          try writer.write(rows)
        }
      }
    } else {
      try write(file, by: coder, to: output, shape, progress)
    }
    progress.finish()
    if output == "-" { return .success }
    if arguments.flag("json") {
      let figures: JSONValue = ["rows": .integer(file.rowCount), "columns": .integer(file.columnCount)]
      try Terminal.print(figures.indentedDescription)
    } else {
      progress.print("\(file.rowCount) rows in \(output)")
    }
    return .success
  }

  /// Hands on blocks of rows until all are there; `body` says whether more are wanted.
  private static func decompress(
    _ file: CompressedRows, by coder: DensityCoder, _ progress: ProgressLine,
    _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) {
    try coder.decompress(file) { (rows, fraction) throws(DensityError) in
      if Interrupt.isRequested { throw .interrupted }
      progress.update("decompressing", fraction: fraction)
      return try body(rows)
    }
  }

  /// Writes a picture, or CSV to standard output.
  ///
  /// What has gone to standard output is not taken back, so that it waits until all rows are known to be right.
  private static func write(
    _ file: CompressedRows, by coder: DensityCoder, to output: String, _ shape: TableWriter.Shape,
    _ progress: ProgressLine
  ) throws {
    if output != "-" {
      try checkPicture(rowCount: file.rowCount, variableCount: file.columnCount, magnification: 1)
    }
    var blocks: [BinaryMatrix] = []
    try decompress(file, by: coder, progress) { (rows) throws(DensityError) in
      blocks.append(rows)
      return true
    }
    let rows = BinaryMatrix(concatenating: blocks, columnCount: file.columnCount)
    if output == "-" {
      let writer = TableWriter.standardOutput(shape)
      try writer.write(rows)
      try writer.finish()
    } else {
      try rows.picture(imageShape: shape.imageShape, magnification: 1).writePNG(to: output)
    }
  }

  /// The names of the columns: the model's, or those that the file keeps because it has none.
  private static func names(_ file: CompressedRows, _ checkpoint: Checkpoint) -> [String]? {
    let names = checkpoint.columnNames ?? file.columnNames
    return names?.count == file.columnCount ? names : nil
  }

  private static func imageShape(_ file: CompressedRows, _ checkpoint: Checkpoint) -> ImageShape? {
    let shape = checkpoint.imageShape ?? file.imageShape
    return shape?.pixelCount == file.columnCount ? shape : nil
  }
}

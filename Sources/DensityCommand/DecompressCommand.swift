import Arguments
import BinaryDensity

/// The command `density decompress`.
enum DecompressCommand {
  static let command = Command(
    name: "decompress",
    summary: "Give back the rows of a compressed table.",
    discussion: """
      The model must be the one that 'density compress' had. The output's name says its form: .csv or .txt, .npy, .idx, .svm, \
      .dat or .pbm, or one of these and .gz, or .bits; .png for one picture of all rows; - writes CSV to standard output. A damaged or \
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
    let table = isPicture || output == "-" ? nil : try TableFile(path: output, for: .rowsOrPicture)
    let model = try arguments.value("checkpoint", as: .path)
    let path = try arguments.value("file", as: .path)
    if output != "-" { try AtomicFile.checkWritable(output, besides: [model, path]) }
    // The file is looked at first, which is sooner done.
    let source = try ByteSource(path: path)
    guard let first = try CompressedRows.next(from: source) else { preconditionFailure("a file has a start") }
    let isOnly = try source.isAtEnd()
    let checkpoint = try Checkpoint(contentsOf: model)
    let coder = try checkpoint.model.coder()
    var shape = TableWriter.Shape(
      columnCount: first.columnCount, names: names(first, checkpoint),
      imageShape: imageShape(first, checkpoint), rowCount: isOnly ? first.rowCount : nil)
    shape.values = checkpoint.reading?.values
    let progress = ProgressLine()
    Interrupt.install()
    var rowCount = 0
    /// Hands on blocks of rows until all are there; `body` says whether more are wanted.
    func decompress(_ body: (BinaryMatrix) throws(DensityError) -> Bool) throws(DensityError) {
      var next: CompressedRows? = first
      var before = 0.0
      while let file = next {
        let after = source.fraction ?? 1
        let goesOn = try coder.decompress(file) { (rows, fraction) throws(DensityError) in
          if Interrupt.isRequested { throw .interrupted }
          progress.update("decompressing", fraction: before + (after - before) * fraction)
          rowCount += rows.rowCount
          return try body(rows)
        }
        guard goesOn else { return }
        before = after
        next = try CompressedRows.next(from: source)
      }
    }
    if let table {
      try table.writing(shape) { (writer) throws(DensityError) in
        try decompress { (rows) throws(DensityError) in try writer.write(rows) }
      }
    } else if isPicture {
      let magnification = shape.imageShape.map { _ in 1 }
      try checkPicture(
        rowCount: first.rowCount, columnCount: first.columnCount, shape.imageShape, names: shape.names,
        magnification: magnification)
      var blocks: [BinaryMatrix] = []
      try decompress { (rows) throws(DensityError) in
        blocks.append(rows)
        return true
      }
      try checkPicture(
        rowCount: rowCount, columnCount: first.columnCount, shape.imageShape, names: shape.names,
        magnification: magnification)
      try BinaryMatrix(concatenating: blocks, columnCount: first.columnCount)
        .picture(
          imageShape: shape.imageShape, names: shape.names, magnification: magnification
        ).writePNG(to: output)
    } else {
      // What has gone to standard output is not taken back, so that rows wait until all are known to be right.
      var held = HeldRows(columnCount: first.columnCount)
      try decompress { (rows) throws(DensityError) in
        try held.add(rows, known: nil)
        return true
      }
      let writer = TableWriter.standardOutput(shape)
      try held.forEachBlock { (rows, _) throws(DensityError) in try writer.write(rows) }
      try writer.finish()
    }
    progress.finish()
    if output == "-" { return .success }
    if arguments.flag("json") {
      let figures: JSONValue = ["rows": .integer(rowCount), "columns": .integer(first.columnCount)]
      try printJSON(command, figures.members ?? [])
    } else {
      progress.print("\(rowCount) rows in \(output)")
    }
    return .success
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

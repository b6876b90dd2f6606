import Arguments
import BinaryDensity

/// The command `density convert`.
enum ConvertCommand {
  static let command = Command(
    name: "convert",
    summary: "Write a table in another format.",
    discussion: """
      The output's name says its format: .csv or .txt, .npy, .idx, .svm (svmlight), .dat (item lists) or .pbm, or one of \
      these and .gz; .png for one picture of all rows; - writes CSV to standard output. Names of columns are kept in \
      CSV; a missing cell is nothing in CSV, NaN in NPY, and refused by the others. Rows are written as they are read.
      """,
    options: [
      .value("magnify", placeholder: "factor", default: "1", help: "The side of a bit in a .png, in pixels."),
      DataOptions.split,
    ] + DataOptions.reading,
    positionals: [
      Positional("table", help: "The table to read; - reads standard input."),
      Positional("output", help: "Where to write."),
    ],
    examples: [
      Command.Example("density convert people.csv people.npy --ignore id", "without the column of ids"),
      Command.Example("density convert baskets.dat baskets.csv.gz", "item lists as a table"),
      Command.Example(
        "density convert images-idx3-ubyte.gz digits.pbm --binarize threshold",
        "grey levels as bits"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let input = try arguments.value("table", as: .path)
    let output = try arguments.value("output", as: .path)
    let magnification = try arguments.value("magnify", as: .integer(in: 1...64))
    let isPicture = output.hasSuffix(".png")
    if arguments.isGiven("magnify") && !isPicture { throw UsageError("--magnify is for a .png") }
    let file = isPicture || output == "-" ? nil : try TableFile(path: output)
    if output != "-" { try AtomicFile.checkWritable(output, besides: [input]) }
    let table = try TableStream(
      path: input, try TableArguments.options(arguments),
      binarization: try DataOptions.binarization(arguments),
      split: try arguments.value("split", as: .choice))
    let progress = ProgressLine()
    progress.print("\(table.origin)")
    let shape = TableWriter.Shape(
      columnCount: table.columnCount, names: table.columnNames, imageShape: table.imageShape)
    var rowCount = 0
    if let file {
      try file.writing(shape) { (writer) throws(DensityError) in
        try copy(table, to: writer, progress)
        rowCount = writer.rowCount
      }
    } else if isPicture {
      let rows = try BinaryMatrix(table)
      try checkPicture(
        rowCount: rows.rowCount, variableCount: rows.columnCount, magnification: magnification)
      try rows.picture(imageShape: table.imageShape, magnification: magnification).writePNG(to: output)
      rowCount = rows.rowCount
    } else {
      let writer = TableWriter.standardOutput(shape)
      try copy(table, to: writer, progress)
      try writer.finish()
    }
    progress.finish()
    if table.isBinarized { try DataOptions.sayBinarized(arguments, path: input) }
    if output != "-" { progress.print("\(rowCount) rows in \(output)") }
    return .success
  }

  /// Writes the rows of a table as they come, until nobody wants more.
  private static func copy(
    _ table: TableStream, to writer: TableWriter, _ progress: ProgressLine
  ) throws(DensityError) {
    let isWhole = try table.forEachPartialBlock(of: 4096) { (rows, known) throws(DensityError) in
      if let fraction = table.fraction { progress.update("converting", fraction: fraction) }
      guard let known else { return try writer.write(rows) }
      return try writer.write(PartialRows(values: rows, known: known))
    }
    if isWhole && writer.rowCount == 0 {
      throw .mismatch(path: table.path, expected: "a row of 0 and 1", found: "none")
    }
  }
}

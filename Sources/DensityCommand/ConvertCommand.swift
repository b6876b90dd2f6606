import Arguments
import BinaryDensity

/// The command `density convert`.
enum ConvertCommand {
  static let command = Command(
    name: "convert",
    summary: "Write a table in another format.",
    discussion: """
      The output's name says its format: .csv or .txt, .npy, .idx, .svm (svmlight), .dat (item lists) or .pbm, or one of \
      these and .gz; .bits (packed, see 'density pack'); .png for one picture of all rows; - writes CSV to standard output. Names of columns are kept in \
      CSV; a missing cell is nothing in CSV, NaN in NPY, marked in .bits, and refused by the others. Rows are written as they are read.
      """,
    options: [
      CommonOptions.magnification(usual: 1),
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
    let magnification = try arguments.optionalValue("magnify", as: .integer(in: 1...64))
    let isPicture = output.hasSuffix(".png")
    if arguments.isGiven("magnify") && !isPicture { throw UsageError("--magnify is for a .png") }
    let file = isPicture || output == "-" ? nil : try TableFile(path: output, for: .rowsOrPicture)
    if output != "-" { try AtomicFile.checkWritable(output, besides: [input]) }
    let progress = ProgressLine()
    // A picture is made at once: there the signal ends the process, which has written nothing yet.
    if !isPicture { Interrupt.install() }
    let rowCount =
      isPicture
      ? try convertPicture(arguments, input, to: output, magnification: magnification)
      : try stream(arguments, input, to: file, progress)
    if output != "-" { progress.print("\(rowCount) rows in \(output)") }
    return .success
  }

  /// Writes a table as one picture; returns the number of its rows.
  private static func convertPicture(
    _ arguments: ParsedArguments, _ input: String, to output: String, magnification: Int?
  ) throws -> Int {
    let table = try DataTable.read(input, try TableArguments.options(arguments))
    try DataOptions.report(table.origin, arguments, path: input)
    if case .partial = table.contents {
      throw DensityError.unwritable(path: output, reason: "a picture cannot show that cells are missing")
    }
    let split = try arguments.value("split", as: ValueFormat<DataSplit>.choice)
    let rows = try table.rows(try DataOptions.binarization(arguments), split: split)
    // A picture keeps its size; a table becomes as large as its names need.
    let magnification = magnification ?? table.imageShape.map { _ in 1 }
    try checkPicture(
      rowCount: rows.rowCount, columnCount: rows.columnCount, table.imageShape, names: table.columnNames,
      magnification: magnification)
    try rows.picture(
      imageShape: table.imageShape, names: table.columnNames, magnification: magnification
    ).writePNG(to: output)
    return rows.rowCount
  }

  /// Writes the rows of a table as they are read, to a file or as CSV to standard output; returns their number.
  static func stream(
    _ arguments: ParsedArguments, _ input: String, to file: TableFile?, _ progress: ProgressLine
  ) throws -> Int {
    let table = try stream(arguments, input)
    let shape = TableWriter.Shape(
      columnCount: table.columnCount, names: table.columnNames, imageShape: table.imageShape)
    var rowCount = 0
    if let file {
      try file.writing(shape) { (writer) throws(DensityError) in
        try copy(table, to: writer, progress)
        rowCount = writer.rowCount
      }
      if file.format == .items {
        progress.print("to read it: --format items --column-count \(shape.columnCount) --index-base 1")
      }
    } else {
      let writer = TableWriter.standardOutput(shape)
      try copy(table, to: writer, progress)
      try writer.finish()
    }
    progress.finish()
    try DataOptions.report(table.origin, arguments, path: input)
    return rowCount
  }

  /// Opens a table to be written in another form.
  static func stream(_ arguments: ParsedArguments, _ input: String) throws -> TableStream {
    try TableStream(
      path: input, try TableArguments.options(arguments),
      binarization: try DataOptions.binarization(arguments),
      split: try arguments.value("split", as: .choice))
  }

  /// Writes the rows of a table as they come, until nobody wants more.
  private static func copy(
    _ table: TableStream, to writer: TableWriter, _ progress: ProgressLine
  ) throws(DensityError) {
    let isWhole = try table.forEachPartialBlock(of: table.blockLength) { (rows, known) throws(DensityError) in
      if Interrupt.isRequested { throw .interrupted }
      if let fraction = table.fraction { progress.update("converting", fraction: fraction) }
      return try write(rows, known, with: writer)
    }
    if isWhole && writer.rowCount == 0 {
      throw .mismatch(path: table.path, expected: "a row of 0 and 1", found: "none")
    }
  }

  @discardableResult
  static func write(
    _ rows: BinaryMatrix, _ known: BinaryMatrix?, with writer: TableWriter
  ) throws(DensityError) -> Bool {
    guard let known else { return try writer.write(rows) }
    return try writer.write(PartialRows(values: rows, known: known))
  }
}

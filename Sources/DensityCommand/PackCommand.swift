import Arguments
import BinaryDensity

/// The command `density pack`.
enum PackCommand {
  static let command = Command(
    name: "pack",
    summary: "Pack a table into bits, to be read at any place.",
    discussion: """
      A packed table takes eight bytes a row for every 64 columns, with a check for every 4 KiB, and every command reads it as any \
      other table: nothing is parsed, and a --shard begins at its first row. From one of more than a \
      gibibyte 'density train' and 'density fit' read rows as they want them, so that it may be larger than memory; not so \
      where cells are missing, columns are chosen or left out, groups are kept, rows are labelled or --skip-damaged is given.

      It is a safetensors file of the bytes of the rows: rows U8 [rows, 8 ⌈columns/64⌉], the first column in the lowest \
      bit. A damaged block is named where it is read; --skip-damaged leaves it out.

      A training shuffles the blocks of a large table, and rows within 64 MiB or more: rows that are sorted, by day or by \
      place, are no matter. With --shuffle they are in random order once and for all.
      """,
    options: [
      .value("output", short: "o", placeholder: "path", help: "Where to write; the name ends in .bits."),
      .flag("shuffle", help: "Put the rows in a random order."),
      CommonOptions.seed(of: "the order"),
      DataOptions.split,
    ] + DataOptions.reading,
    positionals: [Positional("table", help: "The table to read; - reads standard input.")],
    examples: [
      Command.Example("density pack baskets.dat.gz -o baskets.bits", "item lists as bits"),
      Command.Example("density pack days.csv -o days.bits --shuffle", "in random order"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let input = try arguments.value("table", as: .path)
    guard let output = try arguments.optionalValue("output", as: .path) else {
      throw UsageError("-o says where to write, a name that ends in .bits")
    }
    let seed = try arguments.value("seed", as: .seed)
    let isShuffled = arguments.flag("shuffle")
    if arguments.isGiven("seed") && !isShuffled { throw UsageError("--seed is for --shuffle") }
    guard output.hasSuffix(".bits") else {
      throw UsageError("-o \(output): a packed table's name ends in .bits; 'density convert' writes others")
    }
    let file = try TableFile(path: output)
    try AtomicFile.checkWritable(output, besides: [input])
    let progress = ProgressLine()
    Interrupt.install()
    let rowCount =
      isShuffled
      ? try shuffle(arguments, input, to: file, seed: seed, progress)
      : try ConvertCommand.stream(arguments, input, to: file, progress)
    progress.print("\(rowCount) rows in \(output)")
    return .success
  }

  /// Writes the rows in a random order; returns their number.
  private static func shuffle(
    _ arguments: ParsedArguments, _ input: String, to file: TableFile, seed: UInt64, _ progress: ProgressLine
  ) throws -> Int {
    let table = try ConvertCommand.stream(arguments, input)
    let rows = RowShuffle(columnCount: table.columnCount, seed: seed, for: file.path)
    try table.forEachPartialBlock(of: table.blockLength) { (block, known) throws(DensityError) in
      if Interrupt.isRequested { throw .interrupted }
      if let fraction = table.fraction { progress.update("shuffling", fraction: 0.6 * fraction) }
      try rows.add(block, known: known)
      return true
    }
    guard rows.rowCount > 0 else {
      throw DensityError.mismatch(path: table.path, expected: "a row of 0 and 1", found: "none")
    }
    let shape = TableWriter.Shape(
      columnCount: table.columnCount, names: table.columnNames, imageShape: table.imageShape,
      rowCount: rows.hasMissing ? nil : rows.rowCount)
    try file.writing(shape) { (writer) throws(DensityError) in
      try rows.forEachBlock { (block, known) throws(DensityError) in
        if Interrupt.isRequested { throw .interrupted }
        progress.update("shuffling", fraction: 0.6 + 0.4 * Double(writer.rowCount) / Double(rows.rowCount))
        try ConvertCommand.write(block, known, with: writer)
      }
    }
    progress.finish()
    try DataOptions.report(table.origin, arguments, path: input)
    return rows.rowCount
  }
}

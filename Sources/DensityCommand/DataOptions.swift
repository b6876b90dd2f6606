import Arguments
import BinaryDensity
import Essentials

/// The options that say which rows a command works on, and the reading of them.
enum DataOptions {
  static let data = Option.value("data", short: "d", placeholder: "path", help: "The same as <table>.")
  /// What the rows stand in: a table, or MNIST's folder.
  static func table(_ arity: Positional.Arity, _ help: String) -> Positional {
    Positional("table", arity: arity, alias: data.name, help: help)
  }
  /// The tables that go with a table of training rows.
  static let heldOut: [Option] = [
    .value(
      "validation", placeholder: "path",
      help:
        "The validation table, if the data are a table. Default: a tenth of it, 20000 rows at most, held out."
    ),
    .value("test", placeholder: "path", help: "The test table, if the data are a table, to report on."),
  ]
  static let binarization: [Option] = [
    .value(
      "binarize", placeholder: "how", default: "stochastic", allowed: ["stochastic", "dynamic", "threshold"],
      help: "How grey levels become bits: one fixed random draw, a fresh draw each epoch, or a threshold."),
    .value(
      "threshold", placeholder: "level", default: "128",
      help: "With --binarize threshold: on where the grey level is at least this, 1 to 255."),
    .value(
      "binarize-seed", placeholder: "seed", default: "\(Binarization.standardSeed)",
      help: "The seed of the random draw."),
  ]
  /// All that says how tables become rows of bits.
  static let reading = binarization + TableArguments.options
  static let split = Option.value(
    "split", placeholder: "name", default: "test", allowed: ["train", "validation", "test"],
    help: "Which rows of a folder to use. For a single file of grey levels: whose random draw to use.")

  /// How grey levels become bits: as the options say, or else as in the training of a model.
  static func binarization(
    _ arguments: ParsedArguments, for checkpoint: Checkpoint? = nil
  ) throws -> Binarization {
    let isGiven = ["binarize", "threshold", "binarize-seed"].contains { arguments.isGiven($0) }
    if !isGiven, let binarization = checkpoint?.reading?.binarization { return binarization }
    let seed = try arguments.value("binarize-seed", as: .seed)
    let rule = try arguments.value("binarize", as: .string)
    let idle = rule == "threshold" ? "binarize-seed" : "threshold"
    if arguments.isGiven(idle) { throw UsageError("--\(idle) says nothing with --binarize \(rule)") }
    switch rule {
    case "dynamic": return .dynamic(seed: seed)
    case "threshold": return .threshold(UInt8(try arguments.value("threshold", as: .integer(in: 1...255))))
    default: return .stochastic(seed: seed)
    }
  }

  /// Whether a path is a folder with a data set in its parts, and not one of pictures, which are rows of one table.
  static func isDirectory(_ path: String) -> Bool {
    // FileManager's question has another type in Foundation than in what is essential of it.
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && !DataTable.holdsPictures(folder: path)
  }

  /// The table that a command is given.
  ///
  /// - Throws: `UsageError` where none is named.
  static func tablePath(_ arguments: ParsedArguments) throws -> String {
    guard let table = try arguments.optionalValue("table", as: .path) else {
      let words = arguments.declares("checkpoint") ? "model.safetensors table.csv" : "table.csv"
      throw UsageError("no table is named: name one, as in 'density \(arguments.command.name) \(words)'")
    }
    return table
  }

  /// Makes sure that it matters whose rows are asked for.
  ///
  /// - Throws: `UsageError` for a table that is no data set, and whose bits are not drawn.
  static func checkSplit(
    _ arguments: ParsedArguments, _ source: TableSource
  ) throws {
    guard arguments.isGiven("split"), !source.summary.isGrey else { return }
    throw UsageError(
      "--split is for a folder with a data set, or grey levels; \(source.path) is one table of bits: leave --split out, "
        + "or name the table with the rows that are wanted")
  }

  /// Opens the table that a trained model is asked about, its columns in the model's order.
  ///
  /// - Parameters:
  ///   - split: whose random draw to use for grey levels; nil for that of `--split`.
  ///   - keepsText: whether rows of text are kept as they stand.
  static func stream(
    _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint, split: DataSplit? = nil,
    keepsText: Bool = false
  ) throws -> TableStream {
    var options = try TableArguments.options(arguments, for: checkpoint)
    options.keepsText = keepsText
    let table = try TableStream(
      path: path, options,
      binarization: try binarization(arguments, for: checkpoint),
      split: try split ?? arguments.value("split", as: .choice))
    try table.match(checkpoint)
    return table
  }

  /// Reads the rows that a trained model is asked about, its columns in the model's order.
  ///
  /// - Returns: the rows, and how to call them: the split's name for a folder, the path for a file.
  static func rows(
    _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint
  ) throws -> (rows: BinaryMatrix, name: String, source: TableSource?) {
    if isDirectory(path) {
      let split = try arguments.value("split", as: ValueFormat<DataSplit>.choice)
      return (try rows(arguments, folder: path, split: split, for: checkpoint), split.rawValue, nil)
    }
    let table = try stream(arguments, path: path, for: checkpoint)
    let rows = try BinaryMatrix(table)
    try checkSplit(arguments, table.origin)
    return (rows, path, table.origin)
  }

  /// Returns an error of reading, which of a missing cell says what can be done about it.
  static func explained(_ error: DensityError, missingCells advice: String) -> DensityError {
    guard case .malformed(let path, let place, let expected, let found) = error, found.hasPrefix("nothing (")
    else { return error }
    return .malformed(path: path, at: place, expected: expected, found: "\(found); \(advice)")
  }

  /// Reads a part of a folder's rows that a trained model is asked about.
  static func rows(
    _ arguments: ParsedArguments, folder path: String, split: DataSplit, for checkpoint: Checkpoint
  ) throws -> BinaryMatrix {
    let count = checkpoint.model.variableCount
    let binarization = try binarization(arguments, for: checkpoint)
    let data = try DataSplits.mnist(directory: path, binarization: binarization)
    let rows = data[split] ?? data.train
    guard rows.columnCount == count else {
      throw DensityError.mismatch(
        path: path, expected: "\(count) columns as in the model", found: "\(rows.columnCount)")
    }
    return rows
  }

  /// Says how a table was taken, once it has been read without fault.
  static func report(
    _ source: TableSource?, _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint? = nil
  ) throws {
    if let source { ProgressLine().print("\(source)") }
    if source?.summary.isGrey ?? true { try sayBinarized(arguments, path: path, for: checkpoint) }
  }

  /// Says that grey levels became bits, and how.
  static func sayBinarized(
    _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint? = nil
  ) throws {
    ProgressLine().print("\(path): grey levels, binarized: \(try binarization(arguments, for: checkpoint))")
  }

  /// Reads the data to train on; a part of the training rows is held out if there are no validation rows.
  ///
  /// - Parameters:
  ///   - checkpoint: a model whose columns they are to have.
  ///   - keepsGroups: whether what is trained could keep groups of columns.
  static func trainingData(
    _ arguments: ParsedArguments, seed: UInt64, matching checkpoint: Checkpoint? = nil,
    keepsGroups: Bool = false
  ) throws -> DataSplits {
    let whole = try tables(arguments, path: try tablePath(arguments), matching: checkpoint)
    let data = try GroupOptions.keeping(whole, arguments, networks: keepsGroups)
    return data.validation == nil ? try data.holdingOutValidation(seed: seed) : data
  }

  /// Reads the training rows of a path, and validation and test rows if there are any.
  static func tables(
    _ arguments: ParsedArguments, path: String, matching checkpoint: Checkpoint? = nil
  ) throws -> DataSplits {
    let binarization = try binarization(arguments, for: checkpoint)
    let validation = try arguments.optionalValue("validation", as: .path)
    let test = try arguments.optionalValue("test", as: .path)
    if isDirectory(path) {
      if validation != nil || test != nil {
        throw UsageError("--validation and --test go with a table; \(path) is a folder with its own")
      }
      return try .mnist(directory: path, binarization: binarization)
    }
    var options = try TableArguments.options(arguments, for: checkpoint)
    // Groups are looked for, and labels stand, beside every row.
    if ["groups", "labels"].contains(where: { arguments.declares($0) && arguments.isGiven($0) }) {
      options.heldByteCount = .max
    }
    let data = try DataSplits.load(
      train: path, validation: validation, test: test, binarization: binarization, options,
      matching: checkpoint)
    for line in data.leakageWarnings() + data.missingCellNotes() { ProgressLine().print(line) }
    if data.binarization == nil && arguments.isGiven("binarize") {
      throw UsageError("--binarize is for grey levels; \(path) holds bits")
    }
    return data
  }
}

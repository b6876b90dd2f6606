import Arguments
import BinaryDensity
import Foundation

/// The options that say which rows a command works on, and the reading of them.
enum DataOptions {
  static let data = Option.value(
    "data", short: "d", placeholder: "path", default: "Data/mnist",
    help: "A folder with MNIST's IDX files, or a table of bits: IDX, NPY, CSV or AMAT, plain or gzip.")
  /// The tables that go with a table of training rows.
  static let heldOut: [Option] = [
    .value(
      "validation", placeholder: "path",
      help: "The validation table, if the data are a table. Default: a tenth of it, held out."),
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
  static let split = Option.value(
    "split", placeholder: "name", default: "test", allowed: ["train", "validation", "test"],
    help: "Which rows of a folder to use. For a single file of grey levels: whose random draw to use.")

  static func binarization(_ arguments: ParsedArguments) throws -> Binarization {
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

  private static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  /// Reads the rows that a trained model is asked about.
  ///
  /// - Returns: the rows, and how to call them: the split's name for a folder, the path for a file.
  static func rows(
    _ arguments: ParsedArguments, path: String, for model: any Density
  ) throws -> (rows: BinaryMatrix, name: String, imageShape: ImageShape?) {
    let binarization = try binarization(arguments)
    let split = try arguments.value("split", as: ValueFormat<DataSplit>.choice)
    let rows: BinaryMatrix
    let imageShape: ImageShape?
    if isDirectory(path) {
      let data = try DataSplits.mnist(directory: path, binarization: binarization)
      rows = data[split] ?? data.train
      imageShape = data.imageShape
    } else {
      let table = try DataTable.read(path)
      rows = try table.rows(binarization, split: split)
      imageShape = table.imageShape
    }
    guard rows.columnCount == model.variableCount else {
      throw DensityError.mismatch(
        path: path, expected: "rows of \(model.variableCount) columns, as the model's",
        found: "\(rows.columnCount)")
    }
    return (rows, isDirectory(path) ? split.rawValue : path, imageShape)
  }

  /// Reads the data to train on; a tenth of the training rows is held out if there are no validation rows.
  static func trainingData(_ arguments: ParsedArguments, seed: UInt64) throws -> DataSplits {
    let data = try tables(arguments, path: try arguments.value("data", as: .path))
    return data.validation == nil ? data.holdingOutValidation(seed: seed) : data
  }

  /// Reads the training rows of a path, and validation and test rows if there are any.
  static func tables(_ arguments: ParsedArguments, path: String) throws -> DataSplits {
    let binarization = try binarization(arguments)
    let validation = try arguments.optionalValue("validation", as: .path)
    let test = try arguments.optionalValue("test", as: .path)
    if isDirectory(path) {
      if validation != nil || test != nil {
        throw UsageError("--validation and --test go with a table; \(path) is a folder with its own")
      }
      return try .mnist(directory: path, binarization: binarization)
    }
    let data = try DataSplits.load(
      train: path, validation: validation, test: test, binarization: binarization)
    if data.binarization == nil && arguments.isGiven("binarize") {
      throw UsageError("--binarize is for grey levels; \(path) holds bits")
    }
    return data
  }
}

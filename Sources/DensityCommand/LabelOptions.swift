import Arguments
import BinaryDensity
import Essentials

/// The options that say where the labels of rows are, and the reading of them.
enum LabelOptions {
  static let labels = Option.value(
    "labels", placeholder: "where",
    help:
      "Labels of the rows: the name of a column of the table, a file with one a row (a line each, or IDX), or the folder "
      + "of MNIST, which has them beside its pictures.")
  /// Those of the tables that go with a table of training rows.
  static let heldOut: [Option] = [
    .value(
      "validation-labels", placeholder: "path",
      help: "The validation table's labels, if --labels is a file; a column is found in each table."),
    .value("test-labels", placeholder: "path", help: "The test table's labels, if --labels is a file."),
  ]

  /// The column that `--labels` names, if it is no file or folder.
  static func column(_ arguments: ParsedArguments) throws -> String? {
    guard arguments.declares(labels.name), let labels = try arguments.optionalValue("labels", as: .path),
      !FileManager.default.fileExists(atPath: labels)
    else { return nil }
    return labels
  }

  /// Reads the labels of the rows of a table.
  ///
  /// - Parameter file: the file with the labels, if the table has no column of them.
  static func labels(
    _ arguments: ParsedArguments, of table: String, file: String?, for checkpoint: Checkpoint? = nil
  ) throws -> RowLabels? {
    if let column = try column(arguments) {
      return try RowLabels.read(
        column: column, of: table, try TableArguments.options(arguments, for: checkpoint))
    }
    guard let file else { return nil }
    if DataOptions.isDirectory(file) {
      throw UsageError(
        "--labels \(file): a folder's labels go with the folder's own pictures, not with \(table)")
    }
    return try RowLabels.read(file)
  }

  /// The table whose rows are labelled: that which is named, or else the folder that labels are read from, which has both.
  ///
  /// - Throws: `UsageError` where neither is named.
  static func tablePath(_ arguments: ParsedArguments) throws -> String {
    if !arguments.isGiven("data"), let folder = try arguments.optionalValue("labels", as: .path),
      DataOptions.isDirectory(folder)
    {
      return folder
    }
    return try DataOptions.tablePath(arguments)
  }

  /// Reads the labelled data to train on; a tenth of the training rows is held out if there are no validation rows.
  ///
  /// - Parameter checkpoint: a model whose columns the rows are to have.
  static func trainingData(
    _ arguments: ParsedArguments, seed: UInt64, matching checkpoint: Checkpoint? = nil
  ) throws -> LabelledSplits {
    let given = try arguments.value("labels", as: .path)
    let path = try tablePath(arguments)
    let files = try [
      DataSplit.validation: arguments.optionalValue("validation-labels", as: .path),
      .test: arguments.optionalValue("test-labels", as: .path),
    ]
    if try column(arguments) != nil || DataOptions.isDirectory(path) {
      if let split = [DataSplit.validation, .test].first(where: { files[$0] ?? nil != nil }) {
        throw UsageError(
          "--\(split.rawValue)-labels goes with a file of labels, and --labels \(given) is none")
      }
    }
    if DataOptions.isDirectory(path) {
      guard DataOptions.isDirectory(given) else {
        throw UsageError("--labels \(given): \(path) is a folder with its own labels; say --labels \(path)")
      }
      let labels = try RowLabels.mnist(directory: given)
      return try LabelledSplits(try DataOptions.tables(arguments, path: path, matching: checkpoint), labels)
    }
    var labels: [DataSplit: RowLabels] = [:]
    labels[.train] = try self.labels(arguments, of: path, file: given, for: checkpoint)
    for split in [DataSplit.validation, .test] {
      guard let table = try arguments.optionalValue(split.rawValue, as: .path) else {
        guard files[split] ?? nil == nil else {
          throw UsageError(
            "--\(split.rawValue)-labels goes with --\(split.rawValue), the table of those rows")
        }
        continue
      }
      labels[split] = try self.labels(arguments, of: table, file: files[split] ?? nil, for: checkpoint)
    }
    let data = try DataOptions.tables(arguments, path: path, matching: checkpoint)
    if data.columnNames?.contains(given) ?? false {
      throw UsageError(
        "--labels \(given): there is a file of this name, and \(path) has a column of it: say ./\(given) for the file, or the "
          + "column's number")
    }
    let labelled = try LabelledSplits(data, labels)
    return data.validation == nil ? try labelled.holdingOutValidation(seed: seed) : labelled
  }
}

extension LabelledSplits {
  /// How many training rows each class has, in words.
  var classLine: String {
    let some = zip(classes, classCounts).prefix(12).map { "\($0) (\($1))" }.joined(separator: ", ")
    return "\(classes.count) classes: \(some)\(classes.count > 12 ? ", …" : "")"
  }
}

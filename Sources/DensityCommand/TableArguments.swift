import Arguments
import BinaryDensity

/// The options that say how a table is to be read, where its contents do not say so themselves.
enum TableArguments {
  static let options: [Option] = [
    .value(
      "format", placeholder: "name", allowed: DataTable.formatSummaries.map(\.name),
      help: "The format of the tables. Default: told by their contents."),
    .value(
      "header", placeholder: "yes|no", allowed: ["yes", "no"],
      help: "Whether the first line of a text names the columns. Default: looked at."),
    .value(
      "columns", placeholder: "list",
      help: "The columns to use, by name or number: a,b,7-20. Default: all."),
    .value("ignore", placeholder: "list", help: "Columns to leave out, such as id,label."),
    .value(
      "values", placeholder: "off,on", help: "What stands for 0 and for 1, such as -1,1 or absent,present."),
    .value("missing", placeholder: "list", help: "What else stands for a missing cell, such as 9,unknown."),
    .value("column-count", placeholder: "count", help: "The number of columns of a sparse table."),
    .value(
      "index-base", placeholder: "0|1", allowed: ["0", "1"],
      help: "The number of a sparse table's first column. Default: as in training, else 0 where a 0 occurs."),
    .value("array", placeholder: "name", help: "Which array of an .npz file."),
    .flag(
      "skip-damaged", help: "Leave out the damaged blocks of a packed table, and say how many rows that were."
    ),
    .value("image", placeholder: "HxW", help: "A row is a picture of this height and width, such as 28x28."),
  ]

  /// Reads the options of a command line.
  ///
  /// - Parameter checkpoint: the model whose columns the table has; what its training says is used where the options
  ///   say nothing.
  static func options(
    _ arguments: ParsedArguments, for checkpoint: Checkpoint? = nil
  ) throws -> TableOptions {
    var options = TableOptions()
    options.format = try arguments.optionalValue("format", as: .string)
    options.hasHeader = try arguments.optionalValue("header", as: .string).map { $0 == "yes" }
    options.columns = try arguments.optionalValue("columns", as: .list)
    options.ignored = try arguments.optionalValue("ignore", as: .list) ?? []
    // The labels of rows are none of their bits.
    if let column = try LabelOptions.column(arguments) { options.ignored.append(column) }
    options.missing = try arguments.optionalValue("missing", as: .list) ?? []
    options.values = try arguments.optionalValue("values", as: .words)
    if options.values == nil, let values = checkpoint?.reading?.values {
      (options.values, options.borrowedWords) = (values, .values)
    }
    options.columnCount = try arguments.optionalValue(
      "column-count", as: .integer(in: 1...Int(Int32.max)))
    options.keptCount = checkpoint?.model.variableCount
    // A column to leave out may be in another table of the same command; what the model does not know is found by its names.
    let others = ["reference", "against", "validation", "test"].filter { arguments.declares($0) }
    options.ignoresUnknown = checkpoint?.columnNames != nil && others.contains(where: arguments.isGiven)
    // So may be the cells that words stand for.
    if others.contains(where: arguments.isGiven) { options.borrowedWords = .all }
    // Who says from what number columns are counted has numbers in place of names.
    options.knownNames = arguments.isGiven("index-base") ? nil : checkpoint?.columnNames
    options.indexBase =
      try arguments.optionalValue("index-base", as: .integer(in: 0...1)) ?? checkpoint?.reading?.indexBase
    options.skipsDamaged = arguments.flag("skip-damaged")
    let shard = ShardRecord.option.name
    if options.skipsDamaged, arguments.declares(shard), arguments.isGiven(shard) {
      throw UsageError(
        "--skip-damaged goes without --shard, which counts all rows: 'density pack TABLE -o WHOLE.bits --skip-damaged' first"
      )
    }
    options.array = try arguments.optionalValue("array", as: .string)
    options.imageShape = try arguments.optionalValue("image", as: .imageShape)
    if arguments.declares("binarize") && arguments.isGiven("binarize") {
      options.binarization = try DataOptions.binarization(arguments)
    } else {
      options.binarization = checkpoint?.reading?.binarization
    }
    return options
  }
}

extension ValueFormat where Value == [String] {
  /// Words divided by commas; those in double quotes may hold commas.
  static var list: ValueFormat {
    ValueFormat("names or numbers divided by commas") { text in
      var words = [""]
      var isQuoted = false
      for character in text {
        switch character {
        case "\"": isQuoted.toggle()
        case "," where !isQuoted: words.append("")
        default: words[words.count - 1].append(character)
        }
      }
      return isQuoted || words.contains("") ? nil : words
    }
  }
}

extension ValueFormat where Value == TableOptions.Values {
  fileprivate static var words: ValueFormat {
    ValueFormat("two different words divided by a comma") { text in
      let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return words.count == 2 && words[0] != words[1] ? TableOptions.Values(off: words[0], on: words[1]) : nil
    }
  }
}

extension ValueFormat where Value == ImageShape {
  fileprivate static var imageShape: ValueFormat {
    ValueFormat("a height and a width such as 28x28") { text in
      let sides = text.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
      guard sides.count == 2, let height = sides[0], let width = sides[1],
        (1...65_536).contains(height), (1...65_536).contains(width)
      else { return nil }
      return ImageShape(height: height, width: width)
    }
  }
}

import Arguments
import BinaryDensity

/// What is known of a part of a result that was computed by itself: which part of what, so that parts are put together in
/// their order, and only those that belong together.
///
/// A command that writes a file writes the record beside it, under its name and `.shard`, once the file is whole: where there
/// is no record the part is not done. `density evaluate --json` has it among its figures.
struct ShardRecord {
  /// The option of commands whose work can be divided.
  static let option = Option.value(
    "shard", placeholder: "part",
    help: "Only a part of the rows, such as 3/64, to be put together by 'density merge'.")

  /// Makes sure, before the work, that there is a place for a record.
  ///
  /// - Parameter output: the file that a part is written to; nil for standard output.
  /// - Throws: `UsageError` for what is no file; `DensityError.unwritable`.
  static func checkPlace(besides output: String?) throws {
    guard let output, output != "-", !AtomicFile.isWrittenInPlace(output) else {
      throw UsageError("--shard needs --output with a file, beside which it is recorded which part it is")
    }
    try AtomicFile.checkWritable(path(besides: output))
  }

  /// What computed it.
  let command: String
  /// Which part.
  let shard: Shard
  /// How many rows the whole has.
  let tableRowCount: Int
  /// How many columns it has.
  let columnCount: Int
  /// Tells the table from others; empty if there is none.
  let table: String
  /// Tells the model from others.
  let model: String
  /// The options that all parts have to have in common, as they were given.
  let options: String
  /// The words that the file has for off and on, if it has any.
  var values: TableOptions.Values?
  /// The size of the file and the CRC-32 of its bytes, where there is one.
  var output: String?

  /// The rows that are the part's.
  var rows: Range<Int> { shard.rows(of: tableRowCount) }

  /// What a command line makes a part of; nil if it does not say so.
  ///
  /// - Parameters:
  ///   - rowCount: how many rows the whole has.
  ///   - columnCount: how many columns it has.
  ///   - check: tells the table from others.
  /// - Throws: `UsageError` for more parts than rows; what reading the model and the other files that are named throws.
  init?(_ arguments: ParsedArguments, rowCount: Int, columnCount: Int, check: String) throws {
    guard let shard = try arguments.optionalValue(Self.option.name, as: .shard) else { return nil }
    guard shard.count <= rowCount else {
      throw UsageError("--shard \(shard): \(rowCount) rows make at most \(rowCount) parts")
    }
    command = arguments.command.name
    self.shard = shard
    tableRowCount = rowCount
    self.columnCount = columnCount
    table = check
    model = try FileCheck.text(ofWhole: arguments.value("checkpoint", as: .path))
    // Of a file that is named its contents count, and not where it is.
    let named = try arguments.command.options.filter {
      Self.fileOptions.contains($0.name) && $0.placeholder != nil && arguments.isGiven($0.name)
    }.map { "--\($0.name)=\(try FileCheck.text(of: arguments.value($0.name, as: .path)))" }
    options =
      (arguments.optionWords { name in
        !Self.passing.contains(name) && !named.contains { $0.hasPrefix("--\(name)=") }
      } + named).joined(separator: " ")
  }

  /// The options that do not change a result: where it goes, who computes it, and how the table is called there.
  private static let passing: Set<String> = [option.name, "output", "threads", "data", "json"]
  /// The options that name a file.
  private static let fileOptions: Set<String> = ["reference", "against"]

  /// Writes the record of a file that is whole.
  ///
  /// - Throws: `DensityError.unwritable`, and what reading the file throws.
  func write(besides output: String) throws {
    var record = self
    record.output = try FileCheck.text(ofWhole: output)
    try AtomicFile.write(
      Array(record.json.indentedDescription.utf8) + [0x0A], to: Self.path(besides: output))
  }

  /// Where the record of a file stands.
  static func path(besides output: String) -> String { output + ".shard" }

  // MARK: JSON

  var json: JSONValue {
    [
      "command": .string(command), "part": .string("\(shard)"), "table_rows": .integer(tableRowCount),
      "columns": .integer(columnCount), "table": .string(table), "model": .string(model),
      "options": .string(options),
      "values": values.map { .array([.string($0.off), .string($0.on)]) } ?? .null,
      "output": output.map(JSONValue.string) ?? .null,
    ]
  }

  /// Reads a record; nil for anything else.
  init?(_ json: JSONValue) {
    guard let command = json["command"]?.string, let shard = json["part"]?.string.flatMap({ Shard($0) }),
      let rowCount = json["table_rows"]?.integer, (shard.count...1 << 40).contains(rowCount),
      let columnCount = json["columns"]?.integer, (1...1 << 22).contains(columnCount),
      let table = json["table"]?.string,
      let model = json["model"]?.string, let options = json["options"]?.string
    else { return nil }
    (self.command, self.shard) = (command, shard)
    (tableRowCount, self.columnCount) = (rowCount, columnCount)
    (self.table, self.model, self.options) = (table, model, options)
    output = json["output"]?.string
    if case .array(let words) = json["values"], words.count == 2, let off = words[0].string,
      let on = words[1].string
    {
      values = TableOptions.Values(off: off, on: on)
    }
  }

  /// What parts differ in that must not, in words; nil if they belong together.
  func difference(from first: ShardRecord) -> (expected: String, found: String)? {
    if command != first.command {
      return ("a part of 'density \(first.command)'", "one of 'density \(command)'")
    }
    if shard.count != first.shard.count {
      return ("one of \(first.shard.count) parts", "one of \(shard.count)")
    }
    if model != first.model { return ("the model \(first.model)", "the model \(model)") }
    if (tableRowCount, columnCount) != (first.tableRowCount, first.columnCount) {
      return (
        "a table of \(first.tableRowCount) × \(first.columnCount)", "one of \(tableRowCount) × \(columnCount)"
      )
    }
    if table != first.table { return ("the table \(first.table)", "the table \(table)") }
    if options != first.options {
      func words(_ options: String) -> String { options.isEmpty ? "no options" : "the options \(options)" }
      return (words(first.options), words(options))
    }
    return nil
  }
}

extension ValueFormat where Value == Shard {
  /// A part of a table's rows.
  static var shard: ValueFormat { ValueFormat("a part and how many there are, such as 3/64") { Shard($0) } }
}

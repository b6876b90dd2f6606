import Arguments
import BinaryDensity

/// The command `density describe`.
enum DescribeCommand {
  static let command = Command(
    name: "describe",
    summary: "Say what is in a table, before a model is fitted to it.",
    discussion: """
      Its shape and how it was taken, the shares of ones, columns that do not vary or are equal, groups of columns side by side \
      of which exactly one is on in every row, rows that are equal, missing cells, and the pairs of columns with the most mutual information, in nats. Pairs are those of all columns \
      that vary, up to 2048 of them in 1048576 rows; of more, evenly spread ones are looked at, which is said.
      """,
    options: [
      .value("pairs", placeholder: "count", default: "10", help: "How many pairs of columns to name."),
      DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.json("description"), CommonOptions.threads],
    positionals: [Positional("table", help: "The table; - reads standard input.")],
    examples: [
      Command.Example("density describe table.csv", "before density fit table.csv"),
      Command.Example("density describe table.csv --json --pairs 1000", "for another program"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let pairCount = try arguments.value("pairs", as: .integer(in: 0...1_000_000))
    let binarization = try DataOptions.binarization(arguments)
    let table = try TableStream(
      path: try arguments.value("table", as: .path), try TableArguments.options(arguments),
      binarization: binarization, split: try arguments.value("split", as: .choice))
    let progress = ProgressLine()
    let description = try TableDescription(table, pairCount: pairCount) { (fraction) throws(DensityError) in
      if let fraction { progress.update("reading", fraction: fraction) }
    }
    progress.finish()
    let report = DescriptionReport(table, description)
    if arguments.flag("json") {
      var members = report.members
      if table.isBinarized {
        members.insert(.init(key: "binarization", value: .string("\(binarization)")), at: 2)
      }
      try printJSON(command, members)
    } else {
      for line in report.lines { try Terminal.print(line) }
      if table.isBinarized { try DataOptions.sayBinarized(arguments, path: table.path) }
    }
    return .success
  }
}

/// A description of a table in words.
private struct DescriptionReport {
  let table: TableStream
  let description: TableDescription
  /// How many columns or groups are named in a line.
  private let shown = 8

  init(_ table: TableStream, _ description: TableDescription) {
    self.table = table
    self.description = description
  }

  private func name(_ column: Int) -> String { table.columnNames?[column] ?? "\(column + 1)" }
  /// A column as a terminal shows it: its number, or its name without what a terminal would obey.
  private func label(_ column: Int) -> String {
    guard table.columnNames != nil else { return "\(column + 1)" }
    let text = name(column).prefix(40).description.debugDescription
    return name(column).count > 40 ? text.dropLast() + "…\"" : text
  }

  /// Columns by their share of ones among the cells that are there, those without any left out.
  private var shares: [(share: Double, column: Int)] {
    description.onCounts.indices.compactMap { column in
      let there = description.rowCount - description.missingCounts[column]
      return there > 0 ? (Double(description.onCounts[column]) / Double(there), column) : nil
    }
    .sorted { ($0.share, $0.column) < ($1.share, $1.column) }
  }

  private var missingCount: Int { description.missingCounts.reduce(0, +) }
  private var isSample: Bool {
    let varyingCount = description.columnCount - description.constants.count
    return description.pairedColumnCount < varyingCount || description.pairedRowCount < description.rowCount
  }

  // MARK: For people

  var lines: [String] {
    var lines = ["\(table.path): \(table.origin.summary)"]
    var shape = "\(description.rowCount) rows × \(description.columnCount) columns"
    if let image = table.imageShape { shape += ", pictures of \(image.height) × \(image.width)" }
    lines.append("shape           \(shape)")
    let shares = shares
    if let least = shares.first, let most = shares.last {
      let all =
        Double(description.onCounts.reduce(0, +))
        / Double(description.rowCount * description.columnCount - missingCount)
      let median = (shares[(shares.count - 1) / 2].share + shares[shares.count / 2].share) / 2
      lines.append(
        "ones            \(percent(all)) of all cells; by column least \(percent(least.share)) (\(label(least.column))), "
          + "median \(percent(median)), most \(percent(most.share)) (\(label(most.column)))")
    }
    let constants = [(false, "always 0"), (true, "always 1"), (nil, "missing")].compactMap { (value, words) in
      let columns = description.constants.filter { $0.value == value }.map(\.column)
      return columns.isEmpty ? nil : "\(columns.count) \(words): \(some(columns, label))"
    }
    lines.append("constant        " + (constants.isEmpty ? "none" : constants.joined(separator: "; ")))
    lines.append(
      "equal columns   "
        + list(description.equalColumns) { group in
          group.prefix(shown).map(label).joined(separator: " = ") + (group.count > shown ? " = …" : "")
        })
    if let groups = description.groups {
      lines.append("groups          \(groups.phrase), one of each on in every row: \(groupList(groups))")
      lines.append(
        "                to keep to that: density fit \(shellWord(argument(ofPath: table.path))) --groups observed"
      )
    }
    let duplicates = description.duplicateRowCount
    lines.append(
      "equal rows      "
        + (duplicates == 0
          ? "none" : "\(duplicates) equal an earlier row; \(description.rowCount - duplicates) are different")
    )
    let missing = description.missingCounts.indices.filter { description.missingCounts[$0] > 0 }
      .sorted { (description.missingCounts[$1], $0) < (description.missingCounts[$0], $1) }
    lines.append(
      "missing cells   "
        + (missing.isEmpty
          ? "none"
          : "\(missingCount), in " + list(missing) { "\(label($0)) \(description.missingCounts[$0])" }))
    return lines + pairLines
  }

  /// The first groups as one types them.
  private func groupList(_ groups: ColumnGroups) -> String {
    let vocabulary = QueryVocabulary(columnCount: description.columnCount, columnNames: table.columnNames)
    let all = groups.texts(marked: !vocabulary.hasNoNumberNames)
    return some(all) { $0 }
  }

  private var pairLines: [String] {
    guard let most = description.pairs.first else { return [] }
    var head = "pairs           mutual information in nats"
    if isSample {
      head +=
        ", of \(description.pairedColumnCount) evenly spread columns in \(description.pairedRowCount) rows"
    }
    let width = fixed(most.mutualInformation, 4).count
    return [head]
      + description.pairs.map { pair in
        let figure = fixed(pair.mutualInformation, 4)
        let blanks = String(repeating: " ", count: max(0, width - figure.count))
        return "                \(blanks)\(figure)  \(label(pair.first)), \(label(pair.second))"
      }
  }

  private func list<Element>(_ all: [Element], _ words: (Element) -> String) -> String {
    all.isEmpty ? "none" : "\(all.count): \(some(all, words))"
  }

  private func some<Element>(_ all: [Element], _ words: (Element) -> String) -> String {
    all.prefix(shown).map(words).joined(separator: ", ") + (all.count > shown ? ", …" : "")
  }

  private func percent(_ share: Double) -> String { fixed(100 * share, 2) + " %" }

  // MARK: For programs

  var members: [JSONValue.Member] {
    func number(_ column: Int) -> JSONValue { .integer(column + 1) }
    func member(_ key: String, _ value: JSONValue) -> JSONValue.Member { .init(key: key, value: value) }
    let shape: JSONValue =
      table.imageShape.map { .array([.integer($0.height), .integer($0.width)]) } ?? .null
    return [
      member("table", .string(table.path)), member("taken", .string("\(table.origin.summary)")),
      member("rows", .integer(description.rowCount)), member("columns", .integer(description.columnCount)),
      member("image", shape),
      member("names", table.columnNames.map { .array($0.map(JSONValue.string)) } ?? .null),
      member("ones", .array(description.onCounts.map(JSONValue.integer))),
      member("missing", .array(description.missingCounts.map(JSONValue.integer))),
      member(
        "constant",
        .array(
          description.constants.map { constant in
            .object([
              member("column", number(constant.column)),
              member("value", constant.value.map { .integer($0 ? 1 : 0) } ?? .null),
            ])
          })),
      member("equal_columns", .array(description.equalColumns.map { .array($0.map(number)) })),
      member(
        "groups", .array((description.groups?.groups ?? []).map { .array($0.map(number)) })),
      member("equal_rows", .integer(description.duplicateRowCount)),
      member(
        "pairs",
        .array(
          description.pairs.map { pair in
            .object([
              member("columns", .array([number(pair.first), number(pair.second)])),
              member("mutual_information", .real(pair.mutualInformation)),
            ])
          })),
      member("pairs_of_columns", .integer(description.pairedColumnCount)),
      member("pairs_of_rows", .integer(description.pairedRowCount)),
    ]
  }
}

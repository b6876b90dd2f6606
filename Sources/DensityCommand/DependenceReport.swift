import Arguments
import BinaryDensity

/// What `density dependence` says of a model's columns.
struct DependenceReport {
  let checkpoint: Checkpoint
  /// The pairs of all columns, or of one; nil if they are not asked for.
  let information: MutualInformation?
  /// The column whose partners are asked for.
  let column: Int?
  /// What the rest tells of each column, or of one; nil if that is not asked for.
  let rest: [DependenceOnRest]?
  /// How many rows are drawn where something is not exact.
  let drawnRowCount: Int
  /// How many lines to print at the most.
  let topCount: Int

  /// A column by its name, or by its number as a query has it.
  private func label(_ column: Int) -> String {
    checkpoint.columnNames.map { Terminal.visible($0[column]) } ?? "#\(column + 1)"
  }
  /// A column by its name, or by its number.
  private func name(_ column: Int) -> String { checkpoint.columnNames?[column] ?? "\(column + 1)" }

  private var variableCount: Int { checkpoint.model.variableCount }
  private var pairCount: Int {
    column == nil ? variableCount * (variableCount - 1) / 2 : variableCount - 1
  }
  /// The dependences on the rest, the largest first.
  private var sortedRest: [DependenceOnRest] {
    (rest ?? []).sorted { ($1.information.value, $0.column) < ($0.information.value, $1.column) }
  }

  // MARK: For people

  func printText() throws {
    if let rest, let column, let found = rest.first {
      try Terminal.print(
        "\(label(column)): entropy in nats \(found.entropy), of which all others tell \(found.information), a share of "
          + fixed(found.share, 4))
    }
    if let information {
      let pairs = "\(pairCount) pair\(pairCount == 1 ? "" : "s")"
      let drawn = information.drawnRowCount.map { "from \($0) rows drawn" } ?? "exact"
      try Terminal.print(
        "\(pairs) of \(column.map(label) ?? "\(variableCount) column\(variableCount == 1 ? "" : "s")"), in nats, \(drawn)"
      )
      try printTable(
        ["information", "share"],
        information.strongestPairs(topCount).map { pair in
          (
            [pair.information.description, fixed(pair.share, 4)],
            column == nil ? "\(label(pair.first)), \(label(pair.second))" : label(pair.second)
          )
        }, column == nil ? "columns" : "partner")
    } else {
      let isExact = sortedRest.allSatisfy { $0.information.isExact }
      try Terminal.print(
        "what all others tell of each column, in nats, \(isExact ? "exact" : "from \(drawnRowCount) rows drawn")"
      )
      try printTable(
        ["entropy", "I(x; rest)", "share"],
        sortedRest.prefix(topCount).map {
          ([$0.entropy.description, $0.information.description, fixed($0.share, 4)], label($0.column))
        }, "column")
    }
  }

  /// Prints lines of numbers, each as wide as its heading and all below it, and a name.
  private func printTable(
    _ headings: [String], _ lines: [(numbers: [String], name: String)], _ name: String
  ) throws {
    let all = [(numbers: headings, name: name)] + lines
    let widths = headings.indices.map { index in
      all.reduce(0) { max($0, $1.numbers[index].count) }
    }
    for line in all {
      let numbers = zip(line.numbers, widths).map { number, width in
        number + String(repeating: " ", count: width - number.count)
      }
      try Terminal.print((numbers + [line.name]).joined(separator: "  "))
    }
  }

  // MARK: For programs

  /// Writes a line a pair, or a line a column.
  func write(to path: String) throws(DensityError) {
    try TableFile(path: path).writing { (write) throws(DensityError) in
      guard let information else {
        try write(
          Array(
            "column,entropy,entropy_standard_error,information,information_standard_error,share\n".utf8))
        return try write(
          (rest ?? []).flatMap { line([$0.column], [$0.entropy, $0.information], share: $0.share) })
      }
      try write(Array("first,second,mutual_information,standard_error,share\n".utf8))
      try information.forEachColumn { (pairs) throws(DensityError) in
        try write(pairs.flatMap { line([$0.first, $0.second], [$0.information], share: $0.share) })
        guard !Interrupt.isRequested else { throw .interrupted }
        return true
      }
    }
  }

  /// A line of CSV: columns, numbers each with its error, which is 0 of what is exact, and a share.
  private func line(_ columns: [Int], _ numbers: [Measured], share: Double) -> [UInt8] {
    let names =
      checkpoint.columnNames.map { names in TableFile.csvLine(columns.map { names[$0] }).dropLast() }
      ?? Array(columns.map { "\($0 + 1)" }.joined(separator: ",").utf8)[...]
    let fields: [Double] = numbers.flatMap { number in [number.value, number.standardError ?? 0] } + [share]
    return names + Array((fields.map { ",\($0)" }.joined() + "\n").utf8)
  }

  /// The matrix of all pairs, or what each pixel tells of one; nil where pairs are not asked for.
  func picture() -> GreyImage? {
    guard let column else {
      // There is room for no names beside more, and those of pixels say nothing.
      guard checkpoint.imageShape == nil, variableCount <= 128 else {
        return information?.picture(magnification: max(1, 512 / variableCount))
      }
      return information?.picture(names: checkpoint.columnNames)
    }
    return checkpoint.imageShape.flatMap { information?.picture(of: column, imageShape: $0) }
  }

  func printJSON() throws {
    var members: [JSONValue.Member] = [.init(key: "columns", value: .integer(variableCount))]
    if let information {
      members.append(
        .init(key: "drawn_rows", value: information.drawnRowCount.map(JSONValue.integer) ?? .null))
      members.append(.init(key: "pair_count", value: .integer(pairCount)))
    }
    if column != nil, let found = rest?.first {
      members.append(.init(key: "of", value: .string(name(found.column))))
      members += found.members
    }
    guard let information else {
      return try DensityCommand.printJSON(
        DependenceCommand.command, members, rows: "rest",
        sortedRest.prefix(topCount).map { rest in
          .object([.init(key: "column", value: .string(name(rest.column)))] + rest.members)
        })
    }
    try DensityCommand.printJSON(
      DependenceCommand.command, members, rows: "pairs",
      information.strongestPairs(topCount).map { pair in
        [
          "columns": .array([.string(name(pair.first)), .string(name(pair.second))]),
          "mutual_information": .real(pair.information.value),
          "standard_error": JSONValue(pair.information.standardError), "share": .real(pair.share),
        ]
      })
  }
}

extension DependenceOnRest {
  fileprivate var members: [JSONValue.Member] {
    [
      .init(key: "entropy", value: .real(entropy.value)),
      .init(key: "entropy_standard_error", value: JSONValue(entropy.standardError)),
      .init(key: "information", value: .real(information.value)),
      .init(key: "information_standard_error", value: JSONValue(information.standardError)),
      .init(key: "share", value: .real(share)),
    ]
  }
}

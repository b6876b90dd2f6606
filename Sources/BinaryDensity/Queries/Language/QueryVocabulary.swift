/// The words that queries may use: the columns' names, and what stands for on and off.
public struct QueryVocabulary: Sendable {
  /// The number of columns.
  public let columnCount: Int
  /// The names of the columns, if they have any.
  public let columnNames: [String]?
  private let values: TableOptions.Values?
  private let words: TextWords
  private let places: [String: [Int]]
  /// Returns which of some names was probably meant by a word that is none.
  package var suggest: @Sendable (_ word: String, _ names: [String]) -> String? = { _, _ in nil }

  /// Creates the vocabulary of a table.
  ///
  /// - Parameters:
  ///   - columnCount: the number of columns.
  ///   - columnNames: their names, if they have any.
  ///   - values: the table's own words for off and on.
  /// - Precondition: as many names as columns.
  public init(columnCount: Int, columnNames: [String]? = nil, values: TableOptions.Values? = nil) {
    precondition(
      columnNames.map { $0.count == columnCount } ?? true,
      "\(columnNames?.count ?? 0) names of \(columnCount) columns")
    self.columnCount = columnCount
    self.columnNames = columnNames
    self.values = values
    var options = TableOptions()
    options.values = values
    words = TextWords(options)
    places = Dictionary(grouping: (columnNames ?? []).indices) { columnNames?[$0] ?? "" }
  }

  /// Creates the vocabulary of the table that a checkpoint's model learnt from.
  public init(_ checkpoint: Checkpoint) {
    self.init(
      columnCount: checkpoint.model.variableCount, columnNames: checkpoint.columnNames,
      values: checkpoint.reading?.values)
  }

  /// What a value is expected to be.
  var expectedValues: String {
    values.map { "\($0.off), \($0.on) or ?" } ?? "1 or 0 (or yes, no, true, false), or ?"
  }

  /// What a word says of a column.
  enum Meaning { case value(Bool), unknown }

  /// Returns what a word says of a column, read as a table's cells are, or nil.
  ///
  /// Where a table has words of its own, 0 and 1 are understood besides unless numbers are among those words.
  func meaning(of word: String) -> Meaning? {
    let hasNumbers = values.map { Double($0.off) != nil || Double($0.on) != nil } ?? false
    if !hasNumbers && (word == "0" || word == "1") { return .value(word == "1") }
    var bytes = Array(word.utf8)
    let cell = bytes.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { words.cell($0, TextField(start: 0, end: buffer.count)) } ?? .other
    }
    return switch cell.value {
    case .off: .value(false)
    case .on: .value(true)
    case .missing: .unknown
    case .other: nil
    }
  }

  /// Whether no column is called by a number, which then can only mean a column's place.
  package var hasNoNumberNames: Bool { !(columnNames ?? []).contains(where: QueryToken.isBareNumber) }

  /// Returns the columns of a name; more than one if it has been given to several.
  func columns(named name: String) -> [Int] { places[name] ?? [] }

  /// A group of columns that were one variable of several values.
  struct Group {
    /// The columns, in their order.
    let columns: [Int]
    /// The value that each stands for.
    let values: [String]
  }

  /// Returns the columns `name=…`, or else `name_…`, if there are at least two.
  func group(named name: String) -> Group? {
    for prefix in [name + "=", name + "_"] {
      let columns = (columnNames ?? []).indices.filter {
        columnNames?[$0].hasPrefix(prefix) == true && columnNames?[$0] != prefix
      }
      if columns.count >= 2 {
        return Group(
          columns: columns, values: columns.map { String((columnNames?[$0] ?? "").dropFirst(prefix.count)) })
      }
    }
    return nil
  }

  /// Returns what a word that is no name was probably meant to be: a name, or that of a group of columns `name=…`.
  func nearest(to word: String) -> String? {
    let names = columnNames ?? []
    return suggest(
      word, names + names.compactMap { name in name.firstIndex(of: "=").map { String(name[..<$0]) } })
  }

  /// What there is, for an error: `there are 1 to 4 (smoker, runner, …)`.
  var description: String {
    let shown = columnNames.map { names in
      " (" + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …)" : ")")
    }
    return "there are #1 to #\(columnCount)\(shown ?? ", without names")"
  }
}

/// How the columns of a table become those of a model, or of another table: by name where both have names.
public enum ColumnMatching {
  /// Returns, for each wanted column, where a table has it; nil if the columns are taken as they stand.
  ///
  /// Tables and models without names are matched by position. Where both have names, the table's columns are found by
  /// them, in whatever order they are.
  /// - Parameters:
  ///   - names: the table's names.
  ///   - wanted: the names of the model, or of the training table.
  ///   - path: the table, for the error.
  /// - Throws: `DensityError.mismatch` that names what is missing, or a name that stands for two columns.
  public static func columns(
    of names: [String]?, matching wanted: [String]?, path: String
  ) throws(DensityError) -> [Int]? {
    guard let names, let wanted, names != wanted else { return nil }
    let places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    for (here, list) in [(path, names), ("the training table", wanted)] where Set(list).count < list.count {
      let repeated = list.filter { name in list.count { $0 == name } > 1 }
      throw .mismatch(
        path: path, expected: "each name once, to find columns by their names",
        found: "several columns named \(some(repeated)) in \(here)")
    }
    let missing = wanted.filter { places[$0] == nil }
    let known = Set(wanted)
    let unknown = names.filter { !known.contains($0) }
    guard missing.isEmpty && unknown.isEmpty else {
      let found = [
        missing.isEmpty ? nil : "none named \(some(missing))",
        unknown.isEmpty ? nil : "also \(some(unknown))",
      ].compactMap(\.self).joined(separator: ", ")
      throw .mismatch(
        path: path, expected: "columns of the same names as in training",
        found: unknown.isEmpty
          ? found : "\(found); to leave out what the model does not know: --ignore '\(list(unknown))'")
    }
    return wanted.compactMap { places[$0] }
  }

  /// Returns names as --ignore takes them, in a list of which a name with a comma is in quotes.
  private static func list(_ names: [String]) -> String {
    names.map { $0.contains(",") ? quoted($0.utf8) : $0 }.joined(separator: ",")
  }

  /// Returns a few names, and how many more there are.
  private static func some(_ names: [String]) -> String {
    let shown = names.prefix(3).map { quoted($0.utf8) }.joined(separator: ", ")
    return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
  }
}

/// The columns that a table is to have: a model's, or another table's.
struct WantedColumns {
  /// Their names, if they have any.
  let names: [String]?
  /// How many there are.
  let count: Int
  /// Whose they are, for the error.
  let owner: String
}

extension WantedColumns {
  /// Those of a checkpoint's model.
  init(_ checkpoint: Checkpoint) {
    self.init(names: checkpoint.columnNames, count: checkpoint.model.variableCount, owner: "the model")
  }

  /// Those of a table.
  init(_ table: DataTable) {
    self.init(names: table.columnNames, count: table.columnCount, owner: table.path)
  }
}

extension TableReader {
  /// Returns the table with its columns in the order in which they are wanted.
  ///
  /// - Throws: `DensityError.mismatch` for other names or another number of columns.
  func matching(_ wanted: WantedColumns, path: String) throws(DensityError) -> any TableReader {
    let columns = try ColumnMatching.columns(of: layout.columnNames, matching: wanted.names, path: path)
    guard layout.columnCount == wanted.count else {
      throw .mismatch(
        path: path, expected: "\(wanted.count) columns as in \(wanted.owner)", found: "\(layout.columnCount)")
    }
    guard let columns else { return self }
    return SelectedColumns(self, columns: columns, isReordered: true)
  }
}

/// Where rows came from, and how they were taken.
public struct TableSource: Hashable, Sendable {
  /// The path.
  public let path: String
  /// How the file was taken.
  public let summary: TableSummary
}

extension TableSource: CustomStringConvertible {
  /// One line, such as `table.csv: comma, names in line 1, 22 columns`.
  public var description: String { "\(path): \(summary)" }
}

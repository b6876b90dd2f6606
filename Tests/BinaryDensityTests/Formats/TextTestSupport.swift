import BinaryDensity

/// What a text was read as.
struct TakenText: Equatable, CustomStringConvertible {
  /// The rows in `0`, `1` and `?`, with a blank between two of them.
  var rows: String
  var dialect: String
  var names: [String]?
  var nameLine: Int?
  var leftOut: [String] = []

  var description: String {
    "\(rows) [\(dialect)] \(names ?? []) line \(nameLine ?? 0), without \(leftOut)"
  }
}

/// Reads a text.
func take(_ bytes: some Collection<UInt8>, _ options: TableOptions = TableOptions()) throws -> TakenText {
  try withFile(bytes) { path in try take(path: path, options) }
}

/// Reads a text file.
func take(path: String, _ options: TableOptions) throws(DensityError) -> TakenText {
  let table = try DataTable.read(path, options)
  let rows: String
  switch table.contents {
  case .bits(let bits):
    rows = words(bits) { _, _ in true }
  case .partial(let partial):
    rows = words(partial.values) { partial.known[$0, $1] }
  case .greyLevels: rows = "grey"
  }
  return TakenText(
    rows: rows, dialect: table.summary.dialect, names: table.columnNames, nameLine: table.summary.nameLine,
    leftOut: table.summary.leftOut)
}

private func words(_ bits: BinaryMatrix, _ isKnown: (Int, Int) -> Bool) -> String {
  (0..<bits.rowCount).map { row in
    (0..<bits.columnCount).map { isKnown(row, $0) ? bits[row, $0] ? "1" : "0" : "?" }.joined()
  }.joined(separator: " ")
}

/// Options, as a command line says them.
func options(
  header: Bool? = nil, columns: String? = nil, ignore: String = "", values: String? = nil,
  missing: String = ""
) -> TableOptions {
  func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
  var options = TableOptions()
  options.hasHeader = header
  options.columns = columns.map(list)
  options.ignored = list(ignore)
  options.values = values.map { .init(off: list($0)[0], on: list($0)[1]) }
  options.missing = list(missing)
  return options
}

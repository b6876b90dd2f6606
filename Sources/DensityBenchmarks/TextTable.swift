/// Columns of text under a heading, aligned for a person and still one line a row for a pipe.
struct TextTable {
  struct Column {
    let title: String
    let width: Int
    let isRight: Bool

    static func left(_ title: String, _ width: Int) -> Column {
      Column(title: title, width: width, isRight: false)
    }
    static func right(_ title: String, _ width: Int) -> Column {
      Column(title: title, width: width, isRight: true)
    }
  }

  let columns: [Column]

  init(_ columns: [Column]) { self.columns = columns }

  var heading: String { line(columns.map(\.title)) }

  /// Returns a row; a field too wide for its column moves the rest of its row.
  func line(_ fields: [String]) -> String {
    precondition(fields.count == columns.count, "\(fields.count) fields for \(columns.count) columns")
    var line = zip(columns, fields).map { column, field in
      let space = String(repeating: " ", count: max(0, column.width - field.count))
      return column.isRight ? space + field : field + space
    }.joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    return line
  }
}

/// Returns a number with three significant digits, and no exponent: `123000`, `12.3`, `0.00123`.
func significant(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  var decimals = 2
  var magnitude = abs(value)
  while magnitude >= 10 {
    magnitude /= 10
    decimals -= 1
  }
  while magnitude < 1 {
    magnitude *= 10
    decimals += 1
  }
  let power = (0..<abs(decimals)).reduce(1.0) { power, _ in power * 10 }
  guard decimals > 0 else {
    return String(Int((abs(value) / power).rounded() * power * (value < 0 ? -1 : 1)))
  }
  let digits = String(Int((abs(value) * power).rounded()))
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  return (value < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}

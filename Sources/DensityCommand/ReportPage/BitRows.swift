import BinaryDensity
import Drawing

/// Rows as a page shows them that are no pictures: columns down and rows across, or what is on where columns are many.
struct BitRows {
  let material: ReportMaterial

  /// How many columns are shown one below the other.
  static let columnLimit = 40
  /// How many names are shown of what is on in a row.
  private static let nameLimit = 24

  /// Whether all columns are shown.
  var isTable: Bool { material.model.variableCount <= Self.columnLimit }

  /// Returns rows, each with what it is called.
  func html(_ rows: BinaryMatrix, headings: [HTML], caption: String) -> HTML {
    guard isTable else { return list(rows, headings) }
    return .table(
      caption: caption + "; 1 is on, 0 is off", style: "bits", head: ["column"] + headings,
      .element("tbody", [:], lines(0..<rows.columnCount, of: rows)))
  }

  /// Returns a line a column.
  func lines(_ columns: some Sequence<Int>, of rows: BinaryMatrix) -> HTML {
    columns.map { column -> HTML in
      let cells = (0..<rows.rowCount).map { row -> HTML in
        let isOn = rows[row, column]
        return .element("td", ["class": isOn ? "on" : "off"], isOn ? "1" : "0")
      }
      return .element(
        "tr", [:], .element("th", ["scope": "row"], .name(material.name(column))) + cells.joined())
    }.joined()
  }

  /// Returns what is on in each row.
  private func list(_ rows: BinaryMatrix, _ headings: [HTML]) -> HTML {
    let items = (0..<rows.rowCount).map { row in
      HTML.element("li", [:], "\(headings[row]): \(names(rows.onBits(ofRow: row).map { Int($0) }))")
    }
    return .element("ol", ["class": "rows"], items.joined())
  }

  /// The first of some columns by name, and how many more there are.
  func names(_ columns: [Int]) -> HTML {
    guard !columns.isEmpty else { return "nothing is on" }
    let shown = columns.prefix(Self.nameLimit).map { HTML.name(material.name($0)) }.joined(", ")
    let rest = columns.count - min(columns.count, Self.nameLimit)
    return "\(columns.count) on: \(shown)\(rest > 0 ? ", and \(rest) more" : "")"
  }
}

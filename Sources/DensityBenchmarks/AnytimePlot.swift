import Arguments
import Drawing

/// What searches have found after ever longer times as a picture: a panel a table, time on a logarithmic axis.
package struct AnytimePlot {
  let findings: [Anytime.Finding]
  /// A line about the machine.
  let note: String

  package init(findings: [Anytime.Finding], note: String) {
    self.findings = findings
    self.note = note
  }

  private static let columns = 3
  private static let cell = (width: 330.0, height: 270.0)
  /// The part of a cell inside the axes, from its upper left corner.
  private static let frame = (left: 64.0, top: 40.0, width: 230.0, height: 180.0)

  /// The picture as an SVG document.
  package var svg: String {
    var tables: [String] = []
    for finding in findings where !tables.contains(finding.table) { tables.append(finding.table) }
    return SVG.document(
      title: "What a search has found after ever longer times",
      heading: "Mean of −log p in nats against the time of the search", note: note, style: Self.style,
      darkStyle: Self.darkStyle, columns: min(tables.count, Self.columns), cell: Self.cell,
      panels: tables.map { table in panel(table, findings.filter { $0.table == table }) })
  }

  private static let style = """
    .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round }
    .test { stroke: #0969da } .valid { stroke: #b35900 } text.test { fill: #0969da; stroke: none }
    text.valid { fill: #b35900; stroke: none } circle.test { fill: #0969da } circle.valid { fill: #b35900 }
    """
  private static let darkStyle = """
    .test { stroke: #58a6ff } .valid { stroke: #f0a050 } text.test { fill: #58a6ff } text.valid { fill: #f0a050 }
    circle.test { fill: #58a6ff } circle.valid { fill: #f0a050 }
    """

  private func panel(_ table: String, _ findings: [Anytime.Finding]) -> [String] {
    let frame = Self.frame
    let bottom = frame.top + frame.height
    let figures = findings.flatMap { [$0.validationNLL, $0.testNLL] }.filter(\.isFinite)
    guard let least = figures.min(), let most = figures.max(),
      let times = LogAxis(findings.map(\.seconds), from: frame.left, length: frame.width)
    else { return [] }
    let margin = max(0.05 * (most - least), 1e-3)
    func height(_ value: Double) -> Double {
      bottom - frame.height * (value - least + margin) / (most - least + 2 * margin)
    }
    var lines = [SVG.text(table, x: frame.left, y: frame.top - 12, "title")]
    for step in 0...4 {
      let value = least + (most - least) * Double(step) / 4
      lines.append(SVG.line("grid", frame.left, height(value), frame.left + frame.width, height(value)))
      let label = "\((value * 1000).rounded() / 1000)"
      lines.append(SVG.text(label, x: frame.left - 6, y: height(value) + 4, "faint", anchor: "end"))
    }
    for seconds in Set(findings.map(\.seconds)).sorted() {
      let x = times.position(seconds)
      lines.append(SVG.line("grid", x, frame.top, x, bottom))
      lines.append(SVG.text(durationText(seconds: seconds), x: x, y: bottom + 18, "faint", anchor: "middle"))
    }
    for (style, name, figure) in [
      ("test", "test", \Anytime.Finding.testNLL), ("valid", "validation", \.validationNLL),
    ] {
      let points = findings.map { (times.position($0.seconds), height($0[keyPath: figure])) }
      lines.append(
        "<polyline class=\"curve \(style)\" points=\""
          + points.map { "\(SVG.number($0.0)),\(SVG.number($0.1))" }.joined(separator: " ") + "\"/>")
      lines += points.map {
        "<circle class=\"\(style)\" cx=\"\(SVG.number($0.0))\" cy=\"\(SVG.number($0.1))\" r=\"2.4\"/>"
      }
      if let first = points.first, let finding = findings.first {
        // The upper curve is named above its first point, the lower below.
        let isUpper = finding[keyPath: figure] == max(finding.testNLL, finding.validationNLL)
        lines.append(SVG.text(name, x: first.0 + 6, y: first.1 + (isUpper ? -5 : 14), style))
      }
    }
    return lines
  }
}

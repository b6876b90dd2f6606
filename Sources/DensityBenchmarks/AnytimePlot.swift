import Arguments

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
    let rows = (tables.count + Self.columns - 1) / Self.columns
    let width = Int(Double(min(tables.count, Self.columns)) * Self.cell.width)
    let height = Int(60 + Double(rows) * Self.cell.height)
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" "
        + "height=\"\(height)\" font-family=\"sans-serif\" font-size=\"12\">",
      "<title>What a search has found after ever longer times</title>", Self.style,
      "<rect class=\"page\" width=\"\(width)\" height=\"\(height)\"/>",
      SVG.text("Mean of −log p in nats against the time of the search", x: 20, y: 28, "heading"),
      SVG.text(note, x: 20, y: 47, "faint"),
    ]
    for (index, table) in tables.enumerated() {
      let x = Double(index % Self.columns) * Self.cell.width
      let y = 60 + Double(index / Self.columns) * Self.cell.height
      lines.append("<g transform=\"translate(\(SVG.number(x)) \(SVG.number(y)))\">")
      lines += panel(table, findings.filter { $0.table == table })
      lines.append("</g>")
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static let style = """
    <style>
    .page { fill: #ffffff } text { fill: #24292f } .heading { font-size: 16px; font-weight: bold }
    .title { font-size: 13px; font-weight: bold } .faint { fill: #57606a } .grid { stroke: #d8dee4 }
    .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round }
    .test { stroke: #0969da } .valid { stroke: #b35900 } text.test { fill: #0969da; stroke: none }
    text.valid { fill: #b35900; stroke: none } circle.test { fill: #0969da } circle.valid { fill: #b35900 }
    @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #30363d }
    .test { stroke: #58a6ff } .valid { stroke: #f0a050 } text.test { fill: #58a6ff } text.valid { fill: #f0a050 }
    circle.test { fill: #58a6ff } circle.valid { fill: #f0a050 }
    }
    </style>
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
      if let first = points.first { lines.append(SVG.text(name, x: first.0 + 6, y: first.1 - 5, style)) }
    }
    return lines
  }
}

/// The pieces that plots are drawn with.
package enum SVG {
  /// Returns a document of panels side by side, some in a line, under a heading and a note.
  ///
  /// - Parameters:
  ///   - title: what a screen reader says.
  ///   - style: the rules of its classes, besides those that all documents have.
  ///   - darkStyle: the rules for who prefers dark pages.
  ///   - cell: the size of a panel's place.
  package static func document(
    title: String, heading: String, note: String, style: String, darkStyle: String, columns: Int,
    cell: (width: Double, height: Double), panels: [[String]]
  ) -> String {
    let lineCount = (panels.count + columns - 1) / columns
    let noteLines = wrapped(note, in: Double(columns) * cell.width - 40)
    let top = 44 + 16 * Double(noteLines.count)
    let (width, height) = (Int(Double(columns) * cell.width), Int(top + Double(lineCount) * cell.height))
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" "
        + "height=\"\(height)\" font-family=\"sans-serif\" font-size=\"12\">",
      "<title>\(Markup.escaped(title))</title>",
      """
      <style>
      .page { fill: #ffffff } text { fill: #24292f } .heading { font-size: 16px; font-weight: bold }
      .title { font-size: 13px; font-weight: bold } .faint { fill: #57606a } .grid { stroke: #d8dee4 }
      \(style)
      @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } text { fill: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #30363d }
      \(darkStyle)
      }
      </style>
      """,
      "<rect class=\"page\" width=\"\(width)\" height=\"\(height)\"/>",
      text(heading, x: 20, y: 28, "heading"),
    ]
    for (index, line) in noteLines.enumerated() {
      lines.append(text(line, x: 20, y: 47 + 16 * Double(index), "faint"))
    }
    for (index, panel) in panels.enumerated() {
      let x = Double(index % columns) * cell.width
      let y = top + Double(index / columns) * cell.height
      lines += ["<g transform=\"translate(\(number(x)) \(number(y)))\">"] + panel + ["</g>"]
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  /// Returns the lines of a text of 12 pixels that are no wider than so many pixels, by what letters take on average.
  package static func wrapped(_ text: String, in width: Double) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, 6.8 * Double(last.count + 1 + word.count) <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  /// Returns a text; a superscript follows it, smaller and raised.
  package static func text(
    _ content: String, x: Double, y: Double, _ style: String, anchor: String = "start",
    superscript: String = ""
  ) -> String {
    "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">"
      + Markup.escaped(content)
      + (superscript.isEmpty
        ? "" : "<tspan dy=\"-4\" font-size=\"10\">\(Markup.escaped(superscript))</tspan>")
      + "</text>"
  }

  /// Returns a straight line.
  package static func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String
  {
    "<line class=\"\(style)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" "
      + "y2=\"\(number(y2))\"/>"
  }

  /// Returns a line through points.
  package static func path(_ style: String, _ points: [(x: Double, y: Double)]) -> String {
    "<polyline class=\"\(style)\" points=\""
      + points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ") + "\"/>"
  }

  /// Returns a dot.
  package static func dot(_ style: String, x: Double, y: Double, radius: Double = 2.4) -> String {
    "<circle class=\"\(style)\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(radius)\"/>"
  }

  /// Returns a bar, from its upper left corner.
  package static func bar(_ style: String, x: Double, y: Double, width: Double, height: Double) -> String {
    "<rect class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
      + "height=\"\(number(height))\"/>"
  }

  /// What stands at a point of a line, so that who sees no colours can tell lines apart.
  package enum Mark {
    case disc
    case square
    case triangle
    case diamond
  }

  /// Returns a mark at a point.
  package static func mark(_ mark: Mark, _ style: String, x: Double, y: Double) -> String {
    func polygon(_ corners: [(Double, Double)]) -> String {
      "<polygon class=\"\(style)\" points=\""
        + corners.map { "\(number(x + $0.0)),\(number(y + $0.1))" }.joined(separator: " ") + "\"/>"
    }
    switch mark {
    case .disc: return dot(style, x: x, y: y, radius: 2.8)
    case .square: return polygon([(-2.6, -2.6), (2.6, -2.6), (2.6, 2.6), (-2.6, 2.6)])
    case .triangle: return polygon([(0, -3.6), (3.4, 2.6), (-3.4, 2.6)])
    case .diamond: return polygon([(0, -3.8), (3.8, 0), (0, 3.8), (-3.8, 0)])
    }
  }

  /// A coordinate, to a tenth.
  package static func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

  /// Returns positions near those given, in the same order and at least a distance apart.
  package static func spread(
    _ positions: [Double], by distance: Double, within range: ClosedRange<Double>
  ) -> [Double] {
    let order = positions.indices.sorted { (positions[$0], $0) < (positions[$1], $1) }
    var result = positions
    // Down as far as needed, then up from the bottom where that went too far.
    var lowest = range.lowerBound
    for index in order {
      result[index] = max(result[index], lowest)
      lowest = result[index] + distance
    }
    var highest = range.upperBound
    for index in order.reversed() {
      result[index] = min(result[index], highest)
      highest = result[index] - distance
    }
    return result
  }
}

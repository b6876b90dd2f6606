import Drawing
import Foundation

/// The growth of time as a picture: one panel a size, both axes logarithmic, every line labelled at its end.
///
/// An operation is a colour and a mark, a model a stroke: NADE solid, MADE dashed, a mixture dotted. A power stands beside a line
/// that is straight. The colours suit light and dark, and the
/// picture takes the reader's choice.
package struct GrowthPlot {
  let panels: [Growth.Panel]
  /// A line about the machine.
  let note: String

  package init(panels: [Growth.Panel], note: String) {
    self.panels = panels
    self.note = note
  }

  private static let columns = 2
  private static let cell = (width: 560.0, height: 400.0)
  /// The part of a cell inside the axes, from its upper left corner.
  private static let frame = (left: 64.0, top: 52.0, width: 310.0, height: 290.0)
  private static let labelHeight = 14.0

  /// The picture as an SVG document.
  package var svg: String {
    SVG.document(
      title: "Time of a row against each size of the model", heading: "Time of a row, in microseconds",
      note: note
        + "; NADE solid, MADE dashed, a mixture of Bernoullis dotted; exponents, of straight lines, by least squares",
      style: Self.style,
      darkStyle: Self.darkStyle, columns: Self.columns, cell: Self.cell, panels: panels.map(drawing(of:)))
  }

  private static let style = """
    .line { fill: none; stroke-width: 1.8; stroke-linejoin: round } .dashed { stroke-dasharray: 6 3 } .dotted { stroke-dasharray: 1.5 3 }
    .lead { stroke-width: 0.7; opacity: 0.6 }
    .train { stroke: #b35900 } .logp { stroke: #0969da } .sample { stroke: #1a7f37 } .naive { stroke: #cf222e }
    text.train { fill: #b35900; stroke: none } text.logp { fill: #0969da; stroke: none }
    text.sample { fill: #1a7f37; stroke: none } text.naive { fill: #cf222e; stroke: none }
    circle.train { fill: #b35900 } polygon.logp { fill: #0969da }
    polygon.sample { fill: #1a7f37 } polygon.naive { fill: #cf222e }
    """
  private static let darkStyle = """
    .train { stroke: #f0a050 } .logp { stroke: #58a6ff } .sample { stroke: #56d364 } .naive { stroke: #ff7b72 }
    text.train { fill: #f0a050 } text.logp { fill: #58a6ff } text.sample { fill: #56d364 } text.naive { fill: #ff7b72 }
    circle.train { fill: #f0a050 } polygon.logp { fill: #58a6ff }
    polygon.sample { fill: #56d364 } polygon.naive { fill: #ff7b72 }
    """

  private func drawing(of panel: Growth.Panel) -> [String] {
    let frame = Self.frame
    let points = panel.series.flatMap(\.points)
    guard let sizes = LogAxis(points.map(\.x), from: frame.left, length: frame.width),
      let times = LogAxis(points.map { 1e6 * $0.y }, from: frame.top + frame.height, length: -frame.height)
    else { return [] }
    var lines = [
      SVG.text("against \(panel.title) \(panel.symbol)", x: frame.left, y: frame.top - 26, "title"),
      SVG.text(panel.rest, x: frame.left, y: frame.top - 10, "faint"),
    ]
    for power in times.powers {
      let y = times.position(power)
      lines.append(SVG.line("grid", frame.left, y, frame.left + frame.width, y))
      lines.append(SVG.text(Self.tickLabel(power), x: frame.left - 8, y: y + 4, "faint", anchor: "end"))
    }
    for size in Set(points.map(\.x)).sorted() {
      let x = sizes.position(size)
      lines.append(SVG.line("grid", x, frame.top, x, frame.top + frame.height))
      lines.append(
        SVG.text(
          Growth.label(ofSize: size), x: x, y: frame.top + frame.height + 18, "faint", anchor: "middle"))
    }

    // Labels keep the order of the lines' ends and a distance from each other.
    let ends = panel.series.map { series in series.points.last.map { times.position(1e6 * $0.y) } ?? frame.top
    }
    let places = SVG.spread(ends, by: Self.labelHeight, within: frame.top...(frame.top + frame.height))
    for (index, series) in panel.series.enumerated() {
      let colour = Self.colour(of: series.operation)
      let path = series.points.map { (x: sizes.position($0.x), y: times.position(1e6 * $0.y)) }
      let stroke = ["MADE": "line dashed", "MIXTURE": "line dotted"][series.model] ?? "line"
      lines.append(SVG.path("\(stroke) \(colour)", path))
      lines += path.map { SVG.mark(Self.mark(of: series.operation), colour, x: $0.x, y: $0.y) }
      let right = frame.left + frame.width
      lines.append(SVG.line("lead \(colour)", right + 3, ends[index], right + 16, places[index]))
      lines.append(
        SVG.text(
          "\(series.model) \(series.operation)" + (series.law.isStraight ? " ∝ \(panel.symbol)" : ""),
          x: right + 19, y: places[index] + 4, colour,
          superscript: series.law.isStraight ? fixed(series.law.exponent) : ""))
    }
    return lines
  }

  private static func colour(of operation: String) -> String {
    switch operation {
    case Operation.train.rawValue: "train"
    case Operation.logProbability.rawValue: "logp"
    case Operation.sample.rawValue: "sample"
    default: "naive"
    }
  }

  private static func mark(of operation: String) -> SVG.Mark {
    switch operation {
    case Operation.train.rawValue: .disc
    case Operation.logProbability.rawValue: .square
    case Operation.sample.rawValue: .triangle
    default: .diamond
    }
  }

  /// A number with as many decimals as it needs: 0.5, 20, 100 000.
  private static func tickLabel(_ value: Double) -> String {
    guard value >= 1 else { return significant(value).replacing(/0+$/, with: "") }
    let digits = String(Int(value.rounded()))
    return digits.count > 4 ? digits.dropLast(3) + "\u{202F}" + digits.suffix(3) : digits
  }
}

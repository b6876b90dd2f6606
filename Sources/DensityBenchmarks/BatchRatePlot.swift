import Drawing
import Foundation

/// Validation figures against the learning rate as a picture: one panel a model and table, one line a size of batch, a large dot
/// where the recommended rate stands.
///
/// Rates are logarithmic. What lies far above the least figures is left out.
package struct BatchRatePlot {
  let panels: [BatchRates.Panel]
  /// A line about the training.
  let note: String

  package init(panels: [BatchRates.Panel], note: String) {
    self.panels = panels
    self.note = note
  }

  private static let columns = 2
  private static let cell = (width: 480.0, height: 350.0)
  /// The part of a cell inside the axes, from its upper left corner.
  private static let frame = (left: 64.0, top: 40.0, width: 310.0, height: 250.0)

  /// The picture as an SVG document.
  package var svg: String {
    SVG.document(
      title: "Validation NLL against the learning rate, for several sizes of a batch",
      heading: "Validation NLL in nats, against the learning rate",
      note: note + "; a line for each number of rows a step, a large dot at the recommended rate",
      style: Self.lineStyle + "\n" + Self.rules { $0.0 }, darkStyle: Self.rules { $0.1 },
      columns: Self.columns,
      cell: Self.cell, panels: panels.map(drawing(of:)))
  }

  /// From few rows to many: light to dark, or dark to light.
  private static let colours = [
    ("#e3a008", "#7c6410"), ("#d9730d", "#a3670f"), ("#c0392b", "#d2601a"), ("#9b2c6e", "#f07070"),
    ("#5e35a6", "#d58be0"), ("#1d3a8a", "#8fb4ff"),
  ]

  private static let lineStyle = """
    .line { fill: none; stroke-width: 1.8; stroke-linejoin: round } .lead { stroke-width: 0.7; opacity: 0.6 }
    """

  private static func rules(_ colour: ((String, String)) -> String) -> String {
    colours.enumerated().map { index, pair in
      let (name, value) = ("b\(index)", colour(pair))
      return
        ".\(name) { stroke: \(value) } text.\(name) { fill: \(value); stroke: none } circle.\(name) { fill: \(value) }"
    }.joined(separator: "\n")
  }

  private func drawing(of panel: BatchRates.Panel) -> [String] {
    let frame = Self.frame
    let (right, bottom) = (frame.left + frame.width, frame.top + frame.height)
    let bests = panel.lines.compactMap { $0.best?.nll }
    let recommended = panel.lines.map { $0.loss + ($0.best?.nll ?? 0) }.filter(\.isFinite)
    guard let least = bests.min(), let most = (bests + recommended).max(),
      let rates = LogAxis(panel.lines.flatMap(\.points).map(\.rate), from: frame.left, length: frame.width)
    else { return [] }
    // All the least figures and the recommended ones, and room to see how lines rise from them.
    let height = max(1.5 * (most - least), 0.01 * least, 1e-3)
    func y(_ nll: Double) -> Double {
      bottom - (nll - least + 0.03 * height) / (1.03 * height) * frame.height
    }
    var lines = [SVG.text(panel.title, x: frame.left, y: frame.top - 14, "title")]
    for figure in LinearAxis.ticks(least...(least + height)) {
      lines.append(SVG.line("grid", frame.left, y(figure), right, y(figure)))
      lines.append(
        SVG.text(significantTick(figure), x: frame.left - 8, y: y(figure) + 4, "faint", anchor: "end"))
    }
    for rate in rates.powers {
      let x = rates.position(rate)
      lines.append(SVG.line("grid", x, frame.top, x, bottom))
      lines.append(SVG.text("\(rate)", x: x, y: bottom + 18, "faint", anchor: "middle"))
    }
    let paths = panel.lines.map { line in
      line.points.filter { $0.nll <= least + height }
        .map { (x: rates.position($0.rate), y: y($0.nll)) }
    }
    let ends = paths.map { $0.last?.y ?? frame.top }
    let places = SVG.spread(ends, by: 14, within: frame.top...bottom)
    for (index, line) in panel.lines.enumerated() {
      let colour = "b\(index % Self.colours.count)"
      guard let end = paths[index].last else { continue }
      lines.append(SVG.path("line \(colour)", paths[index]))
      for (point, place) in zip(line.points.filter { $0.nll <= least + height }, paths[index]) {
        let isRecommended = point.rate == line.recommendedRate
        lines.append(SVG.dot(colour, x: place.x, y: place.y, radius: isRecommended ? 4.5 : 1.8))
      }
      lines.append(SVG.line("lead \(colour)", end.x + 3, end.y, right + 16, places[index]))
      lines.append(SVG.text("\(line.batchSize) rows", x: right + 19, y: places[index] + 4, colour))
    }
    return lines
  }

  private func significantTick(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}

import BinaryDensity
import Drawing

/// How the training went: the learning curve.
enum TrainingSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let histories = material.subject.histories
    let isGivenClass = material.model is LabelledDensity
    guard let first = histories.first, let curve = curve(histories, isGivenClass: isGivenClass) else {
      return nil
    }
    var content = HTML.element("figure", [:], curve.drawing + .element("figcaption", [:], "\(curve.caption)"))
    let isEstimated = material.subject.checkpoint.provenance?.validationIsEstimated == true
    if let last = first.last, histories.count == 1 {
      let figures = [
        last.trainingNLL.map { "training \(fixed($0, 3))" },
        last.validationNLL.map { "validation \(estimate(fixed($0, 3), if: isEstimated))" },
      ].compactMap(\.self).joined(separator: ", ")
      content = content + .paragraph("After pass \(last.number): \(figures) nats a row.")
    }
    return ReportSection(name: "training", title: "Learning curve", content: content)
  }

  /// How many points of a line are drawn.
  private static let pointLimit = 400
  private static let size = (width: 480, height: 300)

  private typealias Point = (x: Double, y: Double)

  /// Draws NLL against passes; nil where fewer than two passes were measured.
  private static func curve(
    _ histories: [[RunDirectory.Epoch]], isGivenClass: Bool
  ) -> (drawing: HTML, caption: String)? {
    func points(_ history: [RunDirectory.Epoch], _ figure: KeyPath<RunDirectory.Epoch, Double?>) -> [Point] {
      history.compactMap { epoch in
        epoch[keyPath: figure].flatMap { $0.isFinite ? (x: Double(epoch.number), y: $0) : nil }
      }
    }
    let measured = histories.map { points($0, \.validationNLL) }
    let validation = measured.prefix(8).filter { $0.count > 1 }
    // The training rows of several members would hide each other.
    let training =
      histories.count == 1 ? histories.map { points($0, \.trainingNLL) }.filter { $0.count > 1 } : []
    let all = (validation + training).flatMap(\.self)
    guard let lowest = all.map(\.y).min(), let lastX = all.map(\.x).max(), lastX > 1 else { return nil }
    // The first passes would leave the others flat.
    let late = all.filter { $0.x > 1 + 0.05 * lastX }.map(\.y)
    let highest = max(late.max() ?? lowest, lowest + 1e-3)
    let margin = 0.08 * (highest - lowest)
    let x = LinearAxis(1...lastX, from: 58, length: Double(size.width) - 150)
    let y = LinearAxis(
      (lowest - margin)...(highest + margin), from: Double(size.height) - 44, length: 70 - Double(size.height)
    )
    var pieces = axes(x, y)
    func draw(_ lines: [[Point]], _ style: String, _ name: String) {
      for line in lines {
        let step = (line.count + pointLimit - 1) / pointLimit
        let thinned = line.indices.filter { $0 % step == 0 || $0 == line.count - 1 }.map { line[$0] }
        let shown = thinned.filter { y.range.contains($0.y) }.map {
          (x: x.position($0.x), y: y.position($0.y))
        }
        pieces.append(SVG.path("curve \(style)", shown))
        guard let end = shown.last else { continue }
        pieces.append(SVG.mark(style == "first" ? .disc : .diamond, style, x: end.x, y: end.y))
        if lines.count == 1 {
          pieces.append(SVG.text(name, x: end.x + 8, y: end.y + (style == "first" ? 0 : 14), style))
        }
      }
    }
    draw(training, "second", "training")
    draw(validation, "first", "validation")
    let hidden = all.count { !y.range.contains($0.y) }
    let least = measured.joined().min { $0.y < $1.y }
    let words =
      least.map { "the least validation NLL is \(fixed($0.y, 3)) nats, at pass \(Int($0.x))" }
      ?? "no validation rows"
    let caption =
      """
      Mean of −log p in nats a row\(isGivenClass ? ", given its class," : "") against passes over the training rows: solid with a disc validation, dashed \
      with a diamond 
      """
      + "training, whose rows are met before each step learns from them. "
      + "\(words.prefix(1).uppercased())\(words.dropFirst())."
      + (histories.count > 1
        ? " A line each of \(min(8, histories.count)) of \(histories.count) members, validation alone." : "")
      + (hidden > 0 ? " \(counted(hidden, "higher point")) of the first passes left out." : "")
    let drawing = HTML.drawing(
      title: "Learning curve", description: words, width: size.width, height: size.height, pieces)
    return (drawing, caption)
  }

  /// The frame, with the names of the axes.
  private static func axes(_ x: LinearAxis, _ y: LinearAxis) -> [String] {
    let (right, top) = (x.start + x.length, y.start + y.length)
    var pieces: [String] = []
    for tick in y.ticks {
      pieces.append(SVG.line("grid", x.start, y.position(tick), right, y.position(tick)))
      pieces.append(SVG.text(y.label(tick), x: x.start - 6, y: y.position(tick) + 4, "faint", anchor: "end"))
    }
    for tick in x.ticks where tick == tick.rounded() {
      pieces.append(SVG.text(x.label(tick), x: x.position(tick), y: y.start + 18, "faint", anchor: "middle"))
    }
    pieces.append(SVG.text("nats a row", x: 4, y: top - 10, "faint"))
    pieces.append(SVG.text("passes", x: right, y: y.start + 36, "faint", anchor: "end"))
    return pieces
  }
}

import Arguments
import BinaryDensity
import Drawing
import Kernels

/// Rows drawn from the model.
enum SamplesSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let content: HTML
    do throws(DensityError) {
      content = try rows(material)
    } catch .unsupported(let reason) {
      content = .paragraph("This model cannot be drawn from: \(reason).")
    }
    return ReportSection(name: "samples", title: "Rows drawn from the model", content: content)
  }

  private static func rows(_ material: ReportMaterial) throws(DensityError) -> HTML {
    let labelled = material.model as? LabelledDensity
    let classes = labelled.map { Array(zip($0.classes, $0.densities).prefix(20)) }
    let count = material.imageShape == nil ? 8 : classes == nil ? 40 : 10
    var generator = Philox(seed: material.work.seed, stream: .sampling)
    let observe = material.work.observer("sampling")
    var drawn: [BinaryMatrix] = []
    let densities = classes?.map(\.1) ?? [material.model]
    for (index, density) in densities.enumerated() {
      drawn.append(try density.evaluator().sample(count: count, using: &generator))
      _ = try observe(Double(index + 1) / Double(densities.count))
    }
    let words = "Draws are exact and independent; seed \(material.work.seed), none chosen."
    if let shape = material.imageShape {
      let all = BinaryMatrix(concatenating: drawn, columnCount: material.model.variableCount)
      let lines =
        classes.map {
          " A line a class: \($0.map { Terminal.visible($0.0, limit: 40) }.joined(separator: ", "))."
        } ?? ""
      let image = all.picture(imageShape: shape, columns: 10, magnification: shape.magnification(filling: 56))
      return .picture(image, "\(all.rowCount) pictures drawn from the model", caption: "\(words)\(lines)")
    }
    let tables = drawn.enumerated().map { index, rows -> HTML in
      let heading = classes.map { "Class \(Terminal.visible($0[index].0, limit: 40))" }
      let headings = (1...rows.rowCount).map { HTML("\($0)") }
      return (heading.map { HTML.element("h3", [:], "\($0)") } ?? .nothing)
        + BitRows(material: material).html(rows, headings: headings, caption: heading ?? "Drawn rows")
    }
    return .paragraph("\(words)") + tables.joined()
  }
}

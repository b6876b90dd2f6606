import BinaryDensity
import Drawing

/// How much each column surprises.
enum ColumnsSection: ReportChapter {
  private static let lineLimit = 30

  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    guard let table = material.table, !table.wholeRows.isEmpty, let diagnosis = material.diagnosis else {
      return nil
    }
    guard let summary = diagnosis.summary else {
      return ReportSection(
        name: "columns", title: "Which columns surprise",
        content: .paragraph(
          "Of so many columns that would take long under this model: see 'density explain --summary'."))
    }
    var content = HTML.paragraph(
      """
      What each column adds to −log p on the mean, given those before it in the model's order: of two equal \
      columns the first surprises, and the second does not. Of \(table.words(summary.rowCount)).
      """
    )
    if let remainder = summary.remainder {
      content =
        content
        + .paragraph(
          """
          The model mixes several orders: columns add their mean over its parts, and \
          \(withError(-remainder.mean, remainder.standardError, 3)) nats a row, of which part a row is from, \
          belong to no column.
          """
        )
    }
    content = content + (picture(diagnosis) ?? bars(summary, material))
    return ReportSection(name: "columns", title: "Which columns surprise", content: content)
  }

  private static func picture(_ diagnosis: ReportDiagnosis) -> HTML? {
    guard let map = diagnosis.picture?.image() else { return nil }
    return .picture(
      map.image, "The share of rows in which each pixel is on, above the mean surprise of each pixel",
      scale: 2,
      caption:
        """
        Above, the share of rows in which each pixel is on, white in all. Below, its mean surprise: black is \
        none, half grey \(fixed(map.halfGrey, 3)) nats, white \(fixed(map.white, 3)) nats or more.
        """
    )
  }

  private static func bars(_ summary: ContributionSummary, _ material: ReportMaterial) -> HTML {
    let sorted = summary.variables.enumerated().sorted {
      ($0.element.mean, $0.offset) < ($1.element.mean, $1.offset)
    }
    let lines = sorted.prefix(lineLimit).map { column, mean in
      (
        name: HTML.name(material.name(column)), length: -mean.mean,
        figures: [HTML("\(withError(-mean.mean, mean.standardError, 4))")]
      )
    }
    let rest = sorted.dropFirst(lineLimit)
    let left =
      rest.isEmpty
      ? HTML.nothing
      : .note(
        """
        And \(rest.count) more, each less surprising, \(fixed(-rest.reduce(0) { $0 + $1.element.mean }, 3)) \
        nats together.
        """
      )
    return .bars(caption: "Mean surprise, the largest first", head: ["column", "nats a row"], lines) + left
  }
}

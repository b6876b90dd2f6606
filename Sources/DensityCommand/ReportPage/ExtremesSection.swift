import BinaryDensity
import Drawing

/// The most and the least probable rows.
enum ExtremesSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    guard let table = material.table, !table.wholeRows.isEmpty else { return nil }
    // Of equally probable rows the first in the table comes first, either way.
    func order(_ sign: Double) -> [Int] {
      table.wholeRows.indices.sorted { a, b in
        (sign * table.wholeRows[a].logProbability, a) < (sign * table.wholeRows[b].logProbability, b)
      }
    }
    let count = material.imageShape == nil ? 5 : 10
    let pieces = [
      shown(distinct(order(-1), count, table), "The most probable rows", material, table),
      shown(distinct(order(1), count, table), "The least probable rows", material, table),
    ]
    let content = material.imageShape == nil ? HTML.beside(pieces) : pieces.joined()
    return ReportSection(
      name: "extremes", title: "The most and the least probable rows",
      content: .paragraph(
        """
        Of \(table.words(table.wholeRows.count)); with their numbers in the table and log p in nats. Of equal \
        rows one is shown.
        """
      ) + content)
  }

  /// The first of some rows that differ.
  private static func distinct(_ order: some Sequence<Int>, _ count: Int, _ table: ReportTable) -> [Int] {
    var (places, rows): ([Int], [BinaryMatrix]) = ([], [])
    for place in order where places.count < count {
      let row = table.whole([place])
      guard !rows.contains(row) else { continue }
      places.append(place)
      rows.append(row)
    }
    return places
  }

  private static func shown(
    _ places: [Int], _ title: String, _ material: ReportMaterial, _ table: ReportTable
  ) -> HTML {
    let heading = HTML.element("h3", [:], "\(title)")
    let rows = table.whole(places)
    let labels = places.map { place in
      (number: table.wholeRows[place].number, score: fixed(table.wholeRows[place].logProbability, 3))
    }
    guard let shape = material.imageShape else {
      let headings = labels.map { label -> HTML in
        "row \(label.number) \(HTML.element("small", [:], "\(label.score)"))"
      }
      return heading + BitRows(material: material).html(rows, headings: headings, caption: title)
    }
    let figures = labels.enumerated().map { index, label -> HTML in
      let image = rows.rows(index..<index + 1).picture(
        imageShape: shape, magnification: shape.magnification(filling: 84))
      return .picture(
        image, "row \(label.number)", caption: "row \(label.number)\(HTML.element("br"))\(label.score)")
    }
    return heading + .element("div", ["class": "pictures"], figures.joined())
  }
}

import Arguments
import BinaryDensity
import Drawing
import Essentials

/// A part of a report: what it is called in addresses and to people, and what it shows.
struct ReportSection {
  let name: String
  let title: String
  let content: HTML

  /// The section with its heading.
  var html: HTML {
    "\n"
      + .element(
        "section", ["id": name, "aria-labelledby": "\(name)-title"],
        .element("h2", ["id": "\(name)-title"], "\(title)") + content)
  }
}

/// What makes a section.
protocol ReportChapter {
  /// Returns the section; nil where there is nothing to show.
  ///
  /// - Throws: `DensityError.interrupted` after Ctrl-C; what asking the model throws.
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection?
}

/// The page that a report is: its head, the way to its sections, and these.
struct ReportPage {
  /// The page as it is written.
  let text: String

  /// What makes the sections, in their order.
  private static var chapters: [any ReportChapter.Type] {
    [
      ModelSection.self, TrainingSection.self, PartsSection.self, LikelihoodSection.self, SamplesSection.self,
      CompletionsSection.self, ExtremesSection.self, ColumnsSection.self, PairsSection.self,
      CalibrationSection.self, SpeedSection.self, RepeatSection.self,
    ]
  }

  /// Makes a page.
  ///
  /// - Throws: what the sections throw.
  init(_ material: ReportMaterial) throws(DensityError) {
    var sections: [ReportSection] = []
    for chapter in Self.chapters {
      if let section = try chapter.section(material) { sections.append(section) }
    }
    let title = material.subject.place.path.split(separator: "/").last.map(String.init) ?? "model"
    let links = sections.map { section in
      HTML.element("li", [:], .element("a", ["href": "#\(section.name)"], "\(section.title)"))
    }
    let head =
      HTML.element("meta", ["charset": "utf-8"]) + Self.mark
      + .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
      + .element("meta", ["name": "color-scheme", "content": "light dark"])
      + .element("title", [:], "\(Terminal.visible(title)): report of a density") + "\n" + ReportStyle.sheet
    let top = HTML.element(
      "header", [:],
      .element("h1", [:], .element("bdi", [:], "\(Terminal.visible(title))"))
        + .element("p", [:], "\(description(of: material.model))") + Self.figures(material)
        + material.training.notes.prefix(1).map { HTML.warning("\(Terminal.visible($0))") }.joined()
        + .element(
          "nav", ["aria-label": "Sections"], .element("ul", [:], links.joined())))
    text = HTML.page(head: head, body: top + .element("main", [:], sections.map(\.html).joined()))
  }

  /// The figures that one asks for first.
  private static func figures(_ material: ReportMaterial) -> HTML {
    var figures: [(String, String)] = []
    if let measurement = material.table?.measurement {
      let summary = measurement.summary
      figures += [
        ("NLL, nats a row", withError(summary.negativeLogLikelihood, summary.standardError, 3)),
        (
          measurement.isOfKnownCells ? "bits a known cell" : "bits a variable",
          fixed(summary.bitsPerVariable, 4)
        ),
      ]
    }
    figures += [
      ("variables", "\(material.model.variableCount)"), ("parameters", "\(material.model.parameterCount)"),
    ]
    return .element(
      "dl", ["class": "figures"],
      figures.map { .element("div", [:], .element("dt", [:], "\($0)") + .element("dd", [:], "\($1)")) }
        .joined())
  }

  // MARK: Other files in its place

  /// What tells a report from other pages.
  private static let mark = HTML.element("meta", ["name": "generator", "content": "density report"])

  /// Makes sure that what stands at a path that nobody has named is a report, if anything does.
  ///
  /// - Throws: `DensityError.unwritable`.
  static func checkReplaceable(_ path: String) throws(DensityError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    let start = (try? ByteSource(path: path).peek(1000)) ?? []
    guard !String(decoding: start, as: UTF8.self).contains(mark.markup) else { return }
    throw .unwritable(
      path: path, reason: "it is there and no report; name it by --output to replace it, or name another")
  }
}

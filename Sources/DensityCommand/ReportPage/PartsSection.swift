import BinaryDensity
import Drawing

/// What a mixture is made of, and what a search has tried.
enum PartsSection: ReportChapter {
  /// How many lines of a kind are shown.
  private static let lineLimit = 20

  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let content = [parts(of: material.model), tries(material.subject.checkpoint.searchRecord)].compactMap(
      \.self)
    guard !content.isEmpty else { return nil }
    return ReportSection(name: "parts", title: "What it is made of", content: content.joined())
  }

  /// The parts by their weight.
  private static func parts(of model: any Density) -> HTML? {
    let named: [(name: String, weight: Double)]
    switch model {
    case let labelled as LabelledDensity:
      named = zip(labelled.classes, labelled.classWeights).map {
        ("class \($0)", $1)
      }
    case is Mixture, is BernoulliMixture:
      guard let components = model.components, components.count > 1 else { return nil }
      named = components.enumerated().map { ("part \($0 + 1): \(description(of: $1.density))", $1.weight) }
    default: return nil
    }
    let sorted = named.enumerated().sorted { ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset) }
    let rest = sorted.dropFirst(lineLimit).map(\.element.weight)
    return .bars(
      caption: "The parts by their weights, which add up to 1", head: ["part", "weight"],
      sorted.prefix(lineLimit).map {
        (.name($0.element.name), $0.element.weight, ["\(fixed($0.element.weight, 4))"])
      })
      + (rest.isEmpty
        ? .nothing
        : .note("And \(rest.count) more, of weights that add up to \(fixed(rest.reduce(0, +), 4))."))
  }

  /// The best of what a search has tried.
  private static func tries(_ search: SearchRecord?) -> HTML? {
    guard let search else { return nil }
    let tries = search.tries.enumerated().filter { $0.element.validationNLL.isFinite }
      .sorted { ($0.element.validationNLL, $0.offset) < ($1.element.validationNLL, $1.offset) }.map(\.element)
    guard !tries.isEmpty else { return nil }
    let lines = tries.prefix(lineLimit).map { entry in
      HTML.line(
        .name(entry.name),
        ["\(search.figure(of: entry))", "\(fixed(entry.seconds, 1))"])
    }
    return .element("h3", [:], "What the search has tried")
      + .table(
        caption:
          "The best \(lines.count) of \(tries.count), by the rows that the search held out to choose by",
        head: ["what", "validation NLL, nats a row", "seconds"], .element("tbody", [:], lines.joined()))
      + .note("The first of many is partly the first by luck: its figure is a little too good.")
  }
}

extension SearchRecord {
  /// The figure of what was tried, marked if it is an estimate: what is counted knows its own.
  fileprivate func figure(of entry: DensitySearch.Entry) -> String {
    estimate(fixed(entry.validationNLL, 4), if: estimatesFigures == true && entry.kind != .baseline)
  }
}

/// A piece of a page, which is well-formed XML too.
///
/// Text becomes part of a page by being escaped: a literal is text, and so is every string that is put into one. Marks come
/// from `element` and from drawings alone.
///
///     let cell: HTML = .element("td", ["class": "name"], "\(columnName), \(HTML.element("b", "\(share) %"))")
package struct HTML: Sendable {
  /// The piece as it is written.
  package let markup: String

  init(markup: String) { self.markup = markup }

  /// A text.
  package init(_ text: String) { markup = Markup.escaped(text) }

  /// Nothing.
  package static let nothing = HTML(markup: "")

  /// The elements that have no content, and no end.
  private static let voids: Set = ["br", "col", "hr", "img", "meta"]

  /// Returns an element; an attribute whose value is empty is left out.
  package static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ content: HTML = .nothing
  ) -> HTML {
    let start = "<\(name)" + attributes.map { $1.isEmpty ? "" : " \($0)=\(Markup.quoted($1))" }.joined()
    guard !voids.contains("\(name)") else { return HTML(markup: start + "/>") }
    return HTML(markup: start + ">" + content.markup + "</\(name)>")
  }

  /// Returns a style sheet.
  ///
  /// - Precondition: it has no marks.
  package static func style(_ rules: StaticString) -> HTML {
    let text = "\(rules)"
    precondition(!text.contains("<") && !text.contains("&"), "a style sheet with marks")
    return HTML(markup: "<style>\n\(text)\n</style>")
  }

  /// Returns a whole page.
  package static func page(head: HTML, body: HTML) -> String {
    "<!DOCTYPE html>\n"
      + element("html", ["lang": "en"], element("head", [:], head) + "\n" + element("body", [:], body)).markup
      + "\n"
  }

  /// One piece after another.
  package static func + (first: HTML, second: HTML) -> HTML { HTML(markup: first.markup + second.markup) }
}

extension [HTML] {
  /// The pieces, one after another.
  package func joined(_ separator: HTML = .nothing) -> HTML {
    HTML(markup: map(\.markup).joined(separator: separator.markup))
  }
}

extension HTML: ExpressibleByStringInterpolation {
  package init(stringLiteral text: String) { self.init(text) }
  package init(stringInterpolation pieces: StringInterpolation) { self.init(markup: pieces.markup) }

  /// Takes literals and values as text, and pieces as they are.
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var markup = ""

    package init(literalCapacity: Int, interpolationCount: Int) {}
    package mutating func appendLiteral(_ text: String) { markup += Markup.escaped(text) }
    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      markup += Markup.escaped("\(value)")
    }
    package mutating func appendInterpolation(_ piece: HTML) { markup += piece.markup }
  }
}

extension HTML {
  /// Returns a drawing that is as wide as there is room, up to its own width.
  ///
  /// - Parameters:
  ///   - title: what it is called.
  ///   - description: what it shows, for who does not see it.
  ///   - pieces: what `SVG` has drawn.
  package static func drawing(
    title: String, description: String, width: Int, height: Int, _ pieces: [String]
  ) -> HTML {
    let words = HTML(
      markup: "<title>\(Markup.escaped(title))</title><desc>\(Markup.escaped(description))</desc>")
    return element(
      "svg",
      [
        "role": "img", "aria-label": "\(title): \(description)", "viewBox": "0 0 \(width) \(height)",
        "style": "max-width: \(width)px",
      ], words + HTML(markup: pieces.joined(separator: "\n")))
  }
}

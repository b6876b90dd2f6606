import Arguments
import BinaryDensity
import Drawing
import Essentials

extension HTML {
  static func paragraph(_ text: HTML) -> HTML { .element("p", [:], text) }
  static func note(_ text: HTML) -> HTML { .element("p", ["class": "note"], text) }
  static func warning(_ text: HTML) -> HTML { .element("p", ["class": "warning"], text) }

  /// Returns facts, each with what it is called.
  static func facts(_ facts: [(String, HTML)]) -> HTML {
    .element(
      "dl", ["class": "facts"],
      facts.map { .element("dt", [:], "\($0)") + .element("dd", [:], $1) }.joined())
  }

  /// Returns a table whose first cell of each line names it; where it is wider than the page it can be scrolled by itself.
  ///
  /// - Parameters:
  ///   - caption: what the table is.
  ///   - style: its class.
  ///   - head: what stands above the columns.
  ///   - body: lines, or groups of lines, as `line` makes them.
  static func table(caption: String, style: String = "", head: [HTML], _ body: HTML) -> HTML {
    let headings = head.enumerated().map { index, heading in
      HTML.element("th", ["scope": "col", "class": index == 0 || style == "bits" ? "" : "number"], heading)
    }
    return .element(
      "div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": caption],
      .element(
        "table", ["class": style],
        .element("caption", [:], "\(caption)")
          + .element("thead", [:], .element("tr", [:], headings.joined())) + body))
  }

  /// Returns a line of a table: its name, and figures.
  static func line(_ name: HTML, _ figures: [HTML]) -> HTML {
    .element(
      "tr", [:],
      .element("th", ["scope": "row"], name)
        + figures.map { .element("td", ["class": "number"], $0) }.joined())
  }

  /// Returns lines of names with bars of these lengths, the longest across all the room, and figures.
  static func bars(
    caption: String, head: [HTML], _ lines: [(name: HTML, length: Double, figures: [HTML])]
  ) -> HTML {
    let longest = lines.map(\.length).max() ?? 1
    let body = lines.map { line -> HTML in
      let share = longest > 0 ? max(0, line.length / longest) : 0
      let bar = HTML.element("span", ["style": "width: \(fixed(100 * share, 1))%"])
      return .element(
        "tr", [:],
        .element("th", ["scope": "row"], line.name)
          + line.figures.map { .element("td", ["class": "number"], $0) }.joined()
          + .element("td", ["class": "bar", "aria-hidden": "true"], bar))
    }
    return .table(
      caption: caption, style: "bars", head: head + [""], .element("tbody", [:], body.joined()))
  }

  /// Returns a picture with what it shows below it.
  ///
  /// - Parameters:
  ///   - words: what it shows, for who does not see it.
  ///   - scale: how many pixels of the page a pixel becomes.
  static func picture(_ image: GreyImage, _ words: String, scale: Int = 1, caption: HTML) -> HTML {
    let bytes = Data(image.encodedPNG()).base64EncodedString()
    return .element(
      "figure", [:],
      .element(
        "img",
        [
          "src": "data:image/png;base64,\(bytes)", "alt": words, "width": "\(image.width * scale)",
          "height": "\(image.height * scale)",
        ]) + .element("figcaption", [:], caption))
  }

  /// Returns pieces side by side where there is room.
  static func beside(_ pieces: [HTML]) -> HTML {
    .element("div", ["class": "beside"], pieces.map { .element("div", [:], $0) }.joined())
  }

  /// A name from a file, whose direction of writing stays its own.
  static func name(_ text: String) -> HTML { .element("bdi", [:], "\(Terminal.visible(text, limit: 120))") }
}

extension ImageShape {
  /// Returns the side of the square that a pixel becomes, so that neither side of a picture is longer than a length, in pixels,
  /// if that can be.
  func magnification(filling length: Int) -> Int { max(1, length / max(width, height)) }
}

/// Text among the marks of XML and HTML.
enum Markup {
  /// Returns a text as it stands between marks, or in an attribute: what would be a mark is written out, and what XML has no
  /// place for, such as most control characters, becomes U+FFFD.
  ///
  /// - Source: Extensible Markup Language 1.0, fifth edition, 2.2 and 2.4.
  static func escaped(_ text: some StringProtocol) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Returns a text as the value of an attribute, in its quotes.
  static func quoted(_ text: some StringProtocol) -> String {
    "\"" + escaped(text).replacing("\"", with: "&quot;") + "\""
  }
}

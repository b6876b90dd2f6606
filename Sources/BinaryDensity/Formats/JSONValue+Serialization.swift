extension Unicode.Scalar {
  /// Whether it is a control character, or steers how others are shown.
  fileprivate var isInvisible: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value on one line without spaces, the same bytes for the same value.
  ///
  /// Reals are written with the fewest digits that read back as the same `Double`.
  package var description: String {
    var text = ""
    write(to: &text, indentation: nil)
    return text
  }

  /// The value over several lines, indented by two spaces a level, for people.
  package var indentedDescription: String {
    var text = ""
    write(to: &text, indentation: 0)
    return text
  }

  /// Appends the value; `indentation` is the level of the line it starts on, or nil for all on one line.
  private func write(to text: inout String, indentation: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .largeInteger(let value): text += String(value)
    case .real(let value): text += value.isFinite ? value.description : "null"
    case .string(let value): JSONValue.write(value, to: &text)
    case .array(let elements):
      JSONValue.write(elements, between: ("[", "]"), to: &text, indentation: indentation) {
        element, text, level in
        element.write(to: &text, indentation: level)
      }
    case .object(let members):
      JSONValue.write(members, between: ("{", "}"), to: &text, indentation: indentation) {
        member, text, level in
        JSONValue.write(member.key, to: &text)
        text += level == nil ? ":" : ": "
        member.value.write(to: &text, indentation: level)
      }
    }
  }

  private static func write<Item>(
    _ items: [Item], between brackets: (open: String, close: String), to text: inout String,
    indentation: Int?,
    _ writeItem: (Item, inout String, Int?) -> Void
  ) {
    text += brackets.open
    let level = indentation.map { $0 + 1 }
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      if let level { text += "\n" + String(repeating: "  ", count: level) }
      writeItem(item, &text, level)
    }
    if let indentation, !items.isEmpty { text += "\n" + String(repeating: "  ", count: indentation) }
    text += brackets.close
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // Nor what steers a terminal, or the direction of writing, which JSON would allow.
      case "\u{00}"..<"\u{20}",
        _ where scalar.value >= 0x7F && scalar.isInvisible:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension JSONValue {
  /// Creates the value that `Checkpoint.encode` writes of something.
  package init(encoding value: some Encodable) throws(DensityError) {
    try self.init(parsing: Array(Checkpoint.encode(value).utf8)[...], path: "\(type(of: value))")
  }
}

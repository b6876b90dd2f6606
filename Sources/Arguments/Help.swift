extension Command {
  /// Returns the help of the command, in lines of some columns, with a line break at its end.
  package func help(in program: String, width: Int = 80) -> String {
    var page = HelpPage(width: width)
    page.paragraphs(summary)
    page.section("Usage")
    page.usage(usage(in: program))
    if !discussion.isEmpty { page.paragraphs("\n" + discussion) }
    if !positionals.isEmpty {
      page.section("Arguments")
      page.table(positionals.map { ("<\($0.name)>", $0.help) })
    }
    page.section("Options")
    page.table((options + Option.common).map { ($0.label, $0.explanation) })
    if !examples.isEmpty { page.section("Examples") }
    for example in examples {
      page.verbatim(example.line)
      page.indented(example.explanation)
    }
    return page.text
  }

  /// How the command is typed, in one line.
  func usage(in program: String) -> String {
    let words = positionals.map { positional in
      let name = "<\(positional.name)>" + (positional.arity.isRepeated ? "..." : "")
      return positional.arity.isRequired ? name : "[\(name)]"
    }
    let required = options.filter(\.isRequired).map(\.usage)
    return (["\(program) \(name)"] + required + ["[options]"] + words).joined(separator: " ")
  }
}

extension Program {
  /// Returns the help of the program, in lines of some columns, with a line break at its end.
  package func help(width: Int = 80) -> String {
    var page = HelpPage(width: width)
    page.paragraphs(summary)
    page.section("Usage")
    page.usage("\(name) <command> [options]")
    if !discussion.isEmpty { page.paragraphs("\n" + discussion) }
    page.section("Commands")
    page.table(commands.map { ($0.name, $0.summary) })
    if !topics.isEmpty {
      page.section("Topics")
      page.table(topics.map { ("help \($0.name)", $0.summary) })
    }
    page.paragraphs("\n'\(name) <command> --help' tells more of a command.")
    return page.text
  }
}

/// Something that `help` tells of besides commands.
package struct HelpTopic: Sendable {
  /// A part of the page: a title and rows of two columns, or none and paragraphs.
  package enum Section: Sendable {
    case paragraphs(String)
    case table(title: String, rows: [(label: String, explanation: String)])
    /// Lines to be typed as they stand, each with what it does.
    case examples([Command.Example])
  }

  /// The word after `help`.
  package let name: String
  /// What it is about, in one line.
  package let summary: String
  private let sections: @Sendable () -> [Section]

  /// Declares a topic, whose sections are made when somebody reads them.
  package init(name: String, summary: String, sections: @autoclosure @escaping @Sendable () -> [Section]) {
    self.name = name
    self.summary = summary
    self.sections = sections
  }

  /// Returns the page, in lines of some columns, with a line break at its end.
  package func page(width: Int = 80) -> String {
    var page = HelpPage(width: width)
    page.paragraphs(summary)
    for section in sections() {
      switch section {
      case .paragraphs(let text): page.paragraphs("\n" + text)
      case .table(let title, let rows):
        page.section(title)
        page.table(rows)
      case .examples(let examples):
        page.section("Examples")
        for example in examples {
          page.verbatim(example.line)
          page.indented(example.explanation)
        }
      }
    }
    return page.text
  }
}

extension Option {
  /// What stands on the left of the help, with room kept for a short name.
  fileprivate var label: String { (short.map { "-\($0), " } ?? "    ") + usage }

  /// What stands on the right of the help.
  var explanation: String {
    var notes: [String] = []
    if !allowed.isEmpty { notes.append("one of \(allowed.joined(separator: ", "))") }
    if isRequired { notes.append("required") }
    if isRepeated { notes.append("may be repeated") }
    if let defaultValue { notes.append("default: \(defaultValue)") }
    return notes.isEmpty ? help : "\(help) (\(notes.joined(separator: "; ")))"
  }
}

/// A page of help as it grows.
private struct HelpPage {
  /// The columns of its lines.
  private let width: Int
  /// A label wider than this stands on a line of its own.
  private var maximumLabelWidth: Int { min(26, width / 3) }

  private(set) var text = ""

  init(width: Int) { self.width = width }

  mutating func section(_ title: String) { paragraphs("\n\(title):") }

  /// Appends a line that must be typed as it stands, so it is not broken whatever its length.
  mutating func verbatim(_ line: String) { text += "  \(line)\n" }

  /// Appends how a command is typed, which goes on further in where the line is too narrow.
  mutating func usage(_ line: String) {
    let lines = line.count + 2 <= width ? [line] : wrapped(line, width: width - 6)
    text += "  " + lines.joined(separator: "\n      ") + "\n"
  }

  mutating func paragraphs(_ paragraphs: String) { append(paragraphs, indentation: 0) }

  mutating func indented(_ paragraphs: String) { append(paragraphs, indentation: 6) }

  /// Appends two aligned columns.
  mutating func table(_ rows: [(label: String, explanation: String)]) {
    let fitting = rows.map(\.label.count).filter { $0 <= maximumLabelWidth }
    let column = 2 + (fitting.max() ?? maximumLabelWidth) + 2
    for row in rows {
      let lines = wrapped(row.explanation, width: width - column)
      let margin = String(repeating: " ", count: column)
      var first = "  \(row.label)"
      if first.count + 2 > column {
        text += "\(first)\n"
        first = ""
      }
      text += first + margin.dropFirst(first.count) + lines.joined(separator: "\n\(margin)") + "\n"
    }
  }

  private mutating func append(_ paragraphs: String, indentation: Int) {
    let margin = String(repeating: " ", count: indentation)
    for paragraph in paragraphs.split(separator: "\n", omittingEmptySubsequences: false) {
      let lines = wrapped(String(paragraph), width: width - indentation)
      text += lines.map { $0.isEmpty ? "\n" : "\(margin)\($0)\n" }.joined()
    }
  }
}

/// Breaks a text between words into lines of at most `width` columns; a longer word has a line of its own.
func wrapped(_ text: String, width: Int) -> [String] {
  var lines = [""]
  for word in text.split(separator: " ") {
    let last = lines[lines.count - 1]
    if last.isEmpty {
      lines[lines.count - 1] = String(word)
    } else if last.count + 1 + word.count <= width {
      lines[lines.count - 1] = "\(last) \(word)"
    } else {
      lines.append(String(word))
    }
  }
  return lines
}

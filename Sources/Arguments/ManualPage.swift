extension Program {
  /// The program's page for `man`: its commands with all that their help says, in roff.
  ///
  /// - Source: man(7), the macros of manual pages.
  package var manualPage: String {
    var page = ".TH \(name.uppercased()) 1 \"\" \"\(name) \(version ?? "")\" \"\"\n"
    page += ".SH NAME\n\(roff(name)) \\- \(roff(summary))\n"
    page += ".SH SYNOPSIS\n.B \(roff(name))\n.I command\n[options]\n"
    if !discussion.isEmpty { page += ".SH DESCRIPTION\n" + Self.paragraphs(discussion) }
    page += ".SH COMMANDS\n"
    for command in commands { page += ".TP\n.B \(roff(command.name))\n\(roff(command.summary))\n" }
    for command in commands { page += command.manualSection(in: name) }
    for topic in topics {
      page += ".SH \"\(roff(topic.name.uppercased()))\"\n.nf\n"
      page += topic.page().split(separator: "\n", omittingEmptySubsequences: false).map { roff($0) }
        .joined(separator: "\n")
      page += ".fi\n"
    }
    return page
  }

  fileprivate static func paragraphs(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.isEmpty ? ".PP\n" : roff($0) + "\n"
    }.joined()
  }
}

extension Command {
  /// What the page says of one command.
  fileprivate func manualSection(in program: String) -> String {
    var page = ".SH \"\(roff("\(program) \(name)".uppercased()))\"\n" + roff(summary) + "\n"
    page += ".PP\n.B " + roff(usage(in: program)) + "\n"
    if !discussion.isEmpty { page += ".PP\n" + Program.paragraphs(discussion) }
    for positional in positionals { page += ".TP\n.I \(roff(positional.name))\n\(roff(positional.help))\n" }
    for option in options {
      let typed = (option.short.map { "-\($0), " } ?? "") + option.usage
      page += ".TP\n.B \(roff(typed))\n\(roff(option.explanation))\n"
    }
    if !examples.isEmpty { page += ".PP\nExamples:\n" }
    for example in examples { page += ".TP\n.B \(roff(example.line))\n\(roff(example.explanation))\n" }
    return page
  }
}

/// A line of text as roff takes it: what stands for something else as it is, letters beyond ASCII by their numbers, and no
/// request at its start.
private func roff(_ text: some StringProtocol) -> String {
  let escaped = text.unicodeScalars.map { scalar in
    switch scalar {
    case "\\": "\\e"
    case "-": "\\-"
    case "'": "\\(aq"
    case "\"": "\\(dq"
    case "`": "\\(ga"
    case "^": "\\(ha"
    case "~": "\\(ti"
    case _ where scalar.isASCII: String(scalar)
    default:
      "\\[u" + String(repeating: "0", count: max(0, 4 - String(scalar.value, radix: 16).count))
        + String(scalar.value, radix: 16, uppercase: true) + "]"
    }
  }.joined()
  return escaped.first == "." ? "\\&" + escaped : escaped
}

/// A program of several commands.
package struct Program: Sendable {
  /// What a command line asks for.
  package enum Invocation: Sendable {
    /// A text to print on standard output, such as help; nothing else is to be done.
    case show(String)
    /// A command to carry out, by `arguments.command.run(arguments)`.
    case run(ParsedArguments)
  }

  /// The word that calls the program.
  package let name: String
  /// What it does, in one line.
  package let summary: String
  /// More about it, in paragraphs divided by blank lines.
  package let discussion: String
  /// The version printed by `--version`; nil when there is none.
  package let version: String?
  /// The commands, in the order of the help.
  package let commands: [Command]
  /// What `help` tells of besides commands.
  package let topics: [HelpTopic]

  /// Declares a program.
  package init(
    name: String, summary: String, discussion: String = "", version: String? = nil, commands: [Command],
    topics: [HelpTopic] = []
  ) {
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.version = version
    self.commands = commands
    self.topics = topics
  }

  /// Reads a command line, without the program's own name.
  ///
  /// `--help` is understood everywhere, as are `help` and `help <command>`; no command at all asks for help.
  ///
  /// - Parameter helpWidth: the columns of the lines of help.
  /// - Throws: `UsageError` for an unknown command, and as `Command.parse(_:)` does.
  package func parse(_ arguments: [String], helpWidth: Int = 80) throws(UsageError) -> Invocation {
    guard let word = arguments.first else { return .show(help(width: helpWidth)) }
    let rest = Array(arguments.dropFirst())
    switch word {
    case "--help", "-h": return .show(help(width: helpWidth))
    case "help":
      guard let word = rest.first else { return .show(help(width: helpWidth)) }
      if let topic = topics.first(where: { $0.name == word }) { return .show(topic.page(width: helpWidth)) }
      return .show(try command(word).help(in: name, width: helpWidth))
    case "--version":
      if let version { return .show("\(name) \(version)\n") }
    default: break
    }
    if word.hasPrefix("-") {
      throw UsageError("unknown option \(word); a command comes first, as in '\(name) help'")
    }
    let command = try command(word)
    return command.asksForHelp(rest)
      ? .show(command.help(in: name, width: helpWidth)) : .run(try command.parse(rest))
  }

  private func command(_ word: String) throws(UsageError) -> Command {
    if let command = commands.first(where: { $0.name == word }) { return command }
    let names = commands.map(\.name)
    if let suggestion = Suggestion.nearest(to: word, among: names) {
      throw UsageError("unknown command '\(word)'; did you mean \(suggestion)?")
    }
    throw UsageError("unknown command '\(word)'; there are \(names.joined(separator: ", "))")
  }
}

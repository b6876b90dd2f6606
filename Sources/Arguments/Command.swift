/// One command of a program: a declaration, from which parsing and help both follow, and what carries it out.
///
///     let sample = Command(
///       name: "sample",
///       summary: "Draw samples from a trained model.",
///       options: [
///         .value("count", short: "n", placeholder: "rows", default: "100", help: "How many samples."),
///         .flag("json", help: "Print the figures as JSON."),
///       ],
///       positionals: [Positional("checkpoint", help: "The trained model.")],
///       examples: [Command.Example("density sample runs/nade/best.safetensors", "draws 100 digits")]
///     ) { arguments in
///       let count = try arguments.value("count", as: .integer(in: 1...))
///       …
///       return .success
///     }
package struct Command: Sendable {
  /// One line to type, and what comes of it.
  package struct Example: Sendable {
    package let line: String
    package let explanation: String

    /// Declares an example.
    package init(_ line: String, _ explanation: String) {
      self.line = line
      self.explanation = explanation
    }
  }

  /// The word that calls the command.
  package let name: String
  /// What it does, in one line.
  package let summary: String
  /// More about it, in paragraphs divided by blank lines; lines are broken for it.
  package let discussion: String
  /// The options, in the order of the help; `--quiet` and `--help` are understood besides.
  package let options: [Option]
  /// The arguments without names, in their order.
  package let positionals: [Positional]
  /// What one might type.
  package let examples: [Example]
  /// Carries it out, and says how the process is to end.
  package let run: @Sendable (ParsedArguments) throws -> ExitStatus

  /// Declares a command.
  ///
  /// - Precondition: no two options or positionals share a name, `help`, `quiet`, `-h` and `-q` are left free, and only the
  ///   last positional may be optional or repeated.
  package init(
    name: String, summary: String, discussion: String = "", options: [Option] = [],
    positionals: [Positional] = [],
    examples: [Example] = [], run: @escaping @Sendable (ParsedArguments) throws -> ExitStatus
  ) {
    let names = options.map(\.name) + positionals.map(\.name) + Option.common.map(\.name)
    precondition(Set(names).count == names.count, "\(name) declares a name twice")
    let shorts = (options + Option.common).compactMap(\.short)
    precondition(Set(shorts).count == shorts.count, "\(name) declares a short name twice")
    precondition(
      positionals.dropLast().allSatisfy { $0.arity == .one },
      "only the last argument of \(name) may be optional or repeated")
    precondition(
      positionals.compactMap(\.alias).allSatisfy(options.map(\.name).contains),
      "an argument of \(name) has an alias that is no option")
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.options = options
    self.positionals = positionals
    self.examples = examples
    self.run = run
  }

  /// Whether there is an option of this name.
  package func declares(option name: String) -> Bool { options.contains { $0.name == name } }
}

extension Command {
  /// Reads the arguments that follow the command's name.
  ///
  /// Understood are `--name value`, `--name=value`, `-n value`, `-n=value`, `-nvalue` and flags, of which several may share
  /// a dash, in any order and mixed with positional arguments. What begins with a dash is an option, but for a lone `-`, for negative
  /// numbers and for everything after `--`; a value of that kind is given as `--name=-value`.
  ///
  /// - Throws: `UsageError` for an unknown option, with the nearest known one; a value missing, superfluous
  ///   or not allowed; an option given twice, or both as one and as an argument; an argument missing or too many.
  package func parse(_ arguments: [String]) throws(UsageError) -> ParsedArguments {
    var values: [String: [String]] = [:]
    var words: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        words += rest
        break
      }
      guard Self.isOption(argument) else {
        words.append(argument)
        continue
      }
      let (typed, attached) = split(argument, &rest)
      let option = try option(typedAs: typed)
      let value = try value(of: option, typedAs: typed, attached: attached, rest: &rest)
      guard option.isRepeated || values[option.name] == nil else {
        throw UsageError("\(typed) is given twice")
      }
      values[option.name, default: []].append(value)
    }
    try assign(words, to: &values)
    for option in options where option.isRequired && values[option.name] == nil {
      throw UsageError("missing option \(option.usage)")
    }
    return ParsedArguments(command: self, values: values)
  }

  /// Whether the arguments ask for help rather than for work.
  func asksForHelp(_ arguments: [String]) -> Bool {
    arguments.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
  }

  private static func isOption(_ argument: String) -> Bool {
    guard argument.first == "-", let second = argument.dropFirst().first else { return false }
    return !(second.isASCII && second.isNumber) && second != "."
  }

  /// Divides an option as it was typed into its name and the value attached to it; of several flags behind one dash, those
  /// after the first go back to the rest.
  private func split(_ argument: String, _ rest: inout ArraySlice<String>) -> (
    typed: String, attached: String?
  ) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
      String.init)
    let (typed, attached) = (parts[0], parts.count == 2 ? parts[1] : nil)
    let known = options + [.quiet]
    // A long name behind one dash is a slip, and not a short name with a value.
    guard typed.count > 2, !typed.hasPrefix("--"), !known.contains(where: { typed == "-\($0.name)" }),
      let short = known.first(where: { typed.dropFirst().first == $0.short })
    else { return (typed, attached) }
    let remainder = String(argument.dropFirst(2))
    if short.placeholder == nil {
      rest = ["-" + remainder] + rest
      return (String(typed.prefix(2)), nil)
    }
    return (String(typed.prefix(2)), remainder)
  }

  private func option(typedAs typed: String) throws(UsageError) -> Option {
    let known = (options + [.quiet]).first {
      typed == "--\($0.name)" || $0.short.map { typed == "-\($0)" } ?? false
    }
    if let known { return known }
    let bare = String(typed.drop { $0 == "-" })
    // One letter is too little to guess from.
    let names = (options + Option.common).map(\.name)
    let suggestion = bare.count > 1 ? Suggestion.nearest(to: bare, among: names) : nil
    throw UsageError("unknown option \(typed)" + (suggestion.map { "; did you mean --\($0)?" } ?? ""))
  }

  /// Returns the value of an option that was met; the empty string for a flag.
  private func value(
    of option: Option, typedAs typed: String, attached: String?, rest: inout ArraySlice<String>
  ) throws(UsageError) -> String {
    guard let placeholder = option.placeholder else {
      if let attached { throw UsageError("\(typed) takes no value, found '\(attached)'") }
      return ""
    }
    let value: String
    if let attached {
      value = attached
    } else if let next = rest.first, !Self.isOption(next) {
      value = next
      rest.removeFirst()
    } else {
      throw UsageError("\(typed) needs a value, <\(placeholder)>")
    }
    if !option.allowed.isEmpty, !option.allowed.contains(value) {
      throw UsageError(unknownChoice: value, of: option.allowed, for: typed)
    }
    return value
  }

  private func assign(_ words: [String], to values: inout [String: [String]]) throws(UsageError) {
    var rest = words[...]
    for positional in positionals {
      if positional.arity.isRepeated {
        values[positional.name] = rest.isEmpty ? nil : Array(rest)
        rest = []
      } else if let word = rest.popFirst() {
        values[positional.name] = [word]
        if !positional.choices.isEmpty, !positional.choices.contains(word) {
          throw UsageError(unknownChoice: word, of: positional.choices, for: "<\(positional.name)>")
        }
      }
      try link(positional, in: &values)
      if positional.arity.isRequired, values[positional.name] == nil {
        throw UsageError("missing argument <\(positional.name)>")
      }
    }
    if let extra = rest.first { throw UsageError("unexpected argument '\(extra)'") }
  }

  /// Gives an argument and the option that may stand in its place the same value.
  private func link(_ positional: Positional, in values: inout [String: [String]]) throws(UsageError) {
    guard let alias = positional.alias else { return }
    if values[positional.name] != nil && values[alias] != nil {
      throw UsageError("<\(positional.name)> and --\(alias) are the same; give one of them")
    }
    let value = values[positional.name] ?? values[alias]
    (values[positional.name], values[alias]) = (value, value)
  }
}

extension UsageError {
  /// Creates the error of a value that is none of those to choose from.
  init(unknownChoice value: String, of choices: [String], for name: String) {
    let suggestion = Suggestion.nearest(to: value, among: choices)
    self.init(
      "\(name): expected one of \(choices.joined(separator: ", ")), found '\(value)'"
        + (suggestion.map { "; did you mean \($0)?" } ?? ""))
  }
}

extension Option {
  /// The option as one types it: `--name <placeholder>`.
  var usage: String { "--\(name)" + (placeholder.map { " <\($0)>" } ?? "") }
}

/// What was given to a command, by the names of its declaration.
///
///     let epochs = try arguments.value("epochs", as: .integer(in: 1...))
///     let limit = try arguments.optionalValue("limit", as: .integer(in: 0...))
///     let isJSON = arguments.flag("json")
///
/// Asking for a name that the command does not declare is a broken contract, and stops the program.
package struct ParsedArguments: Sendable {
  /// The command that was called.
  package let command: Command
  private let values: [String: [String]]

  init(command: Command, values: [String: [String]]) {
    self.command = command
    self.values = values
  }

  /// Whether the command declares an option or a positional argument of this name.
  package func declares(_ name: String) -> Bool {
    option(name) != nil || command.positionals.contains { $0.name == name }
  }

  /// Whether nothing is to be said on standard error but what goes wrong.
  package var isQuiet: Bool { values[Option.quiet.name] != nil }

  /// Whether everything is to be said that can be.
  package var isVerbose: Bool { values["verbose"] != nil }

  /// Whether a flag was given.
  package func flag(_ name: String) -> Bool {
    precondition(
      option(name)?.placeholder == nil && option(name) != nil, "\(command.name) has no flag --\(name)")
    return values[name] != nil
  }

  /// Whether an option or a positional argument was given, rather than left to its default.
  package func isGiven(_ name: String) -> Bool {
    checkDeclared(name)
    return values[name] != nil
  }

  /// Returns the value of an option or a positional argument, given or default.
  ///
  /// - Throws: `UsageError` when it has no value or one of another form.
  package func value<Value>(_ name: String, as format: ValueFormat<Value>) throws(UsageError) -> Value {
    guard let value = try optionalValue(name, as: format) else {
      let argument = command.positionals.first { $0.name == name || $0.alias == name }
      throw UsageError(
        argument.map { "missing argument <\($0.name)>" } ?? "missing option \(option(name)?.usage ?? name)")
    }
    return value
  }

  /// Returns the value of an option or a positional argument, or nil when it has neither been given nor a
  /// default.
  ///
  /// - Throws: `UsageError` when the value has another form.
  package func optionalValue<Value>(
    _ name: String, as format: ValueFormat<Value>
  ) throws(UsageError) -> Value? {
    try values(name, as: format).last
  }

  /// Returns all values of an option or a positional argument in the order given; the default when there is
  /// none.
  ///
  /// - Throws: `UsageError` when one has another form.
  package func values<Value>(_ name: String, as format: ValueFormat<Value>) throws(UsageError) -> [Value] {
    checkDeclared(name)
    let label = option(name).map { "--\($0.name)" } ?? "<\(name)>"
    let texts = values[name] ?? option(name)?.defaultValue.map { [$0] } ?? []
    var result: [Value] = []
    for text in texts {
      guard let value = format.parse(text) else { throw format.error(for: text, label: label) }
      result.append(value)
    }
    return result
  }

  /// Returns the options that were given, as words that parse to the same: `--name`, or `--name=value`.
  package func optionWords(_ isIncluded: (_ name: String) -> Bool) -> [String] {
    command.options.filter { isIncluded($0.name) }.flatMap { option in
      (values[option.name] ?? []).map {
        option.placeholder == nil ? "--\(option.name)" : "--\(option.name)=\($0)"
      }
    }
  }

  private func option(_ name: String) -> Option? { command.options.first { $0.name == name } }

  private func checkDeclared(_ name: String) {
    precondition(declares(name), "\(command.name) declares no '\(name)'")
  }
}

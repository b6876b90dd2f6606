/// What a command takes under a name: `--epochs 20`, `-o picture.png`, or a flag such as `--json`.
package struct Option: Hashable, Sendable {
  /// The long name, without its dashes.
  package let name: String
  /// The short name, without its dash.
  package let short: Character?
  /// What stands for the value in the help; nil for a flag, which takes none.
  package let placeholder: String?
  /// The value used when none is given, as it would be typed.
  package let defaultValue: String?
  /// The values to choose from; empty when any is taken.
  package let allowed: [String]
  /// Whether it may be given more than once.
  package let isRepeated: Bool
  /// Whether it must be given.
  package let isRequired: Bool
  /// What it does, in a sentence or two.
  package let help: String

  /// Declares an option that takes a value.
  ///
  /// - Precondition: a required option has no default; a default is among the allowed values; the short name
  ///   is a letter, for `-5` is a number.
  package static func value(
    _ name: String, short: Character? = nil, placeholder: String, default defaultValue: String? = nil,
    allowed: [String] = [], isRepeated: Bool = false, isRequired: Bool = false, help: String
  ) -> Option {
    precondition(!isRequired || defaultValue == nil, "--\(name) is required, so its default is never used")
    if let defaultValue, !allowed.isEmpty {
      precondition(allowed.contains(defaultValue), "--\(name) does not allow its own default")
    }
    return Option(
      name: name, short: short, placeholder: placeholder, defaultValue: defaultValue, allowed: allowed,
      isRepeated: isRepeated, isRequired: isRequired, help: help)
  }

  /// Declares a flag: it is given or it is not.
  package static func flag(_ name: String, short: Character? = nil, help: String) -> Option {
    Option(
      name: name, short: short, placeholder: nil, defaultValue: nil, allowed: [], isRepeated: false,
      isRequired: false, help: help)
  }

  private init(
    name: String, short: Character?, placeholder: String?, defaultValue: String?, allowed: [String],
    isRepeated: Bool, isRequired: Bool, help: String
  ) {
    precondition(
      !name.isEmpty && !name.hasPrefix("-") && !name.contains("="), "'\(name)' cannot name an option")
    precondition(short?.isLetter ?? true, "the short name of --\(name) is no letter")
    self.name = name
    self.short = short
    self.placeholder = placeholder
    self.defaultValue = defaultValue
    self.allowed = allowed
    self.isRepeated = isRepeated
    self.isRequired = isRequired
    self.help = help
  }

  /// The options that every command has besides its own.
  static let common = [quiet, help]
  static let quiet = Option.flag(
    "quiet", short: "q", help: "Say nothing on standard error but what goes wrong.")
  /// The option of commands that can say more than they usually do.
  package static func verbose(_ what: String) -> Option {
    .flag("verbose", short: "v", help: "Print \(what).")
  }
  static let help = Option.flag("help", short: "h", help: "Show this help.")
}

/// What a command takes by its place: `<checkpoint>`.
package struct Positional: Hashable, Sendable {
  /// How many arguments it stands for.
  package enum Arity: Hashable, Sendable {
    case one
    case oneOrNone
    case oneOrMore
    case any

    var isRequired: Bool { self == .one || self == .oneOrMore }
    var isRepeated: Bool { self == .oneOrMore || self == .any }
  }

  /// The name, as in the usage line but without brackets.
  package let name: String
  /// How many arguments it stands for.
  package let arity: Arity
  /// The option that may be given in its place, if there is one.
  package let alias: String?
  /// The words to choose from; empty when any is taken.
  package let choices: [String]
  /// What it is, in a sentence or two.
  package let help: String

  /// Declares an argument.
  ///
  /// - Parameters:
  ///   - alias: the name of an option of the command that stands for the same; nil for none.
  ///   - choices: the words to choose from; none for any.
  package init(
    _ name: String, arity: Arity = .one, alias: String? = nil, choices: [String] = [], help: String
  ) {
    self.name = name
    self.arity = arity
    self.alias = alias
    self.choices = choices
    self.help = help
  }
}

/// What a field is, as far as the first lines of a text tell.
struct TextTraits: OptionSet {
  let rawValue: UInt16
  static let bit = TextTraits(rawValue: 1)
  static let missing = TextTraits(rawValue: 2)
  /// Of a bit: `true` or the like rather than a number.
  static let word = TextTraits(rawValue: 4)
  /// Of what is no bit: a number.
  static let number = TextTraits(rawValue: 8)
  static let quoted = TextTraits(rawValue: 16)
  /// Of a number: it has a fraction, a sign or the like.
  static let fraction = TextTraits(rawValue: 128)
  /// Of a number: it has a zero in front.
  static let padded = TextTraits(rawValue: 256)
  /// Of what is missing: there is nothing.
  static let empty = TextTraits(rawValue: 512)
  /// Of a word for a bit: a letter, such as `y`.
  static let letter = TextTraits(rawValue: 1024)
  /// Of a bit: on.
  static let on = TextTraits(rawValue: 32)
  /// Of what is no bit: nothing but digits and separators, such as `1;0`.
  static let severalBits = TextTraits(rawValue: 64)

  /// Neither a bit nor missing nor any number.
  var isText: Bool { isOther && isDisjoint(with: [.number, .severalBits]) }

  /// Neither a bit nor missing.
  var isOther: Bool { isDisjoint(with: [.bit, .missing]) }
}

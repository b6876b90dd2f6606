/// A JSON value, with the members of objects in the order they were written.
///
/// It serves the header of a checkpoint, the lines of a training history and the answers of `--json`, and it
/// is its own parser because those hidden in larger libraries pass over duplicate keys.
///
///     let line: JSONValue = ["epoch": 3, "nll": .real(92.4), "done": false]
///     print(line)  // {"epoch":3,"nll":92.4,"done":false}
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent.
  case integer(Int)
  /// A whole number beyond `Int.max`, such as a seed; read from a text it is kept to the digit.
  case largeInteger(UInt64)
  /// Any other number; what is not finite is written as `null`.
  case real(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// One key of an object and its value.
  package struct Member: Equatable, Sendable {
    package var key: String
    package var value: JSONValue

    package init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// Creates the value of an unsigned number.
  ///
  /// A number above `Int.max` becomes a string of its digits, since most readers of JSON would round it.
  package init(_ value: UInt64) {
    self = Int(exactly: value).map(JSONValue.integer) ?? .string(String(value))
  }

  /// Creates a real number, or `null` when there is none.
  package init(_ value: Double?) {
    self = value.map(JSONValue.real) ?? .null
  }
}

extension JSONValue {
  /// The value of a key, when this is an object that has it.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The elements, when this is an array.
  package var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members, when this is an object.
  package var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// The text, when this is a string.
  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The truth value, when this is one.
  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The integer, when this is one.
  package var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The unsigned number, when this is one as `init(_:)` writes it.
  package var unsigned: UInt64? {
    switch self {
    case .integer(let value): UInt64(exactly: value)
    case .largeInteger(let value): value
    case .string(let digits): UInt64(digits)
    default: nil
    }
  }

  /// The number, whole or not, when this is one.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .largeInteger(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// What kind of value this is, in words for a message.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): String(value)
    case .integer, .largeInteger, .real: "the number \(description)"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
  /// Creates an object whose members keep the order of the literal.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member(key: $0.0, value: $0.1) })
  }

  /// Creates an array.
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .real(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(nilLiteral: ()) { self = .null }
}

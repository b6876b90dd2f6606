/// What divides the fields of a line.
enum TextDelimiter: Hashable, Sendable {
  /// A byte, around which blanks do not count.
  case byte(UInt8)
  /// Pipes that stand at both ends of a line too, as in a table that is drawn with them.
  case framedPipes
  /// Runs of spaces and tabs.
  case blanks
  /// Nothing: a line is one field.
  case none
  /// Nothing: a line is as many fields as it has digits.
  case bitStrings

  static let comma = TextDelimiter.byte(0x2C)
  static let semicolon = TextDelimiter.byte(0x3B)
  static let tab = TextDelimiter.byte(0x09)
  static let pipe = TextDelimiter.byte(0x7C)

  /// The byte, if it is one.
  var byte: UInt8? {
    switch self {
    case .byte(let byte): byte
    case .framedPipes: 0x7C
    case .blanks, .none, .bitStrings: nil
    }
  }

  /// What a table of it is called.
  var name: String {
    switch self {
    case .comma: "comma"
    case .semicolon: "semicolon"
    case .tab: "tab"
    case .pipe, .framedPipes: "pipe"
    case .byte(let byte): quoted([byte])
    case .blanks: "blanks"
    case .none: "lines"
    case .bitStrings: "bit strings"
    }
  }
}

/// Where a field stands in its line, without its quotes and the blanks around it.
struct TextField {
  var start: Int
  var end: Int
  /// Whether it stood in quotes.
  var isQuoted = false

  var count: Int { end - start }
}

/// The fields of a line, one after another.
struct TextFields {
  /// What came of looking for a field.
  enum Step {
    case field(TextField)
    /// A quote opens here and does not close in the line.
    case openQuote(Int)
    case end
  }

  var bytes: UnsafePointer<UInt8>
  var end: Int
  private(set) var position: Int
  /// Whether two tabs followed one another where blanks divide: a table of tabs would have an empty cell there.
  private(set) var hasDoubleTab = false
  private let isBlanks: Bool
  private let isStrings: Bool
  /// The byte that ends a field; a line feed, which no line holds, for none.
  private let separator: UInt8
  /// Whether a field must follow, if only an empty one.
  private var expectsField = true

  init(_ bytes: UnsafePointer<UInt8>, count: Int, _ delimiter: TextDelimiter) {
    self.bytes = bytes
    isBlanks = delimiter == .blanks
    isStrings = delimiter == .bitStrings
    separator = delimiter.byte ?? (isBlanks ? 0x20 : 0x0A)
    position = 0
    end = count
    // A line that lacks them is read as it is.
    if delimiter == .framedPipes, let frame = Self.frame(bytes, count: count) {
      (position, end) = (frame.lowerBound, frame.upperBound)
    }
  }

  /// Returns what stands between the pipes at both ends of a line; nil where there are none.
  static func frame(_ bytes: UnsafePointer<UInt8>, count: Int) -> Range<Int>? {
    var (first, last) = (0, count - 1)
    while first < last, isBlank(bytes[first]) { first += 1 }
    while last > first, isBlank(bytes[last]) { last -= 1 }
    return first < last && bytes[first] == 0x7C && bytes[last] == 0x7C ? first + 1..<last : nil
  }

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Whether a byte ends an unquoted field.
  @inline(__always)
  private func endsField(_ byte: UInt8) -> Bool {
    byte == separator || byte == 0x09 && isBlanks
  }

  @inline(__always)
  private mutating func skipBlanks() {
    while position < end {
      let byte = bytes[position]
      guard Self.isBlank(byte), isBlanks || byte != separator else { return }
      if byte == 0x09, isBlanks, position > 0, bytes[position - 1] == 0x09 { hasDoubleTab = true }
      position += 1
    }
  }

  /// Finds the next field.
  @inline(__always)
  mutating func next() -> Step {
    guard !isStrings else { return nextDigit() }
    if position < end, expectsField, !isBlanks {
      // Most cells are one byte.
      let byte = bytes[position]
      if byte != 0x22, byte != separator, !Self.isBlank(byte) {
        let after = position + 1
        if after == end || bytes[after] == separator {
          let field = TextField(start: position, end: after)
          expectsField = after < end
          position = expectsField ? after + 1 : after
          return .field(field)
        }
      }
    }
    return nextOfAnyForm()
  }

  private mutating func nextDigit() -> Step {
    skipBlanks()
    var last = end
    while last > position, Self.isBlank(bytes[last - 1]) { last -= 1 }
    guard position < last else { return .end }
    position += 1
    return .field(TextField(start: position - 1, end: position))
  }

  private mutating func nextOfAnyForm() -> Step {
    skipBlanks()
    if isBlanks ? position == end : !expectsField { return .end }
    let start = position
    var field = TextField(start: start, end: start)
    if position < end, bytes[position] == 0x22 {
      guard let close = closingQuote(after: position) else { return .openQuote(position) }
      position = close + 1
      // What follows the quotes and is no separator makes them a part of the field.
      let afterQuote = position
      while position < end, Self.isBlank(bytes[position]), !endsField(bytes[position]) { position += 1 }
      if position == end || endsField(bytes[position]) {
        field = TextField(start: start + 1, end: close, isQuoted: true)
      } else {
        position = afterQuote
        field.end = endOfUnquoted(start)
      }
    } else {
      field.end = endOfUnquoted(start)
    }
    if !isBlanks {
      expectsField = position < end
      if expectsField { position += 1 }
    }
    return .field(field)
  }

  /// Moves to the end of the field and returns where its last character ends.
  @inline(__always)
  private mutating func endOfUnquoted(_ start: Int) -> Int {
    while position < end, !endsField(bytes[position]) { position += 1 }
    var last = position
    while last > start, Self.isBlank(bytes[last - 1]) { last -= 1 }
    return last
  }

  private func closingQuote(after open: Int) -> Int? {
    var index = open + 1
    while index < end {
      if bytes[index] == 0x22 {
        guard index + 1 < end, bytes[index + 1] == 0x22 else { return index }
        index += 1
      }
      index += 1
    }
    return nil
  }
}

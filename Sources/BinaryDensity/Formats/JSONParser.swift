extension JSONValue {
  /// Parses one JSON value that fills the bytes but for white space around it.
  ///
  /// The grammar is that of RFC 8259, nothing more; duplicate keys, broken UTF-8, lone surrogates, numbers
  /// beyond `Double` and nesting deeper than 64 are refused.
  ///
  /// - Parameters:
  ///   - bytes: a file, or a part of one: places in errors are the indices of this slice.
  ///   - path: the file that errors name.
  /// - Throws: `DensityError.malformed` with the byte where the text went wrong.
  /// - Complexity: O(count of bytes), and memory in proportion.
  package init(parsing bytes: ArraySlice<UInt8>, path: String) throws(DensityError) {
    var parser = JSONParser(bytes: bytes, path: path)
    self = try parser.document()
  }
}

/// A recursive-descent parser over bytes.
private struct JSONParser {
  private static let maximumDepth = 64

  private let bytes: ArraySlice<UInt8>
  private let path: String
  private var position: Int

  init(bytes: ArraySlice<UInt8>, path: String) {
    self.bytes = bytes
    self.path = path
    position = bytes.startIndex
  }

  mutating func document() throws(DensityError) -> JSONValue {
    let result = try value(depth: 0)
    skipSpace()
    guard next == nil else { throw unexpected("the end") }
    return result
  }

  private mutating func value(depth: Int) throws(DensityError) -> JSONValue {
    guard depth < Self.maximumDepth else {
      throw error(at: position, "at most \(Self.maximumDepth) levels of nesting", "more")
    }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw unexpected("a JSON value")
    }
  }

  private mutating func object(depth: Int) throws(DensityError) -> JSONValue {
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    position += 1
    skipSpace()
    if accept("}") { return .object([]) }
    repeat {
      skipSpace()
      let start = position
      guard next == UInt8(ascii: "\"") else { throw unexpected("a key in quotes") }
      let key = try string()
      guard keys.insert(key).inserted else { throw error(at: start, "a new key", "'\(key)' a second time") }
      skipSpace()
      guard accept(":") else { throw unexpected("':'") }
      members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
      skipSpace()
    } while accept(",")
    guard accept("}") else { throw unexpected("',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(DensityError) -> JSONValue {
    var elements: [JSONValue] = []
    position += 1
    skipSpace()
    if accept("]") { return .array([]) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipSpace()
    } while accept(",")
    guard accept("]") else { throw unexpected("',' or ']'") }
    return .array(elements)
  }

  private mutating func string() throws(DensityError) -> String {
    let start = position
    var text: [UInt8] = []
    position += 1
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw error(at: start, "UTF-8", "other bytes in a string")
        }
        return string
      case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
      case 0..<0x20: throw unexpected("an escape for a control character")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw unexpected("'\"' at the end of a string")
  }

  private mutating func escape() throws(DensityError) -> Unicode.Scalar {
    let start = position
    position += 1
    guard let letter = next else { throw unexpected("an escape") }
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = try fourHexDigits()
      // A character beyond the first 65 536 is a pair: a high half, then a low one.
      if (0xD800..<0xDC00).contains(code), accept("\\"), accept("u") {
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low) else {
          throw error(at: start, "the second half of a surrogate pair", "another character")
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error(at: start, "a character", "half of one") }
      return scalar
    default: throw error(at: start, "an escape JSON knows", "another")
    }
  }

  private mutating func fourHexDigits() throws(DensityError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("a hexadecimal digit")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func number() throws(DensityError) -> JSONValue {
    let start = position
    var isInteger = true
    _ = accept("-")
    if !accept("0") { try digits() }
    if accept(".") {
      isInteger = false
      try digits()
    }
    if accept("e") || accept("E") {
      isInteger = false
      if !accept("+") { _ = accept("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    if isInteger, let integer = UInt64(text) { return .largeInteger(integer) }
    guard let real = Double(text), real.isFinite else { throw error(at: start, "a finite number", text) }
    return .real(real)
  }

  private mutating func digits() throws(DensityError) {
    guard let first = next, isDigit(first) else { throw unexpected("a digit") }
    while let byte = next, isDigit(byte) { position += 1 }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(DensityError) -> JSONValue {
    for byte in word.utf8 {
      guard next == byte else { throw unexpected("'\(word)'") }
      position += 1
    }
    return value
  }

  // MARK: Bytes

  private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private func unexpected(_ expected: String) -> DensityError {
    let found =
      switch next {
      case nil: "the end"
      case .some(let byte) where (0x20..<0x7F).contains(byte): "'\(Character(Unicode.Scalar(byte)))'"
      case .some(let byte): "the byte \(byte)"
      }
    return error(at: position, expected, found)
  }

  private func error(at place: Int, _ expected: String, _ found: String) -> DensityError {
    .malformed(path: path, at: .byte(place), expected: expected, found: found)
  }
}

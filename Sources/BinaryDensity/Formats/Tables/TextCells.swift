/// What a field of a text says.
struct TextCell: Hashable {
  /// What it stands for.
  enum Value: UInt8 { case off, on, missing, other }
  /// How a bit is written: a column keeps to one way.
  enum Spelling: UInt8 { case number, trueFalse, tf, yesNo, yn }

  var value: Value
  var spelling = Spelling.number

  static let other = TextCell(value: .other)
  static let missing = TextCell(value: .missing)

  var isBit: Bool { value == .off || value == .on }
}

/// The words of a table: which stand for off and on, and which for a missing cell.
struct TextWords {
  private let off: [UInt8]
  private let on: [UInt8]
  private let offNumber: Double?
  private let onNumber: Double?
  /// Whether the words for off and on are given, in place of all others.
  let areGiven: Bool
  /// Whether lone digits mean what they say.
  let digitsAreBits: Bool
  private let missing: [[UInt8]]
  private let missingNumbers: [Double]

  init(_ options: TableOptions) {
    areGiven = options.values != nil
    off = Array((options.values?.off ?? "0").utf8)
    on = Array((options.values?.on ?? "1").utf8)
    offNumber = options.values.flatMap { Double($0.off) }
    onNumber = options.values.flatMap { Double($0.on) }
    missing = options.missing.map { Array($0.utf8) }
    missingNumbers = options.missing.compactMap { Self.number(Array($0.utf8)) }
    digitsAreBits =
      (options.values.map { $0.off == "0" && $0.on == "1" } ?? true)
      && !options.missing.contains("0") && !options.missing.contains("1")
  }

  /// What a cell is expected to be.
  var expected: String {
    areGiven
      ? "\(String(decoding: off, as: UTF8.self)) or \(String(decoding: on, as: UTF8.self))" : "0 or 1"
  }

  /// Returns what a field says.
  @inline(__always)
  func cell(_ bytes: UnsafePointer<UInt8>, _ field: TextField) -> TextCell {
    if field.end - field.start == 1, digitsAreBits {
      let digit = bytes[field.start] &- 0x30
      if digit <= 1 { return TextCell(value: digit == 1 ? .on : .off) }
    }
    let word = UnsafeBufferPointer(start: bytes + field.start, count: field.count)
    if field.isQuoted, word.contains(0x22) { return cell(ofQuoted: word) }
    return self.word(word)
  }

  /// Returns what the text between quotes says, in which two quotes stand for one.
  private func cell(ofQuoted text: UnsafeBufferPointer<UInt8>) -> TextCell {
    var (bytes, isSecond) = ([UInt8](), false)
    for byte in text {
      isSecond = byte == 0x22 && !isSecond
      if byte != 0x22 || isSecond { bytes.append(byte) }
    }
    return bytes.withUnsafeBufferPointer { word($0) }
  }

  private func word(_ bytes: UnsafeBufferPointer<UInt8>) -> TextCell {
    if bytes.isEmpty { return .missing }
    if isGivenAsMissing(bytes) { return .missing }
    if areGiven {
      if let bit = givenBit(of: bytes) { return TextCell(value: bit ? .on : .off) }
      return Self.isMissing(bytes) ? .missing : .other
    }
    if let bit = Self.bit(bytes) { return TextCell(value: bit ? .on : .off) }
    guard bytes.count <= 5 else { return .other }
    let key = Self.key(bytes)
    return Self.bit(key) ?? (Self.missing.contains(key) ? .missing : .other)
  }

  /// Whether a word, or its number, was given for a missing cell.
  @inline(__always)
  func isGivenAsMissing(_ word: some Collection<UInt8>) -> Bool {
    for given in missing where given.elementsEqual(word) { return true }
    guard !missingNumbers.isEmpty, let number = Self.number(word) else { return false }
    return missingNumbers.contains(number)
  }

  /// Returns the bit for which a word, or its number, was given; nil for any other word.
  @inline(__always)
  func givenBit(of word: some Collection<UInt8>) -> Bool? {
    if off.elementsEqual(word) { return false }
    if on.elementsEqual(word) { return true }
    guard offNumber != nil || onNumber != nil, let number = Self.number(word) else { return nil }
    return number == offNumber ? false : number == onNumber ? true : nil
  }

  private static func isMissing(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.count <= 5 && missing.contains(key(bytes))
  }

  /// Returns the bit that a number such as `1.000e+00` is, or nil.
  private static func bit(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
    var index = 0
    let isNegative = bytes[0] == 0x2D
    if isNegative || bytes[0] == 0x2B { index = 1 }
    guard index < bytes.count else { return nil }
    let digit = bytes[index] &- 0x30
    guard digit <= 1, !(isNegative && digit == 1) else { return nil }
    index += 1
    if index < bytes.count, bytes[index] == 0x2E {
      index += 1
      while index < bytes.count, bytes[index] == 0x30 { index += 1 }
    }
    guard index < bytes.count else { return digit == 1 }
    guard bytes[index] | 0x20 == 0x65 else { return nil }
    index += 1
    if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
    guard index < bytes.count else { return nil }
    while index < bytes.count {
      // An exponent moves a one, and leaves a zero where it is.
      guard bytes[index] == 0x30 || digit == 0 && (0x31...0x39).contains(bytes[index]) else { return nil }
      index += 1
    }
    return digit == 1
  }

  /// Returns a number in the common notation, without zeros in front of it.
  static func number(_ bytes: some Collection<UInt8>) -> Double? {
    guard bytes.count <= 32, bytes.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) })
    else { return nil }
    let digits = bytes.drop { $0 == 0x2B || $0 == 0x2D }
    if let first = digits.first, first == 0x30, let second = digits.dropFirst().first,
      (0x30...0x39).contains(second)
    {
      return nil
    }
    return Double(String(decoding: bytes, as: UTF8.self))
  }

  /// At most five bytes in lower case as a number.
  @inline(__always)
  private static func key(_ bytes: some Collection<UInt8>) -> UInt64 {
    var key: UInt64 = 0
    for byte in bytes { key = key << 8 | UInt64((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) }
    return key
  }

  /// Returns the bit that a word stands for; the numbers are the letters of the words.
  private static func bit(_ key: UInt64) -> TextCell? {
    switch key {
    case 0x66_61_6C_73_65: TextCell(value: .off, spelling: .trueFalse)
    case 0x74_72_75_65: TextCell(value: .on, spelling: .trueFalse)
    case 0x66: TextCell(value: .off, spelling: .tf)
    case 0x74: TextCell(value: .on, spelling: .tf)
    case 0x6E_6F: TextCell(value: .off, spelling: .yesNo)
    case 0x79_65_73: TextCell(value: .on, spelling: .yesNo)
    case 0x6E: TextCell(value: .off, spelling: .yn)
    case 0x79: TextCell(value: .on, spelling: .yn)
    default: nil
    }
  }

  /// What stands for a missing cell without being asked for.
  private static let missing = Set(
    ["?", "na", "nan", "-nan", "null", "none", ".", "n/a", "#n/a", "<na>", "\\n"].map { key($0.utf8) })
}

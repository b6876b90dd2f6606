/// Makes UTF-8 of the bytes of a text as they come.
struct TextDecoder {
  /// How characters are written.
  enum Encoding { case utf8, utf16LittleEndian, utf16BigEndian }

  private let encoding: Encoding
  /// The first byte of a unit of which the second has not come.
  private var halfUnit: UInt8?
  /// The first unit of a pair of which the second has not come.
  private var highSurrogate: UInt32?

  /// Tells the encoding by the mark at the start, or UTF-16 without one by its zeros, and takes the mark.
  ///
  /// - Throws: `malformed` for UTF-32, and what the source throws.
  init(startOf source: ByteSource) throws(DensityError) {
    let start = try source.peek(64)
    if start.starts(with: [0xFF, 0xFE, 0, 0]) || start.starts(with: [0, 0, 0xFE, 0xFF]) {
      throw source.malformed(at: 0, expected: "a text in UTF-8 or UTF-16", found: "UTF-32")
    }
    let marks: [([UInt8], Encoding)] = [
      ([0xEF, 0xBB, 0xBF], .utf8), ([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian),
    ]
    guard let (mark, encoding) = marks.first(where: { start.starts(with: $0.0) }) else {
      encoding = Self.encodingWithoutMark(start)
      return
    }
    self.encoding = encoding
    _ = try source.take(mark.count, of: "a text")
  }

  /// Letters, digits and separators have one byte that is zero in UTF-16, always the same of the two.
  private static func encodingWithoutMark(_ start: ArraySlice<UInt8>) -> Encoding {
    let bytes = Array(start.prefix(start.count / 2 * 2))
    guard bytes.count >= 4 else { return .utf8 }
    let pairs = stride(from: 0, to: bytes.count, by: 2).map { (bytes[$0], bytes[$0 + 1]) }
    guard !pairs.contains(where: { $0 == (0, 0) }) else { return .utf8 }
    func areMost(_ count: Int) -> Bool { 4 * count >= 3 * pairs.count }
    if areMost(pairs.count { $0.1 == 0 }) { return .utf16LittleEndian }
    return areMost(pairs.count { $0.0 == 0 }) ? .utf16BigEndian : .utf8
  }

  /// How many bytes as many bytes can become.
  static func capacity(for count: Int) -> Int { count * 3 / 2 + 8 }

  /// Writes the next bytes as UTF-8 and returns how many these are; `capacity(for:)` bytes of room must be there.
  mutating func decode(_ bytes: ArraySlice<UInt8>, to target: UnsafeMutablePointer<UInt8>) -> Int {
    guard encoding != .utf8 else {
      bytes.withUnsafeBufferPointer { bytes in
        if let base = bytes.baseAddress { target.update(from: base, count: bytes.count) }
      }
      return bytes.count
    }
    var count = 0
    for byte in bytes {
      guard let first = halfUnit else {
        halfUnit = byte
        continue
      }
      halfUnit = nil
      let (high, low) = encoding == .utf16BigEndian ? (first, byte) : (byte, first)
      append(unit: UInt32(high) << 8 | UInt32(low), to: target, &count)
    }
    return count
  }

  /// Whether the text ends within a character.
  var isIncomplete: Bool { halfUnit != nil || highSurrogate != nil }

  private mutating func append(unit: UInt32, to target: UnsafeMutablePointer<UInt8>, _ count: inout Int) {
    if let high = highSurrogate {
      highSurrogate = nil
      if unit & 0xFC00 == 0xDC00 {
        Self.append(0x10000 + (high & 0x3FF) << 10 + unit & 0x3FF, to: target, &count)
        return
      }
      Self.append(0xFFFD, to: target, &count)
    }
    if unit & 0xFC00 == 0xD800 {
      highSurrogate = unit
    } else {
      Self.append(unit & 0xFC00 == 0xDC00 ? 0xFFFD : unit, to: target, &count)
    }
  }

  private static func append(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>, _ count: inout Int) {
    guard scalar >= 0x80 else {
      target[count] = UInt8(scalar)
      count += 1
      return
    }
    let continuations = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3
    let lead: UInt32 = [0xC0, 0xE0, 0xF0][continuations - 1]
    target[count] = UInt8(lead | scalar >> UInt32(6 * continuations))
    for index in 1...continuations {
      target[count + index] = UInt8(0x80 | scalar >> UInt32(6 * (continuations - index)) & 0x3F)
    }
    count += continuations + 1
  }
}

/// What stands before the numbers of a NumPy array file.
///
///     byte 0 … 5     93 "NUMPY" (the first byte in hexadecimal)
///     byte 6, 7      the version: 1.0, 2.0 or 3.0
///     byte 8 …       the length of the text that follows, little-endian: 2 bytes in version 1, else 4
///     then           a Python dictionary such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
///     then           the numbers, the last axis running fastest, or the first in Fortran's order
///
/// - Source: NumPy Enhancement Proposal 1, A Simple File Format for NumPy Arrays, and the documentation of
///   `numpy.lib.format`.
package struct NPYHeader: Hashable, Sendable {
  /// The bytes such a file begins with.
  package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// The types of elements, by NumPy's code without the byte order.
  package enum ElementType: String, CaseIterable, Sendable {
    case bool = "b1"
    case uint8 = "u1"
    case uint16 = "u2"
    case uint32 = "u4"
    case uint64 = "u8"
    case int8 = "i1"
    case int16 = "i2"
    case int32 = "i4"
    case int64 = "i8"
    case float16 = "f2"
    case float32 = "f4"
    case float64 = "f8"
  }

  /// The type of the elements.
  package let type: ElementType
  /// The order of an element's bytes.
  package let order: ByteOrder
  /// Whether the first axis runs fastest.
  package let isFortranOrder: Bool
  /// The size along each axis.
  package let dimensions: [Int]

  package init(
    type: ElementType, order: ByteOrder = .little, isFortranOrder: Bool = false, dimensions: [Int]
  ) {
    self.type = type
    self.order = order
    self.isFortranOrder = isFortranOrder
    self.dimensions = dimensions
  }

  /// The beginning of the file, padded with spaces so that the numbers start at a multiple of 64 bytes.
  package var encoded: [UInt8] {
    let mark = type.size == 1 ? "|" : order == .little ? "<" : ">"
    let shape = dimensions.map { "\($0)," }.joined(separator: " ")
    // Python writes (3,) and (3, 4).
    let tuple = dimensions.count == 1 ? shape : String(shape.dropLast())
    let text =
      "{'descr': '\(mark)\(type.rawValue)', 'fortran_order': \(isFortranOrder ? "True" : "False"), "
      + "'shape': (\(tuple)), }"
    let total = (10 + text.utf8.count + 1 + 63) / 64 * 64
    var bytes = Self.magic + [1, 0]
    bytes.append(CollectionOfOne(UInt16(total - 10)), order: .little)
    bytes += Array(text.utf8) + [UInt8](repeating: 0x20, count: total - 11 - text.utf8.count) + [0x0A]
    return bytes
  }
}

extension NPYHeader.ElementType {
  /// The bytes of one element.
  package var size: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }
}

extension NPYHeader.ElementType {
  /// NumPy's name of the type, such as `uint8`.
  package var name: String { "\(self)" }
}

/// The dictionary of a file, whatever its elements are.
struct NPYDictionary {
  /// The type of the elements as NumPy writes it, such as `<f8` or `|S3`.
  let code: String
  /// Where in the file the code stands.
  let codeOffset: Int
  let isFortranOrder: Bool
  let dimensions: [Int]

  /// Takes the dictionary of a file, which then stands at its first element.
  ///
  /// - Throws: `malformed` for another magic or version, and a text that is not the dictionary.
  init(from source: ByteSource) throws(DensityError) {
    let start = try source.take(8, of: "the 8 bytes an NPY file begins with")
    guard start.starts(with: NPYHeader.magic) else {
      throw source.malformed(at: 0, expected: "\\x93NUMPY", found: quoted(start[..<6]))
    }
    guard (1...3).contains(start[6]), start[7] == 0 else {
      throw source.malformed(
        at: 6, expected: "version 1.0, 2.0 or 3.0", found: "version \(start[6]).\(start[7])")
    }
    let whole = "the length of the NPY header"
    let length =
      start[6] == 1
      ? Int(try source.takeNumbers(UInt16.self, count: 1, order: .little, of: whole)[0])
      : Int(try source.takeNumbers(UInt32.self, count: 1, order: .little, of: whole)[0])
    let textStart = source.offset
    // NumPy itself reads no header of more than ten thousand bytes, unless it is trusted.
    guard length <= 1 << 20 else {
      throw source.malformed(
        at: 8, expected: "an NPY header of a few hundred bytes", found: "one of \(length)")
    }
    let text = try source.take(length, of: "an NPY header of \(length) bytes")
    var scanner = PythonScanner(source: source, text: text, start: textStart)
    self = try scanner.dictionary()
  }

  fileprivate init(code: String, codeOffset: Int, isFortranOrder: Bool, dimensions: [Int]) {
    (self.code, self.codeOffset) = (code, codeOffset)
    (self.isFortranOrder, self.dimensions) = (isFortranOrder, dimensions)
  }

  /// Returns the header of an array of numbers.
  ///
  /// - Throws: `malformed` for another type.
  func numbers(of source: ByteSource) throws(DensityError) -> NPYHeader {
    guard let type = NPYHeader.ElementType(rawValue: String(code.dropFirst())), let mark = code.first,
      "<>=".contains(mark) || (mark == "|" && type.size == 1)
    else { throw source.malformed(at: codeOffset, expected: "a type of numbers", found: otherType) }
    // '=' is the order of the machine that wrote the file; like every machine this runs on, a little-endian
    // one.
    return NPYHeader(
      type: type, order: mark == ">" ? .big : .little, isFortranOrder: isFortranOrder, dimensions: dimensions)
  }

  /// What a type is that no table can be made of.
  private var otherType: String {
    switch code.dropFirst().first {
    case "O": "Python objects, which are pickled; save numbers instead, as x.astype('uint8')"
    case "S", "U": "text (\(quoted(code.utf8))); save numbers instead, as x.astype('uint8')"
    case "c": "complex numbers (\(quoted(code.utf8)))"
    case "M", "m": "times (\(quoted(code.utf8)))"
    default:
      "\(quoted(code.utf8)), not one of "
        + NPYHeader.ElementType.allCases.map(\.rawValue).joined(separator: ", ") + " after <, > or |"
    }
  }
}

extension NPYHeader {
  /// Takes the header of a file, which then stands at its first number.
  ///
  /// - Throws: `malformed` for another magic or version, a text that is not the dictionary, or another type.
  package static func read(from source: ByteSource) throws(DensityError) -> NPYHeader {
    try NPYDictionary(from: source).numbers(of: source)
  }
}

/// Reads the one Python dictionary that an NPY header is.
private struct PythonScanner {
  let source: ByteSource
  let text: [UInt8]
  /// Where in the file the text starts.
  let start: Int
  var cursor = 0

  init(source: ByteSource, text: [UInt8], start: Int) {
    self.source = source
    self.text = text
    self.start = start
  }

  mutating func dictionary() throws(DensityError) -> NPYDictionary {
    var type: (code: String, place: Int)?
    var isFortranOrder: Bool?
    var dimensions: [Int]?
    try take("{")
    while !takes("}") {
      let place = cursor
      let key = try string()
      try take(":")
      switch key {
      case "descr" where type == nil: type = try typeCode()
      case "fortran_order" where isFortranOrder == nil:
        isFortranOrder = takes("True")
        if isFortranOrder == false { try take("False") }
      case "shape" where dimensions == nil: dimensions = try tuple()
      default:
        throw malformed(at: place, "'descr', 'fortran_order' and 'shape', each once", quoted(key.utf8))
      }
      guard takes(",") else {
        try take("}")
        break
      }
    }
    skipSpace()
    guard cursor == text.count else { throw unexpected("the end of the NPY header") }
    guard let type, let isFortranOrder, let dimensions else {
      throw malformed(at: 0, "'descr', 'fortran_order' and 'shape'", "a dictionary without one of them")
    }
    return NPYDictionary(
      code: type.code, codeOffset: start + type.place, isFortranOrder: isFortranOrder, dimensions: dimensions)
  }

  private mutating func typeCode() throws(DensityError) -> (code: String, place: Int) {
    skipSpace()
    let place = cursor
    guard !text[cursor...].starts(with: "[".utf8) else {
      throw malformed(at: place, "numbers of one type", "a structured array; save its fields as one array")
    }
    guard cursor < text.count, text[cursor] == 0x27 || text[cursor] == 0x22 else {
      throw unexpected("one type of numbers such as '|u1' or '<f8'")
    }
    return (try string(), place)
  }

  private mutating func tuple() throws(DensityError) -> [Int] {
    var sizes: [Int] = []
    try take("(")
    while !takes(")") {
      skipSpace()
      let digits = text[cursor...].prefix { (0x30...0x39).contains($0) }
      guard let size = Int(String(decoding: digits, as: UTF8.self)) else {
        throw unexpected("a size of the array")
      }
      sizes.append(size)
      cursor += digits.count
      // Python 2 marked long integers.
      _ = takes("L")
      guard takes(",") else {
        try take(")")
        break
      }
    }
    return sizes
  }

  private mutating func string() throws(DensityError) -> String {
    skipSpace()
    guard cursor < text.count, text[cursor] == 0x27 || text[cursor] == 0x22,
      let end = text[(cursor + 1)...].firstIndex(of: text[cursor])
    else { throw unexpected("a quoted name") }
    defer { cursor = end + 1 }
    return String(decoding: text[cursor + 1..<end], as: UTF8.self)
  }

  private mutating func takes(_ word: String) -> Bool {
    skipSpace()
    guard text[cursor...].starts(with: word.utf8) else { return false }
    cursor += word.utf8.count
    return true
  }

  private mutating func take(_ word: String) throws(DensityError) {
    guard takes(word) else { throw unexpected("\(word) in the NPY header") }
  }

  private mutating func skipSpace() {
    while cursor < text.count, text[cursor] == 0x20 || (0x09...0x0D).contains(text[cursor]) { cursor += 1 }
  }

  private func unexpected(_ expected: String) -> DensityError {
    let rest = text[cursor...].prefix(16)
    return malformed(at: cursor, expected, rest.isEmpty ? "the end of the NPY header" : quoted(rest))
  }

  private func malformed(at cursor: Int, _ expected: String, _ found: String) -> DensityError {
    source.malformed(at: start + cursor, expected: expected, found: found)
  }
}

/// Returns bytes of a file as a short quoted text that is safe to print.
package func quoted(_ bytes: some Collection<UInt8>) -> String {
  // Single quotes need no escape between double ones.
  let text = String(decoding: bytes.prefix(24), as: UTF8.self).debugDescription.replacing("\\'", with: "'")
  return bytes.count > 24 ? text + "…" : text
}

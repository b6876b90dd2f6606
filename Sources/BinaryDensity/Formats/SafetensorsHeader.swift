/// The header of a safetensors file, with every demand of the format checked.
struct SafetensorsHeader: Sendable {
  /// An array as the header announces it.
  struct Entry: Sendable {
    let name: String
    let elementType: SafetensorsFile.ElementType
    let shape: [Int]
    /// Where its bytes stand, counted from the start of the data.
    let offsets: Range<Int>
  }

  /// The metadata, without the checksum.
  let metadata: [String: String]
  /// The arrays in the order of their data, which they fill without a gap.
  let entries: [Entry]
  /// Whether the file has a checksum.
  let hasChecksum: Bool
  /// Where in the file the data start.
  let dataStart: Int
}

extension SafetensorsHeader {
  /// Reads and checks the header of a file.
  ///
  /// No memory is taken on the word of a header: all of it is in proportion to the bytes there are.
  ///
  /// - Parameter verifying: whether the whole file is read and compared with the checksum, if it has one, before the
  ///   header is understood: so damage is called damage wherever it is.
  /// - Throws: `DensityError.malformed`, `.unreadable`.
  init(_ file: RandomAccessFile, verifying: Bool) throws(DensityError) {
    self = try SafetensorsHeaderParser(file: file).header(verifying: verifying)
  }
}

/// The reading of one header.
private struct SafetensorsHeaderParser {
  /// Of the reference implementation: a longer header is taken for garbage.
  private static let maximumLength = 100_000_000

  let file: RandomAccessFile

  func header(verifying: Bool) throws(DensityError) -> SafetensorsHeader {
    let header = try bytes()
    let digits = SafetensorsFile.checksumDigits(in: header)
    if verifying, let digits { try verify(header[digits]) }
    var metadata: [String: String] = [:]
    var entries: [SafetensorsHeader.Entry] = []
    for member in try JSONValue(parsing: header, path: file.path).members ?? [] {
      if member.key == SafetensorsFile.metadataKey {
        metadata = try self.metadata(member.value)
      } else {
        entries.append(try entry(member.key, member.value))
      }
    }
    let checksum = metadata.removeValue(forKey: SafetensorsFile.checksumKey)
    if digits == nil, let checksum {
      throw malformed(
        .field("\(SafetensorsFile.metadataKey).\(SafetensorsFile.checksumKey)"),
        "a checksum of 8 hexadecimal digits", "'\(checksum)'")
    }
    return SafetensorsHeader(
      metadata: metadata, entries: try ordered(entries, dataCount: file.count - header.endIndex),
      hasChecksum: checksum != nil, dataStart: header.endIndex)
  }

  /// Returns the header; its indices are its places in the file.
  private func bytes() throws(DensityError) -> ArraySlice<UInt8> {
    guard file.count >= 8 else {
      throw malformed(.byte(0), "8 bytes that hold the length of the header", "a file of \(file.count)")
    }
    let announced = try file.bytes(0..<8).withUnsafeBytes { ByteOrder.little.load(UInt64.self, 0, of: $0) }
    let limit = min(file.count - 8, Self.maximumLength)
    guard let length = Int(exactly: announced), length <= limit else {
      throw malformed(.byte(0), "a header of at most \(limit) bytes", "a length of \(announced)")
    }
    let header = try file.bytes(0..<8 + length)[8...]
    guard header.first == UInt8(ascii: "{") else {
      throw malformed(
        .byte(8), "a header that starts with '{'", header.first.map { "the byte \($0)" } ?? "none")
    }
    return header
  }

  /// Compares the digits of the checksum with the check of the whole file, these digits taken as zeros.
  private func verify(_ digits: ArraySlice<UInt8>) throws(DensityError) {
    var check = CRC32()
    func update(_ range: Range<Int>) throws(DensityError) {
      try file.forEachWindow(of: range) { (bytes) throws(DensityError) in check.update(bytes) }
    }
    try update(0..<digits.startIndex)
    check.update(Array(repeating: UInt8(ascii: "0"), count: digits.count))
    try update(digits.endIndex..<file.count)
    let (expected, found) = (String(decoding: digits, as: UTF8.self), CRC32.text(of: check.value))
    guard expected == found else {
      throw malformed(.field("checksum"), expected, "\(found); the file is damaged")
    }
  }

  private func metadata(_ value: JSONValue) throws(DensityError) -> [String: String] {
    guard let members = value.members else {
      throw malformed(.field(SafetensorsFile.metadataKey), "an object", value.kind)
    }
    var metadata: [String: String] = [:]
    for member in members {
      guard let text = member.value.string else {
        throw malformed(.field("\(SafetensorsFile.metadataKey).\(member.key)"), "a string", member.value.kind)
      }
      metadata[member.key] = text
    }
    return metadata
  }

  private func entry(_ name: String, _ value: JSONValue) throws(DensityError) -> SafetensorsHeader.Entry {
    guard !name.isEmpty else { throw malformed(.field("header"), "a name for every array", "an empty one") }
    guard let members = value.members else {
      throw malformed(.field("array '\(name)'"), "an object", value.kind)
    }
    func place(_ field: String) -> DensityError.Location { .field("array '\(name)', \(field)") }

    for member in members where !["dtype", "shape", "data_offsets"].contains(member.key) {
      throw malformed(place(member.key), "one of dtype, shape, data_offsets", "an unknown field")
    }
    let type = value["dtype"]?.string
    guard let elementType = type.flatMap(SafetensorsFile.ElementType.init) else {
      let known = SafetensorsFile.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
      throw malformed(place("dtype"), "one of \(known)", type.map { "'\($0)'" } ?? kind(of: value["dtype"]))
    }
    let shape = value["shape"]?.elements
    let dimensions = (shape ?? []).compactMap(\.integer)
    guard let shape, dimensions.count == shape.count, dimensions.allSatisfy({ $0 >= 0 }) else {
      throw malformed(place("shape"), "an array of integers not below 0", kind(of: value["shape"]))
    }
    let offsets = value["data_offsets"]?.elements?.map(\.integer)
    guard let offsets, offsets.count == 2, let start = offsets[0], let end = offsets[1], 0 <= start,
      start <= end
    else {
      throw malformed(
        place("data_offsets"), "two integers, the start and an end not before it",
        kind(of: value["data_offsets"]))
    }
    guard let count = checkedProduct(of: dimensions + [elementType.byteCount]) else {
      throw malformed(place("shape"), "a size that can be counted", "\(dimensions)")
    }
    guard end - start == count else {
      throw malformed(
        place("data_offsets"), "\(count) bytes for \(elementType.rawValue) \(dimensions)", "\(end - start)")
    }
    return SafetensorsHeader.Entry(
      name: name, elementType: elementType, shape: dimensions, offsets: start..<end)
  }

  /// Returns the entries in the order of their data, which they must fill without a gap.
  private func ordered(_ entries: [SafetensorsHeader.Entry], dataCount: Int) throws(DensityError)
    -> [SafetensorsHeader.Entry]
  {
    let places = entries.indices.sorted {
      let (left, right) = (entries[$0].offsets, entries[$1].offsets)
      return (left.lowerBound, left.upperBound, $0) < (right.lowerBound, right.upperBound, $1)
    }
    var end = 0
    for entry in places.map({ entries[$0] }) {
      guard entry.offsets.lowerBound == end else {
        throw malformed(
          .field("array '\(entry.name)', data_offsets"), "a start of \(end), where the array before it ends",
          "\(entry.offsets.lowerBound)")
      }
      end = entry.offsets.upperBound
    }
    guard end == dataCount else {
      throw malformed(.byte(file.count), "\(end) bytes of data", "\(dataCount)")
    }
    return places.map { entries[$0] }
  }

  private func kind(of value: JSONValue?) -> String {
    switch value {
    case nil: "nothing"
    case .array(let elements): JSONValue.array(elements).description
    case let value?: value.kind
    }
  }

  private func malformed(
    _ location: DensityError.Location, _ expected: String, _ found: String
  ) -> DensityError {
    .malformed(path: file.path, at: location, expected: expected, found: found)
  }
}

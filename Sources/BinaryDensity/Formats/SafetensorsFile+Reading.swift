extension SafetensorsFile {
  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - requiringChecksum: whether a file without `crc32` is refused, as every file of this package has it.
  /// - Throws: `DensityError.missingFile`, `.unreadable`, or `.malformed` with the place, what was expected
  ///   there and what was found.
  public init(contentsOf path: String, requiringChecksum: Bool = true) throws(DensityError) {
    try self.init(
      decoding: try AtomicFile.read(path), path: path, requiringChecksum: requiringChecksum)
  }

  /// Decodes the bytes of a file.
  ///
  /// Everything the format demands is checked, and no memory is taken on the word of a header: all of it is
  /// in proportion to the bytes there are. A checksum that is present must be right.
  ///
  /// - Parameters:
  ///   - bytes: the contents.
  ///   - path: the file that errors name.
  ///   - requiringChecksum: whether a file without `crc32` is refused.
  /// - Throws: `DensityError.malformed`.
  /// - Complexity: O(count of bytes).
  public init(decoding bytes: [UInt8], path: String, requiringChecksum: Bool = true) throws(DensityError) {
    let decoder = SafetensorsDecoder(bytes: bytes, path: path)
    self = try decoder.file(requiringChecksum: requiringChecksum)
  }
}

/// The reading of one file.
private struct SafetensorsDecoder {
  /// Of the reference implementation: a longer header is taken for garbage.
  private static let maximumHeaderLength = 100_000_000

  let bytes: [UInt8]
  let path: String

  /// An array as the header announces it.
  private struct Entry {
    let name: String
    let elementType: SafetensorsFile.ElementType
    let shape: [Int]
    let offsets: Range<Int>
  }

  func file(requiringChecksum: Bool) throws(DensityError) -> SafetensorsFile {
    let header = try headerBytes()
    // Before the header is understood, so that damage is called damage wherever it is.
    let digits = try verifyChecksum(header)
    let members = try JSONValue(parsing: header, path: path).members ?? []
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for member in members {
      if member.key == SafetensorsFile.metadataKey {
        metadata = try self.metadata(member.value)
      } else {
        entries.append(try entry(member.key, member.value))
      }
    }
    let checksum = metadata.removeValue(forKey: SafetensorsFile.checksumKey)
    if digits == nil, requiringChecksum || checksum != nil {
      throw malformed(
        .field("\(SafetensorsFile.metadataKey).\(SafetensorsFile.checksumKey)"),
        "a checksum of 8 hexadecimal digits", checksum.map { "'\($0)'" } ?? "none")
    }
    let data = bytes[header.endIndex...]
    entries = try ordered(entries, dataCount: data.count)
    return SafetensorsFile(
      metadata: metadata,
      tensors: entries.map { entry in
        let start = data.startIndex + entry.offsets.lowerBound
        let scalars = entry.elementType.scalars(data[start..<start + entry.offsets.count])
        return SafetensorsFile.Tensor(name: entry.name, shape: entry.shape, scalars: scalars)
      })
  }

  private func headerBytes() throws(DensityError) -> ArraySlice<UInt8> {
    guard bytes.count >= 8 else {
      throw malformed(.byte(0), "8 bytes that hold the length of the header", "a file of \(bytes.count)")
    }
    let announced = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let limit = min(bytes.count - 8, Self.maximumHeaderLength)
    guard let length = Int(exactly: announced), length <= limit else {
      throw malformed(.byte(0), "a header of at most \(limit) bytes", "a length of \(announced)")
    }
    let header = bytes[8..<8 + length]
    guard header.first == UInt8(ascii: "{") else {
      throw malformed(
        .byte(8), "a header that starts with '{'", header.first.map { "the byte \($0)" } ?? "none")
    }
    return header
  }

  /// Returns where the checksum stands, or nil when there is none.
  private func verifyChecksum(_ header: ArraySlice<UInt8>) throws(DensityError) -> Range<Int>? {
    guard let digits = SafetensorsFile.checksumDigits(in: header) else { return nil }
    let expected = String(decoding: bytes[digits], as: UTF8.self)
    let found = String(decoding: SafetensorsFile.checksum(of: bytes, digits: digits), as: UTF8.self)
    guard expected == found else {
      throw malformed(.field("checksum"), expected, "\(found); the file is damaged")
    }
    return digits
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

  private func entry(_ name: String, _ value: JSONValue) throws(DensityError) -> Entry {
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
    guard let count = SafetensorsFile.product(of: dimensions + [elementType.byteCount]) else {
      throw malformed(place("shape"), "a size that can be counted", "\(dimensions)")
    }
    guard end - start == count else {
      throw malformed(
        place("data_offsets"), "\(count) bytes for \(elementType.rawValue) \(dimensions)", "\(end - start)")
    }
    return Entry(name: name, elementType: elementType, shape: dimensions, offsets: start..<end)
  }

  /// Returns the entries in the order of their data, which they must fill without a gap.
  private func ordered(_ entries: [Entry], dataCount: Int) throws(DensityError) -> [Entry] {
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
      throw malformed(.byte(bytes.count), "\(end) bytes of data", "\(dataCount)")
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
    .malformed(path: path, at: location, expected: expected, found: found)
  }
}

extension SafetensorsFile.ElementType {
  /// Returns the numbers that bytes stand for; there must be a whole number of them.
  fileprivate func scalars(_ bytes: ArraySlice<UInt8>) -> SafetensorsFile.Scalars {
    switch self {
    case .float32: .float32(decode(bytes) { (bits: UInt32) in Float(bitPattern: bits) })
    case .float64: .float64(decode(bytes) { (bits: UInt64) in Double(bitPattern: bits) })
    case .int64: .int64(decode(bytes) { (bits: Int64) in bits })
    case .uint8: .uint8(Array(bytes))
    }
  }

  private func decode<Scalar, Bits: FixedWidthInteger>(
    _ bytes: ArraySlice<UInt8>, _ scalar: (Bits) -> Scalar
  ) -> [Scalar] {
    bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: byteCount).map { offset in
        scalar(Bits(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: Bits.self)))
      }
    }
  }
}

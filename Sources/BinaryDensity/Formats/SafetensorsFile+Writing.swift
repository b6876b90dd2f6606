extension SafetensorsFile {
  /// Replaces a file by these contents, or creates it; at every moment the path holds a whole file.
  ///
  /// - Precondition: as for `encoded()`.
  /// - Throws: `DensityError.unwritable`; the old file then stays as it was.
  /// - Complexity: O(bytes of the file) in time; in memory, one array at a time.
  public func write(to path: String) throws(DensityError) {
    let beginning = checkedHeader()
    try AtomicFile.write(to: path) { (write) throws(SystemError) in
      try write(beginning)
      for tensor in tensors { try write(tensor.scalars.bytes) }
    }
  }

  /// Returns the bytes of the file.
  ///
  /// - Precondition: names are unique and the metadata has no key `crc32`, which is the file's own.
  /// - Complexity: O(bytes of the file) in time and memory.
  public func encoded() -> [UInt8] {
    checkedHeader() + tensors.flatMap(\.scalars.bytes)
  }

  /// Returns everything before the data, the checksum of the whole file included.
  private func checkedHeader() -> [UInt8] {
    precondition(Set(tensors.map(\.name)).count == tensors.count, "two arrays have the same name")
    precondition(
      metadata[Self.checksumKey] == nil, "the metadata's key '\(Self.checksumKey)' is the file's own")
    let header = encodedHeader()
    var bytes = Self.littleEndianBytes([header.count]) { UInt64($0) } + header
    var check = CRC32()
    check.update(bytes)
    for tensor in tensors { check.update(tensor.scalars.bytes) }
    guard let digits = Self.checksumDigits(in: bytes[8...]) else {
      preconditionFailure("the header was written without its checksum")
    }
    bytes.replaceSubrange(digits, with: Self.text(of: check))
    return bytes
  }

  private func encodedHeader() -> [UInt8] {
    var checked = metadata
    checked[Self.checksumKey] = String(repeating: "0", count: 8)
    let text = checked.sorted { $0.key < $1.key }.map {
      JSONValue.Member(key: $0.key, value: .string($0.value))
    }
    var members = [JSONValue.Member(key: Self.metadataKey, value: .object(text))]
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      members.append(
        JSONValue.Member(
          key: tensor.name,
          value: [
            "dtype": .string(tensor.scalars.elementType.rawValue),
            "shape": .array(tensor.shape.map(JSONValue.integer)),
            "data_offsets": [.integer(offset), .integer(end)],
          ]))
      offset = end
    }
    var header = Array(JSONValue.object(members).description.utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    return header
  }

  /// Returns the bytes of numbers, the lowest first, given the bits of each.
  fileprivate static func littleEndianBytes<Scalar, Bits: FixedWidthInteger>(
    _ scalars: [Scalar], _ bits: (Scalar) -> Bits
  ) -> [UInt8] {
    let width = Bits.bitWidth / 8
    return Array(unsafeUninitializedCapacity: scalars.count * width) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for (index, scalar) in scalars.enumerated() {
        raw.storeBytes(of: bits(scalar).littleEndian, toByteOffset: index * width, as: Bits.self)
      }
      count = scalars.count * width
    }
  }
}

extension SafetensorsFile.Tensor {
  /// The size of the data, in bytes.
  fileprivate var byteCount: Int { scalars.count * scalars.elementType.byteCount }
}

extension SafetensorsFile.Scalars {
  /// The numbers as they stand in a file.
  fileprivate var bytes: [UInt8] {
    switch self {
    case .float32(let values): SafetensorsFile.littleEndianBytes(values) { $0.bitPattern }
    case .matrix(let matrix): SafetensorsFile.littleEndianBytes(matrix.elements) { $0.bitPattern }
    case .float64(let values): SafetensorsFile.littleEndianBytes(values) { $0.bitPattern }
    case .int64(let values): SafetensorsFile.littleEndianBytes(values) { $0 }
    case .uint8(let values): values
    }
  }
}

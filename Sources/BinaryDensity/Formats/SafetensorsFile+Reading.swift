extension SafetensorsFile {
  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - requiringChecksum: whether a file without `crc32` is refused.
  /// - Throws: `DensityError.missingFile`, `.unreadable`, or `.malformed` with the place, what was expected
  ///   there and what was found.
  public init(contentsOf path: String, requiringChecksum: Bool = true) throws(DensityError) {
    try self.init(RandomAccessFile(path: path), requiringChecksum: requiringChecksum)
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
    try self.init(RandomAccessFile(bytes: bytes, path: path), requiringChecksum: requiringChecksum)
  }

  private init(_ file: RandomAccessFile, requiringChecksum: Bool) throws(DensityError) {
    let header = try SafetensorsHeader(file, verifying: true)
    if requiringChecksum, !header.hasChecksum {
      throw .malformed(
        path: file.path, at: .field("\(Self.metadataKey).\(Self.checksumKey)"),
        expected: "a checksum of 8 hexadecimal digits", found: "none")
    }
    var tensors: [Tensor] = []
    for entry in header.entries {
      let start = header.dataStart + entry.offsets.lowerBound
      let bytes = try file.bytes(start..<start + entry.offsets.count)
      tensors.append(Tensor(name: entry.name, shape: entry.shape, scalars: entry.elementType.scalars(bytes)))
    }
    self.init(metadata: header.metadata, tensors: tensors)
  }
}

extension SafetensorsFile.ElementType {
  /// Returns the numbers that bytes stand for.
  fileprivate func scalars(_ bytes: [UInt8]) -> SafetensorsFile.Scalars {
    func decoded<T: StoredScalar>(_: T.Type) -> [T] { bytes.withUnsafeBytes { [T]($0, order: .little) } }
    return switch self {
    case .float16: .float16(decoded(UInt16.self))
    case .bfloat16: .bfloat16(decoded(UInt16.self))
    case .float32: .float32(decoded(Float.self))
    case .float64: .float64(decoded(Double.self))
    case .int32: .int32(decoded(Int32.self))
    case .int64: .int64(decoded(Int64.self))
    case .uint8: .uint8(bytes)
    case .bool: .bool(bytes)
    }
  }
}

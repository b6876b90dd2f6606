import Kernels

extension SafetensorsFile {
  /// Replaces a file by these contents, or creates it; at every moment the path holds a whole file.
  ///
  /// - Precondition: as for `encoded()`.
  /// - Throws: `DensityError.unwritable`; the old file then stays as it was.
  /// - Complexity: O(bytes of the file) in time; in memory, some hundred kilobytes whatever the arrays' sizes.
  public func write(to path: String) throws(DensityError) {
    let beginning = checkedHeader()
    try AtomicFile.write(to: path) { (write) throws(SystemError) in
      try write(beginning)
      for tensor in tensors { try tensor.scalars.forEachPiece(write) }
    }
  }

  /// The size of the file, in bytes.
  ///
  /// - Complexity: O(bytes of the header).
  public var byteCount: Int { 8 + encodedHeader().count + tensors.reduce(0) { $0 + $1.byteCount } }

  /// Returns the bytes of the file.
  ///
  /// - Precondition: names are unique and the metadata has no key `crc32`, which is the file's own.
  /// - Complexity: O(bytes of the file) in time and memory.
  public func encoded() -> [UInt8] {
    var bytes = checkedHeader()
    for tensor in tensors { tensor.scalars.forEachPiece { bytes += $0 } }
    return bytes
  }

  /// Returns everything before the data, the checksum of the whole file included.
  private func checkedHeader() -> [UInt8] {
    precondition(Set(tensors.map(\.name)).count == tensors.count, "two arrays have the same name")
    precondition(
      metadata[Self.checksumKey] == nil, "the metadata's key '\(Self.checksumKey)' is the file's own")
    let header = encodedHeader()
    var bytes = [UInt8]([UInt64(header.count)], order: .little) + header
    var check = CRC32()
    check.update(bytes)
    for tensor in tensors { tensor.scalars.forEachPiece { check.update($0) } }
    guard let digits = Self.checksumDigits(in: bytes[8...]) else {
      preconditionFailure("the header was written without its checksum")
    }
    bytes.replaceSubrange(digits, with: CRC32.text(of: check.value).utf8)
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
}

extension SafetensorsFile.Tensor {
  /// The size of the data, in bytes.
  fileprivate var byteCount: Int { scalars.count * scalars.elementType.byteCount }
}

extension SafetensorsFile.Scalars {
  /// How many numbers become bytes at a time.
  private static let pieceLength = 1 << 16

  /// Calls `body` with the numbers as they stand in a file, piece by piece.
  func forEachPiece<Failure>(_ body: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    switch self {
    case .float16(let values), .bfloat16(let values): try Self.forEachPiece(values, body)
    case .float32(let values): try Self.forEachPiece(values, body)
    case .matrix(let matrix): try Self.forEachPiece(matrix, body) { $0.append($1, order: .little) }
    case .matrixOfHalves(let matrix):
      try Self.forEachPiece(matrix, body) { $0.append($1.map(\.binary16Bits), order: .little) }
    case .float64(let values): try Self.forEachPiece(values, body)
    case .int32(let values): try Self.forEachPiece(values, body)
    case .int64(let values): try Self.forEachPiece(values, body)
    case .uint8(let values), .bool(let values): try body(values)
    }
  }

  private static func forEachPiece<Failure>(
    _ values: [some StoredScalar], _ body: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    for start in stride(from: 0, to: values.count, by: pieceLength) {
      try body([UInt8](values[start..<min(start + pieceLength, values.count)], order: .little))
    }
  }

  /// Rows lie apart in memory, next to each other in a file.
  private static func forEachPiece<Failure>(
    _ matrix: Matrix<Float>, _ body: ([UInt8]) throws(Failure) -> Void,
    append: (inout [UInt8], Slice<UnsafeBufferPointer<Float>>) -> Void
  ) throws(Failure) {
    var piece: [UInt8] = []
    piece.reserveCapacity(2 * pieceLength * MemoryLayout<Float>.size)
    for row in 0..<matrix.rowCount {
      for start in stride(from: 0, to: matrix.columnCount, by: pieceLength) {
        let columns = start..<min(start + pieceLength, matrix.columnCount)
        matrix.withUnsafeRow(row) { append(&piece, $0[columns]) }
        if piece.count >= pieceLength * MemoryLayout<Float>.size {
          try body(piece)
          piece.removeAll(keepingCapacity: true)
        }
      }
    }
    try body(piece)
  }
}

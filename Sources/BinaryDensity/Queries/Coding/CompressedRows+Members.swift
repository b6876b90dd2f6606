extension CompressedRows {
  /// Whether a file that begins so is one of compressed rows.
  package static func begins(_ start: some Sequence<UInt8>) -> Bool { start.starts(with: magic) }

  /// How many rows are compressed together, so that memory holds them: some eight million of 64 columns.
  ///
  /// A larger table is several files, one after another.
  static func rowLimit(columnCount: Int) -> Int { max(1 << 16, (1 << 29) / max(1, columnCount)) }

  /// Reads the next of the files that stand one after another; nil at the end.
  ///
  /// - Throws: as `init(_:path:)`; what reading throws.
  package static func next(from source: ByteSource) throws(DensityError) -> CompressedRows? {
    let start = source.offset
    if start > 0, try source.isAtEnd() { return nil }
    var member = MemberBytes(source)
    try member.takeAll()
    do throws(DensityError) {
      return try CompressedRows(member.bytes, path: source.path)
    } catch {
      guard start > 0, case .malformed(let path, .byte(let byte), let expected, let found) = error else {
        throw error
      }
      throw .malformed(path: path, at: .byte(start + byte), expected: expected, found: found)
    }
  }
}

/// The bytes of one file among several, which its header tells the length of.
///
/// Where the header cannot be understood they are all that are left, for the checksum to refuse.
private struct MemberBytes {
  let source: ByteSource
  var bytes: [UInt8] = []

  init(_ source: ByteSource) { self.source = source }

  mutating func takeAll() throws(DensityError) {
    // The letters, the version, the fingerprint and the checksum of the rows.
    guard try take(13), bytes.starts(with: CompressedRows.magic) else { return try takeRest() }
    var numbers: [Int] = []
    for _ in 0..<7 {
      guard let number = try takeInteger() else { return try takeRest() }
      numbers.append(number)
    }
    guard (1...LaneLayout.laneLimit).contains(numbers[2]), try take(numbers[6]) else { return try takeRest() }
    var length = 4
    for _ in 0..<numbers[2] {
      guard let lane = try takeInteger(), lane < .max - length else { return try takeRest() }
      length += lane
    }
    guard try take(length) else { return try takeRest() }
  }

  /// Takes bytes, or what there is; returns whether these were enough.
  private mutating func take(_ count: Int) throws(DensityError) -> Bool {
    var rest = count
    while rest > 0 {
      let part = try source.take(upTo: rest)
      guard !part.isEmpty else { return false }
      bytes += part
      rest -= part.count
    }
    return true
  }

  private mutating func takeRest() throws(DensityError) { _ = try take(.max) }

  /// Takes a number, seven bits a byte; nil where it does not end.
  private mutating func takeInteger() throws(DensityError) -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      guard try take(1), let byte = bytes.last else { return nil }
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}

extension RowStream {
  /// Calls `body` with as many rows at a time as are compressed together, while it says to go on; at least once, if with no
  /// rows.
  ///
  /// - Returns: whether it always did.
  /// - Throws: what reading and `body` throw.
  package func forEachCompressible(
    _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let limit = CompressedRows.rowLimit(columnCount: columnCount)
    var waiting: [BinaryMatrix] = []
    var (waitingCount, rowCount) = (0, 0)
    func handOn() throws(DensityError) -> Bool {
      let all = BinaryMatrix(concatenating: waiting, columnCount: columnCount)
      rowCount += waitingCount
      (waiting, waitingCount) = ([], 0)
      return try body(all)
    }
    let goesOn = try forEachBlock(of: 4096) { (block) throws(DensityError) in
      if waitingCount + block.rowCount > limit, try !handOn() { return false }
      waiting.append(block)
      waitingCount += block.rowCount
      return true
    }
    guard goesOn, waitingCount > 0 || rowCount == 0 else { return goesOn }
    return try handOn()
  }
}

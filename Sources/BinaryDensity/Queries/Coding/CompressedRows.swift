/// What stands in a file of compressed rows beside the rows: FORMAT.md lists it byte by byte.
///
///     let file = try CompressedRows(bytes, path: "test.bdr")
///     print(file.rowCount, file.columnNames ?? [])
///
/// Every byte is under a checksum, so that a damaged or cut file is refused before anything is decoded.
public struct CompressedRows: Sendable {
  /// The number of rows.
  public var rowCount: Int { layout.rowCount }
  /// The number of columns.
  public let columnCount: Int
  /// The names of the columns, where they were given to the coder.
  public let columnNames: [String]?
  /// The picture that a row is, where it was given to the coder.
  public let imageShape: ImageShape?
  /// Tells the model that the rows were compressed with.
  public let fingerprint: UInt32
  /// The file, as errors name it.
  public let path: String

  /// The CRC-32 of the packed rows.
  let checksum: UInt32
  package let layout: LaneLayout
  let lanes: [ArraySlice<UInt8>]

  static let magic = Array("BDRC".utf8)
  /// The version of the format.
  static let version: UInt8 = 1
  private static let nameByteLimit = 1 << 28

  init(
    layout: LaneLayout, columnCount: Int, columnNames: [String]?, imageShape: ImageShape?,
    fingerprint: UInt32,
    checksum: UInt32, lanes: [[UInt8]]
  ) {
    self.layout = layout
    self.columnCount = columnCount
    self.columnNames = columnNames
    self.imageShape = imageShape
    self.fingerprint = fingerprint
    self.checksum = checksum
    self.lanes = lanes.map { $0[...] }
    path = "compressed rows"
  }

  /// The whole file.
  var bytes: [UInt8] {
    var bytes = Self.magic + [Self.version]
    bytes.append([fingerprint, checksum], order: .little)
    let names = columnNames.map { Array(Checkpoint.encode($0).utf8) } ?? []
    let numbers = [
      layout.rowCount, columnCount, layout.laneCount, layout.rowsPerLane, imageShape?.height ?? 0,
      imageShape?.width ?? 0, names.count,
    ]
    for number in numbers { bytes.append(variableLength: number) }
    bytes += names
    for lane in lanes { bytes.append(variableLength: lane.count) }
    for lane in lanes { bytes += lane }
    var check = CRC32()
    check.update(bytes)
    bytes.append([check.value], order: .little)
    return bytes
  }

  /// Reads everything but the rows.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - path: what errors call it.
  /// - Throws: `DensityError.malformed` for what is no such file, or one of another version, damaged, or cut.
  public init(_ bytes: [UInt8], path: String = "compressed rows") throws(DensityError) {
    self.path = path
    func malformed(_ place: DensityError.Location, _ expected: String, _ found: String) -> DensityError {
      .malformed(path: path, at: place, expected: expected, found: found)
    }
    guard bytes.starts(with: Self.magic) else {
      throw malformed(
        .byte(0), "the letters BDRC of compressed rows", bytes.isEmpty ? "nothing" : "other bytes")
    }
    var reader = Reader(bytes: bytes.dropLast(4), next: Self.magic.count)
    guard bytes.count > 4 + Self.magic.count, let version = reader.byte() else {
      throw malformed(.byte(bytes.count), "the format's version and more", "the end of the file")
    }
    guard version == Self.version else {
      throw malformed(.byte(Self.magic.count), "version \(Self.version) of the format", "version \(version)")
    }
    var check = CRC32()
    bytes.withUnsafeBytes { check.update(UnsafeRawBufferPointer(rebasing: $0.dropLast(4))) }
    let stored = Self.number(bytes.suffix(4))
    guard check.value == stored else {
      throw malformed(
        .field("checksum"), CRC32.text(of: stored),
        "\(CRC32.text(of: check.value)): the file is damaged or cut")
    }
    // What follows is wrong only in a file that another program has made.
    let broken = malformed(.field("header"), "what FORMAT.md says of compressed rows", "something else")
    guard let fingerprint = reader.bytes(4), let checksum = reader.bytes(4) else { throw broken }
    self.fingerprint = Self.number(fingerprint)
    self.checksum = Self.number(checksum)
    guard let rowCount = reader.integer(), let columnCount = reader.integer(), columnCount > 0,
      let laneCount = reader.integer(), let rowsPerLane = reader.integer(), let height = reader.integer(),
      let width = reader.integer(), let nameLength = reader.integer(), nameLength <= Self.nameByteLimit,
      (1...LaneLayout.laneLimit).contains(laneCount),
      (1...LaneLayout.blockLimit / laneCount).contains(rowsPerLane), let nameBytes = reader.bytes(nameLength)
    else { throw broken }
    self.columnCount = columnCount
    layout = LaneLayout(rowCount: rowCount, laneCount: laneCount, rowsPerLane: rowsPerLane)
    let (pixelCount, isHuge) = height.multipliedReportingOverflow(by: width)
    guard !isHuge, pixelCount == 0 ? height == width : pixelCount == columnCount else { throw broken }
    imageShape = pixelCount == 0 ? nil : ImageShape(height: height, width: width)
    let names: [String]? = nameLength == 0 ? nil : try? decodeJSON(String(decoding: nameBytes, as: UTF8.self))
    guard nameLength == 0 || names?.count == columnCount else { throw broken }
    columnNames = names
    var lengths: [Int] = []
    for _ in 0..<laneCount {
      guard let length = reader.integer() else { throw broken }
      lengths.append(length)
    }
    var lanes: [ArraySlice<UInt8>] = []
    for length in lengths {
      guard let lane = reader.bytes(length) else { throw broken }
      lanes.append(lane)
    }
    guard reader.isAtEnd else { throw broken }
    self.lanes = lanes
    try Self.check(rowCount, columnCount, bytes: lanes.reduce(0) { $0 + $1.count }, path)
  }

  /// Refuses more rows than the bytes can hold: no cell costs less than log₂ (1 + 2⁻²⁴) bits, so that a bit holds less than
  /// 2²⁴; four times that are allowed.
  private static func check(
    _ rowCount: Int, _ columnCount: Int, bytes: Int, _ path: String
  ) throws(DensityError) {
    let (cellCount, isHuge) = rowCount.multipliedReportingOverflow(by: columnCount)
    let (limit, isBoundless) = bytes.multipliedReportingOverflow(by: 1 << 29)
    guard !isHuge, isBoundless || cellCount <= limit else {
      throw .malformed(
        path: path, at: .field("number of rows"),
        expected: "as many as \(bytes) bytes can hold of \(columnCount) columns", found: "\(rowCount)")
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Takes what a header has one after another; nil where it ends.
private struct Reader {
  let bytes: ArraySlice<UInt8>
  var next: Int

  var isAtEnd: Bool { next == bytes.endIndex }

  mutating func byte() -> UInt8? { bytes(1)?.first }

  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard next <= bytes.endIndex, count <= bytes.endIndex - next else { return nil }
    defer { next += count }
    return bytes[next..<next + count]
  }

  /// A number that `append(variableLength:)` wrote.
  mutating func integer() -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      guard let byte = byte() else { return nil }
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}

extension [UInt8] {
  /// Appends a number ≥ 0, seven bits a byte, the lowest first; all bytes but the last have their highest bit set.
  fileprivate mutating func append(variableLength number: Int) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

/// The bytes of a packed file, part by part: see `PackedFile` for what they mean.
///
/// The number of rows is known first; rows may come in any pieces.
struct PackedEncoder {
  private let wordsPerBlock: Int
  private let header: [UInt8]
  private var checks: [UInt32] = []
  /// The check of the block that is being written, and how many words of it came.
  private var check = CRC32()
  private var wordCount = 0
  /// The check of all rows, until `known` begins.
  private var rowsCheck = CRC32()
  private var writesKnown = false
  /// In how many rows each column is on.
  private var counts: [Int]

  init(_ shape: TableWriter.Shape, rowCount: Int, hasMissing: Bool) {
    let blocks = RowBlocks(rowCount: rowCount, columnCount: shape.columnCount)
    let width = 8 * ((shape.columnCount + 63) / 64)
    wordsPerBlock = blocks.length * width / 8
    counts = Array(repeating: 0, count: shape.columnCount)
    let checkCount = blocks.count * (hasMissing ? 2 : 1) + 3
    var offset = 0
    func array(_ name: String, _ shape: [Int]) -> JSONValue.Member {
      let end = offset + shape[0] * shape[1]
      defer { offset = end }
      return JSONValue.Member(
        key: name,
        value: [
          "dtype": "U8", "shape": .array(shape.map(JSONValue.integer)),
          "data_offsets": [.integer(offset), .integer(end)],
        ])
    }
    var metadata: [JSONValue.Member] = [
      .init(key: "format", value: .string(PackedFile.formatName)),
      .init(key: "columns", value: .string("\(shape.columnCount)")),
    ]
    if let image = shape.imageShape {
      metadata.append(.init(key: "image", value: .string("\(image.height)x\(image.width)")))
    }
    if let names = shape.names, !names.isEmpty {
      let list = JSONValue.array(names.map(JSONValue.string))
      metadata.append(.init(key: "names", value: .string(list.description)))
    }
    var members = [JSONValue.Member(key: SafetensorsFile.metadataKey, value: .object(metadata))]
    members.append(array("rows", [rowCount, width]))
    if hasMissing { members.append(array("known", [rowCount, width])) }
    members.append(array("counts", [shape.columnCount, 8]))
    members.append(array("checks", [checkCount, 4]))
    var header = Array(JSONValue.object(members).description.utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    self.header = header
  }

  /// What stands before the rows.
  var beginning: [UInt8] { [UInt8]([UInt64(header.count)], order: .little) + header }

  /// Takes note of rows that are about to be appended.
  mutating func count(_ rows: BinaryMatrix) {
    for (column, count) in rows.onCounts.enumerated() { counts[column] += count }
  }

  /// Appends rows, or after all of them what is known of rows.
  mutating func append(_ words: ArraySlice<UInt64>, to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(words, order: .little)
    bytes.withUnsafeBytes { all in
      let new = UnsafeRawBufferPointer(rebasing: all[start...])
      if !writesKnown { rowsCheck.update(new) }
      var offset = 0
      while offset < new.count {
        let count = min(new.count - offset, 8 * (wordsPerBlock - wordCount))
        check.update(UnsafeRawBufferPointer(rebasing: new[offset..<offset + count]))
        offset += count
        wordCount += count / 8
        if wordCount == wordsPerBlock { endBlock() }
      }
    }
  }

  private mutating func endBlock() {
    checks.append(check.value)
    (check, wordCount) = (CRC32(), 0)
  }

  /// Goes on to what is known of the rows.
  mutating func beginKnown() {
    if wordCount > 0 { endBlock() }
    writesKnown = true
  }

  /// Returns what stands after all.
  mutating func end() -> [UInt8] {
    if wordCount > 0 { endBlock() }
    let counts = [UInt8](counts.map(Int64.init), order: .little)
    var countsCheck = CRC32()
    countsCheck.update(counts)
    let checks = [UInt8](checks + [rowsCheck.value, countsCheck.value], order: .little)
    var last = CRC32()
    last.update(header)
    last.update(checks)
    return counts + checks + [UInt8]([last.value], order: .little)
  }
}

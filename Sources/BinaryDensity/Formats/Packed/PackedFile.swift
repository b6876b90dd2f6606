/// A packed table: the rows of a `BinaryMatrix` in a file, of which any can be read alone, and is checked as it is.
///
/// It is a safetensors file, so that other programs read it too: `rows` U8 [N, 8 W], W = ⌈columns / 64⌉, column c of a row in
/// bit c mod 8 of its byte ⌊c / 8⌋; `known` U8 [N, 8 W] where cells are missing; `counts` U8 [D, 8], in how many rows
/// each column is on; and `checks` U8 [n, 4], the CRC-32 of each block of rows (`RowBlocks`), then of each block of `known`, of all
/// `rows`, of `counts`, and of the header and the checks before.
final class PackedFile: Sendable {
  /// The path, as errors name it.
  var path: String { file.path }
  let columnCount: Int
  /// How the rows lie in blocks.
  let blocks: RowBlocks
  let columnNames: [String]?
  let imageShape: ImageShape?
  /// Whether cells may be missing.
  let hasKnown: Bool
  /// The CRC-32 of all rows.
  let checksum: UInt32
  /// In how many rows each column is on; nil if the file does not say it.
  let onBitCounts: [Int]?

  private let file: RandomAccessFile
  private let rowsStart: Int
  private let knownStart: Int
  /// The checks of the blocks of rows, and then of those of `known`.
  private let checks: [UInt32]

  /// What the metadata call the format.
  static let formatName = "\(formatWords)2"
  /// What they call it in any version.
  static let formatWords = "density packed table "

  var rowCount: Int { blocks.rowCount }
  /// The words of one row.
  var wordsPerRow: Int { (columnCount + 63) / 64 }

  /// Reads the header and the checks.
  ///
  /// - Throws: `DensityError.malformed`, `.unreadable`.
  /// - Complexity: one 1024th of the file, and eight bytes a column.
  init(_ file: RandomAccessFile) throws(DensityError) {
    self.file = file
    let header = try SafetensorsHeader(file, verifying: false)
    func malformed(_ field: String, _ expected: String, _ found: String) -> DensityError {
      .malformed(path: file.path, at: .field(field), expected: expected, found: found)
    }
    // The first version had no counts.
    let hasCounts = header.metadata["format"] == Self.formatName
    guard hasCounts || header.metadata["format"] == Self.formatWords + "1" else {
      let found = header.metadata["format"].map { "'\($0)'" } ?? "a safetensors file of something else"
      throw malformed("__metadata__.format", "'\(Self.formatName)', which this version reads", found)
    }
    guard let columnCount = header.metadata["columns"].flatMap({ Int($0) }),
      (1...1 << 31).contains(columnCount)
    else {
      throw malformed(
        "__metadata__.columns", "a number of columns", header.metadata["columns"].map { "'\($0)'" } ?? "none")
    }
    let width = 8 * ((columnCount + 63) / 64)
    func entry(_ name: String, _ shape: String, _ isRight: ([Int]) -> Bool) throws(DensityError) -> (Int, Int)
    {
      guard let entry = header.entries.first(where: { $0.name == name }) else {
        throw malformed("header", "an array '\(name)'", "none")
      }
      guard entry.elementType == .uint8, entry.shape.count == 2, isRight(entry.shape) else {
        throw malformed(
          "array '\(name)'", "U8 \(shape)", "\(entry.elementType.rawValue) \(entry.shape)")
      }
      return (header.dataStart + entry.offsets.lowerBound, entry.shape[0])
    }
    let rowCount: Int
    (rowsStart, rowCount) = try entry("rows", "[rows, \(width)]") { $0[0] > 0 && $0[1] == width }
    blocks = RowBlocks(rowCount: rowCount, columnCount: columnCount)
    hasKnown = header.entries.contains { $0.name == "known" }
    knownStart = hasKnown ? try entry("known", "[\(rowCount), \(width)]") { $0 == [rowCount, width] }.0 : 0
    let checkCount = blocks.count * (hasKnown ? 2 : 1) + (hasCounts ? 3 : 2)
    let checksStart = try entry("checks", "[\(checkCount), 4]") { $0 == [checkCount, 4] }.0
    let bytes = try file.bytes(checksStart..<checksStart + 4 * checkCount)
    var checks = bytes.withUnsafeBytes { [UInt32]($0, order: .little) }
    var check = CRC32()
    check.update(try file.bytes(8..<header.dataStart))
    check.update(Array(bytes.dropLast(4)))
    guard checks.removeLast() == check.value else {
      throw malformed("header", "the header as it was written", "another; the file is damaged")
    }
    if hasCounts {
      let start = try entry("counts", "[\(columnCount), 8]") { $0 == [columnCount, 8] }.0
      let bytes = try file.bytes(start..<start + 8 * columnCount)
      var check = CRC32()
      check.update(bytes)
      let counts = bytes.withUnsafeBytes { [Int64]($0, order: .little) }
      guard check.value == checks.removeLast(), counts.allSatisfy({ 0...Int64(rowCount) ~= $0 }) else {
        throw malformed("counts", "the counts as they were written", "others; the file is damaged")
      }
      onBitCounts = counts.map(Int.init)
    } else {
      onBitCounts = nil
    }
    checksum = checks.removeLast()
    self.checks = checks
    self.columnCount = columnCount
    var names: [String]?
    if let text = header.metadata["names"] {
      let elements = try JSONValue(parsing: Array(text.utf8)[...], path: file.path).elements ?? []
      names = elements.compactMap(\.string)
      guard elements.count == columnCount, names?.count == columnCount else {
        throw malformed("__metadata__.names", "\(columnCount) names", "\(elements.count) elements")
      }
    }
    columnNames = names
    imageShape = try header.metadata["image"].map { (text) throws(DensityError) in
      let sides = text.split(separator: "x").compactMap { Int($0) }
      guard sides.count == 2, sides.allSatisfy({ (1...1 << 20).contains($0) }),
        sides[0] * sides[1] == columnCount
      else { throw malformed("__metadata__.image", "a height and a width such as 28x28", "'\(text)'") }
      return ImageShape(height: sides[0], width: sides[1])
    }
  }

  /// What a block is read into.
  struct Block {
    var words: [UInt64] = []
    /// Which cells are known; nil if all are.
    var known: [UInt64]?
  }

  /// Reads a block and checks it.
  ///
  /// - Throws: `DensityError.malformed` that names the rows of a damaged block; what reading throws.
  func read(_ index: Int) throws(DensityError) -> Block {
    var words = try words(ofBlock: index, at: rowsStart, check: checks[index])
    guard hasKnown else { return Block(words: words) }
    let known = try self.words(ofBlock: index, at: knownStart, check: checks[blocks.count + index])
    for place in words.indices { words[place] &= known[place] }
    let isWhole = known.reduce(0) { $0 + $1.nonzeroBitCount } == blocks[index].count * columnCount
    return Block(words: words, known: isWhole ? nil : known)
  }

  private func words(ofBlock index: Int, at start: Int, check: UInt32) throws(DensityError) -> [UInt64] {
    let rows = blocks[index]
    var words = [UInt64](repeating: 0, count: rows.count * wordsPerRow)
    var failure: DensityError?
    words.withUnsafeMutableBytes { bytes in
      do throws(DensityError) {
        try file.read(at: start + 8 * wordsPerRow * rows.lowerBound, into: bytes)
        var found = CRC32()
        found.update(UnsafeRawBufferPointer(bytes))
        if found.value != check { failure = damage(of: index, "other bytes than were written") }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    #if _endian(big)
      words = words.map(UInt64.init(littleEndian:))
    #endif
    if columnCount % 64 != 0 {
      // The check is right all the same: they were written by a faulty program.
      let unused = ~UInt64(0) << UInt64(columnCount % 64)
      for place in stride(from: wordsPerRow - 1, to: words.count, by: wordsPerRow)
      where words[place] & unused != 0 {
        throw damage(of: index, "bits beyond column \(columnCount)")
      }
    }
    return words
  }

  private func damage(of index: Int, _ found: String) -> DensityError {
    let rows = blocks[index]
    return .malformed(
      path: path, at: .field("block \(index + 1) of \(blocks.count)"),
      expected: "rows \(rows.lowerBound + 1) to \(rows.upperBound) as they were packed",
      found: "\(found); --skip-damaged leaves out such blocks")
  }
}

/// Lines of zeros and ones.
struct TextFormat: TableFormat {
  let name = "text"
  let summary = "lines of 0 and 1: CSV, TSV and the like"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool { true }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    try WholeTable(.bits(Self.read(from: source)), imageShape: nil, dialect: "text").selecting(options)
  }

  private static func read(from source: ByteSource) throws(DensityError) -> BinaryMatrix {
    var parser = TextTableParser(path: source.path)
    var line: [UInt8] = []
    // Spreadsheets begin a text with the byte-order mark of UTF-8.
    if try source.peek(3).elementsEqual([0xEF, 0xBB, 0xBF]) { _ = try source.take(3, of: "a text") }
    while try source.takeLine(into: &line) { try parser.add(line) }
    return try parser.finish()
  }
}

/// The fields of a line of text, one after another.
///
/// Fields stand between commas or semicolons, with or without spaces and tabs around them, or between spaces
/// and tabs alone. A field may be in double quotes. Two separators in a row, or one at an end, leave an empty
/// field.
private struct FieldScanner {
  private var cursor = 0
  /// False right after a separator, where a field must follow, if only an empty one.
  private var mayEnd = true

  /// Returns where the next field stands, without its quotes.
  mutating func next(in line: [UInt8]) -> Range<Int>? {
    skipBlanks(line)
    let start = cursor
    guard cursor < line.count else {
      if mayEnd { return nil }
      mayEnd = true
      return start..<start
    }
    var field = start..<start
    if line[cursor] == 0x22, let close = line[(cursor + 1)...].firstIndex(of: 0x22) {
      cursor = close + 1
      field = start + 1..<close
      if cursor < line.count, !endsField(line[cursor]) { field = rest(line, from: start) }
    } else {
      field = rest(line, from: start)
    }
    skipBlanks(line)
    mayEnd = true
    if cursor < line.count, isSeparator(line[cursor]) {
      cursor += 1
      mayEnd = false
    }
    return field
  }

  private mutating func rest(_ line: [UInt8], from start: Int) -> Range<Int> {
    while cursor < line.count, !endsField(line[cursor]) { cursor += 1 }
    return start..<cursor
  }

  private mutating func skipBlanks(_ line: [UInt8]) {
    while cursor < line.count, isBlank(line[cursor]) { cursor += 1 }
  }

  // The carriage return of a line that ends in both is a blank like another.
  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
  private func isSeparator(_ byte: UInt8) -> Bool { byte == 0x2C || byte == 0x3B }
  private func endsField(_ byte: UInt8) -> Bool { isBlank(byte) || isSeparator(byte) }
}

/// Packs lines into rows, and knows the line that is wrong.
private struct TextTableParser {
  let path: String
  private var lineNumber = 0
  /// Where the first row stands, and its columns; the measure of all others.
  private var firstRow: (line: Int, columnCount: Int)?
  private var mayBeHeader = true
  private var rowCount = 0
  private var words: [UInt64] = []

  init(path: String) { self.path = path }

  mutating func add(_ line: [UInt8]) throws(DensityError) {
    lineNumber += 1
    if mayBeHeader {
      guard !isBlank(line) else { return }
      if let control = line.first(where: { $0 < 0x20 && $0 != 0x09 && $0 != 0x0D }) {
        throw malformed(expected: "a table: IDX, NPY or text", found: "a byte \(hexadecimal(control))")
      }
      mayBeHeader = false
      if isHeader(line) { return }
    }
    var scanner = FieldScanner()
    var columnCount = 0
    var word: UInt64 = 0
    while let field = scanner.next(in: line) {
      guard let bit = bit(line[field]) else {
        let value = field.isEmpty ? "nothing" : quoted(line[field])
        throw malformed(expected: "0 or 1", found: "\(value) in column \(columnCount + 1)")
      }
      if bit { word |= 1 << UInt64(columnCount % 64) }
      columnCount += 1
      if columnCount % 64 == 0 {
        words.append(word)
        word = 0
      }
    }
    guard columnCount > 0 else { return }
    if columnCount % 64 != 0 { words.append(word) }
    rowCount += 1
    guard let firstRow else {
      firstRow = (lineNumber, columnCount)
      return
    }
    guard columnCount == firstRow.columnCount else {
      throw malformed(
        expected: "\(columns(firstRow.columnCount)) as in line \(firstRow.line)", found: columns(columnCount))
    }
  }

  func finish() throws(DensityError) -> BinaryMatrix {
    guard let firstRow else {
      throw .malformed(
        path: path, at: .line(lineNumber), expected: "a row of 0 and 1", found: "the end of the file")
    }
    return BinaryMatrix(rowCount: rowCount, columnCount: firstRow.columnCount, words: words)
  }

  /// Returns the bit a field stands for, or nil.
  private func bit(_ field: ArraySlice<UInt8>) -> Bool? {
    if field.count == 1, let digit = field.first {
      return digit == 0x31 ? true : digit == 0x30 ? false : nil
    }
    guard let number = Double(String(decoding: field, as: UTF8.self)) else { return nil }
    return number == 1 ? true : number == 0 ? false : nil
  }

  /// Whether the fields of a line are names: none of them a number, and not all of them empty.
  private func isHeader(_ line: [UInt8]) -> Bool {
    var scanner = FieldScanner()
    var hasName = false
    while let field = scanner.next(in: line) {
      if Double(String(decoding: line[field], as: UTF8.self)) != nil { return false }
      hasName = hasName || !field.isEmpty
    }
    return hasName
  }

  private func isBlank(_ line: [UInt8]) -> Bool {
    var scanner = FieldScanner()
    return scanner.next(in: line) == nil
  }

  private func columns(_ count: Int) -> String { count == 1 ? "1 column" : "\(count) columns" }

  private func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .line(lineNumber), expected: expected, found: found)
  }
}

/// Matrix Market: coordinates of what is not zero, or all elements column by column.
///
///     %%MatrixMarket matrix coordinate pattern general
///     % a comment
///     2 3 2
///     1 3
///     2 1
///
/// - Source: R. F. Boisvert, R. Pozo, K. A. Remington, The Matrix Market Exchange Formats, NISTIR 5935, 1996.
struct MatrixMarketFormat: TableFormat {
  let name = "mtx"
  let summary = "Matrix Market, coordinates or array"
  let hasWords = false

  static let mark = Array("%%matrixmarket".utf8)

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    let text = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start
    return text.prefix(Self.mark.count).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } == Self.mark
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    var parser = MatrixMarketParser(path: source.path, columnCount: options.fileColumnCount)
    let windows = TextWindows(source, endingAfter: TextWindows.blanks)
    while try windows.next({ (window) throws(DensityError) in
      parser.bytesRead = source.offset
      try parser.add(window)
    }) {}
    return try parser.finish().selecting(options)
  }
}

/// What the first line says.
private struct MatrixMarketHeader {
  var isArray = false
  var isPattern = false
  var isSymmetric = false

  /// - Throws: `malformed` for what holds no bits.
  init(_ words: [[UInt8]], path: String) throws(DensityError) {
    let texts = words.map { String(decoding: $0.prefix(40), as: UTF8.self).lowercased() }
    let known: [[String]] = [
      ["%%matrixmarket"], ["matrix"], ["coordinate", "array"],
      ["pattern", "integer", "real", "unsigned-integer"], ["general", "symmetric"],
    ]
    for (place, choices) in known.enumerated() {
      let text = place < texts.count ? texts[place] : ""
      guard choices.contains(text) else {
        throw .malformed(
          path: path, at: .line(1), expected: choices.joined(separator: " or "),
          found: text.isEmpty ? "the end of the line" : quoted(text.utf8))
      }
    }
    guard texts.count == known.count, !(texts[2] == "array" && texts[3] == "pattern") else {
      throw .malformed(
        path: path, at: .line(1), expected: "%%MatrixMarket matrix, coordinate or array, type, symmetry",
        found: texts.joined(separator: " "))
    }
    isArray = texts[2] == "array"
    isPattern = texts[3] == "pattern"
    isSymmetric = texts[4] == "symmetric"
  }
}

/// Takes lines of up to three words.
private struct MatrixMarketParser {
  let path: String
  let columnCount: Int?
  var bytesRead = 0
  private var lines = LineCounter()
  private var words: [[UInt8]] = []
  private var isComment = false
  private var header: MatrixMarketHeader?
  private var table: RandomAccessRows?
  private var sizes = (rows: 0, columns: 0)
  /// How many entries the size line promises, and how many came.
  private var promised = 0
  private var entryCount = 0
  /// Of an array, the next element's place.
  private var row = 0
  private var column = 0

  init(path: String, columnCount: Int?) {
    self.path = path
    self.columnCount = columnCount
  }

  mutating func add(_ text: UnsafeBufferPointer<UInt8>) throws(DensityError) {
    var place = 0
    while place < text.count {
      let byte = text[place]
      if byte <= 0x20 {
        if lines.ends(at: byte) {
          if !words.isEmpty { try endLine() }
          words.removeAll(keepingCapacity: true)
          isComment = false
          lines.advance()
        }
        place += 1
        continue
      }
      lines.passWord()
      if isComment || (byte == 0x25 && words.isEmpty && header != nil) {
        isComment = true
        while place < text.count, text[place] != 0x0A, text[place] != 0x0D { place += 1 }
      } else {
        var end = place
        while text[end] > 0x20 { end += 1 }
        guard words.count < 8 else { throw malformed(expected: "at most three words", found: "more") }
        words.append(Array(text[place..<end]))
        place = end
      }
    }
  }

  private mutating func endLine() throws(DensityError) {
    guard let header else {
      self.header = try MatrixMarketHeader(words, path: path)
      return
    }
    guard table != nil else { return try takeSizes(header) }
    if entryCount == promised {
      throw malformed(expected: "the end of the file after \(promised) entries", found: "another")
    }
    if header.isArray { try takeElements(header) } else { try takeEntry(header) }
  }

  private mutating func takeSizes(_ header: MatrixMarketHeader) throws(DensityError) {
    let what = header.isArray ? "rows and columns" : "rows, columns and entries"
    let numbers = words.compactMap(Self.number)
    guard numbers.count == words.count, numbers.count == (header.isArray ? 2 : 3), numbers[0] > 0,
      numbers[1] > 0
    else { throw malformed(expected: "the numbers of \(what), at least one each", found: lineText) }
    let (rowCount, columnCount) = (numbers[0], numbers[1])
    guard !header.isSymmetric || rowCount == columnCount else {
      throw malformed(expected: "as many columns as rows of a symmetric matrix", found: lineText)
    }
    if let wanted = self.columnCount, wanted != columnCount {
      throw .mismatch(path: path, expected: "\(wanted) columns", found: "\(columnCount)")
    }
    guard let count = checkedProduct(of: [rowCount, columnCount]),
      let table = RandomAccessRows(rowCount: rowCount, columnCount: columnCount)
    else { throw malformed(expected: "a table that the machine's memory can hold", found: lineText) }
    self.table = table
    sizes = (rowCount, columnCount)
    promised =
      header.isArray ? header.isSymmetric ? rowCount * (rowCount + 1) / 2 : count : numbers[2]
  }

  private mutating func takeEntry(_ header: MatrixMarketHeader) throws(DensityError) {
    guard words.count == (header.isPattern ? 2 : 3), let row = Self.number(words[0]),
      let column = Self.number(words[1])
    else {
      throw malformed(
        expected: header.isPattern ? "a row and a column" : "a row, a column and 0 or 1", found: lineText)
    }
    guard 1...sizes.rows ~= row, 1...sizes.columns ~= column else {
      throw malformed(
        expected: "a row of 1 to \(sizes.rows) and a column of 1 to \(sizes.columns)",
        found: lineText + (row == 0 || column == 0 ? ", as if counted from 0" : ""))
    }
    try set(row - 1, column - 1, to: header.isPattern ? true : value(words[2], row - 1, column - 1))
    if header.isSymmetric && row != column {
      guard row > column else {
        throw malformed(expected: "the lower triangle of a symmetric matrix alone", found: lineText)
      }
      try set(column - 1, row - 1, to: header.isPattern ? true : value(words[2], row - 1, column - 1))
    }
    entryCount += 1
  }

  private mutating func takeElements(_ header: MatrixMarketHeader) throws(DensityError) {
    for word in words {
      guard entryCount < promised else {
        throw malformed(expected: "\(promised) elements", found: "more")
      }
      let isOn = try value(word, row, column)
      try set(row, column, to: isOn)
      if header.isSymmetric && row != column { try set(column, row, to: isOn) }
      entryCount += 1
      row += 1
      if row == sizes.rows {
        column += 1
        row = header.isSymmetric ? column : 0
      }
    }
  }

  private func value(_ word: [UInt8], _ row: Int, _ column: Int) throws(DensityError) -> Bool {
    guard let value = bit(ofNumber: word) else {
      throw malformed(
        expected: "0 or 1", found: "\(quoted(word)) in row \(row + 1), column \(column + 1)")
    }
    return value
  }

  private mutating func set(_ row: Int, _ column: Int, to isOn: Bool) throws(DensityError) {
    guard isOn else { return }
    let limit = SparseRows.byteLimit(columnCount: columnCount, bytesRead: bytesRead)
    switch table?.turnOn(row, column, byteLimit: limit) {
    case .wasOn:
      throw malformed(expected: "every entry once", found: "row \(row + 1), column \(column + 1) again")
    case .isTooLarge:
      throw malformed(
        expected: "a table of a size the file makes plausible",
        found: "\(sizes.rows) × \(sizes.columns), most of it empty")
    case .done, nil: break
    }
  }

  consuming func finish() throws(DensityError) -> PackedTable {
    guard let header, let table else {
      throw malformed(expected: "the line of the sizes", found: "the end of the file")
    }
    guard entryCount == promised else {
      throw malformed(expected: "\(promised) entries", found: "\(entryCount)")
    }
    let limit = SparseRows.byteLimit(columnCount: columnCount, bytesRead: bytesRead)
    guard table.byteCount <= limit else {
      throw malformed(
        expected: "a table of a size the file makes plausible",
        found: "\(table.rowCount) × \(table.columnCount), most of it empty")
    }
    var layout = TableLayout(
      columnCount: table.columnCount, dialect: "Matrix Market, \(header.isArray ? "array" : "coordinates")")
    layout.rowCount = table.rowCount
    return PackedTable(table.chunks(), layout)
  }

  private static func number(_ word: [UInt8]) -> Int? {
    guard !word.isEmpty, word.count <= 18, word.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return word.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private var lineText: String { quoted(Array(words.joined(separator: [0x20]))) }

  private func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .line(lines.line), expected: expected, found: found)
  }
}

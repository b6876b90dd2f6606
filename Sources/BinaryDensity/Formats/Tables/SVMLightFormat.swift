/// Sparse rows as svmlight and libsvm have them: a label, then what is on as `index:1`.
///
///     1 3:1 7:1 # a comment
///     -1 qid:4 1:1
///
/// Labels are left out. Indices count from 1, or from 0 if index 0 occurs anywhere in the file or a comment before the
/// rows says so, as scikit-learn writes it. A row's indices may stand in any order, each at most once.
struct SVMLightFormat: TableFormat {
  let name = "svmlight"
  let summary = "sparse rows as svmlight and libsvm have them: label index:1 index:1 …"
  let hasWords = false

  /// Whether the first row that has anything on is `index:value` pairs, after a label or none.
  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    for line in wholeLines(of: start) {
      let words = line.prefix { $0 != 0x23 }.split { $0 <= 0x20 }
      let pairs = words.drop { !$0.contains(0x3A) }
      guard words.count - pairs.count <= 1 else { return false }
      if !pairs.isEmpty { return pairs.allSatisfy(Self.isPair) }
    }
    return false
  }

  private static func isPair(_ word: ArraySlice<UInt8>) -> Bool {
    guard let colon = word.firstIndex(of: 0x3A) else { return false }
    let (key, value) = (word[..<colon], word[(colon + 1)...])
    return !key.isEmpty && !value.isEmpty
      && (key.elementsEqual("qid".utf8) || key.allSatisfy { (0x30...0x39).contains($0) })
      && value.allSatisfy { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    var parser = SVMLightParser(path: source.path, options)
    let windows = TextWindows(source, endingAfter: TextWindows.blanks)
    while try windows.next({ (window) throws(DensityError) in
      parser.setByteLimit(bytesRead: source.offset)
      try parser.add(window)
    }) {}
    return try parser.finish().selecting(options)
  }
}

/// Packs lines into rows, and knows the line that is wrong.
private struct SVMLightParser {
  let path: String
  let columnCount: Int?
  private let leastColumnCount: Int
  private let indexBase: Int?
  private var rows = SparseRows()
  private var lines = LineCounter()
  /// Whether the line has a row yet, and whether the rest of it is a comment.
  private var isInRow = false
  private var isComment = false
  /// Whether rows have labels; the first says it for all.
  private var isLabelled: Bool?
  private var hasQueries = false
  /// Lines without a word, which are rows of zeros where no row has a label.
  private var blankCount = 0
  /// Indices of the row that are on and not yet in it, and that are given as 0.
  private var on: [UInt32] = []
  private var off: [UInt32] = []
  /// The first line of index 0, and of the index that is one too many if that occurs.
  private var zeroLine: Int?
  private var lastIndexLine: Int?

  private static let largestIndex = 1 << 31

  init(path: String, _ options: TableOptions) {
    self.path = path
    columnCount = options.fileColumnCount
    leastColumnCount = options.leastColumnCount
    indexBase = options.indexBase
  }

  mutating func setByteLimit(bytesRead: Int) {
    rows.byteLimit = SparseRows.listedByteLimit(columnCount: columnCount, bytesRead: bytesRead)
  }

  /// Reads a window, which ends between words.
  mutating func add(_ text: UnsafeBufferPointer<UInt8>) throws(DensityError) {
    var place = 0
    while place < text.count {
      let byte = text[place]
      if byte <= 0x20 {
        if lines.ends(at: byte) { try endLine() }
        place += 1
        continue
      }
      lines.passWord()
      if isComment || byte == 0x23 {
        isComment = true
        let start = place
        while place < text.count, text[place] != 0x0A, text[place] != 0x0D { place += 1 }
        // What scikit-learn says, which is certain where no row has index 0.
        if rows.rowCount == 0, zeroLine == nil,
          String(decoding: text[start..<place].prefix(200), as: UTF8.self).contains("indices are zero-based")
        {
          zeroLine = lines.line
        }
        continue
      }
      // The common word: an index, a colon, 0 or 1. Reading stops at the blank that every window ends with.
      var end = place
      var index = 0
      while text[end] &- 0x30 < 10, end - place < 10 {
        index = index * 10 + Int(text[end] &- 0x30)
        end += 1
      }
      if end > place, text[end] == 0x3A, text[end + 1] | 1 == 0x31, text[end + 2] <= 0x20 {
        try add(index, isOn: text[end + 1] == 0x31)
        place = end + 2
      } else {
        while text[end] > 0x20 && text[end] != 0x23 { end += 1 }
        try addWord(Array(text[place..<end]))
        place = end
      }
    }
  }

  private mutating func add(_ index: Int, isOn: Bool) throws(DensityError) {
    if !isInRow { try beginRow(hasLabel: false) }
    guard index <= columnCount ?? Self.largestIndex else {
      throw malformed(
        expected: columnCount.map { "an index of at most \($0), the number of columns" }
          ?? "an index of at most \(Self.largestIndex)", found: "\(index)")
    }
    if index == 0 && zeroLine == nil { zeroLine = lines.line }
    if index == columnCount && lastIndexLine == nil { lastIndexLine = lines.line }
    if isOn { on.append(UInt32(index)) } else { off.append(UInt32(index)) }
    if on.count + off.count >= 1 << 16 { try pack() }
  }

  /// Reads a word that is not an index with 0 or 1.
  private mutating func addWord(_ word: [UInt8]) throws(DensityError) {
    guard let colon = word.firstIndex(of: 0x3A) else {
      guard !isInRow else {
        throw malformed(expected: "index:value such as 3:1", found: quoted(word))
      }
      return try beginRow(hasLabel: true)
    }
    let (key, value) = (word[..<colon], word[(colon + 1)...])
    if key.elementsEqual("qid".utf8) {
      hasQueries = true
      if !isInRow { try beginRow(hasLabel: false) }
      return
    }
    let digits = String(decoding: key, as: UTF8.self)
    guard !key.isEmpty, key.count <= 18, key.allSatisfy({ (0x30...0x39).contains($0) }),
      let index = Int(digits)
    else {
      throw malformed(
        expected: "index:value such as 3:1, the index a whole number of at most \(Self.largestIndex)",
        found: quoted(word))
    }
    guard let bit = bit(ofNumber: value) else {
      throw .malformed(
        path: path, at: .lineCell(line: lines.line, column: max(0, index - 1), name: nil),
        expected: "0 or 1", found: quoted(word))
    }
    try add(index, isOn: bit)
  }

  private mutating func beginRow(hasLabel: Bool) throws(DensityError) {
    if let isLabelled, isLabelled != hasLabel {
      throw malformed(
        expected: isLabelled ? "a label first, as other rows have" : "no label, as other rows have none",
        found: hasLabel ? "a label" : "none")
    }
    isLabelled = hasLabel
    do throws(SparseRows.Fault) {
      for _ in 0...(hasLabel ? 0 : blankCount) { try rows.beginRow() }
    } catch {
      throw error.inText(path: path, line: lines.line, width: rows.width - 1)
    }
    blankCount = 0
    isInRow = true
  }

  private mutating func endLine() throws(DensityError) {
    if isInRow { try pack() } else if !isComment { blankCount += 1 }
    (isInRow, isComment) = (false, false)
    lines.advance()
  }

  /// Puts the indices that were read into the row.
  private mutating func pack() throws(DensityError) {
    do throws(SparseRows.Fault) {
      try rows.turnOn(on)
    } catch {
      throw error.inText(path: path, line: lines.line, width: rows.width - 1)
    }
    // A zero says nothing, unless the index is there twice.
    if !off.isEmpty {
      off.sort()
      let twice = zip(off, off.dropFirst()).first { $0 == $1 }?.0 ?? off.first { rows.isOn(Int($0)) }
      if let twice { throw malformed(expected: "every index once", found: "index \(twice) again") }
      if let last = off.last, Int(last) >= rows.width { widest = max(widest, Int(last) + 1) }
    }
    on.removeAll(keepingCapacity: true)
    off.removeAll(keepingCapacity: true)
  }

  /// One more than the largest index that was only ever given as 0: a column, though none of its cells is on.
  private var widest = 0

  mutating func finish() throws(DensityError) -> PackedTable {
    if indexBase == 1, let zeroLine {
      throw .malformed(
        path: path, at: .line(zeroLine), expected: "indices from 1, as in training or by --index-base",
        found: "0")
    }
    let base = indexBase ?? (zeroLine == nil ? 1 : 0)
    if base == 0, let lastIndexLine, let columnCount {
      throw .malformed(
        path: path, at: .line(lastIndexLine),
        expected: "an index below \(columnCount), since line \(zeroLine ?? 1) counts from 0",
        found: "\(columnCount)")
    }
    let width = max(max(rows.width, widest) - base, leastColumnCount)
    guard let columnCount = columnCount ?? (width > 0 ? width : nil) else {
      throw .malformed(
        path: path, at: .line(lines.line), expected: "a row of index:1, or --column-count",
        found: "the end of the file without any index")
    }
    do throws(SparseRows.Fault) {
      try rows.checkSize(columnCount: columnCount)
    } catch {
      throw error.inText(path: path, line: lines.line, width: columnCount)
    }
    var layout = TableLayout(
      columnCount: columnCount, dialect: "svmlight, indices from \(base)")
    layout.indexBase = base
    layout.rowCount = rows.rowCount
    layout.leftOut = (isLabelled == true ? ["label"] : []) + (hasQueries ? ["qid"] : [])
    return PackedTable(rows.finished(), layout, firstBit: base)
  }

  private func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .line(lines.line), expected: expected, found: found)
  }
}

extension SparseRows.Fault {
  /// The error about a line of a text.
  func inText(path: String, line: Int, width: Int) -> DensityError {
    switch self {
    case .repeated(let index):
      .malformed(path: path, at: .line(line), expected: "every index once", found: "index \(index) again")
    case .tooWide(let byteCount):
      .malformed(
        path: path, at: .line(line),
        expected: "indices that make a table of a size the file makes plausible (or --column-count)",
        found: "index \(width), with which the packed table takes \(byteCount >> 20) MiB")
    }
  }
}

/// Returns the lines of a text's start that are whole, or its only line as far as it goes.
func wholeLines(of start: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
  let text = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start
  let isEnd = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
  var lines = text.split(omittingEmptySubsequences: true, whereSeparator: isEnd)
  // The file may go on where the start ends: in the middle of the last line.
  if start.count >= DataTable.startLength, let last = text.last, !isEnd(last), let cut = lines.popLast(),
    lines.isEmpty
  {
    lines = [cut[..<(cut.lastIndex { $0 <= 0x20 || $0 == 0x2C } ?? cut.startIndex)]]
  }
  return lines
}

/// Returns the bit that a number stands for: 0, 1 or a spelling of these such as `1.0` or `0e0`; nil for all else.
func bit(ofNumber text: some Collection<UInt8>) -> Bool? {
  if text.count == 1, let digit = text.first { return digit == 0x31 ? true : digit == 0x30 ? false : nil }
  // `01` is no number, nor are the hexadecimal ones and the names that Swift knows.
  let digits = text.drop { $0 == 0x2B || $0 == 0x2D }
  guard text.count <= 40, text.count - digits.count <= 1,
    text.allSatisfy({ (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }),
    !(digits.first == 0x30 && digits.dropFirst().first.map { (0x30...0x39).contains($0) } == true),
    let number = Double(String(decoding: text, as: UTF8.self))
  else { return nil }
  return number == 1 ? true : number == 0 ? false : nil
}

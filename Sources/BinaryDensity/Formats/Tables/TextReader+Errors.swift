/// What is wrong with a line, and what to do.
extension TextReader {
  static func noRows(_ lines: TextLines, isAtEnd: Bool) -> DensityError {
    .malformed(
      path: lines.path, at: .line(lines.lineNumber), expected: "a row of 0 and 1",
      found: isAtEnd ? "the end of the file" : "nothing but blank lines and comments")
  }

  /// The error of a field that is neither a bit nor missing.
  func wrongCell(
    _ field: TextField, of fields: TextFields, column: Int, line: Int, isFirst: Bool
  ) -> DensityError {
    let text = UnsafeBufferPointer(start: fields.bytes + field.start, count: field.count)
    var hint = advice(text, column: column, isWholeLine: text.count == lines.length)
    let found = quoted(text)
    let isWord = text.contains { $0 | 0x20 > 0x60 && $0 | 0x20 < 0x7B }
    if isFirst, isWord, head.mayForceNames, twoWords == nil {
      hint += "; --header yes takes line \(line) for names"
    } else if isFirst, isWord, let line = head.nameLine, !head.isWithoutBits[column], !hasBits() {
      hint = "names? then line \(line) is a title: delete it, or put # before it"
    } else if !isFirst, isFooter() {
      hint = "a footer? delete the last line"
    }
    return .malformed(
      path: lines.path, at: .lineCell(line: line, column: column, name: name(column)),
      expected: words.expected, found: "\(found) (\(hint))")
  }

  /// Whether a cell of the line at hand is a bit.
  private func hasBits() -> Bool {
    TextSample(bytes: lines.line, count: lines.length).traits(head.delimiter, words).contains {
      $0.contains(.bit)
    }
  }

  /// Whether the line at hand is the last, and begins with a text or has no bit; no line can be read after this.
  private func isFooter() -> Bool {
    let line = TextSample(bytes: lines.line, count: lines.length)
    let traits = line.traits(head.delimiter, words)
    let hasBits = traits.contains { $0.contains(.bit) }
    guard let first = traits.first, twoWords == nil, first.isText || !hasBits && traits.count > 1,
      !head.isWithoutBits[0]
    else { return false }
    while let isLine = try? lines.advance(), isLine {
      let following = TextSample(bytes: lines.line, count: lines.length)
      if !following.isBlank, !following.isComment { return false }
    }
    return true
  }

  /// The error of a bit that is written otherwise than those above it.
  func wrongSpelling(_ field: TextField, column: Int, line: Int, expected: String) -> DensityError {
    let text = UnsafeBufferPointer(start: lines.line + field.start, count: field.count)
    return .malformed(
      path: lines.path, at: .lineCell(line: line, column: column, name: name(column)),
      expected: "\(expected), as above", found: quoted(text))
  }

  /// The error of a line of too many or too few fields.
  func wrongLength(_ count: Int, line: Int, isFirst: Bool) -> DensityError {
    let unit = head.delimiter == .bitStrings ? "digit" : "column"
    func text(_ count: Int) -> String { count == 1 ? "1 \(unit)" : "\(count) \(unit)s" }
    let source = head.nameLine == head.measureLine ? "as the names in line" : "as in line"
    var found = text(count)
    let bytes = UnsafeBufferPointer(start: lines.line, count: lines.length)
    let separators = ",;\t|".utf8.filter { bytes.contains($0) && head.delimiter.byte != $0 }
    if let other = separators.first, count < head.columnCount {
      found += " (divided by \(TextDelimiter.byte(other).name), in a table of \(head.delimiter.name)?)"
    } else if count < head.columnCount, count == 1, head.delimiter != .blanks, bytes.contains(0x20) {
      found += " (divided by blanks, in a table of \(head.delimiter.name)?)"
    }
    if hasNoBits {
      found += " (\(Self.itemsAdvice))"
    } else if head.nameLine == head.measureLine, count > head.columnCount, isFirst {
      found += " (is line \(head.measureLine) a title? delete it, or put # before it)"
    }
    return .malformed(
      path: lines.path, at: .line(line),
      expected: "\(text(head.columnCount - (head.emptyColumn == nil ? 0 : 1))) \(source) \(head.measureLine)",
      found: found)
  }

  /// Checks that a line that counts the rows is right.
  func checkCount(_ rowCount: Int) throws(DensityError) {
    guard let (line, numbers) = head.count else { return }
    var others = numbers
    if let index = others.lastIndex(of: head.columnCount) { others.remove(at: index) }
    guard let count = others.first, count != rowCount else { return }
    throw .malformed(
      path: lines.path, at: .line(line), expected: "the number of the rows, \(rowCount)", found: "\(count)")
  }

  /// What stands in cells unseen, and what to do.
  private static let marks: [(bytes: [UInt8], advice: String)] = [
    ([0x27], "a single quote: write cells without quotes, or in double quotes"),
    (Array("\u{2018}".utf8), "a curly quote: write cells without quotes"),
    (Array("\u{2019}".utf8), "a curly quote: write cells without quotes"),
    (Array("\u{201C}".utf8), "a curly quote: write cells without quotes"),
    (Array("\u{201D}".utf8), "a curly quote: write cells without quotes"),
    (Array("\u{A0}".utf8), "a no-break space: write plain spaces"),
  ]

  private static func contains(_ text: UnsafeBufferPointer<UInt8>, _ mark: [UInt8]) -> Bool {
    text.count <= 64 && (text.starts(with: mark) || text.suffix(mark.count).elementsEqual(mark))
  }

  /// Whether no column had a bit in the first lines, so that they may be no table of columns at all.
  private var hasNoBits: Bool { !head.isWithoutBits.isEmpty && head.isWithoutBits.allSatisfy(\.self) }

  private static let itemsAdvice = "no bits in any column; if each line lists what is on, say --format items"

  private func name(_ column: Int) -> String? {
    head.names.flatMap { $0[column].isEmpty ? nil : $0[column] }
  }

  /// Returns the likely cause of a wrong field, or what to do with it.
  private func advice(_ text: UnsafeBufferPointer<UInt8>, column: Int, isWholeLine: Bool) -> String {
    let name = name(column).map { $0.utf8.allSatisfy { $0 > 0x20 } ? $0 : quoted($0.utf8) } ?? "\(column + 1)"
    let ignore = "--ignore \(name) leaves the column out"
    if let known = self.name(column), known.utf8.elementsEqual(text) {
      return "the name of the column again: were files joined?"
    }
    if head.delimiter != .comma, !isWholeLine || head.columnCount == 1, TextSample.isDecimalComma(text) {
      return "a decimal comma? write 1.0 or 1"
    }
    if TextSample.isSeveralBits(text), let other = text.first(where: { $0 & 0xFE != 0x30 }) {
      let divided = other == 0x20 ? TextDelimiter.blanks : .byte(other)
      return "\(divided.name) in a table of \(head.delimiter.name): one delimiter must divide all cells"
    }
    if let mark = Self.marks.first(where: { Self.contains(text, $0.bytes) }) { return mark.advice }
    guard !words.areGiven else { return "--missing takes a word for a missing cell, \(ignore)" }
    if let (off, on) = twoWords { return "--values \(off),\(on) takes \(off) for 0 and \(on) for 1" }
    if TextWords.number(text) == -1 { return "--values -1,1 takes -1 for 0" }
    if hasNoBits, head.columnCount > 1 { return Self.itemsAdvice }
    if head.isWithoutBits[column] { return "no bits in this column? \(ignore)" }
    let word = String(decoding: text, as: UTF8.self)
    let isShort = text.count <= 12 && text.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 }
    return isShort ? "--missing \(word) takes it for a missing cell, \(ignore)" : ignore
  }
}

extension TextReader {
  /// Returns the two words, the likely one for 0 first, that are all that the columns which are kept hold.
  static func twoWords(
    _ look: TextLook, _ head: TextHead, _ words: TextWords, _ places: [Int]?
  ) -> (String, String)? {
    var found: [[UInt8]] = []
    var (lineCount, fieldCount, hasOther) = (0, 0, false)
    let rows = look.content.drop { $0.offset < head.skipped.byteCount }
    for line in rows where fieldCount < 1 << 16 {
      var column = 0
      line.prefix.forEachField(head.delimiter) { field in
        defer { column += 1 }
        guard found.count < 3, column < head.columnCount, places?[column] ?? 0 >= 0 else { return }
        let cell = words.cell(line.bytes, field)
        guard cell.value != .missing else { return }
        let text = UnsafeBufferPointer(start: line.bytes + field.start, count: field.count)
        hasOther = hasOther || cell.value == .other
        if !found.contains(where: { $0.elementsEqual(text) }) { found.append(Array(text)) }
      }
      guard found.count < 3, column == head.columnCount else { return nil }
      (lineCount, fieldCount) = (lineCount + 1, fieldCount + column)
    }
    let arePlain = found.allSatisfy { word in
      word.count <= 12 && word.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"\"',".utf8.contains($0) }
    }
    guard found.count == 2, hasOther, lineCount > 1, arePlain else { return nil }
    let pair = found.map { String(decoding: $0, as: UTF8.self) }.sorted { isLikelyOff($0, before: $1) }
    return (pair[0], pair[1])
  }

  private static func isLikelyOff(_ word: String, before other: String) -> Bool {
    if let number = Double(word), let other = Double(other) { return number < other }
    func saysNo(_ word: String) -> Bool {
      ["n", "off", "abs", "false", "low", "aus", "f"].contains { word.lowercased().hasPrefix($0) }
    }
    return saysNo(word) == saysNo(other) ? word < other : saysNo(word)
  }
}

extension TextCell.Spelling {
  /// The two words.
  var words: String {
    switch self {
    case .number: "0 or 1"
    case .trueFalse: "true or false"
    case .tf: "t or f"
    case .yesNo: "yes or no"
    case .yn: "y or n"
    }
  }
}

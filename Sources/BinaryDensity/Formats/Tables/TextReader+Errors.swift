/// What is wrong with a line, and what to do.
extension TextReader {
  static func noRows(_ lines: TextLines, isAtEnd: Bool) -> DensityError {
    .malformed(
      path: lines.path, at: .line(lines.lineNumber), expected: "a row of 0 and 1",
      found: isAtEnd ? "the end of the file" : "nothing but blank lines and comments")
  }

  /// The error of a field that is neither a bit nor missing.
  func wrongCell(_ field: TextField, of fields: TextFields, column: Int, line: Int) -> DensityError {
    let text = UnsafeBufferPointer(start: fields.bytes + field.start, count: field.count)
    return .malformed(
      path: lines.path, at: .lineCell(line: line, column: column, name: name(column)),
      expected: words.expected,
      found: "\(quoted(text)) (\(advice(text, column: column, isWholeLine: text.count == lines.length)))")
  }

  /// The error of a bit that is written otherwise than those above it.
  func wrongSpelling(_ field: TextField, column: Int, line: Int, expected: String) -> DensityError {
    let text = UnsafeBufferPointer(start: lines.line + field.start, count: field.count)
    return .malformed(
      path: lines.path, at: .lineCell(line: line, column: column, name: name(column)),
      expected: "\(expected), as above", found: quoted(text))
  }

  /// The error of a line of too many or too few fields.
  func wrongLength(_ count: Int, line: Int) -> DensityError {
    let unit = head.delimiter == .bitStrings ? "digit" : "column"
    func text(_ count: Int) -> String { count == 1 ? "1 \(unit)" : "\(count) \(unit)s" }
    let source = head.nameLine == head.measureLine ? "as the names in line" : "as in line"
    var found = text(count)
    let bytes = UnsafeBufferPointer(start: lines.line, count: lines.length)
    let separators = ",;\t|".utf8.filter { bytes.contains($0) && head.delimiter != .byte($0) }
    if let other = separators.first, count < head.columnCount {
      found += " (divided by \(TextDelimiter.byte(other).name), in a table of \(head.delimiter.name)?)"
    } else if count < head.columnCount, count == 1, head.delimiter != .blanks, bytes.contains(0x20) {
      found += " (divided by blanks, in a table of \(head.delimiter.name)?)"
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
    guard !words.areGiven else { return "--missing takes a word for a missing cell, \(ignore)" }
    if TextWords.number(text) == -1 { return "--values -1,1 takes -1 for 0" }
    if head.isWithoutBits[column] { return "no bits in this column? \(ignore)" }
    let word = String(decoding: text, as: UTF8.self)
    let isShort = text.count <= 12 && text.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x27 }
    return isShort ? "--missing \(word) takes it for a missing cell, \(ignore)" : ignore
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

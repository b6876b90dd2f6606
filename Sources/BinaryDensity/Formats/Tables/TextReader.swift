/// A table of lines of text.
///
/// Lines of one-digit cells are read eight bytes at a time (`TextDigits`), all others field by field; both read the
/// same where both can.
final class TextReader: TableReader {
  let layout: TableLayout
  let lines: TextLines
  let head: TextHead
  let words: TextWords
  /// The only two words of the first rows, if these are no bits.
  let twoWords: (String, String)?
  /// Nil where a digit may mean something else, or columns are left out or in another order.
  private let digits: TextDigits?
  /// The place in a row of each of the file's columns, −1 for those that are left out; nil if all are where they are.
  private let places: [Int]?
  /// The rows as they stand, of those that wait, if they are kept.
  private var texts: [TableText.Row]?
  /// How each of the file's columns writes its bits, once it has words for them: a spelling's number + 1.
  private var spellings: [UInt8] = []
  private var rowCount = 0
  /// Empty lines of a table of one column, which are missing cells if rows follow.
  private var emptyLines = 0
  /// How many lines of digits are tried at once: as many as there may be in a row.
  private var attempt = 1

  init(_ source: ByteSource, _ options: TableOptions) throws(DensityError) {
    lines = try TextLines(source)
    words = TextWords(options)
    let look = try TextLook(lines)
    try TextRefusals.checkText(
      UnsafeBufferPointer(start: lines.ahead, count: min(look.byteCount, DataTable.startLength)),
      path: lines.path)
    let head = TextHead(look, linesBefore: lines.lineNumber, options, words)
    self.head = head
    let preamble = Array(UnsafeBufferPointer(start: lines.ahead, count: head.skipped.byteCount))
    let lineEnd = look.content.first?.lineEnd ?? []
    lines.skip(byteCount: head.skipped.byteCount, lineCount: head.skipped.lineCount)
    guard head.columnCount > 0 else { throw Self.noRows(lines, isAtEnd: look.isWhole) }
    if let line = head.openQuoteLine {
      throw .malformed(
        path: lines.path, at: .line(line), expected: "a quote that closes",
        found: "one that does not")
    }
    let kept = try Self.kept(head, options)
    let places = kept.map { kept in
      var places = [Int](repeating: -1, count: head.columnCount)
      for (place, column) in kept.enumerated() { places[column] = place }
      return places
    }
    self.places = places
    twoWords = words.areGiven ? nil : Self.twoWords(look, head, words, places)
    digits =
      kept == nil && words.digitsAreBits && !options.keepsText
      ? TextDigits(columnCount: head.columnCount, head.delimiter) : nil
    var layout = TableLayout(columnCount: kept?.count ?? head.columnCount, dialect: head.delimiter.name)
    layout.nameLine = head.nameLine
    layout.columnNames = head.names.map { names in kept?.map { names[$0] } ?? names }
    layout.isReordered = kept.map { $0 != $0.sorted() } ?? false
    layout.leftOut = places.map { Self.leftOut(head, $0) } ?? []
    if options.keepsText {
      layout.text = head.text(preamble, lineEnd: lineEnd.isEmpty ? [0x0A] : lineEnd, values: options.values)
      texts = []
    }
    self.layout = layout
  }

  /// Returns the columns of the file that are kept, in their order, or nil for all as they are.
  private static func kept(_ head: TextHead, _ options: TableOptions) throws(DensityError) -> [Int]? {
    if options.columns == nil, options.ignored.isEmpty, head.aside == nil { return nil }
    if let names = head.names {
      for word in (options.columns ?? []) + options.ignored where names.count(where: { $0 == word }) > 1 {
        throw .invalidConfiguration(
          "\(quoted(word.utf8)) is the name of several columns; say its number instead")
      }
    }
    let selection = try ColumnSelection(options, names: head.names, columnCount: head.columnCount)
    guard let aside = head.aside?.column else { return selection.isEverything ? nil : selection.kept }
    let kept = selection.kept.filter { $0 != aside }
    guard !kept.isEmpty else { throw .invalidConfiguration("--ignore leaves no column") }
    return kept
  }

  private static func leftOut(_ head: TextHead, _ places: [Int]) -> [String] {
    places.indices.filter { places[$0] < 0 }.map { column in
      if let aside = head.aside, aside.column == column { return aside.label }
      let name = head.names?[column] ?? ""
      return name.isEmpty ? "\(column + 1)" : name
    }
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var rows = PackedLines(columnCount: layout.columnCount)
    var hasBegun: Bool {
      rowCount + rows.rowCount > 0 || head.nameLine.map { $0 < lines.lineNumber } ?? false
    }
    func isPassedOn() throws(DensityError) -> Bool {
      rowCount += rows.rowCount
      var block = rows.takeBlock()
      if let texts {
        block.texts = texts
        self.texts = []
      }
      return try body(block)
    }
    while true {
      if emptyLines == 0 { try takeDigits(&rows, upTo: length) }
      if rows.rowCount == length {
        guard try isPassedOn() else { return false }
        continue
      }
      guard try lines.advance() else { break }
      if isEmptyLine() {
        if head.columnCount == 1, hasBegun { emptyLines += 1 }
        continue
      }
      if isPassedOver(hasBegun: hasBegun) { continue }
      while emptyLines > 0 {
        rows.appendMissing()
        texts?.append(TableText.Row(bytes: [], cells: [0..<0]))
        emptyLines -= 1
        if rows.rowCount == length, try !isPassedOn() { return false }
      }
      try takeLine(&rows)
    }
    if rows.rowCount > 0, try !isPassedOn() { return false }
    guard rowCount > 0 else { throw Self.noRows(lines, isAtEnd: true) }
    try checkCount(rowCount)
    return true
  }

  // MARK: Lines

  /// Takes lines of one-digit cells while there are any.
  private func takeDigits(_ rows: inout PackedLines, upTo length: Int) throws(DensityError) {
    guard let digits else { return }
    while rows.rowCount < length {
      let wanted = min(attempt, length - rows.rowCount)
      var taken = 0
      try lines.takeLines(atLeast: digits.lineLength + 2) { bytes, byteCount in
        rows.append(upTo: wanted) { words in
          let read = digits.read(bytes, byteCount: byteCount, into: words, rowCount: wanted)
          taken = read.rowCount
          return read
        }
      }
      attempt = taken == wanted ? min(2 * attempt, 1024) : max(1, taken)
      if taken == 0 { return }
    }
  }

  /// Takes the line at hand, field by field.
  private func takeLine(_ rows: inout PackedLines) throws(DensityError) {
    let number = lines.lineNumber
    let places = places
    var cells = texts.map { _ in [Range<Int>](repeating: 0..<0, count: layout.columnCount) }
    var fields = TextFields(lines.line, count: lines.length, head.delimiter)
    var column = 0
    rows.appendEmpty()
    scan: while true {
      switch fields.next() {
      case .field(let field):
        let place = column < head.columnCount ? places?[column] ?? column : -1
        if place >= 0 {
          cells?[place] = field.start..<field.end
          let cell = words.cell(fields.bytes, field)
          switch cell.value {
          case .on: rows.setLast(place)
          case .off: break
          case .missing: rows.setLastMissing(place)
          case .other:
            let isFirst = rowCount == 0 && rows.rowCount == 1
            throw wrongCell(field, of: fields, column: column, line: number, isFirst: isFirst)
          }
          if cell.spelling != .number { try check(cell.spelling, field, column, line: number) }
        }
        if column == head.emptyColumn, field.count > 0 {
          throw wrongLength(column + 1, line: number, isFirst: false)
        }
        column += 1
      case .openQuote(let start):
        try lines.closeQuote(at: start, line: number)
        (fields.bytes, fields.end) = (lines.line, lines.length)
      case .end: break scan
      }
    }
    guard column == head.columnCount else {
      throw wrongLength(column, line: number, isFirst: rowCount == 0 && rows.rowCount == 1)
    }
    if let cells {
      texts?.append(
        TableText.Row(
          bytes: Array(UnsafeBufferPointer(start: lines.line, count: lines.length)), cells: cells))
    }
    if fields.hasDoubleTab {
      throw .malformed(
        path: lines.path, at: .line(number), expected: "cells between blanks",
        found: "two tabs with nothing between them: tabs and spaces both divide the cells of this file")
    }
  }

  /// Whether the line at hand holds nothing.
  func isEmptyLine() -> Bool {
    let tabsDivide = head.delimiter == .tab
    return UnsafeBufferPointer(start: lines.line, count: lines.length).allSatisfy {
      $0 == 0x20 || $0 == 0x09 && !tabsDivide || $0 == 0x0B || $0 == 0x0C || $0 == 0x1A
    }
  }

  /// Whether the line at hand is a comment, or drawn between rows.
  func isPassedOver(hasBegun: Bool) -> Bool {
    let line = TextSample(bytes: lines.line, count: lines.length)
    if head.delimiter.byte == 0x7C, line.isRule { return true }
    guard hasBegun else { return line.isComment }
    return line.isComment(in: head.delimiter, columnCount: head.columnCount)
  }

  /// Checks that a column keeps to one pair of words.
  private func check(
    _ spelling: TextCell.Spelling, _ field: TextField, _ column: Int, line: Int
  ) throws(DensityError) {
    if spellings.isEmpty { spellings = [UInt8](repeating: 0, count: head.columnCount) }
    if spellings[column] == 0 { spellings[column] = spelling.rawValue + 1 }
    guard spellings[column] != spelling.rawValue + 1 else { return }
    let known = TextCell.Spelling(rawValue: spellings[column] - 1)
    throw wrongSpelling(field, column: column, line: line, expected: known?.words ?? words.expected)
  }
}

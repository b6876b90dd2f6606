/// What the first lines of a text tell of all others: how fields are divided, which columns there are and what they are
/// called, and where the rows begin.
struct TextHead {
  private(set) var delimiter = TextDelimiter.none
  /// The fields of a row; 0 where there are no rows.
  private(set) var columnCount = 0
  /// The names of all columns of the file, empty where one has none.
  private(set) var names: [String]?
  private(set) var nameLine: Int?
  /// The line that says how many columns there are: of the names, or the first row.
  private(set) var measureLine = 1
  /// A column that is no part of the table, and what it is called.
  private(set) var aside: (column: Int, label: String)?
  /// A column beyond the names that has no cells.
  private(set) var emptyColumn: Int?
  /// The numbers of a line before the rows that counts them.
  private(set) var count: (line: Int, numbers: [Int])?
  /// For each column whether the first lines have no bit in it, though they have other cells.
  private(set) var isWithoutBits: [Bool] = []
  /// The line of the names, if a quote opens in it that does not close.
  private(set) var openQuoteLine: Int?
  /// Whether the first line may hold names after all, if it is asked to.
  private(set) var mayForceNames = false
  /// What stands before the rows, apart from comments.
  private(set) var skipped = (byteCount: 0, lineCount: 0)

  init(_ look: TextLook, linesBefore: Int, _ options: TableOptions, _ words: TextWords) {
    var content = look.content[...]
    func skip(_ line: TextSample) {
      skipped = (line.next, line.number + line.lineCount - 1 - linesBefore)
      content = content.dropFirst()
    }
    var given = content.first.flatMap { Self.givenDelimiter($0) }
    if given != nil, let line = content.first { skip(line) }
    if given == .pipe { given = TextDialect.pipe(of: content) }
    if let line = content.first, let numbers = Self.numbers(line), content.count > 1 {
      let rest = content.dropFirst()
      let found = given ?? TextDialect.delimiter(of: rest, words)
      let fields = rest[rest.startIndex].forEachField(found)
      let areEven = rest.prefix(8).allSatisfy { $0.forEachField(found) == fields }
      let rowCount = look.isWhole ? rest.count : nil
      let mayCount = Self.mayCount(line, numbers, found, columnCount: fields, rowCount: rowCount)
      if mayCount, areEven, Self.isCount(numbers, columnCount: fields, rowCount: rowCount) {
        count = (line.number, numbers)
        skip(line)
      }
    }
    guard let first = content.first else {
      skipped = (look.byteCount, look.lineCount)
      return
    }
    delimiter = given ?? TextDialect.delimiter(of: content, words)
    if delimiter.byte == 0x7C { content.removeAll(where: \.isRule) }
    if delimiter == .bitStrings, content.count > 1, options.hasHeader ?? true,
      !first.buffer.contains(where: { $0 & 0xFE == 0x30 })
    {
      // The name of the strings is the name of no column.
      skip(first)
    }
    setColumns(content, look, options, words)
    if let first = content.first, nameLine == first.number { skip(first) }
    mayForceNames = nameLine == nil && options.hasHeader == nil
  }

  /// Finds the names and the columns in the lines from the names or the first row on.
  private mutating func setColumns(
    _ content: ArraySlice<TextSample>, _ look: TextLook, _ options: TableOptions, _ words: TextWords
  ) {
    guard let first = content.first else { return }
    let lines = TextNames(content, delimiter, words)
    measureLine = first.number
    let comment = content.startIndex == 0 ? names(ofComment: look.lastComment, lines, options) : nil
    let hasBits = lines.first.contains { $0.contains(.bit) }
    if lines.areThere(options), comment == nil || !hasBits {
      nameLine = first.number
      if first.hasOpenQuote(delimiter) { openQuoteLine = first.number }
      setNames(lines, content.dropFirst(), options)
    } else {
      columnCount = lines.first.count
      if content.count > 1, columnCount > 1, lines.lastIsEmpty(includingFirst: true) {
        setEmptyColumn(columnCount - 1)
      }
      if let (line, names) = comment { (nameLine, self.names) = (line, names) }
    }
    if options.columns != nil { (aside, emptyColumn) = (nil, nil) }
    isWithoutBits = lines.columnsWithoutBits(columnCount, includingFirst: nameLine != first.number)
  }

  /// Returns how the table stands in its file.
  ///
  /// - Parameters:
  ///   - preamble: what stands before the rows.
  ///   - lineEnd: what ends a line.
  func text(_ preamble: [UInt8], lineEnd: [UInt8], values: TableOptions.Values?) -> TableText {
    // Names in a comment are passed over with it.
    let line = names.flatMap {
      nameLine != nil && preamble.isEmpty ? Array(TableFile.csvLine($0).dropLast()) + lineEnd : nil
    }
    return TableText(
      preamble: line ?? preamble, hasNames: nameLine != nil,
      separator: delimiter.byte ?? (delimiter == .blanks ? 0x20 : 0x2C), isFramed: delimiter == .framedPipes,
      lineEnd: lineEnd, values: values)
  }

  // MARK: Before the names

  /// Returns the delimiter of a first line such as `sep=;`, as Excel reads it.
  private static func givenDelimiter(_ line: TextSample) -> TextDelimiter? {
    let text = line.buffer.filter { $0 != 0x22 && $0 != 0x20 }
    guard text.count == 5, text.starts(with: "sep=".utf8) || text.starts(with: "SEP=".utf8) else {
      return nil
    }
    // `sep=1` would be a name.
    return (0x30...0x39).contains(text[4]) || text[4] | 0x20 > 0x60 && text[4] | 0x20 < 0x7B
      ? nil : .byte(text[4])
  }

  /// Returns the one or two numbers that a line consists of.
  private static func numbers(_ line: TextSample) -> [Int]? {
    guard line.count <= 40 else { return nil }
    let words = line.buffer.split { " \t,;".utf8.contains($0) }
    if words.count == 1, line.buffer.contains(where: { ",;".utf8.contains($0) }) { return nil }
    let numbers = words.compactMap { word in
      word.allSatisfy { (0x30...0x39).contains($0) } && (word.count == 1 || word.first != 0x30)
        ? Int(String(decoding: word, as: UTF8.self)) : nil
    }
    return (1...2).contains(words.count) && numbers.count == words.count ? numbers : nil
  }

  /// Whether a line can be anything but a row of bits that are not divided.
  private static func mayCount(
    _ line: TextSample, _ numbers: [Int], _ delimiter: TextDelimiter, columnCount: Int, rowCount: Int?
  ) -> Bool {
    guard line.buffer.allSatisfy({ $0 & 0xFE == 0x30 || $0 == 0x20 }) else { return true }
    let isAsLong = line.forEachField(.bitStrings) == columnCount
    guard delimiter == .bitStrings else { return !isAsLong || numbers[0] == rowCount }
    return !isAsLong && numbers[0] == rowCount ?? numbers[0]
  }

  /// Whether numbers before the rows can only be their count, or that of the columns, or both.
  private static func isCount(_ numbers: [Int], columnCount: Int, rowCount: Int?) -> Bool {
    if numbers.count == columnCount || columnCount == 1 {
      return numbers[0] > 1 && numbers[0] == rowCount && (numbers.count == 1 || numbers[1] == columnCount)
    }
    return numbers.count == 1 ? numbers[0] > 1 : numbers.contains(columnCount)
  }

  // MARK: The names

  private mutating func setNames(
    _ lines: TextNames, _ body: ArraySlice<TextSample>, _ options: TableOptions
  ) {
    var names = lines.names
    switch lines.extraFields {
    case 1 where lines.lastIsEmpty(includingFirst: false):
      names.append("")
      setEmptyColumn(names.count - 1)
    case 1 where lines.firstAreNames && Self.areDistinct(body.map { $0.texts(delimiter, upTo: 1).first }):
      names.insert("", at: 0)
      aside = (0, "row names")
    case -1 where names.last?.isEmpty == true: names.removeLast()
    default:
      if lines.isFirstWithoutName,
        lines.countsRows || lines.body.contains(where: { $0.first?.isOther ?? false })
      {
        aside = (0, names[0].isEmpty ? "row numbers" : names[0])
      } else if names.count > 1, names.last?.isEmpty == true, lines.lastIsEmpty(includingFirst: false) {
        setEmptyColumn(names.count - 1)
      }
    }
    self.names = names
    columnCount = names.count
  }

  /// Leaves out a last column that only a delimiter at the end of all lines makes.
  private mutating func setEmptyColumn(_ column: Int) {
    aside = (column, "\(column + 1)")
    emptyColumn = column
  }

  private static func areDistinct(_ names: [String?]) -> Bool {
    Set(names).count == names.count && !names.contains("")
  }

  /// Returns the names in a comment right before the rows, if it can hold nothing else.
  private func names(
    ofComment comment: TextSample?, _ lines: TextNames, _ options: TableOptions
  ) -> (line: Int, names: [String])? {
    // Three words may be a remark; names with commas between them are not, nor is what is asked for.
    let isCertain = delimiter.byte != nil || options.hasHeader == true
    guard let comment, isCertain, options.hasHeader ?? true, lines.first.count > 1 else { return nil }
    let names = comment.afterMark.texts(delimiter)
    guard names.count == lines.first.count else { return nil }
    let areNames = names.allSatisfy { name in
      !name.isEmpty && !name.contains(" ") && !name.utf8.allSatisfy { (0x2B...0x39).contains($0) }
    }
    return areNames && Set(names).count == names.count ? (comment.number, names) : nil
  }
}

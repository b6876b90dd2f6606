extension RowLabels {
  /// Reads a file with a label for each row: an IDX file of whole numbers, or a text with a label a line; plain or gzip.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` naming the line for a row without a label, and for
  ///   more than `LabelledDensity.classLimit` different ones.
  public static func read(_ path: String) throws(DensityError) -> RowLabels {
    let source = try ByteSource(path: path)
    let start = try source.peek(4)
    if start.count == 4, start.starts(with: [0, 0]) {
      return try read(IDXArray.read(from: source), source.path)
    }
    try TextRefusals.check(source)
    var labels = RowLabels(path: source.path)
    let lines = try TextLines(source)
    var emptyLine: Int?
    while try lines.advance() {
      let text = UnsafeBufferPointer(start: lines.line, count: lines.length)
      var word = String(decoding: text, as: UTF8.self)
      word = trimmed(word)
      if word.isEmpty {
        emptyLine = emptyLine ?? lines.lineNumber
        continue
      }
      // Empty lines may stand at the end.
      if let emptyLine { try labels.add("", at: .line(emptyLine)) }
      try labels.add(word, at: .line(lines.lineNumber))
    }
    return labels
  }

  private static func trimmed(_ word: String) -> String {
    let blanks: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    guard let last = word.lastIndex(where: { !blanks($0) }) else { return "" }
    return String(word[...last].drop(while: blanks))
  }

  private static func read(_ array: IDXArray, _ path: String) throws(DensityError) -> RowLabels {
    let numbers: [Int]? =
      switch array.elements {
      case .uint8(let values): values.map { Int($0) }
      case .int8(let values): values.map { Int($0) }
      case .int16(let values): values.map { Int($0) }
      case .int32(let values): values.map { Int($0) }
      case .float32, .float64: nil
      }
    guard let numbers, array.dimensions.count == 1 else {
      throw .mismatch(
        path: path, expected: "an IDX file of labels: whole numbers along one axis",
        found: "\(shapeText(array.dimensions)) of \(array.elements.type)")
    }
    var labels = RowLabels(path: path)
    for (row, number) in numbers.enumerated() { try labels.add("\(number)", at: .field("row \(row + 1)")) }
    return labels
  }

  /// Reads a column of a table of text as labels.
  ///
  /// - Parameters:
  ///   - column: its name, or its number counted from 1.
  ///   - path: the table.
  ///   - options: how it is read.
  /// - Throws: `DensityError.malformed` naming line and column for a cell without a label, and for more than
  ///   `LabelledDensity.classLimit` different ones; `.invalidConfiguration` for a column that there is not, and for a
  ///   format whose columns are all bits.
  public static func read(
    column: String, of path: String, _ options: TableOptions = TableOptions()
  ) throws(DensityError) -> RowLabels {
    guard path != "-" else {
      throw .invalidConfiguration(
        "--labels \(column): the standard input is read once; put the table or the labels into a file")
    }
    var options = options
    // That there is no such column is said of the labels, below.
    options.ignored.append(column)
    options.ignoresUnknown = true
    let source = try ByteSource(path: path)
    guard let reader = try DataTable.reader(of: source, options) as? TextReader else {
      throw .invalidConfiguration(
        "--labels \(column): no such file, and \(source.path) is no table of text, which could have such a column"
      )
    }
    return try reader.labels(ofColumn: column)
  }
}

extension TextReader {
  /// Reads the words of a column of the file, in place of the rows.
  func labels(ofColumn word: String) throws(DensityError) -> RowLabels {
    let columns = try ColumnSelection.columns([word], option: "--labels", head.names, head.columnCount)
    guard columns.count == 1 else {
      throw .invalidConfiguration("--labels \(word): labels are one column, not \(columns.count)")
    }
    var labels = RowLabels(path: lines.path)
    try forEachLine { (fields, line) throws(DensityError) in
      var column = 0
      scan: while true {
        switch fields.next() {
        case .field(let field):
          if column == columns[0] {
            let isMissing = !field.isQuoted && words.cell(fields.bytes, field).value == .missing
            let text = UnsafeBufferPointer(start: fields.bytes + field.start, count: field.count)
            let word = String(decoding: text, as: UTF8.self)
            try labels.add(
              isMissing ? "" : field.isQuoted ? word.replacing("\"\"", with: "\"") : word,
              at: .lineCell(line: line, column: column, name: head.names?[column]))
          }
          column += 1
        case .openQuote(let start):
          try lines.closeQuote(at: start, line: line)
          (fields.bytes, fields.end) = (lines.line, lines.length)
        case .end: break scan
        }
      }
      // Short lines are refused where the rows are read.
      if column <= columns[0] {
        try labels.add("", at: .lineCell(line: line, column: columns[0], name: head.names?[columns[0]]))
      }
    }
    return labels
  }

  /// Calls `body` with the fields of each line of a row, and the line's number.
  private func forEachLine(
    _ body: (inout TextFields, Int) throws(DensityError) -> Void
  ) throws(DensityError) {
    var hasBegun = head.nameLine.map { $0 < lines.lineNumber + 1 } ?? false
    while try lines.advance() {
      if isEmptyLine() || isPassedOver(hasBegun: hasBegun) { continue }
      hasBegun = true
      var fields = TextFields(lines.line, count: lines.length, head.delimiter)
      try body(&fields, lines.lineNumber)
    }
  }
}

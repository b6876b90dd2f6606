import BinaryDensity

/// Completed rows as lines of text: as the table was read, with its other columns, its order and its words, or as CSV.
struct CompletedText {
  private let shape: TableWriter.Shape
  private let text: TableText
  /// Whether each line begins with the number of its row.
  private let hasNumbers: Bool
  private var rowCount = 0
  private var words: [Words]
  /// Words of any column.
  private var usual = Words()

  /// The words of a column as they were met.
  private struct Words {
    var off: [UInt8]?
    var on: [UInt8]?

    subscript(_ value: Bool) -> [UInt8]? {
      get { value ? on : off }
      set { if value { on = newValue } else { off = newValue } }
    }
  }

  /// - Parameters:
  ///   - text: how the table stood in its file; nil for what was no text.
  ///   - drawCount: how many completions a row has: with several, and names to call it by, a first column numbers the rows.
  init(_ text: TableText?, _ shape: TableWriter.Shape, drawCount: Int) {
    self.shape = shape
    self.text =
      text
      ?? TableText(
        preamble: shape.names.map { TableFile.csvLine($0) } ?? [], hasNames: shape.names != nil,
        separator: 0x2C, values: nil)
    hasNumbers = drawCount > 1 && self.text.hasNames
    words = Array(repeating: Words(), count: shape.columnCount)
  }

  /// What stands before the rows.
  var heading: [UInt8] {
    guard hasNumbers else { return text.preamble }
    let isLineEnd = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
    let end = text.preamble.lastIndex { !isLineEnd($0) } ?? 0
    let start = text.preamble[..<end].lastIndex(where: isLineEnd).map { $0 + 1 } ?? 0
    return text.preamble[..<start] + numbered(Array(text.preamble[start...]), name)
  }

  /// What the numbers are called: a name that no column has.
  private var name: String {
    let names = shape.names ?? []
    return ["row", "row_number"].first { !names.contains($0) } ?? "number_of_row"
  }

  /// Returns the lines of some rows.
  mutating func lines(_ part: ImputeSink.Part) -> [UInt8] {
    if let texts = part.texts { learnWords(texts, part.original) }
    var bytes: [UInt8] = []
    for row in 0..<part.seen.rowCount {
      rowCount += 1
      let line = part.texts?[row] ?? plainLine(part.original, row)
      for completion in part.completed.numbers(ofRow: row) {
        var filled: [UInt8] = []
        var position = 0
        // Cells may stand in another order than their columns.
        for column in unknownCells(of: part.seen, row, in: line) {
          let cell = line.cells[column]
          filled += line.bytes[position..<cell.lowerBound]
          filled += field(completion[column], column)
          position = cell.upperBound
        }
        filled += line.bytes[position...]
        bytes += (hasNumbers ? numbered(filled, "\(rowCount)") : filled) + text.lineEnd
      }
    }
    return bytes
  }

  private func unknownCells(of rows: PartialRows, _ row: Int, in line: TableText.Row) -> [Int] {
    (0..<shape.columnCount).filter { rows[row, $0] == nil }
      .sorted { line.cells[$0].lowerBound < line.cells[$1].lowerBound }
  }

  /// A row of CSV, of which missing cells are empty.
  private func plainLine(_ rows: PartialRows, _ row: Int) -> TableText.Row {
    var (bytes, cells): ([UInt8], [Range<Int>]) = ([], [])
    for column in 0..<shape.columnCount {
      if column > 0 { bytes.append(0x2C) }
      let start = bytes.count
      if let value = rows[row, column] { bytes.append(value ? 0x31 : 0x30) }
      cells.append(start..<bytes.count)
    }
    return TableText.Row(bytes: bytes, cells: cells)
  }

  private func numbered(_ line: [UInt8], _ number: String) -> [UInt8] {
    // A line between bars begins with one.
    if text.isFramed, line.first == text.separator { return Array("| \(number) ".utf8) + line }
    return Array(number.utf8) + [text.separator] + line
  }

  // MARK: Words

  private mutating func learnWords(_ texts: [TableText.Row], _ rows: PartialRows) {
    for (row, line) in texts.enumerated() {
      for column in 0..<shape.columnCount {
        guard let value = rows[row, column], words[column][value] == nil else { continue }
        words[column][value] = Array(line.bytes[line.cells[column]])
        if usual[value] == nil { usual[value] = words[column][value] }
      }
    }
  }

  /// The field of a number that is 0, 1 or a probability.
  private func field(_ number: Float, _ column: Int) -> [UInt8] {
    guard number == 0 || number == 1 else { return Array("\(number)".utf8) }
    let value = number == 1
    if let word = words[column][value] { return word }
    if let values = text.values { return Array((value ? values.on : values.off).utf8) }
    let opposite = (words[column][!value] ?? usual[!value]).flatMap { Self.opposite(of: $0, is: value) }
    return words[column][!value] == nil
      ? usual[value] ?? opposite ?? [value ? 0x31 : 0x30]
      : opposite ?? usual[value] ?? [value ? 0x31 : 0x30]
  }

  /// Returns what a column that writes one value in a way writes for the other.
  private static func opposite(of word: [UInt8], is value: Bool) -> [UInt8]? {
    let text = String(decoding: word, as: UTF8.self)
    let pairs = [("false", "true"), ("f", "t"), ("no", "yes"), ("n", "y")]
    if let (off, on) = pairs.first(where: { (value ? $0.0 : $0.1) == text.lowercased() }) {
      let other = value ? on : off
      if text == text.lowercased() { return Array(other.utf8) }
      return Array(
        (text == text.uppercased() && text.count > 1
          ? other.uppercased() : other.prefix(1).uppercased() + other.dropFirst()).utf8)
    }
    // A number such as 1.0.
    guard let digit = word.firstIndex(of: value ? 0x30 : 0x31) else { return nil }
    var other = word
    other[digit] = value ? 0x31 : 0x30
    return other
  }
}

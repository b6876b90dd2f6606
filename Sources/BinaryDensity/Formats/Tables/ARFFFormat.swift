/// Weka's attribute-relation files, dense and sparse.
///
///     @relation basket                     % a comment
///     @attribute milk {0,1}
///     @attribute 'rye bread' numeric
///     @data
///     1,0
///     {0 1, 1 1}
///
/// A sparse row numbers attributes from 0; what it does not name is 0 or, of an attribute of words, its first word.
struct ARFFFormat: TableFormat {
  let name = "arff"
  let summary = "Weka's ARFF, dense or sparse"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    for line in wholeLines(of: start) {
      let text = line.drop { $0 <= 0x20 }
      if text.isEmpty || text.first == 0x25 { continue }
      return text.prefix(9).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } == Array("@relation".utf8)
    }
    return false
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    try ARFFReader(source, options)
  }
}

/// An attribute: its name, and how its values are bits.
struct ARFFAttribute {
  /// What the header says of its values.
  enum Values {
    case numbers
    /// The words for off and on, either of which may be lacking, and the bit of the first word; nil if that stands for a missing
    /// cell.
    case words(off: String?, on: String?, first: Bool?)
    /// Values that are no bits, in the header's words.
    case other(String)
  }

  let name: String
  let values: Values
  let line: Int

  /// Returns what a value says.
  ///
  /// - Parameter given: the words that options give.
  func cell(of value: some Collection<UInt8>, _ given: TextWords) -> TextCell.Value {
    if value.elementsEqual("?".utf8) || given.isGivenAsMissing(value) { return .missing }
    let bit: Bool? =
      switch values {
      case .numbers: given.areGiven ? given.givenBit(of: value) : BinaryDensity.bit(ofNumber: value)
      case .words(let off, let on, _):
        on.map { value.elementsEqual($0.utf8) } == true
          ? true : off.map { value.elementsEqual($0.utf8) } == true ? false : nil
      case .other: nil
      }
    return bit.map { $0 ? .on : .off } ?? .other
  }

  /// Returns what a sparse row says of it that leaves it out.
  func omitted(_ given: TextWords) -> TextCell.Value {
    switch values {
    case .numbers: cell(of: "0".utf8, given)
    case .words(_, _, let first): first.map { $0 ? .on : .off } ?? .missing
    case .other: .other
    }
  }

  /// What its values are, for an error.
  func expected(_ given: TextWords) -> String {
    switch values {
    case .numbers: given.expected
    case .other: "0 or 1"
    case .words(let off, let on, _): [off, on].compactMap { $0 }.joined(separator: " or ")
    }
  }
}

/// Reads the header, then rows as they come.
private final class ARFFReader: TableReader {
  let layout: TableLayout
  private let source: ByteSource
  private let windows: TextWindows
  private let attributes: [ARFFAttribute]
  /// The table's column of each attribute; nil for those left out.
  private let columns: [Int?]
  /// The words that options give for numbers.
  private let given: TextWords
  /// What a sparse row begins as: which of its cells are on, and known.
  private let omitted: (on: [UInt64], known: [UInt64])
  /// Attributes that a sparse row cannot leave out, since 0 means nothing there.
  private let named: [Int]
  /// What is left of the window in which the header ended, and the line it begins in.
  private var rest: [UInt8]
  private var lines: LineCounter

  init(_ source: ByteSource, _ options: TableOptions) throws(DensityError) {
    self.source = source
    windows = TextWindows(source, endingAfter: [0x0A, 0x0D], limit: 1 << 24)
    var header = ARFFHeader(path: source.path, options: options)
    var rest: [UInt8] = []
    while !header.isFinished {
      let goesOn = try windows.next { (window) throws(DensityError) in rest = Array(try header.add(window)) }
      guard goesOn else { throw header.malformed(expected: "@data", found: "the end of the file") }
    }
    self.rest = rest
    lines = header.lines
    attributes = header.attributes
    given = TextWords(options.forNumbers)
    let names = attributes.map(\.name)
    guard !names.isEmpty else {
      throw header.malformed(expected: "an @attribute before @data", found: "none")
    }
    let selection = try ColumnSelection(options, names: names, columnCount: names.count)
    if let count = options.columnCount, count != names.count {
      throw .mismatch(path: source.path, expected: "\(count) columns", found: "\(names.count)")
    }
    var columns = [Int?](repeating: nil, count: names.count)
    var layout = TableLayout(columnCount: selection.kept.count, dialect: "ARFF")
    var on = [UInt64](repeating: 0, count: (selection.kept.count + 63) / 64)
    var known = Self.allKnown(selection.kept.count)
    var named: [Int] = []
    for (column, attribute) in selection.kept.enumerated() {
      columns[attribute] = column
      if case .other(let words) = attributes[attribute].values {
        throw .malformed(
          path: source.path, at: .line(attributes[attribute].line),
          expected: "an attribute of 0 and 1, or --ignore \(names[attribute])",
          found: "\(quoted(names[attribute].utf8)) of \(words)")
      }
      let mask: UInt64 = 1 << UInt64(column % 64)
      switch attributes[attribute].omitted(given) {
      case .on: on[column / 64] |= mask
      case .missing: known[column / 64] &= ~mask
      case .other: named.append(attribute)
      case .off: break
      }
    }
    omitted = (on, known)
    self.named = named.sorted()
    self.columns = columns
    layout.columnNames = selection.kept.map { names[$0] }
    layout.leftOut = selection.leftOut.map { names[$0] }
    self.layout = layout
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var block = TableBlock(columnCount: layout.columnCount)
    var goesOn = true
    /// Reads the lines of a window.
    func add(_ text: UnsafeBufferPointer<UInt8>) throws(DensityError) {
      var start = 0
      for place in text.indices where goesOn {
        guard lines.ends(at: text[place]) else {
          // The line feed after a carriage return ends nothing.
          if text[place] == 0x0A { start = place + 1 }
          continue
        }
        try addLine(UnsafeBufferPointer(rebasing: text[start..<place]), to: &block)
        lines.advance()
        start = place + 1
        if block.rowCount == length {
          goesOn = try body(block)
          block = TableBlock(columnCount: layout.columnCount)
        }
      }
    }
    let first = rest
    rest = []
    try first.withUnsafeBufferPointer { (text) throws(DensityError) in try add(text) }
    while goesOn, try windows.next(add) {}
    guard goesOn, block.rowCount > 0 else { return goesOn }
    return try body(block)
  }

  private func addLine(_ line: UnsafeBufferPointer<UInt8>, to block: inout TableBlock) throws(DensityError) {
    var scanner = ARFFScanner(line)
    guard let first = scanner.skipBlanks(), first != 0x25 else { return }
    let start = block.words.count
    let isSparse = first == 0x7B
    block.words += isSparse ? omitted.on : Array(repeating: 0, count: block.wordsPerRow)
    let allKnown = Self.allKnown(layout.columnCount)
    if isSparse, omitted.known != allKnown, block.known == nil {
      block.known = (0..<block.rowCount).flatMap { _ in allKnown }
    }
    block.known?.append(contentsOf: isSparse ? omitted.known : allKnown)
    block.rowCount += 1
    if isSparse {
      try addSparse(&scanner, to: &block, start)
    } else {
      try addDense(&scanner, to: &block, start)
    }
    if let byte = scanner.skipBlanks(), byte != 0x25 {
      throw malformed(expected: "the end of the row", found: quoted(Array(scanner.rest)))
    }
  }

  private func addDense(
    _ scanner: inout ARFFScanner, to block: inout TableBlock, _ start: Int
  ) throws(DensityError) {
    for attribute in attributes.indices {
      guard let value = try value(&scanner) else {
        throw malformed(expected: "\(attributes.count) values", found: "\(attribute)")
      }
      try set(attribute, value, in: &block, start)
      guard attribute + 1 < attributes.count else { break }
      guard scanner.takes(0x2C) || scanner.tookTab else {
        if scanner.skipBlanks() == nil {
          throw malformed(expected: "\(attributes.count) values", found: "\(attribute + 1)")
        }
        throw malformed(expected: "a comma after value \(attribute + 1)", found: quoted(Array(scanner.rest)))
      }
    }
    if scanner.takes(0x2C) {
      throw malformed(expected: "\(attributes.count) values", found: "more")
    }
  }

  private func addSparse(
    _ scanner: inout ARFFScanner, to block: inout TableBlock, _ start: Int
  ) throws(DensityError) {
    _ = scanner.takes(0x7B)
    var last = -1
    var named = named[...]
    while !scanner.takes(0x7D) {
      if last >= 0, !scanner.takes(0x2C) {
        throw malformed(expected: "a comma or }", found: quoted(Array(scanner.rest)))
      }
      guard let word = try value(&scanner), word.count <= 10, word.allSatisfy({ (0x30...0x39).contains($0) }),
        let value = try value(&scanner)
      else {
        throw malformed(expected: "an attribute's number and its value", found: quoted(Array(scanner.rest)))
      }
      let attribute = word.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      guard attribute < attributes.count else {
        throw malformed(expected: "an attribute of 0 to \(attributes.count - 1)", found: "\(attribute)")
      }
      guard attribute > last else {
        throw malformed(expected: "attributes in ascending order", found: "\(attribute) after \(last)")
      }
      last = attribute
      if named.first == attribute { named.removeFirst() }
      try set(attribute, value, in: &block, start)
    }
    if let attribute = named.first { throw refusal(of: "0".utf8, attribute) }
  }

  private func set(
    _ attribute: Int, _ value: ArraySlice<UInt8>, in block: inout TableBlock, _ start: Int
  ) throws(DensityError) {
    guard let column = columns[attribute] else { return }
    let word = start + column / 64
    let mask: UInt64 = 1 << UInt64(column % 64)
    switch attributes[attribute].cell(of: value, given) {
    case .on:
      block.words[word] |= mask
      block.known?[word] |= mask
    case .off:
      block.words[word] &= ~mask
      block.known?[word] |= mask
    case .missing:
      if block.known == nil {
        block.known = (0..<block.rowCount).flatMap { _ in Self.allKnown(layout.columnCount) }
      }
      block.known?[word] &= ~mask
      block.words[word] &= ~mask
    case .other: throw refusal(of: value, attribute)
    }
  }

  /// The error of a value that is no bit.
  private func refusal(of value: some Collection<UInt8>, _ attribute: Int) -> DensityError {
    .malformed(
      path: source.path,
      at: .lineCell(line: lines.line, column: attribute, name: attributes[attribute].name),
      expected: "\(attributes[attribute].expected(given)) (or --ignore \(attributes[attribute].name))",
      found: value.isEmpty ? "nothing" : quoted(value))
  }

  /// Returns the next value, without quotes; nil where none follows.
  private func value(_ scanner: inout ARFFScanner) throws(DensityError) -> ArraySlice<UInt8>? {
    switch scanner.word() {
    case .word(let word): return word
    case .none: return nil
    case .unclosed: throw malformed(expected: "a quote that closes in its line", found: "none")
    }
  }

  private static func allKnown(_ columnCount: Int) -> [UInt64] {
    var row = [UInt64](repeating: ~0, count: (columnCount + 63) / 64)
    if columnCount % 64 != 0 { row[row.count - 1] = (1 << UInt64(columnCount % 64)) - 1 }
    return row
  }

  private func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: source.path, at: .line(lines.line), expected: expected, found: found)
  }
}

/// The first lines of a text, before any is taken.
struct TextLook {
  /// The lines that are neither blank nor comments.
  private(set) var content: [TextSample] = []
  /// The comment right before the first of them.
  private(set) var lastComment: TextSample?
  /// Whether there are no other lines in the file.
  let isWhole: Bool
  /// The end of what was looked at.
  let byteCount: Int
  let lineCount: Int

  /// The most that is looked at where that is enough to see two lines of the table.
  private static let (enoughBytes, enoughLines) = (1 << 18, 256)

  init(_ lines: TextLines) throws(DensityError) {
    var factor = 1
    while true {
      let look = try TextLook(lines, factor: factor)
      if look.isWhole || look.content.count > 1 || factor == 64 {
        self = look
        return
      }
      factor *= 8
    }
  }

  private init(_ lines: TextLines, factor: Int) throws(DensityError) {
    func isEnough(_ count: Int, _ byteCount: Int) -> Bool {
      count >= factor * Self.enoughLines || count > 0 && byteCount >= factor * Self.enoughBytes
    }
    let first = lines.lineNumber + 1
    let (ranges, end) = try lines.lookAhead(isEnough)
    (byteCount, lineCount) = (end, ranges.count)
    isWhole = !isEnough(lineCount, byteCount)
    for index in ranges.indices {
      var sample = TextSample(ranges, index, ahead: lines.ahead, first: first, end: end)
      if let last = content.last, last.number + last.lineCount > sample.number { continue }
      if sample.isBlank || sample.isComment && !(content.first.map(sample.isDivided(like:)) ?? false) {
        if content.isEmpty, sample.isComment { lastComment = sample }
        continue
      }
      if sample.hasOpenQuote { sample.join(ranges, end: end) }
      content.append(sample)
    }
  }
}

/// A line that was looked at.
struct TextSample {
  let bytes: UnsafePointer<UInt8>
  private(set) var count: Int
  /// Where it starts, counted from the first byte that was looked at.
  let offset: Int
  /// Its number in the file.
  let number: Int
  /// Where the line after it starts.
  private(set) var next: Int
  /// How many lines it spans: more than one if a quote does.
  private(set) var lineCount = 1

  /// - Parameters:
  ///   - ranges: where lines stand, counted from `ahead`.
  ///   - index: which of them it is.
  ///   - first: the number of the first of them.
  init(_ ranges: [Range<Int>], _ index: Int, ahead: UnsafePointer<UInt8>, first: Int, end: Int) {
    bytes = ahead + ranges[index].lowerBound
    count = ranges[index].count
    offset = ranges[index].lowerBound
    number = first + index
    next = index + 1 < ranges.count ? ranges[index + 1].lowerBound : end
  }

  /// A line that is not one of several.
  init(bytes: UnsafePointer<UInt8>, count: Int) {
    (self.bytes, self.count, offset, number, next) = (bytes, count, 0, 0, count)
  }

  var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: bytes, count: count) }

  /// Calls `body` with each field, and returns how many there are.
  @discardableResult
  func forEachField(_ delimiter: TextDelimiter, _ body: (TextField) -> Void = { _ in }) -> Int {
    var fields = TextFields(bytes, count: count, delimiter)
    var number = 0
    while true {
      switch fields.next() {
      case .field(let field): body(field)
      // The rest of the line, as far as it is known.
      case .openQuote(let start):
        body(TextField(start: start, end: count))
        return number + 1
      case .end: return number
      }
      number += 1
    }
  }

  /// What its first fields say, without quotes.
  func texts(_ delimiter: TextDelimiter, upTo limit: Int = .max) -> [String] {
    var fields = TextFields(bytes, count: count, delimiter)
    var texts: [String] = []
    while texts.count < limit {
      switch fields.next() {
      case .field(let field): texts.append(text(field))
      // The rest of the line, as far as it is known.
      case .openQuote(let start): return texts + [text(TextField(start: start, end: count))]
      case .end: return texts
      }
    }
    return texts
  }

  private func text(_ field: TextField) -> String {
    let text = String(
      decoding: UnsafeBufferPointer(start: bytes + field.start, count: field.count), as: UTF8.self)
    return field.isQuoted ? text.replacing("\"\"", with: "\"") : text
  }

  /// Whether a quote opens a field and does not close.
  func hasOpenQuote(_ delimiter: TextDelimiter) -> Bool {
    var fields = TextFields(bytes, count: count, delimiter)
    while true {
      switch fields.next() {
      case .field: continue
      case .openQuote: return true
      case .end: return false
      }
    }
  }

  func traits(_ delimiter: TextDelimiter, _ words: TextWords) -> [TextTraits] {
    var traits: [TextTraits] = []
    forEachField(delimiter) { traits.append(self.traits(of: $0, words)) }
    return traits
  }

  private func traits(of field: TextField, _ words: TextWords) -> TextTraits {
    let cell = words.cell(bytes, field)
    var traits: TextTraits = field.isQuoted ? .quoted : []
    switch cell.value {
    case .off: traits.insert(.bit)
    case .on: traits.formUnion([.bit, .on])
    case .missing: traits.formUnion(field.count == 0 ? [.missing, .empty] : .missing)
    case .other:
      let text = UnsafeBufferPointer(start: bytes + field.start, count: field.count)
      if text.allSatisfy({ (0x30...0x39).contains($0) || "+-._eE".utf8.contains($0) }), let last = text.last,
        (0x2E...0x39).contains(last)
      {
        traits.insert(.number)
        let isWhole = text.allSatisfy { (0x30...0x39).contains($0) }
        if !isWhole { traits.insert(.fraction) } else if text[0] == 0x30 { traits.insert(.padded) }
      }
      if Self.isSeveralBits(text) { traits.insert(.severalBits) }
    }
    if cell.spelling != .number { traits.formUnion(field.count == 1 ? [.word, .letter] : .word) }
    return traits
  }

  /// Whether there are digits with separators between them: a part of a line in another dialect.
  static func isSeveralBits(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard text.count > 2, isDigit(text[0]), isDigit(text[text.count - 1]) else { return false }
    return text.allSatisfy { isDigit($0) || " ,;\t|".utf8.contains($0) } && !text.allSatisfy(isDigit)
  }

  /// Whether a field is a number with a decimal comma, such as `1,0`.
  static func isDecimalComma(_ text: some Collection<UInt8>) -> Bool {
    let parts = text.split(separator: 0x2C, omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (0x30...0x39).contains($0) } }
  }

  /// Whether there is nothing in it but blanks, among them the end-of-file mark of old systems.
  var isBlank: Bool { buffer.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) || $0 == 0x1A } }

  /// What Excel writes for a cell that has no value.
  private static let excelErrors = ["N/A", "VALUE!", "DIV/0!", "NAME?", "REF!", "NUM!", "NULL!"]

  /// Whether it begins with `#` or `%`, and is no row whose first cell is an error of Excel.
  ///
  /// After the first row it is a comment only where it cannot be a row, as `isComment(in:columnCount:)` tells.
  var isComment: Bool {
    guard let start = buffer.firstIndex(where: { $0 != 0x20 }) else { return false }
    guard buffer[start] == 0x23 || buffer[start] == 0x25 else { return false }
    return buffer[start] == 0x25
      || !Self.excelErrors.contains { buffer[(start + 1)...].starts(with: $0.utf8) }
  }

  /// Whether it is a comment between rows: it has not as many fields as they, or a mark that stands alone where
  /// nothing but blanks divides fields.
  func isComment(in delimiter: TextDelimiter, columnCount: Int) -> Bool {
    guard isComment else { return false }
    if delimiter.byte != nil { return forEachField(delimiter) != columnCount }
    let afterMark = buffer.drop { $0 == 0x20 }.drop { $0 == 0x23 || $0 == 0x25 }
    if afterMark.first.map(TextFields.isBlank) ?? true { return true }
    return forEachField(delimiter) != columnCount
  }

  /// Whether it has the separators of another line, and at least one.
  func isDivided(like other: TextSample) -> Bool {
    let separators = ",;\t|".utf8.map { byte in
      (buffer.count { $0 == byte }, other.buffer.count { $0 == byte })
    }
    return separators.contains { $0.0 > 0 } && separators.allSatisfy { $0.0 == $0.1 }
  }

  /// A comment without the marks that it begins with.
  var afterMark: TextSample {
    let marks = buffer.prefix { $0 == 0x20 || $0 == 0x23 || $0 == 0x25 }.count
    return TextSample(bytes: bytes + marks, count: count - marks)
  }

  /// Whether it is a line drawn between the rows of a table of pipes.
  var isRule: Bool {
    buffer.count { $0 == 0x2D } >= 3 && buffer.allSatisfy { "-+|:= \t".utf8.contains($0) }
  }

  /// Whether it has a pipe at both ends.
  var isFramed: Bool { TextFields.frame(bytes, count: count) != nil }

  /// The bytes that end it; none at the end of the file.
  var lineEnd: [UInt8] {
    Array(
      UnsafeBufferPointer(start: bytes + count, count: next - offset - count)
        .prefix { $0 == 0x0A || $0 == 0x0D })
  }

  /// Its first bytes, which are enough to see how it is divided.
  var prefix: TextSample {
    var prefix = self
    prefix.count = min(count, 1 << 14)
    return prefix
  }

  /// Whether a quote that begins a field does not close.
  var hasOpenQuote: Bool {
    guard buffer.contains(0x22) else { return false }
    var isQuoted = false
    var mayOpen = true
    for byte in buffer {
      if isQuoted {
        isQuoted = byte != 0x22
      } else {
        isQuoted = byte == 0x22 && mayOpen
        mayOpen = byte == 0x22 || TextFields.isBlank(byte) || ",;|".utf8.contains(byte)
      }
    }
    return isQuoted
  }

  /// Extends it by the next lines up to the one in which its quote closes, if one does.
  mutating func join(_ ranges: [Range<Int>], end: Int) {
    var joined = self
    let index = (ranges.firstIndex { $0.lowerBound == offset } ?? 0) + 1
    for following in index..<min(index + 64, max(index, ranges.count)) {
      joined.count = ranges[following].upperBound - offset
      joined.lineCount += 1
      joined.next = following + 1 < ranges.count ? ranges[following + 1].lowerBound : end
      if !joined.hasOpenQuote {
        self = joined
        return
      }
    }
  }
}

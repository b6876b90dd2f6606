/// Which delimiter a text has, decided once from its first lines.
struct TextDialect {
  private let words: TextWords
  /// The lines that decide: all but a first that may hold names, unless there is no other.
  private let body: [TextSample]
  /// Pipes, as the lines have them.
  private let pipe: TextDelimiter

  private init(_ lines: ArraySlice<TextSample>, _ words: TextWords) {
    self.words = words
    let mayBeRow = lines.first.map { first in
      first.prefix.buffer.allSatisfy { $0 & 0xFE == 0x30 || " ,;\t|.\"".utf8.contains($0) }
    }
    pipe = Self.pipe(of: lines)
    body = (lines.count > 1 && mayBeRow == false ? lines.dropFirst() : lines).prefix(32).map(\.prefix)
  }

  /// Returns the delimiter of lines that are neither blank nor comments.
  static func delimiter(of lines: ArraySlice<TextSample>, _ words: TextWords) -> TextDelimiter {
    let dialect = TextDialect(lines, words)
    var candidates = dialect.candidates()
    if candidates.isEmpty { return dialect.withoutSeparators() }
    if candidates.count > 1 || candidates[0] != .blanks {
      // Blanks may stand within other fields; they divide only where all between them is bits.
      candidates.removeAll { $0 == .blanks && dialect.score(.blanks) < 1 }
    }
    guard candidates.count > 1 else { return candidates[0] }
    return candidates.map { ($0, dialect.score($0)) }.reduce((candidates[0], -1.0)) { $1.1 > $0.1 ? $1 : $0 }
      .0
  }

  /// Returns whether pipes stand at both ends of lines too, as they do in the first line, or in all others.
  ///
  /// In a line without names such pipes may as well stand beside missing cells: they do if a line that lacks them has as many.
  static func pipe(of lines: ArraySlice<TextSample>) -> TextDelimiter {
    let lines = lines.prefix(32).filter { !$0.isRule }
    guard let first = lines.first else { return .pipe }
    let count = first.forEachField(.pipe)
    if !first.isFramed {
      // Names may lack what all rows have.
      let rows = lines.dropFirst()
      let isName = !rows.isEmpty && rows.allSatisfy { $0.isFramed && $0.forEachField(.framedPipes) == count }
      return isName ? .framedPipes : .pipe
    }
    return lines.contains { !$0.isFramed && $0.forEachField(.pipe) == count } ? .pipe : .framedPipes
  }

  /// The delimiters that at least half of the lines have, in the order in which they win a tie.
  private func candidates() -> [TextDelimiter] {
    let all: [TextDelimiter] = [.tab, .semicolon, pipe, .comma, .blanks]
    let has = all.map { delimiter in body.count { Self.has(delimiter, $0) } }
    let candidates = zip(all, has).filter { $1 > 0 && 2 * $1 >= body.count }.map(\.0)
    func isInFirst(_ delimiter: TextDelimiter) -> Bool { body.first.map { Self.has(delimiter, $0) } ?? false }
    return candidates.filter(isInFirst) + candidates.filter { !isInFirst($0) }
  }

  /// Whether a line has a delimiter outside of quotes and, for blanks, between other bytes.
  private static func has(_ delimiter: TextDelimiter, _ line: TextSample) -> Bool {
    var isQuoted = false
    var mayOpen = true
    var hasBegun = false
    var wasBlank = false
    for byte in line.buffer {
      if isQuoted {
        isQuoted = byte != 0x22
        continue
      }
      let isBlank = TextFields.isBlank(byte)
      if delimiter.byte == byte { return true }
      if delimiter == .blanks, !isBlank, wasBlank, hasBegun { return true }
      if byte == 0x22, mayOpen { isQuoted = true }
      mayOpen = isBlank || ",;|".utf8.contains(byte)
      hasBegun = hasBegun || !isBlank
      wasBlank = isBlank
    }
    return false
  }

  /// Which part of the fields are bits, missing, or bits with a decimal comma.
  private func score(_ delimiter: TextDelimiter) -> Double {
    var (count, good) = (0, 0)
    for line in body {
      var decimals = 0
      let fields = line.forEachField(delimiter) { field in
        let text = UnsafeBufferPointer(start: line.bytes + field.start, count: field.count)
        if words.cell(line.bytes, field).value != .other {
          good += 1
        } else if delimiter != .comma, TextSample.isDecimalComma(text) {
          decimals += 1
        }
      }
      count += fields
      // A line that is one field is no number: the comma divides it.
      if fields > 1 { good += decimals }
    }
    return Double(good) / Double(max(count, 1))
  }

  /// The dialect of lines that hold nothing which divides them.
  private func withoutSeparators() -> TextDelimiter {
    let strings = body.count { line in
      let digits = line.buffer.drop(while: TextFields.isBlank).prefix { $0 & 0xFE == 0x30 }
      return digits.count > 1 && line.buffer[digits.endIndex...].allSatisfy(TextFields.isBlank)
    }
    return !words.areGiven && 2 * strings >= body.count ? .bitStrings : .none
  }
}

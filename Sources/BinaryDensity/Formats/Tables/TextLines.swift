/// The lines of a text in UTF-8, one after another, in a window that is as wide as the longest of them.
///
/// A line ends with LF, with CR LF or with CR alone; the last may lack its end.
final class TextLines {
  /// The file, as errors name it.
  let path: String
  /// How many lines were taken.
  private(set) var lineNumber = 0
  /// How many bytes the line at hand has.
  var length: Int { lineEnd - lineStart }
  /// The bytes of the line at hand; they move when another part of the file is read.
  var line: UnsafePointer<UInt8> { UnsafePointer(buffer + lineStart) }

  /// No line is longer: a file without any line end must not fill the memory.
  private static let longestLine = 32 << 20
  /// No field in quotes spans more.
  private static let longestQuote = 1 << 20
  /// What may be read beyond the end of the window.
  private static let slack = 16
  private let source: ByteSource
  private var decoder: TextDecoder
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 18
  private var lineStart = 0
  private var lineEnd = 0
  /// Where the next line starts.
  private var next = 0
  /// Where the window ends.
  private var end = 0
  private var isAtEnd = false

  init(_ source: ByteSource) throws(DensityError) {
    self.source = source
    path = source.path
    decoder = try TextDecoder(startOf: source)
    buffer = .allocate(capacity: capacity + Self.slack)
    (buffer + capacity).initialize(repeating: 0, count: Self.slack)
  }

  deinit { buffer.deallocate() }

  /// Takes the next line; returns false at the end.
  func advance() throws(DensityError) -> Bool {
    lineStart = next
    lineEnd = next
    guard try endLine(scanningFrom: 0) else { return false }
    lineNumber += 1
    return true
  }

  /// Extends the line at hand by those that a quote opened in it spans.
  ///
  /// - Parameters:
  ///   - quote: where in the line the quote stands.
  ///   - line: the number of the line at hand, which an error names.
  func closeQuote(at quote: Int, line: Int) throws(DensityError) {
    var position = quote + 1
    while true {
      while lineStart + position + 1 >= end, try fill() {}
      guard lineStart + position < end, position - quote <= Self.longestQuote else {
        let found = lineStart + position < end ? "none in \(Self.longestQuote) bytes" : "the end of the file"
        throw .malformed(path: path, at: .line(line), expected: "a quote that closes", found: found)
      }
      let byte = buffer[lineStart + position]
      let following = lineStart + position + 1 < end ? buffer[lineStart + position + 1] : 0
      position += 1
      if byte == 0x22 {
        guard following == 0x22 else { break }
        position += 1
      } else if byte == 0x0A || byte == 0x0D && following != 0x0A {
        lineNumber += 1
      }
    }
    _ = try endLine(scanningFrom: position)
  }

  /// Returns where the next lines stand, counted from the next byte, until `enough` says so, and where the line after
  /// them does; it takes none.
  func lookAhead(
    _ enough: (_ count: Int, _ byteCount: Int) -> Bool
  ) throws(DensityError) -> (lines: [Range<Int>], end: Int) {
    lineStart = next
    lineEnd = next
    let firstNumber = lineNumber
    var lines: [Range<Int>] = []
    var start = 0
    while !enough(lines.count, start), try endLine(scanningFrom: start) {
      lines.append(start..<length)
      start = next - lineStart
      lineNumber += 1
    }
    lineNumber = firstNumber
    next = lineStart
    lineEnd = lineStart
    return (lines, start)
  }

  /// The bytes from the next line on, after `lookAhead`.
  var ahead: UnsafePointer<UInt8> { UnsafePointer(buffer + next) }

  /// Passes over lines that were looked at.
  func skip(byteCount: Int, lineCount: Int) {
    next += byteCount
    lineNumber += lineCount
  }

  /// Lends the bytes from the next line on, at least `count` unless the file ends before, and takes what the body
  /// says it used; 8 bytes beyond them may be read.
  func takeLines(
    atLeast count: Int, _ body: (UnsafePointer<UInt8>, _ byteCount: Int) -> (byteCount: Int, lineCount: Int)
  ) throws(DensityError) {
    lineStart = next
    lineEnd = next
    while end - next < count, try fill() {}
    let used = body(UnsafePointer(buffer + next), end - next)
    skip(byteCount: used.byteCount, lineCount: used.lineCount)
  }

  // MARK: The window

  /// Finds the end of the line at hand from an offset in it on; returns false if nothing is there.
  private func endLine(scanningFrom start: Int) throws(DensityError) -> Bool {
    var offset = start
    while true {
      let found = firstLineEnd(from: lineStart + offset)
      if found < end {
        offset = found - lineStart
        // The line feed of a carriage return may still be to come.
        if buffer[found] == 0x0D, found + 1 == end, try fill() { continue }
        lineEnd = lineStart + offset
        let isPair = buffer[lineEnd] == 0x0D && lineEnd + 1 < end && buffer[lineEnd + 1] == 0x0A
        next = lineEnd + (isPair ? 2 : 1)
        return true
      }
      let scanned = end - lineStart
      guard scanned <= Self.longestLine else {
        throw .malformed(
          path: path, at: .line(lineNumber + 1), expected: "a line end within \(Self.longestLine >> 20) MiB",
          found: "none; is it a table of text?")
      }
      if try !fill() {
        lineEnd = end
        next = end
        return scanned > start
      }
      offset = scanned
    }
  }

  /// Returns where the first line feed or carriage return stands, or the end of the window.
  private func firstLineEnd(from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while index + 8 <= end {
      let word = UInt64(
        littleEndian: UnsafeRawPointer(buffer + index).loadUnaligned(as: UInt64.self))
      let feeds = word ^ (ones &* 0x0A)
      let returns = word ^ (ones &* 0x0D)
      // The lowest byte that is zero has its top bit on here; higher ones may have it wrongly.
      let zeros = ((feeds &- ones) & ~feeds | (returns &- ones) & ~returns) & (ones &* 0x80)
      if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < end, buffer[index] != 0x0A, buffer[index] != 0x0D { index += 1 }
    return index
  }

  /// Reads on, dropping what stands before the line at hand; returns false at the end of the file.
  private func fill() throws(DensityError) -> Bool {
    guard !isAtEnd else { return false }
    let bytes = try source.take(upTo: 1 << 16)
    guard !bytes.isEmpty else {
      isAtEnd = true
      if decoder.isIncomplete {
        throw source.malformed(expected: "the rest of a character of UTF-16", found: "the end of the file")
      }
      return false
    }
    makeRoom(for: TextDecoder.capacity(for: bytes.count))
    end += decoder.decode(bytes, to: buffer + end)
    return true
  }

  private func makeRoom(for count: Int) {
    guard capacity - end < count else { return }
    let kept = end - lineStart
    if kept + count <= capacity, kept <= capacity / 2 {
      buffer.update(from: buffer + lineStart, count: kept)
    } else {
      capacity = max(capacity * 2, kept + count)
      let wider = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + Self.slack)
      wider.update(from: buffer + lineStart, count: kept)
      (wider + capacity).initialize(repeating: 0, count: Self.slack)
      buffer.deallocate()
      buffer = wider
    }
    (lineEnd, next, end) = (lineEnd - lineStart, next - lineStart, kept)
    lineStart = 0
  }
}

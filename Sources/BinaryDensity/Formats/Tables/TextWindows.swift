/// A text in windows that split no word, however long its lines are.
///
/// What a word is says the format: a window ends after one of the bytes that may stand between words, or at the end of
/// the file, where a line feed is added if the last line lacks one. A mark of UTF-8 at the start is dropped.
final class TextWindows {
  /// The longest word, in bytes.
  private let limit: Int
  private let source: ByteSource
  /// Which bytes end a word.
  private let ends: [Bool]
  private var rest: [UInt8] = []
  private var isAtStart = true
  /// Whether a word of a line was handed over, and not yet the line's end: it may lack one after a blank.
  private var isInLine = false

  /// Prepares to read what is left of a source.
  init(_ source: ByteSource, endingAfter bytes: some Sequence<UInt8>, limit: Int = 1 << 16) {
    self.source = source
    self.limit = limit
    var ends = [Bool](repeating: false, count: 256)
    for byte in bytes { ends[Int(byte)] = true }
    self.ends = ends
  }

  /// Calls `body` with the next window; returns false, without calling it, at the end.
  ///
  /// - Throws: `malformed` for a word that is longer than any can be; what reading and `body` throw.
  func next(
    _ body: (UnsafeBufferPointer<UInt8>) throws(DensityError) -> Void
  ) throws(DensityError) -> Bool {
    if isAtStart {
      isAtStart = false
      if try source.peek(3).elementsEqual([0xEF, 0xBB, 0xBF]) { _ = try source.take(3, of: "a text") }
    }
    var window = rest
    while true {
      let part = try source.take(upTo: 1 << 18)
      if part.isEmpty {
        rest = []
        guard !window.isEmpty || isInLine else { return false }
        window.append(0x0A)
        break
      }
      window += part
      if let end = part.lastIndex(where: { ends[Int($0)] }) {
        let length = window.count - (part.endIndex - end - 1)
        rest = Array(window[length...])
        window.removeLast(rest.count)
        break
      }
      guard window.count <= limit else {
        throw source.malformed(
          expected: "lines of text", found: "\(window.count) bytes without an end of a word or a line")
      }
    }
    let end = window.lastIndex { $0 == 0x0A || $0 == 0x0D }
    isInLine = (isInLine && end == nil) || window[(end.map { $0 + 1 } ?? 0)...].contains { $0 > 0x20 }
    try window.withUnsafeBufferPointer { (bytes) throws(DensityError) in try body(bytes) }
    return true
  }
}

extension TextWindows {
  /// The bytes that stand between words: blanks, line ends, other control characters.
  static let blanks = UInt8(0)...0x20
}

/// Tells line ends, of which LF, CR LF and CR alone are one each, and counts them.
///
/// It is told of every byte, or, by `passWord()`, of those between that are not asked about.
struct LineCounter {
  /// The line that is being read, counted from 1.
  private(set) var line = 1
  private var follows = false

  /// Notes a byte; returns whether a line ends with it.
  @inline(__always)
  mutating func ends(at byte: UInt8) -> Bool {
    let isReturn = byte == 0x0D
    let ends = isReturn || (byte == 0x0A && !follows)
    follows = isReturn
    return ends
  }

  /// Notes that bytes were passed over of which no line ends with any: a line feed after them ends one.
  @inline(__always)
  mutating func passWord() { follows = false }

  /// Goes on to the next line.
  mutating func advance() { line += 1 }
}

import Essentials
import Synchronization

/// What the program's output goes to.
package enum Terminal {
  /// Whether standard error is a terminal whose lines can be rewritten.
  package static var isInteractive: Bool {
    let kind = getenv("TERM").map { String(cString: $0) }
    return isatty(STDERR_FILENO) == 1 && kind != "dumb"
  }

  /// The number of columns of the terminal at standard error; 80 when there is none.
  package static var columnCount: Int { columnCount(at: STDERR_FILENO) ?? 80 }

  /// The number of columns that help is written in: that of the terminal at standard output, from 40 to 120, or else what the
  /// environment says in `COLUMNS`, or 80.
  package static var helpColumnCount: Int {
    let said = getenv("COLUMNS").flatMap { Int(String(cString: $0)) }
    return min(max(columnCount(at: STDOUT_FILENO) ?? said ?? 80, 40), 120)
  }

  private static func columnCount(at descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Whether nothing is said on standard error: of several processes that do the same, one speaks.
  private static let isSilent = Atomic<Bool>(false)

  /// Lets this process say nothing more on standard error.
  package static func silence() { isSilent.store(true, ordering: .relaxed) }

  /// Whether progress and notes are kept back, which are not what goes wrong.
  private static let isQuiet = Atomic<Bool>(false)

  /// Keeps back progress and notes from now on.
  package static func quieten() { isQuiet.store(true, ordering: .relaxed) }

  /// Whether every line of a series is printed: see `ProgressLine.printInTurn(_:)`.
  package static var isVerbose: Bool { verbosity.load(ordering: .relaxed) }
  private static let verbosity = Atomic<Bool>(false)

  /// Prints every line of a series from now on.
  package static func tellAll() { verbosity.store(true, ordering: .relaxed) }

  /// Writes progress or a note to standard error, unless they are kept back.
  package static func note(_ text: String) {
    if !isQuiet.load(ordering: .relaxed) { writeToStandardError(text) }
  }

  /// Writes to standard error at once; what cannot be written is lost, for there is nowhere left to say so.
  package static func writeToStandardError(_ text: String) {
    guard !isSilent.load(ordering: .relaxed) else { return }
    _ = write(Array(text.utf8), to: STDERR_FILENO)
  }

  /// Writes bytes to standard output, whole, unless its reader goes away.
  ///
  /// - Returns: whether there is a reader still.
  /// - Throws: `OutputError` when it cannot be written: a full disk, or closed from the start.
  @discardableResult
  package static func writeToStandardOutput(_ bytes: [UInt8]) throws(OutputError) -> Bool {
    let code = write(bytes, to: STDOUT_FILENO)
    // Who reads only the first lines, as `head` does, has what he wanted.
    if code != 0 && code != EPIPE { throw OutputError(reason: String(cString: strerror(code))) }
    return code == 0
  }

  /// Writes lines to standard output at once, as `visible` shows them.
  ///
  /// - Throws: `OutputError`.
  package static func print(_ text: some CustomStringConvertible) throws(OutputError) {
    let lines = "\(text)".split(separator: "\n", omittingEmptySubsequences: false).map { visible($0) }
    try writeToStandardOutput(Array((lines.joined(separator: "\n") + "\n").utf8))
  }

  /// Returns a text from outside as one line that is safe to show.
  ///
  /// What steers a terminal or the direction of writing becomes an escape such as `\u{1b}`, and a text of more than
  /// `limit` scalars is cut.
  package static func visible(_ text: some StringProtocol, limit: Int = .max) -> String {
    var result = ""
    var rest = limit
    for scalar in text.unicodeScalars {
      guard rest > 0 else { return result + " …" }
      rest -= 1
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Writes everything; returns 0, or the value of `errno` that ended it.
  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var bytes = bytes[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      bytes.removeFirst(count)
    }
    return 0
  }
}

/// Standard output could not be written.
package struct OutputError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system's words.
  package let reason: String
  /// One line that says so.
  package var description: String { "standard output: cannot be written: \(reason)" }
}

/// The system's `write`, by a name that the methods above do not hide.
private let systemWrite: @Sendable (Int32, UnsafeRawPointer?, Int) -> Int = { write($0, $1, $2) }

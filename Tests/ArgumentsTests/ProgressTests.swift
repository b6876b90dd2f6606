import Arguments
import Synchronization
import Testing

/// A terminal, or a pipe, that remembers what was written, with a clock to be set.
private final class Screen: Sendable {
  private let text = Mutex("")
  private let time = Mutex(0.0)
  let isTerminal: Bool
  let width: Int

  init(isTerminal: Bool, width: Int = 80) {
    self.isTerminal = isTerminal
    self.width = width
  }

  var seconds: Double {
    get { time.withLock { $0 } }
    set { time.withLock { $0 = newValue } }
  }

  /// All that was written.
  var written: String { text.withLock { $0 } }

  /// What a person sees: each line as left by carriage returns, backspaces and overwriting, and the cursor's
  /// column.
  var visible: (lines: [String], column: Int) {
    var lines: [[Character]] = [[]]
    var column = 0
    // One by one, for a carriage return and a line feed would be one character.
    for character in written.unicodeScalars.map(Character.init) {
      switch character {
      case "\r": column = 0
      case "\u{8}": column -= 1
      case "\n":
        lines.append([])
        column = 0
      default:
        if column < lines[lines.count - 1].count {
          lines[lines.count - 1][column] = character
        } else {
          lines[lines.count - 1].append(character)
        }
        column += 1
      }
    }
    let trimmed = lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
    return (trimmed, column)
  }

  func line() -> ProgressLine {
    ProgressLine(
      isTerminal: isTerminal, width: { self.width }, clock: { self.seconds },
      output: { text in self.text.withLock { $0 += text } })
  }
}

@Suite("Progress")
struct ProgressTests {
  @Test("Of a long series of lines few stay, the first and the last among them")
  func series() {
    let screen = Screen(isTerminal: false)
    let line = screen.line()
    for step in 0..<36_000 {
      screen.seconds = 0.1 * Double(step)
      line.printInTurn("line \(step)")
    }
    line.print("done")
    let lines = screen.visible.lines
    #expect(lines.first == "line 0" && lines.suffix(3) == ["line 35999", "done", ""])
    #expect((150...300).contains(lines.count), "\(lines.count)")
    let short = Screen(isTerminal: true)
    let few = short.line()
    for step in 1...3 { few.printInTurn("line \(step)") }
    few.finish()
    #expect(short.visible.lines == ["line 1", "line 3", ""])
  }

  @Test("A terminal's line is rewritten, at most ten times a second")
  func terminal() {
    let screen = Screen(isTerminal: true)
    let line = screen.line()
    line.update("epoch 1/2", fraction: 0, figures: ["nll 206.1", "1000 rows/s"])
    #expect(screen.visible == (["epoch 1/2    0%  nll 206.1  1000 rows/s"], 39))
    screen.seconds = 0.05
    line.update("epoch 1/2", fraction: 0.1)
    #expect(screen.visible.lines == ["epoch 1/2    0%  nll 206.1  1000 rows/s"])
    screen.seconds = 2
    line.update("epoch 1/2", fraction: 0.25)
    #expect(screen.visible == (["epoch 1/2   25%  6.0s left"], 26))
    screen.seconds = 8
    line.update("epoch 2/2", fraction: 1)
    #expect(screen.visible == (["epoch 2/2  100%  0.0s left"], 26))
    line.finish()
    #expect(screen.visible == ([""], 0))
    #expect(!screen.written.contains("\u{1B}") && !screen.written.contains("\n"))
  }

  @Test("A line that stays stands above the one that is rewritten")
  func stayingLines() {
    let screen = Screen(isTerminal: true)
    let line = screen.line()
    line.print("first")
    line.update("a long enough label", fraction: 0.5)
    line.print("short")
    #expect(screen.visible == (["first", "short", "a long enough label   50%"], 25))
    line.finish()
    line.finish()
    line.print("last")
    #expect(screen.visible == (["first", "short", "last", ""], 0))
  }

  @Test("A line is cut before the end of the terminal", arguments: [2, 10, 24, 25, 26, 27])
  func width(width: Int) {
    let screen = Screen(isTerminal: true, width: width)
    screen.line().update("a long enough label", fraction: 0.5)
    let whole = "a long enough label   50%"
    let expected = width > whole.count ? whole : String(whole.prefix(width - 2)) + "…"
    #expect(screen.visible.lines == [expected])
    #expect(screen.visible.column < width)
  }

  @Test("A pipe gets a plain line every thirty seconds")
  func pipe() {
    let screen = Screen(isTerminal: false, width: 10)
    let line = screen.line()
    for second in 0...100 {
      screen.seconds = Double(second)
      line.update("epoch 1/2", fraction: Double(second) / 200)
    }
    line.finish()
    let expected = """
      epoch 1/2   15%  2m 50s left
      epoch 1/2   30%  2m 20s left
      epoch 1/2   45%  1m 50s left

      """
    #expect(screen.written == expected)
  }

  @Test("The time left is that of the work at hand, not of what came before", arguments: [true, false])
  func severalWorks(isFinished: Bool) {
    let screen = Screen(isTerminal: false)
    let line = screen.line()
    for second in 0...1000 {
      screen.seconds = Double(second)
      line.update("training", fraction: Double(second) / 1000)
    }
    if isFinished { line.finish() }
    for second in 0...30 {
      screen.seconds = 1001 + Double(second)
      line.update("measuring", fraction: Double(second) / 60)
    }
    let last = screen.written.split(separator: "\n").last ?? ""
    #expect(last.hasPrefix("measuring") && last.hasSuffix(" 31%  41s left"), "\(last)")
  }

  @Test("In a pipe, a line that stays puts off the next")
  func pipeStayingLines() {
    let screen = Screen(isTerminal: false)
    let line = screen.line()
    screen.seconds = 29
    line.print("epoch 1")
    screen.seconds = 58
    line.update("epoch 2", fraction: 0.5)
    #expect(screen.written == "epoch 1\n")
    screen.seconds = 59
    line.update("epoch 2", fraction: 0.5)
    #expect(screen.written == "epoch 1\nepoch 2   50%\n")
  }

  @Test(
    "Fractions beyond the whole are the whole", arguments: [(-0.5, "  0%"), (0.999, " 99%"), (1.5, "100%")])
  func fractions(fraction: Double, percent: String) {
    let screen = Screen(isTerminal: true)
    screen.line().update("x", fraction: fraction)
    #expect(screen.written == "\rx  \(percent)")
  }
}

@Suite("Time")
struct TimeTests {
  @Test(
    "Durations in words",
    arguments: [
      (0, "0.0s"), (0.04, "0.0s"), (7.26, "7.3s"), (9.94, "9.9s"), (9.96, "10s"), (42.4, "42s"),
      (59.4, "59s"),
      (59.6, "1m 00s"), (125, "2m 05s"), (3599.4, "59m 59s"), (3599.6, "1h 00m"), (3720, "1h 02m"),
      (86_399, "1d 00h"), (273_600, "3d 04h"), (-1, "?"), (.nan, "?"), (.infinity, "?"),
    ] as [(Double, String)])
  func text(seconds: Double, text: String) {
    #expect(durationText(seconds: seconds) == text)
  }

  @Test("At a steady pace the estimate is exact")
  func steady() {
    var remaining = RemainingTime(at: 100)
    for second in 1...60 {
      let estimate = remaining.update(fraction: Double(second) / 60, at: 100 + Double(second))
      #expect(abs((estimate ?? -1) - Double(60 - second)) < 1e-9)
    }
  }

  @Test("Work resumed in the middle is judged by its own pace")
  func resumed() {
    var remaining = RemainingTime(from: 0.5, at: 0)
    #expect(remaining.update(fraction: 0.75, at: 10) == 10)
  }

  @Test("There is no estimate before there is something to go by")
  func early() {
    var remaining = RemainingTime(from: 0.25, at: 0)
    #expect(remaining.update(fraction: 0.5, at: 0.5) == nil)
    #expect(remaining.update(fraction: 0.25, at: 10) == nil)
    #expect(remaining.update(fraction: 0.1, at: 10) == nil)
    #expect(remaining.update(fraction: 0.5, at: 10) == 20)
  }

  @Test("A stall moves the estimate little by little")
  func stall() throws {
    var remaining = RemainingTime(at: 0)
    _ = remaining.update(fraction: 0.5, at: 60)
    // The raw estimate jumps from 60 to 120 seconds; a fraction 1 / (1 + 5) of the way is told each second.
    var last = 60.0
    for second in 0..<30 {
      let raw = 61 + Double(second)
      let update = remaining.update(fraction: 0.5, at: raw)
      let estimate = try #require(update)
      let expected = last - 1 + (raw - last + 1) / 6
      #expect(abs(estimate - expected) < 1e-9)
      last = estimate
    }
    #expect(last > 80 && last < 90)
  }
}

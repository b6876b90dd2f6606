import Synchronization

/// The line that tells how far long work has come.
///
/// On a terminal it is one line, rewritten in place at most ten times a second, cut to the width of the
/// terminal and wiped away at the end. In a pipe or a file it is a plain line every thirty seconds. Lines
/// that should stay are given to `print(_:)`. Nothing is coloured, so there is nothing for `NO_COLOR` to turn
/// off, and lines are wiped with spaces instead of control sequences.
///
///     let progress = ProgressLine()
///     progress.update("epoch 3/20", fraction: 0.12, figures: ["nll 92.41", "12 340 rows/s"])
///     // epoch 3/20   12%  nll 92.41  12 340 rows/s  1m 02s left
///     progress.print("epoch 3  train 92.41  validation 91.20")
///     progress.finish()
///
/// It may be used from any thread.
package final class ProgressLine: Sendable {
  /// Seconds between two rewritings.
  static let terminalInterval = 0.1
  /// Seconds between two plain lines.
  static let plainInterval = 30.0

  private struct State {
    var remaining: RemainingTime?
    var lastFraction = 0.0
    var lastShown: Double
    /// The text on the terminal's current line.
    var line = ""
    /// When the first line of a series was printed, and the last.
    var series: (start: Double, last: Double)?
    /// The last line of a series, if it was not printed.
    var pending: String?
  }

  private let isTerminal: Bool
  private let width: @Sendable () -> Int
  private let clock: @Sendable () -> Double
  private let output: @Sendable (String) -> Void
  private let state: Mutex<State>

  /// Creates a line on standard error.
  package convenience init() {
    let start = ContinuousClock.now
    self.init(
      isTerminal: Terminal.isInteractive, width: { Terminal.columnCount },
      clock: { (ContinuousClock.now - start) / .seconds(1) }, output: Terminal.note)
  }

  /// Creates a line on any output.
  ///
  /// - Parameters:
  ///   - isTerminal: whether a line can be rewritten by a carriage return.
  ///   - width: the number of columns now.
  ///   - clock: the time now, in seconds from any start.
  package init(
    isTerminal: Bool, width: @escaping @Sendable () -> Int, clock: @escaping @Sendable () -> Double,
    output: @escaping @Sendable (String) -> Void
  ) {
    self.isTerminal = isTerminal
    self.width = width
    self.clock = clock
    self.output = output
    // The first update of a terminal shows at once; a pipe waits, since short work needs no progress there.
    state = Mutex(State(lastShown: isTerminal ? -.infinity : clock()))
  }

  /// Tells how far the work has come; shown when it is time to.
  ///
  /// - Parameters:
  ///   - label: what is being done.
  ///   - fraction: how much of the whole work is done, 0…1. The time left is estimated from the pace since
  ///     the first update, so that work resumed in the middle is not thought fast. A fraction below the last is
  ///     that of other work, which has its own pace.
  ///   - figures: what else to say, each with its unit.
  package func update(_ label: String, fraction: Double, figures: [String] = []) {
    state.withLock { state in
      let now = clock()
      if fraction < state.lastFraction { state.remaining = nil }
      state.lastFraction = fraction
      var remaining = state.remaining ?? RemainingTime(from: fraction, at: now)
      let left = remaining.update(fraction: fraction, at: now)
      state.remaining = remaining
      guard now - state.lastShown >= (isTerminal ? Self.terminalInterval : Self.plainInterval) else { return }
      state.lastShown = now
      let percent = String(Int((min(max(fraction, 0), 1) * 100).rounded(.down)))
      let padded = String(repeating: " ", count: 3 - percent.count) + percent + "%"
      let parts = [label, padded] + figures + (left.map { [durationText(seconds: $0) + " left"] } ?? [])
      let text = parts.joined(separator: "  ")
      isTerminal ? rewrite(cut(Terminal.visible(text)), &state) : output(Terminal.visible(text) + "\n")
    }
  }

  /// Prints a line that stays.
  package func print(_ line: String) {
    state.withLock { state in
      flush(&state)
      print(line, &state)
    }
  }

  /// Prints a line of a series that may be long, such as one an epoch.
  ///
  /// They stay as those of `print(_:)`, but no two within a second, nor within a fiftieth of the time since the first: of an
  /// hour some two hundred are left, unless all are asked for. The last one is always printed, before anything else that is.
  package func printInTurn(_ line: String) {
    if Terminal.isVerbose { return print(line) }
    state.withLock { state in
      let now = clock()
      guard let series = state.series else {
        state.series = (now, now)
        return print(line, &state)
      }
      state.pending = line
      if now - series.last >= max(1, (now - series.start) / 50) { flush(&state) }
    }
  }

  /// Prints what is left of a series.
  private func flush(_ state: inout State) {
    guard let line = state.pending else { return }
    state.pending = nil
    state.series?.last = clock()
    print(line, &state)
  }

  private func print(_ line: String, _ state: inout State) {
    let current = state.line
    rewrite("", &state)
    output(Terminal.visible(line) + "\n")
    rewrite(current, &state)
    // It says enough for a while.
    if !isTerminal { state.lastShown = clock() }
  }

  /// Wipes the line away; a later update would show one again, of other work.
  package func finish() {
    state.withLock { state in
      flush(&state)
      rewrite("", &state)
      state.remaining = nil
    }
  }

  private func rewrite(_ text: String, _ state: inout State) {
    guard isTerminal, text != state.line else { return }
    let excess = String(repeating: " ", count: max(0, state.line.count - text.count))
    // The cursor is left after the text, or at the start of a line that is empty.
    output("\r" + text + excess + (text.isEmpty ? "\r" : String(repeating: "\u{8}", count: excess.count)))
    state.line = text
  }

  /// Cuts a text so that the cursor stays on its line.
  private func cut(_ text: String) -> String {
    let room = max(1, width() - 1)
    return text.count <= room ? text : text.prefix(room - 1) + "…"
  }
}

import Arguments
import BinaryDensity
import Foundation

/// Compares this build with an earlier one, figure by figure.
///
/// Three processes take turns: the old build A, the new build B, and the old build once more, C. They measure
/// A B C C B A, so that a machine which becomes slower or faster meets all alike. Two neighbouring halves give two pairs:
/// the ratios B / A say what has changed, the ratios C / A what the same build seems to change by, which is how far the
/// others can be believed. The processes are started anew for every two pairs, each from a fresh copy of its program: where
/// the memory of a process lies, and that of the program's file, is chance, and lasts as long as they do. (Copies of one
/// program, equal byte for byte, differed by seven parts in a hundred.)
///
/// One thread is judged (see `Verdict`): it stays on one processor, and its time is that of the processor. More threads
/// are measured too, by the clock on the wall.
struct Comparison {
  /// The earlier build's program.
  let old: String
  /// This build's.
  let new: String
  /// How many pairs of measurements a ratio is of.
  let pairCount: Int
  /// The numbers of threads; only 1 is judged.
  let threadCounts: [Int]
  /// How long a measurement takes, in seconds.
  let seconds: Double
  /// The processor that one thread stays on.
  let processor: Int
  /// Words of which one must be in the model and operation measured; empty for all.
  let words: [String]
  let dataDirectory: String
  let isJSON: Bool

  /// Pairs of one start of the processes: A B C C B A.
  private static let pairsPerStart = 2

  /// What a number of threads gives of a figure.
  private struct Trial {
    let label: String
    let threadCount: Int
    /// Rows a second, medians.
    let oldRate: Double
    let newRate: Double
    /// New to old.
    let change: RatioSummary
    /// Old to old.
    let noise: RatioSummary
  }

  /// Measures all, prints a line a figure, and returns whether nothing has become slower.
  func run() throws -> Bool {
    // A process that has ended is told by the error of writing to it, not by a signal that ends this one.
    signal(SIGPIPE, SIG_IGN)
    let (oldLabels, newLabels) = (try labels(of: old), try labels(of: new))
    let labels = newLabels.filter(oldLabels.contains)
    guard !labels.isEmpty else {
      throw UsageError(
        words.isEmpty ? "--against: no figure in common" : "--only: no figure in common has the words")
    }
    let progress = ProgressLine()
    defer { progress.finish() }
    if !isJSON { try Terminal.print("\(Machine.current.description)\n\n" + Self.table.heading) }
    let first = try trials(labels, "", progress)
    let slow = first.filter { $0.threadCount == 1 && Verdict.isSlow($0.change) }.map(\.label)
    let second = try trials(slow, "again: ", progress)
    let judged = first.filter { $0.threadCount == 1 }
    let verdict = Verdict(
      first: judged.map { ($0.label, $0.change) },
      second: Dictionary(
        second.filter { $0.threadCount == 1 }.map { ($0.label, $0.change) }, uniquingKeysWith: { $1 }))
    let noise = Verdict.geometricMean(judged.map(\.noise.median))
    let unmatched = [
      ("old", oldLabels.filter { !newLabels.contains($0) }),
      ("new", newLabels.filter { !labels.contains($0) }),
    ]
    if isJSON {
      try Terminal.print(
        JSONValue.object([
          .init(key: "machine", value: Machine.current.json),
          .init(key: "pairs", value: .integer(pairCount)),
          .init(key: "first_run", value: .array(first.map(Self.json))),
          .init(key: "second_run", value: .array(second.map(Self.json))),
          .init(key: "geometric_mean", value: .real(verdict.mean)),
          .init(key: "geometric_mean_of_old_to_old", value: .real(noise)),
          .init(key: "verdict", value: .string(verdict.description)),
        ]).indentedDescription)
    } else {
      for (build, labels) in unmatched where !labels.isEmpty {
        try Terminal.print("only in the \(build) build: \(labels.joined(separator: ", "))")
      }
      try Terminal.print(
        "geometric mean of the medians with one thread: \(Self.ratio(verdict.mean)), old to old \(Self.ratio(noise))\n"
          + verdict.description)
    }
    return verdict.passes
  }

  // MARK: Measuring

  private func labels(of program: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["--list", "--data", dataDirectory] + words.flatMap { ["--only", $0] }
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { throw ComparisonError("\(program): cannot be run") }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ComparisonError(
        "\(program): does not list its figures; it is an older density-bench, or something else")
    }
    return text.split(separator: "\n").map(String.init)
  }

  /// Measures figures in turn and prints their lines.
  private func trials(_ labels: [String], _ note: String, _ progress: ProgressLine) throws -> [Trial] {
    var trials: [Trial] = []
    for (index, label) in labels.enumerated() {
      let group = try measure(label) { share in
        progress.update(note + label, fraction: (Double(index) + share) / Double(labels.count))
      }
      trials += group
      guard !isJSON else { continue }
      // The line that says how far the work is must not stand where a result is printed.
      progress.finish()
      for trial in group { try Terminal.print(Self.table.line(Self.fields(trial, note: note))) }
    }
    return trials
  }

  private func measure(_ label: String, observing observe: (Double) -> Void) throws -> [Trial] {
    let options = ["--seconds", "\(seconds)", "--pin", "\(processor)", "--data", dataDirectory]
    var rates = threadCounts.map { _ in [[Double]](repeating: [], count: 3) }
    var done = 0
    while done < pairCount {
      observe(Double(done) / Double(pairCount))
      let processes = try [old, new, old].map {
        try ServingProcess(program: $0, label: label, options: options)
      }
      defer { for process in processes { process.end() } }
      for process in processes { try process.waitUntilReady() }
      let pairs = min(Self.pairsPerStart, pairCount - done)
      for (index, threadCount) in threadCounts.enumerated() {
        for pair in 0..<pairs {
          let turns = pair % 2 == 0 ? [0, 1, 2] : [2, 1, 0]
          for turn in turns { rates[index][turn].append(try processes[turn].rate(threadCount: threadCount)) }
          observe(
            (Double(done) + Double(index * pairs + pair + 1) / Double(threadCounts.count)) / Double(pairCount)
          )
        }
      }
      done += pairs
    }
    return zip(threadCounts, rates).map { threadCount, rates in
      func ratios(_ index: Int) -> RatioSummary { RatioSummary(zip(rates[index], rates[0]).map { $0 / $1 }) }
      return Trial(
        label: label, threadCount: threadCount, oldRate: median(ofSorted: rates[0].sorted()),
        newRate: median(ofSorted: rates[1].sorted()), change: ratios(1), noise: ratios(2))
    }
  }

  // MARK: Printing

  private static let table = TextTable([
    .left("figure", 31), .right("threads", 7), .right("old rows/s", 10), .right("new rows/s", 10),
    .right("new/old", 7), .right("95 % interval", 13), .right("old/old", 7), .right("95 % interval", 13),
    .left("", 5),
  ])

  private static func fields(_ trial: Trial, note: String) -> [String] {
    func interval(_ summary: RatioSummary) -> String { "\(ratio(summary.lower))–\(ratio(summary.upper))" }
    return [
      note + trial.label, String(trial.threadCount), significant(trial.oldRate), significant(trial.newRate),
      ratio(trial.change.median), interval(trial.change), ratio(trial.noise.median), interval(trial.noise),
      trial.threadCount == 1 && Verdict.isSlow(trial.change) ? "slower" : "",
    ]
  }

  private static func json(_ trial: Trial) -> JSONValue {
    func json(_ summary: RatioSummary) -> JSONValue {
      ["median": .real(summary.median), "lower": .real(summary.lower), "upper": .real(summary.upper)]
    }
    return [
      "figure": .string(trial.label), "threads": .integer(trial.threadCount),
      "old_rows_per_second": .real(trial.oldRate), "new_rows_per_second": .real(trial.newRate),
      "new_to_old": json(trial.change), "old_to_old": json(trial.noise),
    ]
  }

  /// Returns a ratio with three decimals.
  private static func ratio(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let digits = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }
}

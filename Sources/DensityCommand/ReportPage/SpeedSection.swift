import Arguments
import BinaryDensity
import Drawing
import Essentials
import Kernels

/// How fast the model is on this machine, measured while the page is made.
enum SpeedSection: ReportChapter {
  /// How long each is measured at the least, in seconds.
  private static let leastSeconds = 0.2

  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let (model, work) = (material.model, material.work)
    let count = max(1, min(1024, Int(2e9 / model.multiplicationsPerRow)))
    let evaluator = model.evaluator()
    var generator = Philox(seed: work.seed, stream: .sampling, index: 1)
    var rows = material.table.map { $0.whole(0..<min(count, $0.wholeRows.count)) }
    var facts: [(String, HTML)] = []
    do throws(DensityError) {
      let samples = try rate(of: count, work) { () throws(DensityError) in
        let drawn = try evaluator.sample(count: count, using: &generator)
        if rows?.rowCount ?? 0 == 0 { rows = drawn }
      }
      facts.append(("draws", "\(samples) rows a second, \(count) at a time"))
    } catch .unsupported {}
    if let rows, rows.rowCount > 0 {
      let scores = try rate(of: rows.rowCount, work) { () throws(DensityError) in
        _ = try evaluator.logProbabilities(of: rows, observing: work.observer("measuring the speed"))
      }
      facts.insert(("log p", "\(scores) rows a second, \(rows.rowCount) at a time"), at: 0)
    }
    let processor = MachineProcessor.name ?? "a processor without a name"
    facts.append(
      (
        "machine",
        """
        \(Terminal.visible(processor)), \(counted(Threads.count, "thread")), kernels for \
        \(InstructionSet.current.rawValue)
        """
      ))
    return ReportSection(
      name: "speed", title: "Speed",
      content: .paragraph("As measured while this page was made; the machine may have had other work.")
        + .facts(facts))
  }

  /// Returns how many rows a second some work does, in two or three digits.
  private static func rate(
    of count: Int, _ work: ReportWork, _ body: () throws(DensityError) -> Void
  ) throws(DensityError) -> String {
    // What is arranged at first use is not counted.
    try body()
    let start = ContinuousClock.now
    var (done, seconds) = (0, 0.0)
    repeat {
      try body()
      done += count
      seconds = start.duration(to: .now).seconds
      if Interrupt.isRequested { throw .interrupted }
    } while seconds < leastSeconds
    let rate = Double(done) / seconds
    guard rate >= 10 else { return printed(rate, "%.2g") }
    let scale = pow(10, log10(rate).rounded(.down) - 1)
    return "\(Int((rate / scale).rounded() * scale))"
  }
}

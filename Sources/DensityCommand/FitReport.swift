import Arguments
import BinaryDensity

/// What `density fit` prints while it searches, and of what it has found.
struct FitReport {
  /// What its figures are called.
  let figure: String
  let output: String
  /// Whether all that was tried is shown.
  let isVerbose: Bool
  /// What to type to go on, where that can be.
  let resumeLine: String?
  /// Whether figures of networks are estimates.
  let areEstimated: Bool
  /// The best figure that was shown.
  private var best = Double.infinity

  init(figure: String, output: String, isVerbose: Bool, resumeLine: String?, areEstimated: Bool) {
    self.figure = figure
    self.output = output
    self.isVerbose = isVerbose
    self.resumeLine = resumeLine
    self.areEstimated = areEstimated
  }

  /// Shows what happens: of what is tried only what is better than all before.
  mutating func show(_ event: DensitySearch.Event, _ progress: ProgressLine) {
    switch event {
    case .tried(let entry):
      // Of many members one is the best by luck.
      let isBetter = entry.validationNLL < best && entry.kind != .member
      if isBetter { best = entry.validationNLL }
      if isBetter || isVerbose { progress.print(line(entry)) }
    case .improved: break
    case .progress(let phase, let fraction, let best):
      progress.update(
        phase, fraction: fraction,
        figures: best.map { ["best \(figure) \(estimate(fixed($0, 3), if: areEstimated))"] } ?? [])
    case .lost(let process): progress.print("process \(process) is silent; the search goes on without it")
    case .unsaved(let error): progress.print("\(error); the search goes on, but --resume cannot")
    }
  }

  /// Prints what was found, why it is to be trusted, and what to do with it.
  func print(
    _ result: DensitySearch.Result, _ measurements: [LikelihoodMeasurement], _ ones: DrawnOnes?
  ) throws {
    try Terminal.print((figure == "training NLL" ? "  " : "") + "\(figure)  seconds  what")
    let shown = isVerbose ? result.leaderboard : result.shortLeaderboard
    let written = result.choices.first(where: \.isChosen)?.name
    for entry in shown { try Terminal.print(line(entry, isWritten: entry.name == written)) }
    if let rest = rest(result.leaderboard, shown) { try Terminal.print(rest) }
    for line in DensitySearch.Choice.lines(result.choices, figure: figure) { try Terminal.print(line) }
    try Terminal.print(description(of: result.density))
    for line in reasons(result) { try Terminal.print(line) }
    for measurement in measurements { try Terminal.print(measurement.line) }
    if let ones, ones.isOff { try Terminal.print(warning(of: ones)) }
    try Terminal.print("model  \(output)")
    let model = shellWord(argument(ofPath: output))
    let measured = measurements.contains { $0.name == "test" }
    let next = measured ? "density sample \(model) -n 10 -o -" : "density evaluate \(model) HELD-OUT-TABLE"
    if !result.isInterrupted {
      let more = result.canGoOn ? resumeLine : nil
      try Terminal.print("next   \(next)" + (more.map { "; or \($0) --budget 1h" } ?? ""))
    }
  }

  /// Prints the same as JSON, with all that was tried.
  func printJSON(
    _ result: DensitySearch.Result, _ measurements: [LikelihoodMeasurement], _ ones: DrawnOnes?,
    _ sources: [TableSource]
  ) throws {
    func validation(_ nll: Double) -> JSONValue { figure == "validation NLL" ? .real(nll) : .null }
    let leaderboard = result.leaderboard.map { entry -> JSONValue in
      .object(
        [
          .init(key: "name", value: .string(entry.name)),
          .init(key: "kind", value: .string(entry.kind.rawValue)),
          .init(key: "validation_nll", value: validation(entry.validationNLL)),
          .init(key: "seconds", value: .real(entry.seconds)),
        ] + estimatedMembers(isEstimated(entry)))
    }
    try DensityCommand.printJSON(
      FitCommand.command,
      try members(describing: result.density) + [
        .init(key: "tables", value: .array(sources.map(\.json))),
        .init(key: "validation_nll", value: validation(result.validationNLL)),
        .init(
          key: "validation_standard_error",
          value: figure == "validation NLL" ? JSONValue(result.validationStandardError) : .null),
        .init(key: "validation_rows", value: .integer(result.validationRowCount)),
      ] + estimatedMembers(result.validationIsEstimated) + [
        .init(key: "recipes", value: .integer(result.trialCount)),
        .init(key: "interrupted", value: .bool(result.isInterrupted)),
        .init(key: "leaderboard", value: .array(leaderboard)),
        .init(key: "choices", value: .array(result.choices.map { $0.json(figure: figure) })),
        .init(key: "results", value: .array(measurements.map { .object($0.members) })),
        .init(key: "output", value: .string(output)),
      ] + onesMembers(ones))
  }

  /// Why what was found is to be trusted: how it does on rows it has not learnt from, and how much less others do.
  private func reasons(_ result: DensitySearch.Result) -> [String] {
    guard figure == "validation NLL", result.validationNLL.isFinite else { return [] }
    let entries = result.leaderboard
    let independent = entries.first { $0.kind == .baseline && $0.name.hasPrefix("independent") }
    let tree = entries.first { $0.kind == .baseline && $0.name == "Chow-Liu tree" }
    let baseline = entries.first { $0.kind == .baseline }
    let recipe = entries.first { $0.kind == .recipe }
    func gain(over entry: DensitySearch.Entry?, _ name: String) -> String? {
      guard let entry else { return nil }
      let gain = entry.validationNLL - result.validationNLL
      let isEstimated = result.validationIsEstimated || isEstimated(entry)
      guard gain > 1e-9, gain.isFinite else { return nil }
      return "\(estimate(fixed(gain, 3), if: isEstimated)) below \(name)"
    }
    let others = [tree, independent].compactMap(\.self).filter { $0.name != baseline?.name }
    let recipes = counted(result.trialCount, "recipe")
    let gains =
      [gain(over: recipe, "the best network of \(recipes)")]
      + [gain(over: baseline, "the best baseline (\(baseline?.name ?? ""))")]
      + others.map { gain(over: $0, $0.name == "Chow-Liu tree" ? "the tree" : $0.name) }
    let figures = withError(result.validationNLL, result.validationStandardError, 4)
    let first =
      "\(figure) \(estimate(figures, if: result.validationIsEstimated)) nats on "
      + "\(counted(result.validationRowCount, "held-out row")), which chose it"
    let told = gains.compactMap(\.self)
    return [first] + (told.isEmpty ? [] : ["gain   " + told.joined(separator: ", ")])
  }

  /// What to say of draws that are off.
  private func warning(of ones: DrawnOnes) -> String {
    "draws  have \(withError(ones.drawn.mean, ones.drawn.standardError, 1)) ones a row, the table's rows "
      + "\(fixed(ones.table.mean, 1)): what is drawn is unlike the table, though log p is exact"
  }

  private func onesMembers(_ ones: DrawnOnes?) -> [JSONValue.Member] {
    [
      .init(key: "drawn_ones", value: JSONValue(ones?.drawn.mean)),
      .init(key: "drawn_ones_standard_error", value: JSONValue(ones?.drawn.standardError)),
      .init(key: "table_ones", value: JSONValue(ones?.table.mean)),
    ]
  }

  /// How many lines are left out, if any are.
  private func rest(_ all: [DensitySearch.Entry], _ shown: [DensitySearch.Entry]) -> String? {
    func count(_ kind: DensitySearch.Entry.Kind, _ name: String) -> String? {
      let count = all.count { $0.kind == kind } - shown.count { $0.kind == kind }
      return count > 0 ? "\(count) \(name)\(count == 1 ? "" : "s")" : nil
    }
    let rest = [
      count(.recipe, "recipe"), count(.member, "member"), count(.baseline, "baseline"),
      count(.mixture, "mixture"), count(.distilled, "distilled network"),
    ].compactMap(\.self)
    return rest.isEmpty ? nil : "… and \(rest.joined(separator: ", ")): see --verbose"
  }

  /// Whether a figure of the leaderboard is an estimate: what is counted knows its own.
  private func isEstimated(_ entry: DensitySearch.Entry) -> Bool { areEstimated && entry.kind != .baseline }

  /// A line of the leaderboard.
  private func line(_ entry: DensitySearch.Entry, isWritten: Bool = false) -> String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let nll =
      entry.validationNLL.isFinite
      ? estimate(fixed(entry.validationNLL, 4), if: isEstimated(entry)) : "failed"
    return "\(right(nll, 14))  \(right(fixed(entry.seconds, 1), 7))  \(isWritten ? "> " : "")\(entry.name)"
  }
}

extension DensitySearch.Result {
  /// The lines that matter: what is mixed, the three best recipes, the best baseline and distilled network.
  fileprivate var shortLeaderboard: [DensitySearch.Entry] {
    var left: [DensitySearch.Entry.Kind: Int] = [.mixture: 3, .recipe: 3, .baseline: 1, .distilled: 1]
    return leaderboard.filter { entry in
      guard let count = left[entry.kind], count > 0 else { return false }
      left[entry.kind] = count - 1
      return true
    }
  }
}

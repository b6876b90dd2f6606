import Arguments
import BinaryDensity

/// A run as a person sees it: what happens in lines of progress, and Ctrl-C as the wish to stop.
struct RunMonitor {
  let data: DataSplits
  let progress: ProgressLine
  /// Whether it says what is trained, and on what.
  var isIntroduced = true
  /// What the run was started with, to be kept in its folder.
  var record: RunRecord?
  /// Which classes the rows have, if they have labels.
  var classLine: String?

  /// Returns what tells of the events of a run in a folder, and writes the record there when it begins.
  func observe(in directory: RunDirectory) -> (RunEvent) throws(DensityError) -> Bool {
    { (event) throws(DensityError) in
      if case .prepared = event { try record?.write(to: directory) }
      if case .began(let member, _, .some) = event, member.count == 1 { try record?.write(to: directory) }
      return observe(event)
    }
  }

  /// Tells of an event of a run, and returns whether to go on.
  func observe(_ event: RunEvent) -> Bool {
    switch event {
    case .prepared(let earlierRun):
      Interrupt.install()
      if let earlierRun { progress.print("kept the earlier run as \(earlierRun)") }
    case .began(let member, let model, let before):
      Interrupt.install()
      if isIntroduced && member.count == 1 {
        if let before { progress.print("resuming after epoch \(before.epoch), step \(before.step)") }
        progress.print(description(of: model))
      }
      if isIntroduced && member.number == 1 { introduceData() }
    case .training(let member, let event): show(event, of: member)
    case .fitting(let iteration, let limit):
      let nll = iteration.validationNLL.map { ["validation NLL \(fixed($0, 2))"] } ?? []
      progress.update(
        "iteration \(iteration.number)", fraction: Double(iteration.number) / Double(limit),
        figures: ["training NLL \(fixed(iteration.trainingNLL, 2))"] + nll)
    case .measuring(let split, let fraction):
      progress.update("measuring \(split.rawValue) rows", fraction: fraction)
    case .busy: break
    }
    return !Interrupt.isRequested
  }

  private func show(_ event: TrainingEvent, of member: RunMember) {
    let epochCount = member.configuration.epochCount
    let name = member.className.map { ", class \($0)" } ?? ""
    let prefix = member.count == 1 ? "" : "member \(member.number) of \(member.count)\(name): "
    switch event {
    case .step(let state):
      progress.update(
        "\(prefix)epoch \(state.epoch + 1)/\(epochCount)", fraction: member.share(state.fraction),
        figures: ["training NLL \(fixed(state.trainingNLL ?? 0, 2))"])
    case .completing(let state, let fraction):
      progress.update(
        "\(prefix)epoch \(state.epoch + 1)/\(epochCount)", fraction: member.share(state.fraction),
        figures: ["\(Int(100 * fraction))% of the missing cells drawn anew"])
    case .validating(let state, let fraction):
      progress.update(
        "\(prefix)epoch \(state.epoch + 1)/\(epochCount)", fraction: member.share(state.fraction),
        figures: ["\(Int(100 * fraction))% of the validation rows measured"])
    case .epoch(let record): progress.printInTurn(prefix + line(record, of: epochCount))
    }
  }

  /// Says how many rows there are of what.
  func introduceData() {
    for source in data.sources { progress.print("\(source)") }
    if let note = record?.note(on: data) { progress.print(note) }
    progress.print(rowCounts(of: data) + (data.binarization.map { ", binarized: \($0)" } ?? ""))
    if let classLine { progress.print(classLine) }
  }

  private func line(_ record: EpochRecord, of epochCount: Int) -> String {
    var parts = ["epoch \(record.epoch)/\(epochCount)", "training NLL \(fixed(record.trainingNLL, 3))"]
    if let validation = record.validationNLL {
      // Where cells are missing, a network in training has an estimate.
      parts.append("validation NLL \(estimate(fixed(validation, 3), if: data.estimatesValidation))")
    }
    // An epoch that was resumed after its last step had no rows left.
    if record.rowsPerSecond > 0 { parts.append("\(Int(record.rowsPerSecond)) rows/s") }
    parts.append(durationText(seconds: record.seconds))
    return parts.joined(separator: "  ")
  }
}

extension RunMember {
  /// Returns how much of the whole run is done when a fraction of this network's training is.
  fileprivate func share(_ fraction: Double) -> Double { (Double(number - 1) + fraction) / Double(count) }
}

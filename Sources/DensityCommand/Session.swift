import Arguments
import BinaryDensity
import Foundation
import Kernels

/// One training as a person sees it: lines of progress, an end that says what came out.
struct Session {
  let arguments: ParsedArguments
  let directory: RunDirectory
  let progress: ProgressLine
  let isJSON: Bool

  /// Starts a training in a folder of its own.
  func start(
    _ model: some TrainableDensity, _ data: DataSplits, _ configuration: TrainingConfiguration
  ) throws -> ExitStatus {
    let trainer = try Trainer(model, data: data, configuration: configuration)
    if let aside = try directory.prepare() { progress.print("kept the earlier run as \(aside)") }
    return try train(trainer)
  }

  /// Goes on with a training.
  func resume<Model: TrainableDensity>(
    _ last: Model, best: any Density, state: TrainingState, data: DataSplits
  ) throws -> ExitStatus {
    guard let best = best as? Model, try isSameModel(best, last) else {
      throw DensityError.mismatch(
        path: directory.best, expected: "the model of \(directory.last)", found: description(of: best))
    }
    let trainer = try Trainer(current: last, best: best, data: data, state: state)
    progress.print("resuming after epoch \(state.progress.epoch), step \(state.progress.step)")
    return try train(trainer)
  }

  private func train<Model: TrainableDensity>(_ trainer: Trainer<Model>) throws -> ExitStatus {
    let data = trainer.data
    progress.print(description(of: trainer.model))
    progress.print(line(data))
    let firstStep = trainer.progress.step
    let secondsBefore = trainer.progress.seconds
    switch try run(trainer, in: directory) {
    case .stopped:
      progress.print(
        "interrupted; \(directory.last) holds epoch \(trainer.progress.epoch), "
          + "step \(trainer.progress.step). Resume with: \(resumeLine)")
      return .interrupted
    case .outOfPatience:
      progress.print("no better validation figure since epoch \(trainer.progress.bestEpoch)")
    case .finished: break
    }

    let steps = trainer.progress.step - firstStep
    let seconds = trainer.progress.seconds - secondsBefore
    let rowsPerSecond =
      seconds > 0
      ? Double(steps) / Double(trainer.batchesPerEpoch) * Double(data.train.rowCount) / seconds : 0
    let epochCount = trainer.progress.epoch
    try report(
      trainer.best, data, seed: trainer.progress.configuration.seed,
      headline:
        "trained \(epochCount) epoch\(epochCount == 1 ? "" : "s") in \(durationText(seconds: trainer.progress.seconds)), "
        + "\(Int(rowsPerSecond)) rows/s; best epoch \(trainer.progress.bestEpoch)",
      training: [
        "epochs": .integer(epochCount), "best_epoch": .integer(trainer.progress.bestEpoch),
        "steps": .integer(trainer.progress.step), "seconds": .real(trainer.progress.seconds),
        "rows_per_second": .real(rowsPerSecond), "run": .string(directory.path),
      ])
    return .success
  }

  /// Trains to the end, or until interrupted, keeping the files of a folder current.
  private func run<Model: TrainableDensity>(
    _ trainer: Trainer<Model>, in directory: RunDirectory, as prefix: String = ""
  ) throws -> Trainer<Model>.Outcome {
    let epochCount = trainer.progress.configuration.epochCount
    Interrupt.install()
    // Everything is saved when it ends; what follows only measures.
    defer { Interrupt.uninstall() }
    let outcome = try trainer.run(savingTo: directory) { (event) throws(DensityError) in
      switch event {
      case .step(let state):
        let done =
          Double(state.epoch) + Double(state.batch) / Double(trainer.batchesPerEpoch)
        let nll = state.rowCount > 0 ? -state.logProbabilitySum / Double(state.rowCount) : 0
        progress.update(
          "\(prefix)epoch \(state.epoch + 1)/\(epochCount)", fraction: done / Double(epochCount),
          figures: ["training NLL \(fixed(nll, 2))"])
      case .validating(let state, let fraction):
        progress.update(
          "\(prefix)epoch \(state.epoch + 1)/\(epochCount)",
          fraction: Double(state.epoch + 1) / Double(epochCount),
          figures: ["\(Int(100 * fraction))% of the validation rows measured"])
      case .epoch(let record):
        progress.print(prefix + line(record, of: epochCount))
      }
      return !Interrupt.isRequested
    }
    progress.finish()
    return outcome
  }

  // MARK: Several networks

  /// Trains networks one after another, each in a folder of its own below the run's, and puts them together: those of
  /// one order into an ensemble, those of several into a mixture.
  ///
  /// - Parameters:
  ///   - isResumed: goes on with what the folders hold, and leaves finished members as they are.
  ///   - make: returns the untrained model and the training of member k, counted from 0.
  func trainMembers(
    _ count: Int, _ data: DataSplits, seed: UInt64, isResumed: Bool,
    _ make: (_ member: Int) throws -> (model: any TrainableDensity, training: TrainingConfiguration)
  ) throws -> ExitStatus {
    if !isResumed, let aside = try directory.prepare() { progress.print("kept the earlier run as \(aside)") }
    progress.print(line(data))
    let clock = ContinuousClock()
    let start = clock.now
    var members: [any Density] = []
    for member in 0..<count {
      let (model, training) = try make(member)
      let folder = RunDirectory(path: "\(directory.path)/members/\(member + 1)")
      guard
        let best = try trainMember(
          model, training, data, in: folder, as: "member \(member + 1) of \(count): ", isResumed: isResumed)
      else {
        progress.print("interrupted; give the same command and --resume to go on")
        return .interrupted
      }
      members.append(best)
    }
    let parts = Ensemble.groups(members)
    let density = parts.count == 1 ? parts[0] : Mixture(parts)
    try Checkpoint(model: density, imageShape: data.imageShape).write(to: directory.best)
    let seconds = start.duration(to: clock.now).seconds
    try report(
      density, data, seed: seed,
      headline: description(of: density) + "\ntrained \(count) members in \(durationText(seconds: seconds))",
      training: [
        "members": .integer(count), "seconds": .real(seconds), "run": .string(directory.path),
      ])
    return .success
  }

  /// Returns the best of one member, or nil if its training was interrupted.
  func trainMember<Model: TrainableDensity>(
    _ model: Model, _ training: TrainingConfiguration, _ data: DataSplits, in folder: RunDirectory,
    as prefix: String = "", isResumed: Bool
  ) throws -> (any Density)? {
    let trainer: Trainer<Model>
    if isResumed, FileManager.default.fileExists(atPath: folder.last) {
      let last = try Checkpoint(contentsOf: folder.last)
      guard let current = last.model as? Model, try isSameModel(current, model),
        let state = last.training, state.progress.configuration == training
      else {
        throw DensityError.mismatch(
          path: folder.last, expected: "the training that the command line asks for",
          found: "another training")
      }
      guard let best = try Checkpoint(contentsOf: folder.best).model as? Model else {
        throw DensityError.mismatch(
          path: folder.best, expected: "the model of \(folder.last)", found: "another")
      }
      trainer = try Trainer(current: current, best: best, data: data, state: state)
      if trainer.isFinished { return best }
    } else {
      trainer = try Trainer(model, data: data, configuration: training)
      try AtomicFile.createDirectory(folder.path)
    }
    return try run(trainer, in: folder, as: prefix) == .stopped ? nil : trainer.best
  }

  /// Fits a baseline in a folder of its own.
  func fit(_ kind: ModelKind, _ data: DataSplits, componentCount: Int, seed: UInt64) throws -> ExitStatus {
    if let aside = try directory.prepare() { progress.print("kept the earlier run as \(aside)") }
    progress.print(line(data))
    let clock = ContinuousClock()
    let start = clock.now
    let iterationLimit = 200
    let model: any Density =
      switch kind {
      case .bernoulliMixture:
        try BernoulliMixture.fit(
          to: data.train, validation: data.validation, componentCount: componentCount,
          iterationLimit: iterationLimit, seed: seed
        ) { iteration in
          let nll = iteration.validationNLL.map { ["validation NLL \(fixed($0, 2))"] } ?? []
          progress.update(
            "iteration \(iteration.number)", fraction: Double(iteration.number) / Double(iterationLimit),
            figures: ["training NLL \(fixed(iteration.trainingNLL, 2))"] + nll)
          return true
        }
      case .chowLiu: try ChowLiuTree.fit(to: data.train)
      default: try IndependentBernoulli.fit(to: data.train)
      }
    let seconds = start.duration(to: clock.now).seconds
    try Checkpoint(model: model, imageShape: data.imageShape).write(to: directory.best)
    progress.print(description(of: model))
    try report(
      model, data, seed: seed, headline: "fitted in \(durationText(seconds: seconds))",
      training: ["seconds": .real(seconds), "run": .string(directory.path)])
    return .success
  }

  /// Measures a model on the rows it has not learnt from, draws its picture, and prints what came out.
  private func report(
    _ model: any Density, _ data: DataSplits, seed: UInt64, headline: String, training: JSONValue
  ) throws {
    var measurements: [Measurement] = []
    for (name, rows) in [("validation", data.validation), ("test", data.test)] {
      guard let rows, rows.rowCount > 0 else { continue }
      measurements.append(
        Measurement(model, rows, split: name) { progress.update("measuring \(name) rows", fraction: $0) })
    }
    var generator = Philox(seed: seed, stream: .sampling)
    let samples = try model.sample(count: 100, using: &generator)
    try picture(of: samples, imageShape: data.imageShape).writePNG(to: directory.samples)
    progress.finish()
    guard !isJSON else {
      let object = JSONValue.object(
        try members(describing: model) + [
          .init(key: "training", value: training),
          .init(key: "results", value: .array(measurements.map { .object($0.members) })),
        ])
      return try Terminal.print(object.indentedDescription)
    }
    try Terminal.print(headline)
    for measurement in measurements { try Terminal.print(measurement.line) }
    try Terminal.print("model    \(directory.best)")
    try Terminal.print("samples  \(directory.samples)")
  }

  /// How many rows there are of what.
  private func line(_ data: DataSplits) -> String {
    "\(data.name): \(data.train.rowCount) training, \(data.validation?.rowCount ?? 0) validation, "
      + "\(data.test?.rowCount ?? 0) test rows" + (data.binarization.map { ", binarized: \($0)" } ?? "")
  }

  private func line(_ record: EpochRecord, of epochCount: Int) -> String {
    var parts = ["epoch \(record.epoch)/\(epochCount)", "training NLL \(fixed(record.trainingNLL, 3))"]
    if let validation = record.validationNLL { parts.append("validation NLL \(fixed(validation, 3))") }
    parts += ["\(Int(record.rowsPerSecond)) rows/s", durationText(seconds: record.seconds)]
    return parts.joined(separator: "  ")
  }

  /// What to type to go on, with the options that say where the data are.
  private var resumeLine: String {
    var words = ["density", "train", "--resume", "--run", directory.path]
    for name in ["data", "validation", "test", "binarize", "threshold", "binarize-seed"]
    where arguments.isGiven(name) {
      words += ["--\(name)", (try? arguments.value(name, as: .string)) ?? ""]
    }
    return words.map(shellWord).joined(separator: " ")
  }

  /// Returns a word as one types it into a shell.
  private func shellWord(_ word: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%~".utf8)
    let isPlain = !word.isEmpty && word.first != "~" && word.utf8.allSatisfy(plain.contains)
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

/// Whether two densities are of one family and one configuration.
private func isSameModel(_ first: any Density, _ second: any Density) throws -> Bool {
  try DensityArchive(of: first).configurationText == DensityArchive(of: second).configurationText
}

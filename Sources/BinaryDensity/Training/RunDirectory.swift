import Essentials

/// The files of one training: `best.safetensors`, `last.safetensors`, `history.jsonl`, `samples.png`.
public struct RunDirectory: Hashable, Sendable {
  /// The folder.
  public let path: String

  /// Names a folder, which need not exist yet.
  public init(path: String) {
    // Without slashes at its end, for the name of what is moved aside is made from it.
    let end = path.lastIndex { $0 != "/" }
    self.path = end.map { String(path[...$0]) } ?? path
  }

  /// The model with the best validation figure.
  public var best: String { path + "/best.safetensors" }
  /// The last model with the state that a resumed training needs.
  public var last: String { path + "/last.safetensors" }
  /// One JSON line an epoch: epoch, training and validation NLL in nats, learning rate, rows/s, seconds.
  public var history: String { path + "/history.jsonl" }
  /// Samples as a picture.
  public var samples: String { path + "/samples.png" }

  /// The folder of one of several networks, counted from 1.
  public func member(_ number: Int) -> RunDirectory { RunDirectory(path: "\(members)/\(number)") }
  private var members: String { path + "/members" }

  /// Whether a training can be resumed from here.
  public var holdsTraining: Bool { FileManager.default.fileExists(atPath: last) }

  /// What the run was started with, for one that is to go on.
  public var record: String { path + "/run.json" }

  /// The paths of the files that are there, those of members included.
  public var files: [String] {
    var files = [record, best, last, history, samples].filter(FileManager.default.fileExists(atPath:))
    var number = 1
    while FileManager.default.fileExists(atPath: member(number).path) {
      files += member(number).files
      number += 1
    }
    return files
  }

  /// Makes the folder where it is missing, and calls `body` while no other process runs anything in it.
  ///
  /// - Throws: `DensityError.unwritable` if another process does, and what `body` throws.
  func whileLocked<Result>(_ body: () throws(DensityError) -> Result) throws(DensityError) -> Result {
    try AtomicFile.createDirectory(path)
    let lock = try FileLock(folder: path)
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }

  /// Makes the folder ready for a new training, and moves the files of an earlier one aside: those that a run writes,
  /// and nothing else that is kept there.
  ///
  /// - Returns: where the earlier run stands now, `path~N`, if there was one; in a folder that nothing can be made
  ///   beside, such as `.`, it is `path/earlier~N`.
  /// - Throws: `DensityError.unwritable`.
  public func prepare() throws(DensityError) -> String? {
    try AtomicFile.createDirectory(path)
    let files = files
    guard !files.isEmpty else { return nil }
    let inside = path + "/earlier"
    let name = path.split(separator: "/").last
    guard let name, name != ".", name != ".." else { return try move(files, toNew: inside) }
    do throws(DensityError) { return try move(files, toNew: path) } catch {
      // The folder above may be another file system, or another person's.
      return try move(files, toNew: inside)
    }
  }

  /// Moves files into a new folder, `base~N`, at the places that they have in this one.
  private func move(_ files: [String], toNew base: String) throws(DensityError) -> String {
    var number = 1
    while mkdir("\(base)~\(number)", 0o777) != 0 {
      guard errno == EEXIST else {
        throw .unwritable(path: "\(base)~\(number)", reason: SystemError.last.reason)
      }
      number += 1
    }
    let aside = "\(base)~\(number)"
    do throws(DensityError) {
      for file in files {
        let target = aside + file.dropFirst(path.count)
        try AtomicFile.createDirectory(AtomicFile.parentDirectory(of: target))
        guard rename(file, target) == 0 else {
          throw .unwritable(path: target, reason: SystemError.last.reason)
        }
      }
    } catch {
      rmdir(aside)  // If it is empty still.
      throw error
    }
    // Of the members' folders those that are empty now.
    for folder in Set(files.map(AtomicFile.parentDirectory(of:))) where folder != path { rmdir(folder) }
    rmdir(members)
    return aside
  }
}

extension EpochRecord {
  /// The record as one line of JSON.
  package var json: JSONValue {
    [
      "epoch": .integer(epoch), "training_nll": .real(trainingNLL),
      "validation_nll": JSONValue(validationNLL),
      "rate": .real(learningRate), "rows_per_second": .real(rowsPerSecond), "seconds": .real(seconds),
    ]
  }
}

extension Trainer {
  /// Trains as `run` does, and keeps the run's files current.
  ///
  /// The checkpoints are written after the first epoch, after any step if the last writing is `interval` or more ago
  /// (and, so that the largest models are not mostly written, twenty times as long as it took; not if the interval is
  /// zero), and at the end, unless training diverges: then the last good checkpoint stays. A run that is killed resumes
  /// from its last checkpoint to the same bits.
  ///
  /// - Throws: what `run` throws, and `DensityError.unwritable`.
  public func run(
    savingTo directory: RunDirectory, every interval: Duration = .seconds(10),
    _ observe: (TrainingEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> TrainingOutcome {
    let log = try LineLog(path: directory.history, keepingFirst: progress.epoch)
    let clock = ContinuousClock()
    let start = clock.now
    var lastSaving: ContinuousClock.Instant?
    var pause = interval
    func save() throws(DensityError) {
      let start = clock.now
      try checkFinite()
      // The best first: whenever `last` is on disk, so is the best that it speaks of.
      let figure = progress.bestValidationNLL
      try Checkpoint(model: best, data, validationNLL: figure).write(to: directory.best)
      try Checkpoint(model: model, data, training: state).write(to: directory.last)
      lastSaving = clock.now
      if interval > .zero { pause = max(interval, start.duration(to: clock.now) * 20) }
    }
    let outcome = try run { (event) throws(DensityError) in
      let goOn = try observe(event)
      if case .epoch(let record) = event {
        try log.append(record.json.description)
        if lastSaving == nil { try save() }
      }
      if (lastSaving ?? start).duration(to: clock.now) >= pause { try save() }
      return goOn
    }
    try save()
    return outcome
  }
}

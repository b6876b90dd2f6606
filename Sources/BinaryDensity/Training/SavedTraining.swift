/// A training as its folder holds it, to go on with.
///
///     let saved = try SavedTraining(in: RunDirectory(path: "runs/nade"))
///     let result = try TrainingRun(in: saved.directory, data: data).resume(saved)
public struct SavedTraining: Sendable {
  /// The folder.
  public let directory: RunDirectory
  /// The network as it stood.
  public let model: any TrainableDensity
  /// Where the training stood: its configuration, its data, its seed.
  public private(set) var state: TrainingState
  private let best: any Density
  /// Where the training stood when it was read.
  private let stored: TrainingState.Progress

  /// Reads the checkpoints of a folder.
  ///
  /// - Throws: `DensityError.missingFile` and what else reading a checkpoint throws; `.mismatch` if the folder holds
  ///   no training.
  public init(in directory: RunDirectory) throws(DensityError) {
    let last = try Checkpoint(contentsOf: directory.last)
    guard let state = last.training, let model = last.model as? any TrainableDensity else {
      throw .mismatch(
        path: directory.last, expected: "a checkpoint to resume from", found: "a finished model")
    }
    self.directory = directory
    self.model = model
    self.state = state
    stored = state.progress
    best = try Checkpoint(contentsOf: directory.best).model
  }

  /// Changes for how many epochs the training is to go on, and with how much patience.
  ///
  /// A cosine of the learning rate then spans all the epochs: it goes on from where a training of that length would be;
  /// other schedules go on as they were.
  /// - Parameters:
  ///   - epochCount: the number of epochs in all; nil for no change.
  ///   - patience: the patience; nil for no change.
  /// - Throws: `DensityError.invalidConfiguration` for fewer epochs than are done.
  public mutating func extend(toEpochs epochCount: Int? = nil, patience: Int? = nil) throws(DensityError) {
    var progress = state.progress
    if let patience { progress.configuration.patience = patience }
    if let epochCount, epochCount != progress.configuration.epochCount {
      guard epochCount >= progress.epoch + (progress.batch > 0 ? 1 : 0) else {
        throw .invalidConfiguration(
          "\(directory.last) has trained for \(progress.epoch) epochs, so it cannot end after \(epochCount)")
      }
      progress.configuration.epochCount = epochCount
      progress.learningRates = progress.learningRates.extended(
        toTotalSteps: epochCount * progress.configuration.batchesPerEpoch(rowCount: progress.data.rowCount))
    }
    if let problem = progress.configuration.problem { throw .invalidConfiguration(problem) }
    state.progress = progress
  }

  /// Makes sure that nobody has gone on with the training since it was read.
  ///
  /// - Throws: `DensityError.mismatch`.
  func checkCurrent() throws(DensityError) {
    let progress = try CheckpointOutline(contentsOf: directory.last).checkpoint.training?.progress
    guard progress == stored else {
      throw .mismatch(
        path: directory.last, expected: "the training as it was read",
        found: "a later one, written in the meantime")
    }
  }

  /// Goes on with a network that may be any of the folder's family.
  ///
  /// - Parameter model: the network, for its type.
  /// - Throws: `DensityError.mismatch` if the best network is another one, or the data are others.
  func trainer<Model: TrainableDensity>(
    continuing model: Model, data: DataSplits
  ) throws(DensityError) -> Trainer<Model> {
    guard let current = self.model as? Model, let best = best as? Model, try isSameNetwork(best, current)
    else {
      throw .mismatch(
        path: directory.best, expected: "the model of \(directory.last)",
        found: "another, a \(best.kind?.rawValue ?? "model") of \(best.parameterCount) parameters")
    }
    return try Trainer(current: current, best: best, data: data, state: state)
  }

  /// Goes on with the training of a given network by a given configuration, which may ask for other epochs or another
  /// patience.
  ///
  /// - Throws: `DensityError.mismatch` if that is not what the folder holds.
  func trainer<Model: TrainableDensity>(
    continuing model: Model, _ configuration: TrainingConfiguration, data: DataSplits, isExtensible: Bool
  ) throws(DensityError) -> Trainer<Model> {
    var saved = self
    if isExtensible {
      try saved.extend(toEpochs: configuration.epochCount, patience: configuration.patience)
    }
    guard let current = self.model as? Model, try isSameNetwork(current, model),
      saved.state.progress.configuration == configuration
    else {
      throw .mismatch(
        path: directory.last, expected: "the training that is asked for", found: "another training")
    }
    return try saved.trainer(continuing: model, data: data)
  }
}

/// Whether two networks differ in nothing but their parameters.
private func isSameNetwork(_ first: any Density, _ second: any Density) throws(DensityError) -> Bool {
  try DensityArchive(of: first).hasTheForm(of: DensityArchive(of: second))
}

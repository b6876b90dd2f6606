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
  public let state: TrainingState
  private let best: any Density
  /// The file that the network was read from, which every writing replaces by another.
  private let file: FileIdentity?

  /// Reads the checkpoints of a folder.
  ///
  /// - Throws: `DensityError.missingFile` and what else reading a checkpoint throws; `.mismatch` if the folder holds
  ///   no training.
  public init(in directory: RunDirectory) throws(DensityError) {
    file = FileIdentity(existing: directory.last)
    let last = try Checkpoint(contentsOf: directory.last)
    guard let state = last.training, let model = last.model as? any TrainableDensity else {
      throw .mismatch(
        path: directory.last, expected: "a checkpoint to resume from", found: "a finished model")
    }
    self.directory = directory
    self.model = model
    self.state = state
    best = try Checkpoint(contentsOf: directory.best).model
  }

  /// Makes sure that nobody has gone on with the training since it was read.
  ///
  /// - Throws: `DensityError.mismatch`.
  func checkCurrent() throws(DensityError) {
    guard FileIdentity(existing: directory.last) == file else {
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

  /// Goes on with the training of a given network by a given configuration.
  ///
  /// - Throws: `DensityError.mismatch` if that is not what the folder holds.
  func trainer<Model: TrainableDensity>(
    continuing model: Model, _ configuration: TrainingConfiguration, data: DataSplits
  ) throws(DensityError) -> Trainer<Model> {
    guard let current = self.model as? Model, try isSameNetwork(current, model),
      state.progress.configuration == configuration
    else {
      throw .mismatch(
        path: directory.last, expected: "the training that is asked for", found: "another training")
    }
    return try trainer(continuing: model, data: data)
  }
}

/// Whether two networks differ in nothing but their parameters.
private func isSameNetwork(_ first: any Density, _ second: any Density) throws(DensityError) -> Bool {
  try DensityArchive(of: first).hasTheForm(of: DensityArchive(of: second))
}

import Kernels

/// A network whose training has ended or was stopped, at its best.
struct TrainedNetwork {
  let best: any Density
  let summary: RunSummary.Network
}

extension TrainingRun {
  /// Trains a network in a folder: goes on with what that holds, if wished and if there is something, or starts.
  ///
  /// - Parameter isExtensible: whether the training in the folder may be one of other epochs, and is then extended.
  /// - Throws: `DensityError.mismatch` if the folder holds another training.
  func continuing<Model: TrainableDensity>(
    _ model: Model, _ configuration: TrainingConfiguration, in folder: RunDirectory, isResumed: Bool,
    isExtensible: Bool = false, as member: RunMember? = nil,
    _ observe: (RunEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> TrainedNetwork {
    if isResumed, folder.holdsTraining {
      let saved = try SavedTraining(in: folder)
      let trainer = try saved.trainer(
        continuing: model, configuration, data: data, isExtensible: isExtensible)
      return try train(
        trainer, in: folder, resumedFrom: saved.state.progress, as: member, observe)
    }
    let trainer = try Trainer(model, data: data, configuration: configuration)
    try AtomicFile.createDirectory(folder.path)
    return try train(trainer, in: folder, as: member, observe)
  }

  /// Trains to the end, or until `observe` says to stop, keeping the files of a folder current.
  func train<Model: TrainableDensity>(
    _ trainer: Trainer<Model>, in folder: RunDirectory, resumedFrom before: TrainingState.Progress? = nil,
    as member: RunMember? = nil, _ observe: (RunEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> TrainedNetwork {
    let member = member ?? RunMember(number: 1, count: 1, configuration: trainer.progress.configuration)
    _ = try observe(.began(member, model: trainer.model, resumedFrom: before))
    let outcome =
      // What is finished is left as it stands.
      trainer.isFinished
      ? try trainer.run()
      : try trainer.run(savingTo: folder) { (event) throws(DensityError) in
        try observe(.training(member, event))
      }
    let progress = trainer.progress
    let steps = progress.step - (before?.step ?? 0)
    let seconds = progress.seconds - (before?.seconds ?? 0)
    let passes =
      Double(steps) / Double(progress.configuration.batchesPerPass(rowCount: data.trainingRowCount))
    return TrainedNetwork(
      best: trainer.best,
      summary: RunSummary.Network(
        outcome: outcome, epochCount: progress.epoch, bestEpoch: progress.bestEpoch, stepCount: progress.step,
        seconds: progress.seconds,
        rowsPerSecond: seconds > 0 ? passes * Double(data.trainingRowCount) / seconds : 0,
        validationNLL: progress.bestValidationNLL))
  }

  /// Makes the folder ready for a new run.
  func prepare(_ observe: (RunEvent) throws(DensityError) -> Bool) throws(DensityError) {
    _ = try observe(.prepared(earlierRun: try directory.prepare()))
  }

  /// Writes a density that is not itself in training as the run's best.
  func keep(_ density: any Density) throws(DensityError) {
    try Checkpoint(model: density, data).write(to: directory.best)
  }

  /// What there is to say of a run before its density is measured.
  func summary(_ networks: [RunSummary.Network], seconds: Double) -> RunSummary {
    RunSummary(
      directory: directory.path, networks: networks, seconds: seconds,
      isInterrupted: networks.last?.outcome == .stopped)
  }

  /// Measures the network of a run of one.
  func finished(
    _ network: TrainedNetwork, seed: UInt64, _ observe: (RunEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> RunResult {
    try finished(
      network.best, summary([network.summary], seconds: network.summary.seconds), seed: seed, observe)
  }

  /// Measures a density on the rows it has not learnt from, and draws its picture, if rows make one; not if it is not
  /// done yet.
  func finished(
    _ density: any Density, _ summary: RunSummary, seed: UInt64,
    _ observe: (RunEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> RunResult {
    var summary = summary
    if !summary.isInterrupted {
      let measurements = try density.measureLikelihood(heldOutOf: data) {
        (split, fraction) throws(DensityError) in try observe(.measuring(split, fraction: fraction))
      }
      if let measurements {
        summary.measurements = measurements
        if data.makesPictures, try observe(.busy) {
          var generator = Philox(seed: seed, stream: .sampling)
          let samples: BinaryMatrix
          if let labelled = density as? LabelledDensity {
            samples = try labelled.sampleOfEachClass(count: 10, using: &generator)
          } else {
            samples = try density.sample(count: 100, using: &generator)
          }
          let lineLength = data.imageShape != nil && density is LabelledDensity ? 10 : nil
          try samples.picture(imageShape: data.imageShape, names: data.columnNames, columns: lineLength)
            .writePNG(to: directory.samples)
        }
      }
      // Whoever asks for an end is told that it was heard, however late it came.
      let goesOn = try observe(.busy)
      summary.isInterrupted = measurements == nil || !goesOn
    }
    summary.files = directory.files
    return RunResult(density: density, summary: summary)
  }
}

extension DataSplits {
  /// Whether a hundred rows are drawn as a picture: rows that are images, or few enough columns to be looked at.
  ///
  /// Larger pictures would take longer to compress than many a training.
  package var makesPictures: Bool { variableCount <= (imageShape == nil ? 2048 : 128 * 128) }
}

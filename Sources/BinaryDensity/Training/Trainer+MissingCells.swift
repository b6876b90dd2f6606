import Autodiff
import Kernels

extension Trainer {
  /// Draws missing cells anew, if an epoch is about to begin and it is their turn; false if `observe` says to stop.
  func redrawMissingCells(
    _ observe: (TrainingEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    guard let completions, let partialRows, progress.batch == 0, progress.epoch > 0,
      progress.epoch.isMultiple(of: progress.configuration.redrawInterval)
    else { return true }
    let redrawn = try MissingCellSampler(model).redrawing(
      completions, of: partialRows, particleCount: MissingCells.redrawnParticleCount,
      seed: progress.configuration.seed, round: progress.epoch
    ) { (fraction) throws(DensityError) in try observe(.completing(progress, fraction: fraction)) }
    guard let redrawn else { return false }
    self.completions = partialRows.drawingUnseenColumns(
      of: redrawn, seed: progress.configuration.seed, round: progress.epoch)
    return true
  }

  /// Returns log p of each validation row, or of its known cells; nil if `observe` says to stop.
  func measure(
    _ rows: BinaryMatrix, by judge: any ValidationJudge, _ candidate: Parameters<Float>,
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    guard let partial = data.partialRows(.validation)?.informative else {
      return try judge.logProbabilities(of: rows, observing: observe)
    }
    if Model.takesMissingCells { return try judge.logMarginals(of: partial, observing: observe) }
    return try MissingCellSampler(model(of: candidate)).logMarginals(
      of: partial, particleCount: MissingCells.judgedParticleCount, seed: progress.configuration.seed,
      observing: observe)
  }
}

extension PartialRows {
  /// Returns completed rows with fair coins in the columns that no row knows.
  ///
  /// A network that learnt such a column from its own draws would amplify whatever it happened to say first.
  fileprivate func drawingUnseenColumns(
    of rows: BinaryMatrix, seed: UInt64, round: Int
  ) -> BinaryMatrix {
    let counts = known.onCounts
    let unseen = counts.indices.filter { counts[$0] == 0 }
    guard !unseen.isEmpty else { return rows }
    var rows = rows
    // Beyond the sequences of the rounds' own draws.
    var generator = Philox(seed: seed, stream: .redrawnCells, index: 1 << 47 | UInt64(round))
    for row in 0..<rows.rowCount {
      for column in unseen { rows[row, column] = generator.nextWord() & 1 == 1 }
    }
    return rows
  }
}

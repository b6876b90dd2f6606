import BinaryDensity
import Essentials
import Kernels

extension DistillCommand {
  /// What to distil with: rows to learn from, and rows to choose by that the model has not learnt from.
  struct Rows {
    let data: DataSplits
    /// Whether the rows to choose by are drawn from the model.
    private(set) var areDrawn = false
    /// What is to be said of them.
    private(set) var note: String?

    /// How many rows are drawn from a model that has learnt from all rows there are.
    private static let drawnCount = 1000
    private static let drawnName = "drawn rows"

    /// What their figure is called.
    var figure: String { areDrawn ? "NLL of \(Self.drawnName)" : "validation NLL" }

    /// Returns a measurement, that of drawn rows by their name.
    func named(_ measurement: LikelihoodMeasurement) -> LikelihoodMeasurement {
      guard areDrawn, measurement.name == DataSplit.validation.rawValue else { return measurement }
      return LikelihoodMeasurement(
        name: Self.drawnName, summary: measurement.summary, seconds: measurement.seconds,
        isOfKnownCells: measurement.isOfKnownCells, isEstimated: measurement.isEstimated)
    }

    /// Holds rows out of a table, if none are given to choose by.
    ///
    /// They are those that were held out when the model learnt, if the file says which. Where it has learnt from all of them, in
    /// turns, as of few rows, rows are drawn from it.
    ///
    /// - Throws: `DensityError.mismatch` where a table chose the model that is not given.
    init(
      of read: DataSplits, chosenFor checkpoint: Checkpoint, path: String, seed: UInt64
    ) throws(DensityError) {
      guard read.validation == nil else {
        data = read
        return
      }
      let isSingle = read.trainingRowCount == 1
      if isSingle || (checkpoint.provenance?.data).map(read.fingerprint.describesTheSameData) ?? false,
        read.partialRows(.train) == nil
      {
        var generator = Philox(seed: seed, stream: .referenceRows)
        let drawn = try checkpoint.model.evaluator().sample(count: Self.drawnCount, using: &generator)
        data = read.validating(by: drawn)
        areDrawn = true
        note =
          "\(isSingle ? "a single row leaves none to choose by" : "the model has learnt from all of these rows"), so "
          + "\(Self.drawnCount) rows that it draws do: their figures say how near to the model the network comes"
        return
      }
      let split = try read.holdingOutValidation(seed: seed)
      guard let provenance = checkpoint.provenance else {
        data = split
        return
      }
      let learnt = provenance.data
      for other in [seed, checkpoint.searchRecord?.seed, checkpoint.training?.progress.configuration.seed] {
        guard let other else { continue }
        let split = try read.holdingOutValidation(seed: other)
        if split.fingerprint.describesTheSameData(as: learnt) {
          data = split
          return
        }
      }
      if read.trainingRowCount == learnt.rowCount, read.name == learnt.name {
        throw .mismatch(
          path: path,
          expected: "--validation with rows that the model has not learnt from, such as those that chose it",
          found: "a table alone of as many rows as it learnt from, \(learnt.rowCount)")
      }
      data = split
      note =
        read.trainingRowCount == learnt.rowCount + provenance.validationRowCount
        ? "note: when the model learnt, \(provenance.validationRowCount) of as many rows were held out, by a seed that its file does not "
          + "tell; if it is another than \(seed), say it by --seed, or the figures are too good"
        : "note: these rows are others than those that the model learnt from (\(learnt)); if it has seen some of those held out now, "
          + "the figures are too good"
    }
  }
}

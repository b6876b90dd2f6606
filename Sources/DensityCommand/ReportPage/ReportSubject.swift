import Arguments
import BinaryDensity
import Essentials

/// The model that a report is of, and what its run's folder tells of its training.
struct ReportSubject {
  let place: ReportPlace
  let checkpoint: Checkpoint
  /// The passes of the run; of one that trained several members, of each.
  let histories: [[RunDirectory.Epoch]]
  /// The command line that the run was started with.
  let trainArguments: ParsedArguments?
  /// The state of the training, if the run has kept it.
  let progress: TrainingState.Progress?

  var model: any Density { checkpoint.model }

  /// Reads all there is.
  ///
  /// - Throws: `DensityError` of a model that cannot be read, and of a record that is none.
  init(_ place: ReportPlace) throws {
    self.place = place
    checkpoint = try Checkpoint(contentsOf: place.model)
    guard let run = place.run else {
      (histories, trainArguments) = ([], nil)
      progress = checkpoint.training?.progress
      return
    }
    trainArguments = try RunRecord.arguments(in: run)
    let last =
      checkpoint.training == nil && run.holdsTraining ? try CheckpointOutline(contentsOf: run.last) : nil
    progress = (last?.checkpoint ?? checkpoint).training?.progress
    var histories = [try run.epochs()]
    var number = 1
    while FileManager.default.fileExists(atPath: run.member(number).path) {
      histories.append(try run.member(number).epochs())
      number += 1
    }
    self.histories = histories.filter { !$0.isEmpty }
  }

  /// The path of the validation rows, if the run was told one.
  var validationPath: String? { trainArguments.flatMap { try? $0.optionalValue("validation", as: .path) } }

  /// Whether the tables of the run hold other rows now than when it was trained on them; false if that cannot be told.
  func isTrainedOnOtherRows() -> Bool {
    guard let arguments = trainArguments, !arguments.isGiven("labels"),
      let trained = progress?.data ?? checkpoint.provenance?.data,
      let seed = try? arguments.value("seed", as: .seed),
      let data = try? DataOptions.trainingData(arguments, seed: seed)
    else { return false }
    return !data.fingerprint.describesTheSameData(as: trained)
  }

  /// The path of the training rows, as the run was told it.
  var trainingPath: String? { trainArguments.flatMap { try? $0.optionalValue("table", as: .path) } }
}

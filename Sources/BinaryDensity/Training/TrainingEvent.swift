/// What an observer of a training is told.
public enum TrainingEvent: Sendable {
  /// A step has been taken.
  case step(TrainingState.Progress)
  /// An epoch is about to begin, and so much of its missing cells is drawn anew.
  case completing(TrainingState.Progress, fraction: Double)
  /// The steps of an epoch are done, and so much of its validation rows is measured.
  case validating(TrainingState.Progress, fraction: Double)
  /// An epoch is complete, and the validation rows are measured if it was their turn.
  case epoch(EpochRecord)
}

/// Why a training ended.
public enum TrainingOutcome: String, Hashable, Sendable, Codable {
  /// All epochs are done.
  case finished
  /// The validation figure had not improved for as many epochs as the patience.
  case outOfPatience
  /// The observer asked for it.
  case stopped
}

/// One line of a training's history.
public struct EpochRecord: Hashable, Sendable, Codable {
  /// The epoch, counted from 1.
  public let epoch: Int
  /// The mean of −log p over the epoch's rows, completed ones where cells are missing, each under the parameters of its
  /// step, in nats.
  public let trainingNLL: Double
  /// The mean of −log p over the validation rows after the epoch, in nats; nil if they were not measured.
  public let validationNLL: Double?
  /// The learning rate of the epoch's last step.
  public let learningRate: Double
  /// Training rows a second, validation excluded.
  public let rowsPerSecond: Double
  /// Seconds since the training began, interruptions excluded.
  public let seconds: Double
}

extension Duration {
  /// The duration in seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

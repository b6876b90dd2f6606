/// What an observer of a run is told.
///
/// The observer returns whether to go on; a run that is only about to begin takes its first step all the same.
public enum RunEvent: Sendable {
  /// The folder is ready; an earlier run in it now stands at another path.
  case prepared(earlierRun: String?)
  /// A network begins to be trained, or goes on from where it stopped.
  case began(RunMember, model: any Density, resumedFrom: TrainingState.Progress?)
  /// A network is being trained.
  case training(RunMember, TrainingEvent)
  /// A baseline is being fitted by expectation maximisation, in so many iterations at the most.
  case fitting(FittingIteration, limit: Int)
  /// What has no steps to tell of is at work: a tree's pairs are counted, a picture is drawn.
  case busy
  /// The density is there, and so much of the rows of a part is measured.
  case measuring(DataSplit, fraction: Double)
}

/// Which of a run's networks, and how it is trained.
public struct RunMember: Hashable, Sendable {
  /// The network, counted from 1.
  public let number: Int
  /// How many networks the run has.
  public let count: Int
  /// How the network is trained.
  public let configuration: TrainingConfiguration
  /// The class whose rows the network learns from, if they are those of one.
  public var className: String?
}

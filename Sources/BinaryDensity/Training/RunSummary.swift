/// What a run gives.
public struct RunResult: Sendable {
  /// The density; that of a run which was stopped is the best so far.
  public let density: any Density
  /// What there is to say of it.
  public let summary: RunSummary
}

/// What came out of a run: what was trained, how long it took, how well it does, and which files hold it.
public struct RunSummary: Hashable, Sendable, Codable {
  /// The training of one network.
  public struct Network: Hashable, Sendable, Codable {
    /// Why it ended.
    public let outcome: TrainingOutcome
    /// The number of complete epochs.
    public let epochCount: Int
    /// The epoch after which the network was at its best, counted from 1.
    public let bestEpoch: Int
    /// The number of steps.
    public let stepCount: Int
    /// How long they took, interruptions excluded.
    public let seconds: Double
    /// Training rows a second since the training began or was last resumed.
    public let rowsPerSecond: Double
    /// The best mean of −log p over the validation rows, in nats; nil if there are none.
    public let validationNLL: Double?
  }

  /// The run's folder.
  public let directory: String
  /// The networks in the order they were trained; none of a baseline.
  public let networks: [Network]
  /// How long training took: of one network interruptions excluded, of several the time since the run began or was last
  /// resumed.
  public let seconds: Double
  /// Whether the observer stopped it: then measurements and the picture may be missing.
  public var isInterrupted: Bool
  /// How the density does on the validation rows and on the test rows, as far as there are any.
  public var measurements: [LikelihoodMeasurement] = []
  /// The files of the run's folder, by their paths.
  public var files: [String] = []
}

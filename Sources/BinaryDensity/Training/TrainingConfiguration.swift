import Autodiff

/// How a model is trained.
public struct TrainingConfiguration: Hashable, Sendable, Codable {
  /// The most passes over the training rows.
  public var epochCount: Int
  /// The number of rows a step.
  public var batchSize: Int
  /// The base rate of the steps.
  public var rate: Double
  /// How the rate changes.
  public var schedule: Schedule
  /// The update rule.
  public var optimizer: OptimizerMethod
  /// The largest Euclidean norm of a step's gradient, or nil for no limit.
  public var clippingNorm: Double?
  /// How many epochs without a better validation figure end the training, or nil to go on to the last.
  public var patience: Int?
  /// The seed of the shuffles and of dropout.
  public var seed: UInt64

  /// Creates a configuration; the defaults suit tables of some thousand rows and up.
  public init(
    epochCount: Int = 50, batchSize: Int = 100, rate: Double = 1e-3, schedule: Schedule = .cosine(),
    optimizer: OptimizerMethod = .adam(), clippingNorm: Double? = nil, patience: Int? = nil, seed: UInt64 = 0
  ) {
    self.epochCount = epochCount
    self.batchSize = batchSize
    self.rate = rate
    self.schedule = schedule
    self.optimizer = optimizer
    self.clippingNorm = clippingNorm
    self.patience = patience
    self.seed = seed
  }

  /// What is wrong with the configuration, or nil.
  public var problem: String? {
    if epochCount < 1 { return "training takes at least one epoch, not \(epochCount)" }
    if batchSize < 1 { return "a batch has at least one row, not \(batchSize)" }
    if !(rate > 0 && rate.isFinite) { return "the rate must be a positive number, not \(rate)" }
    if let clippingNorm, !(clippingNorm > 0) {
      return "the clipping norm must be positive, not \(clippingNorm)"
    }
    if let patience, patience < 1 { return "the patience is at least one epoch, not \(patience)" }
    return nil
  }
}

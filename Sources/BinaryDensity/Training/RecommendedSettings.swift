import Autodiff

/// What a family of networks is best made and trained with where nothing is known of a table: what MNIST's validation
/// rows advise (TUNING.md).
///
///     let training = TrainingConfiguration.recommended(for: .nade, rowCount: data.train.rowCount)
///
/// The defaults of the models' configurations and of the command are these.
public struct RecommendedSettings: Hashable, Sendable {
  /// The base learning rate of Adam.
  public let learningRate: Double
  /// The decoupled weight decay of Adam.
  public let weightDecay: Double
  /// The number of steps of the recommended batch after which more help little.
  public let stepCount: Int
  /// How the order of the variables is chosen.
  public let ordering: OrderingRule
  /// The number of orders that are mixed.
  public let orderCount: Int

  // Of pictures a MADE gains several nats by a random order, in which units of every degree see something of every
  // part, and an FVSBN a little; a NADE loses.

  /// FVSBN.
  public static let fvsbn = RecommendedSettings(
    learningRate: 0.003, weightDecay: 0.04, stepCount: 20_000, ordering: .random, orderCount: 1)
  /// NADE.
  public static let nade = RecommendedSettings(
    learningRate: 0.002, weightDecay: 0.1, stepCount: 10_000, ordering: .natural, orderCount: 1)
  /// MADE.
  public static let made = RecommendedSettings(
    learningRate: 0.003, weightDecay: 0.1, stepCount: 15_000, ordering: .random, orderCount: 1)
  /// EoNADE: each order takes as long to measure as the first, and most of what 128 gain is gained by 16.
  public static let eonade = RecommendedSettings(
    learningRate: 0.0005, weightDecay: 0, stepCount: 60_000, ordering: .resampled, orderCount: 16)

  /// The number of rows a step, for every family.
  public static let batchSize = 100
  /// How the learning rate changes, for every family.
  public static let schedule = Schedule.cosine()

  /// The numbers of rows a step that the learning rate follows; with fewer or more it stays as with the least or the most.
  public static let followedBatchSizes = 10...1000

  /// What the learning rate that suits the recommended batch is multiplied by for one of another size.
  ///
  ///     √(B / 100)   for 10 ≤ B ≤ 1000
  ///
  /// The mean over B rows strays from the gradient by 1 / √B, and Adam divides by its size: steps of a rate that grows as √B
  /// carry the same noise through an epoch. A large batch has little noise left and takes few steps an epoch: there the epochs
  /// grow by the same factor, so that rate · steps, how far Adam can come, stays. TUNING.md has the figures, and where this
  /// ends.
  /// - Precondition: `batchSize >= 1`.
  /// - Source: for the rate Malladi, Lyu, Panigrahi, Arora, On the SDEs and Scaling Rules for Adaptive Gradient Algorithms,
  ///   NeurIPS 2022; for the epochs this package.
  public static func scale(ofBatchSize batchSize: Int) -> Double {
    precondition(batchSize >= 1, "a batch has at least one row, not \(batchSize)")
    let range = followedBatchSizes
    let followed = min(max(batchSize, range.lowerBound), range.upperBound)
    return (Double(followed) / Double(Self.batchSize)).squareRoot()
  }

  /// Returns the base learning rate that suits an update rule and a number of rows a step.
  ///
  /// - Precondition: `batchSize >= 1`.
  public func learningRate(
    of optimizer: OptimizerMethod, batchSize: Int = RecommendedSettings.batchSize
  ) -> Double {
    let rate =
      switch optimizer {
      case .sgd: 0.05
      case .adagrad: 0.01
      case .adam: learningRate
      }
    return rate * Self.scale(ofBatchSize: batchSize)
  }
}

extension ModelKind {
  /// What the family is best made and trained with; nil for one that no gradients train.
  public var recommendedSettings: RecommendedSettings? {
    switch self {
    case .fvsbn: .fvsbn
    case .nade: .nade
    case .made: .made
    case .eonade: .eonade
    case .grouped, .ensemble, .mixture, .labelled, .conditional, .bernoulli, .bernoulliMixture, .chowLiu,
      .parentAverage, .tabulated:
      nil
    }
  }
}

extension TrainingConfiguration {
  /// Returns the settings that a family is best trained with on a table of `rowCount` rows.
  ///
  /// What is given is kept, and the rest is chosen to suit: the learning rate the update rule and the size of a batch, the
  /// number of epochs the size of the table and of a batch.
  /// - Parameters:
  ///   - kind: the family.
  ///   - rowCount: the number of training rows.
  ///   - batchSize: the number of rows a step.
  ///   - optimizer: the update rule, or nil for Adam with the family's weight decay.
  /// - Precondition: `kind` is one of the networks (FVSBN, NADE, MADE, EoNADE), and a batch has at least one row.
  public static func recommended(
    for kind: ModelKind, rowCount: Int, batchSize: Int = RecommendedSettings.batchSize,
    optimizer: OptimizerMethod? = nil
  ) -> TrainingConfiguration {
    precondition(batchSize >= 1, "a batch has at least one row, not \(batchSize)")
    guard let settings = kind.recommendedSettings else {
      preconditionFailure("a \(kind.rawValue) is not trained by gradients")
    }
    let optimizer = optimizer ?? .adam(weightDecay: settings.weightDecay)
    var configuration = TrainingConfiguration(
      epochCount: 1, batchSize: batchSize,
      learningRate: settings.learningRate(of: optimizer, batchSize: batchSize), optimizer: optimizer)
    configuration.batchSize = RecommendedSettings.batchSize
    let batches = max(1, configuration.batchesPerEpoch(rowCount: rowCount))
    let epochs = Double(max(1, settings.stepCount / batches))
    configuration.epochCount = Int(epochs * max(1, RecommendedSettings.scale(ofBatchSize: batchSize)))
    configuration.batchSize = batchSize
    return configuration
  }
}

import Autodiff

/// How a model is trained.
///
/// `recommended(for:rowCount:)` gives what suits a family; the initialiser is for settings of one's own.
public struct TrainingConfiguration: Hashable, Sendable, Codable {
  /// The most epochs.
  public var epochCount: Int
  /// The number of steps an epoch has; nil for as many as a pass over the training rows takes.
  ///
  /// Of a table of millions of rows an epoch that is a pass is longer than anybody wants to wait for the next validation
  /// figure. Whatever epochs are, every row comes once before any comes again.
  public var stepsPerEpoch: Int?
  /// The number of rows a step.
  public var batchSize: Int
  /// The base learning rate.
  public var learningRate: Double
  /// How the learning rate changes.
  public var schedule: Schedule
  /// The update rule.
  public var optimizer: OptimizerMethod
  /// The largest Euclidean norm of a step's gradient, or nil for no limit.
  public var clippingNorm: Double?
  /// How many epochs without a better validation figure end the training, or nil to go on to the last.
  public var patience: Int?
  /// The seed of the shuffles and of dropout.
  public var seed: UInt64

  /// After every how many epochs the validation rows are measured; after the last they always are.
  ///
  /// A model of many masks or orders takes longer to measure than to train for an epoch.
  public var validationInterval: Int {
    get { measuredEvery ?? 1 }
    set { measuredEvery = newValue == 1 ? nil : newValue }
  }
  /// The precision of the products; likelihoods are always measured in single precision.
  public var precision: Precision {
    get { reducedPrecision ?? .float32 }
    set { reducedPrecision = newValue == .float32 ? nil : newValue }
  }
  /// The rates of dropout.
  public var dropout: Dropout {
    get { dropoutRates ?? .none }
    set { dropoutRates = newValue == .none ? nil : newValue }
  }
  /// The decay a step of the running average of the parameters, or nil to keep none.
  ///
  /// The average, a ← decay · a + (1 − decay) · w, is what is measured on the validation rows and kept as the best.
  /// - Source: Polyak & Juditsky, SIAM J. Control and Optimization 30, 1992.
  public var averaging: Double?
  /// Whether output biases begin at the marginals of the training rows, logit((n_i + ½) / (N + 1)), instead of where
  /// they are.
  public var startsAtMarginals: Bool {
    get { marginalStart ?? false }
    set { marginalStart = newValue ? true : nil }
  }
  /// After how many epochs each missing cells of the training rows are drawn anew, where cells are missing.
  public var redrawInterval: Int {
    get { redrawnEvery ?? 4 }
    set { redrawnEvery = newValue == 4 ? nil : newValue }
  }
  /// The share of the training rows that are moved by one pixel, where rows are pictures.
  ///
  /// Each row is moved in each epoch with this probability, up, down, to a side or along a diagonal, by a draw of its own.
  /// What enters the picture is off. Rows that are measured stay where they are.
  public var shiftShare: Double {
    get { shifts ?? 0 }
    set { shifts = newValue == 0 ? nil : newValue }
  }
  // Nil for what files have from before there was a choice.
  private var measuredEvery: Int?
  private var reducedPrecision: Precision?
  private var dropoutRates: Dropout?
  private var marginalStart: Bool?
  private var redrawnEvery: Int?
  private var shifts: Double?

  /// The names in checkpoints, where the learning rate has been `rate` from the first.
  private enum CodingKeys: String, CodingKey {
    case epochCount, stepsPerEpoch, batchSize
    case learningRate = "rate"
    case schedule, optimizer, clippingNorm, patience, seed, averaging
    case measuredEvery, reducedPrecision, dropoutRates, marginalStart, redrawnEvery, shifts
  }

  /// Creates a configuration: what is not given is as plain as can be.
  public init(
    epochCount: Int, stepsPerEpoch: Int? = nil, batchSize: Int = RecommendedSettings.batchSize,
    learningRate: Double,
    schedule: Schedule = RecommendedSettings.schedule, optimizer: OptimizerMethod = .adam(),
    clippingNorm: Double? = nil, patience: Int? = nil, seed: UInt64 = 0, validationInterval: Int = 1,
    precision: Precision = .float32, dropout: Dropout = .none, averaging: Double? = nil,
    startsAtMarginals: Bool = false, redrawInterval: Int = 4, shiftShare: Double = 0
  ) {
    self.epochCount = epochCount
    self.stepsPerEpoch = stepsPerEpoch
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.schedule = schedule
    self.optimizer = optimizer
    self.clippingNorm = clippingNorm
    self.patience = patience
    self.seed = seed
    self.averaging = averaging
    self.validationInterval = validationInterval
    self.precision = precision
    self.dropout = dropout
    self.startsAtMarginals = startsAtMarginals
    self.redrawInterval = redrawInterval
    self.shiftShare = shiftShare
  }

  /// What is wrong with the configuration, or nil.
  public var problem: String? {
    if !Self.counts.contains(epochCount) { return "training takes at least one epoch, not \(epochCount)" }
    if let stepsPerEpoch, !Self.counts.contains(stepsPerEpoch) {
      return "an epoch has at least one step, not \(stepsPerEpoch)"
    }
    if !Self.counts.contains(batchSize) { return "a batch has at least one row, not \(batchSize)" }
    if !(learningRate > 0 && learningRate.isFinite) {
      return "the learning rate must be a positive number, not \(learningRate)"
    }
    if let clippingNorm, !(clippingNorm > 0 && clippingNorm.isFinite) {
      return "the clipping norm must be a positive number, not \(clippingNorm)"
    }
    if let patience, patience < 1 { return "the patience is at least one epoch, not \(patience)" }
    if !Self.counts.contains(validationInterval) {
      return
        "the validation rows are measured after every epoch or every few, not every \(validationInterval)"
    }
    if !Self.counts.contains(redrawInterval) {
      return "missing cells are drawn anew after every epoch or every few, not every \(redrawInterval)"
    }
    let rates = 0.0..<1.0
    if !rates.contains(dropout.inputs) || !rates.contains(dropout.hidden) {
      return "dropout rates are from 0 to below 1, not \(dropout.inputs) and \(dropout.hidden)"
    }
    if !(0...1).contains(shiftShare) {
      return "the share of rows that are moved is from 0 to 1, not \(shiftShare)"
    }
    if let averaging, !rates.contains(averaging) {
      return "the averaging's decay is from 0 to below 1, not \(averaging)"
    }
    return schedule.problem ?? optimizer.problem
  }

  /// What a number of epochs or of rows can be: few enough that a number of steps never overflows.
  private static let counts = 1...1_000_000_000

  /// Returns the number of batches that `rowCount` rows make; the last may be smaller.
  public func batchesPerPass(rowCount: Int) -> Int {
    rowCount / batchSize + (rowCount % batchSize > 0 ? 1 : 0)
  }

  /// Returns the number of batches, or steps, of an epoch over `rowCount` rows.
  public func batchesPerEpoch(rowCount: Int) -> Int { stepsPerEpoch ?? batchesPerPass(rowCount: rowCount) }
}

extension Schedule {
  /// What is wrong with the numbers of a schedule, or nil.
  fileprivate var problem: String? {
    switch self {
    case .constant: nil
    case .inverseDecay(let halving):
      halving > 0 && halving.isFinite
        ? nil : "the learning rate must halve after a positive number of steps, not \(halving)"
    case .cosine(let warmUp, let floor):
      (0...1).contains(warmUp) && (0...1).contains(floor)
        ? nil : "a cosine's warm-up and floor are fractions from 0 to 1, not \(warmUp) and \(floor)"
    case .reduceOnPlateau(let factor, let patience):
      factor > 0 && factor < 1 && patience >= 1
        ? nil
        : "a plateau's factor is between 0 and 1 and its patience at least 1, not \(factor) and \(patience)"
    }
  }
}

extension OptimizerMethod {
  /// What is wrong with the numbers of an update rule, or nil.
  fileprivate var problem: String? {
    let averaging = 0.0..<1.0
    switch self {
    case .sgd(let momentum):
      return averaging.contains(momentum) ? nil : "the momentum is from 0 to below 1, not \(momentum)"
    case .adagrad(let epsilon):
      return epsilon > 0 && epsilon.isFinite
        ? nil : "adagrad's epsilon must be a positive number, not \(epsilon)"
    case .adam(let beta1, let beta2, let epsilon, let weightDecay):
      if !averaging.contains(beta1) || !averaging.contains(beta2) {
        return "adam's betas are from 0 to below 1, not \(beta1) and \(beta2)"
      }
      if !(epsilon > 0 && epsilon.isFinite) {
        return "adam's epsilon must be a positive number, not \(epsilon)"
      }
      return weightDecay >= 0 && weightDecay.isFinite
        ? nil : "the weight decay must be a number of at least 0, not \(weightDecay)"
    }
  }
}

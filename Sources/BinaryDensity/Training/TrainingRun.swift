import Kernels

/// A folder in which networks are trained or a baseline is fitted, on the rows of a data set, with all that comes of it.
///
///     let run = TrainingRun(in: RunDirectory(path: "runs/nade"), data: data)
///     let result = try run.train(model, .recommended(for: .nade, rowCount: data.train.rowCount))
///     print(result.summary.measurements)
///
/// A run that is stopped, or killed, goes on from its files to the same bits: `resume(_:)`. At its end the density is
/// measured on the validation and the test rows, and a hundred samples of it are drawn as a picture.
public struct TrainingRun: Sendable {
  /// Where the run keeps its files.
  public let directory: RunDirectory
  /// What it learns from, and is measured on.
  public let data: DataSplits

  /// Names a run; the folder need not exist yet.
  public init(in directory: RunDirectory, data: DataSplits) {
    self.directory = directory
    self.data = data
  }

  // MARK: One network

  /// Trains a network, in a folder from which an earlier run has been moved aside.
  ///
  /// - Parameters:
  ///   - model: the network as it is to begin.
  ///   - configuration: how it is trained.
  ///   - observe: is told of every step, and returns whether to go on.
  /// - Throws: what `Trainer` throws, `DensityError.unwritable`, and what `observe` throws.
  public func train(
    _ model: some TrainableDensity, _ configuration: TrainingConfiguration,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> RunResult {
    // Made first, so that what cannot be trained moves nothing.
    let trainer = try Trainer(model, data: data, configuration: configuration)
    return try directory.whileLocked { () throws(DensityError) in
      try prepare(observe)
      return try finished(try train(trainer, in: directory, observe), seed: configuration.seed, observe)
    }
  }

  /// Goes on with a training.
  ///
  /// - Throws: what `train` throws, and `DensityError.mismatch` if the data are not those the training began with.
  public func resume(
    _ saved: SavedTraining,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> RunResult {
    func resume<Model: TrainableDensity>(_ model: Model) throws(DensityError) -> RunResult {
      let trainer = try saved.trainer(continuing: model, data: data)
      return try directory.whileLocked { () throws(DensityError) in
        try saved.checkCurrent()
        return try finished(
          try train(trainer, in: directory, resumedFrom: saved.state.progress, observe),
          seed: saved.state.progress.configuration.seed, observe)
      }
    }
    return try resume(saved.model)
  }

  // MARK: Several networks

  /// Trains networks one after another, each in a folder of its own below the run's, and puts them together: those of
  /// one order into an ensemble, those of several into a mixture.
  ///
  /// - Parameters:
  ///   - count: the number of networks.
  ///   - orderCount: the number of orders of the variables that they are spread over.
  ///   - configuration: how each is trained; the seed of network k, counted from 0, is k more than this one's.
  ///   - isResumed: goes on with what the folders hold; finished networks are left as they are, unless the configuration
  ///     asks for more epochs.
  ///   - observe: is told of every step, and returns whether to go on.
  ///   - model: returns the network that is to begin from the seeds of its order and of its weights; members of one
  ///     order are given the same seed for it.
  /// - Throws: what `train` throws, and `DensityError.mismatch` if a folder holds another training.
  /// - Precondition: both counts are at least 1.
  public func trainMembers(
    _ count: Int, orderCount: Int = 1, _ configuration: TrainingConfiguration, isResumed: Bool = false,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true },
    _ model: (_ orderSeed: UInt64, _ weightSeed: UInt64) throws(DensityError) -> any TrainableDensity
  ) throws(DensityError) -> RunResult {
    precondition(count >= 1 && orderCount >= 1, "\(count) members of \(orderCount) orders are no run")
    return try trainInTurn(
      count, seed: configuration.seed, isResumed: isResumed, observing: observe
    ) { (index) throws(DensityError) in
      var training = configuration
      training.seed = configuration.seed &+ UInt64(index)
      let orderSeed = configuration.seed &+ UInt64(index % orderCount)
      return MemberTraining(
        data: data, configuration: training, model: try model(orderSeed, training.seed))
    } combined: {
      LabelledDensity.combined($0)
    }
  }

  /// A network that is to be one of a run's.
  struct MemberTraining {
    let data: DataSplits
    let configuration: TrainingConfiguration
    let model: any TrainableDensity
    /// The class whose rows it learns from, if they are those of one.
    var className: String?
  }

  /// Trains networks one after another, each in a folder of its own below the run's, and combines them.
  ///
  /// - Parameters:
  ///   - count: the number of networks.
  ///   - seed: the seed of the samples that are drawn at the end.
  ///   - isResumed: goes on with what the folders hold.
  ///   - observe: is told of every step, and returns whether to go on.
  ///   - member: returns the network of a number counted from 0, as it is to begin.
  ///   - combined: makes the run's density of them.
  func trainInTurn(
    _ count: Int, seed: UInt64, isResumed: Bool, observing observe: (RunEvent) throws(DensityError) -> Bool,
    _ member: (Int) throws(DensityError) -> MemberTraining,
    combined: ([any Density]) throws(DensityError) -> any Density
  ) throws(DensityError) -> RunResult {
    try directory.whileLocked { () throws(DensityError) in
      if isResumed { _ = try observe(.prepared(earlierRun: nil)) } else { try prepare(observe) }
      let clock = ContinuousClock()
      let start = clock.now
      var networks: [TrainedNetwork] = []
      repeat {
        let training = try member(networks.count)
        let number = networks.count + 1
        networks.append(
          try TrainingRun(in: directory, data: training.data).continuing(
            training.model, training.configuration, in: directory.member(number), isResumed: isResumed,
            isExtensible: true,
            as: RunMember(
              number: number, count: count, configuration: training.configuration,
              className: training.className), observe))
      } while networks.count < count && networks.last?.summary.outcome != .stopped
      let summary = summary(networks.map(\.summary), seconds: start.duration(to: clock.now).seconds)
      let best = networks.map(\.best)
      let density = summary.isInterrupted ? LabelledDensity.combined(best) : try combined(best)
      if !summary.isInterrupted { try keep(density) }
      return try finished(density, summary, seed: seed, observe)
    }
  }

  // MARK: Baselines

  /// Fits a density that no gradients train: independent Bernoullis, a mixture of them, or a Chow-Liu tree.
  ///
  /// - Parameters:
  ///   - kind: `.bernoulli`, `.bernoulliMixture` or `.chowLiu`.
  ///   - componentCount: the number of a mixture's components.
  ///   - seed: the seed of the rows that components begin at, and of the samples.
  ///   - observe: is told of every iteration of a mixture, and returns whether to go on.
  /// - Throws: `DensityError.invalidConfiguration`, `.unwritable`, and what `observe` throws.
  /// - Precondition: `kind` is one of the three.
  public func fit(
    _ kind: ModelKind, componentCount: Int = 500, seed: UInt64 = 0,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> RunResult {
    precondition(ModelKind.baselines.contains(kind), "a \(kind.rawValue) is no baseline")
    try data.checkHeldOutRows()
    if kind == .bernoulliMixture {
      try BernoulliMixture.checkMemoryOfFitting(to: data.train, componentCount: componentCount)
    }
    return try directory.whileLocked { () throws(DensityError) in
      try prepare(observe)
      let clock = ContinuousClock()
      let start = clock.now
      let (density, isStopped) = try fitted(
        kind, to: data, componentCount: componentCount, seed: seed, observing: observe)
      var summary = summary([], seconds: start.duration(to: clock.now).seconds)
      summary.isInterrupted = isStopped
      try keep(density)
      return try finished(density, summary, seed: seed, observe)
    }
  }

  /// Fits a baseline to the rows of a data set; what was stopped is as far as it came.
  func fitted(
    _ kind: ModelKind, to data: DataSplits, componentCount: Int, seed: UInt64,
    observing observe: (RunEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> (density: any Density, isStopped: Bool) {
    var isStopped = false
    var failure: DensityError?
    /// Tells of an event, and returns whether to go on.
    func tell(_ event: RunEvent) -> Bool {
      do throws(DensityError) {
        if try !observe(event) { isStopped = true }
      } catch {
        failure = error
      }
      return !isStopped && failure == nil
    }
    guard let rows = ObservedRows(data, .train) else { preconditionFailure("there are no training rows") }
    let density: any Density
    switch kind {
    case .bernoulliMixture:
      let limit = 200
      density = try BernoulliMixture.fit(
        to: rows, validation: ObservedRows(data, .validation), componentCount: componentCount,
        iterationLimit: limit, seed: seed, while: { tell(.busy) },
        observing: { tell(.fitting($0, limit: limit)) })
    case .chowLiu:
      let limit = 100
      let tree = try ChowLiuTree.fit(
        to: rows, iterationLimit: limit, while: { tell(.busy) },
        observing: { tell(.fitting($0, limit: limit)) })
      if let failure { throw failure }
      guard let tree else { throw .interrupted }
      density = tree
    default: density = try IndependentBernoulli.fit(to: rows)
    }
    if let failure { throw failure }
    return (density, isStopped)
  }
}

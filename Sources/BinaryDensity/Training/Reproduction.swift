/// A published result on binarized MNIST: what it is, what was reported, and the settings that lead there.
///
///     let result = Reproduction.all.first { $0.name == "made-500" }
public struct Reproduction: Sendable {
  /// A short name, such as `made-500`.
  public let name: String
  /// What the model is, in a line.
  public let summary: String
  /// The published test NLL, in nats.
  public let publishedNLL: Double
  /// The paper.
  public let source: String
  /// The family.
  public let kind: ModelKind
  /// How it is trained: as suits us, with what was chosen on the validation rows.
  public let training: TrainingConfiguration
  /// How the paper trained it, if it says and we can.
  public let publishedTraining: TrainingConfiguration?
  /// A name for the run's folder; results of one training share it.
  public let folder: String
  /// How many orders an EoNADE is measured over.
  public let orderCount: Int?
  /// Returns the untrained network of so many variables, by a seed.
  public let model:
    @Sendable (_ variableCount: Int, _ seed: UInt64) throws(DensityError) -> any TrainableDensity

  init(
    name: String, summary: String, publishedNLL: Double, source: String, kind: ModelKind,
    training: TrainingConfiguration, publishedTraining: TrainingConfiguration? = nil, folder: String? = nil,
    orderCount: Int? = nil,
    model:
      @escaping @Sendable (_ variableCount: Int, _ seed: UInt64) throws(DensityError) ->
      any TrainableDensity
  ) {
    self.name = name
    self.summary = summary
    self.publishedNLL = publishedNLL
    self.source = source
    self.kind = kind
    self.training = training
    self.publishedTraining = publishedTraining
    self.folder = folder ?? name
    self.orderCount = orderCount
    self.model = model
  }

  /// Trains the network in a folder, or goes on with its training that stands there, and measures the test rows.
  ///
  /// - Parameters:
  ///   - directory: the folder; it need not exist yet.
  ///   - data: the rows, test rows among them.
  ///   - training: how the network is trained; the seed is that of its weights and orders too. Nil for `training`.
  ///   - observe: is told of every step, and returns whether to go on.
  /// - Throws: what `TrainingRun` throws, and `DensityError.mismatch` if the folder holds another training.
  public func run(
    in directory: RunDirectory, data: DataSplits, _ training: TrainingConfiguration? = nil,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> RunResult {
    let run = TrainingRun(in: directory, data: data)
    let training = training ?? self.training
    return try directory.whileLocked { () throws(DensityError) in
      try continued(run, training, observing: observe)
    }
  }

  private func continued(
    _ run: TrainingRun, _ training: TrainingConfiguration,
    observing observe: (RunEvent) throws(DensityError) -> Bool
  ) throws(DensityError) -> RunResult {
    let (directory, data) = (run.directory, run.data)
    let network = try run.continuing(
      try model(data.variableCount, training.seed), training, in: directory, isResumed: true, observe)
    var summary = run.summary([network.summary], seconds: network.summary.seconds)
    var density = network.best
    if let orderCount, let eonade = density as? EoNADE { density = try eonade.withOrders(count: orderCount) }
    if !summary.isInterrupted, let test = data.test {
      let measured = try density.measureLikelihood(of: test, named: DataSplit.test.rawValue) {
        (fraction) throws(DensityError) in try observe(.measuring(.test, fraction: fraction))
      }
      summary.measurements = measured.map { [$0.measurement] } ?? []
      summary.isInterrupted = measured == nil
    }
    summary.files = directory.files
    return RunResult(density: density, summary: summary)
  }
}

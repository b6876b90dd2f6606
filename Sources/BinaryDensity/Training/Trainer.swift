import Autodiff
import Kernels

/// Trains a model on a data set by stochastic gradient ascent of the mean log-likelihood.
///
///     let training = TrainingConfiguration.recommended(for: .nade, rowCount: data.train.rowCount)
///     let trainer = try Trainer(model, data: data, configuration: training)
///     let outcome = try trainer.run()
///     let best = trainer.best
///
/// Each epoch visits every training row once in an order drawn from the seed, or goes on with as many batches as the
/// configuration says, then measures the validation rows (each or every few); the model with the best validation figure is kept. All draws are functions of the seed and of
/// counters, so a training that is stopped, written to a checkpoint and resumed reaches the same bits as one that was
/// not.
///
/// Where cells of the training rows are missing, a model that takes them (an `EoNADE`) learns from the known ones. For any
/// other they are drawn: first from a mixture of Bernoullis fitted to the known cells, and then, after every few epochs,
/// from the model itself given the known cells (Monte-Carlo expectation maximisation). That they are missing by chance, and
/// not because of what stood there, is taken for granted. Where validation rows have missing cells, their figure is the
/// mean of −log p of the known cells, estimated where the model does not give it exactly.
/// - Source: Wei & Tanner, J. American Statistical Association 85, 1990; one draw a row: Celeux & Diebolt, Computational
///   Statistics Quarterly 2, 1985.
public final class Trainer<Model: TrainableDensity> {
  /// The data.
  public let data: DataSplits
  /// Where the training stands.
  public private(set) var progress: TrainingState.Progress

  /// The model, but for its parameters.
  private let template: Model
  // What trains has its variables renumbered, if that helps, and takes its rows in that order. The models' parameters are
  // kept once: in the executor, and those of the best, which the judge shares.
  private let renumbering: Renumbering?
  private let working: Model
  private var bestParameters: Parameters<Float>
  private var optimizer: Optimizer<Float>
  private let executor: Executor<Float>
  private let objective: TrainingObjective<Model.Inputs>
  private let judge: (any ValidationJudge)?
  /// The running average of the parameters, if one is kept.
  private var average: Parameters<Float>?
  private let trainingRows: any RowSource
  /// What is known of the training rows, where cells are missing.
  let partialRows: PartialRows?
  /// These rows completed, if the model needs that.
  var completions: BinaryMatrix?
  private let batch: RowBatch<Float>

  /// Starts a training.
  ///
  /// - Throws: `DensityError.invalidConfiguration`, `.mismatch` if the data have other columns than the model.
  public convenience init(
    _ model: Model, data: DataSplits, configuration: TrainingConfiguration
  ) throws(DensityError) {
    if let problem = configuration.problem { throw .invalidConfiguration(problem) }
    let rows = data.trainingRows
    let model = configuration.startsAtMarginals ? try model.startingAtMarginals(of: data) : model
    let stepsPerEpoch = configuration.batchesPerEpoch(rowCount: rows.rowCount)
    let progress = TrainingState.Progress(
      configuration: configuration, data: data.fingerprint,
      learningRates: LearningRateController(
        configuration.schedule, base: configuration.learningRate,
        totalSteps: stepsPerEpoch * configuration.epochCount
      ))
    try self.init(
      current: model, best: model, data: data,
      state: TrainingState(
        progress: progress,
        optimizer: Optimizer(
          configuration.optimizer, for: model.parameters, clippingNorm: configuration.clippingNorm),
        average: configuration.averaging.map { _ in model.parameters },
        completions: Model.takesMissingCells
          ? nil : try data.firstCompletions(seed: configuration.seed)))
  }

  /// Resumes a training from its state, its last model and its best.
  ///
  /// - Throws: `DensityError.mismatch` if the data are not those the training began with;
  ///   `.invalidConfiguration` for a state that no training can have reached.
  public init(current: Model, best: Model, data: DataSplits, state: TrainingState) throws(DensityError) {
    let trainingRows = data.trainingRows
    guard trainingRows.rowCount > 0 else {
      throw .invalidConfiguration("\(data.name): there are no training rows")
    }
    guard data.variableCount == current.variableCount else {
      throw .mismatch(
        path: data.name, expected: "\(current.variableCount) columns", found: "\(data.variableCount)")
    }
    let fingerprint = data.fingerprint
    guard fingerprint.describesTheSameData(as: state.progress.data) else {
      throw .mismatch(
        path: data.name, expected: "the data this training began with (\(state.progress.data))",
        found: "\(fingerprint)")
    }
    if let problem = state.progress.problem { throw .invalidConfiguration(problem) }
    guard state.progress.configuration.precision.isAvailable else {
      throw .invalidConfiguration(
        "products in bf16 need AVX-512 BF16, which this processor or the instruction set in use lacks; "
          + "train in float32")
    }
    if let groups = (current.networkToKeep as? GroupedNetwork)?.groups, data.groups != groups {
      _ = try data.keeping(groups)
    }
    guard current.allowsHiddenDropout || state.progress.configuration.dropout.hidden == 0 else {
      throw .invalidConfiguration(
        "a \(current.kind?.rawValue ?? "\(Model.self)") cannot be trained with dropout of hidden units")
    }
    try data.checkHeldOutRows()
    self.trainingRows = try data.trainingRows(for: state.progress.configuration)
    try data.check(state.completions, isNeeded: !Model.takesMissingCells)
    self.data = data
    progress = state.progress
    partialRows = data.partialRows(.train)
    completions = state.completions
    let renumbering = Renumbering(current)
    self.renumbering = renumbering
    bestParameters = renumbering?.renumbered(best.parameters) ?? best.parameters
    let working = renumbering?.renumbered(current) ?? current
    self.working = working.withoutParameters
    template = current.withoutParameters
    optimizer = state.optimizer
    if let renumbering { optimizer = optimizer.mappingState(renumbering.renumbered) }

    average = state.average.map { renumbering?.renumbered($0) ?? $0 }
    objective = working.objective(state.progress.configuration.dropout)
    let batchCapacity = min(state.progress.configuration.batchSize, trainingRows.rowCount)
    // The values of a batch, and gradients of values and parameters; the parameters themselves are there already.
    let outputs = [objective.negativeLogProbability]
    let plan = Plan(objective.graph, outputs: outputs, loss: objective.loss, batchCapacity: batchCapacity)
    try checkMemory(
      of: "training this model on \(batchCapacity) rows at a time",
      bytes: 4 * Double(plan.valueArenaCount + plan.gradientArenaCount + working.parameterCount))
    executor = Executor(
      objective.graph, outputs: outputs, loss: objective.loss, batchCapacity: batchCapacity,
      parameters: working.parameters)
    executor.isTraining = true
    executor.precision = state.progress.configuration.precision
    executor.seed = state.progress.configuration.seed
    batch = RowBatch(
      capacity: executor.plan.batchCapacity, columnCount: data.variableCount, columnOrder: renumbering?.order)
    judge = data.validation.flatMap { validation in
      validation.rowCount == 0
        ? nil
        : working.judge(batchCapacity: min(512, validation.rowCount), columnOrder: renumbering?.order)
    }
    // So that the judge shares the best parameters' storage instead of keeping its own copy.
    judge?.set(bestParameters)
  }

  /// The model as it stands.
  public var model: Model { model(of: executor.parameters) }

  /// The model with the best validation figure so far; while there is no figure, the one after the last epoch.
  public var best: Model { model(of: bestParameters) }

  func model(of parameters: Parameters<Float>) -> Model {
    var model = template
    model.parameters = renumbering?.restored(parameters) ?? parameters
    return model
  }

  /// What a checkpoint needs besides the model.
  public var state: TrainingState {
    TrainingState(
      progress: progress, optimizer: renumbering.map { optimizer.mappingState($0.restored) } ?? optimizer,
      average: average.map { renumbering?.restored($0) ?? $0 }, completions: completions)
  }

  /// The number of batches, or steps, an epoch has.
  public var batchesPerEpoch: Int { progress.configuration.batchesPerEpoch(rowCount: trainingRows.rowCount) }

  /// Whether all epochs are done or patience is at its end.
  public var isFinished: Bool { progress.epoch >= progress.configuration.epochCount || isOutOfPatience }

  private var isOutOfPatience: Bool {
    guard let patience = progress.configuration.patience, progress.bestValidationNLL != nil else {
      return false
    }
    let measuredEpoch = progress.epoch - progress.epoch % progress.configuration.validationInterval
    return measuredEpoch - progress.bestEpoch >= patience
  }

  /// Trains until the last epoch, the end of patience, or until the observer says to stop.
  ///
  /// - Parameter observe: is told of every step and every epoch, and returns whether to go on.
  /// - Throws: `DensityError.diverged` with the step and the tensor, and whatever `observe` throws.
  public func run(
    _ observe: (TrainingEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> TrainingOutcome {
    let configuration = progress.configuration
    let clock = ContinuousClock()
    var batches = RepeatedBatches(
      rowCount: trainingRows.rowCount, columnCount: trainingRows.columnCount,
      batchSize: configuration.batchSize, seed: configuration.seed)
    var source: (pass: Int, rows: any RowSource)?
    while progress.epoch < configuration.epochCount {
      if isOutOfPatience { return .outOfPatience }
      let start = clock.now
      guard try redrawMissingCells(observe) else { return .stopped }
      let secondsBefore = progress.seconds
      let rowsBefore = progress.rowCount
      while progress.batch < batchesPerEpoch {
        let pass = batches.pass(ofStep: progress.step)
        if source?.pass != pass { source = (pass, trainingRows.rows(inPass: pass)) }
        try step(batches.rows(ofStep: progress.step), of: completions ?? source?.rows ?? trainingRows)
        progress.seconds = secondsBefore + start.duration(to: clock.now).seconds
        if try !observe(.step(progress)) { return .stopped }
      }
      // A resumed epoch may have had no step left to take, in no time.
      let seconds = max(start.duration(to: clock.now).seconds, 1e-9)
      let rowsPerSecond = Double(progress.rowCount - rowsBefore) / seconds
      let record = try finishEpoch(rowsPerSecond: rowsPerSecond) { (fraction) throws(DensityError) in
        try observe(.validating(progress, fraction: fraction))
      }
      guard let record else { return .stopped }
      progress.seconds = secondsBefore + start.duration(to: clock.now).seconds
      if try !observe(.epoch(record)) && progress.epoch < configuration.epochCount { return .stopped }
    }
    return .finished
  }

  private func step(_ rows: [Int], of source: any RowSource) throws(DensityError) {
    executor.step = progress.step
    try source.gather(rows, into: batch)
    executor.set(objective.rows, to: batch)
    let (seed, step) = (progress.configuration.seed, progress.step)
    if Model.takesMissingCells, let partialRows {
      let known = partialRows.known.selecting(rows)
      working.prepare(
        objective, known: batch.columnOrder.map(known.selecting(columns:)) ?? known, in: executor, seed: seed,
        step: step)
    } else {
      working.prepare(objective, in: executor, seed: seed, step: step)
    }
    executor.forward()
    let value = executor.withUnsafeView(of: objective.loss) { Double($0[0, 0]) }
    let told = executor.withUnsafeView(of: objective.negativeLogProbability) { Double($0[0, 0]) }
    guard value.isFinite else {
      throw .diverged(step: progress.step + 1, tensor: executor.firstNonFinite() ?? "the loss")
    }
    executor.backward(
      stepping: &optimizer, learningRate: progress.learningRates.learningRate(atStep: progress.step))
    updateAverage()
    progress.logProbabilitySum -= told * Double(rows.count)
    progress.rowCount += rows.count
    progress.step += 1
    progress.batch += 1
  }

  /// Moves the average towards the parameters; in the first steps it is their plain mean, rid of where they began.
  private func updateAverage() {
    guard let averaging = progress.configuration.averaging else { return }
    let share = max(1 - averaging, 1 / Double(progress.step + 1))
    average?.move(towards: executor.parameters, by: Float(share))
  }

  /// Makes sure that what a checkpoint would hold is finite.
  ///
  /// - Throws: `DensityError.diverged` with the last step and the matrix.
  func checkFinite() throws(DensityError) {
    func check(_ matrices: Parameters<Float>, _ kind: String) throws(DensityError) {
      for (name, matrix) in zip(matrices.names, matrices.matrices)
      where !matrix.withUnsafeView(Float.isFinite) {
        throw .diverged(step: progress.step, tensor: "\(kind) \(name)")
      }
    }
    try check(executor.parameters, "parameter")
    for (slot, matrices) in zip(optimizer.method.slotNames, optimizer.state) {
      try check(matrices, "the optimizer's \(slot) of")
    }
  }

  /// Measures the validation rows, if it is their turn, and closes the epoch; nil, with the epoch still open, if
  /// `observe` says to stop.
  private func finishEpoch(
    rowsPerSecond: Double, _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> EpochRecord? {
    try checkFinite()
    let candidate = average ?? executor.parameters
    var logProbabilities: [Double]?
    let epoch = progress.epoch + 1
    let (last, interval) = (progress.configuration.epochCount, progress.configuration.validationInterval)
    if epoch % interval == 0 || epoch == last, let judge, let rows = data.validation {
      judge.set(candidate)
      logProbabilities = try measure(rows, by: judge, candidate, observe)
      if logProbabilities == nil {
        judge.set(bestParameters)
        return nil
      }
    }
    let learningRate = progress.learningRates.learningRate(atStep: max(progress.step - 1, 0))
    let training = -progress.logProbabilitySum / Double(max(progress.rowCount, 1))
    progress.epoch = epoch
    progress.batch = 0
    progress.rowCount = 0
    progress.logProbabilitySum = 0
    var validation: Double?
    if let logProbabilities {
      let figure = LikelihoodSummary(
        logProbabilities: logProbabilities, variableCount: data.variableCount
      ).negativeLogLikelihood
      // Finite parameters may still be so large that logits are not.
      guard figure.isFinite else {
        throw .diverged(step: progress.step, tensor: "log p of the validation rows")
      }
      validation = figure
      progress.learningRates.observe(figure)
      if progress.bestValidationNLL.map({ figure < $0 }) ?? true {
        progress.bestValidationNLL = figure
        progress.bestEpoch = progress.epoch
        bestParameters = candidate
      } else {
        // So that the next step need not copy what the judge holds.
        judge?.set(bestParameters)
      }
    } else if progress.bestValidationNLL == nil {
      bestParameters = candidate
      judge?.set(bestParameters)
      progress.bestEpoch = progress.epoch
    }
    return EpochRecord(
      epoch: progress.epoch, trainingNLL: training, validationNLL: validation, learningRate: learningRate,
      rowsPerSecond: rowsPerSecond, seconds: progress.seconds)
  }
}

extension TrainableDensity {
  /// The model without its parameters, which something else keeps.
  fileprivate var withoutParameters: Self {
    var model = self
    model.parameters = Parameters()
    return model
  }
}

import Autodiff
import Kernels

/// Everything besides the model that a training needs to go on exactly where it stopped.
///
/// Every random draw is a function of the seed and of the counters kept here, so these numbers are the whole random
/// state.
public struct TrainingState: Sendable {
  /// The numbers.
  public var progress: Progress
  /// The update rule and its matrices.
  public var optimizer: Optimizer<Float>
  /// The running average of the parameters, if the configuration asks for one.
  public var average: Parameters<Float>?
  /// The training rows with their missing cells as they were last drawn, if cells are missing and the model needs them.
  public var completions: BinaryMatrix?

  /// Creates a state.
  public init(
    progress: Progress, optimizer: Optimizer<Float>, average: Parameters<Float>? = nil,
    completions: BinaryMatrix? = nil
  ) {
    self.progress = progress
    self.optimizer = optimizer
    self.average = average
    self.completions = completions
  }

  /// Where a training stands.
  public struct Progress: Hashable, Sendable, Codable {
    /// How the model is trained.
    public var configuration: TrainingConfiguration
    /// What the training rows were, so that a resumed training is not given others.
    public var data: DataFingerprint
    /// How many epochs are complete.
    public var epoch = 0
    /// How many batches of the current epoch are done.
    public var batch = 0
    /// How many steps have been taken in all.
    public var step = 0
    /// The sum of the log-probabilities of the current epoch's rows so far, in nats.
    public var logProbabilitySum = 0.0
    /// How many rows that sum is of.
    public var rowCount = 0
    /// The learning rate's schedule.
    public var learningRates: LearningRateController
    /// The best validation NLL so far, in nats a row.
    public var bestValidationNLL: Double?
    /// The epoch it belongs to, counted from 1.
    public var bestEpoch = 0
    /// How long training has taken, in seconds.
    public var seconds = 0.0

    /// The names in checkpoints.
    private enum CodingKeys: String, CodingKey {
      case configuration, data, epoch, batch, step, logProbabilitySum, rowCount
      case learningRates = "rates"
      case bestValidationNLL = "bestValidation"
      case bestEpoch, seconds
    }

    /// The share of all steps that is done, from 0 to 1.
    public var fraction: Double {
      let batches = max(1, configuration.batchesPerEpoch(rowCount: data.rowCount))
      return (Double(epoch) + Double(batch) / Double(batches)) / Double(configuration.epochCount)
    }

    /// The mean of −log p over the current epoch's rows so far, in nats; nil before the first.
    public var trainingNLL: Double? { rowCount > 0 ? -logProbabilitySum / Double(rowCount) : nil }

    /// What is wrong with numbers that come from a file, or nil.
    var problem: String? {
      if let problem = configuration.problem { return problem }
      let batches = configuration.batchesPerEpoch(rowCount: max(data.rowCount, 0))
      // Every count follows from the step; `step` itself is bounded before it is computed with.
      let before = checkedProduct(of: [epoch, batches])
      let mostRows = configuration.stepsPerEpoch.map { $0 * configuration.batchSize } ?? data.rowCount
      let isConsistent =
        data.rowCount >= 1 && (0...configuration.epochCount).contains(epoch) && (0...batches).contains(batch)
        && step >= 0 && step - batch == before
        && (0...mostRows).contains(rowCount)
        && (0...epoch).contains(bestEpoch) && learningRates.schedule == configuration.schedule
        && learningRates.base == configuration.learningRate && learningRates.isPossible(afterEpochs: epoch)
      return isConsistent
        ? nil : "epoch \(epoch), batch \(batch) and step \(step) belong to no training of this configuration"
    }
  }
}

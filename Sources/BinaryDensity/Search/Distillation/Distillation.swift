import Autodiff
import Foundation
import Kernels

/// Trains one network on what a mixture of many knows: smaller and faster than the mixture, and worse, by how much is to be seen.
///
///     let distillation = try Distillation(of: mixture, data, budget: .seconds(300))
///     if let network = try distillation.run().density { print(network.logProbabilities(of: rows)) }
///
/// A model draws as many rows as one likes, and a network that learns from them learns what the model knows. From drawn rows
/// alone it learns the model's errors too, so a third of its rows are those of the table. Several ways of regularising are
/// tried, one after the other, and the validation rows choose.
///
/// - Source: Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531.
public struct Distillation {
  /// What came out.
  public struct Result: Sendable {
    /// The network that does best on the validation rows, in half precision where that costs less than 0.001 nats; nil if
    /// there was no time for any.
    public var density: (any Density)?
    /// What it is.
    public var name: String
    /// The mean of −log p of the validation rows under it, in nats; infinite without one.
    public var validationNLL: Double
    /// All that was tried, the best first.
    public let leaderboard: [DensitySearch.Entry]
    /// Whether it was told to stop before its time.
    public let isInterrupted: Bool
  }

  /// How many rows are drawn at most, for each row of the table.
  private static let drawsPerRow = 10
  /// The share of the time that drawing takes at most.
  private static let drawingShare = 0.2
  /// The share of the time left that a training is meant to take: with fresh rows a long one gains more than several.
  private static let trainingShare = 0.55
  private static let steps = 100...40000

  private let teacher: any Density
  private let data: DataSplits
  private let budget: Double
  private let seed: UInt64
  private let byteLimit: Int?
  private let form: Form
  /// How the model's networks were trained, if that is known.
  private let recipe: Recipe?

  /// Prepares to distil.
  ///
  /// - Parameters:
  ///   - teacher: the model.
  ///   - data: training rows and, if there are any, validation rows; otherwise a tenth of the training rows is held out by
  ///     the seed, as a search holds them out.
  ///   - budget: how long it may take.
  ///   - seed: the seed of everything drawn.
  ///   - parameterLimit: the most parameters of the network; nil for a tenth of the model's. As many as one of the model's
  ///     networks has are never too many.
  ///   - byteLimit: the largest file that the network may take in half precision, in bytes; nil for any.
  ///   - recipe: how the model's networks were trained, if that is known: its way is tried first.
  /// - Throws: `DensityError.malformed` for rows that break a group of columns which the model keeps, as the network then
  ///   does; `.invalidConfiguration` if there are no training rows, or no network is small enough;
  ///   `.mismatch` for rows of other columns than the model's.
  public init(
    of teacher: any Density, _ data: DataSplits, budget: Duration, seed: UInt64 = 0,
    parameterLimit: Int? = nil, byteLimit: Int? = nil, recipe: Recipe? = nil
  ) throws(DensityError) {
    guard data.train.rowCount > 0 else {
      throw .invalidConfiguration("\(data.name): there are no training rows")
    }
    guard data.variableCount == teacher.variableCount else {
      throw .mismatch(
        path: data.name, expected: "\(teacher.variableCount) columns as in the model",
        found: "\(data.variableCount)")
    }
    self.teacher = teacher
    self.budget = max(0, budget.seconds)
    self.seed = seed
    self.byteLimit = byteLimit
    self.recipe = recipe
    var data = data
    if let groups = teacher.keptGroups { data = try data.keeping(groups) }
    let hasValidation = data.validation.map { $0.rowCount > 0 } ?? false
    let split =
      hasValidation
      ? data : data.withoutTest(validation: nil).holdingOutValidation(fraction: 0.1, seed: seed)
    self.data = split.withoutTest(validation: split.validation == nil ? .train : .validation)
    try self.data.checkHeldOutRows()
    let named = self.data
    let ofNetwork = Form(of: teacher, widened: 1)
    let usual = try ofNetwork.model(ofNetwork.recipe, variableCount: data.variableCount, seed: seed)
    let parameterLimit = max(parameterLimit ?? teacher.parameterCount / 10, usual.parameterCount)
    func isSmallEnough(_ model: any Density) -> Bool {
      model.parameterCount <= parameterLimit
        && byteLimit.map { DensitySearch.byteCount(of: model, named, inHalfPrecision: true) <= $0 } ?? true
    }
    var form = Form(of: teacher, widened: 4)
    let (count, wide) = (data.variableCount, form)
    let smallEnough = form.recipe.shrunk { recipe in
      (try? wide.model(recipe, variableCount: count, seed: seed)).map(isSmallEnough) ?? false
    }
    guard let smallEnough else {
      throw .invalidConfiguration("no network of \(count) variables is as small as wanted")
    }
    form.recipe = smallEnough
    self.form = form
  }

  /// Distils until the time is over, all has been tried, or the observer says to stop.
  ///
  /// - Parameter observe: is told what happens some ten times a second, and returns whether to go on; after a stop the best
  ///   network so far is returned.
  /// - Throws: `DensityError.unsupported` for a model that no rows can be drawn from.
  public func run(
    _ observe: (DensitySearch.Event) -> Bool = { _ in true }
  ) throws(DensityError) -> Result {
    var progress = Progress(budget: budget)
    guard let rows = try rows(&progress, observe) else { return progress.result }
    let splits = DataSplits(
      name: data.name, train: rows.first, validation: data.validation, test: nil,
      imageShape: data.imageShape, binarization: nil, trainLevels: nil,
      partial: [.validation: data.partialRows(.validation)].compactMapValues(\.self)
    ).withGroups(of: data).reading(trainingRows: rows)
    var stepsPerSecond = try speed(on: splits)
    var longest = 0
    for (number, recipe) in Self.recipes(form.recipe, like: recipe, canShift: splits.canShift).enumerated()
    where !progress.isOver {
      let affordable = Int(Self.trainingShare * stepsPerSecond * progress.secondsLeft)
      // One that is cut much shorter than another cannot show that it is better.
      if affordable < longest / 4 { break }
      var recipe = recipe
      recipe.stepCount = min(max(affordable, Self.steps.lowerBound), Self.steps.upperBound)
      let (model, began) = (
        try form.model(recipe, variableCount: data.variableCount, seed: seed &+ UInt64(number)),
        progress.elapsed
      )
      if let steps = try train(model, recipe, on: splits, &progress, observe) {
        longest = max(longest, steps)
        stepsPerSecond = Double(steps) / max(progress.elapsed - began, 1e-3)
      }
    }
    return try rounded(progress.result)
  }

  /// Returns what came out in half precision where that costs little, or has to be.
  private func rounded(_ result: Result) throws(DensityError) -> Result {
    guard let density = result.density, let half = try density.inHalfPrecision(),
      let nll = DensitySearch.nll(half, data, while: { true })
    else { return result }
    let size = DensitySearch.byteCount(of: density, data, inHalfPrecision: false)
    let isNeeded = byteLimit.map { size > $0 } ?? false
    guard isNeeded || nll - result.validationNLL < Compaction.roundingCost else { return result }
    var rounded = result
    (rounded.density, rounded.validationNLL) = (half, nll)
    rounded.name += ", half precision"
    return rounded
  }

  // MARK: Rows

  /// Draws rows, and puts them beside those of the table; nil if told to stop.
  private func rows(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> DistillationRows? {
    let evaluator = teacher.evaluator()
    let wanted = Self.drawsPerRow * data.train.rowCount
    var generator = Philox(seed: seed, stream: .distilledRows)
    var parts: [BinaryMatrix] = []
    var (count, size) = (0, 256)
    while count < wanted, count == 0 || progress.elapsed < Self.drawingShare * budget {
      guard progress.tell("drawing rows", observe) else { return nil }
      let start = progress.elapsed
      parts.append(try evaluator.sample(count: min(size, wanted - count), using: &generator))
      count += parts[parts.count - 1].rowCount
      // Many at a time are faster, as long as nobody waits for an answer.
      if progress.elapsed - start < 0.15 { size *= 2 }
    }
    guard let real = try completedRows(&progress, observe) else { return nil }
    var order = Philox(seed: seed, stream: .distilledRows, index: 1)
    return DistillationRows(
      real: real.selecting(order.permutation(of: real.rowCount)),
      drawn: BinaryMatrix(concatenating: parts, columnCount: data.variableCount))
  }

  /// Returns the training rows, their missing cells drawn from the model; nil if told to stop.
  private func completedRows(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> BinaryMatrix? {
    guard let partial = data.partialRows(.train), let first = try data.firstCompletions(seed: seed) else {
      return data.train
    }
    let sampler = try MissingCellSampler(teacher)
    return try sampler.redrawing(
      first, of: partial, particleCount: MissingCells.judgedParticleCount, seed: seed, round: 0
    ) { (_) throws(DensityError) in progress.tell("completing rows", observe) }
  }

  // MARK: Training

  /// Returns how many steps a second the first recipe trains.
  private func speed(on data: DataSplits) throws(DensityError) -> Double {
    var recipe = form.recipe
    recipe.stepCount = Self.steps.lowerBound
    let model = try form.model(recipe, variableCount: data.variableCount, seed: seed)
    return recipe.secondsPerStep(of: model, on: data, within: min(2, 0.03 * budget), seed: seed)
      .map { 1 / $0 } ?? 0
  }

  /// Trains a network and keeps it if it is the best; returns how many steps that took, or nil if it failed.
  private func train<Model: TrainableDensity>(
    _ model: Model, _ recipe: Recipe, on data: DataSplits, _ progress: inout Progress,
    _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> Int? {
    let began = progress.elapsed
    let trainer = try Trainer(
      model, data: data, configuration: recipe.training(rowCount: data.train.rowCount, seed: seed))
    do throws(DensityError) {
      _ = try trainer.run { (_) throws(DensityError) in
        progress.tell("training", observe) && !progress.isOver
      }
    } catch {
      // A recipe that diverges is one that did not do well.
      progress.add("\(recipe): \(error)", nil, nll: .infinity, since: began, observe)
      return nil
    }
    guard let nll = trainer.progress.bestValidationNLL else { return nil }
    progress.add(recipe.description, trainer.best, nll: nll, since: began, observe)
    return trainer.progress.step
  }
}

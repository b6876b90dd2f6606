import Autodiff
import Essentials
import Kernels

/// Trains one network on what a mixture of many knows: smaller and faster than the mixture, and worse or better, by how much is to be
/// seen.
///
///     let distillation = try Distillation(of: mixture, data, budget: .seconds(300))
///     if let network = try distillation.run().density { print(network.logProbabilities(of: rows)) }
///
/// A model draws as many rows as one likes, and a network that learns from them learns what the model knows. From drawn rows
/// alone it learns the model's errors too, so a third of its rows are those of the table. Where several of the model's networks have
/// its ordering, it learns their average's conditionals too, which say more of a row than its bits. Several ways are tried, one after the
/// other, and the validation rows choose: first the best of the model's own networks goes on learning from these rows, then a
/// wider network learns from the beginning, of at most a tenth of the model's parameters unless told otherwise, or as many as one of
/// the model's networks.
///
/// - Source: Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531.
public struct Distillation {
  /// What came out.
  public struct Result: Sendable {
    /// The network that does best on the validation rows, in half precision where that costs less than 0.001 nats; nil if
    /// it was told to stop before there was any, or each training failed.
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

  /// How many bytes of rows are drawn at most.
  private static let drawnByteCount = 1 << 27
  /// The share of the time that drawing takes at most.
  private static let drawingShare = 0.2
  /// The share of the time that comparing the model's networks takes at most, and the seconds that it may take however short that is.
  private static let comparing = (share: 0.05, seconds: 2.0)
  /// The share of the time left that a training is meant to take.
  ///
  /// With fresh rows a long one gains more than several; one that goes on from what a network knows needs less.
  private static let trainingShare = (further: 0.35, fresh: 0.55)
  private static let steps = 100...40000

  let teacher: any Density
  private let data: DataSplits
  private let budget: Double
  private let seed: UInt64
  private let byteLimit: Int?
  private let form: Form
  /// Those networks of the model that are small enough, the weightiest first.
  private let networks: [any TrainableDensity]
  /// How the model's networks were trained, if that is known.
  private let recipe: Recipe?

  /// Prepares to distil.
  ///
  /// - Parameters:
  ///   - teacher: the model.
  ///   - data: training rows and, if there are any, validation rows; otherwise a tenth of the training rows is held out by
  ///     the seed, as a search holds them out.
  ///   - budget: how long it may take; an epoch of one network is trained in any case.
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
      ? data.limitingValidation(seed: seed)
      : try data.withoutTest(validation: nil).holdingOutValidation(seed: seed)
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
    // Where none of the usual sizes is small enough, that of the model's own networks may be.
    guard let recipe = smallEnough ?? (isSmallEnough(usual) ? ofNetwork.recipe : nil) else {
      throw .invalidConfiguration("no network of \(count) variables is as small as wanted")
    }
    form.recipe = recipe
    self.form = form
    networks = teacher.networksByWeight.filter(isSmallEnough)
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
    var form = form
    var further: [Way] = []
    if let start = bestNetwork(&progress, observe) {
      form.ordering = start.autoregressive().map { .explicit($0.ordering.variables) } ?? form.ordering
      further = Self.ways(
        Form(of: start, widened: 1).furtherRecipes(like: recipe, canShift: splits.canShift), from: start)
    }
    let fresh = Self.ways(form.recipes(like: recipe, canShift: splits.canShift), from: nil)
    // One of either kind, then the others.
    let ways = further.prefix(1) + fresh.prefix(1) + further.dropFirst() + fresh.dropFirst()
    // Of the trainings of either kind: the steps of the longest, and how many a second the last took.
    var earlier: [Bool: (steps: Int, perSecond: Double)] = [:]
    for (number, way) in ways.enumerated() where !progress.isOver {
      let model: any TrainableDensity
      if let start = way.start {
        model = start
      } else {
        model = try form.model(way.recipe, variableCount: data.variableCount, seed: seed &+ UInt64(number))
      }
      let student = taught(model, share: way.teachersShare)
      var way = way
      var perSecond = earlier[way.isFurther]?.perSecond
      if perSecond == nil { perSecond = try stepsPerSecond(of: student, way.recipe, on: splits) }
      let affordable = Int(way.share * (perSecond ?? 0) * progress.secondsLeft)
      let longest = earlier[way.isFurther]?.steps ?? 0
      // One that is cut much shorter than another of its kind cannot show that it is better.
      if affordable < longest / 4 { continue }
      way.recipe.stepCount = min(max(affordable, Self.steps.lowerBound), Self.steps.upperBound)
      let began = progress.elapsed
      if let steps = try train(student, way, on: splits, &progress, observe) {
        let perSecond = Double(steps) / max(progress.elapsed - began, 1e-3)
        earlier[way.isFurther] = (max(longest, steps), perSecond)
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

  /// Returns what rows are drawn from: a mixture, where it draws ten rows for each training row in its share of the time; otherwise
  /// what is left of the mixture where size counts too, which is faster.
  ///
  /// - Parameters:
  ///   - rowsPerSecond: how many rows' log p the mixture computes in a second, if that was timed; drawing takes about as long.
  ///   - budget: how long distilling may take, in seconds.
  package static func teacher(
    _ mixture: any Density, rowsPerSecond: Double?, orElse selection: any Density, for data: DataSplits,
    budget: Double
  ) -> any Density {
    let drawn = (rowsPerSecond ?? .infinity) * drawingShare * budget
    return drawn >= 10 * Double(data.train.rowCount) ? mixture : selection
  }

  /// Draws rows, and puts them beside those of the table; nil if told to stop.
  private func rows(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> DistillationRows? {
    let evaluator = teacher.evaluator()
    // Twice as many as rows of the table in as many steps as there can be.
    let wanted = min(
      2 * Self.steps.upperBound * RecommendedSettings.batchSize / 3,
      Self.drawnByteCount / max(1, (data.variableCount + 7) / 8))
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

  /// One of the ways to train a network.
  private struct Way {
    /// How.
    var recipe: Recipe
    /// The network that goes on learning; nil for a new one.
    let start: (any TrainableDensity)?
    /// The share of the model's conditionals in what it learns, if it learns them.
    let teachersShare: Double

    /// Whether it goes on from what a network knows.
    var isFurther: Bool { start != nil }
    /// The share of the time left that it is meant to take.
    var share: Double { isFurther ? trainingShare.further : trainingShare.fresh }

    var description: String { "\(recipe)" + (isFurther ? ", begun with the model's best network" : "") }
  }

  private static func ways(_ recipes: [Recipe], from start: (any TrainableDensity)?) -> [Way] {
    recipes.enumerated().map { number, recipe in
      Way(
        recipe: recipe, start: start, teachersShare: teachersShares[number % teachersShares.count])
    }
  }

  /// Returns the network of the model that does best on the validation rows, of as many as there is time for; nil without any.
  private func bestNetwork(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) -> (any TrainableDensity)? {
    let end = progress.elapsed + max(Self.comparing.seconds, Self.comparing.share * budget)
    var best: (network: any TrainableDensity, nll: Double)?
    for network in networks {
      let nll = DensitySearch.nll(network, data) {
        progress.tell("comparing the model's networks", observe) && progress.elapsed < end
      }
      guard let nll else { break }
      if nll < best?.nll ?? .infinity { best = (network, nll) }
    }
    return best?.network ?? networks.first
  }

  /// Returns how many steps a second a network trains; 0 if there is no time to see.
  private func stepsPerSecond(
    of model: any TrainableDensity, _ recipe: Recipe, on data: DataSplits
  ) throws(DensityError) -> Double {
    var recipe = recipe
    recipe.stepCount = Self.steps.lowerBound
    let seconds = recipe.secondsPerStep(of: model, on: data, within: min(2, 0.03 * budget), seed: seed)
    return seconds.map { 1 / $0 } ?? 0
  }

  /// Trains a network and keeps it if it is the best; returns how many steps that took, or nil if it failed.
  private func train<Model: TrainableDensity>(
    _ model: Model, _ way: Way, on data: DataSplits, _ progress: inout Progress,
    _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> Int? {
    let began = progress.elapsed
    var configuration = way.recipe.training(rowCount: data.train.rowCount, seed: seed)
    configuration.startsAtMarginals = !way.isFurther
    let trainer = try Trainer(model, data: data, configuration: configuration)
    do throws(DensityError) {
      var hasEpoch = false
      _ = try trainer.run { (event) throws(DensityError) in
        if case .epoch = event { hasEpoch = true }
        return progress.tell("training", observe) && !progress.ends(hasEpoch: hasEpoch)
      }
    } catch {
      // A recipe that diverges is one that did not do well.
      progress.add("\(way.description): \(error)", nil, nll: .infinity, since: began, observe)
      return nil
    }
    guard let nll = trainer.progress.bestValidationNLL else { return nil }
    progress.add(way.description, trainer.best.networkToKeep, nll: nll, since: began, observe)
    return trainer.progress.step
  }
}

import Autodiff
import Essentials
import Kernels

/// Trains one network, or one an order, on what a mixture of many knows: smaller and faster than the mixture, and worse or better, by
/// how much is to be seen.
///
///     let distillation = try Distillation(of: mixture, data, budget: .seconds(300))
///     if let network = try distillation.run().density { print(network.logProbabilities(of: rows)) }
///
/// A model draws as many rows as one likes, and a network that learns from them learns what the model knows. From drawn rows alone
/// it learns the model's errors too, so a third of its rows are those of the table. Where several of the model's networks have its
/// ordering, it learns their average's conditionals too, which say more of a row than its bits. Several ways are tried, one after
/// the other, and the validation rows choose. First the best of the model's own networks goes on learning from these rows, with
/// next to no regularisation, then with the model's. Then a wider network learns from the beginning, of at most a tenth of the
/// model's parameters unless told otherwise, or as many as one of the model's networks. What has done best learns once more, for
/// longer. Where the model has several orders of the variables, and there is room for several networks in that tenth, networks of
/// further orders learn in the way that has done best of those that have room, and their mixture is the result where it is better.
///
/// - Source: Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531.
public struct Distillation {
  /// What came out.
  public struct Result: Sendable {
    /// The network, or mixture of networks of one order each, that does best on the validation rows, in half precision where that
    /// costs less than 0.001 nats; nil if it was told to stop before there was any, or each training failed.
    public var density: (any Density)?
    /// What it is.
    public var name: String
    /// The mean of −log p of the validation rows under it, in nats; infinite without one.
    public var validationNLL: Double
    /// Whether that, and the figures of all that was tried, are estimates, for cells of the validation rows are missing.
    public let validationIsEstimated: Bool
    /// All that was tried, and the mixture of them if that is better, the best first.
    public let leaderboard: [DensitySearch.Entry]
    /// Whether it was told to stop before its time.
    public let isInterrupted: Bool
  }

  /// How many bytes of rows are drawn at most.
  private static let drawnByteCount = 1 << 27
  /// The share of the time that drawing takes at most.
  private static let drawingShare = 0.2
  /// The share of the time that comparing the model's networks takes at most, and the seconds that it may take however short that is.
  static let comparing = (share: 0.05, seconds: 2.0)
  /// How many steps a training takes.
  static let steps = 100...40000

  let teacher: any Density
  /// What rows are drawn from.
  private let source: any Density
  let data: DataSplits
  let budget: Double
  let seed: UInt64
  private let parameterLimit: Int
  private let byteLimit: Int?
  let form: Form
  /// Those networks of the model that are small enough, the weightiest first; before them those of what draws in its place.
  let networks: [any TrainableDensity]
  /// How the model's networks were trained, if that is known.
  let recipe: Recipe?

  /// Prepares to distil.
  ///
  /// - Parameters:
  ///   - teacher: the model.
  ///   - data: training rows and, if there are any, validation rows; otherwise a tenth of the training rows is held out by
  ///     the seed, as a search by that seed holds them out. Rows that the model has learnt from are no validation rows: by them it,
  ///     and what remembers them, would look better than they are.
  ///   - budget: how long it may take; an epoch of one network is trained in any case.
  ///   - seed: the seed of everything drawn.
  ///   - parameterLimit: the most parameters of what comes out; nil for a tenth of the model's. As many as one of the model's
  ///     networks has are never too many.
  ///   - byteLimit: the largest file that it may take in half precision, in bytes; nil for any.
  ///   - recipe: how the model's networks were trained, if that is known: their regularisation is tried, too.
  /// - Throws: `DensityError.malformed` for rows that break a group of columns which the model keeps, as the network then
  ///   does; `.invalidConfiguration` if there are no training rows, or no network is small enough;
  ///   `.mismatch` for rows of other columns than the model's.
  public init(
    of teacher: any Density, _ data: DataSplits, budget: Duration, seed: UInt64 = 0,
    parameterLimit: Int? = nil, byteLimit: Int? = nil, recipe: Recipe? = nil
  ) throws(DensityError) {
    try self.init(
      of: teacher, drawingFrom: nil, data, budget: budget, seed: seed, parameterLimit: parameterLimit,
      byteLimit: byteLimit, recipe: recipe)
  }

  /// Prepares to distil a model, as above.
  ///
  /// - Parameter source: what draws rows in its place, something like it that is faster, whose networks are those that go on learning
  ///   where there is no time to compare more; nil for the model itself.
  package init(
    of teacher: any Density, drawingFrom source: (any Density)?, _ data: DataSplits, budget: Duration,
    seed: UInt64 = 0, parameterLimit: Int? = nil, byteLimit: Int? = nil, recipe: Recipe? = nil
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
    self.source = source ?? teacher
    self.budget = max(0, budget.seconds)
    self.seed = seed
    self.byteLimit = byteLimit
    self.recipe = recipe
    // Of the test rows too, before the work and not after.
    try data.checkHeldOutRows()
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
    self.parameterLimit = parameterLimit
    func isSmallEnough(_ model: any Density) -> Bool {
      Self.isSmall(model, parameterLimit, byteLimit, named)
    }
    var form = Form(of: teacher, widened: 4)
    let (count, wide) = (data.variableCount, form)
    let smallEnough = form.recipe.shrunk { recipe in
      (try? wide.model(recipe, variableCount: count, seed: seed)).map(isSmallEnough) ?? false
    }
    // Where none of the usual sizes is small enough, that of the model's own networks may be.
    guard let recipe = smallEnough ?? (isSmallEnough(usual) ? ofNetwork.recipe : nil) else {
      let models = [try wide.model(wide.recipe.smallest, variableCount: count, seed: seed), usual]
      let sizes = models.map { DensitySearch.byteCount(of: $0, named, inHalfPrecision: true) }
      throw .invalidConfiguration(
        "no network of \(count) variables fits into \(byteLimit ?? 0) bytes; the smallest takes \(sizes.min() ?? 0)"
      )
    }
    form.recipe = recipe
    self.form = form
    networks = ((source?.networksByWeight ?? []) + teacher.networksByWeight).filter(isSmallEnough)
  }

  /// Distils until the time is over, all has been tried, or the observer says to stop.
  ///
  /// - Parameter observe: is told what happens some ten times a second, and returns whether to go on; after a stop the best
  ///   network so far is returned.
  /// - Throws: `DensityError.unsupported` for a model that no rows can be drawn from.
  public func run(
    _ observe: (DensitySearch.Event) -> Bool = { _ in true }
  ) throws(DensityError) -> Result {
    var progress = Progress(budget: budget, isEstimated: estimatesFigures)
    guard let rows = try rows(&progress, observe) else { return progress.result }
    let splits = DataSplits(
      name: data.name, train: rows.first, validation: data.validation, test: nil,
      imageShape: data.imageShape, binarization: nil, trainLevels: nil,
      partial: [.validation: data.partialRows(.validation)].compactMapValues(\.self)
    ).withGroups(of: data).reading(trainingRows: rows)
    let students = try students(on: splits, &progress, observe)
    let began = progress.elapsed
    if let mixture = mixture(of: students), mixture.nll < students.map(\.nll).min() ?? .infinity {
      progress.add(
        "\(mixture.count) networks of one order each", mixture.density, nll: mixture.nll, since: began,
        observe)
    }
    return try rounded(progress.result)
  }

  /// Returns the mixture of some of these densities, of one order each, that is small enough and makes the validation rows most
  /// probable, with the mean of their −log p, in nats; nil if no mixture of two is small enough.
  ///
  /// Of each order it takes the best density of which two have room.
  /// - Parameter students: densities with log p of each validation row.
  package func mixture(
    of students: [(density: any Density, terms: [Double])]
  ) -> (density: any Density, nll: Double, count: Int)? {
    var best: [(ordering: Ordering?, group: MixturePath.Group)] = []
    for (density, terms) in students.sorted(by: {
      DensitySearch.nll(of: $0.terms) < DensitySearch.nll(of: $1.terms)
    }) where hasRoom(for: 2, like: density) {
      let ordering = density.autoregressive()?.ordering
      guard !best.contains(where: { $0.ordering == ordering }) else { continue }
      best.append((ordering, MixturePath.Group(members: [density], counts: [1], terms: [terms])))
    }
    guard best.count > 1 else { return nil }
    let path = MixturePath(best.map(\.group), while: { true })
    let steps = path.steps.dropFirst().filter { isSmallEnough(path.density(of: $0)) }
    return steps.min { $0.nll < $1.nll }.map { (path.density(of: $0), $0.nll, path.networkCount(of: $0)) }
  }

  /// Whether a mixture of as many networks like this one is small enough.
  func hasRoom(for count: Int, like network: any Density) -> Bool {
    isSmallEnough(Mixture(Array(repeating: network, count: count)))
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

  /// Whether figures of networks on the validation rows are estimates, for cells of these are missing.
  public var estimatesFigures: Bool { DensitySearch.estimatesFigures(data) }

  /// Whether a density has few enough parameters, and its file few enough bytes.
  func isSmallEnough(_ density: any Density) -> Bool {
    Self.isSmall(density, parameterLimit, byteLimit, data)
  }

  private static func isSmall(
    _ density: any Density, _ parameterLimit: Int, _ byteLimit: Int?, _ data: DataSplits
  ) -> Bool {
    density.parameterCount <= parameterLimit
      && byteLimit.map { DensitySearch.byteCount(of: density, data, inHalfPrecision: true) <= $0 } ?? true
  }

  // MARK: Rows

  /// Returns what draws rows in a mixture's place: nothing, where the mixture draws ten rows for each training row in its share of the
  /// time; otherwise what is left of it where size counts too, which is faster.
  ///
  /// - Parameters:
  ///   - selection: what is left of the mixture.
  ///   - rowsPerSecond: how many rows' log p the mixture computes in a second, if that was timed; drawing takes about as long.
  ///   - budget: how long distilling may take, in seconds.
  package static func source(
    of selection: any Density, rowsPerSecond: Double?, for data: DataSplits, budget: Double
  ) -> (any Density)? {
    let drawn = (rowsPerSecond ?? .infinity) * drawingShare * budget
    return drawn >= 10 * Double(data.train.rowCount) ? nil : selection
  }

  /// Draws rows, and puts them beside those of the table; nil if told to stop.
  private func rows(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> DistillationRows? {
    let evaluator = source.evaluator()
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

  /// Returns the training rows, their missing cells drawn too; nil if told to stop.
  private func completedRows(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> BinaryMatrix? {
    guard let partial = data.partialRows(.train), let first = try data.firstCompletions(seed: seed) else {
      return data.train
    }
    let sampler = try MissingCellSampler(source)
    return try sampler.redrawing(
      first, of: partial, particleCount: MissingCells.judgedParticleCount, seed: seed, round: 0
    ) { (_) throws(DensityError) in progress.tell("completing rows", observe) }
  }
}

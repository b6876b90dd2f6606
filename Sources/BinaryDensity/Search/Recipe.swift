import Autodiff
import Essentials
import Kernels

/// A way of making one model for a table: a family, its size, and how it is trained.
public struct Recipe: Hashable, Sendable, Codable {
  /// The family and the hidden units.
  public enum Network: Hashable, Sendable, Codable {
    /// A NADE of so many units.
    case nade(Int, Activation)
    /// A MADE of ReLU layers with direct weights, each layer added to the next; none make it a masked logistic regression.
    case made([Int])
    /// An EoNADE of ReLU layers, over eight orders: for tables with missing cells, which it takes as they are.
    case eonade([Int])
  }

  /// The family and the hidden units.
  public var network: Network
  /// Whether the first orders of the variables are that of the columns and those related to it; others are random.
  public var isNatural = false
  /// The rates of dropout.
  public var dropout = Dropout.none
  /// The share of the training rows that are moved by one pixel in each epoch, if rows are pictures.
  public var shiftShare = 0.0
  /// The decoupled weight decay.
  public var weightDecay = 0.01
  /// The base learning rate of Adam.
  public var learningRate: Double
  /// The number of steps that the learning rate's cosine spans.
  public var stepCount: Int

  /// The orders of neighbouring columns: forwards and backwards; of a picture, all in which it is scanned.
  private static func naturalOrders(variableCount: Int, imageShape: ImageShape?) -> [[Int]] {
    guard let imageShape else { return [Array(0..<variableCount), (0..<variableCount).reversed()] }
    return (0..<Ordering.scanCount).map { Ordering.scan($0, of: imageShape).variables }
  }

  /// How many different orders the recipe has.
  ///
  /// Of a picture these are those that follow its rows and columns, for
  /// others do far worse; any other table has random orders too, as many as are wanted.
  func orderCount(imageShape: ImageShape?) -> Int {
    isNatural && imageShape != nil ? Ordering.scanCount : .max
  }

  /// Returns the number of rows a step, and of steps an epoch.
  private static func batches(rowCount: Int) -> (size: Int, count: Int) {
    let size = min(RecommendedSettings.batchSize, max(1, rowCount / 10))
    return (size, (rowCount + size - 1) / size)
  }

  /// Returns the number of steps an epoch has: a pass over the rows, but an eighth of the training at the most, unless
  /// that is fewer than a hundred.
  ///
  /// So a table of many rows is learnt from for as long as one of few, and its validation rows are looked at as often.
  private func stepsPerEpoch(rowCount: Int) -> Int {
    min(Self.batches(rowCount: rowCount).count, max(100, (stepCount + 7) / 8))
  }

  /// Whether a training ends before it has seen every row.
  ///
  /// A longer one is then worth more than others beside it, which differ little, and rows that a model draws are worth no more
  /// than the table's own.
  func leavesRows(of rowCount: Int) -> Bool { stepCount < Self.batches(rowCount: rowCount).count }

  /// Returns the recipe with steps that are whole epochs: those of two recipes that train alike are equal.
  func roundedToEpochs(rowCount: Int) -> Recipe {
    var recipe = self
    recipe.stepCount = epochCount(rowCount: rowCount) * stepsPerEpoch(rowCount: rowCount)
    return recipe
  }

  /// Whether it is another recipe, but for having fewer steps.
  func isShorter(than other: Recipe) -> Bool {
    var longer = self
    longer.stepCount = other.stepCount
    return longer == other && stepCount < other.stepCount
  }

  /// The most steps that a recipe may have.
  static let mostSteps = 1e9

  /// Whether its numbers are those of a recipe; those of a file need not be.
  var isPossible: Bool {
    let counts =
      switch network {
      case .nade(let count, _): [count]
      case .made(let counts), .eonade(let counts): counts
      }
    return counts.allSatisfy { (1...1_000_000).contains($0) } && counts.count <= 100
      && stepCount >= 1 && Double(stepCount) <= Self.mostSteps && learningRate > 0 && learningRate.isFinite
      && weightDecay >= 0 && weightDecay.isFinite && (0..<1).contains(dropout.inputs)
      && (0..<1).contains(dropout.hidden) && (0...1).contains(shiftShare)
  }

  private func epochCount(rowCount: Int) -> Int {
    let steps = stepsPerEpoch(rowCount: rowCount)
    return max(1, (stepCount + steps - 1) / steps)
  }

  /// Returns how to train with the recipe on `rowCount` rows.
  ///
  /// A training that does not improve for a third of its epochs ends. One that goes on from what a network knows does not end: its
  /// rate does harm at first, and the network gains as it falls.
  ///
  /// - Parameter goesOn: whether the network has learnt before.
  package func training(rowCount: Int, seed: UInt64, goesOn: Bool = false) -> TrainingConfiguration {
    let (batchSize, batchesPerPass) = Self.batches(rowCount: rowCount)
    let epochs = epochCount(rowCount: rowCount)
    let steps = stepsPerEpoch(rowCount: rowCount)
    return TrainingConfiguration(
      epochCount: epochs, stepsPerEpoch: steps < batchesPerPass ? steps : nil, batchSize: batchSize,
      learningRate: learningRate,
      optimizer: .adam(weightDecay: weightDecay), patience: goesOn ? nil : max(4, epochs / 3), seed: seed,
      dropout: dropout, startsAtMarginals: !goesOn, shiftShare: shiftShare)
  }

  /// Returns the untrained model of the recipe for a data set, whose groups of columns it keeps, if there are some.
  func model(
    for data: DataSplits, order: Int, seed: UInt64, weightSeed: UInt64
  ) throws(DensityError) -> any TrainableDensity {
    try model(
      variableCount: data.variableCount, imageShape: data.imageShape, order: order, seed: seed,
      weightSeed: weightSeed
    ).keeping(data.groups)
  }

  /// Returns the untrained model of the recipe in the `order`-th order of a seed.
  ///
  /// The picture that a row is, if it is one, decides what related orders there are.
  package func model(
    variableCount: Int, imageShape: ImageShape?, order: Int, seed: UInt64, weightSeed: UInt64
  )
    throws(DensityError) -> any TrainableDensity
  {
    let natural =
      isNatural ? Self.naturalOrders(variableCount: variableCount, imageShape: imageShape) : []
    let rule: OrderingRule =
      order >= natural.count ? .random : order == 0 ? .natural : .explicit(natural[order])
    return try model(
      variableCount: variableCount, ordering: rule, seed: seed &+ UInt64(order), weightSeed: weightSeed)
  }

  /// Returns the untrained model of the recipe along an ordering.
  func model(
    variableCount: Int, ordering rule: OrderingRule, seed orderSeed: UInt64, weightSeed: UInt64
  ) throws(DensityError) -> any TrainableDensity {
    switch network {
    case .nade(let units, let activation):
      return try NADE(
        NADE.Configuration(
          variableCount: variableCount, hiddenCount: units, activation: activation, ordering: rule,
          seed: orderSeed), seed: weightSeed)
    case .made(let counts):
      return try MADE(
        MADE.Configuration(
          variableCount: variableCount, hiddenCounts: counts, hasDirectWeights: true,
          isResidual: counts.count > 1, ordering: rule, seed: orderSeed), seed: weightSeed)
    case .eonade(let counts):
      return try EoNADE(
        EoNADE.Configuration(
          variableCount: variableCount, hiddenCounts: counts, orderCount: 8, seed: orderSeed),
        seed: weightSeed)
    }
  }
}

extension Recipe: CustomStringConvertible {
  /// The recipe in a line, such as `NADE 200 relu, dropout 0.2, decay 0.01, rate 0.001, 6000 steps`.
  public var description: String {
    func number(_ value: Double) -> String { printed(value, "%.4g") }
    var parts: [String]
    switch network {
    case .nade(let units, let activation): parts = ["NADE \(units) \(activation.rawValue)"]
    case .made(let counts):
      parts = ["MADE \(counts.isEmpty ? "without units" : counts.map(String.init).joined(separator: "+"))"]
    case .eonade(let counts): parts = ["EoNADE \(counts.map(String.init).joined(separator: "+"))"]
    }
    if isNatural { parts.append("columns' order") }
    if dropout.hidden > 0 {
      parts.append("dropout \(number(dropout.inputs))/\(number(dropout.hidden))")
    } else if dropout.inputs > 0 {
      parts.append("dropout \(number(dropout.inputs))")
    }
    if shiftShare > 0 { parts.append("shifts \(number(shiftShare))") }
    parts += ["decay \(number(weightDecay))", "rate \(number(learningRate))", "\(stepCount) steps"]
    return parts.joined(separator: ", ")
  }
}

import Autodiff
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

  /// Whether its numbers are those of a recipe; those of a file need not be.
  var isPossible: Bool {
    let counts =
      switch network {
      case .nade(let count, _): [count]
      case .made(let counts), .eonade(let counts): counts
      }
    return counts.allSatisfy { (1...1_000_000).contains($0) } && counts.count <= 100
      && (1...1_000_000_000).contains(stepCount) && learningRate > 0 && learningRate.isFinite
      && weightDecay >= 0 && weightDecay.isFinite && (0..<1).contains(dropout.inputs)
      && (0..<1).contains(dropout.hidden) && (0...1).contains(shiftShare)
  }

  private func epochCount(rowCount: Int) -> Int {
    let steps = stepsPerEpoch(rowCount: rowCount)
    return max(1, (stepCount + steps - 1) / steps)
  }

  /// Returns how to train with the recipe on `rowCount` rows.
  package func training(rowCount: Int, seed: UInt64) -> TrainingConfiguration {
    let (batchSize, batchesPerPass) = Self.batches(rowCount: rowCount)
    let epochs = epochCount(rowCount: rowCount)
    let steps = stepsPerEpoch(rowCount: rowCount)
    return TrainingConfiguration(
      epochCount: epochs, stepsPerEpoch: steps < batchesPerPass ? steps : nil, batchSize: batchSize,
      learningRate: learningRate,
      optimizer: .adam(weightDecay: weightDecay), patience: max(4, epochs / 3), seed: seed, dropout: dropout,
      startsAtMarginals: true, shiftShare: shiftShare)
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
    var parts: [String]
    switch network {
    case .nade(let units, let activation): parts = ["NADE \(units) \(activation.rawValue)"]
    case .made(let counts):
      parts = ["MADE \(counts.isEmpty ? "without units" : counts.map(String.init).joined(separator: "+"))"]
    case .eonade(let counts): parts = ["EoNADE \(counts.map(String.init).joined(separator: "+"))"]
    }
    if isNatural { parts.append("columns' order") }
    if dropout.hidden > 0 {
      parts.append("dropout \(dropout.inputs)/\(dropout.hidden)")
    } else if dropout.inputs > 0 {
      parts.append("dropout \(dropout.inputs)")
    }
    if shiftShare > 0 { parts.append("shifts \(shiftShare)") }
    return (parts + ["decay \(weightDecay)", "rate \(learningRate)", "\(stepCount) steps"]).joined(
      separator: ", ")
  }
}

// MARK: Search space

extension Recipe {
  /// The recipes that a search begins with: each family with little and with much regularisation.
  ///
  /// - Parameters:
  ///   - stepCount: how many steps they are trained for.
  ///   - hasMissingCells: whether the table has missing cells; then an EoNADE, which wants more steps, is tried early.
  ///   - isOfPictures: whether rows are pictures; then a NADE in the order of the pixels, which know their neighbours, is tried first.
  package static func first(stepCount: Int, hasMissingCells: Bool = false, isOfPictures: Bool = false)
    -> [Recipe]
  {
    func nade(dropping inputs: Double = 0, rate: Double = 0.002, isNatural: Bool = false) -> Recipe {
      Recipe(
        network: .nade(200, .relu), isNatural: isNatural, dropout: Dropout(inputs: inputs),
        weightDecay: 0.1, learningRate: rate, stepCount: stepCount)
    }
    func made(_ units: Int, dropping dropout: Dropout, rate: Double) -> Recipe {
      Recipe(
        network: .made([units]), dropout: dropout, weightDecay: 0.1, learningRate: rate,
        stepCount: stepCount)
    }
    var complete = [
      nade(),
      Recipe(network: .nade(200, .sigmoid), weightDecay: 0.1, learningRate: 0.003, stepCount: stepCount),
      made(200, dropping: Dropout(inputs: 0.1, hidden: 0.5), rate: 0.006),
      made(500, dropping: Dropout(inputs: 0.2, hidden: 0.7), rate: 0.016),
      nade(dropping: 0.2, rate: 0.001), nade(isNatural: true),
    ]
    if isOfPictures { complete.insert(complete.removeLast(), at: 0) }
    guard hasMissingCells else { return complete }
    let eonade = Recipe(
      network: .eonade([200]), weightDecay: 0.01, learningRate: 0.001, stepCount: 3 * stepCount)
    return [complete[0], eonade] + complete.dropFirst()
  }

  /// The recipes that are tried on a table of few rows: from a logistic regression to a network of some size, with more
  /// regularisation than those of large tables.
  package static func firstOfSmallTables(stepCount: Int) -> [Recipe] {
    [
      Recipe(
        network: .nade(50, .relu), dropout: Dropout(inputs: 0.1), weightDecay: 0.1, learningRate: 0.002,
        stepCount: stepCount),
      Recipe(
        network: .made([]), dropout: Dropout(inputs: 0.2), weightDecay: 0.1, learningRate: 0.01,
        stepCount: stepCount),
      Recipe(
        network: .nade(16, .sigmoid), weightDecay: 0.1, learningRate: 0.01, stepCount: stepCount),
      Recipe(
        network: .made([100]), dropout: Dropout(inputs: 0.1, hidden: 0.5), weightDecay: 0.1,
        learningRate: 0.005, stepCount: stepCount),
      Recipe(
        network: .nade(200, .relu), dropout: Dropout(inputs: 0.3), weightDecay: 0.3, learningRate: 0.001,
        stepCount: stepCount),
    ]
  }

  private static let inputRates = [0, 0.05, 0.1, 0.2, 0.3, 0.4]
  private static let hiddenRates = [0, 0.25, 0.5, 0.7]
  private static let decays = [0.001, 0.01, 0.1, 0.3]
  private static let shiftShares = [0, 0.2, 0.4]
  static let sizes = [16, 50, 100, 200, 500, 1000, 2000]

  /// The recipes that differ in one thing, those first that tables differ most in.
  ///
  /// - Parameters:
  ///   - peak: the share of the training after which this recipe was at its best: a model that is best early wants a shorter
  ///     schedule or more regularisation, one that is best at the end perhaps a longer one.
  ///   - canShift: whether rows are pictures, of which a share may be moved.
  package func neighbours(peak: Double, canShift: Bool = false) -> [Recipe] {
    var result: [Recipe] = []
    func add(_ change: (inout Recipe) -> Void) {
      var recipe = self
      change(&recipe)
      if recipe != self { result.append(recipe) }
    }
    func moved<Value: Comparable>(_ value: Value, by step: Int, in ladder: [Value]) -> Value {
      let place = ladder.lastIndex { $0 <= value } ?? 0
      return ladder[min(max(place + step, 0), ladder.count - 1)]
    }
    if peak < 0.6 { add { $0.stepCount = max(100, stepCount / 2) } }
    if canShift {
      for step in [1, -1] { add { $0.shiftShare = moved(shiftShare, by: step, in: Self.shiftShares) } }
    }
    add { $0.dropout.inputs = moved(dropout.inputs, by: 1, in: Self.inputRates) }
    add { $0.dropout.inputs = moved(dropout.inputs, by: -1, in: Self.inputRates) }
    switch network {
    case .nade(let units, let activation):
      let other: Activation = activation == .relu ? .sigmoid : .relu
      add {
        $0.network = .nade(units, other)
        $0.learningRate = other == .sigmoid ? learningRate * 3 : learningRate / 3
      }
      add { $0.network = .nade(moved(units, by: 1, in: Self.sizes), activation) }
      add { $0.learningRate = learningRate * 2 }
      if peak > 0.8 { add { $0.stepCount = stepCount * 2 } }
      add { $0.network = .nade(moved(units, by: -1, in: Self.sizes), activation) }
      add {
        $0.network = .made([units])
        $0.dropout.hidden = 0.5
        $0.learningRate = 0.006
      }
    case .made(let counts):
      add { $0.dropout.hidden = counts.isEmpty ? 0 : moved(dropout.hidden, by: 1, in: Self.hiddenRates) }
      add { $0.dropout.hidden = moved(dropout.hidden, by: -1, in: Self.hiddenRates) }
      add { $0.network = .made(counts.map { moved($0, by: 1, in: Self.sizes) }) }
      add { $0.learningRate = learningRate * 2 }
      if peak > 0.8 { add { $0.stepCount = stepCount * 2 } }
      add { $0.network = .made(counts.map { moved($0, by: -1, in: Self.sizes) }) }
      if let last = counts.last, counts.count < 3 { add { $0.network = .made(counts + [last]) } }
      if counts.count > 0 {
        add {
          $0.network = .made(counts.dropLast())
          if counts.count == 1 { $0.dropout.hidden = 0 }
        }
      }
      add {
        $0.network = .nade(counts.first ?? 200, .relu)
        $0.dropout.hidden = 0
        $0.learningRate = 0.002
      }
    case .eonade(let counts):
      add { $0.network = .eonade(counts.map { moved($0, by: 1, in: Self.sizes) }) }
      if peak > 0.8 { add { $0.stepCount = stepCount * 2 } }
      add { $0.learningRate = learningRate * 2 }
      if let last = counts.last, counts.count < 3 { add { $0.network = .eonade(counts + [last]) } }
      add { $0.dropout.hidden = moved(dropout.hidden, by: 1, in: Self.hiddenRates) }
      add { $0.dropout.hidden = moved(dropout.hidden, by: -1, in: Self.hiddenRates) }
      add { $0.network = .eonade(counts.map { moved($0, by: -1, in: Self.sizes) }) }
    }
    add { $0.weightDecay = moved(weightDecay, by: 1, in: Self.decays) }
    if case .eonade = network {} else { add { $0.isNatural.toggle() } }
    add { $0.learningRate = learningRate / 2 }
    add { $0.weightDecay = moved(weightDecay, by: -1, in: Self.decays) }
    if peak >= 0.6 { add { $0.stepCount = max(100, stepCount / 2) } }
    return result
  }
}

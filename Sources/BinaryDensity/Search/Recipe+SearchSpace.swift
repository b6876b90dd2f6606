import Autodiff
import Kernels

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

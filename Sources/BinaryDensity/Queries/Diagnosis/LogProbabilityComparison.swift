import Kernels

/// log p of a table's rows beside that of a model's own draws, in nats.
///
/// A table whose mean is lower than the model's has rows that the model holds for odd; one whose mean is higher lacks the
/// variety of the model. The Kolmogorov-Smirnov distance, the largest difference of the two shares of rows below any log p, also
/// tells where the means agree and the spread does not.
public struct LogProbabilityComparison: Hashable, Sendable, Codable {
  /// The mean of log p over the table's rows; −∞ if the model rules one of them out.
  public let tableMean: Measured
  /// The mean over the model's rows, an estimate of −H.
  public let modelMean: Measured
  /// The table's mean less the model's.
  public let difference: Measured
  /// The two-sided p-value of the difference, by permutation.
  ///
  /// A row that the model rules out refutes that the table is drawn of it; the p-value is then the least there is.
  public let differencePValue: Double
  /// How many of the table's rows have probability zero under the model.
  public let impossibleRowCount: Int
  /// The Kolmogorov-Smirnov distance, from 0 to 1.
  public let distance: Double
  /// The p-value of a distance as large, by permutation.
  public let distancePValue: Double

  /// Compares; nil if `observe` said to stop.
  ///
  /// - Precondition: at least two rows of each, and no log p is NaN or +∞.
  /// - Complexity: O(rows · permutations).
  package init?(
    table: [Double], model: [Double], permutationCount: Int, seed: UInt64,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    let pooled = PooledScores(table: table, model: model)
    let observed = pooled.statistics(isTable: pooled.isTable)
    let found = try mapInWaves(Array(0..<permutationCount), observing: observe) { index in
      var generator = Philox(seed: seed, permutation: index)
      let statistics = pooled.statistics(isTable: pooled.permuted(using: &generator))
      return (
        differs: abs(statistics.difference) >= abs(observed.difference) - pooled.tolerance,
        isAsFar: statistics.distance >= observed.distance
      )
    }
    guard let found else { return nil }
    var (tableMean, modelMean) = (RunningMean(), RunningMean())
    tableMean.add(table.filter(\.isFinite))
    modelMean.add(model.filter(\.isFinite))
    let (a, b) = (tableMean.standardError, modelMean.standardError)
    impossibleRowCount = table.count { !$0.isFinite }
    self.modelMean = modelMean.measured
    distance = Double(observed.distance) / (Double(table.count) * Double(model.count))
    distancePValue = permutationPValue(found.map(\.isAsFar))
    if impossibleRowCount > 0 {
      self.tableMean = Measured(-.infinity)
      difference = Measured(-.infinity)
      differencePValue = 1 / Double(1 + permutationCount)
    } else {
      self.tableMean = tableMean.measured
      difference = Measured(
        tableMean.mean - modelMean.mean, standardError: (a * a + b * b).squareRoot())
      differencePValue = permutationPValue(found.map(\.differs))
    }
  }
}

/// The scores of both, ascending, and which of them are the table's.
private struct PooledScores: Sendable {
  /// The scores less their mean; 0 for one that is not finite.
  private let scores: [Double]
  /// Whether a larger score follows.
  private let isLast: [Bool]
  let isTable: [Bool]
  private let tableCount: Int
  /// By how much a difference of means may differ by rounding.
  let tolerance: Double

  init(table: [Double], model: [Double]) {
    let sorted = (table.map { ($0, true) } + model.map { ($0, false) }).sorted { $0.0 < $1.0 }
    isTable = sorted.map(\.1)
    isLast = sorted.indices.map { $0 + 1 == sorted.count || sorted[$0].0 < sorted[$0 + 1].0 }
    tableCount = table.count
    let finite = sorted.map(\.0).filter(\.isFinite)
    let mean = finite.reduce(0, +) / Double(max(1, finite.count))
    scores = sorted.map { $0.0.isFinite ? $0.0 - mean : 0 }
    tolerance = 1e-12 * (scores.reduce(0) { max($0, abs($1)) })
  }

  /// Returns the difference of the means of some scores and of the others, and the largest difference of the numbers of both
  /// up to any score, each times the number of the other.
  func statistics(isTable: [Bool]) -> (difference: Double, distance: Int) {
    let modelCount = scores.count - tableCount
    var (tableSum, modelSum) = (0.0, 0.0)
    var (walk, farthest) = (0, 0)
    for index in scores.indices {
      if isTable[index] {
        tableSum += scores[index]
        walk += modelCount
      } else {
        modelSum += scores[index]
        walk -= tableCount
      }
      if isLast[index] { farthest = max(farthest, abs(walk)) }
    }
    return (tableSum / Double(tableCount) - modelSum / Double(modelCount), farthest)
  }

  /// Returns a random choice of as many scores as the table has.
  func permuted(using generator: inout Philox) -> [Bool] {
    let isTableFewer = tableCount <= scores.count - tableCount
    let fewer = isTableFewer ? tableCount : scores.count - tableCount
    var result = Array(repeating: !isTableFewer, count: scores.count)
    for index in generator.choice(of: fewer, from: scores.count) { result[index] = isTableFewer }
    return result
  }
}

import Essentials
import Kernels

/// log p(x, c) of some rows and every class c, from which Bayes' rule gives p(c | x).
public struct ClassScores: Sendable {
  /// The number C of classes.
  public let classCount: Int
  /// log p(x, c) in nats, row by row, C numbers a row.
  public let logJoint: [Double]

  /// Creates scores.
  ///
  /// - Precondition: at least one class, and a number for each row and class; none is NaN, and none +∞.
  public init(classCount: Int, logJoint: [Double]) {
    precondition(
      classCount >= 1 && logJoint.count.isMultiple(of: classCount),
      "\(logJoint.count) scores are no rows of \(classCount) classes")
    self.classCount = classCount
    self.logJoint = logJoint
  }

  /// The number of rows.
  public var rowCount: Int { logJoint.count / classCount }

  /// Returns the probability of each class for each row.
  ///
  ///     p(c | x) = exp(s_c / T) / Σ_k exp(s_k / T),   s_c = log p(c) + log p(x | c)
  ///
  /// A row that no class can have is as likely of one as of another.
  /// - Precondition: the temperature T is positive.
  public func posteriors(temperature: Double = 1) -> [[Double]] {
    (0..<rowCount).map { posteriors(ofRow: $0, temperature: temperature) }
  }

  /// Returns the probability of each class for one row.
  ///
  /// - Precondition: the row exists, and the temperature is positive.
  public func posteriors(ofRow row: Int, temperature: Double = 1) -> [Double] {
    precondition(temperature > 0, "a temperature is positive, not \(temperature)")
    return logPosteriors(ofRow: row, inverseTemperature: 1 / temperature).map(exp)
  }

  /// Returns the most probable class of each row: the first, of several as probable.
  public func mostProbable() -> [Int] {
    (0..<rowCount).map { row in
      let scores = scores(ofRow: row)
      return scores.indices.reduce(scores.startIndex) { scores[$1] > scores[$0] ? $1 : $0 }
        - scores.startIndex
    }
  }

  private func scores(ofRow row: Int) -> ArraySlice<Double> {
    logJoint[row * classCount..<(row + 1) * classCount]
  }

  /// Returns log p(c | x) of each class c, in nats.
  func logPosteriors(ofRow row: Int, inverseTemperature: Double) -> [Double] {
    let scores = scores(ofRow: row)
    let largest = scores.reduce(-Double.infinity, max)
    guard largest > -.infinity else {
      return Array(repeating: -log(Double(classCount)), count: classCount)
    }
    // Less the largest first: what is infinitely less probable stays so at any temperature.
    let scaled = scores.map { inverseTemperature * ($0 - largest) }
    let total = logSumExp(scaled)
    return scaled.map { $0 - total }
  }

  /// Returns log p(c | x) of each row's class c, in nats.
  func logPosteriors(of labels: [Int], temperature: Double) -> [Double] {
    labels.indices.map { logPosteriors(ofRow: $0, inverseTemperature: 1 / temperature)[labels[$0]] }
  }

  /// The lowest and the highest temperature that is fitted.
  static let temperatures = 1e-2...1e4

  /// Returns the temperature at which the mean of −log p(c | x) of rows and their classes is smallest.
  ///
  /// The mean is convex in 1 / T, so its slope, the mean of Σ_k p(k | x) · s_k − s_c, is searched for its zero by halving.
  /// Where rows are right whatever the temperature, or wrong, the end of the range from 0.01 to 10 000 is taken; without
  /// rows, or with one class, 1.
  /// - Parameter labels: the class of each row; better not of rows that the densities were fitted to.
  /// - Precondition: a class for each row.
  /// - Complexity: 50 passes over all scores.
  /// - Source: Guo, Pleiss, Sun, Weinberger, ICML 2017, section 4.2; here the scores are log p(x, c), as in Platt, Advances
  ///   in Large Margin Classifiers, 1999, without his offset, which the classes' weights stand for.
  public func fittedTemperature(labels: [Int]) -> Double {
    precondition(labels.count == rowCount, "\(labels.count) labels of \(rowCount) rows")
    guard rowCount > 0, classCount > 1 else { return 1 }
    /// Whether the mean still falls where 1 / T grows.
    func falls(at inverseTemperature: Double) -> Bool {
      var slope = 0.0
      for (row, label) in labels.enumerated() {
        let scores = scores(ofRow: row)
        let largest = scores.reduce(-Double.infinity, max)
        guard largest > -.infinity, scores[scores.startIndex + label] > -.infinity else { continue }
        let terms = scores.map { (exp(inverseTemperature * ($0 - largest)), $0 - largest) }
        let total = terms.reduce(0) { $0 + $1.0 }
        slope += terms.reduce(0) { $1.0 > 0 ? $0 + $1.0 * $1.1 : $0 } / total
        slope -= scores[scores.startIndex + label] - largest
      }
      return slope < 0
    }
    var (low, high) = (log(1 / Self.temperatures.upperBound), log(1 / Self.temperatures.lowerBound))
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if falls(at: exp(middle)) { low = middle } else { high = middle }
    }
    return exp(-(low + high) / 2)
  }
}

extension LabelledDensity {
  /// Returns log p(x, c) of each row and class.
  ///
  /// - Parameters:
  ///   - rows: any number.
  ///   - observe: is told the fraction done, and returns whether to go on.
  /// - Returns: the scores; nil if `observe` said to stop.
  /// - Throws: `DensityError.undefined` for a row whose log p is not a number, and what `observe` throws.
  /// - Precondition: `rows.columnCount == variableCount`.
  /// - Complexity: one likelihood a class.
  public func classScores(
    of rows: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> ClassScores? {
    precondition(
      rows.columnCount == variableCount, "rows of \(rows.columnCount) columns for \(variableCount) variables")
    let count = classes.count
    try checkMemory(of: "scores of all rows and classes", bytes: 8 * Double(rows.rowCount) * Double(count))
    var logJoint = [Double](repeating: 0, count: rows.rowCount * count)
    // One class after another, for what each needs to compute with can be as large as its network.
    for (index, density) in densities.enumerated() {
      let evaluator = density.evaluator(batchCapacity: max(1, min(512, rows.rowCount)))
      let terms = try evaluator.logProbabilities(of: rows) { (fraction) throws(DensityError) in
        try observe((Double(index) + fraction) / Double(count))
      }
      guard let terms else { return nil }
      let logWeight = log(classWeights[index])
      for (row, term) in terms.enumerated() {
        guard !term.isNaN else { throw .undefined(row: row) }
        logJoint[row * count + index] = logWeight + term
      }
    }
    return ClassScores(classCount: count, logJoint: logJoint)
  }

  /// Returns log p(x, c) of each row and class.
  ///
  /// - Throws: `DensityError.undefined` for a row whose log p is not a number.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func classScores(of rows: BinaryMatrix) throws(DensityError) -> ClassScores {
    guard let scores = try classScores(of: rows, observing: { (_) throws(DensityError) in true }) else {
      preconditionFailure("nobody stopped it")
    }
    return scores
  }
}

import Essentials
import Kernels

/// A density of few variables that is the table of all its probabilities: any distribution there is.
///
///     p(x) = exp t[x] / Σ_y exp t[y]
///
/// Parameters: t (1 × 2ᴰ), the logarithms of the probabilities up to a common term; bit c of a row's index is its column c.
/// What other densities answer by sums over rows it answers by looking them up, so whatever density was found for a table of
/// few columns, in this form it takes no more than 4 · 2ᴰ bytes and next to no time.
///
///     let small = try TabulatedDensity(tabulating: mixture)
public struct TabulatedDensity: AutoregressiveDensity {
  /// A table of probabilities.
  package static let kind = ModelKind.tabulated
  /// The most variables that a table may have: then it has 65536 probabilities.
  public static let variableLimit = 16
  /// The least logarithm of a probability beside the largest, in nats; what is below is raised to it.
  private static let leastLogProbability: Float = -60000

  /// The logarithms of the probabilities of all rows, up to a common term; 1 × 2ᴰ.
  public let logProbabilities: Matrix<Float>
  /// The number D of variables.
  public let variableCount: Int
  /// The same, scaled so that the probabilities have a sum of 1.
  let table: ProbabilityTable

  /// Creates the density of given logarithms of probabilities, which are scaled to a sum of 1.
  ///
  /// - Precondition: `logProbabilities` is 1 × 2ᴰ with 1 ≤ D ≤ 16, and finite.
  public init(logProbabilities: Matrix<Float>) {
    let count = logProbabilities.columnCount.trailingZeroBitCount
    precondition(
      logProbabilities.rowCount == 1 && (1...Self.variableLimit).contains(count)
        && logProbabilities.columnCount == 1 << count,
      "\(logProbabilities.rowCount) × \(logProbabilities.columnCount) probabilities are not 1 × 2 to the D")
    precondition(logProbabilities.elements.allSatisfy(\.isFinite), "a log-probability is not finite")
    self.logProbabilities = logProbabilities
    variableCount = count
    let terms = logProbabilities.elements.map { Double($0) }
    let total = logSumExp(terms)
    table = ProbabilityTable(variableCount: count, logProbabilities: terms.map { min(0, $0 - total) })
  }

  /// Creates the table of another density's probabilities; nil if `observe`, which is told the fraction done, says to stop.
  ///
  /// Its log-probabilities are the density's, rounded to single precision beside that of the most probable row.
  /// - Throws: `DensityError.invalidConfiguration` for a density of more than 16 variables; `.undefined` where log p is not
  ///   a number.
  public init?(
    tabulating density: any Density,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) {
    guard density.variableCount <= Self.variableLimit else {
      throw .invalidConfiguration(
        "a table of probabilities has at most \(Self.variableLimit) variables, not \(density.variableCount)")
    }
    let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
    guard let terms = try density.evaluator().logProbabilities(of: rows, observing: observe) else {
      return nil
    }
    let largest = terms.reduce(-Double.infinity, max)
    if let row = terms.firstIndex(where: { !($0 - largest < .infinity) }) { throw .undefined(row: row) }
    self.init(terms: terms)
  }

  /// Creates the density of 2ᴰ logarithms of probabilities up to a common term, which are rounded beside the largest.
  init(terms: [Double]) {
    let largest = terms.reduce(-Double.infinity, max)
    self.init(
      logProbabilities: Matrix(
        rowCount: 1, columnCount: terms.count,
        elements: terms.map { max(Self.leastLogProbability, Float($0 - largest)) }))
  }

  /// Returns the table in which all rows are as probable; nil for too many variables.
  static func zeros(variableCount: Int) -> TabulatedDensity? {
    guard (1...variableLimit).contains(variableCount) else { return nil }
    return TabulatedDensity(logProbabilities: Matrix(rowCount: 1, columnCount: 1 << variableCount))
  }

  /// 2ᴰ.
  public var parameterCount: Int { logProbabilities.columnCount }
  /// The columns' own order, as good as any.
  public var ordering: Ordering { .natural(count: variableCount) }

  /// Returns log p(x) of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    // A row of so few columns is one word.
    return rows.words.map { table.logProbabilities[Int($0)] }
  }

  /// Returns log p of each row by its definition.
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    let total = log(logProbabilities.elements.reduce(0) { $0 + exp(Double($1)) })
    return (0..<rows.rowCount).map { row in
      let index = rows[row: row].enumerated().reduce(0) { $0 + ($1.element ? 1 << $1.offset : 0) }
      return Double(logProbabilities[0, index]) - total
    }
  }

  /// Returns the logits of the conditionals, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  /// Returns what looks up sums of probabilities.
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> { chainRule(along: ordering).conditionalExecutor(in: type) }

  // MARK: Checkpoints

  /// The logarithms of the probabilities.
  package func archived() -> DensityArchive {
    DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(Baseline.Configuration(variableCount: variableCount)),
      parameters: ["log_probabilities": logProbabilities])
  }

  /// Restores a density.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let count = try archive.variableCount()
    guard count <= Self.variableLimit else {
      throw archive.malformed("at most \(Self.variableLimit) variables", found: "\(count)")
    }
    self.init(
      logProbabilities: try archive.matrix("log_probabilities", rowCount: 1, columnCount: 1 << count))
  }
}

extension TabulatedDensity: ArchivableDensity, PreparableConditionals {}

extension TabulatedDensity: TractableDensity, ChainRuleDensity {
  /// Itself.
  public var tractable: (any TractableDensity)? { self }

  /// Itself along its own ordering, and a view along any other.
  ///
  /// - Complexity: O(2ᴰ) to prepare, then O(1) a step.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    chain(along: ordering)
  }

  /// What walks the density along its own ordering.
  public func cursorSource() -> any CursorSource { ChainRuleSource(rule: chainRule(along: ordering)) }

  func chainRule(along ordering: Ordering) -> TableChainRule { TableChainRule(table, along: ordering) }

  private func row(_ index: Int) -> [Bool] { (0..<variableCount).map { index >> $0 & 1 == 1 } }

  /// Returns log p(x_known) of each row, the sum over all rows that agree.
  ///
  /// - Complexity: O(2^unknown) a row.
  public func logMarginals(of evidence: PartialRows) -> [Double] {
    evidence.require(variableCount)
    return evidence.values.mapRows { min(0, table.logMarginal(of: evidence, row: $0)) }
  }

  /// Completes each row by a draw of those that agree.
  ///
  /// - Complexity: O(2^unknown) for each evidence, then O(D) a row.
  public func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    evidence.require(variableCount)
    return try evidence.complete(
      using: &generator, preparing: { table.completions(of: $0) },
      draw: { completions, generator in (completions?.draw(using: &generator)).map(row) })
  }

  /// Completes each row by the most probable of those that agree, the first of several.
  ///
  /// - Complexity: O(2^unknown) a row; there are no nodes to be limited.
  public func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    evidence.require(variableCount)
    precondition(nodeLimit >= 0, "a search cannot visit \(nodeLimit) nodes")
    return try evidence.modes { values in
      let mode = table.mode(of: values)
      let logProbability = table.logProbabilities[mode]
      return (row(mode), logProbability, logProbability)
    }
  }

  /// Returns log p(Σ_i x_i = n, x_known) of each row: B × (D + 1).
  ///
  /// - Complexity: O(2^unknown) a row.
  public func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    evidence.require(variableCount)
    return evidence.logMarginalsByOnBitCount { table.probabilitiesByOnBitCount(of: $0) }
  }

  /// Completes each row by a draw of those that agree and have n on-bits.
  ///
  /// - Complexity: O(2^unknown) for each evidence, then O(D) a row.
  public func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    evidence.require(variableCount)
    return try evidence.complete(
      onBitCount: onBitCount, using: &generator,
      preparing: { table.completions(of: $0) { $0.nonzeroBitCount == onBitCount } },
      draw: { completions, generator in (completions?.draw(using: &generator)).map(row) })
  }
}

import Essentials
import Kernels

/// Independent variables: the density that knows the marginals and nothing else.
///
///     p(x) = Π_i σ(z_i)^{x_i} · σ(−z_i)^{1 − x_i}
///
/// Parameters: logits z (1 × D). Cost O(on-bits) a row.
///
///     let floor = try IndependentBernoulli.fit(to: rows)
public struct IndependentBernoulli: AutoregressiveDensity {
  /// Independent Bernoullis.
  package static let kind = ModelKind.bernoulli
  /// The logits of the marginals, 1 × D.
  public let logits: Matrix<Float>
  /// Σ_i log σ(−z_i): log p of a row of zeros.
  private let logProbabilityOfZeros: Double

  /// Creates a density of given logits (1 × D), D ≥ 1.
  ///
  /// - Precondition: no logit is beyond ±80.
  public init(logits: Matrix<Float>) {
    precondition(
      logits.rowCount == 1 && logits.columnCount > 0,
      "the logits are \(logits.rowCount) × \(logits.columnCount), not 1 × D")
    precondition(
      logits.elements.allSatisfy { abs($0) <= Baseline.largestLogit },
      "a logit is beyond ±\(Baseline.largestLogit)")
    self.logits = logits
    logProbabilityOfZeros = logits.elements.reduce(0) { $0 + logSigmoid(-Double($1)) }
  }

  /// Returns the density of the smoothed marginals of rows, p_i = (n_i + a) / (N + 2a).
  ///
  /// With a half, a column of N rows costs at most ½·log N + log 2 nats more, one row after the other, than with its
  /// marginal known, constant columns included.
  /// - Parameters:
  ///   - rows: what is fitted, N rows.
  ///   - pseudoCount: a, what is added to the number of zeros and to that of ones of every column.
  /// - Throws: `DensityError.invalidConfiguration` for a table without rows or columns and for a pseudo-count that is
  ///   not from 1e-9 to 1e9.
  /// - Complexity: O(N·D / 64 + on-bits).
  /// - Source: Krichevsky & Trofimov, IEEE Trans. Information Theory 27, 1981.
  public static func fit(to rows: BinaryMatrix, pseudoCount: Double = 0.5) throws(DensityError) -> Self {
    try Baseline.check(rows, pseudoCount: pseudoCount)
    return IndependentBernoulli(marginalsOf: rows, pseudoCount: pseudoCount)
  }

  /// Returns the density of the smoothed marginals of the known cells, p_i = (n_i + a) / (N_i + 2a) of the N_i rows that
  /// know variable i.
  ///
  /// That is the most probable density whatever else is missing; a column that no row knows gets a probability of ½.
  /// - Parameters:
  ///   - rows: what is fitted.
  ///   - pseudoCount: a, as for complete rows.
  /// - Throws: as for complete rows.
  public static func fit(to rows: PartialRows, pseudoCount: Double = 0.5) throws(DensityError) -> Self {
    try Baseline.check(rows.values, pseudoCount: pseudoCount)
    return IndependentBernoulli(marginalsOf: rows, pseudoCount: pseudoCount)
  }

  /// Creates the density of the smoothed marginals of a table that may have no rows.
  init(marginalsOf rows: BinaryMatrix, pseudoCount: Double = 0.5) {
    self.init(onCounts: rows.onCounts, knownCounts: { _ in rows.rowCount }, pseudoCount: pseudoCount)
  }

  /// Creates the density of the smoothed marginals of the known cells.
  init(marginalsOf rows: PartialRows, pseudoCount: Double = 0.5) {
    let known = rows.known.onCounts
    self.init(onCounts: rows.values.onCounts, knownCounts: { known[$0] }, pseudoCount: pseudoCount)
  }

  /// Creates the density of the smoothed marginals of rows that may not all be in memory.
  ///
  /// - Throws: what reading them throws.
  init(marginalsOfSource rows: any RowSource) throws(DensityError) {
    self.init(onCounts: try rows.onBitCounts(), knownCounts: { _ in rows.rowCount })
  }

  private init(onCounts: [Int], knownCounts: (Int) -> Int, pseudoCount: Double = 0.5) {
    self.init(
      logits: Matrix(
        rowCount: 1, columnCount: onCounts.count,
        elements: onCounts.enumerated().map { i, on in
          Float(log((Double(on) + pseudoCount) / (Double(knownCounts(i) - on) + pseudoCount)))
        }))
  }

  /// The number of variables.
  public var variableCount: Int { logits.columnCount }
  /// D.
  public var parameterCount: Int { variableCount }
  /// The columns' own order, as good as any.
  public var ordering: Ordering { .natural(count: variableCount) }
  /// The marginals p(x_i = 1).
  var probabilities: [Double] { logits.elements.map { exp(logSigmoid(Double($0))) } }

  /// Returns log p(x) = Σ_i log σ(−z_i) + Σ_{i on} z_i of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    let z = logits.elements
    let result = rows.mapRows { row in
      min(0, rows.onBits(ofRow: row).reduce(logProbabilityOfZeros) { $0 + Double(z[$1]) })
    }
    return result
  }

  /// Returns log p of each row, variable by variable.
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    (0..<rows.rowCount).map { row in
      (0..<variableCount).reduce(0) { sum, i in
        sum + logSigmoid(rows[row, i] ? Double(logits[0, i]) : -Double(logits[0, i]))
      }
    }
  }

  /// Returns the logits of the conditionals, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  /// Returns what repeats the logits for every row.
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    let z = logits.converted(to: type)
    return TableConditionals { rows in
      z.selecting(rows: Array(repeating: 0, count: rows.rowCount), columns: nil)
    }
  }

  /// Draws every variable of every row.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    precondition(count >= 0, "cannot draw \(count) rows")
    var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
    uniforms.fillUniform(using: &generator)
    let p = probabilities
    let rows = BinaryMatrix(rowCount: count, columnCount: variableCount) { Double(uniforms[$0, $1]) < p[$1] }
    return rows
  }

  // MARK: Checkpoints

  /// The logits.
  package func archived() -> DensityArchive {
    DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(Baseline.Configuration(variableCount: variableCount)),
      parameters: ["logits": logits])
  }

  /// Restores a density.
  package init(_ archive: DensityArchive) throws(DensityError) {
    self.init(
      logits: try archive.logits("logits", rowCount: 1, columnCount: archive.variableCount()))
  }
}

extension IndependentBernoulli: ArchivableDensity, PreparableConditionals {}

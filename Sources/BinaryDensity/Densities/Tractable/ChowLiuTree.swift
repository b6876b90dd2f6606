import Essentials
import Kernels

/// A tree of variables: each is drawn given one other, its parent.
///
///     p(x) = Π_i p(x_i | x_π(i)),   p(x_i = 1 | x_π(i) = b) = σ(z_bi)
///
/// Of all trees the fitted one is closest to the table's pairwise distributions: its edges are a maximum spanning tree
/// of the variables' mutual information.
///
/// Parameters: parents π (1 × D, −1 for a root), logits z (2 × D: given a parent that is off, and on; a root has the
/// same twice). Cost O(on-bits) a row.
///
///     let tree = try ChowLiuTree.fit(to: rows)
///
/// - Source: Chow & Liu, Approximating Discrete Probability Distributions with Dependence Trees, IEEE Trans.
///   Information Theory 14, 1968.
public struct ChowLiuTree: AutoregressiveDensity {
  /// Chow-Liu tree.
  package static let kind = ModelKind.chowLiu
  /// The parent of each variable; nil for a root.
  public let parents: [Int?]
  /// The logits of each variable given that its parent is off, and on, 2 × D.
  public let logits: Matrix<Float>
  /// The roots first, and every parent before its children.
  public let ordering: Ordering
  /// Σ_i log σ(−z_0i): log p of a row of zeros.
  private let logProbabilityOfZeros: Double
  /// What turning a variable on in a row of zeros adds to log p: z_0i + Σ_{children j} log (σ(−z_1j) / σ(−z_0j)).
  private let gains: [Double]
  /// What it adds besides if its parent is on: z_1i − z_0i.
  private let pairGains: [Double]

  /// Creates a tree, or several, of given parents and logits (2 × D), D ≥ 1.
  ///
  /// - Precondition: the parents are variables and make no circle; no logit is beyond ±80.
  public init(parents: [Int?], logits: Matrix<Float>) {
    guard let order = ChowLiuTree.rootFirstOrder(parents) else {
      preconditionFailure("the parents \(parents) make no tree")
    }
    precondition(
      logits.rowCount == 2 && logits.columnCount == parents.count && !parents.isEmpty,
      "the logits are \(logits.rowCount) × \(logits.columnCount), not 2 × \(parents.count)")
    precondition(
      logits.elements.allSatisfy { abs($0) <= Baseline.largestLogit },
      "a logit is beyond ±\(Baseline.largestLogit)")
    self.init(parents: parents, logits: logits, ordering: order)
  }

  private init(parents: [Int?], logits: Matrix<Float>, ordering: Ordering) {
    self.parents = parents
    self.logits = logits
    self.ordering = ordering
    let (z0, z1) = (logits[row: 0].map { Double($0) }, logits[row: 1].map { Double($0) })
    logProbabilityOfZeros = z0.reduce(0) { $0 + logSigmoid(-$1) }
    var gains = z0
    for (i, parent) in parents.enumerated() {
      if let parent { gains[parent] += logSigmoid(-z1[i]) - logSigmoid(-z0[i]) }
    }
    self.gains = gains
    pairGains = zip(z0, z1).map { $1 - $0 }
  }

  /// Returns the variables root first, parents before children, siblings ascending; nil if there is a circle or a
  /// parent that is no variable.
  private static func rootFirstOrder(_ parents: [Int?]) -> Ordering? {
    var children: [[Int]] = parents.map { _ in [] }
    var order: [Int] = []
    for (variable, parent) in parents.enumerated() {
      if let parent {
        guard parents.indices.contains(parent) else { return nil }
        children[parent].append(variable)
      } else {
        order.append(variable)
      }
    }
    var next = 0
    while next < order.count {
      order += children[order[next]]
      next += 1
    }
    return order.count == parents.count ? Ordering(order) : nil
  }

  /// The number of variables.
  public var variableCount: Int { logits.columnCount }
  /// Two logits a variable.
  public var parameterCount: Int { 2 * variableCount }

  // MARK: Likelihoods

  /// Returns log p(x) of each row.
  ///
  ///     log p(x) = log p(0) + Σ_{i on} g_i + Σ_{i on, π(i) on} (z_1i − z_0i)
  ///
  /// where g_i is what turning on i alone adds.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    let result = rows.mapRows { row in
      var sum = logProbabilityOfZeros
      for i in rows.onBits(ofRow: row) {
        sum += gains[i]
        if let parent = parents[i], rows[row, parent] { sum += pairGains[i] }
      }
      return min(0, sum)
    }
    return result
  }

  /// Returns log p of each row, variable by variable.
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    (0..<rows.rowCount).map { row in
      (0..<variableCount).reduce(0) { sum, i in
        let z = Double(logit(of: i, inRow: row, of: rows))
        return sum + logSigmoid(rows[row, i] ? z : -z)
      }
    }
  }

  private func logit(of variable: Int, inRow row: Int, of rows: BinaryMatrix) -> Float {
    logits[parents[variable].map { rows[row, $0] ? 1 : 0 } ?? 0, variable]
  }

  /// Returns the logits of the conditionals, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  /// Returns what looks up the logit of each variable under its parent.
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    TableConditionals { rows in
      Matrix(rowCount: rows.rowCount, columnCount: variableCount) { row, i in
        Scalar(logit(of: i, inRow: row, of: rows))
      }
    }
  }

  /// Draws every variable after its parent.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    precondition(count >= 0, "cannot draw \(count) rows")
    var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
    uniforms.fillUniform(using: &generator)
    var rows = BinaryMatrix(rowCount: count, columnCount: variableCount)
    for row in 0..<count {
      for i in ordering.variables {
        let p = exp(logSigmoid(Double(logit(of: i, inRow: row, of: rows))))
        if Double(uniforms[row, i]) < p { rows.turnOn(row, i) }
      }
    }
    return rows
  }

  // MARK: Checkpoints

  /// The parents and the logits.
  package func archived() -> DensityArchive {
    DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(Baseline.Configuration(variableCount: variableCount)),
      integers: [.init(name: "parents", rows: [parents.map { $0 ?? -1 }])], parameters: ["logits": logits])
  }

  /// Restores a tree.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let count = try archive.variableCount()
    let numbers = try archive.integers("parents", rowCount: 1, columnCount: count)[0]
    guard let wrong = numbers.first(where: { $0 < -1 || $0 >= count }) else {
      let parents = numbers.map { $0 < 0 ? nil : $0 }
      guard let order = ChowLiuTree.rootFirstOrder(parents) else {
        throw archive.malformed("parents", "parents that make a tree", found: "a circle")
      }
      self.init(
        parents: parents, logits: try archive.logits("logits", rowCount: 2, columnCount: count),
        ordering: order)
      return
    }
    throw archive.malformed("parents", "parents from -1 to \(count - 1)", found: "\(wrong)")
  }
}

extension ChowLiuTree: ArchivableDensity, PreparableConditionals {}

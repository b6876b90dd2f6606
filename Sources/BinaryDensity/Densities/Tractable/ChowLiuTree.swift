import Foundation
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

  // MARK: Fitting

  /// Fits a tree to a table.
  ///
  /// The pairs of variables i, j get the distributions p_ij(a, b) = (n_ij(a, b) + s) / (N + 4s), whose marginals agree;
  /// the edges are a maximum spanning tree of
  ///
  ///     I_ij = Σ_ab p_ij(a, b) · log (p_ij(a, b) / (p_i(a) · p_j(b)))
  ///
  /// and the conditionals are p_ij's. The distribution does not depend on the root, which is variable 0. As s
  /// vanishes it has the largest likelihood of all trees.
  /// - Parameters:
  ///   - rows: what is fitted, N rows.
  ///   - pseudoCount: s, what is added to each of the four counts of a pair.
  /// - Throws: `DensityError.invalidConfiguration` for a table without rows or columns and for a pseudo-count that is
  ///   not from 1e-9 to 1e9, and for more columns than there is memory for.
  /// - Complexity: O(D · on-bits) on all threads, then O(D²); 4·D² bytes.
  /// - Source: Chow & Liu 1968, with the spanning tree of Prim, Bell System Technical Journal 36, 1957.
  public static func fit(to rows: BinaryMatrix, pseudoCount: Double = 0.5) throws(DensityError) -> Self {
    guard let tree = try fit(to: rows, pseudoCount: pseudoCount, while: { true }) else {
      preconditionFailure("nobody stopped it")
    }
    return tree
  }

  /// Fits a tree; nil if `goesOn`, which is asked all the time, says no.
  static func fit(
    to rows: BinaryMatrix, pseudoCount: Double = 0.5, while goesOn: () -> Bool
  ) throws(DensityError) -> Self? {
    try Baseline.check(rows, pseudoCount: pseudoCount)
    try checkMemory(
      of: "counting all pairs", bytes: 4.2 * Double(rows.columnCount) * Double(rows.columnCount))
    let counts = PairCounts(rows, pseudoCount: pseudoCount, while: goesOn)
    guard goesOn(), let parents = counts.maximumSpanningTree(while: goesOn) else { return nil }
    var logits = Matrix<Float>(rowCount: 2, columnCount: parents.count)
    for (variable, parent) in parents.enumerated() {
      for isOn in [false, true] {
        let (on, off) =
          parent.map { (counts.count($0, isOn, variable, true), counts.count($0, isOn, variable, false)) }
          ?? (counts.count(variable, true), counts.count(variable, false))
        logits[isOn ? 1 : 0, variable] = Float(log(on / off))
      }
    }
    return ChowLiuTree(parents: parents, logits: logits)
  }

  /// How often two variables take their values together, smoothed.
  struct PairCounts {
    private let rowCount: Double
    private let pseudoCount: Double
    /// n_ij(1, 1), D × D, exact up to 2²⁴ rows.
    private let ones: Matrix<Float>

    /// Counts, as the product xᵀ · x of sparse rows.
    init(_ rows: BinaryMatrix, pseudoCount: Double, while goesOn: () -> Bool = { true }) {
      rowCount = Double(rows.rowCount)
      self.pseudoCount = pseudoCount
      let mask = Staircase(denseInputCount: rows.columnCount, outputCount: rows.columnCount)
      var ones = Matrix<Float>(rowCount: rows.columnCount, columnCount: rows.columnCount)
      ones.withUnsafeMutableView { ones in
        rows.forEachBatch(in: Float.self, while: goesOn) { _, x in
          Float.maskedLinearWeightGradient(x, x, mask: mask, method: .sparse, into: ones)
        }
      }
      self.ones = ones
    }

    /// Returns n_i(a) + 2s.
    func count(_ i: Int, _ a: Bool) -> Double {
      let on = Double(ones[i, i])
      return (a ? on : rowCount - on) + 2 * pseudoCount
    }

    /// Returns n_ij(a, b) + s.
    func count(_ i: Int, _ a: Bool, _ j: Int, _ b: Bool) -> Double {
      let both = Double(ones[i, j])
      let count =
        switch (a, b) {
        case (true, true): both
        case (true, false): Double(ones[i, i]) - both
        case (false, true): Double(ones[j, j]) - both
        case (false, false): rowCount - Double(ones[i, i]) - Double(ones[j, j]) + both
        }
      return count + pseudoCount
    }

    /// Returns I_ij, in nats.
    func mutualInformation(_ i: Int, _ j: Int) -> Double {
      let total = rowCount + 4 * pseudoCount
      var sum = 0.0
      for a in [false, true] {
        for b in [false, true] {
          let pair = count(i, a, j, b)
          sum += pair * log(pair * total / (count(i, a) * count(j, b)))
        }
      }
      return sum / total
    }

    /// Returns the parents of a maximum spanning tree with root 0, by Prim's algorithm; nil if `goesOn` says no.
    ///
    /// Of edges of equal weight the one that was looked at first is taken, so that the same table gives the same tree.
    func maximumSpanningTree(while goesOn: () -> Bool = { true }) -> [Int?]? {
      var parents = [Int?](repeating: nil, count: ones.rowCount)
      // The heaviest edge from the tree to each variable outside it.
      var weights = [Double](repeating: -.infinity, count: ones.rowCount)
      var outside = Array(1..<ones.rowCount)
      var latest = 0
      while !outside.isEmpty {
        guard goesOn() else { return nil }
        for j in outside {
          let weight = mutualInformation(latest, j)
          if weight > weights[j] { (weights[j], parents[j]) = (weight, latest) }
        }
        var heaviest = 0
        for index in outside.indices where weights[outside[index]] > weights[outside[heaviest]] {
          heaviest = index
        }
        latest = outside.remove(at: heaviest)
      }
      return parents
    }
  }

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

import Essentials
import Kernels

extension ChowLiuTree {
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
  ///
  /// - Parameter memoryShare: the part of the memory that the counts may take.
  package static func fit(
    to rows: BinaryMatrix, pseudoCount: Double = 0.5, memoryShare: Double = 1, while goesOn: () -> Bool
  ) throws(DensityError) -> Self? {
    try Baseline.check(rows, pseudoCount: pseudoCount)
    try PairCounts.checkMemory(columnCount: rows.columnCount, share: memoryShare)
    let counts = PairCounts(rows, pseudoCount: pseudoCount, while: goesOn)
    guard goesOn() else { return nil }
    return tree(of: counts, while: goesOn)
  }

  /// Fits a forest: of all edges, those alone that the rows speak for by more than the number of variables there are.
  ///
  /// An edge counts if log p(column j | column i) − log p(column j), by counts that are smoothed by a half, is above log D; both
  /// ways have a say. Where nothing depends on anything, that is a table of marginals; the conditionals too are smoothed by a
  /// half. Nil if `goesOn`, which is asked all the time, says no.
  package static func forest(
    fittedTo rows: BinaryMatrix, while goesOn: () -> Bool = { true }
  ) throws(DensityError) -> Self? {
    try Baseline.check(rows, pseudoCount: 0.5)
    try PairCounts.checkMemory(columnCount: rows.columnCount)
    let counts = PairCounts(rows, pseudoCount: 0, while: goesOn)
    let evidence = ParentAverage.Evidence(rowCount: rows.rowCount)
    let none = (0..<rows.columnCount).map { evidence.logEvidence(of: $0, counts) }
    let parents = counts.maximumSpanningForest(above: log(Double(rows.columnCount)), while: goesOn) { i, j in
      (evidence.logEvidence(of: i, given: j, counts) - none[i] + evidence.logEvidence(of: j, given: i, counts)
        - none[j]) / 2
    }
    return parents.map { ChowLiuTree(parents: $0, counts, pseudoCount: 0.5) }
  }

  /// Returns the tree of the largest expected likelihood under counts of pairs; nil if `goesOn` says no.
  static func tree(of counts: PairCounts, while goesOn: () -> Bool) -> Self? {
    counts.maximumSpanningTree(while: goesOn).map { ChowLiuTree(parents: $0, counts) }
  }

  /// Creates the tree of given parents with the conditionals of counts, to each of which something may be added.
  private init(parents: [Int?], _ counts: PairCounts, pseudoCount: Double = 0) {
    var logits = Matrix<Float>(rowCount: 2, columnCount: parents.count)
    for (variable, parent) in parents.enumerated() {
      for isOn in [false, true] {
        let (on, off) =
          parent.map { (counts.count($0, isOn, variable, true), counts.count($0, isOn, variable, false)) }
          ?? (counts.count(variable, true), counts.count(variable, false))
        logits[isOn ? 1 : 0, variable] = Float(log((on + pseudoCount) / (off + pseudoCount)))
      }
    }
    self.init(parents: parents, logits: logits)
  }

  /// How often two variables take their values together, smoothed.
  struct PairCounts {
    private let rowCount: Double
    private let pseudoCount: Double
    /// n_ij(1, 1), D × D, exact up to 2²⁴ rows.
    private let ones: Matrix<Float>
    /// Where rows do not know both variables of every pair: how many do, and in how many of those i is on, D × D each.
    private let known: (both: Matrix<Float>, on: Matrix<Float>)?

    /// The bytes of what is counted for each pair of columns.
    static let bytesPerPair = 4.2
    /// The same where cells are missing, with what is expected of them.
    static let bytesPerPartialPair = 80.0

    /// Refuses counts that take more than a part of the memory.
    ///
    /// - Throws: `DensityError.invalidConfiguration`.
    static func checkMemory(columnCount: Int, share: Double = 1) throws(DensityError) {
      let pairs = Double(columnCount) * Double(columnCount)
      try BinaryDensity.checkMemory(
        of: "counting all pairs of columns", bytes: bytesPerPair * pairs, share: share,
        instead: insteadOfPairs)
    }

    /// Counts, as the product xᵀ · x of sparse rows.
    init(_ rows: BinaryMatrix, pseudoCount: Double, while goesOn: () -> Bool = { true }) {
      let mask = Staircase(denseInputCount: rows.columnCount, outputCount: rows.columnCount)
      var ones = Matrix<Float>(rowCount: rows.columnCount, columnCount: rows.columnCount)
      ones.withUnsafeMutableView { ones in
        rows.forEachBatch(in: Float.self, while: goesOn) { _, x in
          Float.maskedLinearWeightGradient(x, x, mask: mask, method: .sparse, into: ones)
        }
      }
      self.init(ones: ones, rowCount: Double(rows.rowCount), pseudoCount: pseudoCount)
    }

    /// Takes what has been counted: n_ij(1, 1), D × D, with n_i(1) on the diagonal.
    init(
      ones: Matrix<Float>, known: (both: Matrix<Float>, on: Matrix<Float>)? = nil, rowCount: Double,
      pseudoCount: Double
    ) {
      self.ones = ones
      self.known = known
      self.rowCount = rowCount
      self.pseudoCount = pseudoCount
    }

    /// Returns n_i(a) + 2s, of the rows that know j too.
    func count(_ i: Int, _ a: Bool, knowing j: Int) -> Double {
      let on = Double(known?.on[i, j] ?? ones[i, i])
      return (a ? on : (known.map { Double($0.both[i, j]) } ?? rowCount) - on) + 2 * pseudoCount
    }

    /// Returns n_i(a) + 2s.
    func count(_ i: Int, _ a: Bool) -> Double { count(i, a, knowing: i) }

    /// Returns n_ij(a, b) + s.
    func count(_ i: Int, _ a: Bool, _ j: Int, _ b: Bool) -> Double {
      let both = Double(ones[i, j])
      let count =
        switch (a, b) {
        case (true, true): both
        case (true, false): count(i, true, knowing: j) - 2 * pseudoCount - both
        case (false, true): count(j, true, knowing: i) - 2 * pseudoCount - both
        case (false, false):
          count(i, false, knowing: j) - count(j, true, knowing: i) + both
        }
      // Expected counts, which are no whole numbers, may fall below zero by a rounding.
      return max(0, count) + pseudoCount
    }

    /// Returns I_ij, in nats.
    func mutualInformation(_ i: Int, _ j: Int) -> Double {
      let total = count(i, false, knowing: j) + count(i, true, knowing: j)
      var sum = 0.0
      for a in [false, true] {
        for b in [false, true] {
          let pair = count(i, a, j, b)
          sum += pair * log(pair * total / (count(i, a, knowing: j) * count(j, b, knowing: i)))
        }
      }
      return sum / total
    }

    /// Returns the parents of a maximum spanning tree with root 0, by Prim's algorithm; nil if `goesOn` says no.
    func maximumSpanningTree(while goesOn: () -> Bool = { true }) -> [Int?]? {
      maximumSpanningForest(above: -.infinity, while: goesOn, weight: mutualInformation)
    }

    /// Returns the parents of a maximum spanning forest of the edges above a weight, by Prim's algorithm; nil if `goesOn`
    /// says no.
    ///
    /// Of edges of equal weight the one that was looked at first is taken, so that the same table gives the same forest.
    func maximumSpanningForest(
      above threshold: Double, while goesOn: () -> Bool = { true }, weight: (_ i: Int, _ j: Int) -> Double
    ) -> [Int?]? {
      var parents = [Int?](repeating: nil, count: ones.rowCount)
      // The heaviest edge from the forest to each variable outside it.
      var weights = [Double](repeating: threshold, count: ones.rowCount)
      var outside = Array(1..<ones.rowCount)
      var latest = 0
      while !outside.isEmpty {
        guard goesOn() else { return nil }
        for j in outside {
          let weight = weight(latest, j)
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
}

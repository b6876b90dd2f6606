import Essentials
import Kernels

extension ParentAverage {
  /// Fits the density to a table along an ordering.
  ///
  /// All counts are smoothed by a half (Krichevsky & Trofimov). A parent's weight is its probability given the rows: half of
  /// the belief is that no variable of the table has a parent; else each variable has none, or any of the earlier ones, with
  /// equal chance. Parents of less than a ten-thousandth are left out.
  /// - Parameters:
  ///   - rows: what is fitted, N rows.
  ///   - ordering: in which variables come; those before one may be its parents.
  /// - Throws: `DensityError.invalidConfiguration` for a table without rows or columns, and for more columns than there is
  ///   memory for.
  /// - Complexity: O(D · on-bits) on all threads, then O(D²); 4·D² bytes.
  /// - Source: Krichevsky & Trofimov, IEEE Trans. Information Theory 27, 1981.
  public static func fit(to rows: BinaryMatrix, along ordering: Ordering) throws(DensityError) -> Self {
    try Baseline.check(rows, pseudoCount: 0.5)
    try ChowLiuTree.PairCounts.checkMemory(columnCount: rows.columnCount)
    precondition(
      ordering.variables.count == rows.columnCount,
      "an ordering of \(ordering.variables.count) variables for \(rows.columnCount) columns")
    let counts = ChowLiuTree.PairCounts(rows, pseudoCount: 0)
    let evidence = Evidence(rowCount: rows.rowCount)
    let terms = Threads.map(count: rows.columnCount) { i in
      evidence.terms(of: i, among: ordering.variables[..<ordering.positions[i]], counts)
    }
    // log p(table | no parents) and log p(table | parents), each with its ½.
    let without = terms.reduce(0) { $0 + $1.none }
    let with = terms.reduce(0) { $0 + $1.total }
    let independence = exp(without - logSumExp([without, with]))
    return ParentAverage(
      terms.enumerated().map { i, terms in terms.child(i, independence: independence, counts) },
      along: ordering)
  }

  /// The logarithms of probabilities of columns, by the counts of their values.
  struct Evidence: Sendable {
    /// log Γ(n + ½) and log n!, of up to N rows.
    private let halves: [Double]
    private let factorials: [Double]

    init(rowCount: Int) {
      halves = (0...rowCount).map { lgamma(Double($0) + 0.5) }
      factorials = (0...rowCount).map { lgamma(Double($0) + 1) }
    }

    /// Returns log ∫ p^on (1 − p)^off Beta(p; ½, ½) dp.
    func logEvidence(on: Double, off: Double) -> Double {
      let (on, off) = (Int(on), Int(off))
      return halves[on] + halves[off] - factorials[on + off] - log(Double.pi)
    }

    /// Returns log p(column i | column j).
    func logEvidence(of i: Int, given j: Int, _ counts: ChowLiuTree.PairCounts) -> Double {
      [false, true].reduce(0) {
        $0 + logEvidence(on: counts.count(j, $1, i, true), off: counts.count(j, $1, i, false))
      }
    }

    /// Returns log p(column i) without a parent.
    func logEvidence(of i: Int, _ counts: ChowLiuTree.PairCounts) -> Double {
      logEvidence(on: counts.count(i, true), off: counts.count(i, false))
    }

    fileprivate func terms(
      of i: Int, among parents: some Collection<Int>, _ counts: ChowLiuTree.PairCounts
    ) -> Terms {
      Terms(
        none: logEvidence(of: i, counts), parents: parents.map { ($0, logEvidence(of: i, given: $0, counts)) }
      )
    }
  }

  /// log p(column | parent) of a column and all its possible parents.
  fileprivate struct Terms: Sendable {
    let none: Double
    let parents: [(variable: Int, logEvidence: Double)]
    /// The mean over no parent and each of them.
    let total: Double

    init(none: Double, parents: [(Int, Double)]) {
      self.none = none
      self.parents = parents
      total = logSumExp([none] + parents.map(\.1)) - log(Double(parents.count + 1))
    }

    /// Returns what the column is given the parents that count.
    func child(_ i: Int, independence: Double, _ counts: ChowLiuTree.PairCounts) -> Child {
      let scale = log(1 - independence) - total - log(Double(parents.count + 1))
      let kept = parents.map { ($0.variable, exp($0.logEvidence + scale)) }.filter { $0.1 > 1e-4 }
        .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(64)
      let none = independence + exp(none + scale)
      let sum = max(none, 1e-6) + kept.reduce(0) { $0 + $1.1 }
      func logit(_ on: Double, _ off: Double) -> Float { Float(log((on + 0.5) / (off + 0.5))) }
      return Child(
        weight: Float(max(none, 1e-6) / sum), logit: logit(counts.count(i, true), counts.count(i, false)),
        parents: kept.map { variable, weight in
          Parent(
            variable: variable, weight: Float(weight / sum),
            logits: [false, true].map {
              logit(counts.count(variable, $0, i, true), counts.count(variable, $0, i, false))
            })
        })
    }
  }
}

import Essentials
import Kernels

extension QueryNode {
  /// Whether p(x_i, x_j) of every pair is exact, without a table of all rows.
  var knowsPairs: Bool {
    switch self {
    case .tractable: true
    case .mixture(let logWeights, let parts):
      zip(logWeights, parts).allSatisfy { $0 == -.infinity || $1.knowsPairs }
    case .chain, .opaque: false
    }
  }

  /// Returns p(x_i = 1, x_j = 1) of each of some variables i and all j; nil if `observe` said to stop.
  ///
  /// - Precondition: `knowsPairs`.
  func pairProbabilities(
    of columns: [Int], observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> PairProbabilities? {
    switch self {
    case .tractable(let density): return try density.pairProbabilities(of: columns, observing: observe)
    case .mixture(let logWeights, let parts):
      var sum: PairProbabilities?
      for (index, part) in parts.enumerated() where logWeights[index] > -.infinity {
        let term = try part.pairProbabilities(of: columns) { (fraction) throws(DensityError) in
          try observe((Double(index) + fraction) / Double(parts.count))
        }
        guard let term else { return nil }
        sum = term.weighted(by: exp(logWeights[index]), after: sum)
      }
      return sum
    case .chain, .opaque: preconditionFailure("the pairs of \(self) are not known")
    }
  }
}

/// The probabilities that variables are on, and that two are.
struct PairProbabilities {
  /// p(x_i = 1, x_j = 1) of each of some variables i and all j, R × D; where j is i, p(x_i = 1).
  var bothOn: Matrix<Double>
  /// p(x_j = 1) of all variables.
  var on: [Double]

  /// Returns these times a weight, added to a sum.
  func weighted(by weight: Double, after sum: PairProbabilities?) -> PairProbabilities {
    PairProbabilities(
      bothOn: Matrix(rowCount: bothOn.rowCount, columnCount: bothOn.columnCount) {
        (sum?.bothOn[$0, $1] ?? 0) + weight * bothOn[$0, $1]
      }, on: on.indices.map { (sum?.on[$0] ?? 0) + weight * on[$0] })
  }
}

extension TractableDensity {
  /// - Complexity: O(D) a variable i of a forest, O(K · D) of a mixture of K Bernoullis, of another density D marginals.
  fileprivate func pairProbabilities(
    of columns: [Int], observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> PairProbabilities? {
    let (on, rows): ([Double], [[Double]]?)
    if let forest = (self as? any ForestDensity)?.forest {
      let marginals = forest.marginals
      on = marginals
      rows = try mapInWaves(columns, observing: observe) { forest.pairProbabilities(of: $0, marginals) }
    } else if let mixture = self as? BernoulliMixture {
      let tables = mixture.tables
      on = tables.pairProbabilities(of: nil)
      rows = try mapInWaves(columns, observing: observe) { tables.pairProbabilities(of: $0) }
    } else {
      on = probabilities(withOn: nil)
      var found: [[Double]] = []
      for column in columns {
        found.append(probabilities(withOn: column))
        guard try observe(Double(found.count) / Double(columns.count)) else { return nil }
      }
      rows = found
    }
    return rows.map { rows in
      PairProbabilities(
        bothOn: Matrix(rowCount: columns.count, columnCount: variableCount) { rows[$0][$1] }, on: on)
    }
  }

  /// Returns the probability of each variable to be on, together with one if that is given.
  private func probabilities(withOn column: Int?) -> [Double] {
    // No more evidence at once than takes some megabytes.
    let length = max(64, (1 << 26) / variableCount)
    return stride(from: 0, to: variableCount, by: length).flatMap { start in
      let others = start..<min(start + length, variableCount)
      var evidence = PartialRows(rowCount: others.count, columnCount: variableCount)
      for other in others {
        evidence[other - start, other] = true
        if let column { evidence[other - start, column] = true }
      }
      return logMarginals(of: evidence).map { exp($0) }
    }
  }
}

extension BinaryForest {
  /// Returns p(x_i = 1, x_j = 1) for a variable i and all j, in closed form along the tree's paths.
  ///
  /// Up to the root i's ancestors j have p(x_j = 1) · p(x_i = 1 | x_j = 1), of which the second factor is passed from child to
  /// parent; every other variable has Σ_b p(x_i = 1, x_π(j) = b) · p(x_j = 1 | b).
  /// - Complexity: O(D).
  fileprivate func pairProbabilities(of i: Int, _ marginals: [Double]) -> [Double] {
    var result = [Double](repeating: .nan, count: variableCount)
    // p(x_i = 1 | x_j = b) of the ancestor j, for b = 0 and 1.
    var given = (0.0, 1.0)
    var ancestor = i
    result[i] = marginals[i]
    while let parent = parents[ancestor] {
      func passed(_ b: Int) -> Double {
        probability(ancestor, 0, given: b) * given.0 + probability(ancestor, 1, given: b) * given.1
      }
      given = (passed(0), passed(1))
      result[parent] = marginals[parent] * given.1
      ancestor = parent
    }
    for j in order where result[j].isNaN {
      guard let parent = parents[j] else {
        result[j] = marginals[i] * marginals[j]
        continue
      }
      result[j] =
        result[parent] * probability(j, 1, given: 1)
        + (marginals[i] - result[parent]) * probability(j, 1, given: 0)
    }
    return result
  }
}

extension BernoulliTables {
  /// Returns p(x_i = 1, x_j = 1) = Σ_k w_k p_k(x_i = 1) p_k(x_j = 1) for a variable i and all j, and p(x_i = 1) where j is i;
  /// without i, p(x_j = 1).
  ///
  /// - Complexity: O(K · D).
  fileprivate func pairProbabilities(of i: Int?) -> [Double] {
    var shares = weights.map(\.double)
    if let i {
      let first = places(i, true).lowerBound
      for k in shares.indices { shares[k] *= probabilities[first + k] }
    }
    return probabilities.withUnsafeBufferPointer { probabilities in
      (0..<variableCount).map { j in
        guard j != i else { return shares.reduce(0, +) }
        let first = places(j, true).lowerBound
        var sum = 0.0
        for k in shares.indices { sum += shares[k] * probabilities[first + k] }
        return sum
      }
    }
  }
}

extension ProbabilityTable {
  /// Returns p(x_i = 1, x_j = 1) of each of some variables i and all j.
  ///
  /// - Complexity: O(D · 2ᴰ) a variable, on all threads.
  func pairProbabilities(of columns: [Int]) -> PairProbabilities {
    let total = shares.reduce(0, +)
    /// The probabilities to be on in the rows that have some bits.
    @Sendable func on(in bits: Int) -> [Double] {
      var sums = [Double](repeating: 0, count: variableCount)
      for (row, share) in shares.enumerated() where row & bits == bits && share > 0 {
        for column in 0..<variableCount where row >> column & 1 == 1 { sums[column] += share }
      }
      return sums.map { $0 / total }
    }
    let rows = Threads.map(count: columns.count + 1) {
      on(in: $0 < columns.count ? 1 << columns[$0] : 0)
    }
    return PairProbabilities(
      bothOn: Matrix(rowCount: columns.count, columnCount: variableCount) { rows[$0][$1] },
      on: rows[columns.count])
  }
}

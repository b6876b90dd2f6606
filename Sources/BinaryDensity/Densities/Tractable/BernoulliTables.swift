import Essentials
import Kernels

/// The probabilities of a mixture of independent variables, as its exact queries read them.
///
///     p(x) = Σ_k w_k · Π_i p_k(x_i)
package struct BernoulliTables: Sendable {
  /// The number D of variables.
  let variableCount: Int
  /// w_k.
  let weights: [WideDouble]
  /// p_k(x_i = a) at (2·i + a) · K + k.
  let probabilities: [Double]

  /// Creates the tables of weights and probabilities.
  package init(weights: [WideDouble], probabilities: [Double]) {
    precondition(
      !weights.isEmpty && probabilities.count.isMultiple(of: 2 * weights.count),
      "\(probabilities.count) probabilities in \(weights.count) components")
    self.weights = weights
    self.probabilities = probabilities
    variableCount = probabilities.count / (2 * weights.count)
  }

  /// The number K of components.
  var componentCount: Int { weights.count }

  /// Where p_k(x_i = a) of all components stand.
  func places(_ i: Int, _ isOn: Bool) -> Range<Int> {
    let start = (2 * i + (isOn ? 1 : 0)) * componentCount
    return start..<start + componentCount
  }

  /// Returns w_k · p_k(x_known) of each component.
  ///
  /// Eight probabilities at a time are multiplied as Doubles: none but zero is below e⁻⁸⁰.
  /// - Complexity: O(K · known).
  func shares(_ evidence: [Bool?]) -> [WideDouble] {
    var shares = weights
    var products = [Double](repeating: 1, count: componentCount)
    var factorCount = 0
    func take() {
      for k in shares.indices {
        shares[k] *= WideDouble(products[k])
        products[k] = 1
      }
    }
    for (i, value) in evidence.enumerated() {
      guard let value else { continue }
      let first = places(i, value).lowerBound
      for k in products.indices { products[k] *= probabilities[first + k] }
      factorCount += 1
      if factorCount.isMultiple(of: 8) { take() }
    }
    take()
    return shares
  }

  /// One component, as a forest of roots.
  func component(_ k: Int) -> BinaryForest {
    BinaryForest(
      parents: Array(repeating: nil, count: variableCount), order: Array(0..<variableCount),
      probabilities: (0..<variableCount).flatMap { i in
        let off = probabilities[2 * i * componentCount + k]
        let on = probabilities[(2 * i + 1) * componentCount + k]
        return [off, on, off, on]
      })
  }

  // MARK: Queries

  /// Returns log p(x_known) of each row.
  ///
  /// - Complexity: O(K · known) a row, on all threads.
  package func logMarginals(of evidence: PartialRows) -> [Double] {
    evidence.require(variableCount)
    return evidence.values.mapRows {
      min(0, shares(evidence[row: $0]).reduce(.zero, +).logarithm)
    }
  }

  /// Completes each row: draws its component by w_k · p_k(x_known), then the unknown variables.
  ///
  /// - Complexity: O(K · known + D) a row, on all threads.
  package func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    evidence.require(variableCount)
    return try evidence.complete(
      using: &generator, preparing: { ($0, shares($0)) },
      draw: { prepared, generator in
        let (evidence, shares) = prepared
        guard let k = drawIndex(weights: shares, using: &generator) else { return nil }
        return evidence.enumerated().map { i, value in
          value ?? (unitDouble(generator.next()) < probabilities[places(i, true).lowerBound + k])
        }
      })
  }

  /// Returns the most probable completion of each row, by branch and bound: see `MixtureModeSearch`.
  package func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes {
    evidence.require(variableCount)
    precondition(nodeLimit >= 0, "a search cannot visit \(nodeLimit) nodes")
    return try evidence.modes { evidence in
      guard var search = MixtureModeSearch(self, evidence) else { return nil }
      return search.run(nodeLimit: nodeLimit)
    }
  }

  /// Returns log p(Σ_i x_i = n, x_known) of each row, B × (D + 1).
  ///
  /// - Complexity: O(K · D²) time a row.
  package func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    evidence.require(variableCount)
    return evidence.logMarginalsByOnBitCount { evidence in
      var sum: [WideDouble] = []
      for k in 0..<componentCount {
        let counts = OnBitCounts(component(k), evidence, limit: variableCount, isDrawn: false).total
        for (n, number) in counts.enumerated() {
          if n < sum.count { sum[n] += weights[k] * number } else { sum.append(weights[k] * number) }
        }
      }
      return sum
    }
  }

  /// Completes each row by an exact draw of those with n on-bits: its component by w_k · p_k(Σ_i x_i = n, x_known) first.
  ///
  /// - Complexity: O(K · D · n) time for each evidence, and O(D · n) for each row of it.
  package func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    evidence.require(variableCount)
    let limit = max(0, min(onBitCount, variableCount))
    return try evidence.complete(
      onBitCount: onBitCount, using: &generator,
      preparing: { evidence in
        let shares = weights.enumerated().map { k, weight in
          let total = OnBitCounts(component(k), evidence, limit: limit, isDrawn: false).total
          return total.indices.contains(onBitCount) ? weight * total[onBitCount] : .zero
        }
        return (evidence, shares)
      },
      draw: { prepared, generator in
        let (evidence, shares) = prepared
        guard let k = drawIndex(weights: shares, using: &generator) else { return nil }
        return OnBitCounts(component(k), evidence, limit: limit, isDrawn: true)
          .draw(onBitCount: onBitCount, using: &generator)
      })
  }
}

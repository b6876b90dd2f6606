import Kernels

/// A forest of binary variables with the conditional probabilities of each given its parent.
///
///     p(x) = Π_i p(x_i | x_π(i))
///
/// Independent variables are a forest of roots. Sums, maxima and draws are each one pass up the trees and one down; both
/// follow a list of the variables, so that a path of any length is no recursion.
///
/// - Source: Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, chapter 4.
package struct BinaryForest: Sendable {
  /// The parent of each variable; nil for a root.
  let parents: [Int?]
  /// The variables, parents before their children.
  let order: [Int]
  /// p(x_i = a | x_π(i) = b) at 4·i + 2·b + a; a root has the same for both b.
  let probabilities: [Double]

  /// Creates a forest of given parents, an order in which they come before their children, and probabilities.
  package init(parents: [Int?], order: [Int], probabilities: [Double]) {
    precondition(
      probabilities.count == 4 * parents.count && order.count == parents.count,
      "\(probabilities.count) probabilities and \(order.count) places of \(parents.count) variables")
    self.parents = parents
    self.order = order
    self.probabilities = probabilities
  }

  var variableCount: Int { parents.count }

  /// p(x_i = a | x_π(i) = b).
  func probability(_ i: Int, _ a: Int, given b: Int) -> Double { probabilities[4 * i + 2 * b + a] }

  /// p(x_i = 1) of each variable.
  ///
  /// - Complexity: O(D).
  var marginals: [Double] {
    var marginals = [Double](repeating: 0, count: variableCount)
    for i in order {
      let above = parents[i].map { marginals[$0] } ?? 0
      marginals[i] = probability(i, 1, given: 0) * (1 - above) + probability(i, 1, given: 1) * above
    }
    return marginals
  }

  // MARK: One row

  /// Combines, over the unknown variables below and at each variable, the probabilities of all that is below it.
  ///
  ///     β_i(a) = [a agrees with x_i] · Π_{children c} m_c(a),   m_c(b) = combine over a of p(x_c = a | b) · β_c(a)
  ///
  /// - Parameter combine: + for marginals, the maximum for modes.
  /// - Returns: β_i(a) at 2·i + a, and the product of the roots' messages: p(x_known), or that of the mode.
  private func beliefs(
    _ evidence: [Bool?], combining combine: (WideDouble, WideDouble) -> WideDouble
  ) -> (beliefs: [WideDouble], total: WideDouble) {
    var beliefs = [WideDouble](repeating: .one, count: 2 * variableCount)
    for (i, value) in evidence.enumerated() {
      if let value { beliefs[2 * i + (value ? 0 : 1)] = .zero }
    }
    var total = WideDouble.one
    for i in order.reversed() {
      let (off, on) = (beliefs[2 * i], beliefs[2 * i + 1])
      func message(_ b: Int) -> WideDouble {
        combine(off * probability(i, 0, given: b), on * probability(i, 1, given: b))
      }
      if let parent = parents[i] {
        beliefs[2 * parent] *= message(0)
        beliefs[2 * parent + 1] *= message(1)
      } else {
        total *= message(0)
      }
    }
    return (beliefs, total)
  }

  /// Gives each unknown variable a value after its parent's.
  ///
  /// - Parameter isOn: decides from the variable's two beliefs given its parent.
  private func completing(
    _ evidence: [Bool?], _ beliefs: [WideDouble], isOn: (_ off: WideDouble, _ on: WideDouble) -> Bool
  ) -> [Bool] {
    var row = [Bool](repeating: false, count: variableCount)
    for i in order {
      let b = parents[i].map { row[$0] ? 1 : 0 } ?? 0
      row[i] =
        evidence[i]
        ?? isOn(
          beliefs[2 * i] * probability(i, 0, given: b), beliefs[2 * i + 1] * probability(i, 1, given: b))
    }
    return row
  }

  // MARK: Queries

  /// Returns log p(x_known) of each row.
  ///
  /// - Complexity: O(D) a row, on all threads.
  package func logMarginals(of evidence: PartialRows) -> [Double] {
    evidence.require(variableCount)
    return evidence.values.mapRows { min(0, beliefs(evidence[row: $0], combining: +).total.logarithm) }
  }

  /// Completes each row by an exact draw.
  ///
  /// - Complexity: O(D) a row, on all threads.
  package func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    evidence.require(variableCount)
    return try evidence.complete(
      using: &generator, preparing: { ($0, beliefs($0, combining: +)) },
      draw: { prepared, generator in
        let (evidence, (beliefs, total)) = prepared
        guard total > .zero else { return nil }
        return completing(evidence, beliefs) { off, on in
          unitDouble(generator.next()) < (on / (off + on)).double
        }
      })
  }

  /// Returns the most probable completion of each row.
  ///
  /// - Complexity: O(D) a row, on all threads.
  package func modes(given evidence: PartialRows) throws(DensityError) -> Modes {
    evidence.require(variableCount)
    return try evidence.modes { evidence in
      let (beliefs, total) = beliefs(evidence, combining: max)
      guard total > .zero else { return nil }
      let logProbability = min(0, total.logarithm)
      return (completing(evidence, beliefs) { $1 > $0 }, logProbability, logProbability)
    }
  }
}

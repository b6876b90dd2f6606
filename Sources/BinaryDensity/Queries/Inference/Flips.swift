import Essentials
import Kernels

/// Returns log p of a row, in nats, then of the row with each of its variables flipped: D + 1 numbers.
typealias Flips = @Sendable (_ row: BinaryMatrix) -> [Double]

extension QueryNode {
  /// Prepares a density to be asked about rows and all rows that differ from one in a variable.
  ///
  /// - Complexity: of a row of a forest O(D), of a mixture of K Bernoullis O(K · D), of a chain D (D + 1) / 2 steps; of a
  ///   mixture that of all its parts; of any other density log p of D + 1 rows.
  func flips() -> Flips {
    switch self {
    case .chain(let chain): return { chain.logProbabilitiesOfFlips($0) }
    case .tractable(let density as any ForestDensity): return density.forest.flips()
    case .tractable(let density as BernoulliMixture): return density.tables.flips()
    case .tractable(let density): return { density.logProbabilities(of: $0.withFlips) }
    case .opaque(let density): return { density.logProbabilities(of: $0.withFlips) }
    case .mixture(let logWeights, let parts):
      let flips = parts.map { $0.flips() }
      return { row in
        let terms = flips.map { $0(row) }
        return terms[0].indices.map { index in
          logSumExp(zip(logWeights, terms).map { $0 + $1[index] })
        }
      }
    }
  }
}

extension ChainQueries {
  /// Walks the row, and from each position on also what it is with the variable there flipped.
  fileprivate func logProbabilitiesOfFlips(_ row: BinaryMatrix) -> [Double] {
    let variables = ordering.variables
    let walk = StepWalk(source.cursor(rowCount: 1))
    var sums = [0.0]
    for (position, variable) in variables.enumerated() {
      // The new row is what the first is, as far as it goes.
      walk.select(Array(0...position) + [0])
      sums.append(sums[0])
      let bit = row[0, variable]
      walk.computeLogits()
      walk.set { $0 == position + 1 ? !bit : bit }
      walk.addLogProbabilities(to: &sums)
      walk.advance()
    }
    var result = sums
    for (position, variable) in variables.enumerated() { result[variable + 1] = sums[position + 1] }
    return result
  }
}

extension BinaryForest {
  /// What is flipped changes the probabilities of itself and of its children.
  fileprivate func flips() -> Flips {
    let logs = probabilities.map { log($0) }
    return { row in
      let values = row[row: 0].map { $0 ? 1 : 0 }
      var total = 0.0
      var changes = [Double](repeating: 0, count: values.count)
      for (i, a) in values.enumerated() {
        let b = parents[i].map { values[$0] } ?? 0
        let own = logs[4 * i + 2 * b + a]
        total += own
        changes[i] += logs[4 * i + 2 * b + 1 - a] - own
        if let parent = parents[i] { changes[parent] += logs[4 * i + 2 * (1 - b) + a] - own }
      }
      return [total] + changes.map { total + $0 }
    }
  }
}

extension BernoulliTables {
  /// What is flipped changes one factor of each component's share.
  ///
  /// Shares are taken relative to the largest; as no probability is below e⁻⁸⁰, those that are too small for a Double are so
  /// after a flip, too.
  fileprivate func flips() -> Flips {
    { row in
      let shares = shares(row[row: 0].map { $0 })
      let largest = shares.reduce(.zero) { max($0, $1) }
      let relative = shares.map { ($0 / largest).double }
      let scale = largest.logarithm
      let flipped = probabilities.withUnsafeBufferPointer { probabilities in
        (0..<variableCount).map { i in
          let (taken, other) = (places(i, row[0, i]).lowerBound, places(i, !row[0, i]).lowerBound)
          var sum = 0.0
          for k in relative.indices {
            sum += relative[k] * (probabilities[other + k] / probabilities[taken + k])
          }
          return sum
        }
      }
      return ([relative.reduce(0, +)] + flipped).map { min(0, scale + log($0)) }
    }
  }
}

extension BinaryMatrix {
  /// The first row, then the first row with each of its bits flipped.
  fileprivate var withFlips: BinaryMatrix {
    BinaryMatrix(rowCount: columnCount + 1, columnCount: columnCount) { index, column in
      self[0, column] != (index == column + 1)
    }
  }
}

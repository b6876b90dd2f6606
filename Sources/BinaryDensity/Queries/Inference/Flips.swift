import Essentials
import Kernels

/// A density that is asked about rows and all rows that differ from one in a variable.
///
/// - Complexity: of a row of a forest O(D), of a mixture of K Bernoullis O(K · D), of a chain D (D + 1) / 2 steps; of a
///   mixture that of all its parts; of any other density log p of D + 1 rows.
struct Flips: Sendable {
  /// A part of the work of a row, so small that whoever wants to stop need not wait for long.
  struct Piece: Sendable {
    /// Which leaf of the density it is of.
    let leaf: Int
    /// The variables that it flips, one after the other.
    let variables: [Int]
    /// Returns log p of a row, in nats, then of the row with each of these flipped.
    let logProbabilities: @Sendable (_ row: BinaryMatrix) -> [Double]
  }

  let pieces: [Piece]
  let leafCount: Int
  private let logWeights: [Double]
  private let variableCount: Int

  init(_ node: QueryNode, variableCount: Int) {
    let leaves = node.leaves
    logWeights = leaves.map(\.logWeight)
    leafCount = leaves.count
    self.variableCount = variableCount
    pieces = leaves.enumerated().flatMap { $1.node.flipPieces(ofLeaf: $0, variableCount: variableCount) }
  }

  /// Returns log p of a row, then of the row with each of its variables flipped, from what the pieces have given for it.
  func combined(_ results: some Collection<[Double]>) -> [Double] {
    var terms = Array(repeating: [Double](repeating: 0, count: variableCount + 1), count: leafCount)
    for (piece, result) in zip(pieces, results) {
      terms[piece.leaf][0] = result[0]
      for (variable, value) in zip(piece.variables, result.dropFirst()) {
        terms[piece.leaf][variable + 1] = value
      }
    }
    guard leafCount > 1 else { return terms[0] }
    return (0...variableCount).map { index in
      logSumExp(zip(logWeights, terms).map { $0 + $1[index] })
    }
  }
}

extension QueryNode {
  fileprivate func flipPieces(ofLeaf leaf: Int, variableCount: Int) -> [Flips.Piece] {
    func whole(_ body: @escaping @Sendable (BinaryMatrix) -> [Double]) -> [Flips.Piece] {
      [Flips.Piece(leaf: leaf, variables: Array(0..<variableCount), logProbabilities: body)]
    }
    switch self {
    case .tractable(let density as any ForestDensity): return whole(density.forest.flips())
    case .tractable(let density as BernoulliMixture): return whole(density.tables.flips())
    case .tractable(let density): return whole { density.logProbabilities(of: $0.withFlips) }
    case .opaque(let density): return whole { density.logProbabilities(of: $0.withFlips) }
    case .mixture: preconditionFailure("a leaf mixes nothing")
    case .chain(let chain):
      // Some hundred thousand steps are less than a second.
      let length = max(1, (1 << 18) / variableCount)
      return stride(from: 0, to: variableCount, by: length).map { start in
        let positions = start..<min(start + length, variableCount)
        return Flips.Piece(leaf: leaf, variables: positions.map { chain.ordering.variables[$0] }) {
          chain.logProbabilities(of: $0, flippedAt: positions)
        }
      }
    }
  }
}

extension ChainQueries {
  /// Walks the row, and from each of some positions on also what it is with the variable there flipped.
  fileprivate func logProbabilities(of row: BinaryMatrix, flippedAt positions: Range<Int>) -> [Double] {
    let walk = StepWalk(source.cursor(rowCount: 1))
    var sums = [0.0]
    for (position, variable) in ordering.variables.enumerated() {
      let isFlipped = positions.contains(position)
      if isFlipped {
        // The new row is what the first is, as far as it goes.
        walk.select(Array(sums.indices) + [0])
        sums.append(sums[0])
      }
      let (bit, last) = (row[0, variable], sums.count - 1)
      walk.computeLogits()
      walk.set { isFlipped && $0 == last ? !bit : bit }
      walk.addLogProbabilities(to: &sums)
      walk.advance()
    }
    return sums
  }
}

extension BinaryForest {
  /// What is flipped changes the probabilities of itself and of its children.
  fileprivate func flips() -> @Sendable (BinaryMatrix) -> [Double] {
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
  fileprivate func flips() -> @Sendable (BinaryMatrix) -> [Double] {
    { row in
      let values = row[row: 0]
      let shares = shares(values)
      let largest = shares.reduce(.zero) { max($0, $1) }
      let relative = shares.map { ($0 / largest).double }
      let scale = largest.logarithm
      let flipped = probabilities.withUnsafeBufferPointer { probabilities in
        (0..<variableCount).map { i in
          let (taken, other) = (places(i, values[i]).lowerBound, places(i, !values[i]).lowerBound)
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

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Chow-Liu trees")
struct ChowLiuTests {
  /// An undirected edge, the smaller variable first.
  struct Edge: Hashable {
    let first: Int
    let second: Int

    init(_ i: Int, _ j: Int) { (first, second) = (min(i, j), max(i, j)) }
  }

  private func edges(_ tree: ChowLiuTree) -> Set<Edge> {
    Set(tree.parents.enumerated().compactMap { variable, parent in parent.map { Edge($0, variable) } })
  }

  /// All spanning trees of some variables: the sets of D − 1 edges without a circle.
  private func spanningTrees(_ count: Int) -> [Set<Edge>] {
    let all = (0..<count).flatMap { j in (0..<j).map { Edge($0, j) } }
    return (0..<1 << all.count).compactMap { choice in
      guard choice.nonzeroBitCount == count - 1 else { return nil }
      let edges = all.enumerated().filter { choice >> $0.offset & 1 == 1 }.map(\.element)
      var group = Array(0..<count)
      for edge in edges {
        let (a, b) = (group[edge.first], group[edge.second])
        if a == b { return nil }
        for i in group.indices where group[i] == b { group[i] = a }
      }
      return Set(edges)
    }
  }

  /// The smoothed distribution of a pair, by counting.
  private func pair(_ rows: BinaryMatrix, _ edge: Edge, pseudoCount s: Double) -> [[Double]] {
    var counts = [[s, s], [s, s]]
    for row in 0..<rows.rowCount {
      counts[rows[row, edge.first] ? 1 : 0][rows[row, edge.second] ? 1 : 0] += 1
    }
    return counts.map { $0.map { $0 / (Double(rows.rowCount) + 4 * s) } }
  }

  private func information(_ rows: BinaryMatrix, _ edge: Edge, pseudoCount: Double) -> Double {
    let p = pair(rows, edge, pseudoCount: pseudoCount)
    var sum = 0.0
    for a in 0...1 {
      for b in 0...1 where p[a][b] > 0 {
        sum += p[a][b] * log(p[a][b] / ((p[a][0] + p[a][1]) * (p[0][b] + p[1][b])))
      }
    }
    return sum
  }

  @Test(
    "no spanning tree has more information, nor a larger likelihood", arguments: [1, 2, 3, 4, 5],
    [1, 2, 3] as [UInt64])
  func isTheBestTree(_ count: Int, seed: UInt64) throws {
    let rows = BinaryMatrix.dependent(60, count, seed: seed)
    let trees = spanningTrees(count)
    // Cayley: Dᴰ⁻² trees.
    #expect(trees.count == [1, 1, 3, 16, 125][count - 1])
    for pseudoCount in [0.5, 3] {
      let tree = try ChowLiuTree.fit(to: rows, pseudoCount: pseudoCount)
      func weight(_ edges: Set<Edge>) -> Double {
        edges.reduce(0) { $0 + information(rows, $1, pseudoCount: pseudoCount) }
      }
      #expect(weight(edges(tree)) >= (trees.map(weight).max() ?? 0) - 1e-12)
    }
    // log p of all rows under a tree of maximum likelihood is N·(Σ I − Σ H).
    let fitted = try ChowLiuTree.fit(to: rows, pseudoCount: 1e-9)
    let entropies = rows.columnMeans.reduce(0) { sum, p in
      sum - [p, 1 - p].reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
    }
    let best = trees.map { $0.reduce(-entropies) { $0 + information(rows, $1, pseudoCount: 0) } }.max() ?? 0
    let found = inDouble(fitted, logProbabilitiesOf: rows).reduce(0, +)
    // The logits are rounded to Float, at a maximum; the pseudo-count takes up to 10⁻⁹ a pair and logit.
    #expect(abs(found - 60 * best) < 1e-5)
  }

  @Test("conditionals are those of the smoothed pairs, and variables have the pairs' marginals")
  func tables() throws {
    let rows = BinaryMatrix.dependent(80, 6, seed: 9)
    let tree = try ChowLiuTree.fit(to: rows, pseudoCount: 0.7)
    let all = BinaryMatrix.allRows(ofWidth: 6)
    let probabilities = inDouble(tree, logProbabilitiesOf: all).map { exp($0) }
    for edge in edges(tree) {
      let expected = pair(rows, edge, pseudoCount: 0.7)
      var found = [[0.0, 0], [0, 0]]
      for row in 0..<all.rowCount {
        found[all[row, edge.first] ? 1 : 0][all[row, edge.second] ? 1 : 0] += probabilities[row]
      }
      for a in 0...1 { for b in 0...1 { #expect(abs(found[a][b] - expected[a][b]) < 1e-6) } }
    }
  }

  @Test("a tree is found again in what was drawn from it", arguments: [1, 2, 3] as [UInt64])
  func recoversATree(seed: UInt64) throws {
    var generator = Philox(seed: seed, stream: 9)
    let count = 12
    let parents = (0..<count).map { $0 == 0 ? nil : Int.random(in: 0..<$0, using: &generator) }
    var logits = Matrix<Float>(rowCount: 2, columnCount: count)
    for i in 0..<count {
      let z = Float.random(in: -0.5...0.5, using: &generator)
      let strength = Float.random(in: 1.2...2, using: &generator) * (Bool.random(using: &generator) ? 1 : -1)
      logits[0, i] = z - strength
      logits[1, i] = z + strength
    }
    let truth = ChowLiuTree(parents: parents, logits: logits)
    let rows = truth.sample(count: 20_000, using: &generator)
    let tree = try ChowLiuTree.fit(to: rows, pseudoCount: 1e-6)
    #expect(edges(tree) == edges(truth))
    // Twice the difference is χ² with 2·12 − 1 degrees of freedom; 70 has a probability of 10⁻⁶.
    let gain =
      tree.logProbabilities(of: rows).reduce(0, +) - truth.logProbabilities(of: rows).reduce(0, +)
    #expect(gain > 0 && gain < 35)
  }

  @Test func theOrderIsRootFirst() throws {
    let tree = ChowLiuTree(
      parents: [2, 4, nil, 2, 3, nil], logits: Matrix(rowCount: 2, columnCount: 6))
    #expect(tree.ordering.variables == [2, 5, 0, 3, 4, 1])
  }

  @Test func parentsThatMakeNoTree() async {
    await #expect(processExitsWith: .failure) {
      _ = ChowLiuTree(parents: [1, 0], logits: Matrix(rowCount: 2, columnCount: 2))
    }
  }
}

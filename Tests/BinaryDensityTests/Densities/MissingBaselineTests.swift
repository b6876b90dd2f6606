import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Baselines fitted to rows with missing cells")
struct MissingBaselineTests {
  @Test("marginals are counted over the rows that know; a column that none knows is even")
  func bernoulli() throws {
    let rows = PartialRows([[1, nil, 0], [1, nil, 1], [nil, nil, 1], [0, nil, 1]])
    let fitted = try IndependentBernoulli.fit(to: rows)
    let expected = [2.5 / 1.5, 1, 3.5 / 1.5].map { log($0) }
    for (logit, value) in zip(fitted.logits.elements, expected) { #expect(abs(Double(logit) - value) < 1e-6) }
  }

  @Test("rows of which all is known are fitted as ever, bit for bit", arguments: [1, 2] as [UInt64])
  func complete(seed: UInt64) throws {
    let rows = BinaryMatrix.dependent(300, 9, seed: seed)
    let partial = PartialRows(rows, knownColumns: 0..<9)
    #expect(try IndependentBernoulli.fit(to: partial).logits == IndependentBernoulli.fit(to: rows).logits)
    let trees = try (ChowLiuTree.fit(to: partial), ChowLiuTree.fit(to: rows))
    #expect(trees.0.logits == trees.1.logits && trees.0.parents == trees.1.parents)
    let mixtures = try (
      BernoulliMixture.fit(to: partial, componentCount: 4, seed: seed),
      BernoulliMixture.fit(to: rows, componentCount: 4, seed: seed)
    )
    #expect(mixtures.0.logits == mixtures.1.logits && mixtures.0.logWeights == mixtures.1.logWeights)
  }

  @Test(
    "expectation maximisation never lowers the likelihood of what is known", arguments: [0.05, 0.3, 0.7],
    [1, 2, 3, 4] as [UInt64])
  func monotone(share: Double, seed: UInt64) throws {
    let count = 3 + 9 * Int(seed)
    let rows = PartialRows(.dependent(200, count, seed: seed), hiding: share, seed: seed)
    func check(_ fit: ((FittingIteration) -> Bool) throws -> any TractableDensity) throws {
      var iterations: [FittingIteration] = []
      let density = try fit { iteration in
        iterations.append(iteration)
        return true
      }
      #expect(iterations.count > 2)
      for (before, after) in zip(iterations, iterations.dropFirst()) {
        // Counts are kept in single precision.
        #expect(after.objective > before.objective - 2e-6 * abs(before.objective))
      }
      // The likelihood that it tells of is that of the known cells, exactly.
      let exact = -density.logMarginals(of: rows).reduce(0, +) / 200
      #expect(abs((iterations.last?.trainingNLL ?? 0) - exact) < 1e-5 * exact)
    }
    // As the pseudo-count vanishes the objective is the likelihood.
    for pseudoCount in [0.5, 1e-3] {
      try check { observe in
        try ChowLiuTree.fit(
          to: rows, pseudoCount: pseudoCount, tolerance: 0, iterationLimit: 25, observing: observe)
      }
    }
    try check { observe in
      try BernoulliMixture.fit(
        to: rows, componentCount: 3, tolerance: 0, iterationLimit: 25, seed: seed, observing: observe)
    }
  }

  @Test(
    "an iteration is the best tree of the counts expected, by enumeration", arguments: [1, 2, 3] as [UInt64])
  func treeStep(seed: UInt64) throws {
    let count = 6
    let rows = PartialRows(.dependent(40, count, seed: seed), hiding: 0.5, seed: seed)
    let before = try ChowLiuTree.fit(to: rows, tolerance: 0, iterationLimit: 0)
    let after = try ChowLiuTree.fit(to: rows, tolerance: 0, iterationLimit: 1)
    // n_ij(a, b), from all completions of each row.
    let all = BinaryMatrix.allRows(ofWidth: count)
    let p = before.logProbabilities(of: all).map(exp)
    var counts = [[Double]](repeating: Array(repeating: 0.5, count: 4), count: count * count)
    for row in 0..<rows.rowCount {
      let agreeing = (0..<all.rowCount).filter { completion in
        (0..<count).allSatisfy { rows[row, $0] == nil || rows[row, $0] == all[completion, $0] }
      }
      let total = agreeing.reduce(0) { $0 + p[$1] }
      for completion in agreeing {
        for i in 0..<count {
          for j in 0..<count where i != j {
            counts[i * count + j][(all[completion, i] ? 2 : 0) + (all[completion, j] ? 1 : 0)] +=
              p[completion] / total
          }
        }
      }
    }
    func information(_ i: Int, _ j: Int) -> Double {
      let n = counts[i * count + j]
      let total = n.reduce(0, +)
      return (0..<4).reduce(0) { sum, place in
        let (a, b) = (place / 2, place % 2)
        return sum + n[place] / total
          * log(n[place] * total / ((n[2 * a] + n[2 * a + 1]) * (n[b] + n[2 + b])))
      }
    }
    // Kruskal's algorithm, where the fit uses Prim's.
    var group = Array(0..<count)
    var best = 0.0
    let edges = (0..<count).flatMap { i in (0..<i).map { (i, $0) } }
    for (i, j) in edges.sorted(by: { information($0.0, $0.1) > information($1.0, $1.1) })
    where group[i] != group[j] {
      best += information(i, j)
      let old = group[j]
      for k in group.indices where group[k] == old { group[k] = group[i] }
    }
    var weight = 0.0
    for (i, parent) in after.parents.enumerated() {
      guard let parent else { continue }
      weight += information(parent, i)
      let n = counts[parent * count + i]
      #expect(abs(Double(after.logits[0, i]) - log(n[1] / n[0])) < 1e-5)
      #expect(abs(Double(after.logits[1, i]) - log(n[3] / n[2])) < 1e-5)
    }
    #expect(abs(weight - best) < 1e-5)
  }

  @Test("what is fitted does not depend on the number of threads")
  func threads() throws {
    let rows = PartialRows(.dependent(1500, 12, seed: 4), hiding: 0.4, seed: 4)
    let fits = try [1, 2, 3].map { count in
      try Threads.run(on: count) { try ChowLiuTree.fit(to: rows, iterationLimit: 4) }
    }
    #expect(Set(fits.map(\.logits.elements)).count == 1)
  }

  @Test("rows that know nothing say nothing")
  func silentRows() throws {
    let rows = PartialRows(.dependent(100, 5, seed: 1), hiding: 0.3, seed: 1)
    let more = PartialRows(
      values: rows.values + BinaryMatrix(rowCount: 50, columnCount: 5),
      known: rows.known + BinaryMatrix(rowCount: 50, columnCount: 5))
    #expect(try IndependentBernoulli.fit(to: rows).logits == IndependentBernoulli.fit(to: more).logits)
    let trees = try [rows, more].map { try ChowLiuTree.fit(to: $0, pseudoCount: 1e-6, tolerance: 0) }
    let all = BinaryMatrix.allRows(ofWidth: 5)
    for (a, b) in zip(trees[0].logProbabilities(of: all), trees[1].logProbabilities(of: all)) {
      // Both end at the same maximum, from the same start.
      #expect(abs(exp(a) - exp(b)) < 2e-3)
    }
  }

  @Test("a truth is found again, whatever chance hides", arguments: [0.2, 0.5], [1, 2] as [UInt64])
  func recovery(share: Double, seed: UInt64) throws {
    let rows = TrainingCase.chain(rowCount: 6000, variableCount: 8, seed: seed)
    let held = TrainingCase.chain(rowCount: 3000, variableCount: 8, seed: seed + 100)
    let tree = try ChowLiuTree.fit(to: PartialRows(rows, hiding: share, seed: seed))
    let excess = DensitySearch.nll(tree, held) - TrainingCase.chainFigure(held)
    #expect(excess < 0.01, "\(excess) nats")
    // Zeros in the place of what is missing cost far more.
    let zeros = try ChowLiuTree.fit(to: PartialRows(rows, hiding: share, seed: seed).values)
    #expect(DensitySearch.nll(zeros, held) - TrainingCase.chainFigure(held) > 0.3)
  }

  @Test("what is not missing by chance biases what is learnt")
  func notAtRandom() throws {
    // Fair coins; heads are hidden in half of the cases: of what is known a third are heads.
    var generator = Philox(seed: 5)
    let rows = BinaryMatrix(rowCount: 20_000, columnCount: 2) { _, _ in Bool.random(using: &generator) }
    let known = BinaryMatrix(rowCount: 20_000, columnCount: 2) { row, column in
      column == 1 || !rows[row, column] || Bool.random(using: &generator)
    }
    for density in [
      try IndependentBernoulli.fit(to: PartialRows(values: rows, known: known)) as any TractableDensity,
      try ChowLiuTree.fit(to: PartialRows(values: rows, known: known)),
    ] {
      let p = density.logMarginals(of: PartialRows([[1, nil], [nil, 1]])).map(exp)
      #expect(abs(p[0] - 1 / 3.0) < 0.01 && abs(p[1] - 0.5) < 0.01)
    }
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Numbers of on-bits, and all others")
struct OnBitTests {
  @Test("p of each variable given all others equals enumeration", arguments: InferenceCase.all)
  func others(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(6)
    let count = density.variableCount
    let rows = BinaryMatrix.random(5, count, seed: 2)
    let found = try density.inference().logConditionalsGivenAllOthers(of: rows)
    for row in 0..<5 {
      let own = density.logProbabilities(of: rows.rows(row..<row + 1))[0]
      for column in 0..<count {
        var flipped = rows.rows(row..<row + 1)
        flipped[0, column].toggle()
        let other = density.logProbabilities(of: flipped)[0]
        #expect(abs(found[row, column] + log1p(exp(other - own))) < 1e-5)
      }
    }
  }

  @Test("of wide trees and mixtures all flips of a row are as its marginals, in double precision")
  func flips() throws {
    let count = 3000
    let z = Matrix<Float>.uniform(count, 4, in: -3...3, seed: 3)
    let tree = ChowLiuTree(
      parents: (0..<count).map { $0 == 0 ? nil : ($0 - 1) / 2 },
      logits: Matrix(rowCount: 2, columnCount: count) { z[$1, $1 == 0 ? 0 : $0] })
    let mixture = BernoulliMixture(
      logits: Matrix(rowCount: count, columnCount: 3) { 2 * z[$0, $1] - 1 },
      logWeights: Matrix(rowCount: 1, columnCount: 3, elements: [0, -1, 1]))
    let independent = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: count) { z[$1, 3] })
    let rows = BinaryMatrix.random(2, count, seed: 4)
    func logProbability(_ density: any Density, _ rows: BinaryMatrix) throws -> Double {
      let whole = PartialRows(rows, knownColumns: 0..<count)
      return try #require(try density.inference().logMarginals(of: whole))[1].value
    }
    for density in [tree, mixture, independent, Mixture([tree, mixture])] as [any Density] {
      let found = try density.inference().logConditionalsGivenAllOthers(of: rows)
      let own = try logProbability(density, rows)
      for column in stride(from: 0, to: count, by: 271) {
        var flipped = rows
        flipped[1, column].toggle()
        let other = try logProbability(density, flipped)
        #expect(abs(found[1, column] + log1p(exp(other - own))) < 1e-9)
      }
    }
  }

  /// With a table, by the tractable density itself, and by particles that look ahead.
  @Test("rows with a number of on-bits come up as often as they should", arguments: InferenceCase.some)
  func frequencies(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(6)
    let count = density.variableCount
    let truth = Enumerated(density)
    var evidence = PartialRows(rowCount: 1, columnCount: count)
    evidence[0, 1] = true
    for limit in [20, 0] {
      var options = Inference.Options()
      options.tabulationLimit = limit
      var generator = Philox(seed: 3)
      // One draw of each of many filters, for those of one depend on each other.
      let repeated = evidence.selecting(Array(repeating: 0, count: 1000))
      let found = try density.inference(options).sample(given: repeated, onBitCount: 3, using: &generator)
      let rows = try #require(found).rows
      let wanted = (0..<truth.rows.rowCount).filter {
        truth.rows[$0, 1] && truth.rows.onBitCount(ofRow: $0) == 3
      }
      let total = wanted.reduce(0) { $0 + exp(truth.logProbabilities[$1]) }
      #expect((0..<1000).allSatisfy { rows[$0, 1] && rows.onBitCount(ofRow: $0) == 3 })
      for index in wanted {
        let p = exp(truth.logProbabilities[index]) / total
        let frequency = Double((0..<1000).count { rows[row: $0] == truth.rows[row: index] }) / 1000
        // Some 400 comparisons at five standard deviations: a false alarm in 4000 runs of new seeds.
        #expect(abs(frequency - p) < 5 * (p * (1 - p) / 1000).squareRoot() + 1e-3)
      }
    }
  }

  @Test("a number of on-bits that no row can have is refused")
  func impossible() throws {
    let density = try ModelCase.nade(8, 17).model(seed: 1)
    var generator = Philox(seed: 3)
    let evidence = PartialRows([[1, 1, nil, nil, 0, 0, 0, 0]])
    for count in [1, 5] {
      #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: count)) {
        try density.inference().sample(given: evidence, onBitCount: count, using: &generator)
      }
    }
    #expect(try density.inference().sample(given: evidence, onBitCount: 4, using: &generator) != nil)
  }

  @Test("a low temperature draws the greedy row, a temperature of 1 from p")
  func temperature() throws {
    for inferenceCase in InferenceCase.all where inferenceCase.testDescription.hasPrefix("NADE of 8") {
      let density = try inferenceCase.density(6)
      var generator = Philox(seed: 3)
      let nothing = PartialRows(rowCount: 20, columnCount: 8)
      let cold = try #require(
        try density.inference().sample(given: nothing, temperature: 1e-4, using: &generator)
      ).rows
      var greedy = BinaryMatrix(rowCount: 1, columnCount: 8)
      for variable in try density.chain().ordering.variables {
        greedy[0, variable] = try density.chain().conditionalLogits(of: greedy)[0, variable] > 0
      }
      #expect((0..<20).allSatisfy { cold[row: $0] == greedy[row: 0] })
    }
    // Of a tractable density whatever is known comes first.
    let tree = try BaselineCase.tree.density(7, seed: 1)
    var generator = Philox(seed: 3)
    let evidence = PartialRows([[nil, nil, 1, nil, nil, 0, nil], [nil, nil, nil, nil, nil, nil, 1]])
    let rows = try #require(
      try tree.inference().sample(given: evidence, count: 10, temperature: 0.01, using: &generator)
    ).rows
    #expect((0..<10).allSatisfy { rows[$0, 2] && !rows[$0, 5] && rows[row: $0] == rows[row: 0] })
    #expect((10..<20).allSatisfy { rows[$0, 6] })
  }
}

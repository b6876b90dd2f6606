import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Mixtures of Bernoullis")
struct BernoulliMixtureTests {
  /// The iterations of a fit that goes on to its limit whatever it finds.
  private func iterations(
    _ rows: BinaryMatrix, componentCount: Int, pseudoCount: Double, seed: UInt64
  ) throws -> [BernoulliMixture.Iteration] {
    var found: [BernoulliMixture.Iteration] = []
    _ = try BernoulliMixture.fit(
      to: rows, componentCount: componentCount, pseudoCount: pseudoCount, tolerance: -.infinity,
      iterationLimit: 30, seed: seed
    ) {
      found.append($0)
      return true
    }
    #expect(found.map(\.number) == Array(0...30))
    return found
  }

  /// A row's log p is a sum of D + 1 terms in Float, none of which is above 30 in these fits.
  private func slack(_ rows: BinaryMatrix) -> Double {
    1.01 * Double(rows.columnCount + 13) * roundoff * 30 * Double(rows.columnCount) * Double(rows.rowCount)
  }

  @Test(
    "EM never lowers its objective, nor the likelihood if the prior is nothing",
    arguments: [1, 2, 7, 40], [1, 2] as [UInt64])
  func rises(_ componentCount: Int, seed: UInt64) throws {
    let rows = BinaryMatrix.dependent(300, 12, seed: seed)
    #expect(slack(rows) < 2)
    let smoothed = try iterations(rows, componentCount: componentCount, pseudoCount: 0.5, seed: seed)
    for (before, after) in zip(smoothed, smoothed.dropFirst()) {
      #expect(after.objective >= before.objective - slack(rows))
    }
    let plain = try iterations(rows, componentCount: componentCount, pseudoCount: 1e-9, seed: seed)
    for (before, after) in zip(plain, plain.dropFirst()) {
      #expect(after.trainingNLL <= before.trainingNLL + slack(rows) / 300)
    }
    #expect(componentCount == 1 || (plain.last?.trainingNLL ?? 0) < (plain.first?.trainingNLL ?? 0) - 0.1)
  }

  @Test("a step of EM is its definition")
  func step() throws {
    let rows = BinaryMatrix.dependent(50, 6, seed: 4)
    func fit(_ limit: Int) throws -> BernoulliMixture {
      try BernoulliMixture.fit(
        to: rows, componentCount: 3, pseudoCount: 0.8, tolerance: -.infinity, iterationLimit: limit, seed: 2)
    }
    let (before, after) = (try fit(4), try fit(5))
    func sigmoid(_ z: Float) -> Double { 1 / (1 + exp(-Double(z))) }
    var ones = [[Double]](repeating: [0, 0, 0], count: 6)
    var totals = [0.0, 0, 0]
    for row in 0..<50 {
      let joint = (0..<3).map { k in
        (0..<6).reduce(before.weights[k]) { p, i in
          let q = sigmoid(before.logits[i, k])
          return p * (rows[row, i] ? q : 1 - q)
        }
      }
      for k in 0..<3 {
        let share = joint[k] / joint.reduce(0, +)
        totals[k] += share
        for i in 0..<6 where rows[row, i] { ones[i][k] += share }
      }
    }
    for k in 0..<3 {
      #expect(abs(after.weights[k] - (totals[k] + 0.8) / (50 + 3 * 0.8)) < 1e-5)
      for (i, mean) in rows.columnMeans.enumerated() {
        let marginal = (mean * 50 + 0.5) / 51
        let expected = (ones[i][k] + 0.8 * marginal) / (totals[k] + 0.8)
        #expect(abs(sigmoid(after.logits[i, k]) - expected) < 1e-5)
      }
    }
  }

  @Test("what was best on the validation rows is returned, and a word ends the fit")
  func validation() throws {
    let rows = BinaryMatrix.dependent(60, 15, seed: 5)
    let held = BinaryMatrix.dependent(60, 15, seed: 5).selecting(stride(from: 0, to: 60, by: 7).map { $0 })
    for validation in [held, BinaryMatrix.random(40, 15, seed: 1)] {
      var figures: [Double] = []
      let mixture = try BernoulliMixture.fit(
        to: rows, validation: validation, componentCount: 20, pseudoCount: 0.1, seed: 3
      ) {
        figures.append($0.validationNLL ?? 0)
        return true
      }
      let found = -mixture.logProbabilities(of: validation).reduce(0, +) / Double(validation.rowCount)
      #expect(found == figures.min())
    }
    var count = 0
    _ = try BernoulliMixture.fit(to: rows, componentCount: 20) { _ in
      count += 1
      return count < 3
    }
    #expect(count == 3)
  }

  @Test("a fit is a function of its seed, not of the number of threads")
  func determinism() throws {
    let rows = BinaryMatrix.dependent(700, 40, seed: 6)
    func fit(_ threadCount: Int, seed: UInt64) throws -> [UInt32] {
      try Threads.run(on: threadCount) {
        try BernoulliMixture.fit(to: rows, componentCount: 33, iterationLimit: 5, seed: seed)
          .logits.bitPatterns
      }
    }
    #expect(try fit(1, seed: 1) == fit(3, seed: 1))
    #expect(try fit(1, seed: 1) != fit(1, seed: 2))
  }

  @Test func noComponents() {
    #expect(throws: DensityError.self) {
      try BernoulliMixture.fit(to: .allRows(ofWidth: 2), componentCount: 0)
    }
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Missing cells drawn from a density")
struct MissingCellSamplerTests {
  /// Five variables each: chains, several masks over several orders, an EoNADE, a mixture with a tree.
  static let densities: [@Sendable () throws -> any Density] = [
    { try ModelCase.nade(5, 7).model(seed: 3, spread: 2) },
    { try ModelCase.fvsbn(5, ordering: .random).model(seed: 4, spread: 2) },
    { try ModelCase.made(5, [9], masks: 3, ordering: .resampled).model(seed: 5, spread: 2) },
    { try EoNADECase(5, [6], orders: 2).model(seed: 6, spread: 2) },
    {
      Mixture(
        [
          try ModelCase.nade(5, 7).model(seed: 7, spread: 2),
          try ChowLiuTree.fit(to: .dependent(50, 5, seed: 1)),
        ], weights: [0.3, 0.7])
    },
  ]

  /// Known: at the end, in the middle, at the beginning, nothing, everything.
  static let evidence: [[Int?]] = [
    [nil, nil, nil, 1, 0], [nil, 1, nil, 1, nil], [0, 1, nil, nil, nil], [nil, nil, nil, nil, nil],
    [1, 0, 0, 1, 1],
  ]

  /// The completions of a row of evidence, and their probabilities.
  private func completions(_ density: any Density, _ evidence: [Int?]) -> (rows: [Int], p: [Double]) {
    let all = density.logProbabilities(of: .allRows(ofWidth: 5)).map(exp)
    let rows = all.indices.filter { row in
      evidence.enumerated().allSatisfy { $1 == nil || $1 == row >> $0 & 1 }
    }
    return (rows, rows.map { all[$0] })
  }

  @Test("estimates of p(known) are unbiased", arguments: densities.indices, [1, 3])
  func unbiased(index: Int, particleCount: Int) throws {
    let density = try Self.densities[index]()
    let copies = 4000
    for evidence in Self.evidence {
      let rows = PartialRows(Array(repeating: evidence, count: copies))
      let terms = try #require(
        try MissingCellSampler(density).logMarginals(of: rows, particleCount: particleCount, seed: 2))
      let exact = completions(density, evidence).p.reduce(0, +)
      let p = terms.map(exp)
      let mean = p.reduce(0, +) / Double(copies)
      let variance = p.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(copies - 1)
      // Five standard errors: one in two million.
      #expect(abs(mean - exact) < 5 * (variance / Double(copies)).squareRoot() + 1e-5 * exact, "\(evidence)")
    }
  }

  @Test("drawing anew keeps the conditional distribution, with two particles", arguments: densities.indices)
  func invariant(index: Int) throws {
    let density = try Self.densities[index]()
    let copies = 8000
    for evidence in Self.evidence {
      let rows = PartialRows(Array(repeating: evidence, count: copies))
      let (choices, p) = completions(density, evidence)
      let total = p.reduce(0, +)
      var generator = Philox(seed: 8)
      let drawn = (0..<copies).map { _ -> Int in
        var u = Double.random(in: 0..<total, using: &generator)
        for (choice, weight) in zip(choices, p) {
          u -= weight
          if u < 0 { return choice }
        }
        return choices[choices.count - 1]
      }
      let start = BinaryMatrix(rowCount: copies, columnCount: 5) { drawn[$0] >> $1 & 1 == 1 }
      let sampler = try MissingCellSampler(density)
      // From exact draws once; from one and the same completion often enough to forget it.
      let fixed = BinaryMatrix(rowCount: copies, columnCount: 5) {
        choices[choices.count - 1] >> $1 & 1 == 1 || $0 < 0
      }
      for (current, rounds, particleCount) in [(start, 1, 2), (fixed, 40, 4)] {
        var current = current
        for round in 1...rounds {
          current = try #require(
            try sampler.redrawing(current, of: rows, particleCount: particleCount, seed: 4, round: round))
        }
        var tally: [Int: Double] = [:]
        for row in 0..<copies {
          tally[
            current[row: row].enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }, default: 0] +=
            1
        }
        #expect(Set(tally.keys).isSubset(of: choices))
        for (choice, weight) in zip(choices, p) {
          let share = weight / total
          let deviation = (share * (1 - share) / Double(copies)).squareRoot()
          #expect(
            abs(tally[choice, default: 0] / Double(copies) - share) < 5 * deviation + 1e-4,
            "\(evidence) \(choice) after \(rounds)")
        }
      }
    }
  }

  @Test(
    "the same bits for any number of threads, and for rows in other company", arguments: densities.indices)
  func reproducible(index: Int) throws {
    let density = try Self.densities[index]()
    let rows = PartialRows(.dependent(300, 5, seed: 2), hiding: 0.5, seed: 3)
    let sampler = try MissingCellSampler(density)
    func draw(_ threads: Int, seed: UInt64 = 5, round: Int = 1) throws -> BinaryMatrix {
      try Threads.run(on: threads) {
        try #require(
          try sampler.redrawing(rows.values, of: rows, particleCount: 3, seed: seed, round: round))
      }
    }
    let drawn = try draw(1)
    #expect(try draw(2) == drawn && draw(3) == drawn)
    #expect(try draw(2, seed: 6) != drawn && draw(2, round: 2) != drawn)
    for row in 0..<300 {
      for column in 0..<5 where rows[row, column] != nil {
        #expect(rows[row, column] == drawn[row, column])
      }
    }
  }

  @Test("what has neither conditionals nor components is refused")
  func refused() {
    struct Opaque: Density {
      let variableCount = 2
      func logProbabilities(of rows: BinaryMatrix) -> [Double] { Array(repeating: -1, count: rows.rowCount) }
    }
    #expect(throws: DensityError.self) { try MissingCellSampler(Opaque()) }
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing

/// Particles that have learnt what evidence to come asks for: unbiased as blind ones are, and better where it comes late.
@Suite("Estimates by tilted particles")
struct TiltedEstimateTests {
  /// Fair coins, and at the end four variables that are on only if most coins are.
  private static func lateEvidence() throws -> (density: FVSBN, evidence: PartialRows) {
    var density = try FVSBN(.init(variableCount: 16), seed: 1)
    density.parameters["w"] = Matrix(rowCount: 16, columnCount: 16) { from, to in
      to >= 12 && from < 12 ? (from % 3 == 0 ? 1.5 : 0.8) : 0
    }
    density.parameters["b"] = Matrix(rowCount: 1, columnCount: 16) { _, to in to >= 12 ? -9 : 0 }
    var evidence = PartialRows(rowCount: 1, columnCount: 16)
    for column in 12..<16 { evidence[0, column] = true }
    return (density, evidence)
  }

  /// As many particles as the limit says: all blind, or, with an error to reach that none reaches, the last of them tilted.
  private func options(particleCount: Int, limit: Int, isTilted: Bool, seed: UInt64) -> Inference.Options {
    var options = Inference.Options(
      particleCount: particleCount, particleLimit: limit, targetError: isTilted ? 1e-12 : nil,
      enumerationSeconds: 0, seed: seed)
    options.tabulationLimit = 0
    return options
  }

  /// The mean of p̂ / p over 200 seeds is 1, but for four of its own standard errors, which 1 of 15 000 means misses.
  @Test("tilted estimates are unbiased", arguments: InferenceCase.some)
  func unbiased(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(4)
    let truth = Enumerated(density)
    let evidence = PartialRows.random(3, density.variableCount, seed: 9)
    var ratios = Array(repeating: [Double](), count: 3)
    for seed in 0..<200 {
      let options = options(particleCount: 64, limit: 128, isTilted: true, seed: UInt64(seed))
      let answers = try #require(try density.inference(options).logMarginals(of: evidence))
      for row in 0..<3 where !answers[row].isExact {
        ratios[row].append(exp(answers[row].value - truth.logMarginal(evidence, row: row)))
      }
    }
    #expect(ratios.contains { !$0.isEmpty })
    for ratios in ratios where !ratios.isEmpty {
      let mean = ratios.reduce(0, +) / Double(ratios.count)
      let squares = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let error = (squares / Double(ratios.count - 1) / Double(ratios.count)).squareRoot()
      #expect(abs(mean - 1) < 4 * error + 1e-5, "\(mean) ± \(error)")
      #expect(error < 0.05)
    }
  }

  @Test("where evidence comes late, they are better than as many blind ones")
  func late() throws {
    let (density, evidence) = try Self.lateEvidence()
    let truth = Enumerated(density).logMarginal(evidence, row: 0)
    func meanSquare(isTilted: Bool) throws -> Double {
      var sum = 0.0
      for seed in 0..<40 {
        let options = options(
          particleCount: isTilted ? 256 : 512, limit: 512, isTilted: isTilted, seed: UInt64(seed))
        let answer = try #require(try density.inference(options).logMarginals(of: evidence)?.first)
        #expect(!answer.isExact)
        sum += (answer.value - truth) * (answer.value - truth)
      }
      return sum / 40
    }
    let (blind, tilted) = (try meanSquare(isTilted: false), try meanSquare(isTilted: true))
    #expect(tilted < 0.25 * blind, "\(tilted) of \(blind)")
  }

  @Test("draws given late evidence are those of the enumerated conditional")
  func completions() throws {
    let (density, evidence) = try Self.lateEvidence()
    let all = Enumerated(density)
    // How often each coin is on, given the evidence.
    var expected = [Double](repeating: 0, count: 12)
    var total = 0.0
    for row in 0..<all.rows.rowCount where all.agrees(row, with: evidence, row: 0) {
      let p = exp(all.logProbabilities[row])
      total += p
      for column in 0..<12 where all.rows[row, column] { expected[column] += p }
    }
    var generator = Philox(seed: 11)
    let options = options(particleCount: 2048, limit: 2048, isTilted: false, seed: 0)
    let drawn = try #require(
      try density.inference(options).sample(given: evidence, count: 2000, using: &generator))
    for column in 0..<12 {
      let share = Double((0..<2000).count { drawn.rows[$0, column] }) / 2000
      // Four standard errors of a share, and what 256 particles of a draw, worth a tenth of that, are biased by.
      let wanted = expected[column] / total
      #expect(abs(share - wanted) < 0.06, "\(column): \(share), \(wanted)")
    }
  }

  @Test("a row's particles grow by its own error, whatever rows stand beside, on any number of threads")
  func company() throws {
    let density = try InferenceCase.some[0].density(9)
    let evidence = PartialRows.random(9, density.variableCount, seed: 6)
    var options = options(particleCount: 64, limit: 1 << 14, isTilted: true, seed: 3)
    options.targetError = 0.01
    let inference = try density.inference(options)
    let answers = try [1, 3].map { count in
      try Threads.run(on: count) { try inference.logMarginals(of: evidence) }
    }
    #expect(answers[0] == answers[1])
    for row in 0..<9 {
      let alone = try inference.logMarginals(of: evidence.selecting([row]), firstRow: row)
      #expect(alone?.first == answers[0]?[row])
    }
  }
}

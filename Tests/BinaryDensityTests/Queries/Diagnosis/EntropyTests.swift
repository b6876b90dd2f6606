import BinaryDensity
import Foundation
import Kernels
import Testing

/// Options by which few variables are not tabulated, but drawn.
func drawing(_ rowCount: Int, seed: UInt64 = 0, targetError: Double? = nil) -> EntropyOptions {
  var options = EntropyOptions(rowCount: rowCount, targetError: targetError, seed: seed)
  options.tabulationLimit = 0
  return options
}

/// A density of one bit more than is tabulated, that can only be asked for log p of rows.
private struct Opaque: Density {
  var variableCount = 21
  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Array(repeating: -Double(variableCount) * log(2), count: rows.rowCount)
  }
}

/// All bits are equal, and 1 with a probability of 1e-9: without conditionals.
private struct Rare: Density {
  let variableCount = 30
  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    (0..<rows.rowCount).map { rows.onBitCount(ofRow: $0) == 0 ? log1p(-1e-9) : log(1e-9) }
  }
  func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix { BinaryMatrix(rowCount: count, columnCount: variableCount) }
}

@Suite("Entropy")
struct EntropyTests {
  private func enumerated(_ density: any Density) -> Double {
    Enumerated(density).logProbabilities.reduce(0) { $0 - exp($1) * $1 }
  }

  @Test("few variables are enumerated, and draws agree with that", arguments: InferenceCase.all)
  func enumeration(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(5)
    let expected = enumerated(density)
    let exact = try #require(try density.entropy())
    #expect(exact.isExact && abs(exact.value - expected) <= 1e-5 * max(1, expected))
    let drawn = try #require(try density.entropy(drawing(2000)))
    // Five standard errors, for some thirty densities; what is constant errs by rounding alone.
    let error = drawn.standardError ?? 0
    #expect(abs(drawn.value - expected) <= 5 * error + 1e-5 * max(1, expected), "\(drawn), not \(expected)")
    #expect(error < 0.05)
    #expect(drawn.isExact == (density is IndependentBernoulli || density is ChowLiuTree))
  }

  @Test("trees and independent variables of any number have it in closed form")
  func forests() throws {
    for seed in [UInt64(1), 2, 3] {
      let tree = try ChowLiuTree.fit(to: .dependent(300, 12, seed: seed))
      let found = try #require(try tree.entropy(drawing(2)))
      let expected = enumerated(tree)
      #expect(found.isExact && abs(found.value - expected) < 1e-9 * expected)
    }
    // h of σ(0), σ(log 3) = 3/4, and of what is nearly certain, 80 e⁻⁸⁰ in both directions.
    let bits = IndependentBernoulli(
      logits: Matrix(rowCount: 1, columnCount: 30) { _, i in
        i == 0 ? 0 : i == 1 ? Float(log(3.0)) : i % 2 == 0 ? 80 : -80
      })
    let expected = log(2) + 2 * log(2) - 0.75 * log(3)
    let found = try #require(try bits.entropy())
    #expect(found.isExact && abs(found.value - expected) < 1e-7)
  }

  @Test("a conditional's cost by hand")
  func terms() {
    let even = LogitTerms(0)
    #expect(even.on == 0.5 && even.off == 0.5 && even.costOfOn == log(2) && even.costOfOff == log(2))
    let odd = LogitTerms(log(3.0))
    #expect(abs(odd.on - 0.75) < 1e-7 && abs(odd.costOfOff - log(4)) < 1e-7)
    #expect(abs(even.meanCost(under: odd) - (log(4.0 / 3) + log(4)) / 2) < 1e-7)
    let sure = LogitTerms(-100)
    #expect(abs(sure.on / 3.7200759760208361e-44 - 1) < 1e-12 && sure.costOfOn == 100)
    #expect(abs(sure.meanCost(under: sure) / (101 * sure.on) - 1) < 1e-12)
    for infinite in [LogitTerms(.infinity), LogitTerms(-.infinity)] {
      #expect(infinite.meanCost(under: infinite) == 0)
      #expect(even.meanCost(under: infinite) == .infinity && infinite.meanCost(under: even) == log(2))
    }
  }

  @Test("means of parts are the mean of all")
  func runningMean() {
    var generator = Philox(seed: 8)
    let values = (0..<1000).map { _ in 1000 + Double.random(in: 0..<1, using: &generator) }
    var mean = RunningMean()
    for start in stride(from: 0, to: 1000, by: 64) { mean.add(Array(values[start..<min(1000, start + 64)])) }
    let expected = values.reduce(0, +) / 1000
    let squares = values.reduce(0) { $0 + ($1 - expected) * ($1 - expected) }
    #expect(mean.count == 1000 && abs(mean.mean - expected) < 1e-10)
    #expect(abs(mean.standardError / (squares / 999 / 1000).squareRoot() - 1) < 1e-9)
    mean.add([1, .infinity])
    #expect(mean.measured == Measured(.infinity))
  }

  @Test("the mean of conditional entropies scatters less than log p")
  func variance() throws {
    let network = try ModelCase.nade(9, 7, .relu, ordering: .random).model(seed: 3)
    let found = try #require(try network.entropy(drawing(4000)))
    var generator = Philox(seed: 1)
    let scores = try network.sampleWithLogProbabilities(count: 4000, using: &generator).logProbabilities
    let plain = LikelihoodSummary(logProbabilities: scores, variableCount: 9)
    #expect(try #require(found.standardError) < 0.8 * (try #require(plain.standardError)))
    #expect(abs(found.value - plain.negativeLogLikelihood) < 5 * (plain.standardError ?? 0))
  }

  @Test("the same bits for any number of threads; others by another seed")
  func reproducible() throws {
    for density in [
      try CompositeCase.mixture.density(seed: 2),
      try ModelCase.nade(9, 7, .relu, ordering: .random).model(seed: 2),
    ] {
      let found = try Threads.run(on: 1) { try density.entropy(drawing(3000)) }
      #expect(try Threads.run(on: 3) { try density.entropy(drawing(3000)) } == found)
      #expect(try density.entropy(drawing(3000, seed: 1)) != found)
    }
  }

  @Test("draws go on until the error is reached, or there are as many as may be")
  func target() throws {
    let density = try CompositeCase.mixture.density(seed: 4)
    let few = try #require(try density.entropy(drawing(100))?.standardError)
    let reached = try #require(try density.entropy(drawing(100, targetError: few / 8))?.standardError)
    #expect(reached <= few / 8 && reached > few / 12)
    var options = drawing(100, targetError: few / 1000)
    options.rowLimit = 400
    let limited = try #require(try density.entropy(options)?.standardError)
    #expect(limited < few && limited > few / 3)
  }

  @Test("progress is told, and the work can be stopped")
  func stopping() throws {
    let density = try CompositeCase.mixture.density(seed: 4)
    var told: [Double] = []
    let found = try density.entropy(drawing(5000)) { (fraction) throws(DensityError) in
      told.append(fraction)
      return true
    }
    #expect(found != nil && told.count == 5 && told.last == 1 && told == told.sorted())
    for options in [drawing(5000), EntropyOptions()] {
      #expect(try density.entropy(options) { (_) throws(DensityError) in false } == nil)
    }
  }

  @Test("what cannot be said is not said")
  func refusals() throws {
    #expect(throws: DensityError.self) { try Opaque().entropy() }
    let small = try #require(try Opaque(variableCount: 20).entropy())
    #expect(small.isExact && abs(small.value - 20 * log(2)) < 1e-9)
    // All draws are equal: what else there is they do not tell.
    let rare = try #require(try Rare().entropy(drawing(1000)))
    #expect(!rare.isExact && rare.standardError == .infinity)
    for options in [
      EntropyOptions(rowCount: 1), EntropyOptions(targetError: 0), EntropyOptions(targetError: .nan),
    ] { #expect(throws: DensityError.self) { try Rare().entropy(options) } }
  }
}

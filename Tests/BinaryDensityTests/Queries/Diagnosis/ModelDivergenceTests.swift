import BinaryDensity
import Foundation
import Kernels
import Testing

/// The first bit is as given, the others are fair coins: without conditionals.
private struct Decided: Density {
  let first: Bool
  let variableCount: Int

  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    (0..<rows.rowCount).map { rows[$0, 0] == first ? -Double(variableCount - 1) * log(2) : -.infinity }
  }

  func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    BinaryMatrix(rowCount: count, columnCount: variableCount) {
      $1 == 0 ? first : Bool.random(using: &generator)
    }
  }
}

@Suite("Divergences between densities")
struct ModelDivergenceTests {
  /// KL(p‖q), KL(q‖p) and JS by their definitions.
  private func enumerated(_ p: any Density, _ q: any Density) -> (Double, Double, Double) {
    let (a, b) = (Enumerated(p).logProbabilities, Enumerated(q).logProbabilities)
    let middle = zip(a, b).map { log((exp($0) + exp($1)) / 2) }
    func divergence(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }
    return (divergence(a, b), divergence(b, a), (divergence(a, middle) + divergence(b, middle)) / 2)
  }

  @Test("few variables are enumerated, and draws agree with that", arguments: InferenceCase.all)
  func enumeration(_ inferenceCase: InferenceCase) throws {
    let p = try inferenceCase.density(5)
    let count = p.variableCount
    // Of another seed, with an order of its own; and a tree, which has every order.
    for q in [try inferenceCase.density(6), try BaselineCase.tree.density(count, seed: 9)] {
      let (forward, reverse, middle) = enumerated(p, q)
      let exact = try #require(try p.divergence(to: q))
      #expect(exact.drawCount == 0 && exact.largestStandardError == 0)
      let drawn = try #require(try p.divergence(to: q, drawing(2000)))
      #expect(drawn.drawCount == 2000)
      let figures: [(String, Measured, Measured, Double)] = [
        ("KL(p‖q)", exact.forward, drawn.forward, forward),
        ("KL(q‖p)", exact.reverse, drawn.reverse, reverse),
        ("JS", exact.jensenShannon, drawn.jensenShannon, middle),
        ("H(p, q)", exact.crossEntropy, drawn.crossEntropy, try #require(try p.entropy()).value + forward),
        (
          "H(q, p)", exact.reverseCrossEntropy, drawn.reverseCrossEntropy,
          try #require(try q.entropy()).value + reverse
        ),
      ]
      for (name, figure, estimate, expected) in figures {
        #expect(figure.isExact && abs(figure.value - expected) <= 2e-5 * max(1, expected), "\(name)")
        let error = try #require(estimate.standardError)
        #expect(
          abs(estimate.value - expected) <= 5 * error + 2e-5 * max(1, expected),
          "\(name): \(estimate), not \(expected)")
        #expect(error < 0.25, "\(name): \(estimate)")
      }
    }
  }

  @Test func handComputed() throws {
    // p(1) = 3/4 against 1/2, three times.
    let p = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 3) { _, _ in Float(log(3.0)) })
    let q = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 3))
    let found = try #require(try p.divergence(to: q))
    // 3/4 log (3/2) + 1/4 log (1/2), and 1/2 log (2/3) + 1/2 log 2, of each bit.
    let forward = 0.75 * log(1.5) - 0.25 * log(2.0)
    let reverse = 0.5 * log(4.0 / 3)
    #expect(abs(found.forward.value - 3 * forward) < 1e-6)
    #expect(abs(found.reverse.value - 3 * reverse) < 1e-6)
    #expect(abs(found.crossEntropy.value - 3 * log(2.0)) < 1e-6)
    // Along one order and of conditionals that do not depend on the row nothing scatters; the error is one row's of 100.
    let drawn = try #require(try p.divergence(to: q, drawing(100)))
    #expect(
      abs(drawn.forward.value - found.forward.value) < 1e-6
        && abs((drawn.forward.standardError ?? 1) - 0.03 * log(2)) < 1e-12)
    #expect(drawn.entropy.isExact && drawn.otherEntropy.isExact)
  }

  @Test("what a row tells of which of two densities it is from")
  func informationOfARow() {
    for ratio in [0, 1e-4, 9.99e-4, 1.001e-3, 0.1, 1, 20, 690, 710, 1e6, .infinity] {
      let p = 1 / (1 + exp(-ratio))
      let expected = p < 1 ? log(2) + p * log(p) + (1 - p) * log(1 - p) : log(2)
      for found in [information(ratio), information(-ratio)] {
        #expect(abs(found - expected) < 1e-14 && found >= 0 && found <= log(2), "\(ratio)")
      }
    }
    #expect(abs(information(1e-6) / 1.25e-13 - 1) < 1e-9)
  }

  @Test("from itself a density is not apart")
  func itself() throws {
    for density in [
      try CompositeCase.mixture.density(seed: 2),
      try ModelCase.nade(9, 7, .relu, ordering: .random).model(seed: 2),
    ] {
      for options in [EntropyOptions(), drawing(500)] {
        let found = try #require(try density.divergence(to: density, options))
        #expect(found.forward.value == 0 && found.reverse.value == 0 && found.jensenShannon.value == 0)
      }
    }
  }

  @Test("what one rules out is infinitely far, and exactly so", arguments: [8, 30])
  func infinite(_ count: Int) throws {
    let (on, off) = (Decided(first: true, variableCount: count), Decided(first: false, variableCount: count))
    let fair = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: count))
    let apart = try #require(try on.divergence(to: off, EntropyOptions(rowCount: 200)))
    #expect(apart.forward == Measured(.infinity) && apart.reverse == Measured(.infinity))
    #expect(abs(apart.jensenShannon.value - log(2)) < 1e-9 && apart.crossEntropy == Measured(.infinity))
    #expect(abs(apart.entropy.value - Double(count - 1) * log(2)) < 1e-5)
    let half = try #require(try on.divergence(to: fair, EntropyOptions(rowCount: 200)))
    #expect(abs(half.forward.value - log(2)) < 1e-6 && half.reverse == Measured(.infinity))
    // Mixed with another it gives every row, and there is no infinity.
    let mixed = try #require(
      try Mixture([on, fair], weights: [1, 1]).divergence(to: fair, EntropyOptions(rowCount: 200)))
    #expect(mixed.reverse.value.isFinite && mixed.reverse.value > 0)
  }

  @Test("columns in another order", arguments: [EntropyOptions(), drawing(1000)])
  func columns(_ options: EntropyOptions) throws {
    let p = try ModelCase.nade(9, 7, .relu, ordering: .random).model(seed: 3)
    let rows = BinaryMatrix.dependent(300, 9, seed: 1)
    let order = [3, 1, 4, 0, 5, 8, 2, 6, 7]
    let tree = try ChowLiuTree.fit(to: rows)
    // Fitted to the same columns in another order it is the same tree, but for ties of its edges: it has none.
    let other = try ChowLiuTree.fit(to: rows.selecting(columns: order))
    let places = Ordering(order).positions
    let (expected, found) = (
      try #require(try p.divergence(to: tree)),
      try #require(try p.divergence(to: other, columns: places, options))
    )
    for (a, b) in [
      (expected.forward, found.forward), (expected.reverse, found.reverse),
      (expected.jensenShannon, found.jensenShannon), (expected.otherEntropy, found.otherEntropy),
    ] { #expect(abs(a.value - b.value) <= 5 * (b.standardError ?? 0) + 1e-4, "\(a) \(b)") }
    let same = try #require(try other.divergence(to: tree, columns: order, options))
    #expect(abs(same.forward.value) < 1e-6 && abs(same.jensenShannon.value) < 1e-6)
  }

  @Test("the same bits for any number of threads, and stops when told to")
  func reproducible() throws {
    let (p, q) = (try CompositeCase.mixture.density(seed: 2), try CompositeCase.mixture.density(seed: 3))
    let found = try Threads.run(on: 1) { try p.divergence(to: q, drawing(3000)) }
    #expect(try Threads.run(on: 3) { try p.divergence(to: q, drawing(3000)) } == found)
    for options in [drawing(3000), EntropyOptions()] {
      #expect(try p.divergence(to: q, options) { (_) throws(DensityError) in false } == nil)
    }
    let error = try #require(found?.largestStandardError)
    let better = try #require(try p.divergence(to: q, drawing(3000, targetError: error / 2)))
    #expect(better.largestStandardError <= error / 2 && better.drawCount > 9000)
  }

  @Test func otherWidths() throws {
    #expect(
      throws: DensityError.mismatch(path: "the other model", expected: "5 variables", found: "9")
    ) {
      try ClientDensity(seed: 1).divergence(to: ModelCase.nade(9, 7, .relu, ordering: .random).model(seed: 2))
    }
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Completions")
struct CompletionTests {
  private func options(enumerationSeconds: Double) -> Inference.Options {
    var options = Inference.Options(enumerationSeconds: enumerationSeconds)
    options.tabulationLimit = 0
    return options
  }

  /// χ² of completions against p(x_unknown | x_known), as a standard normal number (Wilson & Hilferty, PNAS 17, 1931).
  ///
  /// Rows expected less than five times are put together.
  private func deviation(
    _ rows: BinaryMatrix, _ truth: Enumerated, given evidence: PartialRows, row: Int
  ) -> Double {
    let total = truth.logMarginal(evidence, row: row)
    var counts: [[UInt64]: Int] = [:]
    for index in 0..<rows.rowCount { counts[rows.rows(index..<index + 1).words, default: 0] += 1 }
    var (statistic, cells, rest, restCount) = (0.0, 0, 0.0, 0)
    for index in 0..<truth.rows.rowCount where truth.agrees(index, with: evidence, row: row) {
      let expected = Double(rows.rowCount) * exp(truth.logProbabilities[index] - total)
      let count = counts[truth.rows.rows(index..<index + 1).words] ?? 0
      if expected < 5 {
        rest += expected
        restCount += count
      } else {
        statistic += (Double(count) - expected) * (Double(count) - expected) / expected
        cells += 1
      }
    }
    if rest >= 5 {
      statistic += (Double(restCount) - rest) * (Double(restCount) - rest) / rest
      cells += 1
    }
    let freedom = Double(cells - 1)
    guard freedom > 0 else { return 0 }
    let scale = 2 / (9 * freedom)
    return (cbrt(statistic / freedom) - (1 - scale)) / scale.squareRoot()
  }

  /// Some 350 statistics are compared with 4.5 standard deviations: a false alarm comes once in 800 runs of new seeds.
  @Test("exact completions come up as often as they should", arguments: InferenceCase.all)
  func frequencies(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(5)
    let truth = Enumerated(density)
    let evidence = PartialRows.random(3, density.variableCount, seed: 15)
    for options in [Inference.Options(), options(enumerationSeconds: 1000)] {
      var generator = Philox(seed: 4)
      let found = try density.inference(options).sample(given: evidence, count: 4000, using: &generator)
      let completions = try #require(found)
      #expect(completions.areExact && completions.count == 4000)
      for row in 0..<3 {
        let rows = completions.rows.rows(row * 4000..<(row + 1) * 4000)
        for index in 0..<4000 {
          for column in 0..<density.variableCount where evidence.known[row, column] {
            #expect(rows[index, column] == evidence.values[row, column])
          }
        }
        #expect(deviation(rows, truth, given: evidence, row: row) < 4.5, "row \(row)")
      }
    }
  }

  @Test("rejection is exact", arguments: InferenceCase.some)
  func rejection(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(5)
    let truth = Enumerated(density)
    let evidence = PartialRows.random(4, density.variableCount, seed: 15)
    var generator = Philox(seed: 4)
    let found = try density.inference(options(enumerationSeconds: 0)).sample(
      given: evidence, count: 3000, method: .rejection(tryLimit: 10_000_000), using: &generator)
    let completions = try #require(found)
    #expect(completions.areExact)
    for row in 0..<4 {
      let rows = completions.rows.rows(row * 3000..<(row + 1) * 3000)
      #expect(deviation(rows, truth, given: evidence, row: row) < 4.5, "row \(row)")
    }
    #expect(throws: DensityError.self) {
      try density.inference(options(enumerationSeconds: 0)).sample(
        given: evidence, count: 100, method: .rejection(tryLimit: 10), using: &generator)
    }
  }

  /// One draw of each of many filters: with 256 particles what is left of their bias is far below the noise of 3000 draws.
  @Test("completions by particles come up about as often as they should, and say that they are not exact")
  func particles() throws {
    let density = try ModelCase.nade(9, 8, .sigmoid, ordering: .random).model(seed: 5)
    let truth = Enumerated(density)
    let evidence = PartialRows.random(4, 9, seed: 15).selecting([1])
    let repeated = evidence.selecting(Array(repeating: 0, count: 3000))
    var generator = Philox(seed: 4)
    let found = try density.inference(options(enumerationSeconds: 0)).sample(
      given: repeated, using: &generator)
    let completions = try #require(found)
    #expect(!completions.areExact)
    #expect(completions.effectiveSampleSizes.allSatisfy { $0.map { $0 > 20 && $0 <= 256.001 } ?? false })
    #expect(deviation(completions.rows, truth, given: evidence, row: 0) < 4.5)
  }

  @Test("an EoNADE completes exactly along orders that take the evidence first")
  func evidenceFirst() throws {
    let model = try EoNADECase(7, [9], .sigmoid, orders: 4).model(seed: 2)
    let evidence = PartialRows.random(4, 7, seed: 3).selecting([1, 2])
    var generator = Philox(seed: 4)
    let inference = try model.inference(Inference.Options(order: .evidenceFirst))
    let completions = try #require(try inference.sample(given: evidence, count: 4000, using: &generator))
    #expect(completions.areExact)
    for row in 0..<2 {
      let orders = model.orders.map { order in
        Ordering(
          order.variables.filter { evidence.known[row, $0] }
            + order.variables.filter { !evidence.known[row, $0] })
      }
      let truth = Enumerated(Mixture(orders.map { model.along($0) }))
      let rows = completions.rows.rows(row * 4000..<(row + 1) * 4000)
      #expect(deviation(rows, truth, given: evidence, row: row) < 4.5)
    }
  }

  @Test("completions have the same bits for any number of threads")
  func determinism() throws {
    for inferenceCase in InferenceCase.some {
      let density = try inferenceCase.density(9)
      let evidence = PartialRows.random(6, density.variableCount, seed: 6)
      let inference = try density.inference(options(enumerationSeconds: 0))
      let found = try [1, 2, 3].map { count in
        var generator = Philox(seed: 4)
        return try Threads.run(on: count) {
          try inference.sample(given: evidence, count: 3, using: &generator)?.rows
        }
      }
      #expect(found[0] != nil && found[0] == found[1] && found[0] == found[2])
    }
  }
}

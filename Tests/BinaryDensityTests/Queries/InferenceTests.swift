import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Inference")
struct InferenceTests {
  /// Options under which nothing is tabulated, so that chains have to enumerate, or to estimate.
  private func options(enumerationSeconds: Double, particleCount: Int = 2048) -> Inference.Options {
    var options = Inference.Options(particleCount: particleCount, enumerationSeconds: enumerationSeconds)
    options.tabulationLimit = 0
    return options
  }

  @Test("exact marginals equal enumeration", arguments: InferenceCase.all, [1, 2] as [UInt64])
  func marginals(_ inferenceCase: InferenceCase, seed: UInt64) throws {
    let density = try inferenceCase.density(seed)
    let truth = Enumerated(density)
    let evidence = PartialRows.random(24, density.variableCount, seed: seed)
    // From the table, then by enumeration of prefixes.
    for options in [Inference.Options(), options(enumerationSeconds: 1000)] {
      let answers = try #require(try density.inference(options).logMarginals(of: evidence))
      for (row, answer) in answers.enumerated() {
        #expect(answer.isExact && answer.isTrusted && answer.lowerBound == answer.value)
        let difference = abs(answer.value - truth.logMarginal(evidence, row: row))
        #expect(difference < 1e-5, "row \(row): \(answer)")
      }
    }
  }

  @Test("exact conditionals equal enumeration, and sum to 1", arguments: InferenceCase.all)
  func conditionals(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(3)
    let count = density.variableCount
    let truth = Enumerated(density)
    let evidence = PartialRows.random(12, count, seed: 7)
    // What is asked about: some of what is not known.
    let targets = PartialRows(
      values: .random(12, count, seed: 8),
      known: BinaryMatrix(rowCount: 12, columnCount: count) { !evidence.known[$0, $1] && ($0 + $1) % 2 == 0 })
    let inference = try density.inference()
    let answers = try #require(try inference.logConditionals(of: targets, given: evidence))
    for (row, answer) in answers.enumerated() {
      var joint = evidence.selecting([row])
      for column in 0..<count where targets.known[row, column] { joint[0, column] = targets[row, column] }
      let expected = truth.logMarginal(joint, row: 0) - truth.logMarginal(evidence, row: row)
      #expect(answer.isExact && abs(answer.value - expected) < 1e-5)
    }
    // One variable both ways.
    let row = (0..<12).first { row in (0..<count).contains { evidence[row, $0] == nil } }
    guard let row, let column = (0..<count).first(where: { evidence[row, $0] == nil }) else { return }
    let both = evidence.selecting([row, row])
    var values = PartialRows(rowCount: 2, columnCount: count)
    values[0, column] = false
    values[1, column] = true
    let pair = try #require(try inference.logConditionals(of: values, given: both))
    #expect(abs(pair.reduce(0) { $0 + exp($1.value) } - 1) < 1e-5)
  }

  /// Each error over its standard error is nearly normal: with 32 batches 5.4 % lie outside of two, so of the 100 or more
  /// estimates here more than 17 % with a probability below 1e-5.
  @Test("estimates hold their errors", arguments: InferenceCase.some)
  func estimates(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(4)
    let truth = Enumerated(density)
    let evidence = PartialRows.random(150, density.variableCount, seed: 5)
    let inference = try density.inference(options(enumerationSeconds: 0, particleCount: 320))
    let answers = try #require(try inference.logMarginals(of: evidence))
    var (outside, estimated, belowBound) = (0, 0, 0)
    for (row, answer) in answers.enumerated() {
      let exact = truth.logMarginal(evidence, row: row)
      guard case .estimate(let error, let size) = answer.certainty else {
        #expect(abs(answer.value - exact) < 1e-5)
        continue
      }
      guard answer.isTrusted else { continue }
      #expect(size >= 1 && error > 0)
      estimated += 1
      if abs(answer.value - exact) > 2 * error + 1e-5 { outside += 1 }
      if exact < (answer.lowerBound ?? -.infinity) { belowBound += 1 }
    }
    #expect(estimated > 50)
    #expect(Double(outside) <= 0.17 * Double(estimated), "\(outside) of \(estimated)")
    #expect(belowBound == 0)
  }

  @Test("more particles make a smaller error, down to what is asked for")
  func targetError() throws {
    let density = try InferenceCase.some[0].density(4)
    let evidence = PartialRows.random(20, density.variableCount, seed: 6)
    var options = options(enumerationSeconds: 0, particleCount: 64)
    options.targetError = 0.01
    options.particleLimit = 1 << 20
    let answers = try #require(try density.inference(options).logMarginals(of: evidence))
    #expect(answers.allSatisfy { $0.standardError <= 0.01 })
    #expect(answers.contains { !$0.isExact })
    let truth = Enumerated(density)
    for (row, answer) in answers.enumerated() {
      #expect(abs(answer.value - truth.logMarginal(evidence, row: row)) < 0.05)
    }
  }

  @Test("answers have the same bits for any number of threads, and whatever rows stand beside")
  func determinism() throws {
    for inferenceCase in InferenceCase.some {
      let density = try inferenceCase.density(9)
      let evidence = PartialRows.random(9, density.variableCount, seed: 6)
      let inference = try density.inference(options(enumerationSeconds: 0, particleCount: 128))
      let answers = try [1, 2, 3].map { count in
        try Threads.run(on: count) { try inference.logMarginals(of: evidence) }
      }
      #expect(answers[0] == answers[1] && answers[0] == answers[2])
      let first = try inference.logMarginals(of: evidence.selecting([0, 1, 2]))
      #expect(first == answers[0].map { Array($0[..<3]) })
      let rest = try inference.logMarginals(of: evidence.selecting(Array(3..<9)), firstRow: 3)
      #expect(rest == answers[0].map { Array($0[3...]) })
    }
  }

  @Test("an EoNADE answers exactly along orders that take the evidence first", arguments: [1, 2] as [UInt64])
  func evidenceFirst(seed: UInt64) throws {
    let model = try EoNADECase(7, [9], .sigmoid, orders: 4).model(seed: seed)
    let evidence = PartialRows.random(10, 7, seed: seed)
    let inference = try model.inference(options(.evidenceFirst))
    let answers = try #require(try inference.logMarginals(of: evidence))
    for row in 0..<10 {
      let orders = model.orders.map { order in
        Ordering(
          order.variables.filter { evidence.known[row, $0] }
            + order.variables.filter { !evidence.known[row, $0] })
      }
      let alongOrders = Mixture(orders.map { model.along($0) })
      let expected = Enumerated(alongOrders).logMarginal(evidence, row: row)
      #expect(answers[row].isExact && abs(answers[row].value - expected) < 1e-5)
    }
    #expect(throws: DensityError.self) {
      try ModelCase.nade(4, 3).model(seed: 1).inference(options(.evidenceFirst))
    }
  }

  private func options(_ order: Inference.Order) -> Inference.Options { Inference.Options(order: order) }

  @Test("what cannot be answered is refused")
  func errors() throws {
    let density = try CompositeCase.mixture.density(seed: 1)
    let inference = try density.inference()
    #expect(
      throws: DensityError.mismatch(
        path: "the evidence", expected: "7 columns as in the model", found: "6")
    ) { try inference.logMarginals(of: PartialRows(rowCount: 1, columnCount: 6)) }
    var evidence = PartialRows(rowCount: 1, columnCount: 7)
    evidence[0, 3] = true
    #expect(
      throws: DensityError.invalidConfiguration("row 1, column 4 is asked about and given at once")
    ) { try inference.logConditionals(of: evidence, given: evidence) }
    for options in [
      Inference.Options(particleCount: 8), Inference.Options(targetError: 0),
      Inference.Options(particleLimit: 1 << 40), Inference.Options(enumerationSeconds: .nan),
    ] {
      #expect(throws: DensityError.self) { try density.inference(options) }
    }
    // Log p of whole rows alone.
    var opaque = Inference.Options()
    opaque.tabulationLimit = 0
    let plain = try Opaque().inference(opaque)
    #expect(throws: DensityError.self) {
      try plain.logMarginals(of: PartialRows(rowCount: 1, columnCount: 3))
    }
    #expect(try plain.logMarginals(of: PartialRows([[1, 0, 1]]))?.first?.isExact == true)
    // The table knows more.
    let answers = try #require(try Opaque().inference().logMarginals(of: PartialRows([[1, nil, nil]])))
    #expect(abs(answers[0].value - log(0.5)) < 1e-12)
  }

  @Test("evidence of probability zero")
  func impossible() throws {
    let rows = PartialRows([[nil, 1, nil]])
    let inference = try Certain().inference()
    #expect(try inference.logMarginals(of: rows)?.first?.value == -.infinity)
    #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: nil)) {
      try inference.logConditionals(of: PartialRows([[1, nil, nil]]), given: rows)
    }
    var generator = Philox(seed: 1)
    #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: nil)) {
      try inference.sample(given: rows, using: &generator)
    }
  }

  @Test("asked to stop, it stops")
  func interruption() throws {
    let density = try CompositeCase.mixture.density(seed: 1)
    let inference = try density.inference(options(enumerationSeconds: 0))
    let evidence = PartialRows.random(100, 7, seed: 1)
    let stopped = try inference.logMarginals(of: evidence) { (_) throws(DensityError) in false }
    #expect(stopped == nil)
    #expect(throws: DensityError.interrupted) {
      try inference.logMarginals(of: evidence) { (_) throws(DensityError) in throw .interrupted }
    }
  }
}

/// Three fair coins of which only log p of whole rows is told.
private struct Opaque: Density {
  let variableCount = 3
  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    Array(repeating: -3 * log(2), count: rows.rowCount)
  }
}

/// Three zeros, with certainty.
private struct Certain: Density {
  let variableCount = 3
  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    (0..<rows.rowCount).map { rows.onBitCount(ofRow: $0) == 0 ? 0 : -.infinity }
  }
}

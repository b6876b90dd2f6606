import BinaryDensity
import Kernels
import Testing

@Suite("Anomaly scores")
struct AnomalyReferenceTests {
  @Test func handComputed() throws {
    let reference = try AnomalyReference(logProbabilities: [-1, -3, -2, -3, -6])
    #expect(reference.rowCount == 5 && reference.meanLogProbability == -3)
    // log p, the rows as low, the rows as far from the mean of all six.
    let cases: [(logProbability: Double, low: Int, far: Int)] = [
      (-7, 0, 0),  // the mean is −11/3, 10/3 away; −1 is 8/3 away
      (-6, 1, 2),  // ties with −6; the mean is −3.5, and −1 is as far above it
      (-3, 3, 5),  // ties with two; it is the mean
      (-2.5, 3, 3),  // the mean is −35/12, 5/12 away; nearer are the two of −3
      (0, 5, 1),  // the mean is −2.5; −6 is farther
      (3, 5, 0),  // the mean is −2, 5 away; −6 is 4 away
    ]
    for (logProbability, low, far) in cases {
      let score = reference.score(ofLogProbability: logProbability)
      #expect(score.logProbability == logProbability)
      #expect(score.pValue == Double(low + 1) / 6)
      #expect(score.typicality == abs(logProbability + 3))
      #expect(score.typicalityPValue == Double(far + 1) / 6)
    }
  }

  @Test(arguments: [UInt64(1), 2, 3]) func asByTheDefinition(_ seed: UInt64) throws {
    var generator = Philox(seed: seed)
    // Quarters, so that there are many ties, and so few rows that sums are exact.
    let values = (0..<31).map { _ in -Double(Int.random(in: 0..<40, using: &generator)) / 4 }
    let reference = try AnomalyReference(logProbabilities: values)
    for value in (-8...48).map({ -Double($0) / 4 - 0.125 }) + values {
      let score = reference.score(ofLogProbability: value)
      #expect(score.pValue == Double(1 + values.count { $0 <= value }) / 32)
      // 32 times every distance, in whole eighths.
      let sum = values.reduce(value, +)
      let count = values.count { abs(32 * $0 - sum) >= abs(32 * value - sum) }
      #expect(score.typicalityPValue == Double(1 + count) / 32, "\(value)")
    }
  }

  @Test("A fresh row's p-values are at most α with a probability of at most α")
  func validity() throws {
    var generator = Philox(seed: 4)
    var (low, far) = (0, 0)
    let trials = 4000
    for _ in 0..<trials {
      // Of a skew distribution, and few reference rows.
      let values = (0..<10).map { _ in -1 / (0.05 + Double.random(in: 0..<1, using: &generator)) }
      let reference = try AnomalyReference(logProbabilities: Array(values.dropLast()))
      let score = reference.score(ofLogProbability: values[9])
      if score.pValue <= 0.1 { low += 1 }
      if score.typicalityPValue <= 0.1 { far += 1 }
    }
    // Without ties exactly α = 1/10; five standard deviations are 95.
    #expect(abs(low - trials / 10) < 95 && abs(far - trials / 10) < 95)
  }

  @Test func oneRowAndNone() throws {
    let one = try AnomalyReference(logProbabilities: [-2])
    #expect(one.score(ofLogProbability: -2).pValue == 1)
    #expect(one.score(ofLogProbability: -2).typicalityPValue == 1)
    #expect(one.score(ofLogProbability: -5).pValue == 0.5)
    let impossible = one.score(ofLogProbability: -.infinity)
    #expect(impossible.pValue == 0.5 && impossible.typicality == .infinity)
    #expect(impossible.typicalityPValue == 0.5)
    #expect(throws: DensityError.self) { try AnomalyReference(logProbabilities: []) }
    #expect {
      try AnomalyReference(logProbabilities: [-1, -.infinity])
    } throws: {
      "\($0)".hasPrefix("row 2 of the reference has log p -inf")
    }
  }

  @Test func anUnlikelyRowOfADensity() throws {
    let rows = BinaryMatrix((0..<64).map { row in [row % 8 / 7, 0, 1, row % 2] })
    let model = try IndependentBernoulli.fit(to: rows)
    let reference = try AnomalyReference(logProbabilities: model.logProbabilities(of: rows))
    let odd = model.logProbabilities(of: BinaryMatrix([[1, 1, 0, 1]]))[0]
    #expect(reference.score(ofLogProbability: odd).pValue == 1.0 / 65)
    #expect(reference.score(ofLogProbability: odd).typicalityPValue == 1.0 / 65)
  }
}

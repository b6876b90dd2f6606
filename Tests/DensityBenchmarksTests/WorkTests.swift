import BinaryDensity
import DensityBenchmarks
import Kernels
import Testing

/// Counts of small models by going through every row, input and output.
@Suite struct WorkTests {
  private static let rows = BinaryMatrix(rowCount: 4, columnCount: 7) { row, column in
    (row * 5 + column * 3) % 4 == 0
  }

  /// Multiply-adds of a row's on-bits, of hidden units, and parameters.
  private struct Count: Equatable {
    var onBits = 0
    var hidden = 0
    var parameters = 0

    /// What the definitions in `Work` make of them.
    func work(_ operation: Operation, batchSize: Int) -> Work {
      let rowBytes = Double(batchSize)  // seven bits
      guard operation == .train else {
        return Work(
          flops: 2 * Double(onBits + batchSize * hidden), bytes: Double(4 * parameters) + rowBytes,
          footprint: Double(4 * parameters))
      }
      return Work(
        flops: 2 * Double(2 * onBits + 3 * batchSize * hidden) + Work.adamFlops * Double(parameters),
        bytes: Double(28 * parameters) + rowBytes, footprint: Double(12 * parameters))
    }
  }

  private func count(masks: [Staircase], hiddenCount: Int) -> Count {
    var count = Count()
    for (index, mask) in masks.enumerated() {
      for output in 0..<mask.outputCount {
        if index <= hiddenCount { count.parameters += 1 }
        for input in 0..<mask.inputCount where mask.permits(input, output) {
          count.parameters += 1
          if index > 0 && index <= hiddenCount {
            count.hidden += 1
          } else {
            for row in 0..<Self.rows.rowCount where Self.rows[row, input] { count.onBits += 1 }
          }
        }
      }
    }
    return count
  }

  private func check(_ model: any Density, _ count: Count, components: Int = 1) {
    for operation in Operation.allCases {
      var expected = count.work(operation, batchSize: Self.rows.rowCount)
      if [.logProbability, .walk, .step].contains(operation) { expected.flops *= Double(components) }
      check(operation, model, expected)
    }
  }

  private func check(_ operation: Operation, _ model: any Density, _ expected: Work) {
    let batch = Self.rows.rowCount
    let work = Work(operation, model, rows: Self.rows, batchSize: batch)
    #expect(abs(work.flops - expected.flops) < 1e-6 && work.flops > 0)
    #expect(work.bytes == expected.bytes && work.footprint == expected.footprint)
    // Twice the rows are twice the rows' share.
    let double = Work(operation, model, rows: Self.rows, batchSize: 2 * batch)
    #expect(double.bytes - work.bytes == Double(batch))
  }

  @Test(arguments: [[], [5], [6, 4], [1, 3, 5]], [OrderingRule.natural, .random])
  func made(hidden: [Int], ordering: OrderingRule) throws {
    for direct in [false, true] {
      let model = try MADE(
        MADE.Configuration(
          variableCount: 7, hiddenCounts: hidden, hasDirectWeights: direct, ordering: ordering), seed: 1)
      check(model, count(masks: model.masks(ofComponent: 0), hiddenCount: hidden.count))
    }
  }

  @Test func aMixtureEvaluatesEveryComponent() throws {
    // Masks of as many units as degrees permit equally many weights.
    let model = try MADE(
      MADE.Configuration(variableCount: 7, hiddenCounts: [6], maskCount: 3, ordering: .natural), seed: 1)
    check(model, count(masks: model.masks(ofComponent: 0), hiddenCount: 1), components: 3)
  }

  @Test(arguments: [OrderingRule.natural, .random])
  func fvsbn(ordering: OrderingRule) throws {
    let model = try FVSBN(FVSBN.Configuration(variableCount: 7, ordering: ordering), seed: 1)
    check(model, count(masks: model.masks(ofComponent: 0), hiddenCount: 0))
  }

  @Test(arguments: [OrderingRule.natural, .random])
  func nade(ordering: OrderingRule) throws {
    let model = try NADE(
      NADE.Configuration(variableCount: 7, hiddenCount: 3, ordering: ordering), seed: 1)
    var count = Count()
    let variables = model.ordering(ofComponent: 0).variables
    for (position, variable) in variables.enumerated() {
      count.parameters += 1  // b
      for _ in 0..<3 {
        count.hidden += 1
        count.parameters += position < 6 ? 2 : 1  // v, and w where a later variable sees it
        guard position < 6 else { continue }
        for row in 0..<Self.rows.rowCount where Self.rows[row, variable] { count.onBits += 1 }
      }
    }
    count.parameters += 3  // c
    check(model, count)
  }

  /// A walk along an order adds a row of w where a bit is on, and takes every layer above once a variable.
  @Test func eonadeWalks() throws {
    let model = try EoNADE(
      EoNADE.Configuration(variableCount: 7, hiddenCounts: [3, 2], ordering: .natural), seed: 1)
    var count = Count()
    for variable in 0..<7 {
      count.hidden += 3 * 2 + 2
      count.parameters += 2 + 1  // v and b
      guard variable < 6 else { continue }
      count.parameters += 2 * 3  // w and u
      for row in 0..<Self.rows.rowCount where Self.rows[row, variable] { count.onBits += 3 }
    }
    count.parameters += 3 + 3 * 2 + 2
    for operation in [Operation.logProbability, .sample] {
      check(operation, model, count.work(operation, batchSize: Self.rows.rowCount))
    }
    // Along several orders as much as along each.
    func flops(_ model: EoNADE, _ operation: Operation) -> Double {
      Work(operation, model, rows: Self.rows, batchSize: 4).flops
    }
    let several = try model.withOrders(count: 3)
    let sum = several.orders.reduce(0) { $0 + flops(model.along($1), .logProbability) }
    #expect(abs(flops(several, .logProbability) - sum) < 1e-6)
    #expect(abs(flops(several, .sample) - sum / 3) < 1e-6)
  }

  /// Of 7 variables 0 to 6 are known, each as often: 3 in the mean, and 4 are to be predicted.
  @Test func eonadeTrainsOnSplits() throws {
    let model = try EoNADE(
      EoNADE.Configuration(variableCount: 7, hiddenCounts: [3], ordering: .natural), seed: 1)
    let onBits = Double(Self.rows.onBitCount)
    let batch = 4.0
    let flops = 2 * (2 * 3 * (onBits * 3 / 7 + batch * 3) + 3 * batch * 3 * 4)
    let parameters = 2 * 7 * 3 + 3 + 3 * 7 + 7
    let work = Work(.train, model, rows: Self.rows, batchSize: 4)
    #expect(abs(work.flops - flops - Work.adamFlops * Double(parameters)) < 1e-6)
    #expect(work.bytes == Double(28 * parameters) + batch && parameters == model.parameterCount)
  }

  /// An ensemble takes all its members; a mixture all for log p, and one for each row drawn.
  @Test func combinedDensitiesTakeTheirParts() throws {
    let parts = try [2, 5].map {
      try NADE(NADE.Configuration(variableCount: 7, hiddenCount: $0), seed: 1) as any Density
    }
    func work(_ density: any Density, _ operation: Operation) -> Work {
      Work(operation, density, rows: Self.rows, batchSize: 4)
    }
    for operation in [Operation.logProbability, .sample] {
      let (small, large) = (work(parts[0], operation), work(parts[1], operation))
      let ensemble = work(Ensemble(parts), operation)
      #expect(abs(ensemble.flops - small.flops - large.flops) < 1e-6)
      let mixture = work(Mixture(parts, weights: [0.75, 0.25]), operation)
      let share = operation == .sample ? (0.75, 0.25) : (1, 1)
      #expect(abs(mixture.flops - share.0 * small.flops - share.1 * large.flops) < 1e-6)
      // The rows are read once.
      for both in [ensemble, mixture] {
        #expect(
          both.bytes == small.bytes + large.bytes - 4 && both.footprint == small.footprint + large.footprint)
      }
    }
  }
}

import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Order-agnostic training")
struct EoNADETrainingTests {
  /// Returns all orders of some variables.
  private func orders(of variables: [Int]) -> [[Int]] {
    guard !variables.isEmpty else { return [[]] }
    return variables.flatMap { first in
      orders(of: variables.filter { $0 != first }).map { [first] + $0 }
    }
  }

  /// The theorem that order-agnostic training rests on, by enumeration.
  @Test(
    "the expected loss over all splits is the mean of −log p over all orders",
    arguments: [
      EoNADECase(1, [2]), EoNADECase(2, [3]), EoNADECase(4, [5]), EoNADECase(5, [7, 4], .tanh),
      EoNADECase(3, [3, 4, 2], .softplus),
    ], [1, 2] as [UInt64])
  func expectation(_ modelCase: EoNADECase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed)
    let count = model.variableCount
    let rows = BinaryMatrix.allRows(ofWidth: count)
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 1,
      parameters: model.parameters.converted(to: Double.self))
    let orders = orders(of: Array(0..<count)).map { model.along(Ordering($0)) }
    var mean = Array(repeating: 0.0, count: rows.rowCount)
    for order in orders {
      for (row, value) in inDouble(order, logProbabilitiesOf: rows).enumerated() {
        mean[row] += value / Double(orders.count)
      }
    }
    for row in 0..<rows.rowCount {
      var expected = 0.0
      executor.set(objective.rows, rowCount: 1) { rows.copyRows(row..<row + 1, into: $0) }
      for split in 0..<rows.rowCount - 1 {
        let known = rows.rows(split..<split + 1)
        let d = known.onBitCount
        // d is uniform, and so is the subset of d: one of (D choose d).
        let subsets = (0..<d).reduce(1.0) { $0 * Double(count - $1) / Double($1 + 1) }
        model.set(known: known, of: objective, in: executor)
        executor.forward()
        expected += executor[objective.loss][0, 0] / (Double(count) * subsets)
      }
      #expect(abs(expected + mean[row]) < 1e-11 * max(1, abs(mean[row])))
    }
  }

  @Test(
    "the loss's gradient agrees with finite differences", arguments: EoNADECase.enumerable,
    [1, 2, 3] as [UInt64])
  func gradient(_ modelCase: EoNADECase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed, spread: 0.7)
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 12,
      parameters: model.parameters.converted(to: Double.self))
    executor.set(objective.rows, to: .bits(12, model.variableCount, probability: 0.5, seed: seed))
    let splits = RandomSplits(count: 12, variableCount: model.variableCount, using: Philox(seed: seed))
    model.set(known: splits.known(at: 0..<12), of: objective, in: executor)
    executor.forward()
    // D / (D − d) is D at most, and a logit 20 or so.
    let count = Double(model.variableCount)
    let check = GradientCheck(executor, loss: objective.loss, magnitude: 20 * count * count, seed: seed)
    #expect(check.holds, "\(check)")
  }

  @Test(
    "splits are stratified by how many variables they know", arguments: [1, 2, 7, 64, 65, 200],
    [1, 5, 100, 1000])
  func strata(variableCount: Int, count: Int) {
    let splits = RandomSplits(count: count, variableCount: variableCount, using: Philox(seed: 3))
    let known = splits.known(at: 0..<count)
    #expect(known.unusedBitsAreZero)
    var tally = Array(repeating: 0, count: variableCount)
    for row in 0..<count {
      let d = known.onBitCount(ofRow: row)
      #expect(d == splits.knownCount(at: row) && d < variableCount)
      tally[d] += 1
    }
    // Evenly: no count of known variables is drawn two times more than another.
    #expect((tally.max() ?? 0) - (tally.min() ?? 0) <= 1)
    // A split is a function of its index.
    let some = stride(from: 0, to: count, by: 3).map { $0 }
    #expect(splits.known(at: some) == known.selecting(some))
    #expect(Threads.run(on: 1) { splits.known(at: 0..<count) } == known)
  }

  @Test("every split is as likely as it should be", arguments: [1, 2] as [UInt64])
  func splitFrequencies(seed: UInt64) {
    let count = 4
    var tally = Array(repeating: 0.0, count: 1 << count)
    let draws = 4000
    for step in 0..<draws {
      let splits = RandomSplits(
        count: 5, variableCount: count, using: Philox(seed: seed, stream: UInt64(step)))
      // Any one place: the offset alone makes its number of known variables uniform.
      let known = splits.known(at: 2...2)
      tally[known[row: 0].enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }] += 1
    }
    for split in 0..<15 {
      let d = split.nonzeroBitCount
      let p = 1 / (4 * [1.0, 4, 6, 4][d])
      // Five standard deviations of a binomial count, for 30 counts: by chance once in 60 000.
      #expect(abs(tally[split] - p * Double(draws)) < 5 * (Double(draws) * p * (1 - p)).squareRoot())
    }
    #expect(tally[15] == 0)
  }

  /// The loss of each step is averaged over steps, and the judge's figure over rows and splits.
  @Test("the loss of drawn splits and the judge's figure estimate the mean over all orders")
  func estimates() throws {
    let model = try EoNADECase(5, [8, 6], .tanh).model(seed: 3)
    let rows = BinaryMatrix.allRows(ofWidth: 5)
    let exact =
      orders(of: Array(0..<5)).reduce(0.0) { sum, order in
        sum + model.along(Ordering(order)).logProbabilities(of: rows).reduce(0, +)
      } / (120 * 32)

    let judge = model.judge(batchCapacity: 7, columnOrder: nil)
    judge.set(model.parameters)
    let judged = judge.logProbabilities(of: rows)
    #expect(judged == judge.logProbabilities(of: rows))
    for count in [1, 3] { #expect(Threads.run(on: count) { judge.logProbabilities(of: rows) } == judged) }
    // All rows 40 times have 16 splits each. The loss of one split of a row is between 0 and 5 times a few nats; its
    // standard deviation of some 5 nats becomes 0.035, of which five are allowed.
    let many = BinaryMatrix(concatenating: Array(repeating: rows, count: 40), columnCount: 5)
    #expect(abs(judge.logProbabilities(of: many).reduce(0, +) / 1280 - exact) < 5 * 0.035)

    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 32, parameters: model.parameters)
    executor.set(objective.rows, rowCount: 32) { rows.copyRows(0..<32, into: $0) }
    var sum = 0.0
    for step in 0..<625 {
      model.prepare(objective, in: executor, seed: 1, step: step)
      executor.forward()
      sum += Double(executor[objective.loss][0, 0])
    }
    #expect(abs(sum / 625 + exact) < 5 * 0.035)
  }

  @Test("without a seed there are no validation splits")
  func splitsNeedSeed() throws {
    let seeded = try EoNADECase(5, [4], orders: 1).model(seed: 1)
    var configuration = seeded.configuration
    configuration.ordering = .natural
    configuration.seed = nil
    let model = EoNADE(configuration, parameters: seeded.parameters, orders: [.natural(count: 5)])
    #expect(throws: DensityError.self) {
      try model.judge(batchCapacity: 7, columnOrder: nil)
        .logProbabilities(of: BinaryMatrix.random(9, 5, seed: 1)) { _ in true }
    }
  }

  @Test("a network trained for all orders is good in each of them")
  func chain() throws {
    let data = DataSplits(
      name: "chain", train: TrainingCase.chain(rowCount: 4000, variableCount: 8, seed: 1),
      validation: TrainingCase.chain(rowCount: 1000, variableCount: 8, seed: 2),
      test: TrainingCase.chain(rowCount: 2000, variableCount: 8, seed: 3))
    let model = try EoNADE(EoNADE.Configuration(variableCount: 8, hiddenCounts: [40], orderCount: 1), seed: 1)
    let trainer = try Trainer(
      model, data: data, configuration: TrainingConfiguration(epochCount: 40, learningRate: 0.01, seed: 1))
    _ = try trainer.run()
    let test = try #require(data.test)
    let entropy = TrainingCase.chainFigure(test)
    // A network that had learnt nothing would be 2.6 nats off; chance explains ±0.03 of what 2000 rows say.
    for index in 0..<4 {
      let order = trainer.best.along(.random(count: 8, seed: 9, index: index))
      let figure = LikelihoodSummary(
        logProbabilities: order.logProbabilities(of: test), variableCount: 8
      ).negativeLogLikelihood
      #expect(figure - entropy > -0.03 && figure - entropy < 0.15, "\(figure) against \(entropy)")
    }
  }
}

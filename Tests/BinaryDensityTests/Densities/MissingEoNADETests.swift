import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Order-agnostic training on missing cells")
struct MissingEoNADETests {
  private func orders(of variables: [Int]) -> [[Int]] {
    guard !variables.isEmpty else { return [[]] }
    return variables.flatMap { first in
      orders(of: variables.filter { $0 != first }).map { [first] + $0 }
    }
  }

  @Test(
    "the expected loss over the splits of what is known is the mean of −log p of it over all orders",
    arguments: [EoNADECase(2, [3]), EoNADECase(4, [5]), EoNADECase(5, [7, 4], .tanh)], [1, 2] as [UInt64])
  func expectation(_ modelCase: EoNADECase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed)
    let count = model.variableCount
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 1,
      parameters: model.parameters.converted(to: Double.self))
    let subsets = BinaryMatrix.allRows(ofWidth: count)
    let row = BinaryMatrix.coins(1, count, seed: seed)
    for cells in 0..<subsets.rowCount {
      let variables = Array(subsets.onBits(ofRow: cells))
      let (n, known) = (variables.count, subsets.rows(cells..<cells + 1))
      let partial = PartialRows(values: row, known: known)
      // The chain along an order that begins with what is known.
      let orders = orders(of: variables)
      var mean = 0.0
      for order in orders {
        let rest = (0..<count).filter { !variables.contains($0) }
        let chain = try model.along(Ordering(order + rest)).chain()
        let logits = chain.conditionalLogits(of: row)
        for i in order {
          mean -= log1p(exp(Double(row[0, i] ? -logits[0, i] : logits[0, i]))) / Double(orders.count)
        }
      }
      executor.set(objective.rows, rowCount: 1) { partial.values.copyRows(0..<1, into: $0) }
      var expected = 0.0
      for split in 0..<subsets.rowCount where n == 0 ? split == 0 : split & cells == split && split != cells {
        let d = split.nonzeroBitCount
        let ways = (0..<d).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) }
        model.set(known: subsets.rows(split..<split + 1), among: known, of: objective, in: executor)
        executor.forward()
        expected += executor[objective.loss][0, 0] / (Double(max(1, n)) * ways)
      }
      #expect(abs(expected + mean) < 1e-5, "\(variables)")
    }
  }

  @Test(
    "the loss's gradient agrees with finite differences where cells are missing",
    arguments: EoNADECase.enumerable, [1, 2, 3] as [UInt64])
  func gradient(_ modelCase: EoNADECase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed, spread: 0.7)
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 12,
      parameters: model.parameters.converted(to: Double.self))
    let rows = BinaryMatrix.coins(12, model.variableCount, seed: seed)
    let partial = PartialRows(rows, hiding: 0.4, seed: seed)
    executor.set(objective.rows, rowCount: 12) { partial.values.copyRows(0..<12, into: $0) }
    let splits = RandomSplits(count: 12, variableCount: model.variableCount, using: Philox(seed: seed))
    model.set(
      known: splits.known(at: 0..<12, among: partial.known), among: partial.known, of: objective, in: executor
    )
    executor.forward()
    let count = Double(model.variableCount)
    let check = GradientCheck(executor, loss: objective.loss, magnitude: 20 * count * count, seed: seed)
    #expect(check.holds, "\(check)")
  }

  @Test("what is missing has no influence on a step", arguments: [1, 2] as [UInt64])
  func missingValues(seed: UInt64) throws {
    let model = try EoNADECase(9, [7]).model(seed: seed)
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 8,
      parameters: model.parameters.converted(to: Double.self))
    let cells = PartialRows(.coins(8, 9, seed: 1), hiding: 0.4, seed: seed).known
    let splits = RandomSplits(count: 8, variableCount: 9, using: Philox(seed: seed))
    let losses = [1, 2].map { table in
      // The same values where known; where missing they are never looked at.
      let rows = BinaryMatrix.coins(8, 9, seed: 3)
      let noise = BinaryMatrix.coins(8, 9, seed: UInt64(table))
      let mixed = BinaryMatrix(rowCount: 8, columnCount: 9) { cells[$0, $1] ? rows[$0, $1] : noise[$0, $1] }
      executor.set(objective.rows, rowCount: 8) { mixed.copyRows(0..<8, into: $0) }
      model.set(known: splits.known(at: 0..<8, among: cells), among: cells, of: objective, in: executor)
      executor.forward()
      return executor[objective.loss][0, 0]
    }
    #expect(abs(losses[0] - losses[1]) < 1e-12)
  }

  @Test("splits leave a cell to be predicted, and know as many as chance says", arguments: [3, 65, 130])
  func splits(variableCount: Int) {
    let count = 4000
    let cells = PartialRows(
      BinaryMatrix(rowCount: count, columnCount: variableCount), hiding: 0.5, seed: 7
    ).known
    let splits = RandomSplits(count: count, variableCount: variableCount, using: Philox(seed: 3))
    let known = splits.known(at: 0..<count, among: cells)
    var share = 0.0
    var rows = 0.0
    for row in 0..<count {
      let (n, d) = (cells.onBitCount(ofRow: row), known.onBitCount(ofRow: row))
      #expect(n == 0 ? d == 0 : d < n)
      #expect(known.onBits(ofRow: row).allSatisfy { cells[row, $0] })
      guard n > 1 else { continue }
      rows += 1
      share += Double(d) / Double(n - 1)
    }
    // d is uniform in 0 ..< n, so d / (n − 1) has a mean of ½ and a standard deviation of at most ½.
    #expect(abs(share / rows - 0.5) < 4 * 0.5 / rows.squareRoot())
    #expect(Threads.run(on: 1) { splits.known(at: 0..<count, among: cells) } == known)
  }
}

extension BinaryMatrix {
  /// Rows of fair coins.
  static func coins(_ rowCount: Int, _ columnCount: Int, seed: UInt64) -> BinaryMatrix {
    TrainingCase.noise(rowCount: rowCount, variableCount: columnCount, seed: seed)
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Averages over parents")
struct ParentAverageTests {
  /// Beta(n₁ + ½, n₀ + ½) / π, as a product over the rows one after the other.
  private static func evidence(_ values: [Bool]) -> Double {
    var (result, counts) = (1.0, [0.5, 0.5])
    for value in values {
      result *= counts[value ? 1 : 0] / (counts[0] + counts[1])
      counts[value ? 1 : 0] += 1
    }
    return result
  }

  private static func predicted(_ values: [Bool], _ next: Bool) -> Double {
    evidence(values + [next]) / evidence(values)
  }

  @Test("is Bayes' rule over parents, spelled out", arguments: [1, 2, 3] as [UInt64], [4, 12, 40])
  func definition(seed: UInt64, rowCount: Int) throws {
    let rows = TrainingCase.chain(rowCount: rowCount, variableCount: 5, seed: seed)
    let order = Ordering.random(count: 5, seed: seed)
    let density = try ParentAverage.fit(to: rows, along: order)
    let columns = (0..<5).map { column in (0..<rowCount).map { rows[$0, column] } }
    /// The values of a column in the rows where another has a value; all without another.
    func column(_ i: Int, where parent: Int?, is value: Bool) -> [Bool] {
      parent.map { p in zip(columns[i], columns[p]).filter { $0.1 == value }.map(\.0) } ?? columns[i]
    }
    func evidence(_ i: Int, _ parent: Int?) -> Double {
      guard let parent else { return Self.evidence(columns[i]) }
      return Self.evidence(column(i, where: parent, is: false))
        * Self.evidence(column(i, where: parent, is: true))
    }
    func parents(_ i: Int) -> [Int?] { [nil] + order.variables[..<order.positions[i]].map { $0 } }
    let without = (0..<5).reduce(1.0) { $0 * evidence($1, nil) }
    let with = (0..<5).reduce(1.0) { product, i in
      product * parents(i).reduce(0) { $0 + evidence(i, $1) } / Double(parents(i).count)
    }
    let independence = without / (without + with)
    let all = BinaryMatrix.allRows(ofWidth: 5)
    let found = density.logProbabilities(of: all)
    for row in 0..<all.rowCount {
      let expected = (0..<5).reduce(0.0) { sum, i in
        let total = parents(i).reduce(0) { $0 + evidence(i, $1) }
        let p = parents(i).reduce(0.0) { p, parent in
          let share = (1 - independence) * evidence(i, parent) / total + (parent == nil ? independence : 0)
          let seen = column(i, where: parent, is: parent.map { all[row, $0] } ?? false)
          return p + share * Self.predicted(seen, all[row, i])
        }
        return sum + log(p)
      }
      // Parents of less than a ten-thousandth are left out.
      #expect(abs(found[row] - expected) < 2e-3)
    }
    #expect(abs(found.reduce(0) { $0 + exp($1) } - 1) < 1e-6)
  }

  @Test("of independent columns it is a table of marginals, of a chain it is not")
  func belief() throws {
    let independent = BinaryMatrix.random(200, 8, seed: 1)
    let average = try ParentAverage.fit(to: independent, along: .natural(count: 8))
    let marginals = try IndependentBernoulli.fit(to: independent)
    let all = BinaryMatrix.allRows(ofWidth: 8)
    for (a, b) in zip(average.logProbabilities(of: all), marginals.logProbabilities(of: all)) {
      #expect(abs(a - b) < 0.02)
    }
    let chain = TrainingCase.chain(rowCount: 200, variableCount: 8, seed: 1)
    let fresh = TrainingCase.chain(rowCount: 1000, variableCount: 8, seed: 2)
    let found = DensitySearch.nll(try ParentAverage.fit(to: chain, along: .natural(count: 8)), fresh)
    // The chain has 0.69 + 7 · 0.325 = 2.97 nats, eight fair coins 5.55.
    #expect(found > 2.9 && found < 3.1)
  }

  @Test("is kept and restored to the bit")
  func checkpoint() throws {
    try withTemporaryDirectory { path in
      let rows = TrainingCase.chain(rowCount: 60, variableCount: 9, seed: 4)
      let density = try ParentAverage.fit(to: rows, along: .random(count: 9, seed: 2))
      let file = path + "/average.safetensors"
      try Checkpoint(model: density).write(to: file)
      #expect(try CheckpointOutline(contentsOf: file).arrays.contains { $0.name == "parents" })
      let restored = try Checkpoint(contentsOf: file).model
      #expect(restored.kind == .parentAverage && restored.parameterCount == density.parameterCount)
      #expect(restored.autoregressive()?.ordering == density.ordering)
      #expect(restored.logProbabilities(of: rows) == density.logProbabilities(of: rows))
    }
  }

  @Test("a forest has the edges that rows speak for, and no others")
  func forest() throws {
    let independent = BinaryMatrix.random(300, 10, seed: 3)
    #expect(try #require(try ChowLiuTree.forest(fittedTo: independent)).parents.allSatisfy { $0 == nil })
    // Two chains side by side.
    let chains = [1, 2].map { TrainingCase.chain(rowCount: 300, variableCount: 4, seed: $0) }
    let rows = BinaryMatrix(rowCount: 300, columnCount: 8) { chains[$1 / 4][$0, $1 % 4] }
    let parents = try #require(try ChowLiuTree.forest(fittedTo: rows)).parents
    #expect(parents == [nil, 0, 1, 2, nil, 4, 5, 6])
  }
}

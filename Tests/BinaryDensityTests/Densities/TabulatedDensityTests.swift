import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Tables of probabilities")
struct TabulatedDensityTests {
  @Test("a table has the probabilities of the density that it is of", arguments: InferenceCase.all)
  func tabulating(_ subject: InferenceCase) throws {
    let density = try subject.density(4)
    let table = try #require(try TabulatedDensity(tabulating: density))
    let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
    let found = table.logProbabilities(of: rows)
    // Rounded to Float beside the largest, and scaled to a sum of 1, which that of the density is but for 1e-4.
    for (a, b) in zip(found, density.logProbabilities(of: rows)) { #expect(abs(a - b) < 1e-4 - 1e-6 * b) }
    #expect(abs(found.reduce(0) { $0 + exp($1) } - 1) < 1e-12)
    for (a, b) in zip(found, table.referenceLogProbabilities(of: rows)) { #expect(abs(a - b) < 1e-12) }
    #expect(table.parameterCount == rows.rowCount && table.tractable != nil)
    let chain = try #require(table.autoregressive())
    for (a, b) in zip(logLikelihood(chain, rows), found) { #expect(abs(a - b) < 1e-4) }
  }

  /// log p as the sum over conditionals.
  private func logLikelihood(_ chain: any AutoregressiveDensity, _ rows: BinaryMatrix) -> [Double] {
    let logits = chain.conditionalLogits(of: rows)
    return (0..<rows.rowCount).map { row in
      (0..<rows.columnCount).reduce(0) { sum, i in
        let z = Double(rows[row, i] ? logits[row, i] : -logits[row, i])
        return sum + min(z, 0) - log1p(exp(-abs(z)))
      }
    }
  }

  @Test("draws come up as often as they should")
  func draws() throws {
    let table = try #require(try TabulatedDensity(tabulating: CompositeCase.mixture.density(seed: 1)))
    var generator = Philox(seed: 5)
    let p = table.logProbabilities(of: .allRows(ofWidth: 7)).map { exp($0) }
    let rows = table.sample(count: 20000, using: &generator)
    #expect(comeUpAsExpected(rows) { p[$0] })
  }

  @Test("16 variables take 65536 numbers of 16 bits, and cost next to nothing")
  func largest() throws {
    try withTemporaryDirectory { folder in
      let rows = BinaryMatrix.dependent(2000, 16, seed: 2)
      let mixture = try BernoulliMixture.fit(to: rows, componentCount: 4, seed: 1)
      let table = try #require(try TabulatedDensity(tabulating: mixture)?.inHalfPrecision())
      try Checkpoint(model: table).write(to: folder + "/t")
      let bytes = try AtomicFile.read(folder + "/t").count
      #expect(bytes > 131072 && bytes < 131072 + 500)
      let loss = DensitySearch.nll(table, rows) - DensitySearch.nll(mixture, rows)
      #expect(abs(loss) < 0.001)
      let read = try Checkpoint(contentsOf: folder + "/t").model
      #expect(read.logProbabilities(of: rows) == table.logProbabilities(of: rows))
    }
  }

  @Test("17 variables are too many, and a row of no probability is one of next to none")
  func limits() throws {
    let wide = try IndependentBernoulli.fit(to: .random(9, 17, seed: 1))
    #expect(
      throws: DensityError.invalidConfiguration("a table of probabilities has at most 16 variables, not 17")
    ) { try TabulatedDensity(tabulating: wide) }
    #expect(try TabulatedDensity(tabulating: wide.oneVariable, observing: { _ in true })?.variableCount == 1)
    struct Sure: Density {
      let variableCount = 2
      func logProbabilities(of rows: BinaryMatrix) -> [Double] {
        (0..<rows.rowCount).map { rows[$0, 0] == rows[$0, 1] ? log(0.5) : -.infinity }
      }
    }
    let table = try #require(try TabulatedDensity(tabulating: Sure()))
    let found = table.logProbabilities(of: .allRows(ofWidth: 2))
    #expect(abs(found[0] - log(0.5)) < 1e-9 && found[0] == found[3])
    #expect(found[1] < -59999 && found[1].isFinite && found[2] == found[1])
    struct Undefined: Density {
      let variableCount = 2
      func logProbabilities(of rows: BinaryMatrix) -> [Double] {
        Array(repeating: .nan, count: rows.rowCount)
      }
    }
    #expect(throws: DensityError.undefined(row: 0)) { try TabulatedDensity(tabulating: Undefined()) }
  }

  @Test("counts of whole rows are drawn towards independent columns as far as rows held out one by one say")
  func counts() throws {
    // Four coins and the parity of the first three, in 200 rows; and five coins.
    var generator = Philox(seed: 5)
    let coins = BinaryMatrix(rowCount: 200, columnCount: 5) { _, _ in Bool.random(using: &generator) }
    let rules = BinaryMatrix(rowCount: 200, columnCount: 5) { row, column in
      column < 4 ? coins[row, column] : coins[row, 0] != (coins[row, 1] != coins[row, 2])
    }
    let all = BinaryMatrix.allRows(ofWidth: 5)
    for rows in [coins, rules] {
      let found = try TabulatedDensity.fit(to: rows).logProbabilities(of: all).map { exp($0) }
      #expect(abs(found.reduce(0, +) - 1) < 1e-6)
      func counted(_ rows: BinaryMatrix, _ c: Double) throws -> [Double] {
        let base = try IndependentBernoulli.fit(to: rows).logProbabilities(of: all).map { exp($0) }
        let counts = (0..<32).map { row in (0..<rows.rowCount).count { rows[row: $0] == all[row: row] } }
        return zip(counts, base).map { (Double($0) + c * $1) / (Double(rows.rowCount) + c) }
      }
      // Each row by all others, with the marginals of all.
      let base = try counted(rows, 0x1p60)
      let scores = try (0...20).map { power in
        let c = Double(1 << power)
        let p = try counted(rows, c)
        return (0..<200).reduce(0.0) { sum, row in
          let index = (0..<32).first { all[row: $0] == rows[row: row] } ?? 0
          let n = p[index] * (200 + c) - c * base[index]
          return sum + log((n - 1 + c * base[index]) / (199 + c))
        }
      }
      let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
      let expected = try counted(rows, Double(1 << best))
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    let nll = try DensitySearch.nll(TabulatedDensity.fit(to: rules), rules)
    #expect(nll < 3.0, "four coins are 2.77 nats")
    // Of coins the counts themselves would lose 31 / 400 nats, the marginals 5 / 400.
    let losses = try (0..<40).map { seed in
      try DensitySearch.nll(TabulatedDensity.fit(to: .random(200, 5, probability: 0.5, seed: seed)), all) - 5
        * log(2)
    }
    let loss = losses.reduce(0, +) / 40
    #expect(loss > 5.0 / 400 - 0.005 && loss < 0.5 * (5 + 31) / 400, "\(loss)")
  }

  @Test("counts are refused of no rows, no columns, and too many")
  func wrongCounts() throws {
    for rows in [BinaryMatrix(rowCount: 0, columnCount: 3), BinaryMatrix(rowCount: 3, columnCount: 17)] {
      #expect(throws: DensityError.self) { try TabulatedDensity.fit(to: rows) }
    }
    let one = try TabulatedDensity.fit(to: BinaryMatrix([[1, 0, 1]]))
    #expect(one.logProbabilities(of: .allRows(ofWidth: 3)).allSatisfy { $0.isFinite && $0 < 0 })
    _ = try TabulatedDensity.fit(to: BinaryMatrix.random(20, 16, seed: 1))
  }

  @Test("files of tables that are none are refused", arguments: ["17", "0", "4", "70"])
  func files(_ count: String) throws {
    try withTemporaryDirectory { folder in
      let table = TabulatedDensity(logProbabilities: Matrix(rowCount: 1, columnCount: 8))
      try Checkpoint(model: table).write(to: folder + "/t")
      var file = try SafetensorsFile(contentsOf: folder + "/t")
      file.metadata["configuration"] = "{\"variable_count\":\(count)}"
      try file.write(to: folder + "/t")
      #expect(throws: DensityError.self) { try Checkpoint(contentsOf: folder + "/t") }
    }
  }
}

extension IndependentBernoulli {
  /// Its first variable alone.
  fileprivate var oneVariable: IndependentBernoulli {
    IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 1, elements: [logits[0, 0]]))
  }
}

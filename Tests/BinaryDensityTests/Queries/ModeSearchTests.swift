import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// All rows that agree with evidence, with log p, in the order that a search gives them.
struct RankedRows {
  let rows: BinaryMatrix
  let logProbabilities: [Double]

  init(_ density: any Density, given evidence: [Bool?]) {
    let unknown = evidence.indices.filter { evidence[$0] == nil }
    let all = BinaryMatrix(rowCount: 1 << unknown.count, columnCount: evidence.count) { row, i in
      evidence[i] ?? (row >> (unknown.firstIndex(of: i) ?? 0) & 1 == 1)
    }
    let values = density.logProbabilities(of: all)
    let order = (0..<all.rowCount).sorted { a, b in
      guard values[a] == values[b] else { return values[a] > values[b] }
      let first = unknown.first { all[a, $0] != all[b, $0] }
      return first.map { !all[a, $0] } ?? false
    }
    rows = all.selecting(order)
    logProbabilities = order.map { values[$0] }
  }
}

@Suite("The most probable rows")
struct ModeSearchTests {
  /// Evidence of each of some kinds: none, a beginning, an end, half at random, all.
  private func evidence(_ count: Int, seed: UInt64) -> [[Bool?]] {
    var generator = Philox(seed: seed, stream: 0xE71D)
    func bits(_ isKnown: (Int) -> Bool) -> [Bool?] {
      (0..<count).map { i in
        let value = Bool.random(using: &generator)
        return isKnown(i) ? value : nil
      }
    }
    let half = (0..<count).map { _ in Bool.random(using: &generator) }
    return [bits { _ in false }, bits { $0 < count / 2 }, bits { $0 >= count / 2 }, bits { half[$0] }]
      + [bits { _ in true }]
  }

  /// Computed in other company, log p may round otherwise; so may rows that are equally probable but for that.
  private func expectEqual(_ modes: Modes, _ ranked: RankedRows, count: Int) {
    let tolerance = { (value: Double) in 2e-6 * max(1, abs(value)) }
    #expect(modes.rows.rowCount == min(count, ranked.rows.rowCount))
    for row in 0..<modes.rows.rowCount {
      let expected = ranked.logProbabilities[row]
      #expect(abs(modes.logProbabilities[row] - expected) <= tolerance(expected))
      let isAlone = [row - 1, row + 1].allSatisfy {
        !ranked.logProbabilities.indices.contains($0)
          || abs(ranked.logProbabilities[$0] - expected) > 2 * tolerance(expected)
      }
      if isAlone { #expect(modes.rows[row: row] == ranked.rows[row: row]) }
    }
    #expect(Set((0..<modes.rows.rowCount).map { modes.rows[row: $0] }).count == modes.rows.rowCount)
  }

  @Test("they are those of enumeration, and proved", arguments: InferenceCase.all, [1, 2] as [UInt64])
  func enumeration(_ modeCase: InferenceCase, seed: UInt64) throws {
    let density = try modeCase.density(seed)
    for known in evidence(density.variableCount, seed: seed) {
      let ranked = RankedRows(density, given: known)
      for count in [1, 7] {
        let modes = try density.mostProbableRows(count: count, given: known)
        #expect(modes.areProved)
        expectEqual(modes, ranked, count: count)
        for row in 0..<modes.rows.rowCount {
          let own = density.logProbabilities(of: modes.rows.rows(row..<row + 1))[0]
          #expect(abs(modes.logProbabilities[row] - own) <= 1e-6 * max(1, abs(own)))
          #expect(known.indices.allSatisfy { known[$0] == nil || known[$0] == modes.rows[row, $0] })
        }
      }
    }
  }

  @Test(
    "narrow beams and no memory change nothing but the time", arguments: InferenceCase.all)
  func narrow(_ modeCase: InferenceCase) throws {
    let density = try modeCase.density(5)
    let nothing = [Bool?](repeating: nil, count: density.variableCount)
    let ranked = RankedRows(density, given: nothing)
    for (width, memory) in [(1, 0), (1, 1 << 20), (3, 2000), (3, 1 << 20)] {
      let modes = try density.mostProbableRows(
        count: 3, .init(beamWidth: width, memoryLimit: memory, nodeLimit: 0))
      #expect(modes.areProved)
      expectEqual(modes, ranked, count: 3)
    }
  }

  @Test(
    "completions are each row's most probable rows, for any number of threads", arguments: InferenceCase.all)
  func completions(_ modeCase: InferenceCase) throws {
    let density = try modeCase.density(3)
    let count = density.variableCount
    var rows = evidence(count, seed: 1) + evidence(count, seed: 2)
    rows.append(rows[1])
    let table = PartialRows(rows.map { row in row.map { $0.map { $0 ? 1 : 0 } } })
    let search = ModeSearch(density)
    let modes = try #require(try Threads.run(on: 1) { try search.completions(of: table) })
    #expect(modes.areProved && modes.rows.rowCount == rows.count)
    for (row, known) in rows.enumerated() {
      let ranked = RankedRows(density, given: known)
      let expected = ranked.logProbabilities[0]
      #expect(abs(modes.logProbabilities[row] - expected) <= 2e-6 * max(1, abs(expected)))
      #expect(known.indices.allSatisfy { known[$0] == nil || known[$0] == modes.rows[row, $0] })
    }
    #expect(try Threads.run(on: 3) { try search.completions(of: table) } == modes)
  }

  // MARK: Limits

  /// Evidence of 30 variables that leaves twelve unknown.
  private func twelveUnknown(seed: UInt64) -> [Bool?] {
    var generator = Philox(seed: seed, stream: 0x12)
    let unknown = Set(generator.permutation(of: 30).prefix(12))
    return (0..<30).map { i in
      let value = Bool.random(using: &generator)
      return unknown.contains(i) ? nil : value
    }
  }

  @Test(
    "a search that is cut short says so, and its bounds hold",
    arguments: [ModelCase.nade(30, 9), .made(30, [20], ordering: .random), .fvsbn(30)])
  func nodeLimit(_ modelCase: ModelCase) throws {
    var (proved, open) = (0, 0)
    for seed in 1...6 as ClosedRange<UInt64> {
      let density = try modelCase.model(seed: seed, spread: 0.5)
      let known = twelveUnknown(seed: seed)
      let ranked = RankedRows(density, given: known)
      for limit in [0, 100, 1000, 10_000, 1_000_000] {
        for memory in [0, 1 << 14, 1 << 28] {
          let modes = try density.mostProbableRows(
            count: 4, given: known, .init(beamWidth: 4, memoryLimit: memory, nodeLimit: limit))
          #expect(modes.rows.rowCount == 4)
          for row in 0..<4 {
            let (found, best) = (modes.logProbabilities[row], ranked.logProbabilities[row])
            #expect(found <= best + 1e-4 && modes.logBounds[row] >= best - 1e-4)
            if modes.isProved(row) { #expect(abs(found - best) < 1e-4) }
          }
          if limit == 1_000_000 { #expect(modes.areProved) }
          if modes.areProved { proved += 1 } else { open += 1 }
        }
      }
    }
    #expect(proved > 0 && open > 0)
  }

  @Test("several orders and many unknown cells: the best row found, and a bound that holds")
  func severalOrders() throws {
    let count = 700
    var found = 0
    for seed in 1...4 as ClosedRange<UInt64> {
      let orders: [OrderingRule] = [.natural, .random]
      let density = Mixture(
        try orders.map { try ModelCase.nade(count, 4, ordering: $0).model(seed: seed, spread: 0.3) }
          + [try BaselineCase.tree.density(count, seed: seed)], weights: [3, 2, 1])
      var generator = Philox(seed: seed)
      let unknown = Set(generator.permutation(of: count).prefix(15))
      let known = (0..<count).map { i -> Bool? in
        let value = Double.random(in: 0..<1, using: &generator) < 0.3
        return unknown.contains(i) ? nil : value
      }
      let ranked = RankedRows(density, given: known)
      let modes = try density.mostProbableRows(count: 3, given: known, .init(beamWidth: 8))
      for row in 0..<3 {
        #expect(modes.logProbabilities[row] <= ranked.logProbabilities[row] + 1e-3)
        #expect(modes.logBounds[row] >= ranked.logProbabilities[row] - 1e-3)
      }
      if abs(modes.logProbabilities[0] - ranked.logProbabilities[0]) < 1e-3 { found += 1 }
    }
    #expect(found >= 3)
  }

  @Test("the row that is the most probable of all components is proved to be that of their mixture")
  func agreement() throws {
    let parts = try (1...3 as ClosedRange<UInt64>).map { seed in
      var model = try FVSBN(FVSBN.Configuration(variableCount: 60, ordering: .random, seed: seed), seed: seed)
      model.parameters["w"] = .uniform(60, 60, in: -0.2...0.2, seed: seed)
      model.parameters["b"] = .uniform(1, 60, in: -5 ... -4, seed: 9)
      return model
    }
    let modes = try Mixture(parts).mostProbableRows(count: 2)
    #expect(modes.isProved(0) && modes.rows.onBitCount(ofRow: 0) == 0)
    #expect(modes.rows.onBitCount(ofRow: 1) == 1 && modes.logBounds[1] < modes.logProbabilities[0])
  }

  @Test("a search may be stopped")
  func stopped() throws {
    let density = try ModelCase.nade(60, 9).model(seed: 1, spread: 0.5)
    let search = ModeSearch(density, .init(beamWidth: 2, nodeLimit: 20_000))
    #expect(try search.mostProbableRows { _ in false } == nil)
    var calls = 0
    let modes = try search.mostProbableRows { _ in
      calls += 1
      return calls < 100
    }
    let found = try #require(modes)
    #expect(calls == 100 && !found.areProved)
    #expect(try search.completions(of: PartialRows(rowCount: 2, columnCount: 60)) { _ in false } == nil)
    let error = DensityError.interrupted
    #expect(throws: error) { try search.mostProbableRows { (_) throws(DensityError) in throw error } }
  }

  // MARK: Special cases

  @Test("equally probable rows: what is off in an earlier column comes first")
  func ties() throws {
    let densities: [any Density] = [
      try FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1).withoutParameters(),
      IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 6)),
      Mixture([
        try FVSBN(FVSBN.Configuration(variableCount: 6, ordering: .random, seed: 1), seed: 1)
          .withoutParameters(),
        try FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1).withoutParameters(),
      ]),
    ]
    for density in densities {
      let modes = try density.mostProbableRows(count: 3, given: [nil, true, nil, nil, nil, nil])
      #expect(modes.areProved)
      #expect(
        modes.rows == BinaryMatrix([[0, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]]),
        "\(type(of: density))")
    }
  }

  @Test("there are no more rows than agree")
  func fewRows() throws {
    let density = try ModelCase.nade(8, 5).model(seed: 2)
    let known: [Bool?] = [true, false, nil, true, nil, true, true, true]
    let modes = try density.mostProbableRows(count: 50, given: known)
    #expect(modes.rows.rowCount == 4 && modes.areProved)
    #expect(zip(modes.logProbabilities, modes.logProbabilities.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test("evidence of probability zero is an error that names its row")
  func impossible() throws {
    /// Every variable copies the first.
    struct Copies: AutoregressiveDensity {
      let variableCount = 25
      var ordering: Ordering { .natural(count: 25) }
      func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
        Matrix(rowCount: rows.rowCount, columnCount: 25) { row, i in
          i == 0 ? 1 : rows[row, 0] ? .infinity : -.infinity
        }
      }
      func logProbabilities(of rows: BinaryMatrix) -> [Double] {
        (0..<rows.rowCount).map { row in
          let onBitCount = rows.onBitCount(ofRow: row)
          return onBitCount == 25 ? -log1p(exp(-1)) : onBitCount == 0 ? -log1p(exp(1)) : -.infinity
        }
      }
    }
    let modes = try Copies().mostProbableRows(count: 5)
    #expect(modes.rows == BinaryMatrix([Array(repeating: 1, count: 25), Array(repeating: 0, count: 25)]))
    #expect(modes.areProved && abs(modes.logProbabilities[1] + 1.3132617) < 1e-6)
    var known = PartialRows(rowCount: 3, columnCount: 25)
    (known[0, 7], known[2, 4], known[2, 9]) = (true, true, false)
    let error = DensityError.impossibleEvidence(row: 2, onBitCount: nil)
    #expect(throws: error) { try ModeSearch(Copies()).completions(of: known) }
    #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: nil)) {
      try Copies().mostProbableRows(given: known[row: 2])
    }
    let completed = try ModeSearch(Copies()).completions(of: known.selecting([0, 1]))
    #expect(completed?.rows.onBitCount == 50)
  }

  @Test("the next most probable rows of many independent variables, by what a flip costs")
  func manyRows() throws {
    let logits = Matrix<Float>.uniform(1, 90, in: -3...3, seed: 6)
    let density = IndependentBernoulli(logits: logits)
    let modes = try density.mostProbableRows(count: 40)
    #expect(modes.areProved)
    // The forty cheapest sets of flips are among the fourteen cheapest flips: with more, each alone would be cheaper.
    let costs = logits.elements.map { abs(Double($0)) }.sorted().prefix(14)
    let sums = (0..<1 << 14).map { set in
      costs.indices.reduce(0.0) { $0 + (set >> $1 & 1 == 1 ? costs[$1] : 0) }
    }.sorted()
    // That holds as long as the last of them costs less than the fifteenth flip.
    #expect(sums[39] < logits.elements.map { abs(Double($0)) }.sorted()[14])
    for (row, sum) in sums.prefix(40).enumerated() {
      #expect(abs(modes.logProbabilities[0] - sum - modes.logProbabilities[row]) < 1e-4)
    }
  }

  @Test("a density of nothing but log p is enumerated, or refused")
  func opaque() throws {
    struct Opaque: Density {
      let base: any Density
      var variableCount: Int { base.variableCount }
      func logProbabilities(of rows: BinaryMatrix) -> [Double] { base.logProbabilities(of: rows) }
    }
    let base = try ModelCase.nade(30, 9).model(seed: 3, spread: 0.5)
    let known = twelveUnknown(seed: 3)
    let modes = try Opaque(base: base).mostProbableRows(count: 5, given: known)
    #expect(modes.areProved)
    expectEqual(modes, RankedRows(base, given: known), count: 5)
    #expect(throws: DensityError.self) { try Opaque(base: base).mostProbableRows() }
  }

  @Test func logProbabilitiesThatAreNoNumbers() throws {
    var broken = try NADE(NADE.Configuration(variableCount: 22, hiddenCount: 3), seed: 1)
    broken.parameters["b"] = Matrix(rowCount: 1, columnCount: 22) { _, _ in .nan }
    #expect(throws: DensityError.undefined(row: 0)) { try broken.mostProbableRows() }
  }
}

extension FVSBN {
  /// The model with all parameters zero.
  fileprivate func withoutParameters() -> FVSBN {
    var model = self
    for name in parameters.names {
      let matrix = parameters[name]
      model.parameters[name] = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount)
    }
    return model
  }
}

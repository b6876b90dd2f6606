import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Likelihoods block by block")
struct LikelihoodMeterTests {
  /// A network, a mixture of two orders, and a tree; rows, of which cells are missing in the later half.
  private func models() throws -> [any Density] {
    let rows = BinaryMatrix.random(200, 7, seed: 4)
    let networks = try [OrderingRule.natural, .random].enumerated().map { index, ordering in
      try NADE(
        NADE.Configuration(variableCount: 7, hiddenCount: 5, ordering: ordering, seed: UInt64(index)),
        seed: UInt64(index))
    }
    return networks + [Mixture(networks, weights: [2, 1]), try ChowLiuTree.fit(to: rows)]
  }

  private func partialRows(_ count: Int) -> PartialRows {
    var generator = Philox(seed: 8)
    let values = BinaryMatrix.random(count, 7, seed: 3)
    let known = BinaryMatrix(rowCount: count, columnCount: 7) { row, column in
      if row < count / 2 || row % 3 == 0 { return true }
      // Some know a prefix of the natural order, for which no table is needed.
      if row % 7 == 1 { return column < 4 }
      return row % 50 != 49 && Bool.random(using: &generator)
    }
    return PartialRows(values: values, known: known)
  }

  @Test("the figures are those of all rows at once, to the last bit", arguments: [1, 7, 64, 150, 400])
  func blocks(length: Int) throws {
    let partial = partialRows(300)
    for model in try models() {
      let whole = try #require(try model.measureLikelihood(of: partial.values, named: "rows"))
      var meter = LikelihoodMeter(model, named: "rows")
      var terms: [Double] = []
      try partial.values.forEachBlock(of: length) { (rows) throws(DensityError) in
        terms += try meter.add(rows) ?? []
        return true
      }
      #expect(terms == whole.logProbabilities)
      #expect(try meter.measurement().summary == whole.measurement.summary)
      #expect(whole.measurement.summary == LikelihoodSummary(logProbabilities: terms, variableCount: 7))

      let known = try #require(try model.measureKnownCells(of: partial, named: "rows"))
      var partialMeter = LikelihoodMeter(model, named: "rows")
      for start in stride(from: 0, to: 300, by: length) {
        let block = partial.selecting(start..<min(start + length, 300))
        let isWhole = block.known.onBitCount == block.rowCount * 7
        try partialMeter.add(block.values, known: isWhole ? nil : block.known)
      }
      let measured = try partialMeter.measurement()
      #expect(measured.summary == known.summary && measured.isOfKnownCells && known.isOfKnownCells)
      #expect(measured.summary.rowCount < 300)
    }
  }

  @Test("known cells have their marginal, complete rows their log p")
  func values() throws {
    let partial = partialRows(100)
    for model in try models() {
      var meter = LikelihoodMeter(model, named: "rows")
      let found = try #require(try meter.add(partial.values, known: partial.known))
      let all = BinaryMatrix.allRows(ofWidth: 7)
      let probabilities = model.logProbabilities(of: all).map(exp)
      let expected = (0..<100).compactMap { row -> Double? in
        guard partial.known.onBitCount(ofRow: row) > 0 else { return nil }
        let matching = (0..<128).filter { candidate in
          (0..<7).allSatisfy { partial[row, $0] == nil || partial[row, $0] == all[candidate, $0] }
        }
        return log(matching.reduce(0) { $0 + probabilities[$1] })
      }
      #expect(found.count == expected.count)
      for (value, wanted) in zip(found, expected) { #expect(abs(value - wanted) < 1e-5) }
      let exact = model.logProbabilities(of: partial.values)
      #expect(Array(found.prefix(50)) == Array(exact.prefix(50)))
      #expect(try !meter.measurement().isEstimated)
    }
  }

  @Test func nothingKnownIsAnError() throws {
    let model = try models()[0]
    var meter = LikelihoodMeter(model, named: "t.csv")
    #expect { try meter.measurement() } throws: { "\($0)".contains("expected at least one row, found none") }
    let nothing = PartialRows(rowCount: 3, columnCount: 7)
    #expect(try meter.add(nothing.values, known: nothing.known) == [])
    #expect { try meter.measurement() } throws: { "\($0)".contains("found 3 of which all are missing") }
  }

  @Test("tallies of parts are those of the whole")
  func tallies() {
    var generator = Philox(seed: 2)
    let terms = (0..<1000).map { _ in -100 * Double.random(in: 0...1, using: &generator) }
    var whole = LikelihoodTally()
    whole.add(terms, cellCount: 7000)
    var parts = (0..<7).map { _ in LikelihoodTally() }
    for (index, term) in terms.enumerated() { parts[index * index % 7].add([term], cellCount: 7) }
    var sum = LikelihoodTally()
    for part in parts.reversed() { sum.add(part) }
    #expect(sum == whole && sum.summary == whole.summary && sum.rowCount == 1000)
  }
}

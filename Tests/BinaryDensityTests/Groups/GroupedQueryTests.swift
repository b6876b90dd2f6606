import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Questions to networks that keep groups")
struct GroupedQueryTests {
  /// The probabilities of all rows, zero of those that break a group.
  private func truth(_ model: GroupedNetwork) -> (rows: BinaryMatrix, probabilities: [Double]) {
    let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
    return (rows, model.logProbabilities(of: rows).map(exp))
  }

  private func agrees(_ rows: BinaryMatrix, _ row: Int, _ evidence: PartialRows, _ index: Int) -> Bool {
    (0..<rows.columnCount).allSatisfy { column in
      evidence[index, column].map { $0 == rows[row, column] } ?? true
    }
  }

  private func options(_ enumerationSeconds: Double) -> Inference.Options {
    Inference.Options(particleCount: 512, particleLimit: 512, enumerationSeconds: enumerationSeconds)
  }

  @Test(
    "marginals are those of enumeration, and −∞ where a group is broken", arguments: GroupedCase.enumerable)
  func marginals(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 5)
    let (rows, probabilities) = truth(model)
    let evidence = PartialRows.random(40, model.variableCount, seed: 15)
    let exact = try #require(try model.inference(options(1000)).logMarginals(of: evidence))
    let estimated = try #require(try model.inference(options(0)).logMarginals(of: evidence))
    var impossibleCount = 0
    for index in 0..<40 {
      let p = (0..<rows.rowCount).reduce(0) {
        $0 + (agrees(rows, $1, evidence, index) ? probabilities[$1] : 0)
      }
      #expect(exact[index].isExact)
      if p == 0 {
        impossibleCount += 1
        #expect(exact[index].value == -.infinity && estimated[index].value == -.infinity)
      } else {
        #expect(abs(exact[index].value - log(p)) < 1e-4)
        #expect(abs(estimated[index].value - log(p)) < 6 * estimated[index].standardError + 1e-4)
      }
    }
    #expect(impossibleCount > 0 && impossibleCount < 40)
  }

  @Test(
    "completions keep the groups, and what cannot be completed is refused", arguments: GroupedCase.enumerable)
  func completions(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 5)
    let (rows, probabilities) = truth(model)
    let evidence = PartialRows.random(20, model.variableCount, seed: 25)
    for index in 0..<20 {
      let one = evidence.selecting([index])
      let agreeing = (0..<rows.rowCount).filter { agrees(rows, $0, one, 0) && probabilities[$0] > 0 }
      let search = ModeSearch(model)
      for seconds in [0.0, 1000] {
        var generator = Philox(seed: 4)
        let inference = try model.inference(options(seconds))
        guard let best = agreeing.max(by: { probabilities[$0] < probabilities[$1] }) else {
          #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: nil)) {
            _ = try inference.sample(given: one, count: 10, using: &generator)
          }
          #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: nil)) {
            _ = try search.mostProbableRows(given: one[row: 0])
          }
          continue
        }
        let found = try #require(try inference.sample(given: one, count: 200, using: &generator))
        #expect(model.groups.breaches(in: found.rows) == 0)
        #expect((0..<200).allSatisfy { agrees(found.rows, $0, one, 0) })
        let modes = try #require(try search.mostProbableRows(given: one[row: 0]))
        #expect(modes.rows[row: 0] == rows[row: best] && modes.areProved)
      }
    }
  }

  @Test(
    "the most probable rows all keep the groups, down to the last there is", arguments: GroupedCase.enumerable
  )
  func modes(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 6)
    let (rows, probabilities) = truth(model)
    let possible = probabilities.filter { $0 > 0 }
    let modes = try #require(try ModeSearch(model).mostProbableRows(count: rows.rowCount))
    #expect(modes.rows.rowCount == possible.count && model.groups.breaches(in: modes.rows) == 0)
    for (found, expected) in zip(modes.logProbabilities, possible.sorted(by: >)) {
      #expect(abs(found - log(expected)) < 1e-4)
    }
  }

  @Test("no most probable row of a mixture of several orders breaks a group")
  func modesOfMixture() throws {
    let groups = try ColumnGroups([[0, 1], [2, 3, 4]], columnCount: 6)
    let parts = try ([1, 2] as [UInt64]).map { seed in
      try GroupedNetwork(
        NADE(
          NADE.Configuration(variableCount: 6, hiddenCount: 4, ordering: .random, seed: seed), seed: seed),
        groups: groups)
    }
    let search = ModeSearch(Mixture(parts))
    let modes = try #require(try search.mostProbableRows(count: 64))
    #expect(modes.rows.rowCount == 2 * 3 * 2 && groups.breaches(in: modes.rows) == 0)
    #expect(throws: DensityError.impossibleEvidence(row: 0, onBitCount: nil)) {
      _ = try search.mostProbableRows(given: [true, true, nil, nil, nil, nil])
    }
  }

  @Test("conditionals given all others: certain in a group of two, impossible where they break one")
  func conditionals() throws {
    let model = try GroupedCase(.nade(5, 4), [[0, 1], [2, 3, 4]]).model(seed: 3)
    let inference = try model.inference()
    let found = inference.logConditionalsGivenAllOthers(of: BinaryMatrix([[1, 0, 0, 1, 0]]))
    #expect((0..<5).allSatisfy { found[0, $0] == 0 })
    func answer(_ text: String) throws -> LogProbability {
      let query = try Query(text, QueryVocabulary(columnCount: 5))
      return try #require(try inference.answers(to: [query]))[0].logProbability
    }
    #expect(abs(try answer("P(#1 or #2)").value) < 1e-6)
    #expect(try answer("P(#1, #2)").value == -.infinity)
    #expect(abs(try answer("P(#5 | !#3, !#4)").value) < 1e-6)
    #expect(throws: DensityError.self) { _ = try answer("P(#1 | #3, #4)") }
    #expect(throws: DensityError.self) { _ = try answer("P(#1 | !#3, !#4, !#5)") }
  }
}

import BinaryDensity
import Kernels
import Testing

@Suite("Which model answers what")
struct QueryCapabilitiesTests {
  private typealias Question = QueryCapabilities.Question

  /// A density of 24 variables, which are too many for a table, of the kind that a line of the table is about.
  private func density(_ name: String) throws -> any Density {
    let rows = BinaryMatrix.dependent(100, 24, seed: 1)
    let nade = ModelCase.nade(24, 5)
    return switch name {
    case "bernoulli": try IndependentBernoulli.fit(to: rows)
    case "chow-liu": try ChowLiuTree.fit(to: rows)
    case "bernoulli-mixture": try BernoulliMixture.fit(to: rows, componentCount: 3)
    case "fvsbn": try ModelCase.fvsbn(24, ordering: .random).model(seed: 2)
    case "nade": try nade.model(seed: 2)
    case "made of one order": try ModelCase.made(24, [9]).model(seed: 2)
    case "made of several orders": try ModelCase.made(24, [9], masks: 2, ordering: .resampled).model(seed: 2)
    case "eonade of one order": try EoNADECase(24, [7]).model(seed: 2)
    case "eonade of several orders", "eonade with --order evidence-first":
      try EoNADECase(24, [7], orders: 2).model(seed: 2)
    case "grouped":
      try GroupedNetwork(
        try nade.model(seed: 2), groups: ColumnGroups([[20, 21], [4, 7, 9]], columnCount: 24))
    case "ensemble": Ensemble([try nade.model(seed: 2), try ModelCase.fvsbn(24).model(seed: 3)])
    case "parent-average": try ParentAverage.fit(to: rows, along: .random(count: 24, seed: 4))
    case "mixture of baselines":
      Mixture([try IndependentBernoulli.fit(to: rows), try ChowLiuTree.fit(to: rows)])
    case "mixture of one order":
      Mixture([try nade.model(seed: 2), try ModelCase.made(24, [9]).model(seed: 3)])
    case "mixture of several orders":
      Mixture([try nade.model(seed: 2), try ModelCase.nade(24, 5, ordering: .random).model(seed: 3)])
    default: try #require(nil as (any Density)?, "no density of \(name)")
    }
  }

  @Test("the table has every family once")
  func families() throws {
    let groups = try QueryCapabilities.all()
    #expect(
      groups.map(\.models) == [
        ["bernoulli", "chow-liu"], ["bernoulli-mixture", "mixture of baselines"],
        [
          "fvsbn", "nade", "made of one order", "eonade of one order", "grouped", "ensemble",
          "parent-average",
        ],
        ["made of several orders", "eonade of several orders", "mixture of several orders"],
        ["eonade with --order evidence-first"], ["mixture of one order"],
      ])
    #expect(groups.map(\.structure.isTractable) == [true, true, false, false, false, false])
    #expect(groups.map(\.structure.isMixture) == [false, true, false, true, true, true])
    let oneOrder: [QueryCapabilities.Manner] = [
      .exact, .exact, .enumeratedOrEstimated, .enumeratedOrEstimated, .exact, .summedOrDrawn, .exact,
      .enumeratedOrEstimated, .searched,
    ]
    let expected: [[QueryCapabilities.Manner]] = [
      Array(repeating: .exact, count: 9), Array(repeating: .exact, count: 8) + [.searched], oneOrder,
      [
        .exact, .enumeratedOrEstimated, .enumeratedOrEstimated, .enumeratedOrEstimated, .exact,
        .summedOrDrawn,
        .enumeratedOrEstimated, .enumeratedOrEstimated, .searchedByComponents,
      ],
      [.exact, .exact, .exact, .exact, .exact, .absent, .exact, .exact, .absent], oneOrder,
    ]
    #expect(groups.map { group in Question.allCases.map(group.manner) } == expected)
    let markdown = try QueryCapabilities.markdown()
    #expect(markdown.split(separator: "\n").count == 11)
    #expect(try QueryCapabilities.markdown() == markdown)
  }

  @Test("what it says of small models is what happens to larger ones")
  func claims() throws {
    for group in try QueryCapabilities.all() {
      for name in group.models {
        let density = try density(name)
        let kind: Inference.Order = name.hasSuffix("evidence-first") ? .evidenceFirst : .own
        let chain = density.autoregressive() ?? density.components?[0].density.autoregressive()
        let order = try #require(chain).ordering.variables
        /// Whether the answers with and without enumeration are exact.
        func manner(_ queries: [Query]) throws -> QueryCapabilities.Manner {
          func isExact(_ seconds: Double) throws -> Bool {
            let options = Inference.Options(
              particleCount: 64, particleLimit: 64, enumerationSeconds: seconds, order: kind)
            let answers = try #require(try density.inference(options).answers(to: queries))
            return answers.allSatisfy(\.logProbability.isExact)
          }
          return try isExact(0) ? .exact : try isExact(60) ? .enumeratedOrEstimated : .absent
        }
        func query(_ event: ArraySlice<Int>, _ condition: ArraySlice<Int> = []) -> Query {
          func all(_ columns: ArraySlice<Int>) -> Query.Event { .all(columns.map { .cell($0, $0 % 2 == 0) }) }
          return Query(text: name, event: all(event), condition: condition.isEmpty ? nil : all(condition))
        }
        #expect(try manner([query(order[...])]) == group.manner(of: .row), "\(name)")
        #expect(try manner([query(order[..<3])]) == group.manner(of: .prefix), "\(name)")
        // Twelve unknown variables stand before the last.
        #expect(try manner([query(order[12...12])]) == group.manner(of: .marginal), "\(name)")
        #expect(
          try manner([query(order[1...1], order[12...12])]) == group.manner(of: .conditional), "\(name)")
        let usual = try density.inference(Inference.Options(order: kind))
        let one = try #require(try usual.answers(to: [query(order[..<1], order[1...])]))
        #expect(one[0].logProbability.isExact && group.manner(of: .oneGivenOthers) == .exact)
        let half = Query(text: name, event: .count(12...12, of: (0..<24).map { .cell($0, true) }))
        if group.manner(of: .onBitCount) == .absent {
          #expect(throws: DensityError.self) { try usual.answers(to: [half]) }
        } else {
          let isExact = try #require(try usual.answers(to: [half]))[0].logProbability.isExact
          #expect(isExact == (group.manner(of: .onBitCount) == .exact), "\(name)")
        }
        var generator = Philox(seed: 3)
        for (question, known) in [(Question.drawsGivenPrefix, 0..<2), (.draws, 12..<13)] {
          let evidence = PartialRows(
            BinaryMatrix(rowCount: 1, columnCount: 24), knownColumns: order[known])
          let hasty = try density.inference(Inference.Options(enumerationSeconds: 0, order: kind))
          let drawn = try #require(try hasty.sample(given: evidence, count: 4, using: &generator))
          #expect(drawn.areExact == (group.manner(of: question) == .exact), "\(name)")
        }
      }
    }
  }
}

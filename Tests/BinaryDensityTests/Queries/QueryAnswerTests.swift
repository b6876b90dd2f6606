import BinaryDensity
import Foundation
import Kernels
import Testing

/// A density of seven variables, of whatever kind.
struct AskedDensity: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let density: @Sendable (_ seed: UInt64) throws -> any Density

  static let all: [AskedDensity] =
    BaselineCase.allCases.map { baseline in
      AskedDensity(testDescription: "\(baseline)") { try baseline.density(7, seed: $0) }
    }
    + CompositeCase.allCases.map { composite in
      AskedDensity(testDescription: "\(composite)") { try composite.density(seed: $0) }
    }
    + [ModelCase.nade(7, 9, ordering: .random), .made(7, [11], masks: 3, ordering: .resampled)].map {
      network in
      AskedDensity(testDescription: network.testDescription) { try network.model(seed: $0) }
    }
    + [
      AskedDensity(testDescription: "EoNADE of 3 orders") {
        try EoNADECase(7, [9], orders: 3).model(seed: $0)
      }
    ]
}

@Suite("Answers to queries")
struct QueryAnswerTests {
  static let vocabulary = QueryVocabulary(columnCount: 7, columnNames: ["a", "b", "c", "d", "e", "f", "g"])
  static let texts = [
    "P(a)", "P(g=0)", "P(a, d=0, g)", "P(g | a)", "P(a | g)", "P(a | b=0, c=?)", "P(a or g | c)",
    "P(a | b or !g)",
    "P(at least 2 of a,b,c | d)", "P(exactly 3 of all)", "P(at most 2 of all | g, b=0)",
    "P(not (a and b) | a or b, !d)",
    "P(exactly 1 of (a, b and c, !g) | at least 1 of e,f)", "P(a or !a | b)", "P(#1-#7)", "P(c=?)",
    "P(a, b | c=?)",
  ]

  /// log p(A | B) by its definition.
  private func expected(_ query: Query, _ p: [Double]) -> Double {
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    var (joint, given) = (0.0, 0.0)
    for row in 0..<rows.rowCount where query.condition?.isTrue(of: { rows[row, $0] }) ?? true {
      given += p[row]
      if query.event.isTrue(of: { rows[row, $0] }) { joint += p[row] }
    }
    return log(joint / given)
  }

  @Test("are exact by enumeration, tabulated or along an order", arguments: AskedDensity.all)
  func exact(_ asked: AskedDensity) throws {
    let density = try asked.density(3)
    let p = inDouble(density, logProbabilitiesOf: .allRows(ofWidth: 7)).map { exp($0) }
    let queries = try Self.texts.map { try Query($0, Self.vocabulary) }
    for limit in [20, 0] {
      var options = Inference.Options()
      options.tabulationLimit = limit
      let answers = try #require(try density.inference(options).answers(to: queries))
      #expect(answers.count == queries.count)
      for (query, answer) in zip(queries, answers) {
        #expect(answer.logProbability.isExact, "\(query.text)")
        let value = expected(query, p)
        #expect(abs(answer.logProbability.value - value) < 1e-5, "\(query.text): \(answer), not \(value)")
      }
    }
  }

  @Test("estimates are within their errors, and say what they are", arguments: AskedDensity.all)
  func estimates(_ asked: AskedDensity) throws {
    let density = try asked.density(4)
    let p = inDouble(density, logProbabilitiesOf: .allRows(ofWidth: 7)).map { exp($0) }
    let queries = try Self.texts.map { try Query($0, Self.vocabulary) }
    var options = Inference.Options(particleCount: 1024, enumerationSeconds: 0)
    options.tabulationLimit = 0
    let answers = try #require(try density.inference(options).answers(to: queries))
    for (query, answer) in zip(queries, answers) {
      // A standard error of 32 batches is itself known to an eighth; 6 of them leave one failure in millions.
      let error = answer.logProbability.standardError
      #expect(
        abs(answer.logProbability.value - expected(query, p)) <= 6 * error + 1e-5, "\(query.text): \(answer)")
      if case .marginals(_, let particleCount) = answer.method {
        #expect((particleCount == nil) == answer.logProbability.isExact)
        #expect(particleCount.map { $0 >= 1024 } ?? true)
      }
    }
    #expect(density.tractable == nil || answers.allSatisfy(\.logProbability.isExact))
    // Along an order, what comes last is not known without what comes before.
    if density.tractable == nil { #expect(answers.contains { !$0.logProbability.isExact }) }
    // The same seed gives the same bits, and so does any company.
    #expect(try density.inference(options).answers(to: queries) == answers)
  }

  @Test("with the evidence first, lists of cells are exact, and other events are refused")
  func evidenceFirst() throws {
    let model = try EoNADECase(24, [9], orders: 2).model(seed: 5)
    let inference = try model.inference(Inference.Options(order: .evidenceFirst))
    let vocabulary = QueryVocabulary(columnCount: 24)
    let query = try Query("P(#1, #13=0 | #24, #7=0, #2=?)", vocabulary)
    let answer = try #require(try inference.answers(to: [query]))[0]
    var (target, evidence) = (
      PartialRows(rowCount: 1, columnCount: 24), PartialRows(rowCount: 1, columnCount: 24)
    )
    (target[0, 0], target[0, 12], evidence[0, 23], evidence[0, 6]) = (true, false, true, false)
    #expect(answer.logProbability.isExact)
    #expect(
      try [answer.logProbability] == #require(try inference.logConditionals(of: target, given: evidence)))
    let count = try Query("P(at least 1 of #1, #2 | #3)", vocabulary)
    let error = try #require(throws: DensityError.self) { try inference.answers(to: [query, count]) }
    #expect("\(error)".hasPrefix("P(at least 1 of #1, #2 | #3): with the evidence first each set of columns"))
  }

  @Test("counts over all variables come from the distribution of the number of on-bits")
  func counts() throws {
    let rows = BinaryMatrix.dependent(300, 60, seed: 5)
    let vocabulary = QueryVocabulary(columnCount: 60)
    let tree = try ChowLiuTree.fit(to: rows)
    let independent = try IndependentBernoulli.fit(to: rows)
    for density in [tree, Mixture([tree, independent], weights: [1, 3])] as [any Density] {
      let texts = [
        "P(exactly 30 of all)", "P(at most 30 of all | #1, #60=0)", "P(at least 31 of all | #1, #60=0)",
      ]
      let queries = try texts.map { try Query($0, vocabulary) }
      let answers = try #require(try density.inference().answers(to: queries))
      #expect(answers.allSatisfy { $0.method == .onBitCounts && $0.logProbability.isExact })
      let p = answers.map { exp($0.logProbability.value) }
      #expect(abs(p[1] + p[2] - 1) < 1e-12 && p[1] > 0.01 && p[2] > 0.01)
      func share(_ parts: [any TractableDensity], _ weights: [Double]) -> Double {
        zip(parts, weights).reduce(0) {
          $0 + $1.1 * exp($1.0.logMarginalsByOnBitCount(of: PartialRows(rowCount: 1, columnCount: 60))[0, 30])
        }
      }
      #expect(
        abs(p[0] - (density is Mixture ? share([tree, independent], [0.25, 0.75]) : share([tree], [1])))
          < 1e-12)
    }
  }

  @Test("what has too many terms is answered by draws, and says so")
  func draws() throws {
    let rows = BinaryMatrix.dependent(300, 45, seed: 6)
    let tree = try ChowLiuTree.fit(to: rows)
    let vocabulary = QueryVocabulary(columnCount: 45)
    let texts = [
      "P(at least 20 of #1-#43)", "P(at least 20 of #1-#43 | #44=0)", "P(at least 20 of #1-#43 | #45 or #1)",
    ]
    let queries = try texts.map { try Query($0, vocabulary) }
    let answers = try #require(try tree.inference().answers(to: queries))
    /// p(at least 20 of the first 43, the last two as given), from counts of all columns.
    func probability(_ last: [Bool]) -> Double {
      var evidence = PartialRows(rowCount: 1, columnCount: 45)
      (evidence[0, 43], evidence[0, 44]) = (last[0], last[1])
      let terms = tree.logMarginalsByOnBitCount(of: evidence)
      return (20...43).reduce(0) { $0 + exp(terms[0, $1 + last.count { $0 }]) }
    }
    var off = PartialRows(rowCount: 1, columnCount: 45)
    off[0, 43] = false
    let given = probability([false, false]) + probability([false, true])
    let expected = [
      given + probability([true, false]) + probability([true, true]),
      given / exp(tree.logMarginals(of: off)[0]),
    ]
    for (answer, value) in zip(answers, expected) {
      #expect(!answer.logProbability.isExact && answer.logProbability.isTrusted)
      #expect(abs(answer.logProbability.value - log(value)) < 5 * answer.logProbability.standardError)
      #expect(answer.logProbability.standardError <= 0.02 && answer.logProbability.standardError > 0)
    }
    guard case .draws(let hits, let count) = answers[2].method else {
      Issue.record("\(answers[2].method)")
      return
    }
    #expect(
      count < 1 << 16 && hits < count && log(Double(hits) / Double(count)) == answers[2].logProbability.value)
    // What no draw meets is not called impossible.
    func every(_ start: Int) -> String {
      stride(from: start, to: 45, by: 2).map { "#\($0)" }.joined(separator: ", ")
    }
    let rare = try Query("P(at least 17 of (\(every(1))), at most 4 of (\(every(2))))", vocabulary)
    let never = try #require(
      try tree.inference(Inference.Options(particleCount: 2048, particleLimit: 8192)).answers(to: [rare]))[0]
    #expect(!never.logProbability.isExact && !never.logProbability.isTrusted)
  }

  @Test("a condition of probability zero is an error that names the query")
  func impossible() throws {
    let density = try BaselineCase.tree.density(7, seed: 1)
    for text in ["P(a | !(b or !b))", "P(a | exactly 1 of (b, c) and (b or d) and (c or d) and !d)"] {
      let query = try Query(text, Self.vocabulary)
      let error = try #require(throws: DensityError.self) { try density.inference().answers(to: [query]) }
      #expect(
        "\(error)" == "\(text): expected a condition of probability above zero, found one that cannot be")
    }
    // An event that cannot be has probability zero, exactly.
    let query = try Query("P(a and not (a or b))", Self.vocabulary)
    let answer = try #require(try density.inference().answers(to: [query]))[0]
    #expect(answer.logProbability.value == -.infinity && answer.logProbability.isExact)
  }

  @Test("an observer ends it, and many queries are answered in their order")
  func observers() throws {
    let density = try CompositeCase.mixture.density(seed: 2)
    let queries = try (0..<300).map {
      try Query("P(#\($0 % 7 + 1) | #\(($0 + 1) % 7 + 1)=0)", Self.vocabulary)
    }
    let inference = try density.inference()
    #expect(try inference.answers(to: queries) { (_) throws(DensityError) in false } == nil)
    let answers = try #require(try inference.answers(to: queries))
    for index in stride(from: 0, to: 300, by: 41) {
      #expect(try inference.answers(to: [queries[index]]) == [answers[index]])
    }
    #expect(try inference.answers(to: []) == [])
  }
}

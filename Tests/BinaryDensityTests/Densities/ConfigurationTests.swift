import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// A configuration that describes no model, and words its message must have.
struct InvalidConfiguration: Sendable, CustomTestStringConvertible {
  let modelCase: ModelCase
  let words: [String]

  var testDescription: String { "\(modelCase.testDescription)" }

  static let all: [InvalidConfiguration] = [
    InvalidConfiguration(modelCase: .fvsbn(0), words: ["at least one variable", "0"]),
    InvalidConfiguration(modelCase: .nade(-1, 5), words: ["at least one variable", "-1"]),
    InvalidConfiguration(modelCase: .made(0, [5]), words: ["at least one variable", "0"]),
    InvalidConfiguration(modelCase: .nade(5, 0), words: ["at least one hidden unit", "0"]),
    InvalidConfiguration(modelCase: .made(5, [4, 0, 3]), words: ["at least one unit", "0"]),
    InvalidConfiguration(modelCase: .made(5, [4], masks: 0), words: ["1 to 4096 masks", "0"]),
    InvalidConfiguration(modelCase: .made(5, [4, 3, 4], residual: true), words: ["residual", "as many"]),
    InvalidConfiguration(modelCase: .nade(5, 4, .tanh), words: ["sigmoid or relu", "tanh"]),
    InvalidConfiguration(modelCase: .fvsbn(5, ordering: .resampled), words: ["one ordering", "MADE"]),
    InvalidConfiguration(modelCase: .nade(5, 4, ordering: .resampled), words: ["one ordering", "MADE"]),
    InvalidConfiguration(
      modelCase: .fvsbn(3, ordering: .explicit([0, 1])), words: ["permutation", "3 variables"]),
    InvalidConfiguration(
      modelCase: .nade(3, 4, ordering: .explicit([0, 1, 3])), words: ["permutation", "3 variables"]),
    InvalidConfiguration(
      modelCase: .made(3, [4], ordering: .explicit([0, 1, 1])), words: ["permutation", "3 variables"]),
    InvalidConfiguration(
      modelCase: .fvsbn(.max, ordering: .explicit([0])), words: ["permutation", "\(Int.max) variables"]),
    InvalidConfiguration(modelCase: .made(5, [1_000_000_000, 1_000_000_000]), words: ["GB", "memory"]),
    InvalidConfiguration(modelCase: .nade(.max, .max), words: ["GB", "memory"]),
  ]
}

@Suite("Configurations")
struct ConfigurationTests {
  @Test("one that describes no model is refused with a reason", arguments: InvalidConfiguration.all)
  func invalid(_ invalid: InvalidConfiguration) {
    let error = #expect(throws: DensityError.self) { try invalid.modelCase.model(seed: 1) }
    guard case .invalidConfiguration(let message) = error else {
      Issue.record("\(String(describing: error)) is another error")
      return
    }
    for word in invalid.words { #expect(message.contains(word), "\(message)") }
  }

  @Test("a MADE without hidden layers has direct weights whether asked for or not")
  func directWeights() {
    var configuration = MADE.Configuration(variableCount: 4, hiddenCounts: [])
    #expect(configuration.hasDirectWeights)
    #expect(configuration.problem == nil)
    configuration.hasDirectWeights = false
    #expect(configuration.problem?.contains("direct weights") == true)
  }

  private func expectRoundTrip<Configuration: ModelConfiguration>(_ configuration: Configuration) throws {
    let data = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(Configuration.self, from: data) == configuration)
  }

  @Test("every one survives JSON", arguments: ModelCase.enumerable + ModelCase.larger)
  func codable(_ modelCase: ModelCase) throws {
    switch modelCase {
    case .fvsbn(let configuration): try expectRoundTrip(configuration)
    case .nade(let configuration): try expectRoundTrip(configuration)
    case .made(var configuration):
      try expectRoundTrip(configuration)
      configuration.trainsOnFreshMasks.toggle()
      configuration.seed = .max
      try expectRoundTrip(configuration)
    }
  }

  @Test("files from before MADEs could be residual are read, and those of others stay as they were")
  func olderFiles() throws {
    let configuration = MADE.Configuration(variableCount: 4, hiddenCounts: [3, 3])
    let text = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
    #expect(!text.lowercased().contains("residual"))
    #expect(try !JSONDecoder().decode(MADE.Configuration.self, from: Data(text.utf8)).isResidual)
  }

  @Test("an ordering rule is a word or a list, and nothing else")
  func orderingRules() throws {
    func text(_ rule: OrderingRule) throws -> String {
      String(decoding: try JSONEncoder().encode(rule), as: UTF8.self)
    }
    #expect(try text(.natural) == "\"natural\"")
    #expect(try text(.random) == "\"random\"")
    #expect(try text(.resampled) == "\"resampled\"")
    #expect(try text(.explicit([2, 0, 1])) == "[2,0,1]")
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(OrderingRule.self, from: Data("\"backwards\"".utf8))
    }
  }

  @Test(
    "orderings are permutations with their inverses, one for each index of a seed",
    arguments: [1, 2, 17, 784])
  func orderings(count: Int) {
    #expect(Ordering.natural(count: count).variables == Array(0..<count))
    let drawn = (0..<4).map { Ordering.random(count: count, seed: 3, index: $0) }
    for ordering in drawn {
      #expect(ordering.variables.sorted() == Array(0..<count))
      #expect((0..<count).allSatisfy { ordering.variables[ordering.positions[$0]] == $0 })
    }
    #expect(Ordering.random(count: count, seed: 3, index: 2) == drawn[2])
    if count >= 17 { #expect(Set(drawn).count == 4) }
  }

  @Test("an ordering that is no permutation ends the program")
  func brokenOrdering() async {
    await #expect(processExitsWith: .failure) { _ = Ordering([0, 2]) }
    await #expect(processExitsWith: .failure) { _ = Ordering([1, 0, 1]) }
    await #expect(processExitsWith: .success) { _ = Ordering([1, 0, 2]) }
  }

  @Test("a kind names its type")
  func kinds() {
    #expect(ModelKind.allCases.allSatisfy { $0.type.kind == $0 })
    #expect(
      ModelKind.allCases.map(\.rawValue) == [
        "fvsbn", "nade", "made", "eonade", "grouped", "ensemble", "mixture", "labelled", "conditional",
        "bernoulli", "bernoulli-mixture", "chow-liu", "parent-average", "tabulated",
      ])
  }
}

import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// A composite of small models.
enum CompositeCase: String, CaseIterable, Sendable {
  case ensemble, weightedEnsemble, pool, mixture, mixtureOfOneOrder, mixtureOfEnsembles, ensembleOfMixtures

  private static func members(_ cases: [ModelCase], seed: UInt64) throws -> [any Density] {
    try cases.enumerated().map { try $1.model(seed: seed &+ UInt64($0)) }
  }

  /// Models of 7 variables in the natural order, and one of a random order.
  func density(seed: UInt64) throws -> any Density {
    let natural: [ModelCase] = [.nade(7, 9, .relu), .made(7, [12]), .fvsbn(7)]
    let random: [ModelCase] = [.nade(7, 5, .relu, ordering: .random), .made(7, [9], ordering: .random)]
    let first = try Self.members(natural, seed: seed)
    let second = try Self.members(random, seed: seed)
    switch self {
    case .ensemble: return Ensemble(first)
    case .weightedEnsemble: return Ensemble(first, weights: [1, 0, 3])
    case .pool: return Ensemble(first, weights: [1, 0, 3], averaging: .probabilities)
    case .mixture: return Mixture(first + second, weights: [1, 2, 3, 0, 2])
    case .mixtureOfOneOrder: return Mixture(first, weights: [1, 2, 3])
    case .mixtureOfEnsembles: return Mixture([Ensemble(first), Ensemble(second)], weights: [3, 1])
    case .ensembleOfMixtures: return Ensemble([Mixture(Array(first[..<2])), first[2]])
    }
  }
}

@Suite("Ensembles and mixtures")
struct CompositeTests {
  /// Each log-probability errs by less than 1e-4 nats, so the sum by less than that share of 1.
  @Test("the probabilities of all rows sum to 1", arguments: CompositeCase.allCases, [1, 2] as [UInt64])
  func normalization(_ composite: CompositeCase, seed: UInt64) throws {
    let density = try composite.density(seed: seed)
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let found = density.logProbabilities(of: rows)
    let exact = inDouble(density, logProbabilitiesOf: rows)
    #expect(abs(found.reduce(0) { $0 + exp($1) } - 1) < 1e-4)
    #expect(abs(exact.reduce(0) { $0 + exp($1) } - 1) < 1e-12)
    for (a, b) in zip(found, exact) { #expect(abs(a - b) < 1e-4) }
  }

  @Test("densities that share an order make an ensemble, others stay as they are")
  func groups() throws {
    let cases: [ModelCase] = [
      .nade(7, 5, .relu, ordering: .random), .made(7, [12]), .nade(7, 9, .relu),
      .made(7, [11], masks: 2, ordering: .resampled), .fvsbn(7),
    ]
    let densities = try cases.map { try $0.model(seed: 3) as any Density }
    let groups = Ensemble.groups(densities)
    #expect(groups.map(\.kind) == [.nade, .ensemble, .made])
    #expect(groups[1].autoregressive()?.ordering == densities[1].autoregressive()?.ordering)
    #expect(groups.map(\.parameterCount).reduce(0, +) >= densities.map(\.parameterCount).reduce(0, +))
    #expect(Ensemble.groups([]).isEmpty)
  }

  @Test("a mixture averages probabilities of rows, an ensemble logits of conditionals")
  func definitions() throws {
    let members = try [ModelCase.nade(7, 9, .relu), .made(7, [12])].map { try $0.model(seed: 3) }
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let terms = members.map { $0.logProbabilities(of: rows) }
    let mixed = Mixture(members, weights: [1, 3]).logProbabilities(of: rows)
    let logits = try members.map { try $0.chain().conditionalLogits(of: rows) }
    let averaged = Ensemble(members, weights: [1, 3]).logProbabilities(of: rows)
    for row in 0..<rows.rowCount {
      #expect(abs(mixed[row] - log(0.25 * exp(terms[0][row]) + 0.75 * exp(terms[1][row]))) < 1e-9)
      let expected = (0..<7).reduce(0.0) { sum, variable in
        let z = 0.25 * Double(logits[0][row, variable]) + 0.75 * Double(logits[1][row, variable])
        return sum - log1p(exp(rows[row, variable] ? -z : z))
      }
      #expect(abs(averaged[row] - expected) < 1e-5)
    }
  }

  @Test("a pool averages probabilities of conditionals, and is kept as one")
  func pools() throws {
    let members = try [ModelCase.nade(7, 9, .relu), .made(7, [12])].map { try $0.model(seed: 3) }
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let logits = try members.map { try $0.chain().conditionalLogits(of: rows) }
    let pool = Ensemble(members, weights: [1, 3], averaging: .probabilities)
    let found = pool.logProbabilities(of: rows)
    func chance(_ z: Float, _ isOn: Bool) -> Double { 1 / (1 + exp(isOn ? -Double(z) : Double(z))) }
    for row in 0..<rows.rowCount {
      let expected = (0..<7).reduce(0.0) { sum, variable in
        let isOn = rows[row, variable]
        return sum
          + log(0.25 * chance(logits[0][row, variable], isOn) + 0.75 * chance(logits[1][row, variable], isOn))
      }
      #expect(abs(found[row] - expected) < 1e-5)
    }
    try withTemporaryDirectory { path in
      let file = path + "/pool.safetensors"
      try Checkpoint(model: pool).write(to: file)
      let restored = try Checkpoint(contentsOf: file).model
      #expect((restored as? Ensemble)?.averaged == .probabilities)
      #expect(restored.logProbabilities(of: rows) == found)
    }
  }

  @Test("flipping a variable leaves every conditional that may not see it bit-identical")
  func autoregression() throws {
    for composite in CompositeCase.allCases {
      let density = try composite.density(seed: 4)
      guard let evaluator = density.autoregressive()?.evaluator(batchCapacity: 4) else { continue }
      let ordering = evaluator.ordering
      let base = BinaryMatrix.random(9, 7, seed: 1)
      let before = evaluator.conditionalLogits(of: base)
      for flipped in 0..<7 {
        var rows = base
        for row in 0..<9 { rows[row, flipped].toggle() }
        let after = evaluator.conditionalLogits(of: rows)
        var changed = false
        for variable in 0..<7 {
          for row in 0..<9 {
            let isSame = before[row, variable].bitPattern == after[row, variable].bitPattern
            if ordering.positions[variable] <= ordering.positions[flipped] {
              #expect(isSame, "\(composite): \(variable) sees \(flipped)")
            } else {
              changed = changed || !isSame
            }
          }
        }
        #expect(changed || ordering.positions[flipped] == 6)
      }
    }
  }

  @Test("the conditionals of a mixture are the ratios of its marginals")
  func marginals() throws {
    let density = try CompositeCase.mixtureOfOneOrder.density(seed: 5)
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let p = inDouble(density, logProbabilitiesOf: rows).map { exp($0) }
    let conditionals = try density.chain().conditionals(of: rows)
    for variable in 0..<7 {
      for row in 0..<rows.rowCount {
        // The natural order: rows that agree below the variable's bit.
        let known = row & ((1 << variable) - 1)
        var (on, all) = (0.0, 0.0)
        for other in stride(from: known, to: rows.rowCount, by: 1 << variable) {
          all += p[other]
          if other >> variable & 1 == 1 { on += p[other] }
        }
        #expect(abs(Double(conditionals[row, variable]) - on / all) < 1e-5)
      }
    }
  }

  /// The mean of 20 000 indicators of probability p is within 5 √(p / n) but for one time in a million.
  @Test("samples come as often as their probability says", arguments: CompositeCase.allCases)
  func frequencies(_ composite: CompositeCase) throws {
    let density = try composite.density(seed: 6)
    let count = 20_000
    var generator = Philox(seed: 7)
    let (rows, logProbabilities) = try density.sampleWithLogProbabilities(count: count, using: &generator)
    var frequencies = Array(repeating: 0, count: 128)
    for row in 0..<count {
      frequencies[(0..<7).reduce(0) { $0 | (rows[row, $1] ? 1 : 0) << $1 }] += 1
    }
    let p = inDouble(density, logProbabilitiesOf: BinaryMatrix.allRows(ofWidth: 7)).map { exp($0) }
    for (frequency, p) in zip(frequencies, p) {
      #expect(abs(Double(frequency) / Double(count) - p) < 5 * (p / Double(count)).squareRoot() + 1e-4)
    }
    #expect(logProbabilities == density.logProbabilities(of: rows))
  }

  @Test("fitted weights find the mixture that rows were drawn from, and never do worse than equal ones")
  func weights() throws {
    let members = try [ModelCase.nade(7, 9, .relu), .made(7, [12]), .fvsbn(7)].map { try $0.model(seed: 10) }
    let source = Mixture(members, weights: [0.6, 0.3, 0.1])
    var generator = Philox(seed: 11)
    let rows = try source.sample(count: 20_000, using: &generator)
    let fitted = Mixture(members).fittingWeights(to: rows)
    // The standard error of a share of 20 000 is below 0.0036; members that resemble each other widen it.
    for (a, b) in zip(fitted.weights, source.weights) { #expect(abs(a - b) < 0.03) }
    func mean(_ density: any Density) -> Double {
      density.logProbabilities(of: rows).reduce(0, +) / Double(rows.rowCount)
    }
    #expect(mean(fitted) >= mean(source) - 1e-9)
    #expect(mean(fitted) > mean(Mixture(members)))
    #expect(Mixture([members[0]]).fittingWeights(to: rows).weights == [1])
  }

  @Test("a composite is saved whole, and saved again to the same bytes", arguments: CompositeCase.allCases)
  func checkpoints(_ composite: CompositeCase) throws {
    try withTemporaryDirectory { path in
      let density = try composite.density(seed: 12)
      try Checkpoint(model: density).write(to: path + "/a.safetensors")
      let loaded = try Checkpoint(contentsOf: path + "/a.safetensors")
      try loaded.write(to: path + "/b.safetensors")
      // The first file has numbers where masks forbid them, which are zero once they are read.
      try Checkpoint(contentsOf: path + "/b.safetensors").write(to: path + "/c.safetensors")
      #expect(try AtomicFile.read(path + "/b.safetensors") == AtomicFile.read(path + "/c.safetensors"))
      let rows = BinaryMatrix.allRows(ofWidth: 7)
      #expect(loaded.model.logProbabilities(of: rows) == density.logProbabilities(of: rows))
      #expect(loaded.model.parameterCount == density.parameterCount)
    }
  }

  @Test(
    "a composite that cannot be is refused",
    arguments: [
      (#"{"weights":[0.5,0.5],"components":[]}"#, "at least one component"),
      (#"{"weights":[1]}"#, "at least one component"),
      (#"{"weights":[2,-1],"components":[A,A]}"#, "a sum of 1"),
      (#"{"weights":[1],"components":[A,A]}"#, "2 weights"),
      (#"{"weights":[0.5,0.5],"components":[A,B]}"#, "equally many variables"),
      (#"{"weights":[0.5,0.5],"components":[A,{"model":"none","configuration":"{}"}]}"#, "'none'"),
    ])
  func damage(configuration: String, complaint: String) throws {
    func text(_ count: Int) -> String {
      let json = #"{\"variable_count\":\#(count),\"ordering\":\"natural\",\"seed\":0}"#
      return #"{"model":"fvsbn","configuration":"\#(json)"}"#
    }
    let full = configuration.replacing("A", with: text(2)).replacing("B", with: text(3))
    for kind in ["mixture", "ensemble"] {
      try withTemporaryDirectory { path in
        let file = path + "/x.safetensors"
        var tensors: [SafetensorsFile.Tensor] = []
        for (index, count) in [2, full.contains(text(3)) ? 3 : 2].enumerated() {
          tensors += [
            .init(
              name: "model.\(index).w", shape: [count, count],
              scalars: .float32(Array(repeating: 0, count: count * count))),
            .init(
              name: "model.\(index).b", shape: [1, count],
              scalars: .float32(Array(repeating: 0, count: count))),
          ]
        }
        try SafetensorsFile(
          metadata: ["format": "BinaryDensity 1", "model": kind, "configuration": full], tensors: tensors
        ).write(to: file)
        do {
          _ = try Checkpoint(contentsOf: file)
          Issue.record("read a \(kind) of \(full)")
        } catch {
          #expect("\(error)".contains(complaint), "\(error)")
          #expect("\(error)".contains(file))
        }
      }
    }
  }

  @Test("members of different orders make no ensemble")
  func orders() async {
    await #expect(processExitsWith: .failure) {
      let members = try [ModelCase.fvsbn(7), .fvsbn(7, ordering: .random)].map { try $0.model(seed: 1) }
      _ = Ensemble(members)
    }
  }
}

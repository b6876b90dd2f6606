import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Baselines")
struct BaselineTests {
  @Test(
    "the probabilities of all rows sum to 1, and each is the plain definition's",
    arguments: BaselineCase.allCases, [1, 2, 5, 10])
  func normalization(_ baseline: BaselineCase, variableCount: Int) throws {
    let density = try baseline.density(variableCount, seed: 3)
    let rows = BinaryMatrix.allRows(ofWidth: variableCount)
    let fast = density.logProbabilities(of: rows)
    let reference = inDouble(density, logProbabilitiesOf: rows)
    let plain = PlainBaseline(density)
    var (sum, referenceSum, bound) = (0.0, 0.0, 0.0)
    for row in 0..<rows.rowCount {
      let expected = plain.logProbability(rows[row: row])
      #expect(abs(fast[row] - expected.value) <= expected.error)
      #expect(abs(reference[row] - expected.value) <= max(expected.error * 0x1p-28, 1e-12))
      #expect(fast[row] <= 0)
      sum += exp(fast[row])
      referenceSum += exp(reference[row])
      bound += exp(expected.value) * expm1(2 * expected.error) + 0x1p-50
    }
    #expect(abs(sum - 1) <= bound)
    #expect(abs(referenceSum - 1) < 1e-11)
    #expect(bound < 1e-3, "a bound of \(bound) says too little")
  }

  @Test(
    "more rows than a batch, and columns that leave remainders", arguments: BaselineCase.allCases, [33, 70])
  func definition(_ baseline: BaselineCase, variableCount: Int) throws {
    let density = try baseline.fit(.dependent(1500, variableCount, seed: 5), componentCount: 17)
    let rows = BinaryMatrix.dependent(1100, variableCount, seed: 6)
    let fast = density.logProbabilities(of: rows)
    let plain = PlainBaseline(density)
    for row in 0..<rows.rowCount {
      let expected = plain.logProbability(rows[row: row])
      #expect(abs(fast[row] - expected.value) <= expected.error)
      #expect(expected.error < 0.02)
    }
  }

  @Test(
    "flipping a variable leaves every conditional that may not see it bit-identical",
    arguments: BaselineCase.allCases, [1, 11, 20])
  func autoregression(_ baseline: BaselineCase, variableCount: Int) throws {
    let density = try baseline.density(variableCount, seed: 4)
    let chain = try density.chain()
    let positions = chain.ordering.positions
    let base = BinaryMatrix.random(3, variableCount, seed: 4)
    let before = chain.conditionals(of: base)
    var changes = 0
    for flipped in 0..<variableCount {
      var rows = base
      for row in 0..<rows.rowCount { rows[row, flipped].toggle() }
      let after = chain.conditionals(of: rows)
      for variable in 0..<variableCount {
        for row in 0..<rows.rowCount {
          let isSame = before[row, variable].bitPattern == after[row, variable].bitPattern
          if positions[variable] <= positions[flipped] {
            #expect(isSame, "variable \(variable) sees \(flipped)")
          } else if !isSame {
            changes += 1
          }
        }
      }
    }
    // What may be seen is seen.
    #expect((changes > 0) == (baseline != .bernoulli && variableCount > 1))
  }

  @Test("log p is the sum of the conditionals' logarithms", arguments: BaselineCase.allCases, [1, 8, 9, 40])
  func chainRule(_ baseline: BaselineCase, variableCount: Int) throws {
    try checkChainRule(baseline.density(variableCount, seed: 7), variableCount)
  }

  /// The shares of a mixture's components go far below the smallest numbers, and come back.
  @Test(arguments: [1, 2] as [UInt64])
  func chainRuleOfAMixtureOfContradictions(seed: UInt64) throws {
    let (count, components) = (90, 6)
    try checkChainRule(
      BernoulliMixture(
        logits: .uniform(count, components, in: -80...80, seed: seed),
        logWeights: .uniform(1, components, in: -50...50, seed: seed)), count)
  }

  private func checkChainRule(_ density: any Density, _ variableCount: Int) throws {
    let rows = BinaryMatrix.random(60, variableCount, seed: 8)
    let logits = inDouble(try density.chain(), conditionalLogitsOf: rows)
    let reference = inDouble(density, logProbabilitiesOf: rows)
    for row in 0..<rows.rowCount {
      let sum = (0..<variableCount).reduce(0.0) { sum, i in
        let z = rows[row, i] ? logits[row, i] : -logits[row, i]
        return sum + min(z, 0) - log1p(exp(-abs(z)))
      }
      // Sums of some hundred numbers up to |log p|, each with a few roundings.
      #expect(abs(sum - reference[row]) <= 1e-12 * max(1, abs(reference[row])) * Double(variableCount))
    }
  }

  @Test("samples come up as often as they should", arguments: BaselineCase.allCases, [1, 2] as [UInt64])
  func frequencies(_ baseline: BaselineCase, seed: UInt64) throws {
    let density = try baseline.density(6, seed: seed)
    let count = 50_000
    var generator = Philox(seed: seed, stream: 78)
    let (samples, logProbabilities) = try density.sampleWithLogProbabilities(count: count, using: &generator)
    #expect(logProbabilities == density.logProbabilities(of: samples))
    generator = Philox(seed: seed, stream: 78)
    #expect(try density.sample(count: count, using: &generator) == samples)
    let rows = BinaryMatrix.allRows(ofWidth: 6)
    var observed: [[Bool]: Double] = [:]
    for row in 0..<count { observed[samples[row: row], default: 0] += 1 }
    // Pearson's statistic; cells that are expected less than five times are one.
    var (statistic, cells) = (0.0, 0.0)
    var rest = (observed: 0.0, expected: 0.0)
    for (row, logProbability) in inDouble(density, logProbabilitiesOf: rows).enumerated() {
      let (o, e) = (observed[rows[row: row]] ?? 0, exp(logProbability) * Double(count))
      guard e >= 5 else {
        rest = (rest.observed + o, rest.expected + e)
        continue
      }
      statistic += (o - e) * (o - e) / e
      cells += 1
    }
    if rest.expected > 0 {
      statistic += (rest.observed - rest.expected) * (rest.observed - rest.expected) / max(5, rest.expected)
      cells += 1
    }
    // P(χ²_n ≥ n + 2√(n·t) + 2t) ≤ e⁻ᵗ (Laurent & Massart, 2000); t = 14 is one false alarm in a million.
    #expect(statistic <= cells + 2 * (cells * 14).squareRoot() + 28)
  }

  // MARK: Tables at the edge

  static let extremes: [(name: String, rows: BinaryMatrix)] = [
    ("all zeros", BinaryMatrix(rowCount: 20, columnCount: 7)),
    ("all ones", BinaryMatrix(rowCount: 20, columnCount: 7).complement),
    (
      "constant columns", BinaryMatrix(rowCount: 30, columnCount: 8) { $1 < 3 ? $1 == 1 : $0 % ($1 + 1) == 0 }
    ),
    ("duplicate rows", BinaryMatrix(rowCount: 50, columnCount: 6) { $1 % 2 == 0 }),
    ("one row", .random(1, 9, seed: 1)),
    ("one bit", BinaryMatrix(rowCount: 1, columnCount: 1)),
    ("one column", .random(40, 1, seed: 2)),
    ("more columns than rows", .random(3, 200, seed: 3)),
    ("equal columns", BinaryMatrix(rowCount: 40, columnCount: 5) { row, _ in row % 3 == 0 }),
  ]

  @Test(arguments: BaselineCase.allCases, Array(extremes.indices))
  func extremeTables(_ baseline: BaselineCase, table: Int) throws {
    let (name, rows) = Self.extremes[table]
    let density = try baseline.fit(rows, componentCount: 30)
    let seen = density.logProbabilities(of: rows)
    let unseen = density.logProbabilities(of: rows.complement)
    for value in seen + unseen { #expect(value.isFinite && value <= 0, "\(name)") }
    // What was seen is not less likely than chance.
    #expect(seen.reduce(0, +) >= -Double(rows.rowCount * rows.columnCount) * log(2), "\(name)")
    let conditionals = try density.chain().conditionals(of: rows).elements
    #expect(conditionals.allSatisfy { $0 > 0 && $0 < 1 }, "\(name)")
    if rows.columnCount < 10 {
      let all = BinaryMatrix.allRows(ofWidth: rows.columnCount)
      #expect(
        abs(inDouble(density, logProbabilitiesOf: all).reduce(0) { $0 + exp($1) } - 1) < 1e-11, "\(name)")
    }
    var generator = Philox(seed: 1)
    #expect(try density.sample(count: 3, using: &generator).columnCount == rows.columnCount)
    #expect(try density.sample(count: 0, using: &generator).rowCount == 0)
    #expect(density.logProbabilities(of: BinaryMatrix(rowCount: 0, columnCount: rows.columnCount)) == [])
    let none = BinaryMatrix(rowCount: 0, columnCount: rows.columnCount)
    #expect(try density.chain().conditionals(of: none).rowCount == 0)
  }

  @Test(arguments: BaselineCase.allCases)
  func tablesThatCannotBeFitted(_ baseline: BaselineCase) {
    for (rowCount, columnCount) in [(0, 0), (0, 5), (5, 0)] {
      #expect(throws: DensityError.self) {
        try baseline.fit(BinaryMatrix(rowCount: rowCount, columnCount: columnCount))
      }
    }
  }

  @Test(arguments: [0, -1, 1e-10, 1e10, .nan, .infinity])
  func pseudoCountsThatSayNothing(_ pseudoCount: Double) {
    let rows = BinaryMatrix.random(9, 4, seed: 1)
    #expect(throws: DensityError.self) { try IndependentBernoulli.fit(to: rows, pseudoCount: pseudoCount) }
    #expect(throws: DensityError.self) { try BernoulliMixture.fit(to: rows, pseudoCount: pseudoCount) }
    #expect(throws: DensityError.self) { try ChowLiuTree.fit(to: rows, pseudoCount: pseudoCount) }
  }

  @Test func marginalsAreSmoothed() throws {
    let rows = BinaryMatrix([[1, 0, 1], [1, 0, 0], [1, 0, 0]])
    let found = try IndependentBernoulli.fit(to: rows, pseudoCount: 2).conditionals(of: rows)
    for row in 0..<3 {
      for (i, p) in [5.0 / 7, 2.0 / 7, 3.0 / 7].enumerated() {
        #expect(abs(Double(found[row, i]) - p) < 8 * roundoff)
      }
    }
  }

  // MARK: Checkpoints

  @Test(arguments: BaselineCase.allCases)
  func saveLoadSaveIsByteEqual(_ baseline: BaselineCase) throws {
    try withTemporaryDirectory { path in
      let density = try baseline.density(11, seed: 2)
      try Checkpoint(model: density).write(to: path + "/a.safetensors")
      let loaded = try Checkpoint(contentsOf: path + "/a.safetensors").model
      try Checkpoint(model: loaded).write(to: path + "/b.safetensors")
      #expect(try AtomicFile.read(path + "/a.safetensors") == AtomicFile.read(path + "/b.safetensors"))
      let rows = BinaryMatrix.random(30, 11, seed: 1)
      #expect(
        loaded.kind == density.kind && loaded.autoregressive()?.ordering == density.autoregressive()?.ordering
      )
      #expect(loaded.logProbabilities(of: rows) == density.logProbabilities(of: rows))
      // As a part of a mixture too.
      let mixture = Mixture([density, try BaselineCase.bernoulli.density(11, seed: 3)])
      try Checkpoint(model: mixture).write(to: path + "/c.safetensors")
      #expect(
        try Checkpoint(contentsOf: path + "/c.safetensors").model.logProbabilities(of: rows)
          == mixture.logProbabilities(of: rows))
    }
  }

  /// A sound file with one array's element, or the configuration, replaced.
  struct Fault: Sendable, CustomTestStringConvertible {
    let baseline: BaselineCase
    var array: (name: String, index: Int, value: Float)?
    var configuration: String?
    var testDescription: String {
      "\(baseline) \(array.map { "\($0)" } ?? configuration ?? "without arrays")"
    }
  }

  static let faults: [Fault] =
    BaselineCase.allCases.flatMap { baseline in
      [Float.nan, .infinity, -.infinity, 80.5].map {
        Fault(baseline: baseline, array: ("model.logits", 1, $0))
      }
        + [
          "", "{}", "[1]", #"{"variable_count":0}"#, #"{"variable_count":-4}"#, #"{"variable_count":5}"#,
          #"{"component_count":0,"variable_count":4}"#, #"{"component_count":3,"variable_count":0}"#,
          #"{"component_count":9223372036854775807,"variable_count":9223372036854775807}"#,
        ].map { Fault(baseline: baseline, configuration: $0) } + [Fault(baseline: baseline)]
    }
    + [Float.nan, .infinity].map { Fault(baseline: .mixture, array: ("model.log_weights", 0, $0)) }
    // A parent of its own; the root with a parent, which closes a circle; numbers that are no variables.
    + [(1, 1), (0, 3), (1, 4), (1, -2), (1, 0.5), (1, .nan), (1, 1e30)].map {
      Fault(baseline: .tree, array: ("model.parents", $0.0, $0.1))
    }

  @Test(arguments: faults)
  func badContentsAreErrors(_ fault: Fault) throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      try Checkpoint(model: fault.baseline.density(4, seed: 2)).write(to: file)
      var contents = try SafetensorsFile(contentsOf: file)
      if let (name, index, value) = fault.array {
        let place = try #require(contents.tensors.firstIndex { $0.name == name })
        let tensor = contents.tensors[place]
        var elements: [Float] =
          switch tensor.scalars {
          case .float32(let values): values
          // Whole numbers may stand as floats, but must be whole.
          case .int32(let values): values.map { Float($0) }
          default: []
          }
        elements[index] = value
        contents.tensors[place] = .init(name: name, shape: tensor.shape, scalars: .float32(elements))
      } else if let configuration = fault.configuration {
        // A mixture of three of four variables would be sound.
        if fault.baseline != .mixture && configuration.contains(#""variable_count":4}"#) { return }
        contents.metadata["configuration"] = configuration
      } else {
        contents.tensors = []
      }
      try contents.write(to: file)
      let error = #expect(throws: DensityError.self) { try Checkpoint(contentsOf: file) }
      let text = try #require(error).description
      #expect(text.contains(file) && !text.contains("\n"))
    }
  }
}

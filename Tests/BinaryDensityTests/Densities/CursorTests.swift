import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// A density that has cursors, of whatever kind.
struct CursorCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let density: @Sendable (_ seed: UInt64) throws -> any AutoregressiveDensity

  init(_ name: String, _ density: @escaping @Sendable (UInt64) throws -> any AutoregressiveDensity) {
    testDescription = name
    self.density = density
  }

  private static func network(_ modelCase: ModelCase, spread: Double = 1) -> CursorCase {
    CursorCase(modelCase.testDescription) { try modelCase.model(seed: $0, spread: spread).chain() }
  }

  private static func composite(_ composite: CompositeCase) -> CursorCase {
    CursorCase("\(composite)") { try composite.density(seed: $0).chain() }
  }

  /// Those whose sample space can be enumerated.
  static let enumerable: [CursorCase] =
    ModelCase.enumerable.filter { !$0.isOfSeveralOrderings }.map { network($0) }
    + [EoNADECase(6, [8, 6, 5], .softplus), EoNADECase(8, [17]), EoNADECase(7, [6, 6], ordering: .natural)]
    .map {
      modelCase in
      CursorCase("EoNADE of \(modelCase.testDescription)") { try modelCase.model(seed: $0).chain() }
    }
    + GroupedCase.enumerable.map { grouped in
      CursorCase(grouped.testDescription) { try grouped.model(seed: $0) }
    }
    + CompositeCase.allCases.filter { $0 != .mixture && $0 != .mixtureOfEnsembles }.map(composite)
    + BaselineCase.allCases.map { baseline in
      CursorCase("\(baseline)") { try baseline.density(7, seed: $0).chain() }
    }
    + [
      CursorCase("an average over parents") { seed in
        try ParentAverage.fit(
          to: TrainingCase.chain(rowCount: 40, variableCount: 6, seed: seed),
          along: .random(count: 6, seed: seed))
      }, CursorCase("a client's own") { ClientDensity(seed: $0) },
    ]

  /// Those whose sizes fill vectors and leave remainders.
  static let larger: [CursorCase] =
    ModelCase.larger.filter { !$0.isOfSeveralOrderings }.map { network($0, spread: 0.3) }
    + EoNADECase.larger.map { modelCase in
      CursorCase("EoNADE of \(modelCase.testDescription)") { seed in
        let model = try modelCase.model(seed: seed, spread: 0.25)
        return try model.along(model.orders[0]).chain()
      }
    }
    + GroupedCase.larger.map { grouped in
      CursorCase(grouped.testDescription) { try grouped.model(seed: $0, spread: 0.3) }
    }
}

extension ModelCase {
  /// Whether it mixes orderings, and so has no cursor.
  fileprivate var isOfSeveralOrderings: Bool {
    if case .made(let c) = self { c.maskCount > 1 && c.ordering == .resampled } else { false }
  }
}

/// A density that is not of the package: x_i copies x_{i−1} with a probability of its own.
struct ClientDensity: AutoregressiveDensity {
  let seed: UInt64
  let variableCount = 5
  var ordering: Ordering { .random(count: 5, seed: seed) }

  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    var logits = Matrix<Float>(rowCount: rows.rowCount, columnCount: 5)
    for row in 0..<rows.rowCount {
      for (position, variable) in ordering.variables.enumerated() where position > 0 {
        logits[row, variable] = (rows[row, ordering.variables[position - 1]] ? 1 : -1) * Float(position)
      }
    }
    return logits
  }
}

@Suite("Cursors")
struct CursorTests {
  /// Walks given rows; returns each step's logits, by position.
  private func walk(_ cursor: any Cursor, _ rows: BinaryMatrix, along ordering: Ordering) -> [[Float]] {
    ordering.variables[cursor.position...].map { variable in
      var logits = [Float](repeating: .nan, count: rows.rowCount)
      cursor.nextLogits(into: &logits)
      cursor.advance((0..<rows.rowCount).map { rows[$0, variable] })
      return logits
    }
  }

  private func logProbabilities(_ logits: [[Float]], _ rows: BinaryMatrix, _ ordering: Ordering) -> [Double] {
    (0..<rows.rowCount).map { row in
      zip(logits, ordering.variables).reduce(0.0) { sum, step in
        let z = Double(rows[row, step.1] ? step.0[row] : -step.0[row])
        return sum + min(z, 0) - log1p(exp(-abs(z)))
      }
    }
  }

  @Test("log p by a cursor is the likelihood's, and sums to 1", arguments: CursorCase.enumerable)
  func likelihood(_ cursorCase: CursorCase) throws {
    let density = try cursorCase.density(3)
    let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
    let evaluator = density.evaluator()
    let logits = walk(evaluator.cursor(rowCount: rows.rowCount), rows, along: density.ordering)
    let found = logProbabilities(logits, rows, density.ordering)
    #expect(abs(found.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
    let exact = inDouble(density, logProbabilitiesOf: rows)
    for (value, expected) in zip(found, exact) {
      #expect(abs(value - expected) <= 1e-6 * max(10, abs(expected)))
    }
  }

  @Test("log p of larger densities by a cursor is the likelihood's", arguments: CursorCase.larger)
  func largerLikelihood(_ cursorCase: CursorCase) throws {
    let density = try cursorCase.density(4)
    let rows = BinaryMatrix.random(37, density.variableCount, seed: 5)
    let logits = walk(density.cursorSource().cursor(rowCount: 37), rows, along: density.ordering)
    let found = logProbabilities(logits, rows, density.ordering)
    for (value, expected) in zip(found, inDouble(density, logProbabilitiesOf: rows)) {
      #expect(abs(value - expected) <= 2e-6 * max(1, abs(expected)))
    }
  }

  @Test(
    "a row's logits have the same bits in any company, after select and after resume",
    arguments: CursorCase.enumerable + CursorCase.larger)
  func company(_ cursorCase: CursorCase) throws {
    let density = try cursorCase.density(6)
    let (ordering, count) = (density.ordering, density.variableCount)
    let rows = BinaryMatrix.random(19, count, seed: 7)
    let source = density.cursorSource()
    let whole = walk(source.cursor(rowCount: 19), rows, along: ordering)
    let alone = walk(source.cursor(rowCount: 1), rows.rows(4..<5), along: ordering)
    for (a, b) in zip(whole, alone) { #expect(a[4].bitPattern == b[0].bitPattern) }

    // At each of some positions: rows dropped, repeated and put in another order; then others resumed from snapshots.
    let picks = [18, 4, 4, 0, 7]
    let cursor = source.cursor(rowCount: 19)
    for position in 0..<count {
      if position % 5 == count % 5 {
        let snapshots = cursor.snapshot(picks)
        #expect(snapshots.allSatisfy { $0.position == position } && cursor.stateByteCount > 0)
        let other = source.cursor(rowCount: 2)
        other.resume(snapshots)
        let chosen = rows.selecting(picks)
        let resumed = walk(other, chosen, along: ordering)
        let selected = source.cursor(rowCount: 19)
        for step in 0..<position {
          // Without asking for logits.
          selected.advance((0..<19).map { rows[$0, ordering.variables[step]] })
        }
        selected.select(picks)
        let after = walk(selected, chosen, along: ordering)
        for (step, logits) in whole[position...].enumerated() {
          for (place, row) in picks.enumerated() {
            #expect(resumed[step][place].bitPattern == logits[row].bitPattern)
            #expect(after[step][place].bitPattern == logits[row].bitPattern)
          }
        }
      }
      cursor.advance((0..<19).map { rows[$0, ordering.variables[position]] })
    }
  }

  @Test("values drawn or given, logits asked once or twice: the same bits", arguments: CursorCase.enumerable)
  func drawn(_ cursorCase: CursorCase) throws {
    let density = try cursorCase.density(8)
    let evaluator = density.evaluator()
    var generator = Philox(seed: 9)
    let bits = BinaryMatrix.random(50, density.variableCount, seed: 10)
    let drawn = evaluator.sample(count: 50, using: &generator)
    for rows in [drawn, bits] {
      let first = walk(evaluator.cursor(rowCount: 50), rows, along: density.ordering)
      let walked = try evaluator.walk(rowCount: 50) { range, variable, logits, values in
        for row in range { values[row - range.lowerBound] = rows[row, variable] }
      }
      #expect(walked == rows)
      let cursor = evaluator.cursor(rowCount: 50)
      for (position, variable) in density.ordering.variables.enumerated() {
        var logits = [Float](repeating: 0, count: 50)
        for _ in 0..<2 {
          cursor.nextLogits(into: &logits)
          #expect(logits.map(\.bitPattern) == first[position].map(\.bitPattern))
        }
        cursor.advance((0..<50).map { rows[$0, variable] })
      }
    }
  }

  @Test("drawing has the same bits for any number of threads", arguments: CursorCase.enumerable)
  func threads(_ cursorCase: CursorCase) throws {
    let density = try cursorCase.density(11)
    func drawn(threads: Int) -> BinaryMatrix {
      var generator = Philox(seed: 12)
      return Threads.run(on: threads) { density.sample(count: 300, using: &generator) }
    }
    let expected = drawn(threads: 1)
    for threads in [2, 3] { #expect(drawn(threads: threads) == expected) }
  }

  @Test("a walk can be stopped")
  func stopped() throws {
    let density = try ModelCase.nade(8, 17).model(seed: 1).chain()
    let rows = try density.evaluator().walk(rowCount: 3000, observing: { _ in false }) { _, _, _, _ in }
    #expect(rows == nil)
  }

  @Test("a broken contract stops the process")
  func contracts() async {
    await #expect(processExitsWith: .failure) {
      let cursor = try ModelCase.nade(3, 2).model(seed: 1).chain().cursorSource().cursor(rowCount: 2)
      cursor.advance([true])
    }
    await #expect(processExitsWith: .failure) {
      let cursor = try ModelCase.nade(3, 2).model(seed: 1).chain().cursorSource().cursor(rowCount: 1)
      for _ in 0..<4 { cursor.advance([true]) }
    }
    await #expect(processExitsWith: .failure) {
      let cursor = try ModelCase.made(3, [2]).model(seed: 1).chain().cursorSource().cursor(rowCount: 1)
      var logits: [Float] = []
      cursor.nextLogits(into: &logits)
    }
    await #expect(processExitsWith: .failure) {
      let source = try ModelCase.made(3, [2]).model(seed: 1).chain().cursorSource()
      let (first, second) = (source.cursor(rowCount: 1), source.cursor(rowCount: 1))
      second.advance([true])
      first.resume(first.snapshot([0]) + second.snapshot([0]))
    }
    await #expect(processExitsWith: .failure) {
      // Another tree of the same width.
      let trees = try (1...2).map { try ChowLiuTree.fit(to: .random(50, 4, seed: $0)).cursorSource() }
      trees[0].cursor(rowCount: 1).resume(trees[1].cursor(rowCount: 1).snapshot([0]))
    }
    await #expect(processExitsWith: .failure) {
      let nade = try ModelCase.nade(3, 2).model(seed: 1)
      let (two, three) = (
        Ensemble([nade, nade]).cursorSource(), Ensemble([nade, nade, nade]).cursorSource()
      )
      two.cursor(rowCount: 1).resume(three.cursor(rowCount: 1).snapshot([0]))
    }
    await #expect(processExitsWith: .failure) {
      let cursor = ClientDensity(seed: 1).cursorSource().cursor(rowCount: 1)
      cursor.resume([CursorSnapshot(position: 100, state: cursor.snapshot([0])[0].state)])
    }
    await #expect(processExitsWith: .failure) {
      _ = Mixture([ClientDensity(seed: 1), try ModelCase.nade(3, 2).model(seed: 1)])
    }
  }

  @Test("a client's density mixes, averages and is sampled; one without conditionals says that it cannot be")
  func client() throws {
    struct Opaque: Density {
      let variableCount = 5
      func logProbabilities(of rows: BinaryMatrix) -> [Double] {
        Array(repeating: -5 * log(2), count: rows.rowCount)
      }
    }
    let client = ClientDensity(seed: 3)
    let nade = try NADE(
      NADE.Configuration(
        variableCount: 5, hiddenCount: 4, ordering: .explicit(client.ordering.variables)), seed: 1)
    let ensemble = Ensemble([client, nade])
    let mixture = Mixture([ensemble, Opaque(), client], weights: [2, 1, 1])
    let rows = BinaryMatrix.allRows(ofWidth: 5)
    #expect(abs(mixture.logProbabilities(of: rows).reduce(0) { $0 + exp($1) } - 1) < 1e-5)
    #expect(mixture.autoregressive() == nil && mixture.kind == .mixture && client.kind == nil)
    var generator = Philox(seed: 1)
    #expect(ensemble.sample(count: 10, using: &generator).rowCount == 10)
    #expect(throws: DensityError.self) { try mixture.sample(count: 100, using: &generator) }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("client-\(UUID()).safetensors")
      .path
    #expect(throws: DensityError.self) { try Checkpoint(model: mixture).write(to: path) }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

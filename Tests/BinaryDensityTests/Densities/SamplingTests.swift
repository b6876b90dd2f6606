import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Sampling")
struct SamplingTests {
  /// Draws by definition: D passes over whole rows, each deciding one variable.
  ///
  /// Returns the rows, and which of them had a decision within 1e-5 of going the other way.
  private func naiveDraw(
    _ model: any NetworkDensity, _ uniforms: Matrix<Float>, component: Int
  ) -> (rows: BinaryMatrix, closeCalls: Set<Int>) {
    var rows = BinaryMatrix(rowCount: uniforms.rowCount, columnCount: uniforms.columnCount)
    var closeCalls: Set<Int> = []
    for variable in model.ordering(ofComponent: component).variables {
      let logits = model.logits(of: rows)[component]
      for row in 0..<rows.rowCount {
        let p = 1 / (1 + exp(-Double(logits[row, variable])))
        let uniform = Double(uniforms[row, variable])
        rows[row, variable] = uniform < p
        if abs(uniform - p) < 1e-5 { closeCalls.insert(row) }
      }
    }
    return (rows, closeCalls)
  }

  private func uniforms(_ rowCount: Int, _ columnCount: Int, seed: UInt64) -> Matrix<Float> {
    var generator = Philox(seed: seed)
    var uniforms = Matrix<Float>(rowCount: rowCount, columnCount: columnCount)
    uniforms.fillUniform(using: &generator)
    return uniforms
  }

  @Test(
    "incremental sampling decides as D whole passes do",
    arguments: ModelCase.enumerable + ModelCase.larger, [1, 63, 130])
  func decisions(_ modelCase: ModelCase, rowCount: Int) throws {
    let model = try modelCase.model(seed: 12, spread: modelCase.isLarge ? 0.3 : 1)
    for component in 0..<model.componentCount {
      let uniforms = uniforms(rowCount, model.variableCount, seed: UInt64(100 + component))
      let source = model.component(component).cursorSource()
      let (expected, closeCalls) = naiveDraw(model, uniforms, component: component)
      // A source may have a faster way than a walk.
      for rows in [source.draw(uniforms: uniforms), source.drawByWalking(uniforms: uniforms)] {
        for row in 0..<rowCount where !closeCalls.contains(row) {
          #expect(rows[row: row] == expected[row: row], "row \(row)")
        }
      }
      // A decision is that close with a probability of 2e-5: of the 9000 at most made here 0.2 are expected,
      // and four or more have a probability below 1e-4.
      #expect(closeCalls.count < 4)
    }
  }

  @Test("a row drawn alone is the row drawn among many", arguments: ModelCase.larger)
  func batches(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 5, spread: 0.3)
    let uniforms = uniforms(130, model.variableCount, seed: 1)
    let source = model.component(0).cursorSource()
    let rows = source.draw(uniforms: uniforms)
    for row in [0, 1, 63, 64, 65, 127, 128, 129] {
      #expect(source.draw(uniforms: uniforms.rows(row..<row + 1))[row: 0] == rows[row: row])
    }
  }

  @Test(
    "samples come up as often as they should",
    arguments: [
      ModelCase.fvsbn(5, ordering: .random), .nade(6, 9), .nade(5, 7, .relu, ordering: .random),
      .made(6, [12], ordering: .random), .made(5, [8, 6], .tanh, direct: true), .made(5, [9], masks: 5),
      .made(6, [10], masks: 3, ordering: .resampled), .made(1, [1]),
      .made(6, [9, 9, 9], residual: true, masks: 2, ordering: .resampled),
    ], [1, 2] as [UInt64])
  func frequencies(_ modelCase: ModelCase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed)
    let count = 50_000
    var generator = Philox(seed: seed, stream: 77)
    let samples = try model.sample(count: count, using: &generator)
    #expect(samples.rowCount == count)
    var observed = [Double](repeating: 0, count: 1 << model.variableCount)
    for row in 0..<count {
      observed[samples[row: row].enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }] += 1
    }
    let expected = model.logProbabilities(of: .allRows(ofWidth: model.variableCount)).map {
      exp($0) * Double(count)
    }
    // Pearson's statistic over the rows that are expected at least five times, and the rest as one.
    var (statistic, cells) = (0.0, 0)
    var rest = (observed: 0.0, expected: 0.0)
    for (o, e) in zip(observed, expected) {
      if e >= 5 {
        statistic += (o - e) * (o - e) / e
        cells += 1
      } else {
        rest = (rest.observed + o, rest.expected + e)
      }
    }
    if rest.expected >= 5 {
      statistic += (rest.observed - rest.expected) * (rest.observed - rest.expected) / rest.expected
      cells += 1
    }
    #expect(cells >= min(10, 1 << model.variableCount) / 2)
    // The Wilson–Hilferty approximation of the χ² quantile that chance exceeds once in a million: z = 4.75.
    let freedom = Double(cells - 1)
    let quantile = freedom * pow(1 - 2 / (9 * freedom) + 4.75 * (2 / (9 * freedom)).squareRoot(), 3)
    #expect(statistic < quantile, "χ² is \(statistic) with \(freedom) degrees of freedom")
  }

  @Test(
    "a sample's log-probability is what the model gives that row",
    arguments: ModelCase.enumerable + ModelCase.larger)
  func logProbabilities(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 2, spread: modelCase.isLarge ? 0.3 : 1)
    var generator = Philox(seed: 3)
    let (rows, logProbabilities) = try model.sampleWithLogProbabilities(count: 70, using: &generator)
    #expect(rows.rowCount == 70 && rows.columnCount == model.variableCount)
    let plain = PlainDensity(model: model)
    for row in 0..<70 {
      let expected = plain.logProbability(rows[row: row])
      #expect(abs(logProbabilities[row] - expected.value) <= expected.error)
    }
    // With and without log-probabilities the same rows are drawn.
    var again = Philox(seed: 3)
    #expect(try model.sample(count: 70, using: &again) == rows)
    #expect(generator == again)
  }

  @Test(
    "parameters written after a draw count in the next",
    arguments: [
      ModelCase.fvsbn(20, ordering: .random), .made(20, [30]), .made(20, [9], direct: true, masks: 2),
    ])
  func newParameters(_ modelCase: ModelCase) throws {
    var model = try modelCase.model(seed: 4)
    let other = try modelCase.model(seed: 5)
    let uniforms = uniforms(33, 20, seed: 2)
    let copy = model
    let before = copy.component(0).cursorSource().draw(uniforms: uniforms)
    for name in model.parameters.names { model.parameters[name] = other.parameters[name] }
    for component in 0..<model.componentCount {
      let rows = model.component(component).cursorSource().draw(uniforms: uniforms)
      #expect(rows == other.component(component).cursorSource().draw(uniforms: uniforms))
    }
    // The copy keeps its own.
    #expect(copy.component(0).cursorSource().draw(uniforms: uniforms) == before)
  }

  @Test("a mixture draws from all its components, each about as often")
  func components() throws {
    // All biases are zero, so the first variable of each ordering is a fair coin. Forward, a first variable
    // of 1 makes the second almost surely 1; backward, a second variable of 1 makes the first almost surely
    // 0.
    let configuration = MADE.Configuration(
      variableCount: 2, hiddenCounts: [], maskCount: 8, ordering: .resampled, seed: 1)
    var model = try MADE(configuration, seed: 1)
    model.parameters["direct"] = Matrix(rowCount: 2, columnCount: 2, elements: [0, 30, -30, 0])
    model.parameters["b"] = Matrix(rowCount: 1, columnCount: 2, elements: [0, 0])
    let forward = (0..<8).count { model.ordering(ofComponent: $0).variables == [0, 1] }
    try #require(forward > 0 && forward < 8)
    var generator = Philox(seed: 5)
    let samples = try model.sample(count: 20_000, using: &generator)
    // So (1, 1) has a probability of 1/2 under each forward component and of e⁻³⁰/2 under each backward one.
    let share = Double((0..<20_000).count { samples[$0, 0] && samples[$0, 1] }) / 20_000
    let expected = Double(forward) / 16 + Double(8 - forward) / 16 * 1e-13
    // Five standard deviations, exceeded by chance once in 1.7 million.
    #expect(abs(share - expected) < 5 * (expected * (1 - expected) / 20_000).squareRoot())
  }
}

extension ModelCase {
  fileprivate var isLarge: Bool { ModelCase.larger.contains(self) }
}

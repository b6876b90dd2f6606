import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Networks that see a class")
struct ConditionalNetworkTests {
  static let cases: [ModelCase] = [
    .fvsbn(5), .fvsbn(4, ordering: .random), .nade(5, 7), .nade(6, 4, .relu, ordering: .random),
    .nade(1, 2), .made(5, [9]), .made(6, [8, 5], .tanh, direct: true, ordering: .random),
    .made(4, [], ordering: .random), .made(5, [6, 6], .sigmoid, residual: true), .made(1, [3]),
    .made(6, [7], .tanh, masks: 3, ordering: .resampled), .made(5, [9], .tanh, masks: 2),
  ]
  static let classCount = 3

  /// A network with drawn parameters: those of the class's logits too, which nobody may see.
  private func conditional(
    _ modelCase: ModelCase, discrimination: Double = 0, seed: UInt64
  ) throws -> ConditionalNetwork {
    drawn(
      try ConditionalNetwork(
        try modelCase.model(seed: seed), classCount: Self.classCount, discrimination: discrimination,
        seed: seed),
      seed, 0.8)
  }

  /// All rows of D bits after the bit of a class.
  private func rows(ofClass index: Int, width: Int) -> BinaryMatrix {
    let rows = BinaryMatrix.allRows(ofWidth: width)
    return BinaryMatrix(rowCount: rows.rowCount, columnCount: Self.classCount + width) { row, column in
      column < Self.classCount ? column == index : rows[row, column - Self.classCount]
    }
  }

  @Test("given a class it is a network of biases of its own: the same log p", arguments: cases)
  func folding(_ modelCase: ModelCase) throws {
    let model = try conditional(modelCase, seed: 4).withoutClassLogits
    let width = model.variableCount - Self.classCount
    let labelled = LabelledDensity(classes: ["a", "b", "c"], networks: [model])
    for (index, density) in labelled.densities.enumerated() {
      let seen = model.logProbabilities(of: rows(ofClass: index, width: width)).map {
        $0 + log(Double(Self.classCount))
      }
      let own = density.logProbabilities(of: .allRows(ofWidth: width))
      #expect(abs(own.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
      for (a, b) in zip(seen, own) { #expect(abs(a - b) < 2e-5 * max(1, abs(b)), "class \(index)") }
    }
    // The classes differ, also in the first variable, whose conditional no variable changes.
    let first = labelled.densities.compactMap {
      $0.autoregressive()?.conditionals(of: .allRows(ofWidth: width))[
        0, $0.autoregressive()?.ordering.variables[0] ?? 0]
    }
    if first.count == Self.classCount { #expect(Set(first).count > 1) }
  }

  @Test("rows of no class, or of two, have no probability")
  func otherRows() throws {
    let model = try conditional(.nade(3, 4), seed: 1)
    let rows = BinaryMatrix([[0, 0, 0, 1, 0, 1], [1, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1]])
    let terms = model.logProbabilities(of: rows)
    #expect(terms[0] == -.infinity && terms[1] == -.infinity && terms[2] > -.infinity)
  }

  @Test(
    "the gradient of the loss agrees with finite differences; the class's logits get none",
    arguments: cases, [0, 2.5])
  func gradient(_ modelCase: ModelCase, discrimination: Double) throws {
    let model = try conditional(modelCase, discrimination: discrimination, seed: 2)
    let (executor, objective) = self.executor(of: model)
    executor.forward()
    let magnitude =
      abs(executor[objective.loss][0, 0]) + 20 * (1 + discrimination) * Double(model.variableCount)
    let check = GradientCheck(executor, loss: objective.loss, magnitude: magnitude, seed: 3)
    #expect(check.holds, "\(check)")
    executor.forward()
    executor.backward()
    let gradient = executor.gradients["b"]
    #expect((0..<Self.classCount).allSatisfy { gradient[0, $0] == 0 })
    #expect((Self.classCount..<model.variableCount).contains { gradient[0, $0] != 0 })
  }

  /// A step of training in double precision: 12 rows of three classes.
  private func executor(
    of model: ConditionalNetwork
  ) -> (Executor<Double>, TrainingObjective<ConditionalNetwork.Inputs>) {
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [objective.loss, objective.negativeLogProbability], loss: objective.loss,
      batchCapacity: 12, parameters: model.parameters.converted(to: Double.self))
    let width = model.variableCount - Self.classCount
    let bits = BinaryMatrix.random(12, width, seed: 7)
    let rows = Matrix<Double>(rowCount: 12, columnCount: model.variableCount) { row, column in
      column < Self.classCount
        ? (column == row % Self.classCount ? 1 : 0) : bits[row, column - Self.classCount] ? 1 : 0
    }
    executor.set(objective.rows, to: rows)
    model.setConstants(of: objective, in: executor)
    model.setOthers(of: objective, in: executor, seed: 5, step: 1)
    return (executor, objective)
  }

  /// Without networks of several masks, of which a step takes one.
  static let oneMaskCases = Array(cases.prefix(10))

  @Test(
    "what is minimised bounds −log p(c | x) from above, in the mean over the other classes",
    arguments: oneMaskCases)
  func discriminativeBound(_ modelCase: ModelCase) throws {
    let weight = 2.5
    let model = try conditional(modelCase, discrimination: weight, seed: 3).withoutClassLogits
    let (executor, objective) = self.executor(of: model)
    let (rows, others) = (executor[objective.rows], try #require(objective.inputs.others))
    let densities = model.densities
    let bits = BinaryMatrix(rowCount: 12, columnCount: model.variableCount - Self.classCount) {
      rows[$0, $1 + Self.classCount] != 0
    }
    let terms = densities.map { $0.logProbabilities(of: bits) }
    // The mean over both other classes of each row, one draw each until both have been seen.
    var seen: [Set<Int>] = Array(repeating: [], count: 12)
    for step in 0..<40 {
      model.setOthers(of: objective, in: executor, seed: 5, step: step)
      executor.forward()
      let drawn = executor[others]
      var expected = 0.0
      for row in 0..<12 {
        let own = row % Self.classCount
        let other = try #require((0..<Self.classCount).first { drawn[row, $0] != 0 })
        #expect(other != own && (0..<Self.classCount).count { drawn[row, $0] != 0 } == 1)
        #expect((Self.classCount..<model.variableCount).allSatisfy { drawn[row, $0] == rows[row, $0] })
        seen[row].insert(other)
        expected += log1p(exp(terms[other][row] - terms[own][row])) / 12
      }
      let loss = executor[objective.loss][0, 0]
      let told = executor[objective.negativeLogProbability][0, 0]
      let mean = (0..<12).reduce(0) { $0 - terms[$1 % Self.classCount][$1] / 12 }
      #expect(abs(told - mean) < 1e-4 * max(1, mean))
      #expect(abs(loss - told - weight * 2 * expected) < 1e-4 * max(1, loss))
    }
    #expect(seen.allSatisfy { $0.count == Self.classCount - 1 })
    // log (1 + a + b) ≤ log (1 + a) + log (1 + b)
    for row in 0..<12 {
      let own = row % Self.classCount
      let differences = (0..<Self.classCount).filter { $0 != own }.map { terms[$0][row] - terms[own][row] }
      let loss = log1p(differences.reduce(0) { $0 + exp($1) })
      #expect(loss <= differences.reduce(0) { $0 + log1p(exp($1)) } + 1e-12)
    }
  }

  @Test("what cannot see classes is refused")
  func refusals() throws {
    let eonade = try EoNADE(EoNADE.Configuration(variableCount: 4, hiddenCounts: [3]), seed: 1)
    #expect(
      throws: DensityError.invalidConfiguration(
        "a eonade cannot see classes; it can be trained once for each")
    ) { try ConditionalNetwork(eonade, classCount: 2, seed: 1) }
    let fresh = try MADE(
      MADE.Configuration(variableCount: 4, hiddenCounts: [3], trainsOnFreshMasks: true), seed: 1)
    #expect(throws: DensityError.self) { try ConditionalNetwork(fresh, classCount: 2, seed: 1) }
  }
}

extension ConditionalNetwork {
  /// The network as training leaves it: with nothing in the logits of the class's bits. (No case has as many hidden units as
  /// bits, so what has a column for each bit has them for logits.)
  fileprivate var withoutClassLogits: ConditionalNetwork {
    var result = self
    let isNADE = seeingNetwork is NADE
    for (name, matrix) in zip(parameters.names, parameters.matrices) {
      let isByRow = isNADE && name == "v"
      guard isByRow || matrix.columnCount == variableCount else { continue }
      result.parameters[name] = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount) {
        (isByRow ? $0 : $1) < classCount ? 0 : matrix[$0, $1]
      }
    }
    return result
  }
}

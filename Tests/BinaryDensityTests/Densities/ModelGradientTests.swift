import Autodiff
import BinaryDensity
import Kernels
import Testing
import _TestSupport

@Suite("Gradients and equivalences of whole models")
struct ModelGradientTests {
  /// Checks the gradient of the mean log-likelihood of 12 rows.
  private func check(_ model: any NetworkDensity, seed: UInt64) -> GradientCheck {
    var graph = Graph()
    let x = graph.input("x", columns: model.variableCount, isSparse: true)
    let loss = graph.mean(model.logProbability(of: x, in: &graph), over: .rows)
    let executor = Executor(
      graph, outputs: [loss], loss: loss, batchCapacity: 12,
      parameters: model.parameters.converted(to: Double.self))
    executor.set(x, to: .bits(12, model.variableCount, probability: 0.5, seed: seed))
    executor.forward()
    // A row's log-probability sums terms of one sign, each from a logit of a magnitude of at most 20 or so.
    let magnitude = abs(executor[loss][0, 0]) + 20 * Double(model.variableCount)
    return GradientCheck(executor, loss: loss, magnitude: magnitude, seed: seed)
  }

  @Test(
    "the mean log-likelihood's gradient agrees with finite differences", arguments: ModelCase.enumerable,
    [1, 2, 3] as [UInt64])
  func finiteDifferences(_ modelCase: ModelCase, seed: UInt64) throws {
    let check = check(try modelCase.model(seed: seed, spread: 0.7), seed: seed)
    #expect(check.holds, "\(check)")
  }

  @Test("the gradient of a weight that a mask forbids is exactly zero", arguments: [1, 2] as [UInt64])
  func forbiddenWeights(seed: UInt64) throws {
    let configuration = MADE.Configuration(
      variableCount: 20, hiddenCounts: [17, 33], hasDirectWeights: true, ordering: .random, seed: seed)
    let model = drawn(try MADE(configuration, seed: seed), seed, 0.5)
    var graph = Graph()
    let x = graph.input("x", columns: model.variableCount, isSparse: true)
    let loss = graph.mean(model.logProbability(of: x, in: &graph), over: .rows)
    let executor = Executor(graph, outputs: [], loss: loss, batchCapacity: 64, parameters: model.parameters)
    executor.set(x, to: .bits(64, 20, probability: 0.5, seed: seed))
    executor.forward()
    executor.backward()
    for (name, mask) in zip(["w0", "w1", "v", "direct"], model.masks(ofComponent: 0)) {
      let gradient = executor.gradients[name]
      var nonzeroCount = 0
      for input in 0..<mask.inputCount {
        for output in 0..<mask.outputCount {
          if !mask.permits(input, output) { #expect(gradient[input, output] == 0, "\(name)") }
          if gradient[input, output] != 0 { nonzeroCount += 1 }
        }
      }
      // Most of what is permitted learns; a ReLU that no row wakes does not.
      #expect(nonzeroCount > mask.permittedCount / 2, "\(name)")
    }
  }

  @Test(
    "a MADE without hidden layers is the FVSBN of the same weights, bit for bit",
    arguments: [1, 2, 9, 70], [OrderingRule.natural, .random])
  func withoutHiddenLayers(count: Int, rule: OrderingRule) throws {
    let belief = drawn(
      try FVSBN(FVSBN.Configuration(variableCount: count, ordering: rule, seed: 3), seed: 1), 4)
    var masked = try MADE(
      MADE.Configuration(variableCount: count, hiddenCounts: [], ordering: rule, seed: 3), seed: 1)
    masked.parameters["direct"] = belief.parameters["w"]
    masked.parameters["b"] = belief.parameters["b"]
    #expect(masked.ordering(ofComponent: 0) == belief.ordering(ofComponent: 0))
    let rows = BinaryMatrix.random(30, count, seed: 2)
    #expect(masked.logProbabilities(of: rows) == belief.logProbabilities(of: rows))
    #expect(try masked.chain().conditionals(of: rows) == belief.conditionals(of: rows))
    var (first, second) = (Philox(seed: 6), Philox(seed: 6))
    #expect(try masked.sample(count: 70, using: &first) == belief.sample(count: 70, using: &second))
  }

  @Test("training masks are those of the components in turn, or fresh")
  func trainingMasks() throws {
    func model(fresh: Bool, _ rule: OrderingRule) throws -> MADE {
      try MADE(
        MADE.Configuration(
          variableCount: 12, hiddenCounts: [20, 9], maskCount: 3, trainsOnFreshMasks: fresh, ordering: rule),
        seed: 1)
    }
    let cycling = try model(fresh: false, .natural)
    for step in 0..<7 {
      #expect(cycling.masks(forTrainingStep: step) == cycling.masks(ofComponent: step % 3))
    }
    let components = Set((0..<3).map { cycling.masks(ofComponent: $0) })
    #expect(components.count == 3)
    for rule in [OrderingRule.natural, .resampled] {
      let fresh = try model(fresh: true, rule)
      let drawn = (0..<40).map { fresh.masks(forTrainingStep: $0) }
      #expect(Set(drawn).count == 40)
      #expect(components.isDisjoint(with: drawn))
      // The same step has the same masks, so that a resumed training is the same training.
      #expect(fresh.masks(forTrainingStep: 17) == drawn[17])
      #expect(Set(drawn.map { $0[0].inputDegrees }).count == (rule == .resampled ? 40 : 1))
    }
  }

  @Test("units that are added have the same degree under every mask", arguments: [1, 2, 3] as [UInt64])
  func residualDegrees(seed: UInt64) throws {
    let configuration = MADE.Configuration(
      variableCount: 12, hiddenCounts: [20, 20, 9, 20, 20, 20], isResidual: true, maskCount: 3,
      trainsOnFreshMasks: true, ordering: .resampled, seed: seed)
    let model = try MADE(configuration, seed: 1)
    let sets = (0..<3).map { model.masks(ofComponent: $0) } + (0..<5).map { model.masks(forTrainingStep: $0) }
    for (index, masks) in sets.enumerated() {
      for layer in [1, 4, 5] { #expect(masks[layer].inputDegrees == masks[layer].outputDegrees) }
      // Layers that nothing is added to keep degrees of their own.
      if index > 0 { #expect(masks[0].outputDegrees != masks[3].outputDegrees) }
    }
    #expect(Set(sets.map { $0[0].outputDegrees }).count == sets.count)
  }

  @Test("with all weights of the layers after the first zero, a residual MADE is one of a single layer")
  func residualIdentity() throws {
    var deep = drawn(
      try MADE(
        MADE.Configuration(
          variableCount: 9, hiddenCounts: [12, 12, 12], isResidual: true, ordering: .random),
        seed: 1), 3)
    var shallow = try MADE(
      MADE.Configuration(variableCount: 9, hiddenCounts: [12], ordering: .random), seed: 1)
    for name in shallow.parameters.names { shallow.parameters[name] = deep.parameters[name] }
    for name in ["w1", "c1", "w2", "c2"] {
      let matrix = deep.parameters[name]
      deep.parameters[name] = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount)
    }
    let rows = BinaryMatrix.random(30, 9, seed: 2)
    #expect(deep.logProbabilities(of: rows) == shallow.logProbabilities(of: rows))
  }

  @Test(
    "every hidden unit is connected on both sides", arguments: [2, 3, 5, 10, 50],
    [[1], [2], [7], [100], [1, 5], [5, 1], [3, 1, 8], [1, 1, 1], [40, 2, 40, 3]])
  func connections(count: Int, hiddenCounts: [Int]) throws {
    let configuration = MADE.Configuration(
      variableCount: count, hiddenCounts: hiddenCounts, maskCount: 3, trainsOnFreshMasks: true,
      ordering: .resampled, seed: 8)
    let model = try MADE(configuration, seed: 1)
    let sets = (0..<3).map { model.masks(ofComponent: $0) } + (0..<5).map { model.masks(forTrainingStep: $0) }
    for masks in sets {
      #expect(masks.count == hiddenCounts.count + 1)
      #expect(masks[0].inputDegrees.sorted() == Array(1...count))
      #expect(masks[masks.count - 1].outputDegrees.sorted() == Array(0..<count))
      for (layer, width) in hiddenCounts.enumerated() {
        let (into, outOf) = (masks[layer], masks[layer + 1])
        #expect(into.outputCount == width)
        #expect(into.outputDegrees == outOf.inputDegrees)
        for unit in 0..<width {
          #expect((0..<into.inputCount).contains { into.permits($0, unit) })
          #expect((0..<outOf.outputCount).contains { outOf.permits(unit, $0) })
        }
      }
      // A first layer of enough units has one for each number of variables seen.
      if hiddenCounts[0] >= count - 1 { #expect(Set(masks[0].outputDegrees) == Set(1...(count - 1))) }
    }
  }

  @Test(
    "what an output may see is what comes before it", arguments: [[], [30], [30, 30]] as [[Int]],
    [1, 2] as [UInt64])
  func reach(hiddenCounts: [Int], seed: UInt64) throws {
    let configuration = MADE.Configuration(
      variableCount: 9, hiddenCounts: hiddenCounts, maskCount: 2, ordering: .resampled, seed: seed)
    let model = try MADE(configuration, seed: 1)
    for component in 0..<2 {
      let positions = model.ordering(ofComponent: component).positions
      // Paths through the masks: which inputs reach each unit.
      var reached = (0..<9).map { Set([$0]) }
      for mask in model.masks(ofComponent: component).prefix(max(1, hiddenCounts.count + 1)) {
        reached = (0..<mask.outputCount).map { output in
          (0..<mask.inputCount).filter { mask.permits($0, output) }.reduce(into: []) {
            $0.formUnion(reached[$1])
          }
        }
      }
      for variable in 0..<9 {
        #expect(reached[variable] == Set((0..<9).filter { positions[$0] < positions[variable] }))
      }
    }
  }
}

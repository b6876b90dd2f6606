import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Distillation")
struct DistillationTests {
  /// A mixture of four patterns, which a hundred rows hardly show.
  private static func teacher() -> BernoulliMixture {
    BernoulliMixture(
      logits: .uniform(10, 4, in: -4...4, seed: 3), logWeights: Matrix(rowCount: 1, columnCount: 4))
  }

  private static func data(_ rowCount: Int) -> DataSplits {
    var generator = Philox(seed: 9)
    let teacher = teacher()
    return DataSplits(
      name: "table", train: teacher.sample(count: rowCount, using: &generator),
      validation: teacher.sample(count: 200, using: &generator))
  }

  /// KL(teacher ‖ density), over all rows.
  private static func divergence(_ density: any Density) -> Double {
    let rows = BinaryMatrix.allRows(ofWidth: 10)
    return zip(teacher().logProbabilities(of: rows), density.logProbabilities(of: rows)).reduce(0) {
      $0 + exp($1.0) * ($1.0 - $1.1)
    }
  }

  @Test("a network learns from a model what few rows do not show")
  func learns() throws {
    let data = Self.data(100)
    var phases: Set<String> = []
    var tried = 0
    let result = try Distillation(of: Self.teacher(), data, budget: .seconds(4), seed: 1).run { event in
      switch event {
      case .tried: tried += 1
      case .improved, .unsaved: break
      case .progress(let phase, let fraction, _):
        phases.insert(phase)
        #expect((0...1).contains(fraction))
      }
      return true
    }
    #expect(phases.contains("drawing rows") && phases.contains("training"))
    #expect(tried == result.leaderboard.count && tried >= 1 && !result.isInterrupted)
    let figures = result.leaderboard.map(\.validationNLL)
    #expect(figures == figures.sorted())
    let network = try #require(result.density)
    #expect(network is NADE && result.name.hasSuffix("half precision"))
    #expect(abs(DensitySearch.nll(network, try #require(data.validation)) - result.validationNLL) < 1e-5)
    #expect(abs(result.validationNLL - figures[0]) < 0.001)
    // What the rows alone teach, by counting.
    let counted = Self.divergence(try ChowLiuTree.fit(to: data.train))
    #expect(Self.divergence(network) < 0.5 && Self.divergence(network) < counted)
  }

  @Test("the network is like the mixture's networks, along the order of the weightiest")
  func form() throws {
    let order = [3, 1, 4, 0, 2, 5, 9, 8, 7, 6]
    let members = try (0..<40).map { seed in
      try NADE(
        NADE.Configuration(
          variableCount: 10, hiddenCount: 16, activation: .sigmoid,
          ordering: seed == 7 ? .explicit(order) : .natural), seed: UInt64(seed)) as any Density
    }
    let mixture = Mixture(members, weights: (0..<40).map { $0 == 7 ? 5 : 1 })
    let result = try Distillation(of: mixture, Self.data(60), budget: .seconds(1)).run()
    let network = try #require(result.density as? NADE)
    #expect(network.ordering.variables == order && network.configuration.activation == .sigmoid)
    #expect(network.configuration.hiddenCount == 50)
    #expect(10 * network.parameterCount <= mixture.parameterCount)
  }

  @Test("the way in which the model's networks were trained is tried first")
  func recipe() throws {
    var recipe = Recipe.first(stepCount: 500)[0]
    (recipe.dropout, recipe.weightDecay, recipe.learningRate) = (Dropout(inputs: 0.05), 0.3, 0.004)
    let data = Self.data(60)
    func first(_ recipe: Recipe) throws -> String? {
      var first: String?
      _ = try Distillation(of: Self.teacher(), data, budget: .seconds(20), recipe: recipe).run { event in
        if case .tried(let entry) = event { first = entry.name }
        return first == nil
      }
      return first
    }
    #expect(try #require(try first(recipe)).contains("relu, dropout 0.05, decay 0.3, rate 0.004"))
    // What are no pictures cannot be shifted.
    recipe.shiftShare = 0.4
    #expect(try #require(try first(recipe)).contains("dropout 0.05, decay 0.3"))
    // A network of another kind says nothing of this one.
    recipe.network = .made([16])
    #expect(try #require(try first(recipe)).contains("decay 0.01, rate 0.001"))
  }

  @Test("a size is kept to, and one too small is refused")
  func size() throws {
    let data = Self.data(60)
    let result = try Distillation(of: Self.teacher(), data, budget: .seconds(1), byteLimit: 2000).run()
    let network = try #require(result.density as? NADE)
    #expect(try Checkpoint(model: network).byteCount() <= 2000)
    #expect(network.configuration.hiddenCount == 16)
    #expect(throws: DensityError.invalidConfiguration("no network of 10 variables is as small as wanted")) {
      try Distillation(of: Self.teacher(), data, budget: .seconds(1), byteLimit: 600)
    }
  }

  @Test("told to stop, it has what there is")
  func interruption() throws {
    let distillation = try Distillation(of: Self.teacher(), Self.data(60), budget: .seconds(600))
    let start = ContinuousClock.now
    let nothing = try distillation.run { _ in false }
    #expect(nothing.density == nil && nothing.isInterrupted && nothing.validationNLL == .infinity)
    #expect(start.duration(to: .now) < .seconds(30))
  }

  @Test("rows with missing cells, few rows, and rows of other columns")
  func tables() throws {
    let data = Self.data(40)
    let partial = DataSplits(
      name: "gaps", train: PartialRows(values: data.train, known: .random(40, 10, probability: 0.8, seed: 2)),
      validation: PartialRows(values: data.train, known: .random(40, 10, probability: 0.8, seed: 3)))
    #expect(try Distillation(of: Self.teacher(), partial, budget: .seconds(1)).run().density != nil)
    let row = DataSplits(name: "one", train: data.train.rows(0..<1))
    #expect(try Distillation(of: Self.teacher(), row, budget: .seconds(1)).run().density != nil)
    #expect(throws: DensityError.self) {
      try Distillation(
        of: Self.teacher(), DataSplits(name: "wide", train: .random(9, 11, seed: 1)), budget: .seconds(1))
    }
    #expect(throws: DensityError.self) {
      try Distillation(
        of: Self.teacher(), DataSplits(name: "none", train: BinaryMatrix(rowCount: 0, columnCount: 10)),
        budget: .seconds(1))
    }
  }
}

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
      case .improved, .unsaved, .lost: break
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

  /// A mixture of many untrained networks, of which one is the weightiest, and one that was trained, so large that two of it are more
  /// than a tenth.
  private static func mixture(order: [Int], _ data: DataSplits) throws -> (whole: Mixture, best: NADE) {
    func network(_ seed: UInt64, _ count: Int, _ ordering: OrderingRule) throws -> NADE {
      try NADE(
        NADE.Configuration(variableCount: 10, hiddenCount: count, activation: .sigmoid, ordering: ordering),
        seed: seed)
    }
    let configuration = TrainingConfiguration(
      epochCount: 100, learningRate: 0.02, seed: 1, startsAtMarginals: true)
    let trainer = try Trainer(try network(7, 40, .explicit(order)), data: data, configuration: configuration)
    _ = try trainer.run()
    let others = try (0..<40).map { try network($0, 16, .natural) as any Density }
    let weights = [3.0] + others.dropFirst().map { _ in 1 } + [2]
    return (Mixture(others + [trainer.best], weights: weights), trainer.best)
  }

  /// The names of the first few networks that are tried.
  private static func names(_ distillation: Distillation, _ count: Int) throws -> [String] {
    var names: [String] = []
    _ = try distillation.run { event in
      if case .tried(let entry) = event { names.append(entry.name) }
      return names.count < count
    }
    return names
  }

  @Test(
    "the best of the mixture's networks goes on learning, then a wider one like it begins along its order")
  func form() throws {
    let (order, data) = ([3, 1, 4, 0, 2, 5, 9, 8, 7, 6], Self.data(60))
    let (mixture, best) = try Self.mixture(order: order, data)
    let result = try Distillation(of: mixture, data, budget: .seconds(2)).run()
    let network = try #require(result.density as? NADE)
    #expect(network.ordering.variables == order && network.configuration.activation == .sigmoid)
    #expect(10 * network.parameterCount <= mixture.parameterCount)
    let validation = try #require(data.validation)
    #expect(result.validationNLL < DensitySearch.nll(best, validation))
    let names = try #require(
      givenTime(2) { budget in
        let names = try Self.names(Distillation(of: mixture, data, budget: budget), 2)
        return names.count == 2 ? names : nil
      })
    #expect(
      names[0].hasPrefix("NADE 40 sigmoid") && names[0].hasSuffix("begun with the model's best network"))
    #expect(names[1].hasPrefix("NADE 50 sigmoid") && !names[1].contains("begun"))
  }

  /// Two hardly trained networks of each of three orders.
  private static func ofThreeOrders(_ data: DataSplits) throws -> [NADE] {
    let orders = [Array(0..<10), Array((0..<10).reversed()), [3, 1, 4, 0, 2, 5, 9, 8, 7, 6]]
    return try (0..<6).map { number in
      let configuration = NADE.Configuration(
        variableCount: 10, hiddenCount: 16, activation: .sigmoid, ordering: .explicit(orders[number % 3]))
      let trainer = try Trainer(
        try NADE(configuration, seed: UInt64(number)), data: data,
        configuration: TrainingConfiguration(epochCount: 20, learningRate: 0.02, seed: 1))
      _ = try trainer.run()
      return trainer.best
    }
  }

  @Test("where there is room for several networks, those of further orders learn too")
  func orders() throws {
    let data = Self.data(100)
    let networks = try Self.ofThreeOrders(data)
    // The weights of a mixture are parameters, too.
    func distillation(_ count: Int, _ budget: Duration) throws -> Distillation {
      try Distillation(
        of: Mixture(networks), data, budget: budget,
        parameterLimit: count * networks[0].parameterCount + count)
    }
    let learnt = try givenTime(2) { budget -> Bool? in
      var learnt: Bool?
      _ = try distillation(2, budget).run { event in
        if case .tried(let entry) = event, entry.name.hasSuffix("another order") { learnt = true }
        return learnt == nil
      }
      return learnt
    }
    #expect(learnt == true)
    let result = try distillation(2, .seconds(2)).run()
    let density = try #require(result.density)
    #expect(density.parameterCount <= 2 * networks[0].parameterCount + 2)
    #expect(abs(DensitySearch.nll(density, try #require(data.validation)) - result.validationNLL) < 1e-5)
    #expect(result.validationNLL < result.leaderboard[0].validationNLL + 0.001)
    let parts = density.components ?? []
    #expect(Set(parts.map { $0.density.autoregressive()?.ordering }).count == parts.count)
    #expect(parts.isEmpty || result.name.hasPrefix("distilled of it, 2 networks of one order each"))
    let one = try distillation(1, .milliseconds(500)).run()
    #expect(one.density is NADE && !one.leaderboard.contains { $0.name.hasSuffix("another order") })
  }

  @Test("networks of several orders are mixed as far as there is room, those first that help most")
  func mixing() throws {
    let data = Self.data(100)
    let networks = Array(try Self.ofThreeOrders(data).prefix(3))
    let validation = try #require(data.validation)
    var students = networks.map { (density: $0 as any Density, terms: $0.logProbabilities(of: validation)) }
    func mixture(_ count: Int) throws -> (density: any Density, nll: Double, count: Int)? {
      try Distillation(
        of: Mixture(networks), data, budget: .zero, parameterLimit: count * networks[0].parameterCount + count
      ).mixture(of: students)
    }
    #expect(try mixture(1) == nil)
    let two = try #require(try mixture(2))
    // The best network, and that of the others which helps it most.
    let best = students.indices.min {
      DensitySearch.nll(networks[$0], validation) < DensitySearch.nll(networks[$1], validation)
    }
    let pairs = students.indices.filter { $0 != best }.map { other in
      DensitySearch.nll(Mixture([networks[best ?? 0], networks[other]]), validation)
    }
    #expect(two.count == 2 && abs(two.nll - (pairs.min() ?? 0)) < 1e-9)
    let three = try #require(try mixture(3))
    #expect(three.nll <= two.nll && three.density.components?.count == three.count)
    #expect(abs(DensitySearch.nll(three.density, validation) - three.nll) < 1e-9)
    // A better network, too large for a mixture of two, does not keep a smaller one of its order out.
    let (_, large) = try Self.mixture(order: networks[best ?? 0].ordering.variables, data)
    students.append((large, large.logProbabilities(of: validation)))
    #expect(DensitySearch.nll(large, validation) < DensitySearch.nll(networks[best ?? 0], validation))
    #expect(try mixture(2)?.nll == two.nll)
  }

  @Test("a network that goes on learns with next to no regularisation, then with the model's")
  func recipe() throws {
    let data = Self.data(60)
    let (mixture, _) = try Self.mixture(order: Array(0..<10), data)
    var recipe = Recipe.first(stepCount: 500)[1]
    (recipe.dropout, recipe.weightDecay, recipe.learningRate) = (
      Dropout(inputs: 0.05), 0.3, 0.01
    )
    /// Whether the first two go on with these weight decays.
    func goOn(_ recipe: Recipe, decays: [String]) throws -> Bool {
      try givenTime(2) { budget in
        let names = try Self.names(Distillation(of: mixture, data, budget: budget, recipe: recipe), 2)
        let areSo = zip(names, decays).allSatisfy { name, decay in
          name.hasPrefix("NADE 40 sigmoid, decay \(decay), rate 0.004, ")
            && name.hasSuffix("begun with the model's best network")
        }
        return names.count == 2 && areSo ? true : nil
      } ?? false
    }
    #expect(try goOn(recipe, decays: ["0.01", "0.3"]))
    // What are no pictures cannot be shifted.
    recipe.shiftShare = 0.4
    #expect(try goOn(recipe, decays: ["0.01", "0.3"]))
    // A network of another kind says nothing of this one: the ways differ in what the mixture's conditionals count.
    recipe.network = .made([16])
    #expect(try goOn(recipe, decays: ["0.01", "0.01"]))
    // Products of shares are printed as people write them.
    recipe.dropout = Dropout(hidden: 0.4 * 0.7)
    #expect("\(recipe)".contains(", dropout 0/0.28, "))
  }

  @Test("what does best of one order learns once more, for longer")
  func longer() throws {
    let data = DataSplits(
      name: "wide", train: .random(400, 60, seed: 1), validation: .random(50, 60, seed: 2))
    let network = try NADE(NADE.Configuration(variableCount: 60, hiddenCount: 500), seed: 1)
    /// How many steps the trainings had that differ in nothing else, in turn.
    func steps(_ budget: Duration) throws -> [[Int]] {
      var steps: [String: [Int]] = [:]
      _ = try Distillation(of: network, data, budget: budget).run { event in
        guard case .tried(let entry) = event else { return true }
        var parts = entry.name.components(separatedBy: ", ")
        guard let place = parts.firstIndex(where: { $0.hasSuffix(" steps") }) else { return true }
        steps[parts.enumerated().filter { $0.offset != place }.map(\.element).joined(), default: []].append(
          Int(parts.remove(at: place).dropLast(6)) ?? 0)
        return steps.values.allSatisfy { $0.count == 1 }
      }
      return steps.values.filter { $0.count > 1 }
    }
    let pair = try #require(givenTime(1) { try steps($0).first })
    #expect(4 * pair[1] >= 5 * pair[0] - 4, "\(pair)")
  }

  @Test("a model of a few units, too, has a network that is no larger")
  func fewUnits() throws {
    let network = try NADE(NADE.Configuration(variableCount: 10, hiddenCount: 5), seed: 1)
    let data = Self.data(60)
    let result = try Distillation(of: network, data, budget: .milliseconds(500)).run()
    let distilled = try #require(result.density as? NADE)
    #expect(distilled.configuration.hiddenCount == 5)
    #expect(result.validationNLL < DensitySearch.nll(network, try #require(data.validation)))
  }

  @Test("an epoch of one network is trained however little time there is")
  func noTime() throws {
    let result = try Distillation(of: Self.teacher(), Self.data(60), budget: .zero).run()
    #expect(result.density != nil && result.leaderboard.count == 1 && !result.isInterrupted)
  }

  @Test("a size is kept to, and one too small is refused")
  func size() throws {
    let data = Self.data(60)
    let result = try Distillation(of: Self.teacher(), data, budget: .seconds(1), byteLimit: 2000).run()
    let network = try #require(result.density as? NADE)
    #expect(try Checkpoint(model: network).byteCount() <= 2000)
    #expect(network.configuration.hiddenCount == 16)
    let error = #expect(throws: DensityError.self) {
      try Distillation(of: Self.teacher(), data, budget: .seconds(1), byteLimit: 600)
    }
    // It says what would do.
    let words = try #require(error.map { "\($0)" })
    #expect(words.contains("no network of 10 variables fits into 600 bytes; the smallest takes "))
    let least = try #require(words.split(separator: " ").last.flatMap { Int($0) })
    _ = try Distillation(of: Self.teacher(), data, budget: .seconds(1), byteLimit: least)
    #expect(throws: DensityError.self) {
      try Distillation(of: Self.teacher(), data, budget: .seconds(1), byteLimit: least - 1)
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

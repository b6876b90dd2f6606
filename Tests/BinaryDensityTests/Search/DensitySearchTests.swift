import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Fitting without settings")
struct DensitySearchTests {
  private static func data(_ train: BinaryMatrix, validation: BinaryMatrix? = nil) -> DataSplits {
    DataSplits(name: "table", train: train, validation: validation)
  }

  @Test("a search beats independence, and its leaderboard is sorted")
  func search() throws {
    let data = Self.data(
      TrainingCase.chain(rowCount: 500, variableCount: 8, seed: 1),
      validation: TrainingCase.chain(rowCount: 300, variableCount: 8, seed: 2))
    var tried = 0
    var fractions: [Double] = []
    var kept: (any Density)?
    let result = try DensitySearch(data, budget: .seconds(3), seed: 3).run { event in
      switch event {
      case .tried: tried += 1
      case .improved(let density): kept = density
      case .progress(_, let fraction, _): fractions.append(fraction)
      case .unsaved(let error): Issue.record("\(error)")
      case .lost(let process): Issue.record("process \(process) is lost")
      }
      return true
    }
    #expect(!result.isInterrupted && tried > 0 && fractions == fractions.sorted())
    let figures = result.leaderboard.map(\.validationNLL)
    #expect(figures == figures.sorted())
    let independent = try #require(
      result.leaderboard.first { $0.name == "independent Bernoullis" }?.validationNLL)
    // What a killed search leaves behind: the best single model there was.
    let single = DensitySearch.nll(try #require(kept), try #require(data.validation))
    #expect(single < independent && result.leaderboard.contains { abs($0.validationNLL - single) < 1e-5 })
    // Eight fair coins have 5.55 nats; the chain 0.69 + 7 · 0.325 = 2.97.
    #expect(abs(independent - 5.55) < 0.1)
    let terms = result.density.logProbabilities(of: try #require(data.validation))
    let summary = LikelihoodSummary(logProbabilities: terms, variableCount: 8)
    let found = summary.negativeLogLikelihood
    #expect(found < 3.3 && found < independent)
    // It is as good as the best of all but single networks, which stand for themselves only where there is no second; but
    // for what is left out of it, and for half precision.
    let best = try #require(result.leaderboard.first { $0.kind == .baseline || $0.kind == .mixture })
    let isSingle = !result.leaderboard.contains { $0.kind == .mixture }
    let most = isSingle ? min(figures[0], best.validationNLL) : best.validationNLL
    let error = try #require(summary.standardError)
    #expect(found < most + 0.1 * error + 0.002)
    // Eight variables have 256 probabilities, of 16 bits each, which is less than any mixture takes; a tree,
    // which the chain is, takes less still.
    #expect(result.density is TabulatedDensity || result.density is ChowLiuTree)
    #expect(try Checkpoint(model: result.density).byteCount() < 1000)
    let chosen = result.choices.filter(\.isChosen)
    #expect(chosen.count == 1 && abs(chosen[0].validationNLL - found) < 1e-5 && chosen[0].byteCount < 1000)
    let all = result.density.logProbabilities(of: BinaryMatrix.allRows(ofWidth: 8))
    #expect(abs(all.reduce(0) { $0 + exp($1) } - 1) < 1e-4)
  }

  /// Tables that leave little to learn from, or nothing.
  private static let tables: [(String, BinaryMatrix)] = [
    ("one row", BinaryMatrix([[1, 0, 1, 1]])),
    ("two rows", BinaryMatrix([[1, 0, 1, 1], [0, 0, 1, 0]])),
    ("one column", BinaryMatrix((0..<30).map { [$0 % 3 == 0 ? 1 : 0] })),
    ("all zeros", BinaryMatrix(rowCount: 40, columnCount: 6)),
    ("all ones", BinaryMatrix((0..<40).map { _ in [1, 1, 1, 1] })),
    ("constant columns", BinaryMatrix((0..<50).map { [0, $0 % 2, 1, $0 % 2, 0] })),
    ("duplicate rows", BinaryMatrix((0..<60).map { _ in [1, 0, 0, 1, 1, 0] })),
    ("more columns than rows", BinaryMatrix.random(6, 10, seed: 1)),
  ]

  @Test("five rows of two thousand columns", arguments: [0, 1000])
  func wide(milliseconds: Int) throws {
    let data = Self.data(BinaryMatrix.random(5, 2000, seed: 1))
    let density = try DensitySearch(data, budget: .milliseconds(milliseconds)).run().density
    #expect(density.logProbabilities(of: data.train).allSatisfy { $0.isFinite && $0 < 0 })
  }

  @Test("any table gets a finite density", arguments: 0..<8, [0, 1])
  func extremes(_ index: Int, seconds: Int) throws {
    let (name, table) = Self.tables[index]
    let search = try DensitySearch(Self.data(table), budget: .milliseconds(300 * seconds))
    let density = search.run().density
    let all = density.logProbabilities(of: BinaryMatrix.allRows(ofWidth: table.columnCount))
    #expect(all.allSatisfy { $0.isFinite }, "\(name)")
    #expect(abs(all.reduce(0) { $0 + exp($1) } - 1) < 1e-4, "\(name)")
    var generator = Philox(seed: 1)
    #expect(try density.sample(count: 3, using: &generator).rowCount == 3)
  }

  @Test("an empty validation table is as none", arguments: [1, 40])
  func emptyValidation(rowCount: Int) throws {
    let rows = TrainingCase.chain(rowCount: rowCount, variableCount: 5, seed: 1)
    let data = Self.data(rows, validation: BinaryMatrix(rowCount: 0, columnCount: 5))
    let result = try DensitySearch(data, budget: .milliseconds(300)).run()
    #expect(result.leaderboard.allSatisfy { $0.validationNLL > 0 })
    #expect(result.density.logProbabilities(of: rows).allSatisfy { $0.isFinite && $0 < 0 })
  }

  /// There are more workers than recipes to begin with, so some must wait for what the others find.
  @Test("many workers all have work, whatever their number", arguments: [1, 9])
  func workers(threadCount: Int) throws {
    let data = Self.data(
      TrainingCase.chain(rowCount: 400, variableCount: 8, seed: 1),
      validation: TrainingCase.chain(rowCount: 300, variableCount: 8, seed: 2))
    let found = try givenTime(3) { budget -> Bool? in
      let search = try DensitySearch(data, budget: budget, seed: 2)
      let result = Threads.run(on: threadCount) { search.run() }
      let isSearched = result.trialCount > 2
      let isMixed = result.leaderboard.contains { $0.kind == .mixture }
      let isGood = DensitySearch.nll(result.density, data.train) < 3.2
      return isSearched && isMixed && isGood ? true : nil
    }
    #expect(found == true, "too little was tried, nothing was mixed, or nothing good was found")
  }

  @Test("a table without rows or columns is refused")
  func nothing() {
    #expect(throws: DensityError.invalidConfiguration("table: there are no training rows")) {
      try DensitySearch(Self.data(BinaryMatrix(rowCount: 0, columnCount: 4)))
    }
    #expect(throws: DensityError.invalidConfiguration("table: there are no columns")) {
      try DensitySearch(Self.data(BinaryMatrix(rowCount: 4, columnCount: 0)))
    }
  }

  @Test("what is found stands in the file, and nothing else beside it")
  func saving() throws {
    try withTemporaryDirectory { path in
      let data = Self.data(
        TrainingCase.chain(rowCount: 100, variableCount: 6, seed: 1),
        validation: TrainingCase.chain(rowCount: 300, variableCount: 6, seed: 2))
      let search = try DensitySearch(data, budget: .zero, seed: 2)
      var isKept = false
      let result = try search.run(savingTo: path + "/found.safetensors") { _ in
        isKept =
          isKept
          || FileManager.default.fileExists(
            atPath: path + "/found.safetensors.search/network-1.safetensors")
        return true
      }
      #expect(isKept)
      #expect(try names(in: path) == ["found.safetensors"])
      let kept = try Checkpoint(contentsOf: path + "/found.safetensors").model
      #expect(kept.logProbabilities(of: data.train) == result.density.logProbabilities(of: data.train))
      #expect(throws: DensityError.self) { try search.run(savingTo: path + "/none/found.safetensors") }
    }
  }

  @Test("the file is no larger than wanted", arguments: [1_200, 3_000, 20_000, 60_000], [200, 300])
  func size(bytes: Int, validationRowCount: Int) throws {
    try withTemporaryDirectory { folder in
      let data = Self.data(
        TrainingCase.chain(rowCount: 500, variableCount: 24, seed: 1),
        validation: TrainingCase.chain(rowCount: validationRowCount, variableCount: 24, seed: 2))
      let search = try DensitySearch(data, budget: .seconds(2), seed: 3, byteLimit: bytes)
      let result = try search.run(savingTo: folder + "/m")
      let size = try AtomicFile.read(folder + "/m").count
      #expect(size <= bytes)
      let chosen = result.choices.filter(\.isChosen)
      // The record of a search stands there too, if there is room.
      #expect(chosen.count == 1 && chosen[0].byteCount <= size)
      #expect(result.canGoOn == (try Checkpoint(contentsOf: folder + "/m").search != nil))
      // 24 fair coins have 16.6 nats.
      let nll = DensitySearch.nll(result.density, try #require(data.validation))
      #expect(nll < 16.7)
      if bytes >= 20_000 { #expect(nll < 13) }
    }
  }

  @Test("where one network has room, it is the best of those that have", arguments: [1, 2])
  func onlyNetwork(seed: UInt64) throws {
    let bytes = 20_000
    let data = Self.data(
      TrainingCase.chain(rowCount: 500, variableCount: 24, seed: 1),
      validation: TrainingCase.chain(rowCount: 300, variableCount: 24, seed: 2))
    let result = try DensitySearch(data, steps: 8000, seed: seed, byteLimit: bytes).run()
    let network = try #require(result.choices.first { $0.kind == .network })
    try #require(Checkpoint(model: network.density).byteCount(inHalfPrecision: true) < bytes - 1000)
    #expect(result.validationNLL <= network.validationNLL + 0.001)
  }

  // By steps, so that what is found does not depend on how busy the machine is: a network that was lucky on the validation rows
  // may come second in its order, and then no mixture is as good on these.
  @Test("a mixture that ends as a table gives nothing up for being smaller")
  func tabulatedMixture() throws {
    let data = Self.data(
      TrainingCase.chain(rowCount: 2100, variableCount: 6, seed: 1),
      validation: TrainingCase.chain(rowCount: 300, variableCount: 6, seed: 2))
    let result = try DensitySearch(data, steps: 30_000, seed: 3).run()
    #expect(result.density is TabulatedDensity)
    for choice in result.choices { #expect(result.validationNLL <= choice.validationNLL + 0.001) }
  }

  @Test("a size that holds no model is refused before the search")
  func tooSmall() throws {
    let data = Self.data(TrainingCase.chain(rowCount: 50, variableCount: 24, seed: 1))
    let smallest = try Checkpoint(model: IndependentBernoulli.fit(to: data.train)).byteCount(
      inHalfPrecision: true)
    #expect(
      throws: DensityError.invalidConfiguration(
        "table: no model fits into 100 bytes; the smallest takes \(smallest)")
    ) { try DensitySearch(data, byteLimit: 100) }
    _ = try DensitySearch(data, byteLimit: smallest)
    #expect(throws: DensityError.self) { try DensitySearch(data, byteLimit: smallest - 1) }
    let result = try DensitySearch(data, budget: .zero, byteLimit: smallest).run()
    #expect(try Checkpoint(model: result.density).byteCount() <= smallest)
  }

  @Test("told to stop, it returns the best so far at once")
  func interruption() throws {
    let data = Self.data(TrainingCase.chain(rowCount: 2000, variableCount: 20, seed: 1))
    let start = ContinuousClock.now
    let result = try DensitySearch(data, budget: .seconds(600)).run {
      if case .progress(_, let fraction, _) = $0 { fraction < 0.001 } else { true }
    }
    #expect(result.isInterrupted && start.duration(to: .now) < .seconds(60))
    #expect(result.density.logProbabilities(of: data.train).allSatisfy { $0.isFinite })
  }

  @Test("members are spread over orders as their gains advise")
  func orders() {
    func counts(_ members: Int, orders: Int, depth: Double) -> [Int] {
      var counts = [1]
      for _ in 1..<members {
        let order = DensitySearch.nextOrder(counts: counts, orderCount: orders, depth: depth)
        if order == counts.count { counts.append(0) }
        counts[order] += 1
      }
      return counts
    }
    #expect(counts(3, orders: .max, depth: 1) == [2, 1])
    #expect(counts(16, orders: .max, depth: 1) == [4, 4, 4, 4])
    #expect(counts(16, orders: .max, depth: 4) == [8, 8])
    #expect(counts(17, orders: .max, depth: 0.0625).count == 16)
    #expect(counts(16, orders: 2, depth: 0.125) == [8, 8])
  }

  @Test("neighbours of a recipe differ from it, and lead from any recipe to any family")
  func neighbours() {
    var seen = Set(Recipe.first(stepCount: 1000))
    var frontier = Array(seen)
    for _ in 0..<3 {
      var next: [Recipe] = []
      for recipe in frontier {
        let neighbours = recipe.neighbours(peak: 0.9) + recipe.neighbours(peak: 0.3)
        #expect(!neighbours.contains(recipe))
        #expect(neighbours.allSatisfy { $0.learningRate > 0 && $0.stepCount > 0 })
        next += neighbours.filter { seen.insert($0).inserted }
      }
      frontier = next
    }
    #expect(seen.contains { $0.network == .made([]) })
    #expect(seen.contains { $0.network == .made([200, 200]) })
    #expect(seen.contains { if case .nade(500, .sigmoid) = $0.network { true } else { false } })
    #expect(
      seen.allSatisfy { recipe in
        if case .nade = recipe.network { recipe.dropout.hidden == 0 } else { true }
      })
  }

  @Test("a recipe of pictures has neighbours that shift other shares of them, and any other has none")
  func shifts() throws {
    let plain = Recipe.first(stepCount: 1000)[0]
    #expect(plain.neighbours(peak: 0.9).allSatisfy { $0.shiftShare == 0 })
    var shares: Set<Double> = [0]
    var recipe = plain
    for _ in 0..<4 {
      let others = recipe.neighbours(peak: 0.9, canShift: true).filter { $0.shiftShare != recipe.shiftShare }
      #expect(others.map(\.shiftShare).contains(recipe.shiftShare == 0.2 ? 0 : 0.2))
      recipe = try #require(others.first)
      shares.insert(recipe.shiftShare)
    }
    #expect(shares == [0, 0.2, 0.4])
    recipe.shiftShare = 0.4
    #expect(recipe.training(rowCount: 100, seed: 1).shiftShare == 0.4)
    #expect(recipe.description.contains(", shifts 0.4, decay"))
    #expect(!plain.description.contains("shifts"))
  }

  @Test("a table of many rows is learnt from for as many steps as one of few, and looked at as often")
  func manyRows() throws {
    for (stepCount, expected) in [(100, 100), (600, 600), (6000, 6000), (6001, 6008)] {
      let recipe = Recipe.first(stepCount: stepCount)[0]
      for rowCount in [1_000_000, 10_000_000] {
        let training = recipe.training(rowCount: rowCount, seed: 1)
        #expect(training.epochCount * training.batchesPerEpoch(rowCount: rowCount) == expected)
        #expect(training.epochCount <= 8 && training.batchSize == 100)
      }
    }
    // An epoch is a pass where that is short.
    #expect(Recipe.first(stepCount: 6000)[0].training(rowCount: 50_000, seed: 1).stepsPerEpoch == nil)
  }

  @Test("what a network gains that goes on, it gains at the end of its training, which patience does not end")
  func goingOn() {
    let (new, further) = (
      Recipe.first(stepCount: 6000)[0].training(rowCount: 1000, seed: 1),
      Recipe.first(stepCount: 6000)[0].training(rowCount: 1000, seed: 1, goesOn: true)
    )
    #expect(new.patience == new.epochCount / 3 && new.startsAtMarginals)
    #expect(further.patience == nil && !further.startsAtMarginals)
  }

  @Test("of many validation rows a part chooses")
  func manyValidationRows() throws {
    let validation = TrainingCase.chain(rowCount: 25_000, variableCount: 4, seed: 2)
    let data = DataSplits(
      name: "many", train: TrainingCase.chain(rowCount: 3000, variableCount: 4, seed: 1),
      validation: validation)
    let result = try DensitySearch(data, budget: .zero, seed: 3).run()
    #expect(result.validationRowCount == 20_000)
    let all = DensitySearch.nll(result.density, validation)
    #expect(abs(result.validationNLL - all) < 0.05 && result.validationNLL != all)
  }

  @Test("a picture is scanned in eight different orders, of which the first four are those of old")
  func scans() throws {
    let shape = ImageShape(height: 2, width: 3)
    let expected = [
      [0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5], [5, 4, 3, 2, 1, 0], [5, 2, 4, 1, 3, 0],
      [2, 1, 0, 5, 4, 3], [2, 5, 1, 4, 0, 3], [3, 4, 5, 0, 1, 2], [3, 0, 4, 1, 5, 2],
    ]
    #expect((0..<8).map { Ordering.scan($0, of: shape).variables } == expected)
    let recipe = try #require(Recipe.first(stepCount: 100).first { $0.isNatural })
    func order(_ index: Int, _ shape: ImageShape?) throws -> [Int] {
      let model = try recipe.model(
        variableCount: 6, imageShape: shape, order: index, seed: 1, weightSeed: 2)
      return try #require(model as? NADE).ordering.variables
    }
    #expect(try (0..<8).map { try order($0, shape) } == expected)
    #expect(try order(8, shape) == Ordering.random(count: 6, seed: 9).variables)
    #expect(try (0..<2).map { try order($0, nil) } == [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])
    #expect(try order(2, nil) == Ordering.random(count: 6, seed: 3).variables)
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Searches on few rows")
struct SmallTableTests {
  private static func data(_ train: BinaryMatrix, validation: BinaryMatrix? = nil) -> DataSplits {
    DataSplits(name: "table", train: train, validation: validation)
  }

  /// Rows of independent variables that are rarely on.
  private static func rare(rowCount: Int, columnCount: Int, p: Double, seed: UInt64) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    return BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { _, _ in
      Double.random(in: 0..<1, using: &generator) < p
    }
  }

  /// The mean of −log p over all rows there are, by what they are drawn from.
  private static func nll(_ density: any Density, columnCount: Int, p: Double) -> Double {
    let all = BinaryMatrix.allRows(ofWidth: columnCount)
    let terms = density.logProbabilities(of: all)
    return (0..<all.rowCount).reduce(0.0) { sum, row in
      let on = (0..<columnCount).filter { all[row, $0] }.count
      return sum - pow(p, Double(on)) * pow(1 - p, Double(columnCount - on)) * terms[row]
    }
  }

  @Test(
    "rare bits cost no more than by their shares",
    arguments: [(100, 10, 0.005), (30, 8, 0.01), (200, 12, 0.02)],
    [1, 2] as [UInt64])
  func rareBits(_ table: (rowCount: Int, columnCount: Int, p: Double), seed: UInt64) throws {
    let rows = Self.rare(rowCount: table.rowCount, columnCount: table.columnCount, p: table.p, seed: seed)
    let found = try DensitySearch(Self.data(rows), budget: .seconds(3), seed: seed).run().density
    let shares = try IndependentBernoulli.fit(to: rows)
    let regret =
      Self.nll(found, columnCount: table.columnCount, p: table.p)
      - Self.nll(shares, columnCount: table.columnCount, p: table.p)
    #expect(regret < 0.01)
    let all = found.logProbabilities(of: .allRows(ofWidth: table.columnCount))
    #expect(abs(all.reduce(0) { $0 + exp($1) } - 1) < 1e-4)
    // Nothing is impossible, however many bits are on that never were.
    #expect(all.allSatisfy { $0 > -100 })
  }

  @Test(
    "the standard error of the figure is that of as many rows as there are, however often each is held out")
  func standardError() throws {
    let rows = Self.rare(rowCount: 150, columnCount: 6, p: 0.3, seed: 7)
    let found = try DensitySearch(Self.data(rows), budget: .seconds(2), seed: 1).run()
    let error = try #require(found.validationStandardError)
    let terms = found.density.logProbabilities(of: rows)
    let expected = try #require(
      LikelihoodSummary(logProbabilities: terms, variableCount: 6).standardError)
    #expect(found.validationRowCount == 150 && (0.7...1.4).contains(error / expected), "\(error) \(expected)")
  }

  @Test("few validation rows of one's own do no harm either")
  func fewValidationRows() throws {
    let rows = Self.rare(rowCount: 120, columnCount: 10, p: 0.01, seed: 5)
    let validation = Self.rare(rowCount: 12, columnCount: 10, p: 0.01, seed: 6)
    let search = try DensitySearch(Self.data(rows, validation: validation), budget: .seconds(2))
    let shares = try IndependentBernoulli.fit(to: rows)
    #expect(
      Self.nll(search.run().density, columnCount: 10, p: 0.01) - Self.nll(shares, columnCount: 10, p: 0.01)
        < 0.01)
  }

  @Test("what one row says is what its cells say")
  func oneRow() throws {
    let row = BinaryMatrix([[1, 0, 1, 1]])
    let found = try DensitySearch(Self.data(row), budget: .seconds(1)).run().density
    // ¾ for what was seen, by Krichevsky and Trofimov, whose logit is rounded to half precision.
    let logit = Double(Float(binary16Bits: Float(log(3 as Double)).binary16Bits))
    #expect(abs(found.logProbabilities(of: row)[0] + 4 * log1p(exp(-logit))) < 1e-6)
    // That is the smallest model there is, and what a size that has room for no other gets.
    let smallest = try Checkpoint(model: found).byteCount(inHalfPrecision: true)
    let small = try DensitySearch(Self.data(row), budget: .seconds(1), byteLimit: smallest).run().density
    #expect(try Checkpoint(model: small).byteCount() == smallest)
    #expect(throws: DensityError.self) { try DensitySearch(Self.data(row), byteLimit: smallest - 1) }
  }

  /// Rows of which each variable copies an earlier one, with errors.
  private static func tree(
    rowCount: Int, columnCount: Int, errors: Double, seed: UInt64
  ) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    var rows: [[Bool]] = []
    for _ in 0..<rowCount {
      var row: [Bool] = []
      for i in 0..<columnCount {
        let parent = i == 0 ? nil : i * 7919 % 104_729 % i
        let isFlipped = Double.random(in: 0..<1, using: &generator) < (parent == nil ? 0.5 : errors)
        row.append((parent.map { row[$0] } ?? false) != isFlipped)
      }
      rows.append(row)
    }
    return BinaryMatrix(rows)
  }

  /// The columns' order is better than others, which no fold has judged.
  @Test("only orders that were judged are trusted")
  func orders() throws {
    let rows = Self.tree(rowCount: 250, columnCount: 40, errors: 0.05, seed: 1)
    let fresh = Self.tree(rowCount: 2000, columnCount: 40, errors: 0.05, seed: 2)
    let found = try DensitySearch(Self.data(rows), budget: .seconds(6)).run().density
    let counted = DensitySearch.nll(try ChowLiuTree.fit(to: rows), fresh)
    #expect(DensitySearch.nll(found, fresh) < counted + 0.02)
  }

  @Test("of many trees that few rows allow, none is believed in alone", arguments: [1, 2] as [UInt64])
  func manyTrees(seed: UInt64) throws {
    let rows = Self.tree(rowCount: 30, columnCount: 100, errors: 0.15, seed: seed)
    let fresh = Self.tree(rowCount: 2000, columnCount: 100, errors: 0.15, seed: seed + 10)
    let found = try DensitySearch(Self.data(rows), budget: .seconds(6)).run().density
    let counted = DensitySearch.nll(try ChowLiuTree.fit(to: rows), fresh)
    #expect(DensitySearch.nll(found, fresh) < counted - 1)
  }

  @Test("structure is found in few rows")
  func structure() throws {
    let rows = TrainingCase.chain(rowCount: 150, variableCount: 8, seed: 1)
    let fresh = TrainingCase.chain(rowCount: 2000, variableCount: 8, seed: 2)
    let found = try DensitySearch(Self.data(rows), budget: .seconds(3)).run().density
    // The chain has 2.97 nats, eight fair coins 5.55.
    #expect(DensitySearch.nll(found, fresh) < 3.1)
  }

  @Test("what is found in few rows takes little room")
  func compaction() throws {
    let rows = TrainingCase.chain(rowCount: 150, variableCount: 8, seed: 1)
    let result = try DensitySearch(Self.data(rows), budget: .seconds(1)).run()
    #expect(result.density is TabulatedDensity)
    #expect(result.choices.count == 2 && result.choices.map(\.isChosen) == [false, true])
    #expect(result.choices[1].byteCount < 1000 && result.choices[1].byteCount < result.choices[0].byteCount)
    #expect(abs(result.choices[0].validationNLL - result.choices[1].validationNLL) < 0.001)
    #expect(result.choices[1].validationNLL == result.validationNLL)
  }

  @Test("of few rows too a file is no larger than wanted", arguments: [450, 1_500, 4_000, 30_000])
  func size(bytes: Int) throws {
    let rows = TrainingCase.chain(rowCount: 120, variableCount: 20, seed: 1)
    let search = try DensitySearch(Self.data(rows), budget: .seconds(1), byteLimit: bytes)
    let result = search.run()
    #expect(try Checkpoint(model: result.density).byteCount() <= bytes)
    // Twenty fair coins have 13.9 nats, the chain 0.69 + 19 · 0.325 = 6.87.
    let fresh = TrainingCase.chain(rowCount: 1000, variableCount: 20, seed: 2)
    #expect(DensitySearch.nll(result.density, fresh) < (bytes > 4000 ? 8 : 14.2))
  }

  /// However long it searches, and however large what it would like best.
  @Test("what has room is found where the best has none", arguments: [1, 4])
  func room(seconds: Int) throws {
    let rows = Self.tree(rowCount: 400, columnCount: 40, errors: 0.05, seed: 1)
    let fresh = Self.tree(rowCount: 2000, columnCount: 40, errors: 0.05, seed: 2)
    let result = try DensitySearch(Self.data(rows), budget: .seconds(seconds), byteLimit: 3000).run()
    #expect(try Checkpoint(model: result.density).byteCount() <= 3000)
    let tree = try ChowLiuTree.fit(to: rows)
    #expect(try Checkpoint(model: tree).byteCount() <= 3000)
    #expect(DensitySearch.nll(result.density, fresh) < DensitySearch.nll(tree, fresh) + 0.05)
  }

  @Test("of given validation rows the figure is that of what was found, whatever it is mixed of")
  func givenValidation() throws {
    let validation = TrainingCase.chain(rowCount: 100, variableCount: 20, seed: 2)
    let data = DataSplits(
      name: "given", train: TrainingCase.chain(rowCount: 600, variableCount: 20, seed: 1),
      validation: validation)
    let result = try DensitySearch(data, budget: .seconds(2)).run()
    #expect(result.validationRowCount == 100)
    #expect(abs(DensitySearch.nll(result.density, validation) - result.validationNLL) < 1e-9)
  }

  @Test("many columns and few rows end in time", arguments: [(5, 2000), (30, 1556)])
  func wide(rowCount: Int, columnCount: Int) throws {
    let rows = BinaryMatrix.random(rowCount, columnCount, seed: 1)
    let start = ContinuousClock.now
    let found = try DensitySearch(Self.data(rows), budget: .seconds(2)).run().density
    #expect(start.duration(to: .now) < .seconds(60))
    let perCell =
      DensitySearch.nll(found, BinaryMatrix.random(20, columnCount, seed: 2)) / Double(columnCount)
    // Fair coins have 0.693.
    #expect(perCell > 0.69 && perCell < 0.76)
  }

  /// Whatever recipe turns out best, its pool is to be kept: a MADE too, which walks by a view of itself.
  @Test("what is made of each first recipe is kept and restored", arguments: 0..<5)
  func kept(recipe: Int) throws {
    let rows = TrainingCase.chain(rowCount: 60, variableCount: 6, seed: 1)
    let folds = try #require(Folds(Self.data(rows), seed: 1))
    let trial = try #require(
      try FoldTrial(Recipe.firstOfSmallTables(stepCount: 100)[recipe], folds, seed: 1, while: { true }))
    // Six fair coins have 4.16 nats.
    #expect(trial.nll < 4.16)
    try withTemporaryDirectory { path in
      try Checkpoint(model: trial.firstPool).write(to: path + "/pool")
      let restored = try Checkpoint(contentsOf: path + "/pool").model
      #expect(restored.logProbabilities(of: rows) == trial.firstPool.logProbabilities(of: rows))
    }
    #expect(
      try FoldTrial(Recipe.firstOfSmallTables(stepCount: 100)[recipe], folds, seed: 1, while: { false })
        == nil)
  }

  /// So that random orders, of which many are mixed, are not judged by what one of them does.
  @Test("two orders tell what many would gain by being mixed")
  func mixedOrders() throws {
    let rows = TrainingCase.chain(rowCount: 60, variableCount: 6, seed: 1)
    let folds = try #require(Folds(Self.data(rows), seed: 1))
    let recipe = Recipe.firstOfSmallTables(stepCount: 100)[0]
    let two = try #require(try FoldTrial(recipe, folds, orderCount: 2, seed: 1, while: { true }))
    let alone = two.orderNLLs.reduce(0, +) / 2
    #expect(two.orderNLLs.count == 2 && two.orderNLLs[0] != two.orderNLLs[1])
    // By Jensen's inequality a mixture is better than the mean of its parts.
    #expect(two.nll < alone)
    #expect(abs(two.expectedNLL(mixing: 1) - alone) < 1e-12)
    #expect(abs(two.expectedNLL(mixing: 2) - two.nll) < 1e-12)
    // Of M orders the gain is in proportion to 1 − 1/M: 7/8 in place of 1/2.
    #expect(abs(two.expectedNLL(mixing: 8) - (alone - 1.75 * (alone - two.nll))) < 1e-12)
    let one = try #require(try FoldTrial(recipe, folds, seed: 1, while: { true }))
    #expect(one.orderNLLs == [one.nll] && one.expectedNLL(mixing: 8) == one.nll)
  }

  @Test("stopped at any moment, it ends soon with the best so far", arguments: [0, 5, 30, 80])
  func stopped(after events: Int) throws {
    let rows = TrainingCase.chain(rowCount: 400, variableCount: 60, seed: 1)
    var count = 0
    var stop: ContinuousClock.Instant?
    let result = try DensitySearch(Self.data(rows), budget: .seconds(20)).run { _ in
      count += 1
      if count > events && stop == nil { stop = .now }
      return stop == nil
    }
    let stopped = try #require(stop)
    #expect(result.isInterrupted && stopped.duration(to: .now) < .seconds(5))
    // A mean over held-out rows stands for what was found, unless nothing was counted yet.
    #expect(result.validationNLL.isFinite ? result.validationRowCount > 0 : result.leaderboard.isEmpty)
    #expect(result.density.logProbabilities(of: rows).allSatisfy { $0.isFinite })
  }

  /// A size that has room for a table of all probabilities has none for a network: without time for the table, marginals are kept.
  @Test("where there was time for one fold of many, all figures are of its rows", arguments: [nil, 2600])
  func oneFold(byteLimit: Int?) throws {
    let rows = TrainingCase.chain(rowCount: 300, variableCount: 10, seed: 1)
    let data = Self.data(rows)
    let result = try #require(
      givenTime(4) { budget in
        let search = try DensitySearch(data, budget: budget, seed: 1, byteLimit: byteLimit)
        let result = search.run { event in
          if case .progress("judging by all folds", _, _) = event { return false }
          return true
        }
        return result.bestRecipe == nil ? nil : result
      })
    #expect(result.validationRowCount == 60 && result.bestRecipe != nil)
    let part = try #require(Folds(data, seed: 1)?.parts.first)
    let heldOut = try #require(part.validation)
    let shares = try IndependentBernoulli.fit(to: part.train).logProbabilities(of: heldOut)
    let entry = try #require(result.leaderboard.first { $0.name == "independent Bernoullis" })
    #expect(abs(entry.validationNLL + shares.reduce(0, +) / 60) < 1e-6)
    let nlls = result.leaderboard.map(\.validationNLL)
    #expect(nlls == nlls.sorted())
    #expect(result.validationNLL <= entry.validationNLL + 1e-3)
    #expect((result.density is IndependentBernoulli) == (byteLimit != nil))
    if byteLimit != nil {
      #expect(abs(result.validationNLL - entry.validationNLL) < 1e-3)
      let summary = LikelihoodSummary(logProbabilities: shares, variableCount: 10)
      let errors = try (#require(result.validationStandardError), #require(summary.standardError))
      #expect(abs(errors.0 - errors.1) < 1e-6)
    }
  }

  @Test("what a candidate gains a mixture is what is lost without it")
  func gain() {
    let terms = [[-1.0, -2, -4], [-2, -1, -3], [-9, -9, -0.5]]
    let weights = [0.6, 0.399, 0.001]
    func nll(_ weights: [Double]) -> Double {
      -(0..<3).reduce(0) { sum, row in
        sum + log((0..<3).reduce(0) { $0 + weights[$1] * exp(terms[$1][row]) })
      } / 3
    }
    for candidate in 0..<3 {
      let total = 1 - weights[candidate]
      let others = (0..<3).map { $0 == candidate ? 0 : weights[$0] / total }
      let gain = SmallTableSearch.gain(of: candidate, terms: terms, weights: weights)
      #expect(abs(gain - (nll(others) - nll(weights))) < 1e-12)
    }
    // What no other makes possible is worth everything.
    let needed: [[Double]] = [[-1, -.infinity], [-2, -2]]
    #expect(SmallTableSearch.gain(of: 1, terms: needed, weights: [0.9, 0.1]) == .infinity)
  }

  @Test("told to stop at once, it has something")
  func interruption() throws {
    let rows = TrainingCase.chain(rowCount: 300, variableCount: 10, seed: 1)
    let start = ContinuousClock.now
    let result = try DensitySearch(Self.data(rows), budget: .seconds(100)).run { _ in false }
    #expect(result.isInterrupted && start.duration(to: .now) < .seconds(20))
    #expect(result.density.logProbabilities(of: rows).allSatisfy { $0.isFinite })
  }

  @Test("before the rows speak the marginals are believed in the more, the fewer rows there are")
  func beliefs() {
    for count in 1...9 {
      var last = 1.0
      for rowCount in stride(from: 0, through: 400, by: 20) {
        let beliefs = SmallTableSearch.beliefs(rowCount: rowCount, candidateCount: count)
        #expect(beliefs.count == count && abs(beliefs.reduce(0, +) - 1) < 1e-12)
        #expect(beliefs[0] <= last && Set(beliefs.dropFirst()).count <= 1)
        #expect(rowCount > 0 || count == 1 || beliefs[0] == 0.5)
        // All are alike where there are rows enough to tell.
        #expect(rowCount < 200 || beliefs.allSatisfy { $0 == beliefs[0] })
        last = beliefs[0]
      }
    }
    #expect(SmallTableSearch.beliefs(rowCount: 5, candidateCount: 0).isEmpty)
  }
}

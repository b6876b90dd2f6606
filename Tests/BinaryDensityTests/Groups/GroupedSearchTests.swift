import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Searches that keep groups")
struct GroupedSearchTests {
  private static let groups = [[0, 1, 2], [4, 5], [6, 7, 8]]

  /// Rows drawn from a network that keeps the groups.
  private func data(rowCount: Int, validation: Int? = nil) throws -> DataSplits {
    let groups = try ColumnGroups(Self.groups, columnCount: 10)
    let teacher = try GroupedNetwork(ModelCase.nade(10, 6).model(seed: 3, spread: 2), groups: groups)
    var generator = Philox(seed: 5)
    return try DataSplits(
      name: "drawn", train: teacher.sample(count: rowCount, using: &generator),
      validation: validation.map { teacher.sample(count: $0, using: &generator) }
    ).keeping(groups)
  }

  /// How probable rows are that break a group.
  private func brokenMass(_ density: any Density, _ groups: ColumnGroups) -> Double {
    let rows = BinaryMatrix.allRows(ofWidth: 10)
    let terms = density.logProbabilities(of: rows)
    #expect(abs(terms.reduce(0) { $0 + exp($1) } - 1) < 1e-4)
    return terms.enumerated().reduce(0) { $0 + (groups.hold(of: rows, row: $1.offset) ? 0 : exp($1.element)) }
  }

  @Test(
    "whatever is found gives rows that break a group no probability",
    arguments: [(40, nil), (150, 30), (400, nil), (2500, nil)] as [(Int, Int?)])
  func search(rowCount: Int, validation: Int?) throws {
    let data = try data(rowCount: rowCount, validation: validation)
    let groups = try #require(data.groups)
    let result = try DensitySearch(data, budget: .seconds(rowCount > 2000 ? 6 : 4), seed: 1).run()
    #expect(brokenMass(result.density, groups) == 0)
    #expect(result.density.keptGroups == groups)
    for choice in result.choices { #expect(brokenMass(choice.density, groups) == 0, "\(choice.name)") }
    let names = result.leaderboard.filter { $0.kind == .baseline }.map(\.name)
    #expect(names == ["independent groups"])
    let baseline = try #require(result.leaderboard.first { $0.kind == .baseline }).validationNLL
    #expect(result.validationNLL <= baseline + 1e-6)
    #expect(result.trialCount > 0)
  }

  @Test(
    "a search that is stopped at once has what keeps the groups, and so has one of no time, and a small file")
  func stopped() throws {
    for rowCount in [60, 2500] {
      let data = try data(rowCount: rowCount)
      let groups = try #require(data.groups)
      let stopped = try DensitySearch(data, budget: .seconds(10), seed: 1).run { _ in false }
      #expect(stopped.isInterrupted && brokenMass(stopped.density, groups) == 0)
      let small = try DensitySearch(data, budget: .seconds(2), seed: 1, byteLimit: 1500).run()
      #expect(brokenMass(small.density, groups) == 0)
      #expect(throws: DensityError.self) { _ = try DensitySearch(data, budget: .seconds(2), byteLimit: 100) }
    }
  }

  @Test("a search goes on with the groups that it began with, and no others")
  func goingOn() throws {
    try withTemporaryDirectory { folder in
      let data = try data(rowCount: 2500)
      let path = folder + "/fit"
      _ = try DensitySearch(data, budget: .seconds(3), seed: 1).run(savingTo: path)
      let saved = try SavedSearch(of: path)
      let plain = DataSplits(name: data.name, train: data.train)
      let error = #expect(throws: DensityError.self) { _ = try DensitySearch(continuing: saved, plain) }
      #expect(error?.description.contains("1-3, 5-6, 7-9") == true, "\(error?.description ?? "")")
      let other = try plain.keeping(ColumnGroups([[0, 1, 2]], columnCount: 10))
      #expect(throws: DensityError.self) { _ = try DensitySearch(continuing: saved, other) }
      let more = try DensitySearch(continuing: saved, data, budget: .seconds(1)).run(savingTo: path)
      #expect(brokenMass(more.density, try #require(data.groups)) == 0)
    }
  }

  @Test("a network distilled from a model keeps the model's groups, and rows that break them are refused")
  func distillation() throws {
    let data = try data(rowCount: 1000)
    let groups = try #require(data.groups)
    let teacher = try GroupedNetwork(ModelCase.nade(10, 20).model(seed: 3), groups: groups)
    let plain = DataSplits(name: "drawn", train: data.train)
    let result = try Distillation(of: Mixture([teacher, teacher]), plain, budget: .seconds(3)).run()
    #expect(brokenMass(try #require(result.density), groups) == 0)
    var rows = data.train
    rows[5, 4] = !rows[5, 4]
    #expect(throws: DensityError.self) {
      _ = try Distillation(of: teacher, DataSplits(name: "broken", train: rows), budget: .seconds(1))
    }
  }
}

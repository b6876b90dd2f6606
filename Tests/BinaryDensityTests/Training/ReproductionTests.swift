import BinaryDensity
import Testing
import _TestSupport

@Suite("Reproductions")
struct ReproductionTests {
  @Test func namesAreUnlikeAndSettingsMakeSense() throws {
    let all = Reproduction.all
    #expect(Set(all.map(\.name)).count == all.count)
    for item in all {
      #expect(item.training.problem == nil && item.publishedTraining?.problem == nil)
      guard !item.name.contains("8000") else { continue }
      let model = try item.model(20, 3)
      #expect(model.kind == item.kind && model.variableCount == 20)
    }
    // Results that differ in how they are measured share a training.
    let shared = all.filter { $0.folder == "eonade-2" }
    #expect(shared.count == 3 && Set(shared.map(\.training)).count == 1)
  }

  @Test func goesOnUntilItIsDoneAndThenOnlyMeasures() throws {
    try withTemporaryDirectory { path in
      let item = try #require(Reproduction.all.first { $0.name == "eonade-1-128" })
      var training = item.training
      training.epochCount = 2
      training.seed = 5
      let directory = RunDirectory(path: path + "/run")
      let data = TrainingRunTests.data
      let stopped = try item.run(
        in: directory, data: data, training, observing: TrainingRunTests.stops(after: 1))
      #expect(stopped.summary.isInterrupted && stopped.summary.measurements.isEmpty)
      let result = try item.run(in: directory, data: data, training)
      #expect(result.summary.networks.map(\.stepCount) == [2])
      let eonade = try #require(result.density as? EoNADE)
      #expect(eonade.orders.count == 128)
      let rows = try #require(data.test)
      #expect(result.summary.measurements.map(\.name) == ["test"])
      #expect(
        result.summary.measurements.first?.summary
          == LikelihoodSummary(logProbabilities: eonade.logProbabilities(of: rows), variableCount: 11))
      let again = try item.run(in: directory, data: data, training) { event in
        if case .training = event { Issue.record("a finished training goes on") }
        return true
      }
      #expect(again.summary.measurements.map(\.summary) == result.summary.measurements.map(\.summary))
      training.seed = 6
      #expect(throws: DensityError.self) { try item.run(in: directory, data: data, training) }
    }
  }
}

import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Training on labelled rows")
struct LabelledTrainingTests {
  /// Rows of two classes: in one each bit repeats the bit before it, in the other it is its opposite.
  static let labelled: LabelledSplits? = {
    func rows(_ count: Int, _ seed: UInt64) -> BinaryMatrix {
      let noise = BinaryMatrix.random(count, 6, probability: 0.1, seed: seed)
      let starts = BinaryMatrix.random(count, 1, probability: 0.5, seed: seed + 9)
      return BinaryMatrix(rowCount: count, columnCount: 6) { row, column in
        (0...column).reduce(starts[row, 0]) { bit, place in
          place == 0 ? bit : bit != (noise[row, place] != (row % 2 == 1))
        }
      }
    }
    let labels = try? RowLabels((0..<240).map { $0 % 2 == 0 ? "same" : "other" })
    let fewer = try? RowLabels((0..<100).map { $0 % 2 == 0 ? "same" : "other" })
    let data = DataSplits(name: "two", train: rows(240, 1), validation: rows(100, 2), test: rows(100, 3))
    guard let labels, let fewer else { return nil }
    return try? LabelledSplits(data, [.train: labels, .validation: fewer, .test: fewer])
  }()

  static func configuration(_ rowCount: Int) -> TrainingConfiguration {
    TrainingConfiguration(epochCount: 6, batchSize: 8, learningRate: 0.02, seed: 4)
  }

  static func model(_ orderSeed: UInt64, _ weightSeed: UInt64) throws(DensityError) -> any TrainableDensity {
    try NADE(
      NADE.Configuration(variableCount: 6, hiddenCount: 8, ordering: .random, seed: orderSeed),
      seed: weightSeed)
  }

  @Test(
    "one network that sees the class, or a density a class: both tell the classes apart",
    arguments: [false, true])
  func classifies(isPerClass: Bool) throws {
    let labelled = try #require(Self.labelled)
    try withTemporaryDirectory { path in
      let run = TrainingRun(in: RunDirectory(path: path + "/run"), data: labelled.data)
      var names: [String?] = []
      let result = try run.train(
        on: labelled, memberCount: 2, orderCount: 2, isPerClass: isPerClass,
        observing: { event in
          if case .began(let member, _, _) = event { names.append(member.className) }
          return true
        }, configuration: Self.configuration, Self.model)
      #expect(names == (isPerClass ? ["other", "other", "same", "same"] : [nil, nil]))
      let density = try #require(result.density as? LabelledDensity)
      #expect(density.variableCount == 6 && density.classes == ["other", "same"])
      #expect(density.classWeights == [0.5, 0.5])
      let measured = try #require(try density.measureClassification(heldOutOf: labelled))
      #expect(measured.map(\.split) == [.validation, .test])
      // Of five steps each is wrong with a chance of a tenth: the best error is 0.9 %, and guessing 50 %.
      #expect(measured.allSatisfy { $0.summary.error < 0.06 && $0.summary.logLoss < 0.3 })
      let loaded = try Checkpoint(contentsOf: run.directory.best).model
      let test = try #require(labelled.data.test)
      #expect(loaded.logProbabilities(of: test) == density.logProbabilities(of: test))
      #expect(result.summary.measurements.map(\.name) == ["validation", "test"])
      #expect(result.summary.files.contains(run.directory.samples))
    }
  }

  @Test("a stopped run goes on to the same bits", arguments: [false, true])
  func resumes(isPerClass: Bool) throws {
    let labelled = try #require(Self.labelled)
    try withTemporaryDirectory { path in
      func train(_ name: String, isResumed: Bool, _ observe: (RunEvent) -> Bool) throws -> RunResult {
        try TrainingRun(in: RunDirectory(path: path + "/" + name), data: labelled.data).train(
          on: labelled, memberCount: 2, isPerClass: isPerClass, isResumed: isResumed,
          observing: { (event) throws(DensityError) in observe(event) },
          configuration: Self.configuration, Self.model)
      }
      _ = try train("whole", isResumed: false) { _ in true }
      let stopped = try train("parts", isResumed: false, TrainingRunTests.stops(in: 2, after: 7))
      #expect(stopped.summary.isInterrupted)
      let resumed = try train("parts", isResumed: true) { _ in true }
      #expect(!resumed.summary.isInterrupted)
      #expect(
        try AtomicFile.read(path + "/whole/best.safetensors")
          == AtomicFile.read(path + "/parts/best.safetensors"))
    }
  }

  /// Networks of two orders of all rows, or of the rows of each class: where classes are to begin.
  private static func start(_ labelled: LabelledSplits, isLabelled: Bool, in path: String) throws
    -> any Density
  {
    let run = TrainingRun(in: RunDirectory(path: path + "/start"), data: labelled.data)
    return isLabelled
      ? try run.train(
        on: labelled, memberCount: 2, orderCount: 2, isPerClass: true, configuration: configuration, model
      ).density
      : try run.trainMembers(2, orderCount: 2, configuration(240), model).density
  }

  @Test(
    "each class begins at the networks of another density, and keeps their orders", arguments: [false, true])
  func fromAnother(isLabelled: Bool) throws {
    let labelled = try #require(Self.labelled)
    try withTemporaryDirectory { path in
      let start = try Self.start(labelled, isLabelled: isLabelled, in: path)
      func train(
        _ name: String, isResumed: Bool = false, epochs: Int, rate: Double, _ observe: (RunEvent) -> Bool
      ) throws -> RunResult {
        try TrainingRun(in: RunDirectory(path: path + "/" + name), data: labelled.data).train(
          on: labelled, from: start, isResumed: isResumed,
          observing: { (event) throws(DensityError) in observe(event) }
        ) { _ in TrainingConfiguration(epochCount: epochs, batchSize: 8, learningRate: rate, seed: 4) }
      }
      // Steps of next to nothing leave each class where it begins.
      let still = try train("still", epochs: 1, rate: 1e-12) { _ in true }
      let density = try #require(still.density as? LabelledDensity)
      let rows = try #require(labelled.data.test)
      for (index, part) in density.densities.enumerated() {
        let beginning = (start as? LabelledDensity)?.densities[index] ?? start
        for (a, b) in zip(part.logProbabilities(of: rows), beginning.logProbabilities(of: rows)) {
          #expect(abs(a - b) < 1e-5)
        }
        #expect(part.components?.count == 2)
      }
      let whole = try train("whole", epochs: 6, rate: 0.02) { _ in true }
      let measured = try #require(
        try (whole.density as? LabelledDensity)?.measureClassification(heldOutOf: labelled))
      #expect(measured.allSatisfy { $0.summary.error < 0.06 })
      _ = try train("parts", epochs: 6, rate: 0.02, TrainingRunTests.stops(in: 2, after: 7))
      _ = try train("parts", isResumed: true, epochs: 6, rate: 0.02) { _ in true }
      #expect(
        try AtomicFile.read(path + "/whole/best.safetensors")
          == AtomicFile.read(path + "/parts/best.safetensors"))
    }
  }

  @Test("classes do not begin at what has other variables, other classes, or no networks")
  func refusedStarts() throws {
    let labelled = try #require(Self.labelled)
    try withTemporaryDirectory { path in
      func problem(_ start: any Density) -> String? {
        do throws(DensityError) {
          _ = try TrainingRun(in: RunDirectory(path: path + "/run"), data: labelled.data).train(
            on: labelled, from: start, configuration: Self.configuration)
          return nil
        } catch { return error.description }
      }
      let tree = try ChowLiuTree.fit(to: labelled.data.train)
      #expect(problem(tree)?.contains("a chow-liu is no network") ?? false)
      #expect(problem(Mixture([try Self.model(1, 1), tree]))?.contains("is no network") ?? false)
      let other = try NADE(.init(variableCount: 5, hiddenCount: 3), seed: 1)
      #expect(problem(other)?.contains("5 variables; the rows have 6") ?? false)
      let named = LabelledDensity(
        classes: ["a", "b"], densities: [try Self.model(1, 1), try Self.model(1, 2)])
      #expect(problem(named)?.contains("the classes a, b; the rows have other, same") ?? false)
      #expect(!FileManager.default.fileExists(atPath: path + "/run"))
    }
  }

  @Test("baselines are fitted to each class", arguments: [ModelKind.bernoulli, .chowLiu, .bernoulliMixture])
  func baselines(_ kind: ModelKind) throws {
    let labelled = try #require(Self.labelled)
    try withTemporaryDirectory { path in
      let result = try TrainingRun(in: RunDirectory(path: path + "/run"), data: labelled.data).fit(
        kind, to: labelled, componentCount: 4)
      let density = try #require(result.density as? LabelledDensity)
      #expect(density.densities.allSatisfy { $0.kind == kind })
      let measured = try #require(try density.measureClassification(heldOutOf: labelled))
      // Alone no bit tells anything.
      if kind == .chowLiu { #expect(measured[1].summary.error < 0.05) }
      if kind == .bernoulli { #expect(measured[1].summary.error > 0.3) }
    }
  }

  @Test("where no validation row is wrong the temperature does not go below 1")
  func sureOfNothing() throws {
    // The classes are told by the first bit, which is right 19 times of 20, and always in the validation rows.
    let train = BinaryMatrix(rowCount: 200, columnCount: 3) { row, column in
      column == 0 ? (row % 2 == 0) != (row % 20 == 0) : (row / 2 + column) % 3 == 0
    }
    let validation = BinaryMatrix(rowCount: 30, columnCount: 3) { row, column in
      column == 0 ? row % 2 == 0 : (row / 2 + column) % 3 == 0
    }
    func labels(_ count: Int) throws -> RowLabels { try RowLabels((0..<count).map { "\($0 % 2)" }) }
    let labelled = try LabelledSplits(
      DataSplits(name: "sure", train: train, validation: validation, test: nil),
      [.train: labels(200), .validation: labels(30)])
    try withTemporaryDirectory { path in
      let result = try TrainingRun(in: RunDirectory(path: path + "/run"), data: labelled.data).fit(
        .bernoulli, to: labelled)
      let density = try #require(result.density as? LabelledDensity)
      let truth = try #require(labelled[.validation])
      let scores = try density.classScores(of: validation)
      #expect(scores.mostProbable() == truth && scores.fittedTemperature(labels: truth) < 0.1)
      #expect(density.temperature == 1)
    }
  }
}

import BinaryDensity
import Kernels
import Testing

@Suite("Observers and calls in the background")
struct ObservationTests {
  private struct Enough: Error, Equatable { let step: Int }

  private static let data = DataSplits(
    name: "chain", train: TrainingCase.chain(rowCount: 120, variableCount: 5, seed: 1),
    validation: TrainingCase.chain(rowCount: 40, variableCount: 5, seed: 2))

  private static func trainer(epochCount: Int = 3) throws -> Trainer<NADE> {
    try Trainer(
      NADE(NADE.Configuration(variableCount: 5, hiddenCount: 6), seed: 3), data: data,
      configuration: TrainingConfiguration(epochCount: epochCount, batchSize: 20, learningRate: 0.01, seed: 4)
    )
  }

  @Test("an observer throws what it likes, and the training goes on from there to the same bits")
  func anyError() throws {
    let (whole, parted) = (try Self.trainer(), try Self.trainer())
    _ = try whole.run()
    #expect(throws: Enough(step: 7)) {
      _ = try parted.run { event in
        if case .step(let progress) = event, progress.step == 7 { throw Enough(step: 7) }
        return true
      }
    }
    #expect(parted.progress.step == 7)
    #expect(try parted.run() == .finished)
    #expect(whole.best.parameters == parted.best.parameters)
    // Without an error of one's own it is the call that it was.
    #expect(try Self.trainer().run { (_) throws(DensityError) in true } == .finished)
    #expect(try Self.trainer().run { _ in false } == .stopped)
  }

  @Test("any observed call can be left by any error, and what it throws itself is thrown")
  func observers() throws {
    let evaluator = try Self.trainer().best.evaluator()
    let rows = TrainingCase.chain(rowCount: 2000, variableCount: 5, seed: 5)
    let told = try withObserver { (_: Double) in
      true
    } in: {
      try evaluator.logProbabilities(of: rows, observing: $0)
    }
    #expect(told == evaluator.logProbabilities(of: rows))
    #expect(throws: Enough(step: 1)) {
      try withObserver { (_: Double) throws in
        throw Enough(step: 1)
      } in: {
        try evaluator.logProbabilities(of: rows, observing: $0)
      }
    }
    #expect(throws: DensityError.interrupted) {
      try withObserver { (_: Int) in
        true
      } in: { (_) throws -> Int in
        throw DensityError.interrupted
      }
    }
    // The first error wins, also over one that the stopped call makes of it.
    #expect(throws: Enough(step: 2)) {
      try withObserver { (_: Int) throws in
        throw Enough(step: 2)
      } in: { observe -> Int in
        if !observe(1) && !observe(2) { throw DensityError.interrupted }
        return 1
      }
    }
    let search = try DensitySearch(Self.data, budget: .seconds(600), seed: 1)
    #expect(throws: Enough(step: 3)) { _ = try search.run { _ in throw Enough(step: 3) } }
  }

  @Test("a call in the background tells its events in order, and gives its result to all who wait")
  func background() async throws {
    let training = Background { (observe) throws in
      let trainer = try Self.trainer()
      _ = try trainer.run(observe)
      return trainer.best
    }
    var epochs: [Int] = []
    for await event in training.events { if case .epoch(let record) = event { epochs.append(record.epoch) } }
    #expect(epochs == [1, 2, 3])
    let here = try Self.trainer()
    _ = try here.run()
    async let first = training.result
    async let second = training.result
    #expect(try await first.parameters == here.best.parameters)
    #expect(try await second.parameters == here.best.parameters)
    let failing = Background { (_: (Int) -> Bool) throws -> Int in throw Enough(step: 4) }
    await #expect(throws: Enough(step: 4)) { _ = try await failing.result }
    for await _ in failing.events { Issue.record("nothing happened") }
  }

  @Test("a call that nobody refers to any more stops")
  func abandoned() async {
    let (ends, end) = AsyncStream.makeStream(of: Never.self)
    do {
      _ = Background { (observe: (Int) -> Bool) throws in
        while observe(0) {}
        end.finish()
      }
    }
    for await _ in ends {}
  }

  @Test("of events that nobody takes the last 1024 wait")
  func waitingEvents() async throws {
    let call = Background { (observe: (Int) -> Bool) throws in (0..<5000).allSatisfy(observe) }
    #expect(try await call.result)
    var events: [Int] = []
    for await event in call.events { events.append(event) }
    #expect(events == Array(3976..<5000))
  }

  @Test("each long call takes an observer of any error itself")
  func ownErrors() throws {
    // So many variables that no table of all rows answers at once.
    let model = try NADE(NADE.Configuration(variableCount: 24, hiddenCount: 6), seed: 3)
    let (inference, search) = (try model.inference(), ModeSearch(model))
    let rows = TrainingCase.chain(rowCount: 200, variableCount: 24, seed: 5)
    let gaps = PartialRows(rows, knownColumns: 12..<24)
    var generator = Philox(seed: 1)
    var count = 0
    func leaves(_ call: (_ observe: (Double) throws(Enough) -> Bool) throws -> Void) {
      count += 1
      #expect(throws: Enough(step: 3), "call \(count)") {
        try call { (_) throws(Enough) in throw Enough(step: 3) }
      }
    }
    func leavesFit(_ call: (_ observe: (FittingIteration) throws(Enough) -> Bool) throws -> Void) {
      #expect(throws: Enough(step: 3)) { try call { (_) throws(Enough) in throw Enough(step: 3) } }
    }
    leaves { _ = try model.evaluator().logProbabilities(of: rows, observing: $0) }
    leaves { _ = try inference.logMarginals(of: gaps, observing: $0) }
    leaves {
      let target = PartialRows(rows, knownColumns: 0..<1)
      _ = try inference.logConditionals(of: target, given: gaps, observing: $0)
    }
    leaves { _ = try inference.logConditionalsGivenAllOthers(of: rows, observing: $0) }
    leaves { _ = try inference.logConditionalsGivenAllOthers(of: gaps, observing: $0) }
    leaves { _ = try inference.sample(given: gaps, using: &generator, observing: $0) }
    leaves { _ = try inference.mutualInformation(observing: $0) }
    leaves { _ = try model.entropy(observing: $0) }
    leaves { _ = try model.divergence(to: model, observing: $0) }
    leaves { _ = try model.twoSampleTest(against: rows, observing: $0) }
    leaves { _ = try model.measureLikelihood(of: rows, named: "rows", observing: $0) }
    leaves { _ = try search.completions(of: gaps, observing: $0) }
    leaves { _ = try TabulatedDensity(tabulating: Self.trainer().best, observing: $0) }
    leaves { _ = try ContributionEvaluator(model).contributions(of: rows, observing: $0) }
    leavesFit { _ = try BernoulliMixture.fit(to: rows, componentCount: 2, observing: $0) }
    leavesFit { _ = try BernoulliMixture.fit(to: gaps, componentCount: 2, observing: $0) }
    leavesFit { _ = try ChowLiuTree.fit(to: gaps, observing: $0) }
    #expect(throws: Enough(step: 3)) {
      try Self.trainer().best.measureLikelihood(heldOutOf: Self.data) { _, _ in throw Enough(step: 3) }
    }
    var blockCount = 0
    #expect(throws: Enough(step: 2)) {
      try rows.forEachBlock(of: 50) { _ in
        blockCount += 1
        if blockCount == 2 { throw Enough(step: 2) }
        return true
      }
    }
    #expect(blockCount == 2)
    // What goes on to its end answers as ever.
    let told = try #require(
      try inference.logMarginals(of: gaps) { _ in
        try Task.checkCancellation()
        return true
      })
    #expect(try told.map(\.value) == inference.logMarginals(of: gaps)?.map(\.value))
  }

  @Test("it stops when it is asked to, and when the task that waits is cancelled", arguments: [0, 1, 2])
  func stopping(_ way: Int) async throws {
    let training = Background { (observe) throws in
      // So long that it never ends by itself, however late the tasks of a busy machine come to their turn.
      let trainer = try Self.trainer(epochCount: 1_000_000_000)
      return try trainer.run(observe)
    }
    switch way {
    case 0:
      training.stop()
      #expect(try await training.result == .stopped)
    case 1:
      let task = Task { try await training.result }
      task.cancel()
      #expect(try await task.value == .stopped)
    default:
      // Whoever leaves the events by cancellation stops it too.
      let task = Task { for await _ in training.events {} }
      task.cancel()
      await task.value
      #expect(try await training.result == .stopped)
    }
  }
}

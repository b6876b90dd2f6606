import BinaryDensity
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

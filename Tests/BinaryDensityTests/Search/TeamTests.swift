import BinaryDensity
import Foundation
import Kernels
import Synchronization
import Testing
import _TestSupport

@Suite("Searches that several processes train for")
struct TeamTests {
  private static let data = DataSplits(
    name: "chain", train: TrainingCase.chain(rowCount: 2500, variableCount: 5, seed: 1),
    validation: TrainingCase.chain(rowCount: 400, variableCount: 5, seed: 2))

  /// Runs a search of steps by so many processes, which are threads here, each of so many slots.
  private func found(_ count: Int, steps: Int = 3000, threads: Int = 1) throws -> DensitySearch.Result {
    try Threads.run(on: threads) {
      let search = try DensitySearch(Self.data, steps: steps, seed: 3)
      guard count > 1 else { return search.run() }
      let communicators = LocalCommunicator.group(of: count)
      Team.call(communicators[0], seed: 3)
      for communicator in communicators.dropFirst() { follow(communicator) }
      try search.lead(communicators[0])
      defer { search.dismiss() }
      return search.run()
    }
  }

  private func follow(_ communicator: LocalCommunicator, data: DataSplits = Self.data) {
    let thread = Thread {
      Threads.run(on: 1) {
        do throws(DensityError) {
          guard let seed = try Team.awaitCall(communicator) else { return }
          try DensitySearch(data, seed: seed).follow(communicator)
        } catch {
          Team.report("\(error)", communicator)
        }
      }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  @Test("what a search of steps finds depends on no number of processes or threads")
  func sameResult() throws {
    let alone = try found(1)
    #expect(alone.trialCount > 3 && alone.validationNLL.isFinite)
    let expected = try DensityArchiveBits(alone.density)
    for (count, threads) in [(1, 2), (2, 1), (4, 1)] {
      let result = try found(count, threads: threads)
      #expect(try DensityArchiveBits(result.density) == expected && result.trialCount == alone.trialCount)
      #expect(result.validationNLL == alone.validationNLL)
    }
    #expect(try DensityArchiveBits(found(1, steps: 2000).density) != expected)
  }

  @Test("a process that dies loses its work, not the search")
  func death() throws {
    let communicators = LocalCommunicator.group(of: 3)
    let search = try DensitySearch(Self.data, steps: 3000, seed: 3)
    Team.call(communicators[0], seed: 3)
    follow(communicators[1])
    // Ready, and silent ever after.
    let isReady = DispatchSemaphore(value: 0)
    let dead = Thread {
      Threads.run(on: 1) {
        _ = try? Team.awaitCall(communicators[2])
        var calls = 0
        try? DensitySearch(Self.data, seed: 3).follow(communicators[2]) {
          calls += 1
          return calls < 2
        }
        isReady.signal()
      }
    }
    dead.start()
    let result = try Threads.run(on: 1) {
      try search.lead(communicators[0])
      defer { search.dismiss() }
      return search.run()
    }
    isReady.wait()
    #expect(try DensityArchiveBits(result.density) == DensityArchiveBits(found(1).density))
  }

  @Test("a process with another table, or an error, is named")
  func refusals() throws {
    let other = DataSplits(
      name: "other", train: TrainingCase.chain(rowCount: 2500, variableCount: 5, seed: 9),
      validation: Self.data.validation)
    var communicators = LocalCommunicator.group(of: 3)
    let search = try DensitySearch(Self.data, steps: 100, seed: 3)
    Team.call(communicators[0], seed: 3)
    follow(communicators[1])
    follow(communicators[2], data: other)
    let error = #expect(throws: DensityError.self) { try search.lead(communicators[0]) }
    #expect(error?.description.contains("process 2 has another") == true, "\(String(describing: error))")
    Team.dismiss(communicators[0], 1..<3)

    communicators = LocalCommunicator.group(of: 2)
    Team.call(communicators[0], seed: 3)
    let (follower, isDone) = (communicators[1], DispatchSemaphore(value: 0))
    Thread.detachNewThread {
      _ = try? Team.awaitCall(follower)
      Team.report("t.csv: no such file", follower)
      isDone.signal()
    }
    let missing = #expect(throws: DensityError.self) { try search.lead(communicators[0]) }
    #expect(missing?.description.contains("process 1: t.csv: no such file") == true)
    Team.dismiss(communicators[0], 1..<2)
    isDone.wait()
    #expect(throws: DensityError.interrupted) { try search.lead(communicators[0]) { _ in false } }
  }

  @Test("a search takes steps")
  func noSteps() {
    #expect(throws: DensityError.self) { try DensitySearch(Self.data, steps: 0) }
    // Of few rows a search ends by itself.
    let few = DataSplits(name: "few", train: TrainingCase.chain(rowCount: 50, variableCount: 5, seed: 1))
    #expect(throws: DensityError.self) { try DensitySearch(few, steps: 1000) }
  }
}

/// The bytes of a density's file.
private struct DensityArchiveBits: Equatable {
  let bytes: [UInt8]

  init(_ density: any Density) throws {
    bytes = try withTemporaryDirectory { folder in
      try Checkpoint(model: density).write(to: folder + "/m")
      return try AtomicFile.read(folder + "/m")
    }
  }
}

import Foundation
import Synchronization

/// The processes that train for a search, as its leader sees them: each has slots that train a network at a time.
///
/// One thread speaks for the leader. A follower that is silent for half a minute is taken for dead: what it was at is given
/// to others, and the search goes on.
package final class Team: Sendable {
  private let communicator: any Communicator
  /// How many networks each follower trains at a time, once it is ready.
  private let slotCounts: [Int: Int]
  private let state = Mutex(State())

  /// How long a process waits for another before it gives up, in seconds; how often each says that it is alive; and how long
  /// a follower may be silent.
  static let (patience, heartbeat, silence) = (120.0, 5.0, 30.0)

  private let hasEnded = DispatchSemaphore(value: 0)

  private struct State {
    var outbox: [(rank: Int, bytes: [UInt8])] = []
    var outcomes: [Slot: (DensitySearch.Outcome, network: [UInt8])] = [:]
    var heard: [Int: ContinuousClock.Instant] = [:]
    var isOver = false
  }

  /// One of a follower's slots.
  struct Slot: Hashable, Sendable {
    let rank: Int
    let number: Int
  }

  /// The error that a process says nothing.
  static func silence(of rank: Int) -> DensityError {
    .invalidConfiguration("process \(rank) has not answered for \(Int(patience)) seconds")
  }

  /// All slots there are.
  var slots: [Slot] {
    slotCounts.sorted { $0.key < $1.key }.flatMap { rank, count in
      (0..<count).map { Slot(rank: rank, number: $0) }
    }
  }

  /// Gathers the followers of a search; each reads its table meanwhile.
  ///
  /// - Parameters:
  ///   - communicator: that of process 0.
  ///   - observe: is told some ten times a second how many are ready, and returns whether to go on.
  /// - Throws: `DensityError.mismatch` if one has another table or another version; `.invalidConfiguration` for what kept one
  ///   from taking part, or if it does not answer; `.interrupted`.
  init(
    _ communicator: any Communicator, for data: DataSplits, _ observe: (_ readyCount: Int) -> Bool
  ) throws(DensityError) {
    self.communicator = communicator
    let clock = ContinuousClock()
    let began = clock.now
    var counts: [Int: Int] = [:]
    while counts.count < communicator.count - 1 {
      guard observe(counts.count) else { throw .interrupted }
      guard began.duration(to: clock.now) < .seconds(5 * Self.patience) else {
        let missing = (1..<communicator.count).first { counts[$0] == nil } ?? 0
        throw Self.silence(of: missing)
      }
      guard let (rank, bytes) = communicator.receive(within: 0.1) else { continue }
      switch TeamMessage.decoded(bytes)?.message {
      case .ready(let found, let groups, let slots):
        guard found.describesTheSameData(as: data.fingerprint), groups == data.groups?.groups else {
          throw .mismatch(
            path: found.name, expected: "the table of process 0, \(data.fingerprint)",
            found: "process \(rank) has another, \(found)")
        }
        counts[rank] = max(0, min(slots, 4096))
      case .failed(let reason): throw .invalidConfiguration("process \(rank): \(reason)")
      case .alive: break
      default:
        throw .mismatch(
          path: "process \(rank)", expected: "a message of version \(TeamMessage.version)", found: "another")
      }
    }
    slotCounts = counts
    state.withLock { state in
      for rank in counts.keys { state.heard[rank] = clock.now }
    }
  }

  /// Speaks and listens until the search is over; on a thread of its own.
  func serve() {
    let clock = ContinuousClock()
    var spoken = clock.now
    while true {
      let (outbox, isOver) = state.withLock { state in
        defer { state.outbox = [] }
        return (state.outbox, state.isOver)
      }
      for (rank, bytes) in outbox where isAlive(rank) {
        if !communicator.send(bytes, to: rank, within: Self.silence) { forget(rank) }
      }
      if isOver {
        Self.dismiss(communicator, slotCounts.keys.filter(isAlive))
        hasEnded.signal()
        return
      }
      if let (rank, bytes) = communicator.receive(within: 0.005) { take(bytes, from: rank) }
      if spoken.duration(to: clock.now) > .seconds(Self.heartbeat) {
        spoken = clock.now
        state.withLock { state in
          state.outbox += slotCounts.keys.map { ($0, TeamMessage.alive.encoded()) }
        }
      }
    }
  }

  private func take(_ bytes: [UInt8], from rank: Int) {
    let decoded = TeamMessage.decoded(bytes)
    state.withLock { state in
      if state.heard[rank] != nil { state.heard[rank] = ContinuousClock().now }
      if case .outcome(let slot, let outcome)? = decoded?.message {
        state.outcomes[Slot(rank: rank, number: slot)] = (outcome, decoded?.payload ?? [])
      }
    }
  }

  private func forget(_ rank: Int) { state.withLock { $0.heard[rank] = nil } }

  private func isAlive(_ rank: Int) -> Bool {
    state.withLock { state in
      state.heard[rank].map { $0.duration(to: ContinuousClock().now) < .seconds(Self.silence) } ?? false
    }
  }

  /// Lets a slot train, and waits for what becomes of it.
  ///
  /// - Parameter isStopped: whether nobody waits for it any more.
  /// - Returns: what became of it; nil if the process died or nobody waits.
  func train(
    _ assignment: DensitySearch.Assignment, in slot: Slot, isStopped: () -> Bool
  ) -> DensitySearch.Trained? {
    let message = TeamMessage.work(slot: slot.number, assignment).encoded()
    state.withLock { $0.outbox.append((slot.rank, message)) }
    while true {
      if let (outcome, network) = state.withLock({ $0.outcomes.removeValue(forKey: slot) }) {
        guard !network.isEmpty else { return DensitySearch.Trained(density: nil, outcome: outcome) }
        let density = try? Checkpoint(bytes: network, path: "process \(slot.rank)").model
        return density.map { DensitySearch.Trained(density: $0, outcome: outcome) }
      }
      if isStopped() || !isAlive(slot.rank) { return nil }
      Thread.sleep(forTimeInterval: 0.005)
    }
  }

  /// Lets all followers go, and waits until they have been told.
  func end() {
    state.withLock { $0.isOver = true }
    _ = hasEnded.wait(timeout: .now() + Self.heartbeat)
    hasEnded.signal()
  }
}

// MARK: Beginning and end

extension Team {
  /// Tells all followers what to begin with.
  package static func call(_ communicator: any Communicator, seed: UInt64) {
    let message = TeamMessage.begin(seed: seed, version: TeamMessage.version).encoded()
    for rank in 1..<communicator.count { _ = communicator.send(message, to: rank, within: silence) }
  }

  /// Tells followers that there is nothing to do, or no more.
  package static func dismiss(_ communicator: any Communicator, _ ranks: some Sequence<Int>) {
    for rank in ranks { _ = communicator.send(TeamMessage.stop.encoded(), to: rank, within: 1) }
  }

  /// Waits for the leader's call, and returns its seed; nil if there is nothing to do.
  ///
  /// - Throws: `DensityError.mismatch` if it is of another version; `.invalidConfiguration` if none comes.
  package static func awaitCall(
    _ communicator: any Communicator, while goesOn: () -> Bool = { true }
  ) throws(DensityError) -> UInt64? {
    let clock = ContinuousClock()
    let began = clock.now
    while goesOn() {
      guard began.duration(to: clock.now) < .seconds(patience) else { throw silence(of: 0) }
      guard let (_, bytes) = communicator.receive(within: 0.1) else { continue }
      switch TeamMessage.decoded(bytes)?.message {
      case .begin(let seed, TeamMessage.version): return seed
      case .stop: return nil
      default:
        throw .mismatch(
          path: "process 0", expected: "the call of version \(TeamMessage.version)",
          found: "another program's")
      }
    }
    return nil
  }

  /// Tells the leader why this process takes no part, and waits until it lets it go.
  package static func report(
    _ error: DensityError, _ communicator: any Communicator, while goesOn: () -> Bool = { true }
  ) {
    let message = TeamMessage.failed("\(error)").encoded()
    guard communicator.send(message, to: 0, within: silence) else { return }
    let clock = ContinuousClock()
    let began = clock.now
    while goesOn(), began.duration(to: clock.now) < .seconds(patience) {
      if let (_, bytes) = communicator.receive(within: 0.1),
        case .stop? = TeamMessage.decoded(bytes)?.message
      {
        return
      }
    }
  }
}

extension DensitySearch {
  /// Lets other processes train besides this one, until `dismiss()`.
  ///
  /// - Parameters:
  ///   - communicator: that of process 0, which has called the others (`Team.call`).
  ///   - observe: is told some ten times a second how many are ready, and returns whether to go on.
  /// - Throws: `DensityError.mismatch` if one has another table or another version; `.invalidConfiguration` for what kept one
  ///   from taking part, or if it does not answer; `.interrupted`.
  package func lead(
    _ communicator: any Communicator, _ observe: (_ readyCount: Int) -> Bool = { _ in true }
  ) throws(DensityError) {
    let team = try Team(communicator, for: data, observe)
    let thread = Thread { team.serve() }
    thread.start()
    self.team = team
  }

  /// Lets the other processes go.
  package func dismiss() { team?.end() }
}

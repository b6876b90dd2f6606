import Essentials
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
  /// How long a process waits for others that read the table.
  static let readingPatience = 600.0
  /// How long the leader waits for a message to be taken: no longer, for it hears nobody meanwhile.
  private static let sendingPatience = 5.0

  private let hasEnded = DispatchSemaphore(value: 0)

  private struct State {
    var outbox: [(rank: Int, bytes: [UInt8])] = []
    var outcomes: [Slot: (DensitySearch.Outcome, network: [UInt8])] = [:]
    /// When each process that is alive was heard last.
    var heard: [Int: ContinuousClock.Instant] = [:]
    var lost: [Int] = []
    /// To whom no message can be sent.
    var unreachable: Set<Int> = []
    var isOver = false
  }

  /// One of a follower's slots.
  struct Slot: Hashable, Sendable {
    let rank: Int
    let number: Int
  }

  /// The error that a process says nothing.
  static func silence(of rank: Int, for seconds: Double = patience) -> DensityError {
    .invalidConfiguration("process \(rank) has not answered for \(Int(seconds)) seconds")
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
    var spoken = began
    var counts: [Int: Int] = [:]
    while counts.count < communicator.count - 1 {
      guard observe(counts.count) else { throw .interrupted }
      guard began.duration(to: clock.now) < .seconds(Self.readingPatience) else {
        let missing = (1..<communicator.count).first { counts[$0] == nil } ?? 0
        throw Self.silence(of: missing, for: Self.readingPatience)
      }
      if spoken.duration(to: clock.now) > .seconds(Self.heartbeat) {
        spoken = clock.now
        for rank in counts.keys { _ = communicator.send(TeamMessage.alive.encoded(), to: rank, within: 1) }
      }
      guard let (rank, bytes) = communicator.receive(within: 0.1) else { continue }
      switch TeamMessage.decoded(bytes)?.message {
      case .ready(let found, let groups, let slots):
        guard groups == data.groups?.groups else {
          throw .mismatch(
            path: found.name, expected: "the groups of columns of process 0",
            found: "process \(rank) keeps others")
        }
        guard found.describesTheSameData(as: data.fingerprint) else {
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
    var before = clock.now
    while true {
      // Of a leader that was stopped for a while nobody could be heard.
      let pause = before.duration(to: clock.now)
      before = clock.now
      let (outbox, isOver) = state.withLock { state in
        defer { state.outbox = [] }
        if pause > .seconds(1) { for rank in state.heard.keys { state.heard[rank]? += pause } }
        return (state.outbox, state.isOver)
      }
      let silent = state.withLock { state in
        state.heard.filter { $0.value.duration(to: clock.now) > .seconds(Self.silence) }.keys
      }
      for rank in silent { forget(rank) }
      for (rank, bytes) in outbox where isReachable(rank) {
        if !communicator.send(bytes, to: rank, within: Self.sendingPatience) {
          forget(rank)
          state.withLock { _ = $0.unreachable.insert(rank) }
        }
      }
      if isOver {
        // Those too that were silent, or told to stop: they wait for it.
        Self.dismiss(communicator, slotCounts.keys.filter(isReachable))
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
    switch decoded?.message {
    // What did not arrive whole may have been a network, which nobody sends again.
    case .failed, nil: forget(rank)
    default: break
    }
    state.withLock { state in
      if state.heard[rank] != nil { state.heard[rank] = ContinuousClock().now }
      if case .outcome(let slot, let outcome)? = decoded?.message {
        state.outcomes[Slot(rank: rank, number: slot)] = (outcome, decoded?.payload ?? [])
      }
    }
  }

  private func forget(_ rank: Int) {
    state.withLock { state in
      if state.heard.removeValue(forKey: rank) != nil { state.lost.append(rank) }
    }
  }

  private func isReachable(_ rank: Int) -> Bool { state.withLock { !$0.unreachable.contains(rank) } }

  private func isAlive(_ rank: Int) -> Bool { state.withLock { $0.heard[rank] != nil } }

  /// The processes that were lost since this was last asked.
  func takeLost() -> [Int] {
    state.withLock { state in
      defer { state.lost = [] }
      return state.lost
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
        do throws(DensityError) {
          let checkpoint = try Checkpoint(bytes: network, path: "process \(slot.rank)")
          return DensitySearch.Trained(density: checkpoint.model, outcome: outcome)
        } catch {
          return DensitySearch.Trained(density: nil, outcome: DensitySearch.Outcome(problem: "\(error)"))
        }
      }
      if isStopped() || !isAlive(slot.rank) { return nil }
      usleep(5000)
    }
  }

  /// Lets all followers go, and waits until they have been told.
  func end() {
    state.withLock { $0.isOver = true }
    _ = hasEnded.wait(timeout: .now() + Self.silence)
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
      guard began.duration(to: clock.now) < .seconds(readingPatience) else {
        throw silence(of: 0, for: readingPatience)
      }
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
  package static func report(_ reason: String, _ communicator: any Communicator) {
    let message = TeamMessage.failed(reason).encoded()
    guard communicator.send(message, to: 0, within: silence) else { return }
    let clock = ContinuousClock()
    var heard = clock.now
    while heard.duration(to: clock.now) < .seconds(patience) {
      guard let (_, bytes) = communicator.receive(within: 0.1) else { continue }
      heard = clock.now
      if case .stop? = TeamMessage.decoded(bytes)?.message { return }
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
    let status = startThread { team.serve() }
    precondition(status == 0, "the system starts no more threads: error \(status)")
    self.team = team
  }

  /// Lets the other processes go.
  package func dismiss() { team?.end() }
}

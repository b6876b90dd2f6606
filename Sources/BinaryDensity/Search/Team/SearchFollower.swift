import Essentials
import Kernels
import Synchronization

extension DensitySearch {
  /// Trains what the leader of a team says, until it says that the search is over.
  ///
  /// - Parameters:
  ///   - communicator: that of a process other than 0.
  ///   - goesOn: is asked some ten times a second whether to go on.
  /// - Throws: `DensityError.invalidConfiguration` if the leader is silent for two minutes.
  package func follow(_ communicator: any Communicator, while goesOn: () -> Bool = { true })
    throws(DensityError)
  {
    let slots = Threads.count
    let follower = Follower(data: data, seed: seed, slotCount: slots)
    func send(_ message: TeamMessage, payload: [UInt8] = []) -> Bool {
      communicator.send(message.encoded(payload: payload), to: 0, within: Team.patience)
    }
    guard send(.ready(data: data.fingerprint, groups: data.groups?.groups, slots: slots)) else {
      throw Team.silence(of: 0)
    }
    var (heard, spoken) = (clock.now, clock.now)
    // The leader may read its table still.
    var patience = Team.readingPatience
    while goesOn() {
      if let (_, bytes) = communicator.receive(within: 0.02) {
        (heard, patience) = (clock.now, Team.patience)
        switch TeamMessage.decoded(bytes)?.message {
        case .work(let slot, let assignment): follower.begin(assignment, in: slot)
        case .stop: return follower.end()
        default: break
        }
      }
      for (slot, outcome, network) in follower.takeOutcomes() {
        guard send(.outcome(slot: slot, outcome), payload: network) else { throw Team.silence(of: 0) }
      }
      if spoken.duration(to: clock.now) > .seconds(Team.heartbeat) {
        guard send(.alive) else { throw Team.silence(of: 0) }
        spoken = clock.now
      }
      guard heard.duration(to: clock.now) < .seconds(patience) else {
        follower.end()
        throw Team.silence(of: 0, for: patience)
      }
    }
    follower.end()
    Team.report("told to stop", communicator)
  }
}

/// What a follower's threads are at.
private final class Follower: Sendable {
  private let data: DataSplits
  private let seed: UInt64
  private let slotCount: Int
  private let state = Mutex(State())

  private struct State {
    var isStopped = false
    var outcomes: [(slot: Int, DensitySearch.Outcome, network: [UInt8])] = []
  }

  init(data: DataSplits, seed: UInt64, slotCount: Int) {
    (self.data, self.seed, self.slotCount) = (data, seed, slotCount)
  }

  func begin(_ assignment: DensitySearch.Assignment, in slot: Int) {
    var assignment = assignment
    assignment.neighbourCount = slotCount
    startTrainingThread { [self, assignment] in
      let trained = DensitySearch.train(assignment, on: data, seed: seed) {
        self.state.withLock { $0.isStopped }
      }
      var (outcome, network) = (trained.outcome, [UInt8]())
      do throws(DensityError) {
        if let density = trained.density { network = try Checkpoint(model: density).encoded() }
        guard network.count < Int32.max / 2 else {
          throw .invalidConfiguration("a network too large to be sent")
        }
      } catch {
        (outcome, network) = (DensitySearch.Outcome(problem: "\(error)"), [])
      }
      state.withLock { [outcome, network] in $0.outcomes.append((slot, outcome, network)) }
    }
  }

  func takeOutcomes() -> [(slot: Int, DensitySearch.Outcome, network: [UInt8])] {
    state.withLock { state in
      defer { state.outcomes = [] }
      return state.outcomes
    }
  }

  func end() { state.withLock { $0.isStopped = true } }
}

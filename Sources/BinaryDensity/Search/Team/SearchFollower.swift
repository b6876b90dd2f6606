import Foundation
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
    let team = Follower(data: data, seed: seed, slotCount: slots)
    func send(_ message: TeamMessage, payload: [UInt8] = []) -> Bool {
      communicator.send(message.encoded(payload: payload), to: 0, within: Team.patience)
    }
    guard send(.ready(data: data.fingerprint, groups: data.groups?.groups, slots: slots)) else {
      throw Team.silence(of: 0)
    }
    var (heard, spoken) = (clock.now, clock.now)
    while goesOn() {
      if let (_, bytes) = communicator.receive(within: 0.02) {
        heard = clock.now
        switch TeamMessage.decoded(bytes)?.message {
        case .work(let slot, let assignment): team.begin(assignment, in: slot)
        case .stop: return team.end()
        default: break
        }
      }
      for (slot, outcome, network) in team.takeOutcomes() {
        guard send(.outcome(slot: slot, outcome), payload: network) else { throw Team.silence(of: 0) }
      }
      if spoken.duration(to: clock.now) > .seconds(Team.heartbeat) {
        guard send(.alive) else { throw Team.silence(of: 0) }
        spoken = clock.now
      }
      guard heard.duration(to: clock.now) < .seconds(Team.patience) else {
        team.end()
        throw Team.silence(of: 0)
      }
    }
    team.end()
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
      let network = trained.density.flatMap { try? Checkpoint(model: $0).encoded() } ?? []
      state.withLock { $0.outcomes.append((slot, trained.outcome, network)) }
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

import Essentials
import Synchronization

/// How the processes of one job send each other messages: process 0 leads, the others follow.
///
/// No call waits longer than it is told to, so that a process that dies holds up no other. Of a process one thread calls.
package protocol Communicator: AnyObject, Sendable {
  /// Which process this is, counted from 0.
  var rank: Int { get }
  /// How many processes there are.
  var count: Int { get }
  /// Sends a message, and returns whether it was taken within a time, in seconds.
  func send(_ message: [UInt8], to rank: Int, within seconds: Double) -> Bool
  /// Returns the next message of any process; nil if none comes within a time, in seconds.
  func receive(within seconds: Double) -> (rank: Int, message: [UInt8])?
}

/// Communicators of threads of one process, for tests.
package final class LocalCommunicator: Communicator {
  package let rank: Int
  package var count: Int { boxes.count }
  private let boxes: [Mailbox]

  private final class Mailbox: Sendable {
    let messages = Mutex<[(Int, [UInt8])]>([])
    let arrivals = DispatchSemaphore(value: 0)
  }

  private init(rank: Int, boxes: [Mailbox]) { (self.rank, self.boxes) = (rank, boxes) }

  /// Returns the communicators of a job, by rank.
  package static func group(of count: Int) -> [LocalCommunicator] {
    let boxes = (0..<count).map { _ in Mailbox() }
    return (0..<count).map { LocalCommunicator(rank: $0, boxes: boxes) }
  }

  package func send(_ message: [UInt8], to rank: Int, within seconds: Double) -> Bool {
    boxes[rank].messages.withLock { $0.append((self.rank, message)) }
    boxes[rank].arrivals.signal()
    return true
  }

  package func receive(within seconds: Double) -> (rank: Int, message: [UInt8])? {
    guard boxes[rank].arrivals.wait(timeout: .now() + seconds) == .success else { return nil }
    return boxes[rank].messages.withLock { $0.removeFirst() }
  }
}

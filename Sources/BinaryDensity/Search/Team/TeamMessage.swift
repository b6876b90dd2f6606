import Essentials

/// What the processes of a search say to each other.
enum TeamMessage: Codable, Sendable {
  /// The leader's first word: what a follower is to begin with.
  case begin(seed: UInt64, version: Int)
  /// A follower is ready: its table, and how many networks it trains at a time.
  case ready(data: DataFingerprint, groups: [[Int]]?, slots: Int)
  /// A follower cannot take part: why.
  case failed(String)
  /// A network to be trained, in one of a follower's slots.
  case work(slot: Int, DensitySearch.Assignment)
  /// What became of it; the network's checkpoint follows.
  case outcome(slot: Int, DensitySearch.Outcome)
  /// Nothing but that the sender is alive.
  case alive
  /// The search is over.
  case stop

  /// The version of these messages and of what trainings make of a seed.
  static let version = 1

  /// Returns the bytes of a message: the length of its JSON, the JSON, and what follows.
  func encoded(payload: [UInt8] = []) -> [UInt8] {
    let text = Array(Checkpoint.encode(self).utf8)
    return [UInt8]([UInt32(text.count)], order: .little) + text + payload
  }

  /// Reads a message; nil for bytes that are none.
  static func decoded(_ bytes: [UInt8]) -> (message: TeamMessage, payload: [UInt8])? {
    guard bytes.count >= 4 else { return nil }
    let length = Int(bytes.withUnsafeBytes { ByteOrder.little.load(UInt32.self, 0, of: $0) })
    guard length <= bytes.count - 4,
      let message: TeamMessage = try? decodeJSON(String(decoding: bytes[4..<4 + length], as: UTF8.self))
    else { return nil }
    return (message, Array(bytes[(4 + length)...]))
  }
}

extension DensitySearch {
  /// A network to be trained.
  struct Assignment: Codable, Hashable, Sendable {
    let recipe: Recipe
    let order: Int
    /// Which network of its order it is.
    let number: Int
    /// How long training may take, and how long that and the measurement of it.
    let seconds: Double
    let secondsInAll: Double
    /// How many networks the machine trains at a time, which share its memory.
    var neighbourCount: Int
  }

  /// What became of a training, but for the network.
  struct Outcome: Codable, Hashable, Sendable {
    /// The mean of −log p over the validation rows, in nats; nil if there is no network.
    var nll: Double?
    /// Whether it was trained to its end.
    var isFinished = false
    /// The share of the training after which it was at its best.
    var peak = 0.0
    var secondsPerStep = 0.0
    /// What went wrong, where something did; nil where there only was no time.
    var problem: String?
  }
}

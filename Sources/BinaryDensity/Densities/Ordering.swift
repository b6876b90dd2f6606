import Kernels

/// A permutation of the variables: the order in which the chain rule takes them.
public struct Ordering: Hashable, Sendable {
  /// The variables in order: `variables[p]` is the variable at position p.
  public let variables: [Int]
  /// The inverse: `positions[i]` is the position of variable i.
  public let positions: [Int]

  /// Creates an ordering from the variables in order.
  ///
  /// - Precondition: they are a permutation of `0 ..< variables.count`.
  public init(_ variables: [Int]) {
    var positions = Array(repeating: -1, count: variables.count)
    for (position, variable) in variables.enumerated() {
      precondition(
        positions.indices.contains(variable) && positions[variable] < 0,
        "an ordering is a permutation of 0..<\(variables.count); \(variable) breaks it")
      positions[variable] = position
    }
    self.variables = variables
    self.positions = positions
  }

  /// Creates an ordering, or returns nil if the variables are no permutation of `0 ..< variables.count`.
  init?(checking variables: [Int]) {
    var isSeen = Array(repeating: false, count: variables.count)
    for variable in variables {
      guard variables.indices.contains(variable), !isSeen[variable] else { return nil }
      isSeen[variable] = true
    }
    self.init(variables)
  }

  /// The order 0, 1, 2, ….
  public static func natural(count: Int) -> Ordering { Ordering(Array(0..<count)) }

  /// The `index`-th random order of a seed.
  public static func random(count: Int, seed: UInt64, index: Int = 0) -> Ordering {
    var generator = Philox(seed: seed, stream: .ordering, index: UInt64(index))
    return Ordering(generator.permutation(of: count))
  }

  /// The number of orders in which the pixels of a picture are scanned.
  package static let scanCount = 8

  /// One of the eight orders in which the pixels of a picture are scanned: 0 along its rows, 1 down its columns, 2 and 3 these
  /// backwards; 4 to 7 are 0 to 3 of the picture in a mirror, its left side at the right.
  ///
  /// - Precondition: `0 <= index < 8`.
  package static func scan(_ index: Int, of shape: ImageShape) -> Ordering {
    precondition((0..<scanCount).contains(index), "there are \(scanCount) scans, not \(index + 1)")
    let (height, width) = (shape.height, shape.width)
    let natural = Array(0..<shape.pixelCount)
    let forwards = index % 2 == 0 ? natural : natural.map { ($0 % height) * width + $0 / height }
    let scan = index % 4 < 2 ? forwards : forwards.reversed()
    return Ordering(index < 4 ? scan : scan.map { $0 / width * width + (width - 1 - $0 % width) })
  }

  /// The mask degree of each variable as an input: the number of variables known once it is.
  public var inputDegrees: [Int] { positions.map { $0 + 1 } }
  /// The mask degree of each variable's conditional: the number of variables it may see.
  public var outputDegrees: [Int] { positions }
}

/// How a model's ordering, or orderings, are chosen.
public enum OrderingRule: Hashable, Sendable {
  /// The columns' own order.
  case natural
  /// One random order, fixed by the model's seed.
  case random
  /// Another random order for each mask of the model.
  case resampled
  /// This order.
  case explicit([Int])

  /// Returns the ordering of a model's `index`-th mask set.
  ///
  /// - Precondition: there is a seed if the rule draws from one.
  func ordering(count: Int, seed: UInt64?, index: Int) -> Ordering {
    var drawingSeed: UInt64 {
      guard let seed else { preconditionFailure("a random ordering is drawn from a seed, and there is none") }
      return seed
    }
    return switch self {
    case .natural: .natural(count: count)
    case .random: .random(count: count, seed: drawingSeed)
    case .resampled: .random(count: count, seed: drawingSeed, index: index)
    case .explicit(let variables): Ordering(variables)
    }
  }

  /// Whether the rule draws orderings from a seed.
  var isRandom: Bool {
    switch self {
    case .random, .resampled: true
    case .natural, .explicit: false
    }
  }

  /// The rule that gives some orderings: itself if it does, or what they are.
  func describing(_ orderings: [Ordering], seed: UInt64?) -> OrderingRule {
    let isItsOwn =
      (seed != nil || !isRandom)
      && orderings.indices.allSatisfy {
        orderings[$0] == ordering(count: orderings[$0].variables.count, seed: seed, index: $0)
      }
    if isItsOwn { return self }
    return orderings.allSatisfy { $0 == orderings[0] } ? .explicit(orderings[0].variables) : .resampled
  }

  /// Returns what is wrong with the rule for `count` variables, or nil.
  func problem(count: Int) -> String? {
    guard case .explicit(let variables) = self else { return nil }
    // The counts first, for nothing has borne out `count` yet.
    if variables.count == count && variables.sorted().elementsEqual(0..<count) { return nil }
    return "the ordering is not a permutation of the \(count) variables"
  }
}

extension OrderingRule: Codable {
  /// Reads `"natural"`, `"random"`, `"resampled"` or a list of variables.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let variables = try? container.decode([Int].self) {
      self = .explicit(variables)
      return
    }
    switch try container.decode(String.self) {
    case "natural": self = .natural
    case "random": self = .random
    case "resampled": self = .resampled
    case let other:
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "no ordering is called \(other)")
    }
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .natural: try container.encode("natural")
    case .random: try container.encode("random")
    case .resampled: try container.encode("resampled")
    case .explicit(let variables): try container.encode(variables)
    }
  }
}

/// How the table was read that a model learnt from, as far as tables do not say it themselves.
///
/// A checkpoint keeps it, so that other tables are read in the same way.
public struct TableReading: Hashable, Sendable, Codable {
  /// The rule by which grey levels became bits: `stochastic`, `dynamic` or `threshold`.
  private var binarize: String?
  private var seed: UInt64?
  private var threshold: UInt8?
  /// The words for off and on.
  public var values: TableOptions.Values?
  /// The number of a sparse table's first column: 0 or 1.
  public var indexBase: Int?

  /// Describes a reading.
  public init(
    binarization: Binarization? = nil, values: TableOptions.Values? = nil, indexBase: Int? = nil
  ) {
    switch binarization {
    case .threshold(let level): (binarize, threshold) = ("threshold", level)
    case .stochastic(let seed): (binarize, self.seed) = ("stochastic", seed)
    case .dynamic(let seed): (binarize, self.seed) = ("dynamic", seed)
    case nil: break
    }
    self.values = values
    self.indexBase = indexBase
  }

  /// How grey levels became bits.
  public var binarization: Binarization? {
    switch (binarize, seed, threshold) {
    case ("threshold", nil, let level?): .threshold(level)
    case ("stochastic", let seed?, nil): .stochastic(seed: seed)
    case ("dynamic", let seed?, nil): .dynamic(seed: seed)
    default: nil
    }
  }

  /// Whether there is nothing to say.
  var isPlain: Bool { self == TableReading() }

  /// Whether it describes a reading, as far as it is from a file.
  var isPossible: Bool {
    (binarize == nil && seed == nil && threshold == nil || binarization != nil)
      && (indexBase.map { (0...1).contains($0) } ?? true) && (values.map { $0.off != $0.on } ?? true)
  }
}

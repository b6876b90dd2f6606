import Arguments
import Autodiff
import BinaryDensity

/// How to train, as the command line says; where it says nothing, as MNIST's validation rows advise (RESULTS.md).
struct TrainingOptions {
  static let epochHelp =
    "enough for 10000 steps of a nade, 15000 of a made, 20000 of an fvsbn, 60000 of an eonade"
  static let rateHelp =
    "with adam 0.0005 for eonade, 0.002 for nade, 0.003 for made and fvsbn; 0.01 with adagrad, 0.05 with sgd"
  static let weightDecayHelp = "0.1 for nade and made, 0.04 for fvsbn, 0 for eonade"
  static let orderingHelp = "natural for nade, resampled for eonade, random for the others"
  /// The number of orders that an EoNADE is measured with.
  ///
  /// Each takes as long as the first; most of what 128 gain is gained by 16.
  static let orderCount = 16

  /// On pictures a MADE gains several nats by a random order, in which units of every degree see something of every
  /// part, and an FVSBN a little; a NADE loses.
  static func ordering(_ kind: ModelKind) -> OrderingRule {
    switch kind {
    case .nade: .natural
    case .eonade: .resampled
    default: .random
    }
  }

  private let kind: ModelKind
  private let epochCount: Int?
  private let batchSize: Int
  private let rate: Double
  private let optimizer: OptimizerMethod
  private let schedule: String
  private let clippingNorm: Double?
  private let patience: Int?
  private let validationInterval: Int
  private let precision: Precision
  private let dropout: Dropout
  private let averaging: Double?

  private static func usualWeightDecay(_ kind: ModelKind) -> Double {
    switch kind {
    case .nade, .made: 0.1
    case .fvsbn: 0.04
    default: 0
    }
  }

  /// Reads the options of a training of a family.
  init(_ arguments: ParsedArguments, kind: ModelKind) throws {
    self.kind = kind
    epochCount = try arguments.optionalValue("epochs", as: .integer(in: 1...1_000_000))
    batchSize = try arguments.value("batch", as: .integer(in: 1...1_000_000))
    let momentum = try arguments.value("momentum", as: .number(in: 0..<1))
    let weightDecay =
      try arguments.optionalValue("weight-decay", as: .number(in: 0...1)) ?? Self.usualWeightDecay(kind)
    let usualRate: Double
    let rule = try arguments.value("optimizer", as: .string)
    for (option, owner) in [("momentum", "sgd"), ("weight-decay", "adam")]
    where arguments.isGiven(option) && rule != owner {
      throw UsageError("--\(option) goes with --optimizer \(owner)")
    }
    switch rule {
    case "sgd":
      optimizer = .sgd(momentum: momentum)
      usualRate = 0.05
    case "adagrad":
      optimizer = .adagrad()
      usualRate = 0.01
    default:
      optimizer = .adam(weightDecay: weightDecay)
      usualRate =
        switch kind {
        case .nade: 0.002
        case .eonade: 0.0005
        default: 0.003
        }
    }
    rate = try arguments.optionalValue("rate", as: .positiveNumber) ?? usualRate
    schedule = try arguments.value("schedule", as: .string)
    clippingNorm = try arguments.optionalValue("clip", as: .positiveNumber)
    patience = try arguments.optionalValue("patience", as: .integer(in: 1...1_000_000))
    validationInterval = try arguments.value("validate-every", as: .integer(in: 1...1_000_000))
    dropout = Dropout(
      inputs: try arguments.value("input-dropout", as: .number(in: 0..<1)),
      hidden: try arguments.value("dropout", as: .number(in: 0..<1)))
    averaging = try arguments.optionalValue("average", as: .number(in: 0..<1))
    precision = try Self.precision(arguments, for: kind)
  }

  /// Returns the precision of the products that a family is to be trained in.
  static func precision(_ arguments: ParsedArguments, for kind: ModelKind) throws -> Precision {
    let precision = try arguments.value("precision", as: ValueFormat<Precision>.choice)
    if precision == .bf16 && kind != .made && kind != .eonade {
      throw UsageError("--precision bf16 is for a made or an eonade, whose dense layers it speeds up")
    }
    return precision
  }

  /// Returns the configuration for a table of `rowCount` rows.
  func configuration(rowCount: Int, seed: UInt64) -> TrainingConfiguration {
    let batchesPerEpoch = max(1, (rowCount + batchSize - 1) / batchSize)
    let epochs = epochCount ?? max(1, usualStepCount / batchesPerEpoch)
    let schedule: Schedule =
      switch self.schedule {
      case "constant": .constant
      case "inverse": .inverseDecay(halving: Double(epochs * batchesPerEpoch) / 5)
      case "plateau": .reduceOnPlateau()
      default: .cosine()
      }
    return TrainingConfiguration(
      epochCount: epochs, batchSize: batchSize, rate: rate, schedule: schedule, optimizer: optimizer,
      clippingNorm: clippingNorm, patience: patience, seed: seed, validationInterval: validationInterval,
      precision: precision, dropout: dropout, averaging: averaging)
  }

  /// The number of steps after which more help little.
  private var usualStepCount: Int {
    switch kind {
    case .nade: 10_000
    case .made: 15_000
    case .eonade: 60_000
    default: 20_000
    }
  }
}

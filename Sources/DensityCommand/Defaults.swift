import Arguments
import Autodiff
import BinaryDensity

/// What training uses where the command line says nothing; chosen on MNIST's validation rows (see RESULTS.md).
enum Defaults {
  static let epochHelp = "enough for 10000 steps of a nade, 15000 of a made, 20000 of an fvsbn"
  static let rateHelp = "with adam 0.002 for nade, 0.003 for made and fvsbn; 0.01 with adagrad, 0.05 with sgd"

  static let orderingHelp = "natural for nade, random for the others"

  /// On pictures a MADE gains several nats by a random order, in which units of every degree see something of every
  /// part, and an FVSBN a little; a NADE loses.
  static func ordering(_ kind: ModelKind) -> OrderingRule { kind == .nade ? .natural : .random }

  /// The number of steps after which more help little.
  private static func stepCount(_ kind: ModelKind) -> Int {
    switch kind {
    case .nade: 10_000
    case .made: 15_000
    case .fvsbn: 20_000
    }
  }

  private static func adamRate(_ kind: ModelKind) -> Double {
    switch kind {
    case .nade: 0.002
    case .made, .fvsbn: 0.003
    }
  }

  /// Returns how to train a family on a table of `rowCount` rows.
  static func trainingConfiguration(
    _ arguments: ParsedArguments, kind: ModelKind, rowCount: Int, seed: UInt64
  ) throws -> TrainingConfiguration {
    let batchSize = try arguments.value("batch", as: .integer(in: 1...1_000_000))
    let batchesPerEpoch = max(1, (rowCount + batchSize - 1) / batchSize)
    let epochs =
      try arguments.optionalValue("epochs", as: .integer(in: 1...1_000_000))
      ?? max(1, stepCount(kind) / batchesPerEpoch)
    let optimizer: OptimizerMethod
    let rate: Double
    switch try arguments.value("optimizer", as: .string) {
    case "sgd":
      optimizer = .sgd(momentum: try arguments.value("momentum", as: .number(in: 0..<1)))
      rate = 0.05
    case "adagrad":
      optimizer = .adagrad()
      rate = 0.01
    default:
      optimizer = .adam(weightDecay: try arguments.value("weight-decay", as: .number(in: 0...1)))
      rate = adamRate(kind)
    }
    let schedule: Schedule
    switch try arguments.value("schedule", as: .string) {
    case "constant": schedule = .constant
    case "inverse": schedule = .inverseDecay(halving: Double(epochs * batchesPerEpoch) / 5)
    case "plateau": schedule = .reduceOnPlateau()
    default: schedule = .cosine()
    }
    return TrainingConfiguration(
      epochCount: epochs, batchSize: batchSize,
      rate: try arguments.optionalValue("rate", as: .positiveNumber) ?? rate, schedule: schedule,
      optimizer: optimizer, clippingNorm: try arguments.optionalValue("clip", as: .positiveNumber),
      patience: try arguments.optionalValue("patience", as: .integer(in: 1...1_000_000)), seed: seed)
  }
}

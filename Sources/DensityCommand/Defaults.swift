import Arguments
import Autodiff
import BinaryDensity

/// What training uses where the command line says nothing.
enum Defaults {
  static let epochHelp = "40 for nade, 60 for made, 30 for fvsbn"

  static func epochCount(_ kind: ModelKind) -> Int {
    switch kind {
    case .nade: 40
    case .made: 60
    case .fvsbn: 30
    }
  }

  static func trainingConfiguration(
    _ arguments: ParsedArguments, kind: ModelKind, seed: UInt64
  ) throws -> TrainingConfiguration {
    let epochs = try arguments.optionalValue("epochs", as: .integer(in: 1...1_000_000)) ?? epochCount(kind)
    let rule = try arguments.value("optimizer", as: .string)
    let optimizer: OptimizerMethod
    let rate: Double
    switch rule {
    case "sgd":
      optimizer = .sgd(momentum: try arguments.value("momentum", as: .number(in: 0..<1)))
      rate = 0.05
    case "adagrad":
      optimizer = .adagrad()
      rate = 0.01
    default:
      optimizer = .adam(weightDecay: try arguments.value("weight-decay", as: .number(in: 0...1)))
      rate = 0.001
    }
    let batchSize = try arguments.value("batch", as: .integer(in: 1...1_000_000))
    let schedule: Schedule
    switch try arguments.value("schedule", as: .string) {
    case "constant": schedule = .constant
    case "inverse": schedule = .inverseDecay(halving: Double(epochs) * 100)
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

import Arguments
import Autodiff
import BinaryDensity

/// How to train, as the command line says; where it says nothing, as is recommended for the family.
struct TrainingOptions {
  static let epochHelp =
    "as many as make a number of steps of \(RecommendedSettings.batchSize) rows, "
    + familyList { "\($0.stepCount)" } + "; with larger batches more epochs, as the rate grows"
  static let rateHelp =
    "with adam " + familyList { "\($0.learningRate)" }
    + "; \(RecommendedSettings.made.learningRate(of: .adagrad())) with adagrad, "
    + "\(RecommendedSettings.made.learningRate(of: .sgd())) with sgd; with batches of B rows times √(B / "
    + "\(RecommendedSettings.batchSize)), B from \(RecommendedSettings.followedBatchSizes.lowerBound) to "
    + "\(RecommendedSettings.followedBatchSizes.upperBound)"
  static let weightDecayHelp = familyList { $0.weightDecay == 0 ? "0" : "\($0.weightDecay)" }
  static let orderingHelp = familyList { "\($0.ordering)" }

  /// Returns what is recommended for each family, such as `0.1 for nade and made, 0.04 for fvsbn`.
  private static func familyList(_ setting: (RecommendedSettings) -> String) -> String {
    var groups: [(setting: String, families: [String])] = []
    for kind in ModelKind.trainable {
      guard let settings = kind.recommendedSettings else { continue }
      let text = setting(settings)
      if let place = groups.firstIndex(where: { $0.setting == text }) {
        groups[place].families.append(kind.rawValue)
      } else {
        groups.append((text, [kind.rawValue]))
      }
    }
    return groups.map { $0.setting + " for " + $0.families.joined(separator: " and ") }
      .joined(separator: ", ")
  }

  private let kind: ModelKind
  /// All but the seed and what depends on the number of rows: the number of epochs, if it is not given, and the
  /// schedule, if it falls as 1 / steps.
  private let settings: TrainingConfiguration
  private let hasEpochCount: Bool
  private let isInverse: Bool
  /// Whether output biases begin at the marginals; nil to look at the table.
  private let startsAtMarginals: Bool?

  /// Reads the options of a training of a family.
  init(_ arguments: ParsedArguments, kind: ModelKind) throws {
    self.kind = kind
    let epochCount = try arguments.optionalValue("epochs", as: CommonOptions.epochCount)
    hasEpochCount = epochCount != nil
    var settings = TrainingConfiguration.recommended(
      for: kind, rowCount: 0, batchSize: try arguments.value("batch", as: .integer(in: 1...1_000_000)),
      optimizer: try Self.optimizer(arguments))
    settings.epochCount = epochCount ?? settings.epochCount
    settings.stepsPerEpoch = try arguments.optionalValue(
      "steps-per-epoch", as: .integer(in: 1...1_000_000_000))
    startsAtMarginals = try arguments.optionalValue("start", as: .string).map { $0 == "marginals" }
    if let rate = try arguments.optionalValue("rate", as: .positiveNumber) { settings.learningRate = rate }
    let schedule = try arguments.value("schedule", as: .string)
    isInverse = schedule == "inverse"
    switch schedule {
    case "constant": settings.schedule = .constant
    case "plateau": settings.schedule = .reduceOnPlateau()
    default: settings.schedule = .cosine()
    }
    settings.clippingNorm = try arguments.optionalValue("clip", as: .positiveNumber)
    settings.patience = try arguments.optionalValue("patience", as: .integer(in: 1...1_000_000))
    settings.validationInterval = try arguments.value("validate-every", as: .integer(in: 1...1_000_000))
    settings.dropout = Dropout(
      inputs: try arguments.value("input-dropout", as: .number(in: 0..<1)),
      hidden: try arguments.value("dropout", as: .number(in: 0..<1)))
    settings.averaging = try arguments.optionalValue("average", as: .number(in: 0..<1))
    settings.redrawInterval = try arguments.value("redraw", as: .integer(in: 1...1_000_000))
    if arguments.isGiven("redraw") && kind == .eonade {
      throw UsageError("--redraw says nothing with an eonade, which takes missing cells as they are")
    }
    settings.shiftShare = try arguments.value("shifts", as: .number(in: 0...1))
    settings.precision = try Self.precision(arguments, for: kind)
    self.settings = settings
  }

  /// Returns the update rule asked for; nil for Adam with the weight decay that is recommended.
  private static func optimizer(_ arguments: ParsedArguments) throws -> OptimizerMethod? {
    let momentum = try arguments.value("momentum", as: .number(in: 0..<1))
    let weightDecay = try arguments.optionalValue("weight-decay", as: .number(in: 0...1))
    let rule = try arguments.value("optimizer", as: .string)
    for (option, owner) in [("momentum", "sgd"), ("weight-decay", "adam")]
    where arguments.isGiven(option) && rule != owner {
      throw UsageError("--\(option) goes with --optimizer \(owner)")
    }
    switch rule {
    case "sgd": return .sgd(momentum: momentum)
    case "adagrad": return .adagrad()
    default: return weightDecay.map { .adam(weightDecay: $0) }
    }
  }

  /// Returns the precision of the products that a family is to be trained in.
  static func precision(_ arguments: ParsedArguments, for kind: ModelKind?) throws -> Precision {
    let precision = try arguments.value("precision", as: ValueFormat<Precision>.choice)
    if precision == .bf16 && kind != .made && kind != .eonade {
      throw UsageError("--precision bf16 is for a made or an eonade, whose dense layers it speeds up")
    }
    return precision
  }

  /// Returns the configuration for a table of `rowCount` rows.
  ///
  /// - Parameter startsAtMarginals: where output biases begin if the command line does not say it.
  func configuration(rowCount: Int, startsAtMarginals: Bool, seed: UInt64) -> TrainingConfiguration {
    var settings = settings
    settings.seed = seed
    settings.startsAtMarginals = self.startsAtMarginals ?? startsAtMarginals
    if !hasEpochCount {
      let passes = TrainingConfiguration.recommended(
        for: kind, rowCount: rowCount, batchSize: settings.batchSize
      ).epochCount
      let steps = passes * settings.batchesPerPass(rowCount: rowCount)
      settings.epochCount = max(1, steps / max(1, settings.batchesPerEpoch(rowCount: rowCount)))
    }
    if isInverse {
      let stepCount = settings.epochCount * max(1, settings.batchesPerEpoch(rowCount: rowCount))
      settings.schedule = .inverseDecay(halving: Double(stepCount) / 5)
    }
    return settings
  }
}

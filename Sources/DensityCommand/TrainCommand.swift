import Arguments
import Autodiff
import BinaryDensity
import Kernels

/// The command `density train`.
enum TrainCommand {
  static let command = Command(
    name: "train",
    summary: "Train a model on a table of bits.",
    discussion: """
      Trains by stochastic gradient ascent of the exact log-likelihood (for an eonade, of an unbiased estimate of its mean \
      over all orders of the variables), keeps the model with the best validation \
      figure, and ends with its negative log-likelihood on the validation and test rows.

      The baselines bernoulli, bernoulli-mixture and chow-liu are fitted at once, and take no options of training.

      The run's folder gets best.safetensors, last.safetensors (to resume from), history.jsonl and samples.png; an \
      earlier run in it is moved aside. Ctrl-C finishes the step, writes the checkpoints and says how to resume.
      """,
    options: [
      .value(
        "model", short: "m", placeholder: "family", default: "nade",
        allowed: (ModelKind.trainable + ModelKind.baselines).map(\.rawValue), help: "The family of models."),
      .value(
        "hidden", placeholder: "units", default: "500",
        help:
          "The hidden units of a NADE, or of a MADE's or EoNADE's layers divided by commas; none for a MADE without."
      ),
      .value(
        "activation", placeholder: "f", default: "relu", allowed: Activation.allCases.map(\.rawValue),
        help: "What hidden units apply; for a NADE relu or sigmoid."),
      .value(
        "ordering", placeholder: "rule", allowed: ["natural", "random", "resampled"],
        help:
          "The order of the variables: the columns' own, a random one, or another for each mask of a MADE and for each "
          + "component of an EoNADE. Default: "
          + "\(TrainingOptions.orderingHelp)."),
      .value(
        "masks", placeholder: "count", default: "1", help: "The number of a MADE's masks, mixed at test time."
      ),
      .value(
        "orders", placeholder: "count",
        help:
          "How many orders of the variables are mixed: of an EoNADE (default \(RecommendedSettings.eonade.orderCount)), or those "
          + "that several members are spread over (default 1)."),
      .flag("fresh-masks", help: "Train a MADE on a fresh mask each step instead of cycling through them."),
      .flag("direct", help: "Give a MADE direct weights from inputs to outputs."),
      .flag(
        "residual", help: "Let a MADE's hidden layers add the layer below, where both have as many units."),
      .value(
        "components", placeholder: "count", default: "500", help: "The components of a bernoulli-mixture."),
      DataOptions.data,
    ] + DataOptions.heldOut + DataOptions.binarization + [
      CommonOptions.epochs(TrainingOptions.epochHelp),
      .value(
        "batch", short: "b", placeholder: "rows", default: "\(RecommendedSettings.batchSize)",
        help: "The rows of a step."),
      .value(
        "rate", short: "r", placeholder: "rate",
        help: "The base learning rate. Default: \(TrainingOptions.rateHelp)."),
      .value(
        "schedule", placeholder: "name", default: "cosine",
        allowed: ["constant", "inverse", "cosine", "plateau"],
        help: "How the rate changes: not, falling as 1 / steps, along a cosine to 0, or on a plateau."),
      .value(
        "optimizer", placeholder: "rule", default: "adam", allowed: ["sgd", "adagrad", "adam"],
        help: "The update rule."),
      .value("momentum", placeholder: "number", default: "0.9", help: "The momentum of sgd, 0 up to 1."),
      .value(
        "weight-decay", placeholder: "number",
        help: "The decoupled weight decay of adam. Default: \(TrainingOptions.weightDecayHelp)."),
      .value("clip", placeholder: "norm", help: "The largest norm of a step's gradient. Default: no limit."),
      .value(
        "patience", placeholder: "epochs",
        help: "Stop after this many epochs without a better validation figure. Default: never."),
      .value(
        "validate-every", placeholder: "epochs", default: "1",
        help: "Measure the validation rows after every so many epochs, and after the last."),
      .value(
        "dropout", placeholder: "rate", default: "0",
        help: "The chance of a hidden unit to be zeroed in a step of training (not for a NADE)."),
      .value(
        "input-dropout", placeholder: "rate", default: "0",
        help: "The chance of an input to be zeroed in a step of training."),
      .value(
        "average", placeholder: "decay",
        help: "Keep a running average of the weights with this decay a step, such as 0.999. Default: none."),
      .value(
        "members", placeholder: "count", default: "1",
        help: "How many networks to train, one after another, into one checkpoint."),
      CommonOptions.precision,
      CommonOptions.seed(of: "initial weights, shuffles, masks and orderings"),
      CommonOptions.run("runs/ and the family's name"),
      .flag("resume", help: "Go on with the run in the folder. Its settings come from the checkpoint."),
      CommonOptions.threads,
      CommonOptions.json(),
    ],
    examples: [
      Command.Example("density train", "a NADE of 500 units on MNIST, into runs/nade"),
      Command.Example(
        "density train --model made --hidden 500,500 --masks 8 --ordering resampled",
        "a deep MADE over eight orderings"),
      Command.Example(
        "density train --members 8", "eight NADEs of one order, averaged conditional by conditional"),
      Command.Example("density train --model chow-liu", "a baseline: the best tree of pairs of variables"),
      Command.Example(
        "density train --model eonade --hidden 500,500 --orders 16",
        "a deep network for any order, mixed over sixteen"),
      Command.Example(
        "density train --data table.csv --test held-out.csv --epochs 100 --patience 10", "a table of your own"
      ),
      Command.Example("density train --resume --run runs/nade", "go on with an interrupted run"),
    ], run: run)

  /// The options of networks and of gradients, which a baseline has none of.
  private static let networkSettings = [
    "hidden", "activation", "ordering", "masks", "fresh-masks", "direct", "residual", "epochs", "batch",
    "rate", "schedule", "optimizer", "momentum", "weight-decay", "clip", "patience", "validate-every",
    "precision", "dropout", "input-dropout", "average", "members", "orders",
  ]
  /// The options that a resumed run takes from its checkpoint.
  private static let settings = ["model", "components", "seed"] + networkSettings

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let kind = try arguments.value("model", as: ValueFormat<ModelKind>.choice)
    let directory = RunDirectory(
      path: try arguments.optionalValue("run", as: .path) ?? "runs/\(kind.rawValue)")
    let progress = ProgressLine()
    let session = Session(
      arguments: arguments, directory: directory, progress: progress, isJSON: arguments.flag("json"))

    // A run of several members is resumed by its whole command line.
    let memberCount = try arguments.value("members", as: .integer(in: 1...10_000))
    if arguments.flag("resume") && memberCount == 1 {
      if let setting = settings.first(where: arguments.isGiven) {
        throw UsageError("--\(setting) cannot change in a resumed run; leave it out")
      }
      let last = try Checkpoint(contentsOf: directory.last)
      guard let state = last.training else {
        throw DensityError.mismatch(
          path: directory.last, expected: "a checkpoint to resume from", found: "a finished model")
      }
      let data = try DataOptions.trainingData(arguments, seed: state.progress.configuration.seed)
      let best = try Checkpoint(contentsOf: directory.best).model
      guard let model = last.model as? any TrainableDensity else {
        throw DensityError.mismatch(
          path: directory.last, expected: "a model in training", found: "a \(familyName(of: last.model))")
      }
      return try session.resume(model, best: best, state: state, data: data)
    }

    // Every option is read before any file, so that a slip of the keyboard costs no time.
    let seed = try arguments.value("seed", as: .seed)
    let componentCount = try arguments.value("components", as: .integer(in: 1...1_000_000))
    if arguments.isGiven("components") && kind != .bernoulliMixture {
      throw UsageError("--components is for a bernoulli-mixture")
    }
    if ModelKind.baselines.contains(kind) {
      if let setting = networkSettings.first(where: arguments.isGiven) {
        throw UsageError(
          "--\(setting) says nothing with --model \(kind.rawValue), which is fitted by counting")
      }
      return try session.fit(
        kind, try DataOptions.trainingData(arguments, seed: seed), componentCount: componentCount, seed: seed)
    }
    let options = try TrainingOptions(arguments, kind: kind)
    let ordering = try ordering(arguments, kind: kind)
    let activation = try arguments.value("activation", as: ValueFormat<Activation>.choice)
    let hiddenCounts = try arguments.value(
      "hidden", as: .integers(in: 1...1_000_000, allowingNone: kind == .made))
    let maskCount = try arguments.value("masks", as: .integer(in: 1...4096))
    if kind == .nade && hiddenCounts.count != 1 {
      throw UsageError("--hidden: a NADE has one layer of hidden units")
    }
    for option in ["masks", "fresh-masks", "direct", "residual"]
    where kind != .made && arguments.isGiven(option) {
      throw UsageError("--\(option) is for a MADE")
    }
    for option in ["hidden", "activation"] where kind == .fvsbn && arguments.isGiven(option) {
      throw UsageError("--\(option): an FVSBN has no hidden units")
    }

    let isOrderAgnostic = kind == .eonade
    let orderCount =
      try arguments.optionalValue("orders", as: .integer(in: 1...4096))
      ?? (isOrderAgnostic && ordering == .resampled ? RecommendedSettings.eonade.orderCount : 1)
    if isOrderAgnostic {
      if orderCount > 1 && ordering != .resampled {
        throw UsageError("--orders: \(orderCount) orders go with --ordering resampled")
      }
    } else if orderCount > memberCount {
      throw UsageError("--orders is for an EoNADE, or for --members: at most as many")
    } else if orderCount > 1 && ordering != .random {
      throw UsageError("--orders: members of several orders go with --ordering random")
    }

    let data = try DataOptions.trainingData(arguments, seed: seed)
    let configuration = options.configuration(rowCount: data.train.rowCount, seed: seed)
    func model(orderSeed: UInt64, weightSeed: UInt64) throws -> any TrainableDensity {
      switch kind {
      case .fvsbn:
        return try FVSBN(
          FVSBN.Configuration(variableCount: data.variableCount, ordering: ordering, seed: orderSeed),
          seed: weightSeed)
      case .nade:
        return try NADE(
          NADE.Configuration(
            variableCount: data.variableCount, hiddenCount: hiddenCounts[0], activation: activation,
            ordering: ordering, seed: orderSeed), seed: weightSeed)
      case .made:
        return try MADE(
          MADE.Configuration(
            variableCount: data.variableCount, hiddenCounts: hiddenCounts, activation: activation,
            hasDirectWeights: arguments.flag("direct"), isResidual: arguments.flag("residual"),
            maskCount: maskCount, trainsOnFreshMasks: arguments.flag("fresh-masks"), ordering: ordering,
            seed: orderSeed),
          seed: weightSeed)
      case .eonade:
        return try EoNADE(
          EoNADE.Configuration(
            variableCount: data.variableCount, hiddenCounts: hiddenCounts, activation: activation,
            orderCount: orderCount, ordering: ordering, seed: orderSeed),
          seed: weightSeed)
      default: throw UsageError("--model: a \(kind.rawValue) is not trained")
      }
    }
    guard memberCount > 1 else {
      return try session.start(try model(orderSeed: seed, weightSeed: seed), data, configuration)
    }
    return try session.trainMembers(memberCount, data, seed: seed, isResumed: arguments.flag("resume")) {
      member in
      let memberSeed = seed &+ UInt64(member)
      var training = configuration
      training.seed = memberSeed
      let order = isOrderAgnostic ? 0 : member % orderCount
      return (try model(orderSeed: seed &+ UInt64(order), weightSeed: memberSeed), training)
    }
  }

  private static func ordering(_ arguments: ParsedArguments, kind: ModelKind) throws -> OrderingRule {
    switch try arguments.optionalValue("ordering", as: .string) {
    case nil: kind.recommendedSettings?.ordering ?? .random
    case "random": .random
    case "resampled": .resampled
    default: .natural
    }
  }
}

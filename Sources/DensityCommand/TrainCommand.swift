import Arguments
import Autodiff
import BinaryDensity
import Essentials
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

      Cells of the tables may be missing: that they are so by chance, and not because of what stood there, is taken for \
      granted, and where it is not so what is learnt is biased. Baselines are fitted to the known cells exactly (by \
      expectation maximisation). An eonade neither sees nor is asked for a missing cell. For the other networks missing \
      cells are drawn, and drawn anew from the network, given the known ones, every few epochs (--redraw). The figure of \
      validation or test rows with missing cells is that of their known ones, estimated by draws for networks.

      A network of few rows, up to some thousand, is easily surer than the rows allow, and a tenth of them held out says \
      little about it: 'density fit' keeps from that, and is the one to use there.

      The baselines bernoulli, bernoulli-mixture and chow-liu are fitted at once, and take no options of training.

      The run's folder gets best.safetensors, last.safetensors (to resume from), history.jsonl, run.json (what it was \
      started with) and, of images and narrow tables, samples.png; the files of an earlier run in it are moved aside. \
      Ctrl-C finishes the step, writes the checkpoints and says how to resume.
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
        "ordering", placeholder: "rule", allowed: ["natural", "random", "resampled", "scans"],
        help:
          "The order of the variables: the columns' own, a random one, or another for each mask of a MADE and for each "
          + "component of an EoNADE; scans are those of pictures, along rows, then down columns, then both backwards, "
          + "then these four in a mirror, "
          + "for members or masks of several --orders. Default: "
          + "\(TrainingOptions.orderingHelp)."),
      .value(
        "masks", placeholder: "count", default: "1", help: "The number of a MADE's masks, mixed at test time."
      ),
      .value(
        "orders", placeholder: "count",
        help:
          "How many orders of the variables are mixed: of an EoNADE (default \(RecommendedSettings.eonade.orderCount)), or those "
          + "that several members, or else several masks, are spread over (default 1). With as many orders as masks the masks "
          + "differ in nothing else, and are learnt faster than those of --ordering resampled, which connect other units too."
      ),
      .flag("fresh-masks", help: "Train a MADE on a fresh mask each step instead of cycling through them."),
      .flag("direct", help: "Give a MADE direct weights from inputs to outputs."),
      .flag(
        "residual", help: "Let a MADE's hidden layers add the layer below, where both have as many units."),
      .value(
        "components", placeholder: "count", default: "500", help: "The components of a bernoulli-mixture."),
      DataOptions.data, GroupOptions.groups,
    ] + DataOptions.heldOut + [LabelOptions.labels] + LabelOptions.heldOut + [
      .flag(
        "per-class",
        help:
          "With labels: train on the rows of each class apart, in place of one network that sees the class."),
      .value(
        "discrimination", placeholder: "weight", default: "0",
        help:
          "With labels: what telling the classes apart counts, beside log p(row | class), in training a network that sees the "
          + "class. Twice the work."),
    ] + DataOptions.reading + [
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
        "steps-per-epoch", placeholder: "count",
        help: "How many steps an epoch has; rows come as often as without. Default: one pass over the table."),
      .value(
        "start", placeholder: "where", allowed: ["marginals", "zero"],
        help:
          "Where output biases begin: at the columns' frequencies or at 0. Default: at the frequencies where at "
          + "most one cell in 32 is on, else at 0."),
      .value(
        "patience", placeholder: "epochs",
        help: "Stop after this many epochs without a better validation figure. Default: never."),
      .value(
        "validate-every", placeholder: "epochs", default: "1",
        help: "Measure the validation rows after every so many epochs, and after the last."),
      .value(
        "redraw", placeholder: "epochs", default: "4",
        help: "Draw missing cells of the training rows anew after every so many epochs (not for an EoNADE)."),
      .value(
        "dropout", placeholder: "rate", default: "0",
        help: "The chance of a hidden unit to be zeroed in a step of training (not for a NADE)."),
      .value(
        "input-dropout", placeholder: "rate", default: "0",
        help: "The chance of an input to be zeroed in a step of training; a class that is seen never is."),
      .value(
        "shifts", placeholder: "share", default: "0",
        help:
          "The chance of a training row, where rows are pictures, to be moved by one pixel, up, down, to a side or along a "
          + "diagonal; each epoch draws it anew."),
      .value(
        "average", placeholder: "decay",
        help: "Keep a running average of the weights with this decay a step, such as 0.999. Default: none."),
      .value(
        "members", placeholder: "count", default: "1",
        help: "How many networks to train, one after another, into one checkpoint."),
      CommonOptions.precision,
      CommonOptions.seed(of: "initial weights, shuffles, masks and orderings"),
      CommonOptions.run("runs/ and the family's name"),
      .flag(
        "resume",
        help:
          "Go on with the run in the folder. Its data and settings are those it began with; given more epochs a finished "
          + "run goes on too, its cosine stretched over all of them."),
      .value(
        "config", placeholder: "file",
        help:
          "Do what another run did: the settings and the data of its run.json, but for those that are given here."
      ),
      .value(
        "from", placeholder: "checkpoint",
        help:
          "Begin with the network of a checkpoint, its weights and its shape, and a fresh optimizer. For each class "
          + "apart every network of the checkpoint is one to begin with."),
      CommonOptions.threads,
      CommonOptions.everyEpoch, CommonOptions.json(),
    ],
    positionals: [
      DataOptions.table(
        .oneOrNone,
        "The rows: see 'density help tables'; or a folder with MNIST's IDX files. A resumed run knows its own."
      )
    ],
    examples: [
      Command.Example("density train Data/mnist", "a NADE of 500 units on MNIST, into runs/nade"),
      Command.Example(
        "density train Data/mnist -m made --hidden 500,500 --masks 8",
        "a deep MADE over eight orderings"),
      Command.Example(
        "density train Data/mnist --members 8",
        "eight NADEs of one order, averaged conditional by conditional"),
      Command.Example(
        "density train Data/mnist --model chow-liu", "a baseline: the best tree of pairs of variables"),
      Command.Example(
        "density train Data/mnist --model eonade --hidden 500,500 --orders 16",
        "a deep network for any order, mixed over sixteen"),
      Command.Example(
        "density train table.csv --test held-out.csv --epochs 100 --patience 10", "a table of your own"
      ),
      Command.Example(
        "density train --labels Data/mnist --run runs/digits",
        "a NADE that sees the digit: 'density classify' asks it for the probabilities of all ten"),
      Command.Example(
        "density train --labels Data/mnist --per-class --from all.safetensors",
        "a density a class, each going on from the networks of all rows"),
      Command.Example("density train --resume --run runs/nade", "go on with an interrupted run"),
      Command.Example("density train --resume --run runs/nade --epochs 60", "go on with a finished one"),
      Command.Example(
        "density train --config runs/nade/run.json --seed 2 --run runs/nade2", "the same with another seed"),
    ], run: run)

  /// The options of networks and of gradients, which a baseline has none of.
  private static let networkSettings =
    [
      "epochs", "steps-per-epoch", "start", "batch", "rate", "schedule", "optimizer", "momentum",
      "weight-decay",
      "clip", "patience",
      "validate-every", "precision", "dropout", "input-dropout", "average", "redraw", "shifts", "from",
    ] + shape
  /// The options that say what a network is.
  private static let shape = [
    "hidden", "activation", "ordering", "masks", "fresh-masks", "direct", "residual", "members", "orders",
    "groups",
  ]
  /// The options that a resumed run takes from its checkpoint.
  private static let settings =
    ["model", "components", "seed"] + networkSettings.filter { $0 != "epochs" && $0 != "patience" }

  private static func run(_ typed: ParsedArguments) throws -> ExitStatus {
    let config = try typed.optionalValue("config", as: .path)
    if config != nil, typed.flag("resume") {
      throw UsageError("--config starts another run, and --resume goes on with one; leave one of them out")
    }
    let given = try config.map { try RunRecord.completing(typed, fromRecord: $0) } ?? typed
    if let path = try given.optionalValue("from", as: .path), !given.isGiven("labels") {
      return try train(from: path, given)
    }
    let directory = try directory(given, kind: try given.value("model", as: ValueFormat<ModelKind>.choice))
    let isResumed = given.flag("resume")
    let arguments = isResumed ? try RunRecord.completing(given, in: directory) : given
    let kind = try arguments.value("model", as: ValueFormat<ModelKind>.choice)
    let memberCount = try arguments.value("members", as: .integer(in: 1...10_000))
    let hasLabels = arguments.isGiven("labels")
    if isResumed && memberCount == 1 && !hasLabels {
      return try resume(given, completedBy: arguments, in: directory)
    }

    // Every option is read before any file, so that a slip of the keyboard costs no time.
    let seed = try arguments.value("seed", as: .seed)
    let componentCount = try arguments.value("components", as: .integer(in: 1...1_000_000))
    if arguments.isGiven("components") && kind != .bernoulliMixture {
      throw UsageError("--components is for a bernoulli-mixture")
    }
    try checkLabels(arguments)
    let isBaseline = ModelKind.baselines.contains(kind)
    if isBaseline, let setting = networkSettings.first(where: arguments.isGiven) {
      throw UsageError("--\(setting) says nothing with --model \(kind.rawValue), which is fitted by counting")
    }
    if hasLabels {
      return try trainLabelled(
        kind, memberCount: memberCount, componentCount: componentCount, seed: seed, isResumed: isResumed,
        given, completedBy: arguments, in: directory)
    }
    if isBaseline {
      return try fit(kind, componentCount: componentCount, seed: seed, arguments, in: directory)
    }
    let options = try TrainingOptions(arguments, kind: kind)
    let networks = try NetworkOptions(arguments, kind: kind, memberCount: memberCount)
    let data = try DataOptions.trainingData(arguments, seed: seed, keepsGroups: networks.canKeepGroups)
    let configuration = options.configuration(
      rowCount: data.trainingRowCount, startsAtMarginals: data.hasFewOnBits, seed: seed)
    func model(orderSeed: UInt64, weightSeed: UInt64) throws(DensityError) -> any TrainableDensity {
      try networks.model(
        for: data, orderIndex: Int(orderSeed &- seed), orderSeed: orderSeed, weightSeed: weightSeed)
    }
    let run = TrainingRun(in: directory, data: data)
    let monitor = RunMonitor(
      data: data, progress: ProgressLine(),
      record: try isResumed ? RunRecord(given, goingOnIn: directory) : RunRecord(arguments))
    if networks.hasPairs, let note = noteOnTrainingPairs(columnCount: data.variableCount) {
      monitor.progress.print("note: " + note)
    }
    guard memberCount > 1 else {
      let result = try run.train(
        try model(orderSeed: seed, weightSeed: seed), configuration, observing: monitor.observe(in: directory)
      )
      return try finish(result, arguments, monitor)
    }
    let result = try run.trainMembers(
      memberCount, orderCount: networks.memberOrderCount, configuration,
      isResumed: isResumed, observing: monitor.observe(in: directory), model)
    monitor.progress.finish()
    if result.summary.isInterrupted {
      monitor.progress.print("interrupted. Resume with: \(resumeLine(directory))")
      return .interrupted
    }
    try result.report(
      isJSON: arguments.flag("json"),
      headline: description(of: result.density) + "\n" + result.summary.headline, data)
    return .success
  }

  private static func directory(_ arguments: ParsedArguments, kind: ModelKind?) throws -> RunDirectory {
    RunDirectory(
      path: try arguments.optionalValue("run", as: .path) ?? "runs/\(kind?.rawValue ?? "network")")
  }

  /// Goes on with the run of a folder.
  private static func resume(
    _ given: ParsedArguments, completedBy arguments: ParsedArguments, in directory: RunDirectory
  ) throws -> ExitStatus {
    if let setting = settings.first(where: given.isGiven) {
      throw UsageError("--\(setting) cannot change in a resumed run; leave it out")
    }
    var saved = try SavedTraining(in: directory)
    try saved.extend(
      toEpochs: try given.optionalValue("epochs", as: CommonOptions.epochCount),
      patience: try given.optionalValue("patience", as: .integer(in: 1...1_000_000)))
    guard arguments.isGiven("data") else {
      throw UsageError("nothing in \(directory.path) says what the run was trained on; name the table")
    }
    let data = try DataOptions.trainingData(arguments, seed: saved.state.progress.configuration.seed)
    let monitor = RunMonitor(
      data: data, progress: ProgressLine(), record: try RunRecord(given, goingOnIn: directory))
    let result = try TrainingRun(in: directory, data: data).resume(
      saved, observing: monitor.observe(in: directory))
    return try finish(result, arguments, monitor)
  }

  /// Refuses what a checkpoint to begin with says by itself.
  static func checkStart(_ arguments: ParsedArguments) throws(UsageError) {
    if let setting = (["model", "components", "start"] + shape).first(where: arguments.isGiven) {
      throw UsageError("--\(setting) does not go with --from, which says what is trained")
    }
  }

  /// Trains a network that begins as that of a checkpoint.
  private static func train(from path: String, _ arguments: ParsedArguments) throws -> ExitStatus {
    try checkLabels(arguments)
    try checkStart(arguments)
    if arguments.flag("resume") {
      throw UsageError("--resume goes on with what the run began with; leave --from out")
    }
    let seed = try arguments.value("seed", as: .seed)
    let checkpoint = try Checkpoint(contentsOf: path)
    let model = checkpoint.model
    guard let model = model as? any TrainableDensity, let kind = model.kindOfNetwork else {
      throw DensityError.mismatch(
        path: path, expected: "a network to go on training", found: "a \(familyName(of: model))")
    }
    let options = try TrainingOptions(arguments, kind: kind)
    let data = try DataOptions.trainingData(arguments, seed: seed, matching: checkpoint)
    let configuration = options.configuration(
      rowCount: data.trainingRowCount, startsAtMarginals: false, seed: seed)
    let directory = try directory(arguments, kind: kind)
    let monitor = RunMonitor(data: data, progress: ProgressLine(), record: RunRecord(arguments))
    let result = try TrainingRun(in: directory, data: data).train(
      model, configuration, observing: monitor.observe(in: directory))
    return try finish(result, arguments, monitor)
  }

  /// Says how the run of one network ended.
  private static func finish(
    _ result: RunResult, _ arguments: ParsedArguments, _ monitor: RunMonitor
  ) throws -> ExitStatus {
    let progress = monitor.progress
    progress.finish()
    let directory = RunDirectory(path: result.summary.directory)
    guard let network = result.summary.networks.first else { preconditionFailure("nothing was trained") }
    switch network.outcome {
    case .stopped:
      progress.print(
        "interrupted; \(directory.last) holds epoch \(network.epochCount), step \(network.stepCount). "
          + "Resume with: \(resumeLine(directory))")
      return .interrupted
    case .outOfPatience: progress.print("no better validation figure since epoch \(network.bestEpoch)")
    case .finished: break
    }
    guard !result.summary.isInterrupted else {
      progress.print("interrupted while measuring; \(directory.best) is complete")
      return .interrupted
    }
    try result.report(
      isJSON: arguments.flag("json"), headline: result.summary.headline, monitor.data)
    return .success
  }

  /// Fits a baseline.
  private static func fit(
    _ kind: ModelKind, componentCount: Int, seed: UInt64, _ arguments: ParsedArguments,
    in directory: RunDirectory
  ) throws -> ExitStatus {
    let data = try DataOptions.trainingData(arguments, seed: seed)
    let monitor = RunMonitor(data: data, progress: ProgressLine(), record: RunRecord(arguments))
    if kind == .chowLiu,
      let note = noteOnCountingPairs(
        columnCount: data.variableCount, hasMissing: data.partialRows(.train) != nil)
    {
      monitor.progress.print("note: " + note)
    }
    let result = try TrainingRun(in: directory, data: data).fit(
      kind, componentCount: componentCount, seed: seed
    ) { (event) throws(DensityError) in
      let goesOn = try monitor.observe(in: directory)(event)
      if case .prepared = event { monitor.introduceData() }
      return goesOn
    }
    monitor.progress.finish()
    monitor.progress.print(description(of: result.density))
    guard !result.summary.isInterrupted else {
      monitor.progress.print("interrupted; \(directory.best) is what there was by then")
      return .interrupted
    }
    try result.report(
      isJSON: arguments.flag("json"), headline: result.summary.headline, monitor.data)
    return .success
  }

  /// What to type to go on; what the run is trained on stands in its folder.
  static func resumeLine(_ directory: RunDirectory) -> String {
    shellLine(["density", "train", "--resume", "--run", argument(ofPath: directory.path)])
  }
}

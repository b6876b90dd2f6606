import Arguments
import BinaryDensity

/// The command `density reproduce`.
enum ReproduceCommand {
  static let command = Command(
    name: "reproduce",
    summary: "Train a published model on binarized MNIST, and compare.",
    discussion: """
      Prints the published test figure beside the one obtained. The run's folder keeps checkpoints: an interrupted \
      reproduction goes on when it is started again, and a finished one is only measured. Families, sizes and \
      numbers of masks and orders are the published ones; training is ours (Adam with weight decay, chosen on the validation rows) unless \
      --published-training asks for the paper's.
      """,
    options: [
      .flag("list", help: "List the results that can be reproduced."),
      .value(
        "data", short: "d", placeholder: "path", default: "Data/mnist",
        help: "The folder of MNIST's IDX files."),
      .flag(
        "published-training",
        help: "Train with the paper's optimizer and rate, in minibatches: takes much longer."),
      CommonOptions.precision,
      CommonOptions.epochs("enough"),
      CommonOptions.seed(),
      CommonOptions.run("one below runs/reproduce"),
      CommonOptions.threads,
      CommonOptions.everyEpoch, CommonOptions.json(),
    ],
    positionals: [Positional("name", arity: .oneOrNone, help: "Which result; --list names them.")],
    examples: [
      Command.Example("density reproduce --list", "what there is"),
      Command.Example("density reproduce made-500", "a MADE of 500 units, in some minutes"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    guard let name = try arguments.optionalValue("name", as: .string) else {
      try list(isAsked: arguments.flag("list"), isJSON: arguments.flag("json"))
      return .success
    }
    guard let item = Reproduction.all.first(where: { $0.name == name }) else {
      throw UsageError("no result is called \(name); there are \(names)")
    }
    let seed = try arguments.value("seed", as: .seed)
    let isPublished = arguments.flag("published-training")
    guard var training = isPublished ? item.publishedTraining : item.training else {
      throw UsageError("--published-training is not for \(name): its paper's training is not built in")
    }
    training.seed = seed
    training.precision = try TrainingOptions.precision(arguments, for: item.kind)
    if let epochs = try arguments.optionalValue("epochs", as: CommonOptions.epochCount) {
      training.epochCount = epochs
    }
    let directory = RunDirectory(
      path: try arguments.optionalValue("run", as: .path)
        ?? "runs/reproduce/\(item.folder)\(isPublished ? "-published" : "")")
    let data = try DataSplits.mnist(directory: try arguments.value("data", as: .path))
    let progress = ProgressLine()
    let monitor = RunMonitor(data: data, progress: progress, isIntroduced: false)
    progress.print("\(item.summary): published test NLL \(fixed(item.publishedNLL, 2)), \(item.source)")
    let result = try item.run(in: directory, data: data, training, observing: monitor.observe)
    progress.finish()
    guard !result.summary.isInterrupted else {
      progress.print("interrupted; the same command goes on")
      return .interrupted
    }
    try report(item, result.summary, isJSON: arguments.flag("json"))
    return .success
  }

  private static let names = Reproduction.all.map(\.name).joined(separator: ", ")

  /// Prints what can be reproduced.
  private static func list(isAsked: Bool, isJSON: Bool) throws {
    guard isAsked else { throw UsageError("which result? One of \(names); --list explains them") }
    if isJSON {
      let items = Reproduction.all.map { item in
        [
          "name": .string(item.name), "published_nll": .real(item.publishedNLL),
          "summary": .string(item.summary), "source": .string(item.source),
        ] as JSONValue
      }
      return try printJSON(command, [], rows: "items", items)
    }
    let width = Reproduction.all.map(\.name.count).max() ?? 0
    for item in Reproduction.all {
      let name = item.name + String(repeating: " ", count: width - item.name.count)
      try Terminal.print("\(name)  \(fixed(item.publishedNLL, 2))  \(item.summary) (\(item.source))")
    }
  }

  /// Prints what was published beside what was obtained.
  private static func report(_ item: Reproduction, _ summary: RunSummary, isJSON: Bool) throws {
    guard let measurement = summary.measurements.first else { preconditionFailure("MNIST has test rows") }
    guard !isJSON else {
      let object: [JSONValue.Member] =
        [
          .init(key: "name", value: .string(item.name)), .init(key: "source", value: .string(item.source)),
          .init(key: "published_nll", value: .real(item.publishedNLL)),
        ] + measurement.members
      return try printJSON(command, object)
    }
    let figures = measurement.summary
    try Terminal.print(
      "\(item.name): published \(fixed(item.publishedNLL, 2)), obtained "
        + "\(withError(figures.negativeLogLikelihood, figures.standardError, 2)) nats "
        + "on \(figures.rowCount) test rows")
    try Terminal.print("model  \(RunDirectory(path: summary.directory).best)")
  }
}

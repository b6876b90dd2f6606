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
      CommonOptions.json(),
    ],
    positionals: [Positional("name", arity: .oneOrNone, help: "Which result; --list names them.")],
    examples: [
      Command.Example("density reproduce --list", "what there is"),
      Command.Example("density reproduce made-500", "a MADE of 500 units, in some minutes"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let names = Reproduction.all.map(\.name)
    guard let name = try arguments.optionalValue("name", as: .string) else {
      guard arguments.flag("list") else {
        throw UsageError("which result? One of \(names.joined(separator: ", ")); --list explains them")
      }
      let width = names.map(\.count).max() ?? 0
      for item in Reproduction.all {
        try Terminal.print(
          item.name + String(repeating: " ", count: width - item.name.count + 2) + fixed(item.published, 2)
            + "  "
            + item.summary + " (\(item.source))")
      }
      return .success
    }
    guard let item = Reproduction.all.first(where: { $0.name == name }) else {
      throw UsageError("no result is called \(name); there are \(names.joined(separator: ", "))")
    }
    let seed = try arguments.value("seed", as: .seed)
    let isPublished = arguments.flag("published-training")
    guard var training = isPublished ? item.publishedTraining : item.training else {
      throw UsageError("--published-training is not for \(name): its paper's training is not built in")
    }
    training.seed = seed
    if let epochs = try arguments.optionalValue("epochs", as: .integer(in: 1...1_000_000)) {
      training.epochCount = epochs
    }
    let directory = RunDirectory(
      path: try arguments.optionalValue("run", as: .path)
        ?? "runs/reproduce/\(item.folder)\(isPublished ? "-published" : "")")
    let data = try DataSplits.mnist(directory: try arguments.value("data", as: .path))
    let progress = ProgressLine()
    let session = Session(
      arguments: arguments, directory: directory, progress: progress, isJSON: arguments.flag("json"))
    progress.print("\(item.summary): published test NLL \(fixed(item.published, 2)), \(item.source)")
    let model = try item.model(data.variableCount, seed)
    training.precision = try TrainingOptions.precision(arguments, for: model.kind)
    guard var best = try session.trainMember(model, training, data, in: directory, isResumed: true) else {
      progress.print("interrupted; the same command goes on")
      return .interrupted
    }
    if let orderCount = item.orderCount, let eonade = best as? EoNADE {
      best = try eonade.withOrders(count: orderCount)
    }
    guard let test = data.test else { preconditionFailure("MNIST has test rows") }
    let measurement = Measurement(best, test, split: "test") {
      progress.update("measuring test rows", fraction: $0)
    }
    progress.finish()
    if arguments.flag("json") {
      let object: [JSONValue.Member] =
        [
          .init(key: "name", value: .string(item.name)), .init(key: "source", value: .string(item.source)),
          .init(key: "published_nll", value: .real(item.published)),
        ] + measurement.members
      try Terminal.print(JSONValue.object(object).indentedDescription)
    } else {
      try Terminal.print(
        "\(item.name): published \(fixed(item.published, 2)), obtained "
          + "\(fixed(measurement.summary.negativeLogLikelihood, 2)) ± "
          + "\(fixed(measurement.summary.standardError, 2)) nats on \(measurement.summary.rowCount) test rows"
      )
      try Terminal.print("model  \(directory.best)")
    }
    return .success
  }
}

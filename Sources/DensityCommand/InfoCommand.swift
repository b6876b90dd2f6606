import Arguments
import Autodiff
import BinaryDensity

/// The command `density info`.
enum InfoCommand {
  static let command = Command(
    name: "info",
    summary: "Describe a checkpoint.",
    discussion:
      "Prints the family, the configuration, the parameters and, if it can be resumed, the training's state.",
    options: [
      .flag("graph", help: "Print the equations of log p(x) with the shapes of all values."),
      .flag("json", help: "Print the description as JSON."),
    ],
    positionals: [Positional("checkpoint", help: "The checkpoint, a .safetensors file.")],
    examples: [
      Command.Example("density info runs/nade/last.safetensors", "what it holds"),
      Command.Example("density info runs/nade/best.safetensors --graph", "how it computes"),
    ])

  static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.value("checkpoint", as: .path)
    let checkpoint = try Checkpoint(contentsOf: path)
    let model = checkpoint.model
    if arguments.flag("json") {
      var object = try members(describing: model)
      object.append(.init(key: "variables", value: .integer(model.variableCount)))
      object.append(
        .init(
          key: "arrays",
          value: .object(
            zip(model.parameters.names, model.parameters.matrices).map { name, matrix in
              .init(key: name, value: [.integer(matrix.rowCount), .integer(matrix.columnCount)])
            })))
      if let training = checkpoint.training {
        object.append(
          .init(
            key: "training",
            value: try JSONValue(
              parsing: Array(Checkpoint.encode(training.progress).utf8)[...], path: "training")))
      }
      try Terminal.print(JSONValue.object(object).indentedDescription)
      return .success
    }
    try Terminal.print(description(of: model))
    try Terminal.print("configuration  \(Checkpoint.encode(model.configuration))")
    for (name, matrix) in zip(model.parameters.names, model.parameters.matrices) {
      try Terminal.print("  \(name)  \(matrix.rowCount) × \(matrix.columnCount)")
    }
    if let progress = checkpoint.training?.progress {
      try Terminal.print(
        "training       \(progress.epoch) of \(progress.configuration.epochCount) epochs, step \(progress.step), "
          + "\(durationText(seconds: progress.seconds)) on \(progress.data.name)")
      if let best = progress.bestValidation {
        try Terminal.print(
          "best           validation NLL \(fixed(best, 3)) nats at epoch \(progress.bestEpoch)")
      }
      try Terminal.print("               \(Checkpoint.encode(progress.configuration))")
    }
    if arguments.flag("graph") {
      var graph = Graph()
      _ = logProbability(of: model, in: &graph)
      try Terminal.print(graph)
    }
    return .success
  }

  private static func logProbability(
    of model: some AutoregressiveModel, in graph: inout Graph
  ) -> Graph.Value {
    let x = graph.input("x", columns: model.variableCount, isSparse: true)
    return model.logProbability(of: x, in: &graph)
  }
}

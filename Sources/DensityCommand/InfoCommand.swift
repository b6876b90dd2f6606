import Arguments
import Autodiff
import BinaryDensity

/// The command `density info`.
enum InfoCommand {
  static let command = Command(
    name: "info",
    summary: "Describe a checkpoint.",
    discussion:
      "Prints the family, the configuration, the parameters and, if it can be resumed, the training's state. Only the "
      + "header of the file is read, so a checksum is not verified; every command that uses the model does that.",
    options: [
      .flag(
        "graph",
        help:
          "Print the equations of log p(x), of an EoNADE those of its training, with the shapes of all values."
      ),
      .flag("names", help: "Print the names of all columns instead, each with its number."),
      CommonOptions.json("description"),
    ],
    positionals: [Positional("checkpoint", help: "The checkpoint, a .safetensors file.")],
    examples: [
      Command.Example("density info runs/nade/last.safetensors", "what it holds"),
      Command.Example("density info runs/nade/best.safetensors --graph", "how it computes"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.value("checkpoint", as: .path)
    let outline = try CheckpointOutline(contentsOf: path)
    let checkpoint = outline.checkpoint
    let model = checkpoint.model
    if arguments.flag("names"), !arguments.flag("json") {
      guard let names = checkpoint.columnNames else {
        throw UsageError("the columns have no names; they are #1 to #\(model.variableCount)")
      }
      for (column, name) in names.enumerated() { try Terminal.print("#\(column + 1) \(name.onOneLine)") }
      return .success
    }
    if arguments.flag("json") {
      var object = try members(describing: model)
      object.append(.init(key: "variables", value: .integer(model.variableCount)))
      object.append(
        .init(key: "precision", value: .string(outline.isInHalfPrecision ? "half" : "single")))
      object.append(
        .init(
          key: "arrays",
          value: .object(
            outline.arrays.map { .init(key: $0.name, value: .array($0.shape.map(JSONValue.integer))) })))
      if let names = checkpoint.columnNames {
        object.append(.init(key: "columns", value: .array(names.map(JSONValue.string))))
      }
      if let reading = checkpoint.reading {
        object.append(.init(key: "reading", value: try JSONValue(encoding: reading)))
      }
      if let provenance = checkpoint.provenance {
        object.append(.init(key: "provenance", value: try JSONValue(encoding: provenance)))
      }
      object.append(.init(key: "checksum", value: outline.hasChecksum ? "not verified" : nil))
      if let training = checkpoint.training {
        object.append(.init(key: "training", value: try JSONValue(encoding: training.progress)))
      }
      try printJSON(command, object)
      return .success
    }
    try Terminal.print(description(of: model))
    let tree = try ModelTree(of: model)
    for line in tree.lines() { try Terminal.print("  " + line) }
    if outline.isInHalfPrecision { try Terminal.print("precision      half precision, 16 bits a parameter") }
    if let provenance = checkpoint.provenance {
      try Terminal.print("made of        \(Terminal.visible("\(provenance)", limit: 400))")
    }
    let shapes = outline.arrays.map { name, shape in
      "\(Terminal.visible(name, limit: 200)) \(shape.map(String.init).joined(separator: " × "))"
    }
    let few = shapes.count <= 8 ? shapes.joined(separator: ", ") : "\(shapes.count); --json has all"
    try Terminal.print("arrays         \(few)")
    if let names = checkpoint.columnNames {
      let shown = names.prefix(8).map { quoted($0.utf8) }.joined(separator: ", ")
      try Terminal.print(
        "columns        \(shown)\(names.count > 8 ? ", and \(names.count - 8) more: --names has all" : "")")
    }
    if let reading = checkpoint.reading {
      try Terminal.print("reading        \(Checkpoint.encode(reading))")
    }
    try Terminal.print(
      "checksum       \(outline.hasChecksum ? "there; not verified, since only the header was read" : "none")"
    )
    if let progress = checkpoint.training?.progress {
      try Terminal.print(
        "training       \(progress.epoch) of \(progress.configuration.epochCount) epochs, step \(progress.step), "
          + "\(durationText(seconds: progress.seconds)) on \(Terminal.visible(progress.data.name, limit: 200))"
      )
      if let best = progress.bestValidationNLL {
        try Terminal.print(
          "best           validation NLL \(fixed(best, 3)) nats at epoch \(progress.bestEpoch)")
      }
      try Terminal.print("               \(Checkpoint.encode(progress.configuration))")
    }
    if arguments.flag("graph") {
      switch model {
      case let model as any NetworkDensity:
        var graph = Graph()
        _ = logProbability(of: model, in: &graph)
        try Terminal.print(graph)
      case let model as any TrainableDensity: try Terminal.print(model.trainingGraph)
      default: throw UsageError("--graph is for a single model; \(path) holds a \(familyName(of: model))")
      }
    }
    return .success
  }

  private static func logProbability(
    of model: some NetworkDensity, in graph: inout Graph
  ) -> Graph.Value {
    let x = graph.input("x", columns: model.variableCount, isSparse: true)
    return model.logProbability(of: x, in: &graph)
  }
}

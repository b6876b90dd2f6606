import Arguments
import BinaryDensity
import Kernels

/// The command `density import`.
enum ImportCommand {
  static let command = Command(
    name: "import",
    summary: "Make a checkpoint of another library's network.",
    discussion: """
      Reads a PyTorch state dict of a MADE, a NADE or an FVSBN, kept as safetensors in F16, BF16, F32 or F64; FORMAT.md \
      lists the names it knows. Which connections a MADE has is what its mask buffers say, or else which weights are \
      not zero.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path", isRequired: true,
        help: "The checkpoint to write, a .safetensors file."),
      .value(
        "activation", placeholder: "f", allowed: Activation.allCases.map(\.rawValue),
        help:
          "What hidden units apply, if the file does not say it. Default: relu for a MADE, sigmoid for a NADE."
      ),
    ],
    positionals: [Positional("file", help: "The state dict, a .safetensors file.")],
    examples: [
      Command.Example(
        "density import made.safetensors -o model.safetensors",
        "what safetensors.torch.save_file wrote of model.state_dict()")
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try arguments.value("output", as: .path)
    let activation = try arguments.optionalValue("activation", as: ValueFormat<Activation>.choice)
    let path = try arguments.value("file", as: .path)
    try AtomicFile.checkWritable(output, besides: [path])
    let network = try PyTorchImport(contentsOf: path, activation: activation)
    try Checkpoint(model: network.model).write(to: output)
    try Terminal.print(description(of: network.model))
    for assumption in network.assumptions { try Terminal.print("assumed: \(assumption)") }
    return .success
  }
}

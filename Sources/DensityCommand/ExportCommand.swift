import Arguments
import BinaryDensity

/// The command `density export`.
enum ExportCommand {
  static let command = Command(
    name: "export",
    summary: "Write a network for another library.",
    discussion: """
      A MADE of one mask set, a NADE or an FVSBN becomes a PyTorch state dict, kept as safetensors; FORMAT.md lists \
      its arrays. A checkpoint itself is safetensors too, which other programs can read by that list.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path", isRequired: true,
        help: "Where to write, a .safetensors file."),
      .value(
        "to", placeholder: "library", default: "pytorch", allowed: ["pytorch"],
        help: "Whose names and shapes the arrays get."),
    ],
    positionals: [Positional("checkpoint", help: "The trained model, a .safetensors file.")],
    examples: [
      Command.Example(
        "density export runs/made/best.safetensors -o made.safetensors --to pytorch",
        "safetensors.torch.load_file reads it as a state dict")
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let output = try arguments.value("output", as: .path)
    let path = try arguments.value("checkpoint", as: .path)
    try AtomicFile.checkWritable(output, besides: [path])
    let checkpoint = try Checkpoint(contentsOf: path)
    try PyTorch.export(checkpoint.model, to: output)
    return .success
  }
}

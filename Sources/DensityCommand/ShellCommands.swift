import Arguments

/// What `make install` puts beside the program: completions for shells, and a page for `man`.
enum ShellCommands {
  static let completions = Command(
    name: "completions",
    summary: "Print what lets a shell complete commands and options.",
    discussion: """
      'make install' puts it where bash and fish look; zsh looks in the folders of $fpath, to which \
      ~/.local/share/zsh/site-functions is to be added before compinit. By hand: eval "$(density completions bash)" in ~/.bashrc; \
      for zsh into a file _density of a folder of $fpath; for fish into ~/.config/fish/completions/density.fish.
      """,
    positionals: [Positional("shell", choices: Shell.allCases.map(\.rawValue), help: "bash, zsh or fish.")],
    examples: [
      Command.Example("density completions bash > density.bash", "to be read by ~/.bashrc")
    ]
  ) { arguments in
    guard let shell = Shell(rawValue: try arguments.value("shell", as: .string)) else { return .usage }
    try Terminal.writeToStandardOutput(Array(program.completions(for: shell).utf8))
    return .success
  }

  static let manual = Command(
    name: "manual", summary: "Print the page for man.",
    examples: [Command.Example("density manual > density.1 && man ./density.1", "to read it at once")]
  ) { _ in
    try Terminal.writeToStandardOutput(Array(program.manualPage.utf8))
    return .success
  }
}

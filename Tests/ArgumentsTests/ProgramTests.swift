import Arguments
import Testing

@Suite("Programs")
struct ProgramTests {
  private let program = Program(
    name: "density", summary: "Density estimation.", discussion: "More about it.", version: "1.0",
    commands: [train, paint])

  /// What a command line shows, or the name of the command it runs.
  private func outcome(_ line: String...) throws -> String {
    switch try program.parse(line) {
    case .show(let text): text
    case .run(let arguments): arguments.command.name
    }
  }

  @Test("A command is found by its name, and carried out by itself")
  func run() throws {
    #expect(try outcome("paint", "-o", "x") == "paint")
    for (line, status) in [(["paint", "-o", "x"], ExitStatus.usage), (["paint", "-o", "x", "y"], .success)] {
      guard case .run(let arguments) = try program.parse(line) else {
        Issue.record("\(line) runs nothing")
        return
      }
      #expect(try arguments.command.run(arguments) == status)
      #expect(arguments.declares("out") && arguments.declares("name") && !arguments.declares("json"))
    }
  }

  @Test("Help is found wherever one looks for it")
  func help() throws {
    for line in [["--help"], ["-h"], ["help"]] {
      guard case .show(program.help()) = try program.parse(line) else {
        Issue.record("\(line) shows no help")
        return
      }
    }
    let commandHelp = train.help(in: "density")
    #expect(try outcome("help", "train") == commandHelp)
    #expect(try outcome("train", "-h") == commandHelp)
    #expect(try outcome("train", "--nonsense", "--epochs", "--help") == commandHelp)
    #expect(throws: UsageError("unknown option --nonsense")) {
      try outcome("train", "--nonsense", "--", "--help")
    }
    #expect(try outcome("--version") == "density 1.0\n")
    #expect(try outcome() == program.help())
  }

  @Test(
    "No such command",
    arguments: [
      (["trian"], "unknown command 'trian'; did you mean train?"),
      (["help", "pain"], "unknown command 'pain'; did you mean paint?"),
      (["tr"], "unknown command 'tr'; did you mean train?"),
      (["sing"], "unknown command 'sing'; there are train, paint"),
      (["--json", "train"], "unknown option --json; a command comes first, as in 'density help'"),
    ])
  func unknown(line: [String], message: String) {
    #expect(throws: UsageError(message)) { try program.parse(line) }
  }

  @Test("The help of a program, letter by letter")
  func programHelp() {
    #expect(
      program.help() == """
        Density estimation.

        Usage:
          density <command> [options]

        More about it.

        Commands:
          train  Fit a model to a data set.
          paint  Paint.

        'density <command> --help' tells more of a command.

        """)
  }

  @Test("The help of a command, letter by letter")
  func commandHelp() {
    #expect(
      train.help(in: "density") == """
        Fit a model to a data set.

        Usage:
          density train [options] <data> [<more>...]

        Reads the rows, fits the model and writes a checkpoint after every epoch, so
        that work broken off can be resumed.

        Figures go to standard output.

        Arguments:
          <data>  The rows to fit.
          <more>  Further rows.

        Options:
          -m, --model <kind>     Which model to fit. (one of fvsbn, nade, made; default:
                                 nade)
              --hidden <counts>  Hidden units a layer. (default: 500)
          -e, --epochs <count>   How often to pass over the rows. (default: 20)
              --rate <number>    The step size.
              --seed <integer>   The seed of all random numbers. (default: 1)
              --time <duration>  When to stop.
              --tag <text>       A word to remember the run by. (may be repeated)
              --color <name>     A choice.
              --validation-row-count <rows>
                                 How many of the last rows to keep for validation.
              --json             Print the figures as JSON.
          -q, --quiet            Say nothing on standard error but what goes wrong.
          -h, --help             Show this help.

        Examples:
          density train digits.gz
              fits NADE with 500 hidden units
          density train -m made --hidden 500,500 --epochs 100 digits.gz more-digits.gz
              takes longer

        """)
    #expect(train.help(in: "density").split(separator: "\n").allSatisfy { $0.count <= 80 })
    // Lines to be typed and long words stay whole; all else fits a narrow terminal, and fills a wide one.
    let narrow = train.help(in: "density", width: 40).split(separator: "\n")
    #expect(
      narrow.filter { $0.count > 40 }.allSatisfy {
        $0.hasPrefix("  density ") || $0.hasPrefix("      --valid")
      })
    #expect(train.help(in: "density", width: 120).split(separator: "\n").contains { $0.count > 80 })
  }

  @Test("What is required stands in the usage line")
  func requiredHelp() {
    let help = paint.help(in: "density")
    #expect(help.contains("\n  density paint --out <file> [options] [<name>]\n"))
    #expect(help.contains("  -o, --out <file>  Where to. (required)\n"))
    let narrow = paint.help(in: "density", width: 36)
    #expect(narrow.contains("\n  density paint --out <file>\n      [options] [<name>]\n"))
  }

  @Test("Statuses are those of sysexits")
  func statuses() {
    #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 64, 65, 66, 70, 73, 74, 130])
  }
}

@Suite("Suggestions")
struct SuggestionTests {
  @Test(
    "The distance of two words",
    arguments: [
      ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("hiden", "hidden", 1),
      ("hidden", "hiden", 1),
      ("trian", "train", 1), ("ca", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("abcd", "badc", 2),
      ("made", "nade", 1), ("é", "e", 1),
    ])
  func distance(first: String, second: String, edits: Int) {
    #expect(Suggestion.distance(first, second) == edits)
    #expect(Suggestion.distance(second, first) == edits)
  }

  @Test(
    "The nearest candidate",
    arguments: [
      ("hiden", "hidden"), ("epocs", "epochs"), ("see", "seed"), ("batchsize", "batch-size"), ("vald", nil),
      ("bat", "batch-size"), ("b", nil), ("zzz", nil), ("", nil), ("se", "seed"), ("hi", "hidden"),
      ("ep", nil),
    ])
  func nearest(word: String, candidate: String?) {
    let candidates = ["hidden", "epochs", "epsilon", "seed", "batch-size", "validation"]
    #expect(Suggestion.nearest(to: word, among: candidates) == candidate)
  }

  @Test("Of equally near candidates the first is suggested")
  func ties() { #expect(Suggestion.nearest(to: "kade", among: ["fvsbn", "nade", "made"]) == "nade") }
}

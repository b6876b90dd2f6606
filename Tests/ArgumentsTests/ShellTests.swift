import Arguments
import Foundation
import Testing

/// What is declared of a program once is what shells and `man` know of it.
@Suite("Completions and the manual page")
struct ShellTests {
  private static let read = Command(
    name: "read", summary: "Read a table: rows of 0 and 1.",
    discussion: "It's read once.\n\n'.hidden' files are not.",
    options: [
      .value("data", short: "d", placeholder: "path", help: "The same as <table>."),
      .value(
        "format", placeholder: "name", allowed: ["csv", "npy"],
        help: "How it's written. Default: told [by it]."),
      .flag("json", help: "As JSON — not text."),
    ],
    positionals: [Positional("table", alias: "data", help: "The table.")],
    examples: [Command.Example("tables read a\\b.csv", "one table")]
  ) { _ in .success }
  private static let teach = Command(
    name: "teach", summary: "Teach a shell.",
    positionals: [Positional("shell", choices: ["bash", "zsh"], help: "Which.")]
  ) { _ in .success }
  private static let program = Program(
    name: "tables", summary: "Tables.", version: "1.0", commands: [read, teach],
    topics: [HelpTopic(name: "forms", summary: "The forms.", sections: [.paragraphs("There are two.")])])

  @Test("an argument may be given as an option, but once")
  func alias() throws {
    for line in [["t.csv"], ["--data", "t.csv"], ["-d=t.csv"]] {
      let parsed = try Self.read.parse(line)
      #expect(try parsed.value("table", as: .path) == "t.csv" && parsed.value("data", as: .path) == "t.csv")
      #expect(parsed.isGiven("table") && parsed.isGiven("data"))
      #expect(parsed.optionWords { _ in true } == ["--data=t.csv"])
    }
    #expect(throws: UsageError("<table> and --data are the same; give one of them")) {
      try Self.read.parse(["t.csv", "--data", "u.csv"])
    }
    #expect(throws: UsageError("missing argument <table>")) { try Self.read.parse([]) }
  }

  @Test("an argument is one of the words to choose from")
  func choices() throws {
    #expect(try Self.teach.parse(["zsh"]).value("shell", as: .string) == "zsh")
    #expect(throws: UsageError("<shell>: expected one of bash, zsh, found 'bsh'; did you mean bash?")) {
      try Self.teach.parse(["bsh"])
    }
  }

  /// Runs a script by a shell; nil if there is no such shell.
  private func run(_ shell: String, _ script: String) throws -> (status: Int32, output: String)? {
    guard let path = ["/bin/", "/usr/bin/"].map({ $0 + shell }).first(where: FileManager.default.fileExists)
    else {
      return nil
    }
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: path)
    process.arguments = ["-c", script]
    process.standardOutput = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test(
    "bash completes commands, options, and the values to choose from",
    arguments: [
      ("re", "read"), ("", "read teach help"), ("read --", "--data --format --json --quiet --help"),
      ("read --f", "--format"),
      ("read --format ", "csv npy"), ("read --format n", "npy"), ("read t", ""), ("teach z", "zsh"),
      ("teach -", "--quiet -q --help -h"), ("help ", "read teach forms"),
    ])
  func bash(typed: String, completed: String) throws {
    let words = typed.split(separator: " ", omittingEmptySubsequences: false).map { "\"\($0)\"" }
    let script =
      Self.program.completions(for: .bash) + """
        COMP_WORDS=(tables \(words.joined(separator: " "))); COMP_CWORD=\(words.count); _tables
        echo -n "${COMPREPLY[*]}"
        """
    guard let result = try run("bash", script) else { return }
    #expect(result.status == 0 && result.output == completed)
  }

  @Test("the scripts of zsh and fish name every command, option and value")
  func others() throws {
    let zsh = Self.program.completions(for: .zsh)
    #expect(zsh.hasPrefix("#compdef tables\n") && zsh.contains("'read:Read a table\\: rows of 0 and 1.'"))
    #expect(
      zsh.contains("'--format[How it'\\''s written.]:name:(csv npy)' \\")
        && zsh.contains("'-d[The same as <table>.]:path:_files'"))
    #expect(zsh.contains("'1:shell:(bash zsh)' ;;"))
    if let result = try run(
      "zsh", "compdef() { :; }; _arguments() { :; }; CURRENT=3 words=(tables read x)\n" + zsh)
    {
      #expect(result.status == 0)
    }
    let fish = Self.program.completions(for: .fish)
    #expect(
      fish.contains(
        "-n '__fish_seen_subcommand_from read' -l format -x -a 'csv npy' -d 'How it\\'s written.'"))
    #expect(
      fish.contains("-l data -s d -r -d") && fish.contains("-a read -d 'Read a table: rows of 0 and 1.'"))
  }

  @Test("the manual page has what the help has, in roff that cannot be taken for a request")
  func manual() {
    let page = Self.program.manualPage
    #expect(page.hasPrefix(".TH TABLES 1"))
    #expect(
      page.contains("\n\\(aq.hidden\\(aq files are not.\n") && page.contains("As JSON \\[u2014] not text."))
    #expect(page.contains("\n.B \\-d, \\-\\-data <path>\n") && page.contains("tables read a\\eb.csv"))
    #expect(page.contains(".SH \"TABLES READ\"") && page.contains("There are two."))
    #expect(page.utf8.allSatisfy { $0 < 128 })
  }
}

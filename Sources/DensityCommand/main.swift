import Arguments
import BinaryDensity
import Essentials

// Its type is written out, for commands that print what is declared here refer to it.
let program: Program = Program(
  name: "density",
  summary: "Exact densities of binary vectors: train, evaluate, sample.",
  discussion: "Log-probabilities are in nats unless a name says bits.",
  version: Provenance.currentVersion,
  commands: [
    TrainCommand.command, FitCommand.command, DistillCommand.command, ReproduceCommand.command,
    EvaluateCommand.command,
    SampleCommand.command,
    LogProbCommand.command, ScoreCommand.command, ExplainCommand.command, CalibrationCommand.command,
    CompareCommand.command, DependenceCommand.command, ReportCommand.command, QueryCommand.command,
    MarginalCommand.command,
    ModeCommand.command, ImputeCommand.command, ClassifyCommand.command,
    InfoCommand.command, ExportCommand.command, ImportCommand.command, DescribeCommand.command,
    ConvertCommand.command, PackCommand.command, CompressCommand.command, DecompressCommand.command,
    MergeCommand.command, ShellCommands.completions, ShellCommands.manual,
  ],
  topics: [TableHelp.topic, QueryHelp.topic, JSONHelp.topic])

/// Carries out a command line; what goes wrong is one line on standard error and a status.
func status(of arguments: [String]) -> ExitStatus {
  do {
    switch try program.parse(arguments, helpWidth: Terminal.helpColumnCount) {
    case .show(let text):
      try Terminal.writeToStandardOutput(Array(text.utf8))
      return .success
    case .run(let parsed):
      if parsed.isQuiet { Terminal.quieten() }
      if parsed.isVerbose { Terminal.tellAll() }
      try CommonOptions.setThreads(parsed)
      return try parsed.command.run(parsed)
    }
  } catch {
    // Of the processes of a job all have the same command line, and one complains of it.
    if error is UsageError, arguments.first == "fit", MPICommunicator.launched?.rank ?? 0 > 0 {
      return .usage
    }
    // What an error quotes comes from anywhere.
    Terminal.writeToStandardError("density: \(Terminal.visible("\(error)", limit: 2000))\n")
    switch error {
    case is UsageError: return .usage
    case let error as DensityError: return ExitStatus(error)
    case is OutputError: return .inputOutput
    default: return .internalError
    }
  }
}

// The runtime aborts, after a line that says so, when it gets no memory; a trace of the program would add nothing.
signal(SIGABRT) { _ in _exit(71) }
// A file that grows beyond the process's limit is then an error like any other.
signal(SIGXFSZ, SIG_IGN)

let arguments = Array(CommandLine.arguments.dropFirst())
let result = status(of: arguments)
MPICommunicator.leave(orExit: result.rawValue)
exit(result.rawValue)

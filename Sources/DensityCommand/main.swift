import Arguments
import BinaryDensity

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

let program = Program(
  name: "density",
  summary: "Exact densities of binary vectors: train, evaluate, sample.",
  discussion: "Log-probabilities are in nats unless a name says bits.",
  version: "0.1.0",
  commands: [
    TrainCommand.command, FitCommand.command, ReproduceCommand.command, EvaluateCommand.command,
    SampleCommand.command,
    LogProbCommand.command,
    InfoCommand.command, ExportCommand.command, ImportCommand.command, DescribeCommand.command,
    ConvertCommand.command,
  ],
  topics: [TableHelp.topic])

/// Carries out a command line; what goes wrong is one line on standard error and a status.
func status(of arguments: [String]) -> ExitStatus {
  do {
    switch try program.parse(arguments) {
    case .show(let text):
      try Terminal.writeToStandardOutput(Array(text.utf8))
      return .success
    case .run(let parsed):
      try CommonOptions.setThreads(parsed)
      return try parsed.command.run(parsed)
    }
  } catch let error as UsageError {
    Terminal.writeToStandardError("density: \(error)\n")
    return .usage
  } catch let error as DensityError {
    Terminal.writeToStandardError("density: \(error)\n")
    return ExitStatus(error)
  } catch let error as OutputError {
    Terminal.writeToStandardError("density: \(error)\n")
    return .inputOutput
  } catch {
    Terminal.writeToStandardError("density: \(error)\n")
    return .internalError
  }
}

exit(status(of: Array(CommandLine.arguments.dropFirst())).rawValue)

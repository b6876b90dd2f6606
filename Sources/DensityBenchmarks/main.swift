import Arguments
import BinaryDensity
import Kernels

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

let command = Command(
  name: "density-bench",
  summary: "Measure training, likelihood and sampling of every model, in rows a second.",
  discussion: """
    The rows are random, of MNIST's 784 variables with 13 % on. Each figure is the median of several measurements, \
    with the least and the most beside it.
    """,
  options: [
    .value("seconds", placeholder: "time", default: "0.5", help: "How long a measurement takes."),
    .value("repetitions", placeholder: "count", default: "7", help: "How many measurements a figure is of."),
    .value(
      "only", placeholder: "word", help: "Only the models whose name has this word in it, such as MADE."),
    .value("threads", placeholder: "count", help: "The number of threads. Default: the machine's."),
    .flag("json", help: "Print the figures as JSON."),
  ],
  examples: [Command.Example("density-bench --only NADE --threads 1", "NADE on one thread")])

func status(of arguments: [String]) -> ExitStatus {
  #if DEBUG
    Terminal.writeToStandardError(
      "density-bench: a debug build measures nothing worth knowing; use make bench\n")
    return .usage
  #else
    do {
      let program = Program(
        name: "density-bench", summary: command.summary, commands: [command])
      guard case .run(let parsed) = try program.parse([command.name] + arguments) else {
        try Terminal.writeToStandardOutput(Array(command.help(in: "").utf8))
        return .success
      }
      if let count = try parsed.optionalValue("threads", as: .integer(in: 1...256)) { Threads.count = count }
      try Benchmark(
        seconds: parsed.value("seconds", as: .positiveNumber),
        repetitions: parsed.value("repetitions", as: .integer(in: 1...1000)),
        only: parsed.optionalValue("only", as: .string), isJSON: parsed.flag("json")
      ).run()
      return .success
    } catch {
      Terminal.writeToStandardError("density-bench: \(error)\n")
      return error is UsageError ? .usage : .internalError
    }
  #endif
}

exit(status(of: Array(CommandLine.arguments.dropFirst())).rawValue)

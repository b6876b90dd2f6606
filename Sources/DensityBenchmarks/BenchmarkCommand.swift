import Arguments
import BinaryDensity
import Kernels

/// The command line of `density-bench`.
enum BenchmarkCommand {
  static let command = Command(
    name: "density-bench",
    summary: "Measure training, likelihood and sampling of every model, in rows a second.",
    discussion: """
      Each figure is the median of several measurements, with the least and the most beside it. With several numbers \
      of threads these take turns, and the last column divides the rows a second by those of the first number.

      Beside it stands the floor: the least time that the machine allows, computed from the operations and bytes that \
      no implementation can leave out and from the peak of multiply-adds and of streams through each level of memory, \
      measured at the start. Masked-out weights, weights of bits that are off, activations and temporary results \
      count for nothing. The last shares are of those two peaks.
      """,
    options: [
      .value(
        "seconds", placeholder: "time",
        help: "How long a measurement takes. Default: 0.3; with --growth 0.05."),
      .value(
        "repetitions", placeholder: "count", default: "7", help: "How many measurements a figure is of."),
      .value(
        "only", placeholder: "words", isRepeated: true,
        help: "Only the figures with these words in model and operation, such as 'MADE [500] train'."),
      .value(
        "threads", placeholder: "counts",
        help: "The number of threads, or several divided by commas. Default: the machine's."),
      .value(
        "data", placeholder: "folder", default: "Data/mnist",
        help: "MNIST's folder. If it is missing, random rows of 784 variables take its place."),
      .flag("list", help: "Print what the figures are called, and measure nothing."),
      .value(
        "serve", placeholder: "figure",
        help:
          "Instead, prepare one figure, print its name, and for each line read, a number of threads, print the rows a "
          + "second of one measurement. One thread's time is that of the processor."),
      .value(
        "pin", placeholder: "processor",
        help: "With --serve: the processor that one thread runs on, counted from 0 (Linux)."),
      .flag("json", help: "Print one JSON document instead of the table."),
      .flag(
        "growth",
        help:
          "Instead, measure on one thread how the time of a row grows with each size of NADE and MADE, fit the "
          + "exponents, and plot them."),
      .value(
        "plot", placeholder: "file", default: "Benchmarks/growth.svg",
        help: "With --growth: where the plot goes."),
    ],
    examples: [
      Command.Example("density-bench --only NADE --threads 1,2", "NADE on one thread and on two"),
      Command.Example("density-bench --json > figures.json", "everything, for a program to read"),
      Command.Example("density-bench --growth --plot growth.svg", "how the time grows"),
    ]
  ) { arguments in
    try run(arguments)
    return .success
  }

  /// Carries out a command line, without the program's own name.
  static func status(of arguments: [String]) -> ExitStatus {
    do {
      // The only command, so its name is not typed.
      let program = Program(name: command.name, summary: command.summary, commands: [command])
      switch try program.parse([command.name] + arguments) {
      case .run(let parsed): return try command.run(parsed)
      case .show: try Terminal.writeToStandardOutput(Array(command.help(in: "").utf8))
      }
      return .success
    } catch {
      Terminal.writeToStandardError("density-bench: \(error)\n")
      return error is UsageError ? .usage : .internalError
    }
  }

  private static func run(_ parsed: ParsedArguments) throws {
    let seconds = try parsed.optionalValue("seconds", as: .positiveNumber)
    let repetitions = try parsed.value("repetitions", as: .integer(in: 1...1000))
    for (option, other) in [("plot", "growth"), ("pin", "serve")]
    where parsed.isGiven(option) && !parsed.isGiven(other) {
      throw UsageError("--\(option) goes with --\(other)")
    }
    func refuse(_ options: [String], with other: String) throws {
      for option in options where parsed.isGiven(option) {
        throw UsageError("--\(option) says nothing with --\(other)")
      }
    }
    if parsed.flag("growth") {
      try refuse(["only", "data", "threads", "list", "serve"], with: "growth")
      try Growth(
        seconds: seconds ?? 0.05, repetitions: repetitions, isJSON: parsed.flag("json"),
        path: parsed.value("plot", as: .path)
      ).run()
      return
    }
    let data = try BenchmarkData(directory: parsed.value("data", as: .path))
    if let label = try parsed.optionalValue("serve", as: .string) {
      try refuse(["only", "threads", "list", "json", "repetitions"], with: "serve")
      try Server(
        label: label, seconds: seconds ?? 0.1,
        processor: parsed.optionalValue("pin", as: .integer(in: 0...1023)),
        data: data
      ).run()
      return
    }
    let benchmark = Benchmark(
      seconds: seconds ?? 0.3, repetitions: repetitions,
      threadCounts: try parsed.optionalValue("threads", as: .integers(in: 1...256)) ?? [Threads.count],
      words: try parsed.values("only", as: .string), isJSON: parsed.flag("json"), data: data)
    if parsed.flag("list") {
      for label in benchmark.labels { try Terminal.print(label) }
    } else {
      try benchmark.run()
    }
  }
}

import Arguments
import BinaryDensity
import Foundation
import Kernels

/// The command line of `density-bench`.
enum BenchmarkCommand {
  static let command = Command(
    name: "density-bench",
    summary: "Measure training, likelihood, sampling and walking of every model, in rows a second.",
    discussion: """
      Each figure is the median of several measurements, with the least and the most beside it. With several numbers \
      of threads these take turns, and the last column divides the rows a second by those of the first number.

      Beside it stands the floor: the least time that the machine allows, computed from the operations and bytes that \
      no implementation can leave out and from the peak of multiply-adds and of streams through each level of memory, \
      measured at the start. Masked-out weights, weights of bits that are off, activations and temporary results \
      count for nothing. The last shares are of those two peaks.

      With --against, an earlier build (A), this one (B) and the earlier once more (C) take turns, A B C C B A, in \
      processes of their own that are started anew every four pairs. Each figure's line has the median of the ratios \
      B / A of neighbouring measurements, an interval from one of the ratios to another that holds the true median in \
      95 of 100 cases (the medians that a sign test does not reject), and the same of C / A, where nothing has \
      changed. One thread is judged: it stays on one processor, and its time is that of the processor. A figure whose \
      interval lies below 0.97 is run again at the end, and fails if it does so twice; the geometric mean of all \
      medians must be at least 0.99. If not, the status is 1.
      """,
    options: [
      .value(
        "seconds", placeholder: "time",
        help:
          "How long a measurement takes. Default: 0.3; with --against and --serve 0.1; with --growth 0.05."),
      .value(
        "repetitions", placeholder: "count", default: "7", help: "How many measurements a figure is of."),
      .value(
        "only", placeholder: "words", isRepeated: true,
        help: "Only the figures with these words in model and operation, such as 'MADE [500] train'."),
      .value(
        "threads", placeholder: "counts",
        help:
          "The number of threads, or several divided by commas. Default: the machine's; with --against 1 and the "
          + "machine's."),
      .value(
        "data", placeholder: "folder", default: "Data/mnist",
        help: "MNIST's folder. If it is missing, random rows of 784 variables take its place."),
      .value(
        "against", placeholder: "program",
        help: "Instead, compare with another build's density-bench, figure by figure."),
      .value(
        "pairs", placeholder: "count", default: "16",
        help:
          "With --against: how many pairs of measurements a ratio is of, at least \(RatioSummary.smallestCount)."
      ),
      .flag("list", help: "Print what the figures are called, and measure nothing."),
      .value(
        "serve", placeholder: "figure",
        help:
          "Instead, prepare one figure, print its name, and for each line read, a number of threads, print the rows a "
          + "second of one measurement. One thread's time is that of the processor."),
      .value(
        "pin", placeholder: "processor",
        help:
          "With --against and --serve: the processor that one thread runs on, counted from 0 (Linux). Default with "
          + "--against: the last."),
      .flag(
        "reading",
        help: "Instead, measure how fast tables are read from files, and how much memory that takes."),
      .flag(
        "queries",
        help:
          "Instead, measure answers about parts of rows: whether estimates hold their errors, and the time."),
      .flag(
        "harm",
        help:
          "Instead, search for densities of small tables whose truth is known, and measure by how much the result is "
          + "worse than the best of counting. --seconds is the budget of a search. Default: 5."),
      .value(
        "seeds", placeholder: "seeds", default: "1,2",
        help: "With --harm: the seeds that tables are drawn by, divided by commas."),
      .flag(
        "coding", help: "Instead, measure lossless compression of MNIST's test rows beside sampling as many."),
      .value(
        "model", placeholder: "checkpoint", help: "With --queries: a model, of MNIST but for conditionals."),
      .flag(
        "missing",
        help:
          "Instead, fit models to a table of which cells are removed at random, and measure them on complete rows. The "
          + "tables are those of --train, --validation and --test."),
      .flag(
        "anytime",
        help:
          "Instead, search tables for ever longer times, as 'density fit' does, and print what is found after each. The "
          + "training tables are those of --train, which may be given several times; validation and test tables are "
          + "named like them, with 'valid' and 'test' in the place of 'train'; a folder is MNIST's."),
      .flag(
        "distillation",
        help:
          "Instead, search tables, named as for --anytime, distil the mixture that is found, into a network or one an order, for "
          + "as long again, and measure the best network, the mixture, what 'density fit' writes, and what was distilled on test rows."
      ),
      .value(
        "times", placeholder: "times", default: "10s,1m,5m,30m",
        help: "With --anytime: the times, divided by commas. With --distillation: one time; 5m if not given."),
      .value(
        "findings", placeholder: "file",
        help:
          "With --anytime: a JSON file where figures are kept as they come; those that are there are not measured again."
      ),
      .value(
        "train", placeholder: "path", isRepeated: true,
        help:
          "With --missing and --batch-rate: the training table. With --anytime and --distillation: the training tables."
      ),
      .value(
        "validation", placeholder: "path", help: "With --missing and --batch-rate: the validation table."),
      .value(
        "test", placeholder: "path",
        help: "With --missing: the test table. With --queries: rows to ask the model about."),
      .flag("json", help: "Print one JSON document instead of the table."),
      .flag(
        "growth",
        help:
          "Instead, measure on one thread how the time of a row grows with each size of NADE and MADE, fit the "
          + "exponents, and plot them."),
      .flag(
        "batch-rate",
        help:
          "Instead, train NADE and MADE with several sizes of batch and learning rates, on 2000 rows of MNIST and on the "
          + "table of --train and --validation, if there is one, and plot the validation figures."),
      .value(
        "plot", placeholder: "file",
        help:
          "With --growth, --batch-rate and --anytime: where the plot goes. Default: there is none."),
    ],
    examples: [
      Command.Example("density-bench --only NADE --threads 1,2", "NADE on one thread and on two"),
      Command.Example("density-bench --json > figures.json", "everything, for a program to read"),
      Command.Example(
        "density-bench --against ../old/.build/release/density-bench", "whether anything became slower"),
      Command.Example("density-bench --growth --plot growth.svg", "how the time grows"),
      Command.Example(
        "density-bench --anytime --train plants.train.data --times 10s,1m --plot anytime.svg",
        "what a search has after ten seconds and a minute"),
    ]
  ) { arguments in
    try run(arguments)
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

  /// What stands in the place of the table, and the options that say something with each; those of the table first.
  private static let modes: KeyValuePairs<String?, Set<String>> = [
    nil: ["seconds", "repetitions", "only", "threads", "data", "json"],
    "against": ["seconds", "pairs", "only", "threads", "data", "pin", "json"],
    "serve": ["seconds", "data", "pin"],
    "list": ["only", "data"],
    "reading": ["repetitions", "only"],
    "coding": ["repetitions", "only", "data"],
    "harm": ["seconds", "only", "seeds"],
    "queries": ["only", "data", "model", "test"],
    "growth": ["seconds", "repetitions", "plot", "json"],
    "missing": ["train", "validation", "test", "only", "json"],
    "batch-rate": ["data", "train", "validation", "only", "plot", "json"],
    "anytime": ["train", "times", "findings", "plot", "json"],
    "distillation": ["train", "times", "json"],
  ]

  private static func run(_ parsed: ParsedArguments) throws -> ExitStatus {
    let mode = modes.first { name, _ in name.map(parsed.isGiven) ?? false } ?? modes[0]
    for option in command.options.map(\.name)
    where parsed.isGiven(option) && option != mode.key && !mode.value.contains(option) {
      throw UsageError(
        "--\(option) says nothing with"
          + (mode.key.map { " --\($0)" } ?? "out --growth, --batch-rate, --against or --serve"))
    }
    let seconds = try parsed.optionalValue("seconds", as: .positiveNumber)
    let repetitions = try parsed.value("repetitions", as: .integer(in: 1...1000))
    let threadCounts = try parsed.optionalValue("threads", as: .integers(in: 1...256))
    let words = try parsed.values("only", as: .string)
    let processor = try parsed.optionalValue("pin", as: .integer(in: 0...1023))
    let directory = try parsed.value("data", as: .path)
    switch mode.key {
    case "growth":
      try Growth(
        seconds: seconds ?? 0.05, repetitions: repetitions, isJSON: parsed.flag("json"),
        path: parsed.optionalValue("plot", as: .path)
      ).run()
    case "batch-rate":
      let trains = try parsed.values("train", as: .path)
      guard trains.count <= 1 else { throw UsageError("--batch-rate takes one --train") }
      let (train, validation) = (trains.first, try parsed.optionalValue("validation", as: .path))
      guard (train == nil) == (validation == nil) else {
        throw UsageError("--batch-rate takes both --train and --validation, or neither")
      }
      var tables: [DataSplits] = []
      if FileManager.default.fileExists(atPath: directory) { tables.append(try BatchRates.mnist(directory)) }
      if let train { tables.append(try DataSplits.load(train: train, validation: validation)) }
      guard !tables.isEmpty else {
        throw UsageError("--batch-rate: there is no \(directory); name --train and --validation")
      }
      try BatchRates(
        tables: tables, words: words, isJSON: parsed.flag("json"),
        path: parsed.optionalValue("plot", as: .path)
      ).run()
    case "anytime":
      let tables = try parsed.values("train", as: .path)
      guard !tables.isEmpty else { throw UsageError("--anytime needs --train") }
      try Anytime(
        tables: tables, times: parsed.value("times", as: .durations),
        store: parsed.optionalValue("findings", as: .path),
        plot: parsed.optionalValue("plot", as: .path), isJSON: parsed.flag("json")
      ).run()
    case "distillation":
      let tables = try parsed.values("train", as: .path)
      let times = parsed.isGiven("times") ? try parsed.value("times", as: .durations) : [300]
      guard !tables.isEmpty, times.count == 1 else {
        throw UsageError("--distillation needs --train and one of --times")
      }
      try Distilling(tables: tables, seconds: times[0], isJSON: parsed.flag("json")).run()
    case "serve":
      try Server(
        label: parsed.value("serve", as: .string), seconds: seconds ?? 0.1, processor: processor,
        data: BenchmarkData(directory: directory)
      ).run()
    case "queries":
      try Queries(
        words: words, model: parsed.optionalValue("model", as: .path), dataDirectory: directory,
        table: parsed.optionalValue("test", as: .path)
      ).run()
    case "missing":
      func path(_ name: String) throws -> String {
        guard let path = try parsed.optionalValue(name, as: .path) else {
          throw UsageError("--missing needs --train, --validation and --test")
        }
        return path
      }
      try MissingCells(
        train: path("train"), validation: path("validation"), test: path("test"), words: words,
        isJSON: parsed.flag("json")
      ).run()
    case "harm":
      let seeds = try parsed.value("seeds", as: .integers(in: 1...1_000_000))
      try Harm(budget: seconds ?? 5, seeds: seeds.map { UInt64($0) }, words: words).run()
    case "coding": try Coding(words: words, repetitions: repetitions, dataDirectory: directory).run()
    case "reading": try Reading(repetitions: repetitions, words: words).run()
    case "against":
      let threadCounts = threadCounts ?? Array(Set([1, Threads.count])).sorted()
      guard threadCounts.contains(1) else { throw UsageError("--threads: --against judges one thread") }
      let comparison = try Comparison(
        old: parsed.value("against", as: .path), new: Bundle.main.executablePath ?? CommandLine.arguments[0],
        pairCount: parsed.value("pairs", as: .integer(in: RatioSummary.smallestCount...1000)),
        threadCounts: threadCounts, seconds: seconds ?? 0.1,
        processor: processor ?? Machine.current.coreCount - 1, words: words, dataDirectory: directory,
        isJSON: parsed.flag("json"))
      return try comparison.run() ? .success : .checkFailed
    case let other:
      let benchmark = try Benchmark(
        seconds: seconds ?? 0.3, repetitions: repetitions, threadCounts: threadCounts ?? [Threads.count],
        words: words, isJSON: parsed.flag("json"), data: BenchmarkData(directory: directory))
      guard other == "list" else {
        try benchmark.run()
        break
      }
      for label in benchmark.labels { try Terminal.print(label) }
    }
    return .success
  }
}

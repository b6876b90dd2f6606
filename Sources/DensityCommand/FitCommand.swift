import Arguments
import BinaryDensity
import Essentials
import Kernels

/// The command `density fit`.
enum FitCommand {
  static let command = Command(
    name: "fit",
    summary: "Find a good density for a table within a time, without settings.",
    discussion: """
      Tries families, sizes and regularisation on the training rows, chooses on the validation rows, trains many \
      networks of the best recipe and mixes them into one checkpoint. Test rows, if given, are looked at once, at the \
      end. Cells may be missing, which is taken to be by chance and not because of what stood there; validation rows with \
      missing cells choose by their known ones. Networks are judged by exact figures where the columns are few, else by estimates, \
      which are marked with ≈; up to 20 columns the figure of what is found is exact all the same.

      Without --size, what networks gain together that is less than a tenth of the standard error is left out; with it the best \
      that has room is written, so that a large one asks for the last hundredth of a nat. Parameters are kept in half \
      precision where that costs less than 0.001 nats, and a table of up to 16 columns is never larger than the table of its \
      probabilities. Where the mixture is much better than its best network, and there is time, the last part of it trains \
      one network, or one an order, on what the mixture knows (see density distill), which is written, with the mixture or \
      instead of it, by the same rule; the sizes and speeds of all are printed.

      Of up to 2000 rows without missing cells each is held out in turn, and learnt from in the end: networks are pooled with \
      counts and mixed with trees, as far as held-out rows speak for them; networks that gain less than 0.001 nats beside what has more weight are left out. The same is done where at most 200 validation rows \
      are given, which are not learnt from. Such a search is over soon, cannot be gone on with, and goes by the clock: --steps is \
      for others.

      Ctrl-C ends the search and keeps the best so far. While a search runs, what it has is in a folder, the output's name \
      with .search; --resume goes on from there after Ctrl-C, or should the process be killed. Once the search is at its \
      end the folder is gone, and --resume goes on from what was found, for more time: what it was is never made worse on the validation rows, but where it \
      has no room in a smaller --size, and is then kept with ~1 after its name. \
      (A --size that has no room for the record of the search leaves nothing to go on from.) An earlier file of the output's \
      name is kept, with ~1 after its name, and so is such a folder.

      With --groups everything that is tried keeps the groups, and so does what is written: networks, and of the baselines \
      independent groups alone, never the table of all probabilities. That is for tables without missing cells.

      Under a launcher of MPI (mpirun -n 32 density fit …) process 0 searches and writes, and all train: see SCALING.md. Each reads \
      the table for itself. Where the launcher lets the others live (mpirun --enable-recovery), a process that dies loses what it was \
      training, no more.

      --verbose prints all that was tried: what is written mixes many networks, and need not stand first, for of hundreds \
      of networks one leads by luck. A search keeps networks of an eighth of the machine's memory at most.
      """,
    options: [DataOptions.data] + DataOptions.heldOut + [
      GroupOptions.groups,
      .value(
        "budget", short: "t", placeholder: "time", default: "5m",
        help:
          "How long it may take, such as 30s, 5m or 1h; 0 is quick: one network a thread. With --resume how much longer, "
          + "by default what was left; 0 mixes what there is."),
      .value(
        "steps", placeholder: "count",
        help:
          "Go by steps of training instead of the time, about so many of up to 100 rows each, all networks together: then what is found "
          + "depends on the table, the seed and this number alone. A hundred thousand are few."),
      .value("output", short: "o", placeholder: "path", default: "fit.safetensors", help: "The checkpoint."),
      .flag("resume", help: "Go on with the search that writes to the output; the table is given as before."),
      .verbose("all that was tried, and how well it did"),
      sizeOption,
      CommonOptions.seed(),
      CommonOptions.threads,
      CommonOptions.json(),
    ] + DataOptions.reading,
    positionals: [DataOptions.table(.one, "The rows: see 'density help tables'; or a folder with MNIST's.")],
    examples: [
      Command.Example("density fit table.csv", "at most five minutes, rows held out to choose by"),
      Command.Example(
        "density fit train.csv --validation valid.csv --test test.csv -t 1h",
        "with rows of your own to choose and to report by"),
      Command.Example("density fit table.csv --resume -t 1h", "an hour more, after the five minutes"),
      Command.Example(
        "mpirun -n 32 density fit table.csv -t 1h", "on 32 processors of a cluster ('make mpi' first)"),
    ], run: run)

  /// The option that bounds a file.
  static let sizeOption = Option.value(
    "size", placeholder: "size",
    help: "The largest file that will do, such as 500kB or 5MB. Default: any.")

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    guard MPICommunicator.launched != nil else { return try search(arguments, with: nil) }
    // A launcher that binds processes to processors has divided these.
    if !arguments.isGiven("threads"), Threads.count >= ProcessInfo.processInfo.processorCount {
      Threads.count = max(1, Threads.count / MPICommunicator.localCount)
    }
    let job = try MPICommunicator()
    return try job.rank == 0 ? search(arguments, with: job) : follow(arguments, job)
  }

  /// Trains what process 0 says.
  private static func follow(_ arguments: ParsedArguments, _ job: any Communicator) throws -> ExitStatus {
    Interrupt.install()
    // What keeps it from taking part process 0 says.
    Terminal.silence()
    func goesOn() -> Bool { !Interrupt.isRequested }
    do {
      guard let seed = try Team.awaitCall(job, while: goesOn) else {
        return Interrupt.isRequested ? .interrupted : .success
      }
      let table = try arguments.value("table", as: .path)
      let data = try GroupOptions.keeping(DataOptions.tables(arguments, path: table), arguments)
      let byteLimit = try arguments.optionalValue("size", as: .byteCount)
      try DensitySearch(data, seed: seed, byteLimit: byteLimit).follow(job, while: goesOn)
    } catch {
      Team.report("\(error)", job)
      throw error
    }
    return Interrupt.isRequested ? .interrupted : .success
  }

  /// Searches, alone or with the other processes of a job.
  private static func search(_ arguments: ParsedArguments, with job: MPICommunicator?) throws -> ExitStatus {
    var search: DensitySearch?
    // Whatever happens, nobody is kept waiting.
    defer {
      search?.dismiss()
      if let job, search?.isLeading != true { Team.dismiss(job, 1..<job.count) }
    }
    let output = try arguments.value("output", as: .path)
    let budget = try arguments.value("budget", as: .duration)
    let byteLimit = try arguments.optionalValue("size", as: .byteCount)
    let steps = try arguments.optionalValue("steps", as: .integer(in: 1...1_000_000_000_000))
    if steps != nil, let other = ["budget", "resume"].first(where: arguments.isGiven) {
      throw UsageError("--steps goes without --\(other)")
    }
    // Found out before the work, not after.
    let table = try arguments.value("table", as: .path)
    let heldOut = try ["validation", "test"].compactMap { try arguments.optionalValue($0, as: .path) }
    try AtomicFile.checkWritable(output, besides: [table] + heldOut)
    let saved = try saved(arguments, output: output)
    let seed = try saved?.seed ?? arguments.value("seed", as: .seed)
    if let job { Team.call(job, seed: seed) }
    let data = try GroupOptions.keeping(DataOptions.tables(arguments, path: table), arguments)
    if let saved {
      let isGiven = arguments.isGiven("budget") || saved.remaining == nil
      search = try DensitySearch(
        continuing: saved, data, budget: isGiven ? .seconds(budget) : nil, byteLimit: byteLimit)
    } else if let steps {
      search = try DensitySearch(data, steps: steps, seed: seed, byteLimit: byteLimit)
    } else {
      search = try DensitySearch(data, budget: .seconds(budget), seed: seed, byteLimit: byteLimit)
    }
    guard let search else { preconditionFailure("there is no search") }
    let progress = ProgressLine()
    for source in data.sources { progress.print("\(source)") }
    try tell(of: data, search, seed: seed, progress)
    var report = FitReport(
      figure: data.trainingRowCount > 1 || data.validation != nil ? "validation NLL" : "training NLL",
      output: output, isVerbose: arguments.isVerbose,
      resumeLine: try search.foldCount == nil && steps == nil ? resumeLine(arguments, table: table) : nil,
      areEstimated: search.estimatesFigures)
    if let saved {
      for note in saved.notes { progress.print(note) }
      progress.print(
        "going on after \(durationText(seconds: saved.used / .seconds(1))): \(saved.trialCount) recipes "
          + "tried, \(saved.networkCount) networks")
    }
    Interrupt.install()
    if let job {
      try search.lead(job) { readyCount in
        progress.update(
          "waiting for processes: \(readyCount) of \(job.count - 1)",
          fraction: Double(readyCount) / Double(job.count))
        return !Interrupt.isRequested
      }
      if search.foldCount == nil && budget > 0 { progress.print("\(job.count) processes train") }
    }
    let result = try search.run(savingTo: output) { event in
      report.show(event, progress)
      return !Interrupt.isRequested
    } keptAside: { aside in
      progress.print("kept the earlier file as \(aside)")
    }
    progress.finish()
    if result.isInterrupted {
      let line = result.canGoOn ? report.resumeLine : nil
      progress.print("interrupted; the best so far is kept" + (line.map { ". Go on with: \($0)" } ?? ""))
    }
    let measurements = try measure(result.density, data, progress)
    let ones =
      Interrupt.isRequested ? nil : try DrawnOnes(of: result.density, learntFrom: data, seed: seed)
    progress.finish()
    try arguments.flag("json")
      ? report.printJSON(result, measurements, ones, data.sources)
      : report.print(result, measurements, ones)
    return Interrupt.isRequested ? .interrupted : .success
  }

  /// Says how many rows there are and which of them choose.
  private static func tell(
    of data: DataSplits, _ search: DensitySearch, seed: UInt64, _ progress: ProgressLine
  ) throws {
    let folds = search.foldCount ?? 1
    let holdsOut = data.validation == nil && data.trainingRowCount > 1 && folds == 1
    let counted = holdsOut ? try data.holdingOutValidation(seed: seed) : data
    let test = data.test.map { ", and \($0.rowCount) test rows" } ?? ""
    progress.print(
      folds > 1
        ? "\(data.name): \(data.trainingRowCount) rows of \(data.variableCount) variables, each held out in turn, in "
          + "\(folds) folds\(test)"
        : "\(rowCounts(of: counted)) of \(data.variableCount) variables"
          + (holdsOut ? "; the validation rows are held out of the table" : "")
          + (data.binarization.map { ", binarized: \($0)" } ?? ""))
    if data.trainingRowCount == 1 && data.validation == nil {
      progress.print(
        "a single row leaves none to choose by: the figures are those of the row that is learnt from")
    }
  }

  /// Measures the rows that were given to be held out; of an interrupted search as far as that takes no time.
  private static func measure(
    _ density: any Density, _ data: DataSplits, _ progress: ProgressLine
  ) throws -> [LikelihoodMeasurement] {
    // Whoever wants an end is given the figures that are there within a moment.
    var end = Interrupt.isRequested ? ContinuousClock.now + .milliseconds(300) : nil
    let measurements = try density.measureLikelihood(heldOutOf: data) {
      (split, fraction) throws(DensityError) in
      progress.update("measuring \(split.rawValue) rows", fraction: fraction)
      if Interrupt.isRequested && end == nil { end = .now }
      return end.map { .now < $0 } ?? true
    }
    return measurements ?? []
  }

  /// The search that is to go on, if one is.
  private static func saved(_ arguments: ParsedArguments, output: String) throws -> SavedSearch? {
    guard arguments.flag("resume") else { return nil }
    let saved = try SavedSearch(of: output)
    let seed = try arguments.value("seed", as: .seed)
    guard !arguments.isGiven("seed") || seed == saved.seed else {
      throw DensityError.mismatch(
        path: saved.path, expected: "the seed that the search began with, \(saved.seed)",
        found: "\(seed); without --resume a new search begins")
    }
    return saved
  }

  /// The command line that goes on with a search.
  private static func resumeLine(_ arguments: ParsedArguments, table: String) throws -> String {
    let passing: Set = ["resume", "budget", "json", "verbose", DataOptions.data.name]
    let output = arguments.isGiven("output") ? try arguments.value("output", as: .path) : nil
    let options = arguments.optionWords { !passing.contains($0) && $0 != "output" }
    let place = output.map { ["-o", argument(ofPath: $0)] } ?? []
    return shellLine(["density", "fit", argument(ofPath: table)] + place + options + ["--resume"])
  }
}

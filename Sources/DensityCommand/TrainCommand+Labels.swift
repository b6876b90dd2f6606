import Arguments
import Autodiff
import BinaryDensity
import Kernels

extension TrainCommand {
  /// Refuses what says something about labels where there are none.
  static func checkLabels(_ arguments: ParsedArguments) throws(UsageError) {
    let options = ["per-class", "discrimination", "validation-labels", "test-labels"]
    if !arguments.isGiven("labels"), let option = options.first(where: arguments.isGiven) {
      throw UsageError("--\(option) goes with --labels")
    }
  }

  /// Trains a density of labelled rows: networks that see the class, or a density a class.
  static func trainLabelled(
    _ kind: ModelKind, memberCount: Int, componentCount: Int, seed: UInt64, isResumed: Bool,
    _ given: ParsedArguments, completedBy arguments: ParsedArguments, in directory: RunDirectory
  ) throws -> ExitStatus {
    if arguments.isGiven("groups") {
      throw UsageError(
        "--groups does not go with --labels: networks that see a class keep no groups of columns")
    }
    let start = try arguments.optionalValue("from", as: .path).map { try Checkpoint(contentsOf: $0) }
    let isBaseline = ModelKind.baselines.contains(kind)
    let isPerClass = arguments.flag("per-class") || isBaseline
    if kind == .eonade && !isPerClass {
      throw UsageError("--labels: an eonade does not see classes; --per-class trains one for each")
    }
    if isBaseline && isResumed {
      throw UsageError("--resume: a \(kind.rawValue) is fitted at once; leave it out")
    }
    let discrimination = try arguments.value("discrimination", as: .number(in: 0...1_000_000))
    if isPerClass && arguments.isGiven("discrimination") {
      throw UsageError("--discrimination is for one network that sees the class; leave out --per-class")
    }
    if start != nil {
      try checkStart(arguments)
      if !isPerClass {
        throw UsageError("--from with --labels is where each class begins: say --per-class too")
      }
    }
    if let start, start.model.keptGroups != nil {
      throw UsageError(
        "--from with --labels: the model keeps groups of columns, which the networks of classes cannot")
    }
    let startKind = try start?.model.networks().first?.kind
    let options = isBaseline ? nil : try TrainingOptions(arguments, kind: startKind ?? kind)
    let networks =
      isBaseline || start != nil
      ? nil : try NetworkOptions(arguments, kind: kind, memberCount: memberCount)
    let labelled = try LabelOptions.trainingData(arguments, seed: seed, matching: start)
    let data = labelled.data
    let progress = ProgressLine()
    let monitor = RunMonitor(
      data: data, progress: progress,
      record: try isResumed ? RunRecord(given, goingOnIn: directory) : RunRecord(arguments),
      classLine: labelled.classLine)
    let run = TrainingRun(in: directory, data: data)
    let result: RunResult
    if let options, let start {
      result = try run.train(
        on: labelled, from: start.model, isResumed: isResumed, observing: monitor.observe(in: directory)
      ) { options.configuration(rowCount: $0, startsAtMarginals: false, seed: seed) }
    } else if let options, let networks {
      result = try run.train(
        on: labelled, memberCount: memberCount, orderCount: networks.memberOrderCount, isPerClass: isPerClass,
        discrimination: discrimination, isResumed: isResumed, observing: monitor.observe(in: directory),
        configuration: {
          options.configuration(rowCount: $0, startsAtMarginals: data.hasFewOnBits, seed: seed)
        }
      ) { (orderSeed, weightSeed) throws(DensityError) in
        try networks.model(
          for: data, orderIndex: Int(orderSeed &- seed), orderSeed: orderSeed, weightSeed: weightSeed)
      }
    } else {
      result = try run.fit(kind, to: labelled, componentCount: componentCount, seed: seed) {
        (event) throws(DensityError) in
        let goesOn = try monitor.observe(in: directory)(event)
        if case .prepared = event { monitor.introduceData() }
        return goesOn
      }
    }
    progress.finish()
    guard !result.summary.isInterrupted, let density = result.density as? LabelledDensity else {
      progress.print("interrupted. Resume with: \(resumeLine(directory))")
      return .interrupted
    }
    let classification = try density.measureClassification(heldOutOf: labelled) {
      (split, fraction) throws(DensityError) in
      progress.update("classifying \(split.rawValue) rows", fraction: fraction)
      return true
    }
    progress.finish()
    try result.report(
      isJSON: arguments.flag("json"),
      headline: description(of: result.density) + "\n" + result.summary.headline, data,
      classification: classification ?? [])
    return .success
  }
}

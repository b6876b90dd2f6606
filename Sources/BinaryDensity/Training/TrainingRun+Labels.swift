import Kernels

extension TrainingRun {
  /// Trains networks on labelled rows and makes a `LabelledDensity` of them, its temperature fitted on the validation rows.
  ///
  /// Either every network sees the classes, or each class has networks of its own, trained on its rows alone. Classes are as
  /// probable as they are frequent in the training rows.
  /// - Parameters:
  ///   - labelled: the rows with their labels; the run's own data are these rows.
  ///   - memberCount: the number of networks, or of those of each class.
  ///   - orderCount: the number of orders of the variables that they are spread over.
  ///   - isPerClass: whether each class has its own.
  ///   - discrimination: what telling the classes apart counts in training a network that sees them.
  ///   - isResumed: goes on with what the folders hold.
  ///   - observe: is told of every step, and returns whether to go on.
  ///   - configuration: how a network is trained on so many rows; the seed of network k, counted from 0, is k more.
  ///   - model: returns the network that is to begin from the seeds of its order and of its weights.
  /// - Returns: the density; of a run that was stopped a network of it.
  /// - Throws: what `trainMembers` throws, and `DensityError.invalidConfiguration` for networks that cannot see classes.
  /// - Precondition: both counts are at least 1.
  public func train(
    on labelled: LabelledSplits, memberCount: Int = 1, orderCount: Int = 1, isPerClass: Bool,
    discrimination: Double = 0, isResumed: Bool = false,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true },
    configuration: (_ rowCount: Int) -> TrainingConfiguration,
    _ model: (_ orderSeed: UInt64, _ weightSeed: UInt64) throws(DensityError) -> any TrainableDensity
  ) throws(DensityError) -> RunResult {
    precondition(
      memberCount >= 1 && orderCount >= 1, "\(memberCount) members of \(orderCount) orders are no run")
    let seed = configuration(labelled.data.train.rowCount).seed
    return try train(
      on: labelled, memberCount: memberCount, isPerClass: isPerClass, discrimination: discrimination,
      isResumed: isResumed, observing: observe, configuration: configuration
    ) { (_, member, weightSeed) throws(DensityError) in
      try model(seed &+ UInt64(member % orderCount), weightSeed)
    }
  }

  /// Trains networks for each class that begin as those of a density of all rows, or of labelled rows, and makes a
  /// `LabelledDensity` of them: what rows of all classes have in common need not be learnt from those of one.
  ///
  /// A class begins at the networks of its own density if `start` has the same classes, and else at those of the whole; each
  /// keeps its order.
  /// - Parameters:
  ///   - labelled: the rows with their labels; the run's own data are these rows.
  ///   - start: a network, or several put together: weights between them count for nothing.
  ///   - isResumed: goes on with what the folders hold.
  ///   - observe: is told of every step, and returns whether to go on.
  ///   - configuration: how a network is trained on so many rows; the seed of network k, counted from 0, is k more.
  /// - Returns: the density; of a run that was stopped a network of it.
  /// - Throws: what `trainMembers` throws, `DensityError.unsupported` for a start that is not of networks alone, and
  ///   `.invalidConfiguration` for one with other classes or of another number of variables.
  public func train(
    on labelled: LabelledSplits, from start: any Density, isResumed: Bool = false,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true },
    configuration: (_ rowCount: Int) -> TrainingConfiguration
  ) throws(DensityError) -> RunResult {
    guard start.variableCount == labelled.data.variableCount else {
      throw .invalidConfiguration(
        "the start has \(start.variableCount) variables; the rows have \(labelled.data.variableCount)")
    }
    var starts: [[any TrainableDensity]] = []
    if let start = start as? LabelledDensity {
      guard start.classes == labelled.classes else {
        throw .invalidConfiguration(
          "the start has the classes \(start.classes.joined(separator: ", ")); the rows have "
            + labelled.classes.joined(separator: ", "))
      }
      for density in start.densities { starts.append(try density.networks()) }
    } else {
      starts = Array(repeating: try start.networks(), count: labelled.classes.count)
    }
    guard Set(starts.map(\.count)).count == 1 else {
      throw .invalidConfiguration(
        "the start's classes have different numbers of networks: \(starts.map(\.count))")
    }
    return try train(
      on: labelled, memberCount: starts[0].count, isPerClass: true, discrimination: 0,
      isResumed: isResumed, observing: observe, configuration: configuration
    ) { (ownClass, member, _) throws(DensityError) in starts[ownClass ?? 0][member] }
  }

  /// Trains as the above; `model` returns network `member` of a class, or of all, from the seed of its weights.
  private func train(
    on labelled: LabelledSplits, memberCount: Int, isPerClass: Bool, discrimination: Double, isResumed: Bool,
    observing observe: (RunEvent) throws(DensityError) -> Bool,
    configuration: (_ rowCount: Int) -> TrainingConfiguration,
    model: (_ ownClass: Int?, _ member: Int, _ weightSeed: UInt64) throws(DensityError)
      -> any TrainableDensity
  ) throws(DensityError) -> RunResult {
    let whole = isPerClass ? nil : try labelled.rowsAfterClasses()
    let seed = configuration(labelled.data.train.rowCount).seed
    let classCount = labelled.classes.count
    return try trainInTurn(
      isPerClass ? classCount * memberCount : memberCount, seed: seed, isResumed: isResumed,
      observing: observe
    ) { (index) throws(DensityError) in
      let (index, ownClass) = (index % memberCount, isPerClass ? index / memberCount : nil)
      let rows = ownClass.map(labelled.rows(ofClass:)) ?? whole ?? labelled.data
      var training = configuration(rows.train.rowCount)
      let number = (ownClass ?? 0) * memberCount + index
      training.seed = seed &+ UInt64(number)
      let network = try model(ownClass, index, training.seed)
      guard !isPerClass else {
        return MemberTraining(
          data: rows, configuration: training, model: network,
          className: ownClass.map { labelled.classes[$0] })
      }
      guard training.dropout.hidden == 0 || network.allowsHiddenDropout else {
        throw .invalidConfiguration(
          "a \(network.kind?.rawValue ?? "\(type(of: network))") cannot be trained with dropout of hidden units"
        )
      }
      return MemberTraining(
        data: rows, configuration: training,
        model: try ConditionalNetwork(
          network, classCount: classCount, discrimination: discrimination, seed: training.seed))
    } combined: { (parts) throws(DensityError) in
      let networks = parts.compactMap { $0 as? ConditionalNetwork }
      let weights = labelled.classCounts.map(Double.init)
      let density =
        isPerClass
        ? LabelledDensity(
          classes: labelled.classes,
          densities: (0..<classCount).map {
            LabelledDensity.combined(Array(parts[$0 * memberCount..<($0 + 1) * memberCount]))
          }, classWeights: weights)
        : LabelledDensity(classes: labelled.classes, networks: networks, classWeights: weights)
      return try density.calibrated(on: labelled)
    }
  }

  /// Fits a baseline to the rows of each class.
  ///
  /// - Throws: what `fit` throws, and `DensityError.interrupted` if `observe` says to stop before each class has one.
  /// - Precondition: `kind` is a baseline.
  public func fit(
    _ kind: ModelKind, to labelled: LabelledSplits, componentCount: Int = 500, seed: UInt64 = 0,
    observing observe: (RunEvent) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> RunResult {
    precondition(ModelKind.baselines.contains(kind), "a \(kind.rawValue) is no baseline")
    return try directory.whileLocked { () throws(DensityError) in
      try prepare(observe)
      let clock = ContinuousClock()
      let start = clock.now
      var densities: [any Density] = []
      for index in labelled.classes.indices {
        let rows = labelled.rows(ofClass: index)
        if kind == .bernoulliMixture {
          try BernoulliMixture.checkMemoryOfFitting(to: rows.train, componentCount: componentCount)
        }
        let (density, isStopped) = try fitted(
          kind, to: rows, componentCount: componentCount, seed: seed &+ UInt64(index), observing: observe)
        guard !isStopped else { throw .interrupted }
        densities.append(density)
      }
      let density = try LabelledDensity(
        classes: labelled.classes, densities: densities, classWeights: labelled.classCounts.map(Double.init)
      ).calibrated(on: labelled)
      try keep(density)
      let summary = summary([], seconds: start.duration(to: clock.now).seconds)
      return try finished(density, summary, seed: seed, observe)
    }
  }
}

extension LabelledDensity {
  /// Returns the density with the temperature that suits the validation rows, if there are any and no cell is missing.
  ///
  /// It stays 1 where the log loss at the fitted one is not smaller by two standard errors of the difference: of few rows
  /// the best temperature is a matter of chance.
  func calibrated(on labelled: LabelledSplits) throws(DensityError) -> LabelledDensity {
    guard let rows = labelled.data.validation, rows.rowCount > 1,
      labelled.data.partialRows(.validation) == nil, let labels = labelled[.validation]
    else { return self }
    let scores = try classScores(of: rows)
    let temperature = scores.fittedTemperature(labels: labels)
    let gain = LikelihoodDifference(
      scores.logPosteriors(of: labels, temperature: temperature),
      over: scores.logPosteriors(of: labels, temperature: 1))
    var result = self
    // Where no row is wrong, nothing says how certain is too certain.
    guard temperature > 1 || scores.mostProbable() != labels else { return self }
    // A class that was impossible gains infinitely much, which has no error.
    if gain.mean > 2 * (gain.standardError ?? 0) { result.temperature = temperature }
    return result
  }

  /// Draws so many rows of each class, one class after another.
  ///
  /// - Throws: `DensityError.unsupported` if the density of a class cannot be drawn from.
  /// - Precondition: `count >= 0`.
  public func sampleOfEachClass(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    var rows = BinaryMatrix(rowCount: 0, columnCount: variableCount)
    for density in densities { rows = rows + (try density.sample(count: count, using: &generator)) }
    return rows
  }
}

extension Density {
  /// The networks that a density is made of, in their order.
  ///
  /// - Throws: `DensityError.unsupported` if it is made of anything else.
  package func networks() throws(DensityError) -> [any TrainableDensity] {
    if let network = self as? any TrainableDensity { return [network] }
    var parts: [any Density] = []
    if let ensemble = self as? Ensemble {
      parts = ensemble.members
    } else if let components {
      parts = components.map(\.density)
    }
    guard !parts.isEmpty else {
      throw .unsupported(
        "a \(kind?.rawValue ?? "\(type(of: self))") is no network, and cannot be trained further")
    }
    var networks: [any TrainableDensity] = []
    for part in parts { networks += try part.networks() }
    return networks
  }
}

// Long calls whose observers may throw any error: each stops the call of the same name, and throws the error on.

import Kernels

extension LabelledDensity {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func classScores<Failure: Error>(
    of rows: BinaryMatrix, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> ClassScores? {
    try withObserver(observe) { try classScores(of: rows, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func measureClassification<Failure: Error>(
    heldOutOf labelled: LabelledSplits, observing observe: (DataSplit, Double) throws(Failure) -> Bool
  ) throws -> [(split: DataSplit, summary: ClassificationSummary)]? {
    try withObserver { (event: (DataSplit, Double)) throws(Failure) in
      try observe(event.0, event.1)
    } in: { observe in
      try measureClassification(
        heldOutOf: labelled, observing: { (first, second) in observe((first, second)) })
    }
  }
}

extension ContributionEvaluator {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func contributions<Failure: Error>(
    of rows: BinaryMatrix, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Contributions? {
    try withObserver(observe) { try contributions(of: rows, observing: $0) }
  }
}

extension Inference {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func dependenceOnRest<Failure: Error>(
    of columns: [Int]? = nil, rowCount: Int = 1 << 10, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [DependenceOnRest]? {
    try withObserver(observe) { try dependenceOnRest(of: columns, rowCount: rowCount, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func mutualInformation<Failure: Error>(
    of columns: [Int]? = nil, rowCount: Int = 1 << 16, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> MutualInformation? {
    try withObserver(observe) { try mutualInformation(of: columns, rowCount: rowCount, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func logConditionalsGivenAllOthers<Failure: Error>(
    of rows: BinaryMatrix, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Matrix<Double>? {
    try withObserver(observe) { try logConditionalsGivenAllOthers(of: rows, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func logConditionalsGivenAllOthers<Failure: Error>(
    of rows: PartialRows, firstRow: Int = 0, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [[LogProbability?]]? {
    try withObserver(observe) {
      try logConditionalsGivenAllOthers(of: rows, firstRow: firstRow, observing: $0)
    }
  }
}

extension Density {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func divergence<Failure: Error>(
    to other: any Density, columns: [Int]? = nil, _ options: EntropyOptions = EntropyOptions(),
    observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Divergence? {
    try withObserver(observe) { try divergence(to: other, columns: columns, options, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func entropy<Failure: Error>(
    _ options: EntropyOptions = EntropyOptions(), observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Measured? {
    try withObserver(observe) { try entropy(options, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func twoSampleTest<Failure: Error>(
    against rows: BinaryMatrix, _ options: TwoSampleTest.Options = TwoSampleTest.Options(),
    observing observe: (Double) throws(Failure) -> Bool
  ) throws -> TwoSampleTest? {
    try withObserver(observe) { try twoSampleTest(against: rows, options, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func measureLikelihood<Failure: Error>(
    of rows: BinaryMatrix, named name: String, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> (measurement: LikelihoodMeasurement, logProbabilities: [Double])? {
    try withObserver(observe) { try measureLikelihood(of: rows, named: name, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func measureLikelihood<Failure: Error>(
    heldOutOf data: DataSplits, observing observe: (DataSplit, Double) throws(Failure) -> Bool
  ) throws -> [LikelihoodMeasurement]? {
    try withObserver { (event: (DataSplit, Double)) throws(Failure) in
      try observe(event.0, event.1)
    } in: { observe in
      try measureLikelihood(heldOutOf: data, observing: { (first, second) in observe((first, second)) })
    }
  }
}

extension MutualInformation {
  /// The same call, with a closure that may throw any error.
  ///
  /// - Throws: what the call throws, and what `body` throws.
  public func forEachColumn<Failure: Error>(_ body: ([Pair]) throws(Failure) -> Bool) throws {
    try withObserver(body) { try forEachColumn($0) }
  }
}

extension LikelihoodMeter {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  @discardableResult
  public mutating func add<Failure: Error>(
    _ rows: BinaryMatrix, known: BinaryMatrix? = nil, firstRow: Int? = nil,
    observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [Double]? {
    try withObserver(observe) { try add(rows, known: known, firstRow: firstRow, observing: $0) }
  }
}

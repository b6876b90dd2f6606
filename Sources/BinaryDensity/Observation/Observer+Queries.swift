// Long calls whose observers may throw any error: each stops the call of the same name, and throws the error on.

import Kernels

extension DensityCoder {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func compress<Failure: Error>(
    _ rows: BinaryMatrix, columnNames: [String]? = nil, imageShape: ImageShape? = nil,
    observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [UInt8]? {
    try withObserver(observe) {
      try compress(rows, columnNames: columnNames, imageShape: imageShape, observing: $0)
    }
  }

  /// The same call, with a closure that may throw any error.
  ///
  /// - Throws: what the call throws, and what `body` throws.
  @discardableResult
  public func decompress<Failure: Error>(
    _ file: CompressedRows, _ body: (_ rows: BinaryMatrix, _ fraction: Double) throws(Failure) -> Bool
  ) throws -> Bool {
    try withObserver { (event: (BinaryMatrix, Double)) throws(Failure) in
      try body(event.0, event.1)
    } in: { observe in
      try decompress(file, { (first, second) in observe((first, second)) })
    }
  }
}

extension CursorSource {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func walk<Failure: Error>(
    rowCount: Int, observing observe: (Double) throws(Failure) -> Bool,
    decide:
      @Sendable (
        _ rows: Range<Int>, _ variable: Int, _ logits: Span<Float>, _ values: inout MutableSpan<Bool>
      ) -> Void
  ) throws -> BinaryMatrix? {
    try withObserver(observe) { try walk(rowCount: rowCount, observing: $0, decide: decide) }
  }
}

extension Evaluator {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func logProbabilities<Failure: Error>(
    of rows: some RowSource, firstRow: Int = 0, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [Double]? {
    try withObserver(observe) { try logProbabilities(of: rows, firstRow: firstRow, observing: $0) }
  }
}

extension AutoregressiveEvaluator {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func logProbabilities<Failure: Error>(
    of rows: some RowSource, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [Double]? {
    try withObserver(observe) { try logProbabilities(of: rows, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func walk<Failure: Error>(
    rowCount: Int, observing observe: (Double) throws(Failure) -> Bool,
    decide:
      @Sendable (
        _ rows: Range<Int>, _ variable: Int, _ logits: Span<Float>, _ values: inout MutableSpan<Bool>
      ) -> Void
  ) throws -> BinaryMatrix? {
    try withObserver(observe) { try walk(rowCount: rowCount, observing: $0, decide: decide) }
  }
}

extension Inference {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func sample<Failure: Error>(
    given evidence: PartialRows, onBitCount: Int, count: Int = 1,
    using generator: inout some RandomNumberGenerator, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Completions? {
    try withObserver(observe) {
      try sample(given: evidence, onBitCount: onBitCount, count: count, using: &generator, observing: $0)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func sample<Failure: Error>(
    given evidence: PartialRows, count: Int = 1, method: CompletionMethod = .particles,
    temperature: Double = 1, using generator: inout some RandomNumberGenerator,
    observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Completions? {
    try withObserver(observe) {
      try sample(
        given: evidence, count: count, method: method, temperature: temperature, using: &generator,
        observing: $0)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func logMarginals<Failure: Error>(
    of evidence: PartialRows, firstRow: Int = 0, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [LogProbability]? {
    try withObserver(observe) { try logMarginals(of: evidence, firstRow: firstRow, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func logConditionals<Failure: Error>(
    of target: PartialRows, given evidence: PartialRows, firstRow: Int = 0,
    observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [LogProbability]? {
    try withObserver(observe) {
      try logConditionals(of: target, given: evidence, firstRow: firstRow, observing: $0)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func answers<Failure: Error>(
    to queries: [Query], observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [Query.Answer]? {
    try withObserver(observe) { try answers(to: queries, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func outcomes<Failure: Error>(
    to queries: [Query], observing observe: (Double) throws(Failure) -> Bool
  ) throws -> [Query.Outcome]? {
    try withObserver(observe) { try outcomes(to: queries, observing: $0) }
  }
}

extension ModeSearch {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func mostProbableRows<Failure: Error>(
    count: Int = 1, given evidence: [Bool?]? = nil, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Modes? {
    try withObserver(observe) { try mostProbableRows(count: count, given: evidence, observing: $0) }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public func completions<Failure: Error>(
    of evidence: PartialRows, observing observe: (Double) throws(Failure) -> Bool
  ) throws -> Modes? {
    try withObserver(observe) { try completions(of: evidence, observing: $0) }
  }
}

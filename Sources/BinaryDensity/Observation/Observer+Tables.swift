// Long calls whose observers may throw any error: each stops the call of the same name, and throws the error on.

import Kernels

extension BernoulliMixture {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public static func fit<Failure: Error>(
    to rows: BinaryMatrix, validation: BinaryMatrix? = nil, componentCount: Int = 500,
    pseudoCount: Double = 1, tolerance: Double = 3e-5, iterationLimit: Int = 200, seed: UInt64 = 0,
    observing observe: (Iteration) throws(Failure) -> Bool
  ) throws -> Self {
    try withObserver(observe) {
      try fit(
        to: rows, validation: validation, componentCount: componentCount, pseudoCount: pseudoCount,
        tolerance: tolerance, iterationLimit: iterationLimit, seed: seed, observing: $0)
    }
  }

  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public static func fit<Failure: Error>(
    to rows: PartialRows, validation: PartialRows? = nil, componentCount: Int = 500, pseudoCount: Double = 1,
    tolerance: Double = 3e-5, iterationLimit: Int = 200, seed: UInt64 = 0,
    observing observe: (Iteration) throws(Failure) -> Bool
  ) throws -> Self {
    try withObserver(observe) {
      try fit(
        to: rows, validation: validation, componentCount: componentCount, pseudoCount: pseudoCount,
        tolerance: tolerance, iterationLimit: iterationLimit, seed: seed, observing: $0)
    }
  }
}

extension ChowLiuTree {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public static func fit<Failure: Error>(
    to rows: PartialRows, pseudoCount: Double = 0.5, tolerance: Double = 1e-6, iterationLimit: Int = 100,
    observing observe: (FittingIteration) throws(Failure) -> Bool
  ) throws -> Self {
    try withObserver(observe) {
      try fit(
        to: rows, pseudoCount: pseudoCount, tolerance: tolerance, iterationLimit: iterationLimit,
        observing: $0)
    }
  }
}

extension TabulatedDensity {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public init?<Failure: Error>(
    tabulating density: any Density, observing observe: (Double) throws(Failure) -> Bool
  ) throws {
    let made = try withObserver(observe) { try Self(tabulating: density, observing: $0) }
    guard let made else { return nil }
    self = made
  }
}

extension TableStream {
  /// The same call, with a closure that may throw any error.
  ///
  /// - Throws: what the call throws, and what `body` throws.
  @discardableResult
  public func forEachBlock<Failure: Error>(of length: Int, _ body: (BinaryMatrix) throws(Failure) -> Bool)
    throws -> Bool
  {
    try withObserver(body) { try forEachBlock(of: length, $0) }
  }

  /// The same call, with a closure that may throw any error.
  ///
  /// - Throws: what the call throws, and what `body` throws.
  @discardableResult
  public func forEachPartialBlock<Failure: Error>(
    of length: Int, _ body: (_ rows: BinaryMatrix, _ known: BinaryMatrix?) throws(Failure) -> Bool
  ) throws -> Bool {
    try withObserver { (event: (BinaryMatrix, BinaryMatrix?)) throws(Failure) in
      try body(event.0, event.1)
    } in: { observe in
      try forEachPartialBlock(of: length, { (first, second) in observe((first, second)) })
    }
  }
}

extension RowSource {
  /// The same call, with a closure that may throw any error.
  ///
  /// - Throws: what the call throws, and what `body` throws.
  @discardableResult
  public func forEachBlock<Failure: Error>(of length: Int, _ body: (BinaryMatrix) throws(Failure) -> Bool)
    throws -> Bool
  {
    try withObserver(body) { try forEachBlock(of: length, $0) }
  }
}

extension TableDescription {
  /// The same call, with an observer that may throw any error.
  ///
  /// - Throws: what the call throws, and what `observe` throws.
  public init<Failure: Error>(
    _ table: TableStream, pairCount: Int = 10,
    observing observe: (_ fraction: Double?) throws(Failure) -> Void
  ) throws {
    self = try withObserver { (event: Double?) throws(Failure) in
      try observe(event)
      return true
    } in: { observe in
      try Self(
        table, pairCount: pairCount,
        observing: { (event) throws(DensityError) in guard observe(event) else { throw .interrupted } })
    }
  }
}

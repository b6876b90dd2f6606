import Kernels
import Synchronization

/// A density made ready to be asked many times: log-probabilities and samples.
///
///     let evaluator = density.evaluator()
///     let logProbabilities = try evaluator.logProbabilities(of: rows) { fraction in
///       print(fraction)
///       return true
///     }
///
/// It is immutable and may be shared between threads. What computing needs is arranged at first use and kept, but an
/// ensemble or a mixture computes likelihoods with one member prepared at a time, for each can be as large as a file.
/// Of an `AutoregressiveDensity` `evaluator()` gives an `AutoregressiveEvaluator`, which has conditionals and cursors too.
public struct Evaluator: Sendable {
  /// The number D of variables.
  public let variableCount: Int
  private let likelihood: any PreparedLikelihood
  private let sampler: Lazy<PreparedSampler>

  /// Prepares a density.
  ///
  /// - Parameters:
  ///   - density: the density.
  ///   - batchCapacity: the most rows that are computed at once; it decides memory and speed, never a bit.
  /// - Precondition: `batchCapacity > 0`.
  public init(_ density: any Density, batchCapacity: Int = 512) {
    precondition(batchCapacity > 0, "a batch cannot have \(batchCapacity) rows")
    variableCount = density.variableCount
    likelihood =
      (density as? any PreparableDensity)?.preparedLikelihood(batchCapacity: batchCapacity)
      ?? (density as? any NetworkDensity)?.preparedNetworkLikelihood(batchCapacity: batchCapacity)
      ?? PlainLikelihood(density, batchCapacity: batchCapacity)
    sampler = Lazy { PreparedSampler(of: density) }
  }

  /// Returns log p of each row, in nats.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    let result = try? likelihood.logProbabilities(of: rows) { (_) throws(DensityError) in true }
    // Nothing stops it, and nothing throws.
    return result.flatMap(\.self) ?? []
  }

  /// Returns log p of each row, in nats.
  ///
  /// - Parameters:
  ///   - rows: a table, or another source, which is gone through once or, by an ensemble or a mixture, several times.
  ///   - firstRow: the number of the first row, for what is said of a row.
  ///   - observe: is told the fraction done from time to time, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: what reading the rows throws, and what `observe` does; `DensityError.undefined` for a row whose log p is not
  ///   a number, as that of parameters so large that float32 cannot hold what is computed of them.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(
    of rows: some RowSource, firstRow: Int = 0,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    let result = try likelihood.logProbabilities(of: rows, observing: observe)
    if let row = result?.firstIndex(where: { $0.isNaN || $0 == .infinity }) {
      throw .undefined(row: firstRow + row)
    }
    return result
  }

  /// Looks whether log p of the first of some rows is a number.
  ///
  /// Draws and conditionals can hide that it is not.
  /// - Throws: `DensityError.undefined`.
  func checkLogProbabilityOfFirst(_ rows: BinaryMatrix) throws(DensityError) {
    _ = try logProbabilities(of: rows.rows(0..<min(1, rows.rowCount))) { (_) throws(DensityError) in true }
  }

  /// Draws rows exactly.
  ///
  /// - Throws: `DensityError.unsupported` if the density cannot be sampled.
  /// - Precondition: `count >= 0`.
  public func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try sampler.value.sample(count: count, using: &generator)
  }
}

/// An autoregressive density made ready to be asked many times: log-probabilities, conditionals, samples and cursors.
///
/// Immutable; see `Evaluator`.
public struct AutoregressiveEvaluator: Sendable {
  /// The ordering that the chain rule takes the variables in.
  public let ordering: Ordering
  private let likelihood: Evaluator
  private let density: any AutoregressiveDensity
  private let preparedSource: Lazy<any CursorSource>
  private let conditionals: Conditionals

  /// Prepares a density.
  ///
  /// - Parameters:
  ///   - density: the density.
  ///   - batchCapacity: the most rows that are computed at once; it decides memory and speed, never a bit.
  /// - Precondition: `batchCapacity > 0`.
  public init(_ density: any AutoregressiveDensity, batchCapacity: Int = 512) {
    self.density = density
    ordering = density.ordering
    likelihood = Evaluator(density, batchCapacity: batchCapacity)
    preparedSource = Lazy { density.cursorSource() }
    conditionals = Conditionals(density, batchCapacity: batchCapacity)
  }

  /// The number D of variables.
  public var variableCount: Int { likelihood.variableCount }

  /// What cursors share.
  public var source: any CursorSource { preparedSource.value }

  /// Returns log p of each row, in nats.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] { likelihood.logProbabilities(of: rows) }

  /// Returns log p of each row, in nats, or nil if `observe` said to stop: see `Evaluator`.
  ///
  /// - Throws: what reading the rows throws, and what `observe` does.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(
    of rows: some RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try likelihood.logProbabilities(of: rows, observing: observe)
  }

  /// Returns the logits of the conditionals p(x_i = 1 | the variables before i), B × D in the order of the columns.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { conditionals.logits(of: rows) }

  /// Returns the conditionals p(x_i = 1 | the variables before i), B × D in the order of the columns.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func conditionals(of rows: BinaryMatrix) -> Matrix<Float> {
    conditionalLogits(of: rows).applying(.sigmoid)
  }

  /// Draws rows exactly, each variable given the ones before it.
  ///
  /// - Precondition: `count >= 0`.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    source.sample(count: count, using: &generator)
  }

  /// Returns a cursor over rows none of whose variables has a value yet, for the calling thread.
  ///
  /// - Precondition: `rowCount >= 0`.
  public func cursor(rowCount: Int) -> any Cursor { source.cursor(rowCount: rowCount) }

  /// Walks rows on all threads: see `CursorSource.walk(rowCount:observing:decide:)`.
  public func walk(
    rowCount: Int,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true },
    decide:
      @Sendable (
        _ rows: Range<Int>, _ variable: Int, _ logits: Span<Float>, _ values: inout MutableSpan<Bool>
      ) -> Void
  ) throws(DensityError) -> BinaryMatrix? {
    try source.walk(rowCount: rowCount, observing: observe, decide: decide)
  }
}

/// A value that is made when it is first asked for, once.
final class Lazy<Value: Sendable>: Sendable {
  private let made = Mutex<Value?>(nil)
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  var value: Value {
    made.withLock { made in
      if let made { return made }
      let value = make()
      made = value
      return value
    }
  }
}

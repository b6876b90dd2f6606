import Kernels

/// A density as a product of conditionals along one ordering of its variables.
///
///     p(x) = Π_i p(x_o(i) | x_o(0), …, x_o(i−1))
///
/// A density of your own needs an ordering and the logits of its conditionals:
///
///     struct Coin: AutoregressiveDensity {
///       let variableCount = 3
///       var ordering: Ordering { .natural(count: variableCount) }
///       func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
///         Matrix(rowCount: rows.rowCount, columnCount: variableCount)
///       }
///     }
public protocol AutoregressiveDensity: Density {
  /// The ordering o: the chain rule takes variable `ordering.variables[i]` i-th.
  var ordering: Ordering { get }
  /// Returns the logits log (p / (1 − p)) of the conditionals p(x_i = 1 | the variables before i), B × D in the order of
  /// the columns.
  ///
  /// A logit has the same bits whatever stands at its own variable or later in the ordering.
  /// - Precondition: `rows.columnCount == variableCount`.
  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float>
  /// Returns the density made ready to be walked, variable by variable.
  ///
  /// Unless a density says otherwise, each step computes all conditionals of the rows so far: D times the work of one.
  func cursorSource() -> any CursorSource
  /// Draws rows exactly; unless a density says otherwise, each variable given the ones before it.
  ///
  /// - Precondition: `count >= 0`.
  func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix
}

extension AutoregressiveDensity {
  /// Itself along its own ordering, and none along any other.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    ordering == nil || ordering == self.ordering ? self : nil
  }

  /// Returns log p(x) = Σ_i x_i · log σ(z_i) + (1 − x_i) · log σ(−z_i) of each row, z its conditionals' logits.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "rows of \(rows.columnCount) columns for \(variableCount) variables")
    return logLikelihoods(logits: conditionalLogits(of: rows), of: rows)
  }

  /// Returns the conditionals p(x_i = 1 | the variables before i), B × D in the order of the columns.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func conditionals(of rows: BinaryMatrix) -> Matrix<Float> {
    conditionalLogits(of: rows).applying(.sigmoid)
  }

  /// Computes the conditionals of the rows so far in each step.
  public func cursorSource() -> any CursorSource { ConditionalCursorSource(self) }

  /// Draws rows exactly, each variable given the ones before it.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    cursorSource().sample(count: count, using: &generator)
  }

  /// Draws rows exactly, and returns log p of each, in nats, as `logProbabilities(of:)` gives it.
  public func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logProbabilities: [Double]) {
    let rows = sample(count: count, using: &generator)
    return (rows, logProbabilities(of: rows))
  }

  /// Returns the density made ready to be asked many times: likelihoods, conditionals, samples and cursors.
  ///
  /// - Parameter batchCapacity: the most rows that are computed at once; it decides memory and speed, never a bit.
  public func evaluator(batchCapacity: Int = 512) -> AutoregressiveEvaluator {
    AutoregressiveEvaluator(self, batchCapacity: batchCapacity)
  }
}

extension Matrix where Scalar == Float {
  /// Returns f of every element.
  func applying(_ f: Activation) -> Matrix {
    var result = self
    result.apply(f)
    return result
  }
}

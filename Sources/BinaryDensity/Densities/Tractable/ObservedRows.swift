import Kernels

/// Rows as the baselines count them: their values, off where a cell is missing, and which are missing, if any.
struct ObservedRows {
  let values: BinaryMatrix
  let missing: BinaryMatrix?
  /// The rows, if cells are missing.
  let partial: PartialRows?

  init(_ rows: BinaryMatrix) {
    values = rows
    (missing, partial) = (nil, nil)
  }

  init(_ rows: PartialRows) {
    values = rows.values
    partial = rows.isComplete ? nil : rows
    missing = partial?.missing
  }

  /// The rows of a part of a data set; nil if it has none.
  init?(_ data: DataSplits, _ split: DataSplit) {
    if let partial = data.partialRows(split) {
      self.init(partial)
    } else if let rows = data[split] {
      self.init(rows)
    } else {
      return nil
    }
  }

  /// Returns `limit` of the rows, drawn by the seed; all if there are no more.
  func limited(to limit: Int, seed: UInt64) -> ObservedRows {
    guard rowCount > limit else { return self }
    var generator = Philox(seed: seed, stream: .heldOutRows, index: 2)
    let rows = generator.distinctIntegers(limit, below: rowCount).sorted()
    return partial.map { ObservedRows($0.selecting(rows)) } ?? ObservedRows(values.selecting(rows))
  }

  var rowCount: Int { values.rowCount }
  var columnCount: Int { values.columnCount }

  /// The smoothed marginals of the known cells.
  var marginals: IndependentBernoulli {
    guard let partial else { return IndependentBernoulli(marginalsOf: values) }
    return IndependentBernoulli(marginalsOf: partial)
  }

  /// Some rows as scalars.
  struct Batch<Scalar: KernelScalar> {
    /// B × D: 0 where missing.
    let values: UnsafeMatrixView<Scalar>
    /// B × D: 1 where missing.
    let missing: UnsafeMatrixView<Scalar>?

    var rowCount: Int { values.rowCount }
  }

  /// Calls `body` with consecutive rows, some hundred at a time, for as long as `goesOn` says so.
  func forEachBatch<Scalar: KernelScalar>(
    in type: Scalar.Type, while goesOn: () -> Bool = { true }, _ body: (Batch<Scalar>) -> Void
  ) {
    var matrix = missing.map {
      Matrix<Scalar>(rowCount: min(1024, $0.rowCount), columnCount: $0.columnCount)
    }
    values.forEachBatch(in: type, while: goesOn) { range, values in
      guard let missing, matrix != nil else { return body(Batch(values: values, missing: nil)) }
      matrix?.withUnsafeMutableView { view in
        let rows = view.rows(0..<range.count)
        missing.copyRows(range, into: rows)
        body(Batch(values: values, missing: UnsafeMatrixView(rows)))
      }
    }
  }
}

extension IndependentBernoulli {
  /// Fits the marginals of the known cells.
  static func fit(to rows: ObservedRows) throws(DensityError) -> Self {
    guard let partial = rows.partial else { return try fit(to: rows.values) }
    return try fit(to: partial)
  }
}

/// What an iteration of expectation maximisation has found.
public struct FittingIteration: Sendable {
  /// 0 for the initial density.
  public let number: Int
  /// What EM maximises and never lowers: log p of all training rows plus the logarithm of the prior's density.
  public let objective: Double
  /// The mean of −log p over the training rows, of their known cells, in nats.
  public let trainingNLL: Double
  /// The mean of −log p over the validation rows, in nats, if there are any.
  public let validationNLL: Double?
}

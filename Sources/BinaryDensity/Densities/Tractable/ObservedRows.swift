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

  /// Some rows as lists.
  struct Batch {
    /// What is on.
    let values: ListedBatch
    /// What is missing, if anything is.
    let missing: ListedBatch?

    var rowCount: Int { values.rowCount }
  }

  /// Calls `body` with consecutive rows, a thousand at a time, for as long as `goesOn` says so.
  func forEachBatch(while goesOn: () -> Bool = { true }, _ body: (Batch) -> Void) {
    let batch = Batch(
      values: ListedBatch(columnCount: columnCount),
      missing: missing.map { ListedBatch(columnCount: $0.columnCount) })
    for start in stride(from: 0, to: rowCount, by: ListedBatch.capacity) where goesOn() {
      let range = start..<min(start + ListedBatch.capacity, rowCount)
      batch.values.fill(values, range)
      if let missing { batch.missing?.fill(missing, range) }
      body(batch)
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

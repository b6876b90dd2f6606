import BinaryDensity

/// The first rows of a table, in memory.
struct ReportRows {
  let source: ModelTable
  let values: BinaryMatrix
  /// Which cells are known; nil if all are.
  let known: BinaryMatrix?
  /// Whether the table has no more rows.
  let isWhole: Bool

  /// Reads rows.
  ///
  /// - Parameter limit: how many at the most.
  /// - Throws: what reading throws; `DensityError.mismatch` for a table without rows.
  init(
    _ source: ModelTable, limit: Int, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    self.source = source
    var (values, known): ([BinaryMatrix], [BinaryMatrix?]) = ([], [])
    var count = 0
    // A row more than is wanted tells whether there are others.
    try source.forEachBlock(of: min(source.blockLength, limit + 1)) { (block) throws(DensityError) in
      let taken = 0..<min(block.rows.rowCount, limit - count)
      values.append(block.rows.rows(taken))
      known.append(block.known?.rows(taken))
      count += block.rows.rowCount
      _ = try observe(max(block.fraction ?? 0, Double(min(count, limit)) / Double(limit)))
      return count <= limit
    }
    guard count > 0 else {
      throw .mismatch(path: source.path, expected: "at least one row", found: "none")
    }
    isWhole = count <= limit
    let columnCount = source.checkpoint.model.variableCount
    self.values = BinaryMatrix(concatenating: values, columnCount: columnCount)
    self.known =
      known.contains { $0 != nil }
      ? BinaryMatrix(
        concatenating: zip(known, values).map { $0 ?? .ones(like: $1) }, columnCount: columnCount) : nil
  }

  var rowCount: Int { values.rowCount }

  /// The rows and which of their cells are known, where some are missing.
  var partial: PartialRows? { known.map { PartialRows(values: values, known: $0) } }

  /// The rows as a data set that is trained on, or with others as its test rows.
  func dataSet(test: ReportRows? = nil) -> DataSplits {
    guard partial != nil || test?.partial != nil else {
      return DataSplits(name: source.part.name, train: values, test: test?.values)
    }
    func cells(_ rows: ReportRows) -> PartialRows {
      rows.partial ?? PartialRows(values: rows.values, known: .ones(like: rows.values))
    }
    return DataSplits(name: source.part.name, train: cells(self), test: test.map(cells))
  }
}

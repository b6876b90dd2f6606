import BinaryDensity
import Kernels

/// The rows of a table, or of one with many a sample of them, in memory.
struct ReportRows {
  let source: ModelTable
  let values: BinaryMatrix
  /// Which cells are known; nil if all are.
  let known: BinaryMatrix?
  /// The rows' numbers in the table, from 0, in their order.
  let numbers: [Int]
  /// How many rows the table has.
  let tableRowCount: Int

  /// What the rows are read for.
  enum Use: UInt64 {
    case looking, training
  }

  /// Reads rows.
  ///
  /// Each row of the table gets a random number, and the rows with the smallest are kept.
  /// - Parameters:
  ///   - limit: how many at the most.
  ///   - seed: the seed of the choice; each use has a sequence of its own.
  /// - Throws: what reading throws; `DensityError.mismatch` for a table without rows.
  init(
    _ source: ModelTable, limit: Int, seed: UInt64, use: Use,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    self.source = source
    var sample = RowSample(limit: limit, Philox(seed: seed, stream: .reportedRows, index: use.rawValue))
    try source.forEachBlock(of: source.blockLength) { (block) throws(DensityError) in
      sample.add(block.rows, known: block.known)
      return try observe(block.fraction ?? 0)
    }
    sample.shrink()
    guard sample.seenCount > 0 else {
      throw .mismatch(path: source.path, expected: "at least one row", found: "none")
    }
    let columnCount = source.checkpoint.model.variableCount
    (numbers, tableRowCount) = (sample.numbers, sample.seenCount)
    values = BinaryMatrix(concatenating: sample.values, columnCount: columnCount)
    known =
      sample.known.contains { $0 != nil }
      ? BinaryMatrix(
        concatenating: zip(sample.known, sample.values).map { $0 ?? .ones(like: $1) },
        columnCount: columnCount) : nil
  }

  /// Whether these are all rows of the table.
  var isWhole: Bool { rowCount == tableRowCount }

  /// Which rows these are, before the table's name: `all 435 rows of`, `10000 rows, drawn by chance from the 60000 of`.
  var words: String {
    guard isWhole else { return "\(counted(rowCount, "row")), drawn by chance from the \(tableRowCount) of" }
    return rowCount == 1 ? "the one row of" : "all \(rowCount) rows of"
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

/// A sample of rows without replacement, as they come.
private struct RowSample {
  let limit: Int
  private var generator: Philox
  private(set) var seenCount = 0
  /// The kept rows in blocks, with their numbers in the table and their random ones.
  private(set) var values: [BinaryMatrix] = []
  private(set) var known: [BinaryMatrix?] = []
  private(set) var numbers: [Int] = []
  private var keys: [UInt64] = []
  /// What a row's random number must be below.
  private var bound = UInt64.max

  init(limit: Int, _ generator: Philox) { (self.limit, self.generator) = (limit, generator) }

  mutating func add(_ rows: BinaryMatrix, known others: BinaryMatrix?) {
    var chosen: [Int] = []
    for row in 0..<rows.rowCount {
      let key: UInt64 = generator.next()
      guard key < bound else { continue }
      chosen.append(row)
      numbers.append(seenCount + row)
      keys.append(key)
    }
    seenCount += rows.rowCount
    guard !chosen.isEmpty else { return }
    values.append(rows.selecting(chosen))
    known.append(others?.selecting(chosen))
    if numbers.count >= 2 * limit { shrink() }
  }

  /// Keeps as many rows as are wanted.
  mutating func shrink() {
    guard numbers.count > limit else { return }
    bound = keys.sorted()[limit]
    var first = 0
    for block in values.indices {
      let count = values[block].rowCount
      let kept = (0..<count).filter { keys[first + $0] < bound }
      values[block] = values[block].selecting(kept)
      known[block] = known[block]?.selecting(kept)
      first += count
    }
    let kept = keys.indices.filter { keys[$0] < bound }
    (numbers, keys) = (kept.map { numbers[$0] }, kept.map { keys[$0] })
    known = zip(known, values).filter { $1.rowCount > 0 }.map(\.0)
    values = values.filter { $0.rowCount > 0 }
  }
}

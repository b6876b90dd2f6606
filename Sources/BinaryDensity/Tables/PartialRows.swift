import Kernels

/// Rows of bits of which some cells are unknown: what is known of a row when a density is asked about the rest.
///
///     var evidence = PartialRows([[1, nil, 0], [nil, nil, nil]])
///     evidence[1, 2] = true
///     print(evidence[0, 1] as Any, evidence.known.onBitCount)  // nil 3
///
/// Invariant: a value is off where it is unknown, so that equal knowledge has equal bits.
public struct PartialRows: Hashable, Sendable {
  /// The values of the known cells; off where a cell is unknown.
  public private(set) var values: BinaryMatrix
  /// Which cells are known.
  public private(set) var known: BinaryMatrix

  /// Creates rows from values and from which of them are known; the values of other cells are dropped.
  ///
  /// Both are kept packed.
  /// - Precondition: both tables have the same shape.
  public init(values: BinaryMatrix, known: BinaryMatrix) {
    precondition(
      values.rowCount == known.rowCount && values.columnCount == known.columnCount,
      "values of \(values), known cells of \(known)")
    var values = values.packed()
    let known = known.packed()
    for index in values.words.indices { values.words[index] &= known.words[index] }
    self.values = values
    self.known = known
  }

  /// Creates rows of which nothing is known.
  public init(rowCount: Int, columnCount: Int) {
    values = BinaryMatrix(rowCount: rowCount, columnCount: columnCount)
    known = values
  }

  /// Creates rows of which the cells of some columns are known.
  ///
  /// - Precondition: the columns are columns of the table.
  public init(_ rows: BinaryMatrix, knownColumns: some Sequence<Int>) {
    let columns = Set(knownColumns)
    if let wrong = columns.first(where: { !(0..<rows.columnCount).contains($0) }) {
      preconditionFailure("column \(wrong) is outside 0..<\(rows.columnCount)")
    }
    self.init(
      values: rows,
      known: BinaryMatrix(rowCount: rows.rowCount, columnCount: rows.columnCount) { columns.contains($1) })
  }

  /// Creates rows of zeros, ones and unknown cells (nil), of the same length.
  public init(_ rows: [[Int?]]) {
    self.init(
      values: BinaryMatrix(rows.map { $0.map { $0 ?? 0 } }),
      known: BinaryMatrix(rows.map { $0.map { $0 == nil ? 0 : 1 } }))
  }

  /// The number of rows.
  public var rowCount: Int { values.rowCount }
  /// The number of columns.
  public var columnCount: Int { values.columnCount }

  /// The value at a row and a column, nil where it is unknown.
  public subscript(row: Int, column: Int) -> Bool? {
    get { known[row, column] ? values[row, column] : nil }
    set {
      known[row, column] = newValue != nil
      values[row, column] = newValue ?? false
    }
  }

  /// The values of one row, nil where they are unknown.
  public subscript(row row: Int) -> [Bool?] { (0..<columnCount).map { self[row, $0] } }

  /// Returns the rows with the given indices, in their order; an index may come more than once.
  public func selecting(_ indices: some Collection<Int>) -> PartialRows {
    PartialRows(values: values.selecting(indices), known: known.selecting(indices))
  }

  /// Returns the indices of rows that know the same: groups in the order of their first rows, each ascending.
  ///
  /// - Complexity: O(words).
  func groupsOfEqualRows() -> [[Int]] {
    var groups: [[Int]] = []
    var numbers: [[UInt64]: Int] = [:]
    for row in 0..<rowCount {
      let words = row * values.wordsPerRow..<(row + 1) * values.wordsPerRow
      let number = numbers[Array(values.words[words] + known.words[words]), default: groups.count]
      if number == groups.count {
        numbers[Array(values.words[words] + known.words[words])] = number
        groups.append([])
      }
      groups[number].append(row)
    }
    return groups
  }
}

extension PartialRows {
  /// Fills a batch that has a mask of what is known with the rows of the given indices, in their order.
  ///
  /// - Precondition: they are rows of the table, at most as many as the batch holds, and of its number of columns.
  /// - Complexity: O(rows · columns), on all threads.
  public func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) {
    precondition(
      batch.columnCount == columnCount,
      "rows of \(columnCount) columns do not fit a batch of \(batch.columnCount)")
    batch.fill(values.words, known: known.words, rows: rows)
  }
}

extension PartialRows: CustomStringConvertible {
  /// The shape, such as `100 × 784 cells, 39200 known`.
  public var description: String { "\(rowCount) × \(columnCount) cells, \(known.onBitCount) known" }
}

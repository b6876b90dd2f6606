import Kernels

/// Rows that are counted, and of which any can be asked for at any time: a table in memory, grey levels that are drawn as
/// they are asked for, or windows of a file.
///
/// A model takes its rows from a batch, in its own order of the columns, so no table is ever copied to be reordered:
///
///     let batch = RowBatch<Float>(capacity: 100, columnCount: source.columnCount, columnOrder: order)
///     try source.gather([17, 4, 99], into: batch)
public protocol RowSource: RowStream, Sendable {
  /// The number of rows.
  var rowCount: Int { get }
  /// The CRC-32 of the packed rows, by which they are told from others; of rows that are drawn anew in each pass, that of
  /// their fixed draw.
  var checksum: UInt32 { get }
  /// Fills a batch with the rows of the given indices, in their order; an index may come more than once.
  ///
  /// - Precondition: they are rows of the source, at most as many as the batch holds, and of its number of columns.
  /// - Throws: what reading throws.
  func gather<Scalar: KernelScalar>(
    _ rows: [Int], into batch: RowBatch<Scalar>
  ) throws(DensityError)
  /// Returns the rows of the given indices as a table, in their order; an index may come more than once.
  ///
  /// - Precondition: they are rows of the source.
  /// - Throws: what reading throws.
  func bits(ofRows rows: [Int]) throws(DensityError) -> BinaryMatrix
  /// Returns in how many rows each column is on.
  ///
  /// - Throws: what reading throws.
  func onBitCounts() throws(DensityError) -> [Int]
  /// Returns the rows as one of a training's passes over them sees them: drawn anew, or the same in every pass.
  ///
  /// Passes are counted from 0, and are epochs unless a training divides its steps otherwise.
  func rows(inPass pass: Int) -> any RowSource
}

extension RowSource {
  /// By a pass over the rows, unless the source knows.
  public func onBitCounts() throws(DensityError) -> [Int] { try countedOnBits() }

  /// Returns in how many rows each column is on, by a pass over the rows.
  ///
  /// - Throws: what reading throws.
  func countedOnBits() throws(DensityError) -> [Int] {
    var counts = Array(repeating: 0, count: columnCount)
    try forEachBlock(of: 8192) { (block) throws(DensityError) in
      for (column, count) in block.onCounts.enumerated() { counts[column] += count }
      return true
    }
    return counts
  }

  /// The same in every pass, unless the source says otherwise.
  public func rows(inPass pass: Int) -> any RowSource { self }

  /// By way of a batch, unless the source has a shorter one.
  public func bits(ofRows rows: [Int]) throws(DensityError) -> BinaryMatrix {
    let batch = RowBatch<Float>(capacity: max(1, rows.count), columnCount: columnCount)
    try gather(rows, into: batch)
    var result = BinaryMatrix(rowCount: rows.count, columnCount: columnCount)
    for place in rows.indices {
      for column in batch.onBits(ofRow: place) { result.turnOn(place, column) }
    }
    return result
  }
}

extension BinaryMatrix: RowSource {
  /// The CRC-32 of the packed rows.
  ///
  /// - Complexity: O(words), each time.
  public var checksum: UInt32 {
    var check = CRC32()
    forEachPackedBlock { _, rows in
      rows.packedWords.withUnsafeBytes { check.update($0) }
      return true
    }
    return check.value
  }

  /// Fills a batch with the rows of the given indices, in their order.
  ///
  /// - Complexity: O(rows · columns), on all threads; of rows that are kept as lists, O(on-bits).
  public func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) {
    precondition(
      batch.columnCount == columnCount,
      "rows of \(columnCount) columns do not fit a batch of \(batch.columnCount)")
    if let lists {
      batch.fill(lists: lists.columns, places: rows.map(lists.places))
    } else {
      batch.fill(packedWords, rows: rows)
    }
  }

  /// Returns in how many rows each column is on.
  ///
  /// - Complexity: O(words), or O(on-bits) of lists.
  public func onBitCounts() -> [Int] { onCounts }

  /// Returns the rows of the given indices.
  public func bits(ofRows rows: [Int]) -> BinaryMatrix { selecting(rows) }

  /// Calls `body` with consecutive rows while it says to go on, and returns whether it always did.
  @discardableResult
  public func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    precondition(length > 0, "a block cannot have \(length) rows")
    for start in stride(from: 0, to: rowCount, by: length) {
      if try !body(rows(start..<min(start + length, rowCount))) { return false }
    }
    return true
  }
}

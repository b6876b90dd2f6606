import Kernels

/// Grey levels as training rows that are drawn anew in each epoch: no more of them at a time than are asked for.
///
/// Until an epoch is named the rows are those of the fixed draw, by which the source is known. The draw of an epoch is a
/// function of the seed, the epoch, and a row's place in the table.
public struct DynamicBinarization: RowSource {
  private let levels: GreyLevels
  private let fixed: BinaryMatrix
  private let seed: UInt64
  private let epoch: Int?

  /// Creates the source of grey levels and their fixed draw.
  ///
  /// - Precondition: both have the same shape.
  public init(_ levels: GreyLevels, fixed: BinaryMatrix, seed: UInt64) {
    precondition(
      levels.rowCount == fixed.rowCount && levels.columnCount == fixed.columnCount,
      "\(levels.rowCount) × \(levels.columnCount) levels are not those of \(fixed)")
    self.init(levels, fixed: fixed, seed: seed, epoch: nil)
  }

  private init(_ levels: GreyLevels, fixed: BinaryMatrix, seed: UInt64, epoch: Int?) {
    self.levels = levels
    self.fixed = fixed
    self.seed = seed
    self.epoch = epoch
  }

  /// The number of rows.
  public var rowCount: Int { fixed.rowCount }
  /// The number of columns.
  public var columnCount: Int { fixed.columnCount }
  /// All levels are at hand.
  public var blockLength: Int { fixed.blockLength }
  /// The CRC-32 of the fixed draw.
  public var checksum: UInt32 { fixed.checksum }

  /// Returns the fresh draw of an epoch.
  ///
  /// - Precondition: `epoch >= 0`.
  public func rows(inEpoch epoch: Int) -> any RowSource {
    precondition(epoch >= 0, "there is no epoch \(epoch)")
    return DynamicBinarization(levels, fixed: fixed, seed: seed, epoch: epoch)
  }

  /// Fills a batch with the rows of the given indices, in their order.
  ///
  /// - Complexity: one Philox block for every four pixels that are not all black, on all threads.
  public func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) {
    guard epoch != nil else { return fixed.gather(rows, into: batch) }
    bits(ofRows: rows).gather(Array(rows.indices), into: batch)
  }

  /// Returns the rows of the given indices.
  public func bits(ofRows rows: [Int]) -> BinaryMatrix {
    guard let epoch else { return fixed.selecting(rows) }
    return levels.redrawn(seed: seed, epoch: epoch, rows: rows)
  }

  /// Calls `body` with consecutive rows while it says to go on, and returns whether it always did.
  @discardableResult
  public func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    guard let epoch else { return try fixed.forEachBlock(of: length, body) }
    precondition(length > 0, "a block cannot have \(length) rows")
    for start in stride(from: 0, to: rowCount, by: length) {
      let rows = start..<min(start + length, rowCount)
      if try !body(levels.redrawn(seed: seed, epoch: epoch, rows: rows)) { return false }
    }
    return true
  }
}

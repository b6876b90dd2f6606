import Kernels

/// Grey levels as training rows that are drawn anew in each pass: no more of them at a time than are asked for.
///
/// Until a pass is named the rows are those of the fixed draw, by which the source is known. The draw of a pass is a
/// function of the seed, the pass, and a row's place in the table.
public struct DynamicBinarization: RowSource {
  private let levels: GreyLevels
  private let fixed: BinaryMatrix
  private let seed: UInt64
  private let pass: Int?

  /// Creates the source of grey levels and their fixed draw.
  ///
  /// - Precondition: both have the same shape.
  public init(_ levels: GreyLevels, fixed: BinaryMatrix, seed: UInt64) {
    precondition(
      levels.rowCount == fixed.rowCount && levels.columnCount == fixed.columnCount,
      "\(levels.rowCount) × \(levels.columnCount) levels are not those of \(fixed)")
    self.init(levels, fixed: fixed, seed: seed, pass: nil)
  }

  private init(_ levels: GreyLevels, fixed: BinaryMatrix, seed: UInt64, pass: Int?) {
    self.levels = levels
    self.fixed = fixed
    self.seed = seed
    self.pass = pass
  }

  /// The number of rows.
  public var rowCount: Int { fixed.rowCount }
  /// The number of columns.
  public var columnCount: Int { fixed.columnCount }
  /// The CRC-32 of the fixed draw.
  public var checksum: UInt32 { fixed.checksum }

  /// Returns the fresh draw of a pass.
  ///
  /// - Precondition: `pass >= 0`.
  public func rows(inPass pass: Int) -> any RowSource {
    precondition(pass >= 0, "there is no pass \(pass)")
    return DynamicBinarization(levels, fixed: fixed, seed: seed, pass: pass)
  }

  /// Fills a batch with the rows of the given indices, in their order.
  ///
  /// - Complexity: one Philox block for every four pixels that are not all black, on all threads.
  public func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) {
    guard pass != nil else { return fixed.gather(rows, into: batch) }
    bits(ofRows: rows).gather(Array(rows.indices), into: batch)
  }

  /// Returns the rows of the given indices.
  public func bits(ofRows rows: [Int]) -> BinaryMatrix {
    guard let pass else { return fixed.selecting(rows) }
    return levels.redrawn(seed: seed, epoch: pass, rows: rows)
  }

  /// Calls `body` with consecutive rows while it says to go on, and returns whether it always did.
  @discardableResult
  public func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    guard let pass else { return try fixed.forEachBlock(of: length, body) }
    precondition(length > 0, "a block cannot have \(length) rows")
    for start in stride(from: 0, to: rowCount, by: length) {
      let rows = start..<min(start + length, rowCount)
      if try !body(levels.redrawn(seed: seed, epoch: pass, rows: rows)) { return false }
    }
    return true
  }
}

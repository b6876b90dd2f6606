import Kernels

/// The rows of a source but for some: those that were held out of it.
struct RemainingRows: RowSource {
  private let base: any RowSource
  /// The rows that are not there, ascending.
  private let removed: [Int]

  /// - Precondition: they are rows of the source, ascending.
  init(_ base: any RowSource, without removed: [Int]) {
    (self.base, self.removed) = (base, removed)
  }

  var rowCount: Int { base.rowCount - removed.count }
  var columnCount: Int { base.columnCount }
  /// That of the source, and of which rows are not there: so it is known without reading all.
  var checksum: UInt32 {
    var check = CRC32()
    check.update([UInt8](removed.map(Int64.init), order: .little))
    return CRC32.joining(base.checksum, check.value, byteCount: 8 * removed.count)
  }

  /// Returns the row of the source that a row is.
  private func place(_ row: Int) -> Int {
    // How many rows are removed before it: removed[k] − k rows that are there stand before the k-th of them.
    var (low, high) = (0, removed.count)
    while low < high {
      let middle = (low + high) / 2
      if removed[middle] - middle <= row { low = middle + 1 } else { high = middle }
    }
    return row + low
  }

  func rows(inPass pass: Int) -> any RowSource { RemainingRows(base.rows(inPass: pass), without: removed) }

  func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) throws(DensityError) {
    try base.gather(rows.map(place), into: batch)
  }

  func bits(ofRows rows: [Int]) throws(DensityError) -> BinaryMatrix {
    try base.bits(ofRows: rows.map(place))
  }

  func onBitCounts() throws(DensityError) -> [Int] {
    zip(try base.onBitCounts(), try base.rows(inPass: 0).bits(ofRows: removed).onCounts).map(-)
  }

  @discardableResult
  func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var first = 0
    var pending = BinaryMatrix(rowCount: 0, columnCount: columnCount)
    var gap = removed[...]
    let isWhole = try base.forEachBlock(of: length) { (block) throws(DensityError) in
      let rows = first..<first + block.rowCount
      first = rows.upperBound
      let gone = Set(gap.prefix { $0 < rows.upperBound })
      gap = gap.dropFirst(gone.count)
      pending =
        pending
        + (gone.isEmpty
          ? block : block.selecting(rows.filter { !gone.contains($0) }.map { $0 - rows.lowerBound }))
      guard pending.rowCount >= length else { return true }
      let full = pending.rows(0..<length)
      pending = pending.rows(length..<pending.rowCount)
      return try body(full)
    }
    guard isWhole, pending.rowCount > 0 else { return isWhole }
    return try body(pending)
  }
}

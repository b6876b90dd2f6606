import BinaryDensity
import Kernels

/// A table that may fail to be read: a source that is not the library's own.
struct OtherRows: RowSource {
  let table: BinaryMatrix
  var error: DensityError?

  var rowCount: Int { table.rowCount }
  var columnCount: Int { table.columnCount }
  var checksum: UInt32 { table.checksum }

  func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) throws(DensityError) {
    if let error { throw error }
    // Through a table of these rows alone.
    table.selecting(rows).gather(Array(rows.indices), into: batch)
  }

  func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    if let error { throw error }
    return try table.forEachBlock(of: length, body)
  }
}

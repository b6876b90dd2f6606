import Kernels

/// What a distilled network learns from: one third rows of a table, two thirds rows drawn from a model.
///
/// An epoch takes as many of either as it has room for, and the next epoch goes on where it ended.
struct DistillationRows: RowSource {
  /// The most rows of the table in an epoch: so the validation rows are looked at often enough however many there are.
  private static let largestShare = 8192

  private let real: BinaryMatrix
  private let drawn: BinaryMatrix
  /// The rows of the first epoch.
  let first: BinaryMatrix

  /// Mixes rows of a table, in an order that does not matter, with drawn ones.
  ///
  /// - Precondition: there are rows of both.
  init(real: BinaryMatrix, drawn: BinaryMatrix) {
    precondition(real.rowCount > 0 && drawn.rowCount > 0, "there is nothing to learn from")
    self.real = real
    self.drawn = drawn
    first = Self.epoch(0, real, drawn)
  }

  private static func epoch(_ epoch: Int, _ real: BinaryMatrix, _ drawn: BinaryMatrix) -> BinaryMatrix {
    let share = min(real.rowCount, largestShare)
    func turn(_ rows: BinaryMatrix, _ count: Int) -> BinaryMatrix {
      rows.selecting((0..<count).map { (epoch * count + $0) % rows.rowCount })
    }
    return BinaryMatrix(
      concatenating: [turn(real, share), turn(drawn, 2 * share)], columnCount: real.columnCount)
  }

  var rowCount: Int { first.rowCount }
  var columnCount: Int { first.columnCount }
  var checksum: UInt32 { first.checksum }

  func gather<Scalar: KernelScalar>(
    _ rows: [Int], into batch: RowBatch<Scalar>
  ) throws(DensityError) { first.gather(rows, into: batch) }

  @discardableResult
  func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool { try first.forEachBlock(of: length, body) }

  func rows(inPass pass: Int) -> any RowSource { Self.epoch(pass, real, drawn) }
}

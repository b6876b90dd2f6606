/// A matrix in memory that someone else owns, to read: the operand of every kernel.
///
/// It is a pointer together with its shape. Like an unsafe buffer pointer it must not outlive the memory it points
/// to, and nothing checks that; so `Matrix` and an executor lend it to a closure, for the time that the closure runs.
/// Rows start `stride` scalars apart and `stride ≥ columnCount` rounded up to 16, so a kernel may read up to the next
/// multiple of 16 columns; what stands there is unspecified.
public struct UnsafeMatrixView<Scalar> {
  /// The first element of the first row.
  @usableFromInline package let base: UnsafePointer<Scalar>
  /// The number of rows.
  @usableFromInline package let rowCount: Int
  /// The number of columns.
  @usableFromInline package let columnCount: Int
  /// The distance between the starts of two rows, in scalars.
  @usableFromInline package let stride: Int

  @inlinable package init(base: UnsafePointer<Scalar>, rowCount: Int, columnCount: Int, stride: Int) {
    self.base = base
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.stride = stride
  }

  /// Creates a view to read what another view may also write.
  @inlinable package init(_ other: UnsafeMutableMatrixView<Scalar>) {
    self.init(
      base: other.base, rowCount: other.rowCount, columnCount: other.columnCount, stride: other.stride)
  }

  /// The element at a row and a column, unchecked in optimised builds.
  @inlinable package subscript(row: Int, column: Int) -> Scalar {
    assert(row >= 0 && row < rowCount && column >= 0 && column < columnCount)
    return base[row * stride + column]
  }

  /// Returns a view of some of the rows.
  @inlinable package func rows(_ range: Range<Int>) -> UnsafeMatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rowCount)
    return UnsafeMatrixView(
      base: base + range.lowerBound * stride, rowCount: range.count, columnCount: columnCount, stride: stride)
  }
}

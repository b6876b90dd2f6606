/// A matrix in memory that someone else owns: the operand of every kernel.
///
/// It is a span together with its shape. Like an unsafe buffer pointer it must not outlive the memory it points
/// to; only an executor's arenas and `Matrix` hand it out. Rows start `stride` scalars apart and
/// `stride ≥ columnCount` rounded up to 16, so a kernel may read and overwrite up to the next multiple of 16
/// columns; what stands there is unspecified.
public struct MatrixView<Scalar> {
  /// The first element of the first row.
  @usableFromInline package let base: UnsafeMutablePointer<Scalar>
  /// The number of rows.
  @usableFromInline package let rowCount: Int
  /// The number of columns.
  @usableFromInline package let columnCount: Int
  /// The distance between the starts of two rows, in scalars.
  @usableFromInline package let stride: Int

  @inlinable package init(base: UnsafeMutablePointer<Scalar>, rowCount: Int, columnCount: Int, stride: Int) {
    self.base = base
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.stride = stride
  }

  /// The element at a row and a column, unchecked in optimised builds.
  @inlinable package subscript(row: Int, column: Int) -> Scalar {
    get {
      assert(row >= 0 && row < rowCount && column >= 0 && column < columnCount)
      return base[row * stride + column]
    }
    nonmutating set {
      assert(row >= 0 && row < rowCount && column >= 0 && column < columnCount)
      base[row * stride + column] = newValue
    }
  }

  /// Returns the element at a row and a column, checked in every build.
  package func element(_ row: Int, _ column: Int) -> Scalar {
    precondition(
      row >= 0 && row < rowCount && column >= 0 && column < columnCount,
      "(\(row), \(column)) is outside \(rowCount) × \(columnCount)")
    return base[row * stride + column]
  }

  /// Returns a view of some of the rows.
  @inlinable package func rows(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rowCount)
    return MatrixView(
      base: base + range.lowerBound * stride, rowCount: range.count, columnCount: columnCount, stride: stride)
  }

  /// Sets every element to zero, padding included: one call, whatever the scalar.
  @inlinable package func clear() {
    // Zero is all bits zero in every scalar.
    UnsafeMutableRawPointer(base).initializeMemory(
      as: UInt8.self, repeating: 0, count: rowCount * stride * MemoryLayout<Scalar>.stride)
  }

  /// Sets every element.
  @inlinable package func fill(_ value: Scalar) {
    for row in 0..<rowCount { (base + row * stride).update(repeating: value, count: columnCount) }
  }
}

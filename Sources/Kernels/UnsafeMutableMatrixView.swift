#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A matrix in memory that someone else owns, to read and write: what a kernel's result goes into.
///
/// All that is said of `UnsafeMatrixView` holds; besides, a kernel may overwrite a row up to the next multiple of 16
/// columns.
public struct UnsafeMutableMatrixView<Scalar> {
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

  /// Returns a view of some of the rows.
  @inlinable package func rows(_ range: Range<Int>) -> UnsafeMutableMatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rowCount)
    return UnsafeMutableMatrixView(
      base: base + range.lowerBound * stride, rowCount: range.count, columnCount: columnCount, stride: stride)
  }

  /// Sets every element to zero, padding included: one call, whatever the scalar.
  package func clear() {
    // Zero is all bits zero in every scalar. The memory stays bound to its type, as C writes bytes into it.
    memset(base, 0, rowCount * stride * MemoryLayout<Scalar>.stride)
  }

  /// Sets every element.
  @inlinable package func fill(_ value: Scalar) {
    for row in 0..<rowCount { (base + row * stride).update(repeating: value, count: columnCount) }
  }
}

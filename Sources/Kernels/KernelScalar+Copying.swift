/// Moving rows about: memory traffic only, so plain Swift in every precision.
extension KernelScalar {
  /// Accumulates `y += scale · x`.
  public static func accumulate(
    _ x: UnsafeMatrixView<Self>, scaledBy scale: Self, into y: UnsafeMutableMatrixView<Self>
  ) {
    accumulate(x, scaledBy: scale, into: y, keeping: 1)
  }

  /// Computes a masked layer of an x of which nothing is known.
  public static func maskedLinear(
    _ x: UnsafeMatrixView<Self>, weights w: UnsafeMatrixView<Self>, bias: UnsafeMatrixView<Self>?,
    mask: Staircase, method: ProductMethod, into y: UnsafeMutableMatrixView<Self>
  ) {
    maskedLinear(x, onBits: nil, weights: w, bias: bias, mask: mask, method: method, into: y)
  }

  /// Writes consecutive rows of packed bits as scalars 0 and 1.
  package static func expandBits(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, into y: UnsafeMutableMatrixView<Self>
  ) {
    expandBits(words, wordsPerRow: wordsPerRow, rows: nil, places: nil, into: y, listing: nil)
  }

  /// Copies x (B × N) into the columns `column ..< column + N` of y (B × M).
  package static func copy(
    _ x: UnsafeMatrixView<Self>, into y: UnsafeMutableMatrixView<Self>, atColumn column: Int = 0
  ) {
    precondition(
      x.rowCount == y.rowCount && column >= 0 && column + x.columnCount <= y.columnCount,
      "\(x.rowCount) × \(x.columnCount) does not fit \(y.rowCount) × \(y.columnCount) at column \(column)")
    for row in 0..<x.rowCount {
      (y.base + row * y.stride + column).update(from: x.base + row * x.stride, count: x.columnCount)
    }
  }

  /// Accumulates the columns `column ..< column + N` of x (B × M) into y (B × N).
  package static func accumulate(
    _ x: UnsafeMatrixView<Self>, fromColumn column: Int, into y: UnsafeMutableMatrixView<Self>
  ) {
    precondition(
      x.rowCount == y.rowCount && column >= 0 && column + y.columnCount <= x.columnCount,
      "\(y.columnCount) columns at \(column) are outside \(x.rowCount) × \(x.columnCount)")
    for row in 0..<y.rowCount {
      for k in 0..<y.columnCount { y[row, k] += x[row, column + k] }
    }
  }
}

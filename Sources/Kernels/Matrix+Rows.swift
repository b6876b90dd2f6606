extension Matrix {
  /// Calls `body` with the elements of a row where they lie in memory, without padding.
  package func withUnsafeRow<Result, Failure>(
    _ row: Int, _ body: (UnsafeBufferPointer<Scalar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside \(rowCount) × \(columnCount)")
    return try withUnsafeView { view throws(Failure) in
      try body(UnsafeBufferPointer(start: view.base + row * view.stride, count: view.columnCount))
    }
  }

  /// Calls `body` with the elements of a row where they lie in memory, without padding, to be written.
  package mutating func withUnsafeMutableRow<Result, Failure>(
    _ row: Int, _ body: (UnsafeMutableBufferPointer<Scalar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside \(rowCount) × \(columnCount)")
    return try withUnsafeMutableView { view throws(Failure) in
      try body(UnsafeMutableBufferPointer(start: view.base + row * view.stride, count: view.columnCount))
    }
  }
}

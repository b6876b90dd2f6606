extension Matrix {
  /// Calls `body` with a view to read through, which is valid until it returns.
  @inlinable package func withUnsafeView<Result, Failure: Error>(
    _ body: (UnsafeMatrixView<Scalar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // Here as below: a view is an address, which keeps nothing alive by itself.
    defer { withExtendedLifetime(storage) {} }
    return try body(uncheckedView)
  }

  /// Calls `body` with a view to write through, which is valid until it returns; the storage is first made this
  /// matrix's own.
  @inlinable package mutating func withUnsafeMutableView<Result, Failure: Error>(
    _ body: (UnsafeMutableMatrixView<Scalar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    makeStorageUnique()
    defer { withExtendedLifetime(storage) {} }
    return try body(
      UnsafeMutableMatrixView(
        base: storage.base, rowCount: rowCount, columnCount: columnCount, stride: stride))
  }

  /// Calls `body` with a view to write through and views of other matrices to read, valid until it returns.
  ///
  ///     y.withUnsafeMutableView(reading: x, row) { y, x, row in … }
  @inlinable
  package mutating func withUnsafeMutableView<
    First: KernelScalar, each Other: KernelScalar, Result, Failure: Error
  >(
    reading first: Matrix<First>, _ others: repeat Matrix<each Other>,
    body: (UnsafeMutableMatrixView<Scalar>, UnsafeMatrixView<First>, repeat UnsafeMatrixView<each Other>)
      throws(Failure) -> Result
  ) throws(Failure) -> Result {
    makeStorageUnique()
    defer { withExtendedLifetime((storage, first.storage, repeat (each others).storage)) {} }
    return try body(
      UnsafeMutableMatrixView(
        base: storage.base, rowCount: rowCount, columnCount: columnCount, stride: stride),
      first.uncheckedView, repeat (each others).uncheckedView)
  }

  /// A view that nothing keeps the storage alive for.
  @inlinable var uncheckedView: UnsafeMatrixView<Scalar> {
    UnsafeMatrixView(base: storage.base, rowCount: rowCount, columnCount: columnCount, stride: stride)
  }
}

/// Calls `body` with views of some matrices to read through, which are valid until it returns.
///
///     withUnsafeViews(of: x, weights) { x, weights in … }
@inlinable package func withUnsafeViews<each Scalar: KernelScalar, Result, Failure: Error>(
  of matrices: repeat Matrix<each Scalar>,
  body: (repeat UnsafeMatrixView<each Scalar>) throws(Failure) -> Result
) throws(Failure) -> Result {
  defer { withExtendedLifetime((repeat (each matrices).storage)) {} }
  return try body(repeat (each matrices).uncheckedView)
}

extension Optional {
  /// Calls `body` with a view of the matrix to read through, if there is one, which is valid until it returns.
  @inlinable package func withUnsafeView<Scalar, Result, Failure: Error>(
    _ body: (UnsafeMatrixView<Scalar>?) throws(Failure) -> Result
  ) throws(Failure) -> Result where Wrapped == Matrix<Scalar> {
    guard let matrix = self else { return try body(nil) }
    return try matrix.withUnsafeView(body)
  }
}

extension Array {
  /// Calls `body` with views of all matrices to write through, which are valid until it returns.
  @inlinable package mutating func withUnsafeMutableViews<Scalar, Result, Failure: Error>(
    _ body: ([UnsafeMutableMatrixView<Scalar>]) throws(Failure) -> Result
  ) throws(Failure) -> Result where Element == Matrix<Scalar> {
    defer { withExtendedLifetime(self) {} }
    // The views leave their closures: the array, which nobody else reaches meanwhile, keeps what they point to.
    return try body(indices.map { self[$0].withUnsafeMutableView { $0 } })
  }
}

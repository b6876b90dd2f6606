/// A dense row-major matrix of scalars, with value semantics and storage shared until it is written.
///
/// Every value of the engine is a matrix: a batch of rows is B × D, a bias is 1 × N, one number a row is B × 1.
///
/// Rows are padded to `stride` scalars so that every row starts on a cache line. The stride is an odd number of
/// cache lines and base addresses are staggered, because arrays whose addresses agree modulo 4096 defeat the
/// processor's store-to-load forwarding. Padding holds unspecified finite-or-not values and is never read as data.
public struct Matrix<Scalar: KernelScalar>: Sendable {
  /// The number of rows.
  public let rowCount: Int
  /// The number of columns.
  public let columnCount: Int
  @usableFromInline var storage: Storage<Scalar>

  /// Creates a matrix whose elements all are `value`.
  public init(rowCount: Int, columnCount: Int, repeating value: Scalar = 0) {
    precondition(rowCount >= 0 && columnCount >= 0, "a matrix cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.storage = Storage(count: rowCount * paddedStride(columnCount), filledWith: value)
  }

  /// Creates a matrix whose elements are unspecified, to be written before they are read.
  @usableFromInline package init(uninitializedRowCount rowCount: Int, columnCount: Int) {
    precondition(rowCount >= 0 && columnCount >= 0, "a matrix cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.storage = Storage(count: rowCount * paddedStride(columnCount), filledWith: nil)
  }

  /// Creates a matrix from its elements in row-major order.
  ///
  /// - Precondition: `elements.count == rowCount * columnCount`.
  public init(rowCount: Int, columnCount: Int, elements: [Scalar]) {
    precondition(
      elements.count == rowCount * columnCount,
      "\(elements.count) elements cannot fill \(rowCount) × \(columnCount)")
    self.init(uninitializedRowCount: rowCount, columnCount: columnCount)
    withUnsafeMutableView { target in
      elements.withUnsafeBufferPointer { elements in
        guard let source = elements.baseAddress else { return }
        for row in 0..<rowCount {
          (target.base + row * target.stride).update(from: source + row * columnCount, count: columnCount)
        }
      }
    }
  }

  /// Creates a matrix whose element at each row and column is what a function says.
  @inlinable public init(
    rowCount: Int, columnCount: Int, _ element: (_ row: Int, _ column: Int) -> Scalar
  ) {
    self.init(uninitializedRowCount: rowCount, columnCount: columnCount)
    withUnsafeMutableView { target in
      for row in 0..<rowCount {
        for column in 0..<columnCount { target[row, column] = element(row, column) }
      }
    }
  }

  /// The distance between the starts of two rows, in scalars.
  @inlinable package var stride: Int { paddedStride(columnCount) }

  /// The elements in row-major order, without padding.
  public var elements: [Scalar] {
    Array(unsafeUninitializedCapacity: rowCount * columnCount) { buffer, count in
      withUnsafeView { source in
        for row in 0..<rowCount {
          let from = UnsafeBufferPointer(start: source.base + row * source.stride, count: columnCount)
          _ = buffer[(row * columnCount)...].initialize(from: from)
        }
      }
      count = rowCount * columnCount
    }
  }

  /// The element at a row and a column.
  @inlinable public subscript(row: Int, column: Int) -> Scalar {
    get {
      requireElement(row, column)
      return withUnsafeView { $0[row, column] }
    }
    set {
      requireElement(row, column)
      withUnsafeMutableView { $0[row, column] = newValue }
    }
  }

  /// The elements of one row.
  public subscript(row row: Int) -> [Scalar] {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside \(rowCount) × \(columnCount)")
    return withUnsafeView { source in
      Array(UnsafeBufferPointer(start: source.base + row * source.stride, count: columnCount))
    }
  }

  /// Stops unless there is such an element.
  @inlinable func requireElement(_ row: Int, _ column: Int) {
    precondition(
      row >= 0 && row < rowCount && column >= 0 && column < columnCount,
      "(\(row), \(column)) is outside \(rowCount) × \(columnCount)")
  }

  /// Makes the storage this matrix's own, so that it may be written.
  @inlinable mutating func makeStorageUnique() {
    if !isKnownUniquelyReferenced(&storage) { storage = Storage(copying: storage) }
  }

  /// Replaces every element x by f(x).
  package mutating func apply(_ f: Activation) {
    withUnsafeMutableView { Scalar.apply(f, UnsafeMatrixView($0), into: $0) }
  }

  /// Returns the rows and columns with the given indices, in their order; nil stands for all.
  package func selecting(rows: [Int]?, columns: [Int]?) -> Matrix {
    var result = Matrix(
      uninitializedRowCount: rows?.count ?? rowCount, columnCount: columns?.count ?? columnCount)
    for row in rows ?? [] {
      precondition(row >= 0 && row < rowCount, "row \(row) is outside \(rowCount) × \(columnCount)")
    }
    for column in columns ?? [] {
      precondition(
        column >= 0 && column < columnCount, "column \(column) is outside \(rowCount) × \(columnCount)")
    }
    result.withUnsafeMutableView(reading: self) { target, source in
      for row in 0..<target.rowCount {
        let from = source.base + (rows?[row] ?? row) * source.stride
        let to = target.base + row * target.stride
        if let columns {
          for (column, index) in columns.enumerated() { to[column] = from[index] }
        } else {
          // Whole rows lie together.
          to.update(from: from, count: target.columnCount)
        }
      }
    }
    return result
  }

  /// Returns the matrix with every element converted to another precision.
  public func converted<Other: KernelScalar>(to type: Other.Type) -> Matrix<Other> {
    Matrix<Other>(rowCount: rowCount, columnCount: columnCount, elements: elements.map { Other($0) })
  }
}

extension Matrix: Equatable {
  /// Whether two matrices have the same shape and equal elements.
  public static func == (left: Self, right: Self) -> Bool {
    left.rowCount == right.rowCount && left.columnCount == right.columnCount
      && left.elements == right.elements
  }
}

/// Returns the padded length of a row: whole cache lines of 16 floats, an odd number of them.
@inlinable package func paddedStride(_ columnCount: Int) -> Int {
  let lines = (columnCount + 15) / 16
  return 16 * (lines | 1)
}

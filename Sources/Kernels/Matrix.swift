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
  package private(set) var storage: Storage<Scalar>

  /// Creates a matrix whose elements all are `value`.
  public init(rowCount: Int, columnCount: Int, repeating value: Scalar = 0) {
    precondition(rowCount >= 0 && columnCount >= 0, "a matrix cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.storage = Storage(count: rowCount * paddedStride(columnCount), filledWith: value)
  }

  /// Creates a matrix whose elements are unspecified, to be written before they are read.
  package init(uninitializedRowCount rowCount: Int, columnCount: Int) {
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
    self.init(rowCount: rowCount, columnCount: columnCount)
    let target = view
    for row in 0..<rowCount {
      for column in 0..<columnCount { target[row, column] = elements[row * columnCount + column] }
    }
  }

  /// The distance between the starts of two rows, in scalars.
  package var stride: Int { paddedStride(columnCount) }

  /// The elements in row-major order, without padding.
  public var elements: [Scalar] {
    let source = view
    return Array(unsafeUninitializedCapacity: rowCount * columnCount) { buffer, count in
      for row in 0..<rowCount {
        for column in 0..<columnCount { buffer[row * columnCount + column] = source[row, column] }
      }
      count = rowCount * columnCount
    }
  }

  /// The element at a row and a column.
  public subscript(row: Int, column: Int) -> Scalar {
    get { view.element(row, column) }
    set {
      precondition(
        row >= 0 && row < rowCount && column >= 0 && column < columnCount,
        "(\(row), \(column)) is outside \(rowCount) × \(columnCount)")
      mutableView[row, column] = newValue
    }
  }

  /// The elements of one row.
  public subscript(row row: Int) -> [Scalar] {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside \(rowCount) × \(columnCount)")
    let source = view
    return (0..<columnCount).map { source[row, $0] }
  }

  /// A view to read through.
  ///
  /// It is valid while this matrix lives and is not written: bind a matrix to a name before asking for its view, for a
  /// temporary is gone by the time that the view is used.
  package var view: MatrixView<Scalar> {
    MatrixView(base: storage.base, rowCount: rowCount, columnCount: columnCount, stride: stride)
  }

  /// A view to write through; the storage is first made this matrix's own.
  package var mutableView: MatrixView<Scalar> {
    mutating get {
      if !isKnownUniquelyReferenced(&storage) { storage = Storage(copying: storage) }
      return view
    }
  }

  /// Returns the rows and columns with the given indices, in their order; nil stands for all.
  package func selecting(rows: [Int]?, columns: [Int]?) -> Matrix {
    var result = Matrix(rowCount: rows?.count ?? rowCount, columnCount: columns?.count ?? columnCount)
    let source = view
    let target = result.mutableView
    for row in 0..<target.rowCount {
      let from = source.rows((rows?[row] ?? row)..<(rows?[row] ?? row) + 1)
      if let columns {
        for (column, index) in columns.enumerated() { target[row, column] = from.element(0, index) }
      } else {
        target.rows(row..<row + 1).base.update(from: from.base, count: target.columnCount)
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
package func paddedStride(_ columnCount: Int) -> Int {
  let lines = (columnCount + 15) / 16
  return 16 * (lines | 1)
}

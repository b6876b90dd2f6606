import Kernels

/// Named matrices: what a model has learnt, in the order in which its graph declares them.
public struct Parameters<Scalar: KernelScalar>: Sendable, Equatable {
  /// The names, in order.
  public private(set) var names: [String] = []
  /// The matrices, in the order of their names.
  public internal(set) var matrices: [Matrix<Scalar>] = []

  /// Creates an empty collection.
  public init() {}

  /// Adds a matrix under a new name.
  public mutating func append(_ name: String, _ matrix: Matrix<Scalar>) {
    precondition(!names.contains(name), "there is a parameter named \(name) already")
    names.append(name)
    matrices.append(matrix)
  }

  /// The matrix of a name.
  ///
  /// - Precondition: there is one.
  public subscript(name: String) -> Matrix<Scalar> {
    get { matrices[index(of: name)] }
    set {
      let index = index(of: name)
      precondition(
        newValue.rowCount == matrices[index].rowCount && newValue.columnCount == matrices[index].columnCount,
        "\(name) is \(matrices[index].rowCount) × \(matrices[index].columnCount)")
      matrices[index] = newValue
    }
  }

  /// A view of a matrix to read, for whoever keeps the collection in storage of its own.
  ///
  /// It leaves its closure: it is valid while the collection is kept and the matrix is neither written nor replaced.
  func unsafeView(at index: Int) -> UnsafeMatrixView<Scalar> { matrices[index].withUnsafeView { $0 } }

  /// A view of a matrix to write, for whoever keeps the collection in storage of its own.
  ///
  /// It leaves its closure: it is valid while the collection is kept, not copied, and the matrix not replaced.
  mutating func unsafeMutableView(at index: Int) -> UnsafeMutableMatrixView<Scalar> {
    matrices[index].withUnsafeMutableView { $0 }
  }

  /// Calls `body` with the matrix of a name, to be changed where it is.
  ///
  /// - Precondition: there is one, and `body` leaves its shape.
  package mutating func modify(_ name: String, _ body: (inout Matrix<Scalar>) -> Void) {
    body(&matrices[index(of: name)])
  }

  private func index(of name: String) -> Int {
    guard let index = names.firstIndex(of: name) else {
      preconditionFailure("no parameter is named \(name); there are \(names.joined(separator: ", "))")
    }
    return index
  }

  /// The number of scalars.
  public var scalarCount: Int { matrices.reduce(0) { $0 + $1.rowCount * $1.columnCount } }

  /// Moves every matrix a share of the way to another collection's: `a ← (1 − share) · a + share · b`.
  ///
  /// - Precondition: both have the same names and shapes.
  public mutating func move(towards other: Parameters, by share: Scalar) {
    for index in matrices.indices {
      matrices[index].withUnsafeMutableView(reading: other.matrices[index]) {
        Scalar.accumulate($1, scaledBy: share, into: $0, keeping: 1 - share)
      }
    }
  }

  /// Returns the parameters in another precision.
  public func converted<Other: KernelScalar>(to type: Other.Type) -> Parameters<Other> {
    var result = Parameters<Other>()
    for (name, matrix) in zip(names, matrices) { result.append(name, matrix.converted(to: type)) }
    return result
  }
}

extension Parameters: ExpressibleByDictionaryLiteral {
  /// Creates a collection of matrices under their names, in the order written.
  public init(dictionaryLiteral elements: (String, Matrix<Scalar>)...) {
    for (name, matrix) in elements { append(name, matrix) }
  }
}

import Kernels

/// The arrays of a file that stand under a prefix.
struct StoredArrays {
  let file: SafetensorsReader
  let prefix: String
  let extent: Extent

  /// How much of a file is read.
  enum Extent {
    case everything
    /// Everything but the parameters, which are zero, of the shapes that the file says.
    case allButParameters
  }

  /// Returns the arrays under this prefix and a further one.
  func under(_ further: String) -> StoredArrays {
    StoredArrays(file: file, prefix: prefix + further, extent: extent)
  }

  /// Returns a matrix of parameters.
  func matrix(_ name: String, rowCount: Int, columnCount: Int) throws(DensityError) -> Matrix<Float> {
    switch extent {
    case .everything:
      return try file.matrix(named: prefix + name, rowCount: rowCount, columnCount: columnCount)
    case .allButParameters:
      try file.checkMatrix(named: prefix + name, rowCount: rowCount, columnCount: columnCount)
      // Zeros that nobody touches take no memory.
      return Matrix(rowCount: rowCount, columnCount: columnCount)
    }
  }

  /// Returns whole numbers, row by row.
  func integers(_ name: String, rowCount: Int, columnCount: Int) throws(DensityError) -> [[Int]] {
    let all = try file.integers(named: prefix + name, shape: [rowCount, columnCount])
    return (0..<rowCount).map { Array(all[$0 * columnCount..<($0 + 1) * columnCount]) }
  }

  /// The error that an array is not what it must be.
  func malformed(_ name: String, _ expected: String, found: String) -> DensityError {
    .malformed(path: file.path, at: .field("array '\(prefix)\(name)'"), expected: expected, found: found)
  }
}

import Kernels

extension SafetensorsFile.Tensor {
  /// Creates the array of a matrix, with shape `[rowCount, columnCount]`.
  package init(name: String, _ matrix: Matrix<Float>) {
    self.init(
      name: name, shape: [matrix.rowCount, matrix.columnCount], scalars: .matrix(matrix))
  }
}

extension SafetensorsFile {
  /// Returns an array as a matrix.
  ///
  /// - Parameter path: the file that errors name.
  /// - Throws: `DensityError.malformed` when there is no such array, `.mismatch` when its type is not `F32`
  ///   or its shape is another.
  package func matrix(
    named name: String, rowCount: Int, columnCount: Int, path: String
  ) throws(DensityError) -> Matrix<Float> {
    guard let tensor = tensor(named: name) else {
      throw .malformed(path: path, at: .field("header"), expected: "an array '\(name)'", found: "none")
    }
    let found: [Float]? =
      switch tensor.scalars {
      case .float32(let elements): elements
      case .matrix(let matrix): matrix.elements
      default: nil
      }
    guard let elements = found, tensor.shape == [rowCount, columnCount] else {
      throw .mismatch(
        path: path, expected: "the array '\(name)' as F32 \([rowCount, columnCount])",
        found: "\(tensor.scalars.elementType.rawValue) \(tensor.shape)")
    }
    return Matrix(rowCount: rowCount, columnCount: columnCount, elements: elements)
  }
}

import Kernels

extension SafetensorsFile.Tensor {
  /// Creates the array of a matrix, with shape `[rowCount, columnCount]`.
  package init(name: String, _ matrix: Matrix<Float>) {
    self.init(
      name: name, shape: [matrix.rowCount, matrix.columnCount], scalars: .matrix(matrix))
  }
}

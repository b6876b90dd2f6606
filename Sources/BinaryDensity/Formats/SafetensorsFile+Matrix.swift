import Kernels

extension SafetensorsFile.Tensor {
  /// Creates the array of a matrix, with shape `[rowCount, columnCount]`.
  ///
  /// - Parameter isOfHalves: whether it is kept in half precision, of which its elements then are numbers.
  package init(name: String, _ matrix: Matrix<Float>, isOfHalves: Bool = false) {
    self.init(
      name: name, shape: [matrix.rowCount, matrix.columnCount],
      scalars: isOfHalves ? .matrixOfHalves(matrix) : .matrix(matrix))
  }
}

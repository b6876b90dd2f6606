import CKernels

extension Philox {
  /// Fills a view, row by row, with the uniform numbers that the next words stand for, one word an element.
  ///
  /// Equal to `Scalar(unitFloat(nextWord()))` for each element in turn.
  package mutating func fill<Scalar: KernelScalar>(_ view: UnsafeMutableMatrixView<Scalar>) {
    if let floats = view as? UnsafeMutableMatrixView<Float> {
      kernels.pointee.uniforms(raw, floats.raw)
      self = Philox(
        seed: seed, stream: stream, position: position + UInt64(view.rowCount * view.columnCount))
      return
    }
    for row in 0..<view.rowCount {
      for column in 0..<view.columnCount { view[row, column] = Scalar(unitFloat(nextWord())) }
    }
  }
}

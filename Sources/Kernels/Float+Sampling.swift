import CKernels

extension Float {
  public static func decide(
    logits z: MatrixView<Float>, uniforms u: MatrixView<Float>, into x: MatrixView<Float>
  ) {
    z.require("z", rows: 1, columns: z.columnCount)
    u.require("u", shapeOf: z)
    x.require("x", shapeOf: z)
    kernels.pointee.decide(z.raw, u.raw, x.raw)
  }
}

extension Philox {
  /// Fills a view, row by row, with the uniform numbers that the next words stand for, one word an element.
  ///
  /// Equal to `Scalar(unitFloat(nextWord()))` for each element in turn.
  package mutating func fill<Scalar: KernelScalar>(_ view: MatrixView<Scalar>) {
    if let floats = view as? MatrixView<Float> {
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

import CKernels

extension Float {
  public static func sumOfSquares(_ x: UnsafeMatrixView<Float>) -> Double {
    kernels.pointee.sum_of_squares(x.raw)
  }

  public static func isFinite(_ x: UnsafeMatrixView<Float>) -> Bool { kernels.pointee.is_finite(x.raw) }

  public static func descend(
    _ w: UnsafeMutableMatrixView<Float>, gradient g: UnsafeMatrixView<Float>, scaledBy scale: Float,
    rate: Float,
    momentum: Float, velocity v: UnsafeMutableMatrixView<Float>
  ) {
    g.require("the gradient", shapeOf: w)
    v.require("the velocity", shapeOf: w)
    kernels.pointee.descend(w.raw, g.raw, scale, rate, momentum, v.raw)
  }

  public static func adagrad(
    _ w: UnsafeMutableMatrixView<Float>, gradient g: UnsafeMatrixView<Float>, scaledBy scale: Float,
    rate: Float, epsilon: Float,
    squares s: UnsafeMutableMatrixView<Float>
  ) {
    g.require("the gradient", shapeOf: w)
    s.require("the squares", shapeOf: w)
    kernels.pointee.adagrad(w.raw, g.raw, scale, rate, epsilon, s.raw)
  }

  public static func adam(
    _ w: UnsafeMutableMatrixView<Float>, gradient g: UnsafeMatrixView<Float>, scaledBy scale: Float,
    step: AdamStep<Float>,
    mean m: UnsafeMutableMatrixView<Float>, variance v: UnsafeMutableMatrixView<Float>
  ) {
    g.require("the gradient", shapeOf: w)
    m.require("the mean", shapeOf: w)
    v.require("the variance", shapeOf: w)
    kernels.pointee.adam(w.raw, g.raw, scale, step.raw, m.raw, v.raw)
  }
}

import CKernels

extension Float {
  public static func product(
    _ a: UnsafeMatrixView<Float>, _ b: UnsafeMatrixView<Float>, transposing: Transposition,
    into c: UnsafeMutableMatrixView<Float>,
    accumulating: Bool
  ) {
    switch transposing {
    case .none:
      b.require("b", rows: a.columnCount, columns: c.columnCount)
      a.require("a", rows: c.rowCount, columns: a.columnCount)
      kernels.pointee.product(a.raw, b.raw, ck_none, c.raw, accumulating)
    case .left:
      b.require("b", rows: a.rowCount, columns: c.columnCount)
      a.require("a", rows: a.rowCount, columns: c.rowCount)
      kernels.pointee.product(a.raw, b.raw, ck_left, c.raw, accumulating)
    case .right:
      b.require("b", rows: c.columnCount, columns: a.columnCount)
      a.require("a", rows: c.rowCount, columns: a.columnCount)
      kernels.pointee.product(a.raw, b.raw, ck_right, c.raw, accumulating)
    }
  }

  public static func maskedLinear(
    _ x: UnsafeMatrixView<Float>, onBits: UnsafeOnBits?, weights w: UnsafeMatrixView<Float>,
    bias: UnsafeMatrixView<Float>?, mask: Staircase, method: ProductMethod,
    into y: UnsafeMutableMatrixView<Float>
  ) {
    mask.require(weights: w)
    x.require("x", rows: x.rowCount, columns: w.rowCount)
    bias?.require("bias", rows: 1, columns: w.columnCount)
    y.require("y", rows: x.rowCount, columns: w.columnCount)
    mask.withC {
      kernels.pointee.masked_linear(x.raw, onBits.raw, w.raw, bias?.base, $0, method.raw, y.raw)
    }
  }

  public static func maskedLinearInputGradient(
    _ dy: UnsafeMatrixView<Float>, weights w: UnsafeMatrixView<Float>, mask: Staircase, method: ProductMethod,
    into dx: UnsafeMutableMatrixView<Float>
  ) {
    mask.require(weights: w)
    dy.require("dy", rows: dx.rowCount, columns: w.columnCount)
    dx.require("dx", rows: dx.rowCount, columns: w.rowCount)
    mask.withC { kernels.pointee.masked_linear_input_gradient(dy.raw, w.raw, $0, method.raw, dx.raw) }
  }

  public static func maskedLinearWeightGradient(
    _ x: UnsafeMatrixView<Float>, _ dy: UnsafeMatrixView<Float>, mask: Staircase, method: ProductMethod,
    into dw: UnsafeMutableMatrixView<Float>
  ) {
    mask.require(weights: dw)
    x.require("x", rows: x.rowCount, columns: dw.rowCount)
    dy.require("dy", rows: x.rowCount, columns: dw.columnCount)
    mask.withC { kernels.pointee.masked_linear_weight_gradient(x.raw, dy.raw, $0, method.raw, dw.raw) }
  }

  public static func linear(
    onBits: UnsafeOnBits, weights w: UnsafeMatrixView<Float>, bias: UnsafeMatrixView<Float>?, mask: Staircase,
    into y: UnsafeMutableMatrixView<Float>
  ) {
    // Where lists are given, the sparse method reads them and nothing of x.
    maskedLinear(
      UnsafeMatrixView(base: w.base, rowCount: y.rowCount, columnCount: w.rowCount, stride: 0),
      onBits: onBits, weights: w, bias: bias, mask: mask, method: .sparse, into: y)
  }

  public static func accumulateListed(
    _ dy: UnsafeMatrixView<Float>, lists: UnsafeOnBits, places: UnsafeBufferPointer<Int32>,
    into dw: UnsafeMutableMatrixView<Float>
  ) {
    dw.require("dw", rows: dw.rowCount, columns: dy.columnCount)
    precondition(places.allSatisfy { $0 >= 0 && $0 < dw.rowCount }, "a place is no row of dw")
    guard let base = places.baseAddress else { return }
    kernels.pointee.accumulate_listed(dy.raw, lists.raw, base, places.count, dw.raw)
  }

  public static func maskedLinearAdam(
    _ x: UnsafeMatrixView<Float>, _ dy: UnsafeMatrixView<Float>, mask: Staircase, method: ProductMethod,
    everywhere: Bool, step: AdamStep<Float>, weights w: UnsafeMutableMatrixView<Float>,
    mean m: UnsafeMutableMatrixView<Float>,
    variance v: UnsafeMutableMatrixView<Float>
  ) {
    precondition(everywhere || mask.hasSortedOutputs, "the mask's outputs must be sorted by degree")
    mask.require(weights: w)
    x.require("x", rows: x.rowCount, columns: w.rowCount)
    dy.require("dy", rows: x.rowCount, columns: w.columnCount)
    m.require("mean", shapeOf: w)
    v.require("variance", shapeOf: w)
    mask.withC {
      kernels.pointee.masked_linear_adam(
        x.raw, dy.raw, $0, method.raw, everywhere, w.raw, m.raw, v.raw, step.raw)
    }
  }
}

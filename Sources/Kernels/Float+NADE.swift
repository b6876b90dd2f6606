import CKernels

extension NADEOperands where Scalar == Float {
  var raw: ck_nade { ck_nade(w: w.raw, v: v.raw, b: b.raw, c: c.raw) }

  /// Calls `body` with the ordering, after checking all shapes against the number of variables.
  func withOrdering<Result>(
    variableCount: Int, _ body: (UnsafePointer<Int32>?, ck_activation) -> Result
  ) -> Result {
    let hiddenCount = c.columnCount
    w.require("w", rows: variableCount, columns: hiddenCount)
    v.require("v", rows: variableCount, columns: hiddenCount)
    b.require("b", rows: 1, columns: variableCount)
    c.require("c", rows: 1, columns: hiddenCount)
    precondition(
      ordering.count == variableCount, "\(ordering.count) positions order \(variableCount) variables")
    // Their values are what C indexes with; that they form a permutation is the caller's promise.
    precondition(
      ordering.allSatisfy { $0 >= 0 && $0 < variableCount }, "an ordering of \(variableCount) has \(ordering)"
    )
    return ordering.withUnsafeBufferPointer { body($0.baseAddress, activation.raw) }
  }
}

extension NADEGradients where Scalar == Float {
  var raw: ck_nade { ck_nade(w: w.raw, v: v.raw, b: b.raw, c: c.raw) }

  fileprivate func require(shapesOf parameters: NADEOperands<Float>) {
    w.require("the gradient of w", shapeOf: parameters.w)
    v.require("the gradient of v", shapeOf: parameters.v)
    b.require("the gradient of b", shapeOf: parameters.b)
    c.require("the gradient of c", shapeOf: parameters.c)
  }
}

extension NADEWeights where Scalar == Float {
  /// The weights as C takes them; the biases beside them are not used.
  fileprivate func raw(besides parameters: NADEOperands<Float>) -> ck_nade {
    ck_nade(w: w.raw, v: v.raw, b: parameters.b.raw, c: parameters.c.raw)
  }
}

extension Float {
  public static func nade(
    _ x: UnsafeMatrixView<Float>, parameters: NADEOperands<Float>, into z: UnsafeMutableMatrixView<Float>
  ) {
    z.require("z", shapeOf: x)
    parameters.withOrdering(variableCount: x.columnCount) { ordering, activation in
      kernels.pointee.nade(x.raw, parameters.raw, ordering, activation, z.raw)
    }
  }

  public static func nadeGradient(
    _ x: UnsafeMatrixView<Float>, parameters: NADEOperands<Float>, _ dz: UnsafeMatrixView<Float>,
    into gradients: NADEGradients<Float>
  ) {
    dz.require("dz", shapeOf: x)
    gradients.require(shapesOf: parameters)
    parameters.withOrdering(variableCount: x.columnCount) { ordering, activation in
      kernels.pointee.nade_gradient(x.raw, parameters.raw, ordering, activation, dz.raw, gradients.raw)
    }
  }

  public static func nadeAdam(
    _ x: UnsafeMatrixView<Float>, parameters: NADEOperands<Float>, _ dz: UnsafeMatrixView<Float>,
    into gradients: NADEGradients<Float>, step: AdamStep<Float>, weights: NADEWeights<Float>,
    means: NADEWeights<Float>, variances: NADEWeights<Float>
  ) {
    precondition(x.rowCount > 0, "a step needs a row")
    dz.require("dz", shapeOf: x)
    gradients.require(shapesOf: parameters)
    precondition(
      parameters.w.base == UnsafePointer(weights.w.base)
        && parameters.v.base == UnsafePointer(weights.v.base),
      "the weights to be updated are those of the parameters")
    for moments in [means, variances] {
      moments.w.require("the moment of w", shapeOf: parameters.w)
      moments.v.require("the moment of v", shapeOf: parameters.v)
    }
    parameters.withOrdering(variableCount: x.columnCount) { ordering, activation in
      kernels.pointee.nade_adam(
        x.raw, weights.raw(besides: parameters), ordering, activation, dz.raw, gradients.raw, step.raw,
        means.raw(besides: parameters), variances.raw(besides: parameters))
    }
  }

  public static func nadeSample(
    uniforms u: UnsafeMatrixView<Float>, parameters: NADEOperands<Float>,
    into x: UnsafeMutableMatrixView<Float>,
    logits z: UnsafeMutableMatrixView<Float>
  ) {
    x.require("x", shapeOf: u)
    z.require("z", shapeOf: u)
    parameters.withOrdering(variableCount: u.columnCount) { ordering, activation in
      kernels.pointee.nade_sample(u.raw, parameters.raw, ordering, activation, x.raw, z.raw)
    }
  }
}

extension Reference {
  static func nade<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, parameters p: NADEOperands<S>, into z: UnsafeMutableMatrixView<S>
  ) {
    let hiddenCount = p.c.columnCount
    for row in 0..<x.rowCount {
      var a = (0..<hiddenCount).map { p.c[0, $0] }
      var h = a.map { value(of: p.activation, $0) }
      for variable in p.ordering.lazy.map(Int.init) {
        var logit = p.b[0, variable]
        for j in 0..<hiddenCount { logit += p.v[variable, j] * h[j] }
        z[row, variable] = logit
        guard x[row, variable] != 0 else { continue }
        for j in 0..<hiddenCount {
          a[j] += x[row, variable] * p.w[variable, j]
          h[j] = value(of: p.activation, a[j])
        }
      }
    }
  }

  /// The reverse of `nade`: the activations before every on-bit are kept, and the gradient of a, which every later
  /// conditional adds to, is carried from the last variable to the first.
  static func nadeGradient<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, parameters p: NADEOperands<S>, _ dz: UnsafeMatrixView<S>,
    into gradients: NADEGradients<S>
  ) {
    let hiddenCount = p.c.columnCount
    for row in 0..<x.rowCount {
      var a = (0..<hiddenCount).map { p.c[0, $0] }
      var states: [[S]] = []
      for variable in p.ordering.lazy.map(Int.init) {
        states.append(a.map { value(of: p.activation, $0) })
        guard x[row, variable] != 0 else { continue }
        for j in 0..<hiddenCount { a[j] += x[row, variable] * p.w[variable, j] }
      }
      var da = [S](repeating: 0, count: hiddenCount)
      for (i, index) in p.ordering.enumerated().reversed() {
        let variable = Int(index)
        let h = states[i]
        let slope = dz[row, variable]
        if x[row, variable] != 0 {
          for j in 0..<hiddenCount { gradients.w[variable, j] += x[row, variable] * da[j] }
        }
        gradients.b[0, variable] += slope
        for j in 0..<hiddenCount {
          gradients.v[variable, j] += slope * h[j]
          da[j] += slope * p.v[variable, j] * derivative(of: p.activation, output: h[j])
        }
      }
      for j in 0..<hiddenCount { gradients.c[0, j] += da[j] }
    }
  }

  static func nadeAdam<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, parameters p: NADEOperands<S>, _ dz: UnsafeMatrixView<S>,
    into gradients: NADEGradients<S>,
    step: AdamStep<S>, weights: NADEWeights<S>, means: NADEWeights<S>, variances: NADEWeights<S>
  ) {
    gradients.w.clear()
    gradients.v.clear()
    nadeGradient(x, parameters: p, dz, into: gradients)
    adam(
      weights.w, gradient: UnsafeMatrixView(gradients.w), scaledBy: 1, step: step, mean: means.w,
      variance: variances.w)
    adam(
      weights.v, gradient: UnsafeMatrixView(gradients.v), scaledBy: 1, step: step, mean: means.v,
      variance: variances.v)
  }

  static func nadeSample<S: KernelScalar>(
    uniforms u: UnsafeMatrixView<S>, parameters p: NADEOperands<S>, into x: UnsafeMutableMatrixView<S>,
    logits z: UnsafeMutableMatrixView<S>
  ) {
    let hiddenCount = p.c.columnCount
    for row in 0..<u.rowCount {
      var a = (0..<hiddenCount).map { p.c[0, $0] }
      for variable in p.ordering.lazy.map(Int.init) {
        var logit = p.b[0, variable]
        for j in 0..<hiddenCount { logit += p.v[variable, j] * value(of: p.activation, a[j]) }
        z[row, variable] = logit
        x[row, variable] = u[row, variable] < sigmoid(logit) ? 1 : 0
        guard x[row, variable] != 0 else { continue }
        for j in 0..<hiddenCount { a[j] += p.w[variable, j] }
      }
    }
  }
}

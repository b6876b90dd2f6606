import Kernels

extension Executor {
  /// Adds one node's contribution to the gradients of its operands, given the gradient of its own value.
  ///
  /// Every rule reads `dy` and accumulates `dx`; operands that carry no gradient are skipped, and so are a masked
  /// layer's weights if they are not to be included.
  func differentiate(_ value: Graph.Value, includingWeights: Bool = true) {
    func carries(_ operand: Graph.Value) -> Bool { plan.carriesGradient[operand.index] }
    let node = graph[value]
    let dy: UnsafeMatrixView<Scalar>
    if case .parameter = node.op { return } else { dy = UnsafeMatrixView(gradientView(of: value)) }

    switch node.op {
    case .parameter, .input: break
    case .product(let a, let b):
      // d(ab) = da·b + a·db
      if carries(a) {
        Scalar.product(dy, view(of: b), transposing: .right, into: gradientView(of: a), accumulating: true)
      }
      if carries(b) {
        Scalar.product(view(of: a), dy, transposing: .left, into: gradientView(of: b), accumulating: true)
      }
    case .maskedLinear(let x, let weights, let bias, let mask):
      if carries(x) {
        Scalar.maskedLinearInputGradient(
          dy, weights: view(of: weights), mask: masks[mask.index], method: method(of: x),
          into: gradientView(of: x))
      }
      if includingWeights, carries(weights) {
        Scalar.maskedLinearWeightGradient(
          view(of: x), dy, mask: masks[mask.index], method: method(of: x),
          into: gradientView(of: weights))
      }
      if let bias, carries(bias) {
        Scalar.accumulateSumOfRows(dy, scaledBy: 1, into: gradientView(of: bias))
      }
    case .addBias(let x, let bias):
      if carries(x) { Scalar.accumulate(dy, scaledBy: 1, into: gradientView(of: x)) }
      if carries(bias) { Scalar.accumulateSumOfRows(dy, scaledBy: 1, into: gradientView(of: bias)) }
    case .add(let a, let b):
      if carries(a) { Scalar.accumulate(dy, scaledBy: 1, into: gradientView(of: a)) }
      if carries(b) { Scalar.accumulate(dy, scaledBy: 1, into: gradientView(of: b)) }
    case .multiply(let a, let b):
      if carries(a) { Scalar.multiply(dy, view(of: b), into: gradientView(of: a), accumulating: true) }
      if carries(b) { Scalar.multiply(dy, view(of: a), into: gradientView(of: b), accumulating: true) }
    case .scale(let x, let factor, let spared):
      if carries(x) { accumulate(dy, scaledBy: factor, sparing: spared, into: gradientView(of: x)) }
    case .activation(let f, let x):
      if carries(x) {
        Scalar.accumulateGradient(of: f, output: view(of: value), dy, into: gradientView(of: x))
      }
    case .concatenate(let parts):
      var column = 0
      for part in parts {
        let width = graph[part].shape.columns
        if carries(part) { Scalar.accumulate(dy, fromColumn: column, into: gradientView(of: part)) }
        column += width
      }
    case .sum(let x, let axis):
      if carries(x) { spread(dy, axis, scaledBy: 1, into: gradientView(of: x)) }
    case .mean(let x, let axis):
      if carries(x) { spread(dy, axis, scaledBy: meanScale(x, axis), into: gradientView(of: x)) }
    case .logMeanExp(let x):
      if carries(x) {
        Scalar.accumulateLogMeanExpGradient(
          view(of: x), output: view(of: value), dy, into: gradientView(of: x))
      }
    case .dropout(let x, let rate, let isRescaled, _, let stream):
      // Nothing that carries a gradient has columns that are spared.
      guard carries(x) else { break }
      if isTraining {
        Scalar.dropout(
          dy, rate: rate, scaledBy: isRescaled ? Scalar(1 / (1 - rate)) : 1, bits: dropoutBits(stream),
          into: gradientView(of: x), accumulating: true)
      } else {
        Scalar.accumulate(dy, scaledBy: 1, into: gradientView(of: x))
      }
    case .bernoulliLogLikelihood(let logits, let targets):
      if carries(logits) {
        Scalar.accumulateBernoulliGradient(
          logits: view(of: logits), targets: view(of: targets), dy, into: gradientView(of: logits))
      }
    case .oneHot(let logits, let rows, let groups):
      // What is certain depends on no logit. Nobody reads the value's own gradient after this.
      if carries(logits) {
        Scalar.force(groups, of: view(of: rows), on: 0, off: 0, in: gradientView(of: value))
        Scalar.accumulate(dy, scaledBy: 1, into: gradientView(of: logits))
      }
    case .nade(let n):
      Scalar.nadeGradient(view(of: n.x), parameters: operands(n), dy, into: gradients(of: n))
    }
  }

  /// Where the gradients of a NADE's parameters go.
  func gradients(of n: Op.NADEValues) -> NADEGradients<Scalar> {
    NADEGradients(
      w: gradientView(of: n.w), v: gradientView(of: n.v), b: gradientView(of: n.b), c: gradientView(of: n.c))
  }

  /// The reverse of a reduction: every reduced element gets the reduction's gradient.
  private func spread(
    _ dy: UnsafeMatrixView<Scalar>, _ axis: Axis, scaledBy scale: Scalar,
    into dx: UnsafeMutableMatrixView<Scalar>
  ) {
    switch axis {
    case .rows: Scalar.accumulateRow(dy, scaledBy: scale, into: dx)
    case .columns: Scalar.accumulateColumn(dy, scaledBy: scale, into: dx)
    }
  }
}

import Kernels

extension Executor {
  /// Computes one node's value from its operands'.
  func evaluate(_ value: Graph.Value) {
    let node = graph[value]
    switch node.op {
    case .parameter, .input: break
    case .product(let a, let b):
      Scalar.product(
        view(of: a), view(of: b), transposing: .none, into: mutableView(of: value), accumulating: false)
    case .maskedLinear(let x, let weights, let bias, let mask):
      withOnBits(of: x) {
        Scalar.maskedLinear(
          view(of: x), onBits: $0, weights: view(of: weights), bias: bias.map(view(of:)),
          mask: masks[mask.index], method: method(of: x), into: mutableView(of: value))
      }
    case .addBias(let x, let bias):
      Scalar.copy(view(of: x), into: mutableView(of: value))
      Scalar.accumulateRow(view(of: bias), scaledBy: 1, into: mutableView(of: value))
    case .add(let a, let b):
      Scalar.copy(view(of: a), into: mutableView(of: value))
      Scalar.accumulate(view(of: b), scaledBy: 1, into: mutableView(of: value))
    case .multiply(let a, let b):
      Scalar.multiply(view(of: a), view(of: b), into: mutableView(of: value), accumulating: false)
    case .scale(let x, let factor, let spared):
      mutableView(of: value).clear()
      accumulate(view(of: x), scaledBy: factor, sparing: spared, into: mutableView(of: value))
    case .activation(let f, let x):
      Scalar.apply(f, view(of: x), into: mutableView(of: value))
    case .concatenate(let parts):
      var column = 0
      for part in parts {
        let source = view(of: part)
        Scalar.copy(source, into: mutableView(of: value), atColumn: column)
        column += source.columnCount
      }
    case .sum(let x, let axis):
      reduce(x, axis, scaledBy: 1, into: mutableView(of: value))
    case .mean(let x, let axis):
      reduce(x, axis, scaledBy: meanScale(x, axis), into: mutableView(of: value))
    case .logMeanExp(let x):
      Scalar.logMeanExp(view(of: x), into: mutableView(of: value))
    case .dropout(let x, let rate, let isRescaled, let spared, let stream):
      if isTraining {
        let (x, y) = (view(of: x), mutableView(of: value))
        Scalar.dropout(
          x, rate: rate, scaledBy: isRescaled ? Scalar(1 / (1 - rate)) : 1, bits: dropoutBits(stream),
          into: y,
          accumulating: false)
        for row in 0..<(spared > 0 ? x.rowCount : 0) {
          for column in 0..<spared { y[row, column] = x[row, column] }
        }
      } else {
        Scalar.copy(view(of: x), into: mutableView(of: value))
      }
    case .bernoulliLogLikelihood(let logits, let targets):
      Scalar.bernoulliLogLikelihood(
        logits: view(of: logits), targets: view(of: targets), into: mutableView(of: value))
    case .oneHot(let logits, let rows, let groups):
      Scalar.copy(view(of: logits), into: mutableView(of: value))
      Scalar.force(
        groups, of: view(of: rows), on: Scalar.forcedLogit, off: -Scalar.forcedLogit,
        in: mutableView(of: value))
    case .nade(let n):
      Scalar.nade(view(of: n.x), parameters: operands(n), into: mutableView(of: value))
    }
  }

  /// Adds factor · x, the first rows as they are.
  func accumulate(
    _ x: UnsafeMatrixView<Scalar>, scaledBy factor: Double, sparing spared: Int,
    into y: UnsafeMutableMatrixView<Scalar>
  ) {
    if spared > 0 { Scalar.accumulate(x.rows(0..<spared), scaledBy: 1, into: y.rows(0..<spared)) }
    let scaled = spared..<x.rowCount
    Scalar.accumulate(x.rows(scaled), scaledBy: Scalar(factor), into: y.rows(scaled))
  }

  private func reduce(
    _ x: Graph.Value, _ axis: Axis, scaledBy scale: Scalar, into y: UnsafeMutableMatrixView<Scalar>
  ) {
    y.clear()
    switch axis {
    case .rows: Scalar.accumulateSumOfRows(view(of: x), scaledBy: scale, into: y)
    case .columns: Scalar.accumulateSumOfColumns(view(of: x), scaledBy: scale, into: y)
    }
  }

  /// One over the number of elements that a mean along an axis of the current batch is taken of.
  func meanScale(_ x: Graph.Value, _ axis: Axis) -> Scalar {
    let source = view(of: x)
    return 1 / Scalar(axis == .rows ? source.rowCount : source.columnCount)
  }

  /// The random sequence of one dropout node at the current step.
  func dropoutBits(_ stream: Int) -> Philox {
    Philox(seed: seed, stream: .dropout, index: UInt64(stream) << 40 | UInt64(step))
  }

  func operands(_ n: Op.NADEValues) -> NADEOperands<Scalar> {
    NADEOperands(
      w: view(of: n.w), v: view(of: n.v), b: view(of: n.b), c: view(of: n.c), ordering: n.ordering,
      activation: n.activation)
  }
}

import Kernels

extension Op {
  /// Returns the shape of the op's value, having checked the operands' shapes.
  ///
  /// - Precondition: the operands fit; the message names the op and the shapes.
  func shape(in graph: Graph) -> Shape {
    func shape(_ value: Graph.Value) -> Shape { graph[value].shape }
    func require(_ holds: Bool, _ expectation: @autoclosure () -> String) {
      precondition(
        holds,
        "\(name): expected \(expectation()); operands are "
          + operands.map { "\(graph.name(of: $0)) \(shape($0))" }.joined(separator: ", "))
    }

    switch self {
    case .parameter, .input: preconditionFailure("a leaf is given its shape")
    case .product(let a, let b):
      require(shape(b).rows == .fixed(shape(a).columns), "as many rows on the right as columns on the left")
      return Shape(rows: shape(a).rows, columns: shape(b).columns)
    case .maskedLinear(let x, let weights, let bias, let mask):
      let staircase = graph.masks[mask.index]
      require(shape(weights).rows == .fixed(shape(x).columns), "as many weight rows as inputs")
      require(
        staircase.inputCount == shape(x).columns && staircase.outputCount == shape(weights).columns,
        "a mask of the weights' shape, not \(staircase.inputCount)×\(staircase.outputCount)")
      if let bias { require(shape(bias) == Shape(1, shape(weights).columns), "a bias of one row an output") }
      return Shape(rows: shape(x).rows, columns: shape(weights).columns)
    case .addBias(let x, let bias):
      require(shape(bias) == Shape(1, shape(x).columns), "a bias of one row and as many columns")
      return shape(x)
    case .add(let a, let b), .multiply(let a, let b):
      require(shape(a) == shape(b), "equal shapes")
      return shape(a)
    case .scale(let x, let factor, let spared):
      require(factor.isFinite, "a finite factor, not \(factor)")
      require(
        spared == 0 || shape(x).rows != .batch, "rows to spare of a parameter, not of a batch")
      return shape(x)
    case .activation(_, let x): return shape(x)
    case .concatenate(let values):
      precondition(!values.isEmpty, "concatenate: expected at least one value")
      require(values.allSatisfy { shape($0).rows == shape(values[0]).rows }, "equal numbers of rows")
      return Shape(rows: shape(values[0]).rows, columns: values.reduce(0) { $0 + shape($1).columns })
    case .sum(let x, let axis), .mean(let x, let axis):
      switch axis {
      case .rows: return Shape(1, shape(x).columns)
      case .columns: return Shape(rows: shape(x).rows, columns: 1)
      }
    case .logMeanExp(let x): return Shape(rows: shape(x).rows, columns: 1)
    case .dropout(let x, let rate, _, let spared, _):
      require(rate >= 0 && rate < 1, "a rate in [0, 1), not \(rate)")
      require(0...shape(x).columns ~= spared, "as many columns as are spared, \(spared)")
      return shape(x)
    case .bernoulliLogLikelihood(let logits, let targets):
      require(shape(logits) == shape(targets), "logits and targets of equal shape")
      return Shape(rows: shape(logits).rows, columns: 1)
    case .oneHot(let logits, let rows, let groups):
      require(shape(logits) == shape(rows), "logits and rows of equal shape")
      let columns = groups.flatMap(\.self)
      require(
        Set(columns).count == columns.count
          && columns.allSatisfy { $0 >= 0 && $0 < shape(rows).columns },
        "groups of different columns of the rows, not \(groups)")
      return shape(logits)
    case .nade(let n):
      let variables = shape(n.x).columns
      let hidden = shape(n.c).columns
      require(
        shape(n.w) == Shape(variables, hidden) && shape(n.v) == Shape(variables, hidden)
          && shape(n.b) == Shape(1, variables) && shape(n.c) == Shape(1, hidden),
        "x B×D, w D×H, v D×H, b 1×D, c 1×H")
      require(
        n.ordering.sorted() == (0..<Int32(variables)).map { $0 },
        "an ordering that is a permutation of the variables")
      require(n.activation == .sigmoid || n.activation == .relu, "sigmoid or relu units, not \(n.activation)")
      return shape(n.x)
    }
  }
}

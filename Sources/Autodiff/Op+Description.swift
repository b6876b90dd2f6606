extension Op {
  /// The op's name.
  var name: String {
    switch self {
    case .parameter: "parameter"
    case .input: "input"
    case .product: "product"
    case .maskedLinear: "maskedLinear"
    case .addBias: "addBias"
    case .add: "add"
    case .multiply: "multiply"
    case .scale: "scale"
    case .activation(let f, _): f.rawValue
    case .concatenate: "concatenate"
    case .sum: "sum"
    case .mean: "mean"
    case .logMeanExp: "logMeanExp"
    case .dropout: "dropout"
    case .bernoulliLogLikelihood: "bernoulliLogLikelihood"
    case .oneHot: "oneHot"
    case .nade: "nade"
    }
  }

  /// Returns the right-hand side of the op's equation.
  func description(in graph: Graph) -> String {
    func call(_ attributes: String...) -> String {
      "\(name)(\((operands.map(graph.name(of:)) + attributes).joined(separator: ", ")))"
    }
    switch self {
    case .parameter: return "parameter"
    case .input(_, let isSparse): return isSparse ? "input, sparse" : "input"
    case .product(let a, let b): return "\(graph.name(of: a)) · \(graph.name(of: b))"
    case .add(let a, let b): return "\(graph.name(of: a)) + \(graph.name(of: b))"
    case .addBias(let x, let bias): return "\(graph.name(of: x)) + \(graph.name(of: bias))"
    case .multiply(let a, let b): return "\(graph.name(of: a)) ∘ \(graph.name(of: b))"
    case .scale(let x, let factor, let spared):
      return "\(factor) · \(graph.name(of: x))" + (spared > 0 ? " from row \(spared)" : "")
    case .maskedLinear(_, _, _, let mask):
      let staircase = graph.masks[mask.index]
      return call(
        "mask \(mask.index): \(staircase.permittedCount) of \(staircase.inputCount * staircase.outputCount)")
    case .sum(_, let axis), .mean(_, let axis): return call("over \(axis.rawValue)")
    case .dropout(_, let rate, let isRescaled, let spared, _):
      return call(
        "rate \(rate)" + (isRescaled ? "" : ", not rescaled") + (spared > 0 ? ", from column \(spared)" : ""))
    case .oneHot(_, _, let groups):
      return call("\(groups.count) groups of \(groups.reduce(0) { $0 + $1.count }) columns")
    case .nade: return call()
    case .activation, .concatenate, .logMeanExp, .bernoulliLogLikelihood: return call()
    }
  }
}

extension Op {
  /// Returns the equations that the op stands for, if its name does not say them.
  ///
  /// - Parameter name: what the op's value is called.
  func equations(of name: String, in graph: Graph) -> [String] {
    guard case .nade(let n) = self else { return [] }
    let z = name.hasPrefix("%") ? "z" : name
    let natural = n.ordering.indices.map { Int32($0) }
    let order =
      n.ordering == natural
      ? "o(i) = i"
      : "o = " + n.ordering.prefix(8).map { "\($0 + 1)" }.joined(separator: ", ")
        + (n.ordering.count > 8 ? ", …" : "")
    return [
      "a(i) = \(graph.name(of: n.c)) + Σ_(j<i) \(graph.name(of: n.x))_o(j) · \(graph.name(of: n.w))_o(j)",
      "\(z)_o(i) = \(graph.name(of: n.b))_o(i) + \(graph.name(of: n.v))_o(i) · \(n.activation.rawValue)(a(i))",
      "for i = 1 … \(n.ordering.count), \(order)",
    ]
  }
}

extension Graph: CustomStringConvertible {
  /// The graph as equations: name, shape, right-hand side; below some, the equations that they stand for.
  public var description: String {
    let names = nodes.indices.map { name(of: Value(index: $0)) }
    let nameWidth = names.reduce(0) { max($0, $1.count) }
    let shapeWidth = nodes.reduce(0) { max($0, $1.shape.description.count) }
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: width - text.count)
    }
    let indent = String(repeating: " ", count: nameWidth + shapeWidth + 6)
    return zip(names, nodes).flatMap { name, node in
      [
        "\(padded(name, nameWidth)) : \(padded(node.shape.description, shapeWidth)) = \(node.op.description(in: self))"
      ] + node.op.equations(of: name, in: self).map { indent + $0 }
    }.joined(separator: "\n")
  }
}

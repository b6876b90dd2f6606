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
    case .nade(let n): return call(n.activation.rawValue)
    case .activation, .concatenate, .logMeanExp, .bernoulliLogLikelihood: return call()
    }
  }
}

extension Graph: CustomStringConvertible {
  /// The graph as equations, one a line: name, shape, right-hand side.
  public var description: String {
    let names = nodes.indices.map { name(of: Value(index: $0)) }
    let nameWidth = names.reduce(0) { max($0, $1.count) }
    let shapeWidth = nodes.reduce(0) { max($0, $1.shape.description.count) }
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: width - text.count)
    }
    return zip(names, nodes).map { name, node in
      "\(padded(name, nameWidth)) : \(padded(node.shape.description, shapeWidth)) = \(node.op.description(in: self))"
    }.joined(separator: "\n")
  }
}

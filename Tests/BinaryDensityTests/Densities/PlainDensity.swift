import Autodiff
import BinaryDensity
import Foundation
import Kernels

/// A number computed in Double, and how far a computation of another precision may be from it.
struct Bounded {
  var value: Double
  var error: Double

  /// Returns bias + Σ weight·x of exact weights: n products summed in any order err by at most (n +
  /// 2)·u·Σ|w·x|.
  ///
  /// The factor of 1.01 covers the higher orders.
  static func sum(_ bias: Float, _ terms: [(weight: Float, x: Bounded)], roundoff: Double) -> Bounded {
    var result = Bounded(value: Double(bias), error: 0)
    var magnitude = abs(Double(bias))
    for (weight, x) in terms {
      result.value += Double(weight) * x.value
      result.error += abs(Double(weight)) * x.error
      magnitude += abs(Double(weight)) * (abs(x.value) + x.error)
    }
    result.error += 1.01 * Double(terms.count + 3) * roundoff * magnitude
    return result
  }

  /// Returns f(x): the slope of every f is at most 1, and f itself is within 3 ulp, or 6 roundings.
  func applying(_ f: Activation, roundoff: Double) -> Bounded {
    let y =
      switch f {
      case .relu: max(value, 0)
      case .sigmoid: 1 / (1 + exp(-value))
      case .tanh: tanh(value)
      case .softplus: max(value, 0) + log1p(exp(-abs(value)))
      }
    return Bounded(value: y, error: error + 6.1 * roundoff * (abs(y) + error))
  }

  /// Returns the sum of two numbers.
  func adding(_ other: Bounded, roundoff: Double) -> Bounded {
    let (sum, errors) = (value + other.value, error + other.error)
    return Bounded(value: sum, error: errors + 1.01 * roundoff * (abs(sum) + errors))
  }
}

/// The families' densities written down as their papers define them, each conditional afresh.
struct PlainDensity {
  let model: any NetworkDensity
  /// The relative error of one rounding in the computation that is compared.
  var roundoff = 0x1p-24

  /// Returns the logits of one component.
  func logits(_ row: [Bool], component: Int) -> [Bounded] {
    switch model {
    case let model as FVSBN: fvsbn(model, row)
    case let model as NADE: nade(model, row)
    case let model as MADE: made(model, row, component)
    default: preconditionFailure("\(type(of: model)) has no plain definition")
    }
  }

  /// Returns log p(x) of one component: every term within 4 ulp, their sum in double, rounded once.
  func logProbability(_ row: [Bool], component: Int) -> Bounded {
    var total = Bounded(value: 0, error: 0)
    for (isOn, z) in zip(row, logits(row, component: component)) {
      let signed = isOn ? z.value : -z.value
      let term = min(signed, 0) - log1p(exp(-abs(signed)))
      // The slope of a log-sigmoid is at most 1. The fast kernel may form t·z − softplus(z) from the rounded
      // parts.
      total.value += term
      total.error += z.error + 8.1 * roundoff * (abs(term) + z.error)
    }
    total.error += 1.01 * roundoff * abs(total.value)
    return total
  }

  /// Returns log p(x), mixed over the components: log-mean-exp moves by no more than its largest argument
  /// does, and errs by a few ulp of max(1, |y|).
  func logProbability(_ row: [Bool]) -> Bounded {
    let terms = (0..<model.componentCount).map { logProbability(row, component: $0) }
    guard terms.count > 1 else { return terms[0] }
    let largest = terms.map(\.value).max() ?? 0
    let mean = terms.reduce(0) { $0 + exp($1.value - largest) } / Double(terms.count)
    let value = largest + log(mean)
    let error = (terms.map(\.error).max() ?? 0) + 8 * roundoff * max(1, abs(value))
    return Bounded(value: value, error: error)
  }

  private func fvsbn(_ model: FVSBN, _ row: [Bool]) -> [Bounded] {
    let (w, b) = (model.parameters["w"], model.parameters["b"])
    let ordering = model.ordering(ofComponent: 0)
    return row.indices.map { i in
      let before = ordering.variables.prefix { $0 != i }
      return .sum(b[0, i], before.map { (w[$0, i], bit(row[$0])) }, roundoff: roundoff)
    }
  }

  /// O(D²·H): the hidden units of every conditional from all the variables before it.
  private func nade(_ model: NADE, _ row: [Bool]) -> [Bounded] {
    let parameters = model.parameters
    let (w, v, b, c) = (parameters["w"], parameters["v"], parameters["b"], parameters["c"])
    let ordering = model.ordering(ofComponent: 0)
    return row.indices.map { i in
      let before = ordering.variables.prefix { $0 != i }
      let hidden = (0..<c.columnCount).map { j in
        Bounded.sum(c[0, j], before.map { (w[$0, j], bit(row[$0])) }, roundoff: roundoff)
          .applying(model.configuration.activation, roundoff: roundoff)
      }
      return .sum(b[0, i], hidden.enumerated().map { (v[i, $0], $1) }, roundoff: roundoff)
    }
  }

  /// Layers of full matrices, each weight times its 0 or 1.
  private func made(_ model: MADE, _ row: [Bool], _ component: Int) -> [Bounded] {
    let configuration = model.configuration
    var masks = model.masks(ofComponent: component)[...]
    func layer(_ x: [Bounded], _ weights: Matrix<Float>, _ mask: Staircase) -> [[(weight: Float, x: Bounded)]]
    {
      (0..<weights.columnCount).map { output in
        x.indices.filter { mask.permits($0, output) }.map { (weights[$0, output], x[$0]) }
      }
    }
    let inputs = row.map(bit)
    var h = inputs
    for index in configuration.hiddenCounts.indices {
      let bias = model.parameters["c\(index)"]
      let units = layer(h, model.parameters["w\(index)"], masks.removeFirst()).enumerated().map {
        Bounded.sum(bias[0, $0], $1, roundoff: roundoff)
          .applying(configuration.activation, roundoff: roundoff)
      }
      let addsBelow = configuration.isResidual && index > 0 && units.count == h.count
      h = addsBelow ? zip(units, h).map { $0.adding($1, roundoff: roundoff) } : units
    }
    var terms: [[(weight: Float, x: Bounded)]] = row.map { _ in [] }
    if !configuration.hiddenCounts.isEmpty { terms = layer(h, model.parameters["v"], masks.removeFirst()) }
    if configuration.hasDirectWeights {
      terms = zip(terms, layer(inputs, model.parameters["direct"], masks.removeFirst())).map { $0 + $1 }
    }
    let b = model.parameters["b"]
    return terms.enumerated().map { .sum(b[0, $0], $1, roundoff: roundoff) }
  }

  private func bit(_ isOn: Bool) -> Bounded { Bounded(value: isOn ? 1 : 0, error: 0) }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// A configuration of an EoNADE, whose parameters a test draws.
struct EoNADECase: Sendable, Hashable, CustomTestStringConvertible {
  var configuration: EoNADE.Configuration
  var testDescription: String {
    "\(configuration.variableCount), \(configuration.hiddenCounts) \(configuration.activation), "
      + "\(configuration.orderCount) orders, \(configuration.ordering)"
  }

  init(
    _ count: Int, _ hiddenCounts: [Int], _ activation: Activation = .relu, orders: Int = 1,
    ordering: OrderingRule = .resampled
  ) {
    configuration = EoNADE.Configuration(
      variableCount: count, hiddenCounts: hiddenCounts, activation: activation, orderCount: orders,
      ordering: ordering, seed: 5)
  }

  /// Creates the model with every parameter drawn evenly from ±`spread`.
  func model(seed: UInt64, spread: Double = 1) throws -> EoNADE {
    drawn(try EoNADE(configuration, seed: seed), seed, spread)
  }

  /// Small models, whose sample space can be enumerated.
  static let enumerable = [
    EoNADECase(1, [1]), EoNADECase(2, [3], orders: 2), EoNADECase(9, [7]), EoNADECase(8, [16, 5], .tanh),
    EoNADECase(7, [9], .sigmoid, orders: 4), EoNADECase(6, [8, 6, 5], .softplus, orders: 3),
    EoNADECase(8, [17, 12], orders: 5), EoNADECase(5, [4], ordering: .explicit([4, 0, 3, 1, 2])),
    EoNADECase(7, [6, 6], ordering: .natural), EoNADECase(6, [33], .tanh, ordering: .random),
  ]
  /// Models whose sizes fill vectors and leave remainders.
  static let larger = [
    EoNADECase(70, [48], orders: 2), EoNADECase(40, [33, 65], .tanh),
    EoNADECase(65, [40, 17, 31], orders: 3),
  ]
}

/// An EoNADE's conditionals as the paper defines them, each afresh from what is known.
struct PlainEoNADE {
  let model: EoNADE
  /// The relative error of one rounding in the computation that is compared.
  var roundoff = 0x1p-24

  /// Returns the logit of a variable, given the values of some others.
  func logit(of variable: Int, known: [Int: Bool]) -> Bounded {
    let parameters = model.parameters
    let (w, u, c) = (parameters["w0"], parameters["u0"], parameters["c0"])
    let one = Bounded(value: 1, error: 0)
    var h = (0..<c.columnCount).map { unit in
      Bounded.sum(
        c[0, unit],
        known.flatMap { [(u[$0, unit], one)] + ($1 ? [(w[$0, unit], one)] : []) }, roundoff: roundoff
      ).applying(model.configuration.activation, roundoff: roundoff)
    }
    for layer in 1..<model.configuration.hiddenCounts.count {
      let (w, c) = (parameters["w\(layer)"], parameters["c\(layer)"])
      h = (0..<c.columnCount).map { unit in
        Bounded.sum(c[0, unit], h.enumerated().map { (w[$0, unit], $1) }, roundoff: roundoff)
          .applying(model.configuration.activation, roundoff: roundoff)
      }
    }
    return .sum(
      parameters["b"][0, variable], h.enumerated().map { (parameters["v"][$0, variable], $1) },
      roundoff: roundoff)
  }

  /// Returns the logits along an order.
  func logits(_ row: [Bool], along order: Ordering) -> [Bounded] {
    var logits = Array(repeating: Bounded(value: 0, error: 0), count: row.count)
    var known: [Int: Bool] = [:]
    for variable in order.variables {
      logits[variable] = logit(of: variable, known: known)
      known[variable] = row[variable]
    }
    return logits
  }

  /// Returns log p(x | order): every term within 4 ulp, their sum in Double, rounded once.
  func logProbability(_ row: [Bool], along order: Ordering) -> Bounded {
    var total = Bounded(value: 0, error: 0)
    for (isOn, z) in zip(row, logits(row, along: order)) {
      let signed = isOn ? z.value : -z.value
      let term = min(signed, 0) - log1p(exp(-abs(signed)))
      total.value += term
      total.error += z.error + 8.1 * roundoff * (abs(term) + z.error)
    }
    total.error += 1.01 * roundoff * abs(total.value)
    return total
  }

  /// Returns log p(x), a log-mean-exp in Double that moves by no more than its largest argument does.
  func logProbability(_ row: [Bool]) -> Bounded {
    let terms = model.orders.map { logProbability(row, along: $0) }
    let largest = terms.map(\.value).max() ?? 0
    let mean = terms.reduce(0) { $0 + exp($1.value - largest) } / Double(terms.count)
    let value = largest + log(mean)
    return Bounded(
      value: value, error: (terms.map(\.error).max() ?? 0) + 8 * 0x1p-53 * max(1, abs(value)))
  }
}

import Kernels
import _TestSupport

/// A small model to walk along, its weights multiples of 1/8, so that with ReLU units every sum is exact in single
/// precision.
struct CursorCase: Sendable, CustomStringConvertible {
  let description: String
  let plan: CursorPlan
  let variableCount: Int
  /// Row r is walked along `orders[r % orders.count]`.
  let orders: [[Int32]]
  /// The logit of a variable in Double, given the variables before it in an order; the others must not matter.
  let logit: @Sendable (_ x: [Bool], _ order: [Int32], _ position: Int) -> Double
  /// What a logit may be off by.
  let tolerance: Double

  /// Models of every kind, of so many variables, whose layers have about so many units.
  static func all(variableCount: Int, hiddenCount: Int, seed: UInt64 = 1) -> [CursorCase] {
    [
      nade(variableCount, hiddenCount, .relu, scale: 1, seed: seed),
      nade(variableCount, hiddenCount, .sigmoid, scale: 1, seed: seed + 1),
      nade(variableCount, hiddenCount, .sigmoid, scale: 64, seed: seed + 2),
      network(variableCount, [], direct: true, seed: seed + 3),
      network(variableCount, [hiddenCount], direct: false, seed: seed + 4),
      network(variableCount, [hiddenCount, hiddenCount, hiddenCount + 3], direct: true, seed: seed + 5),
      orderless(variableCount, [hiddenCount], seed: seed + 6),
      orderless(variableCount, [hiddenCount, hiddenCount + 5], seed: seed + 7),
    ]
  }

  /// Starts a cursor of rows that are numbered as in the caller's table.
  func cursor(rows: [Int]) -> KernelCursor {
    orders.count == 1
      ? KernelCursor(plan, rowCount: rows.count)
      : KernelCursor(plan, orders: orders, orderOfRow: rows.map { $0 % orders.count })
  }

  /// The variable at a position in a row's order.
  func variable(_ row: Int, _ position: Int) -> Int { Int(orders[row % orders.count][position]) }

  // MARK: Making

  private static func eighths(
    _ rows: Int, _ columns: Int, scale: Float = 1, _ generator: inout Philox,
    where permits: (Int, Int) -> Bool = { _, _ in true }
  ) -> Matrix<Float> {
    Matrix(rowCount: rows, columnCount: columns) {
      let weight = Float(generator.integer(below: 7) - 3) / 8 * scale
      return permits($0, $1) ? weight : .nan
    }
  }

  private static func nade(
    _ variableCount: Int, _ hiddenCount: Int, _ activation: Activation, scale: Float, seed: UInt64
  ) -> CursorCase {
    var generator = Philox(seed: seed, stream: 0xC0)
    let order = generator.permutation(of: variableCount).map(Int32.init)
    let w = eighths(variableCount, hiddenCount, scale: scale, &generator)
    let v = eighths(variableCount, hiddenCount, &generator)
    let b = eighths(1, variableCount, &generator)
    let c = eighths(1, hiddenCount, scale: scale, &generator)
    return CursorCase(
      description: "NADE of \(activation.rawValue) units, weights of \(scale)",
      plan: CursorPlan(nade: w, v: v, b: b, c: c, ordering: order, activation: activation),
      variableCount: variableCount, orders: [order],
      logit: { x, order, position in
        let variable = Int(order[position])
        return (0..<hiddenCount).reduce(Double(b[0, variable])) { sum, j in
          var a = Double(c[0, j])
          for before in order[..<position].map(Int.init) where x[before] { a += Double(w[before, j]) }
          return sum + Double(v[variable, j]) * value(activation, a)
        }
      },
      // Of a sigmoid E = exp(−a) has up to 2 ulp from each bit's factor and a rounding, h a quarter of that error; |v| ≤ 3/8.
      tolerance: activation == .relu
        ? 0 : 3 / 8 * Double(hiddenCount) * (5 * Double(variableCount) + 20 + Double(hiddenCount)) * roundoff)
  }

  private static func network(
    _ variableCount: Int, _ hiddenCounts: [Int], direct hasDirect: Bool, seed: UInt64
  ) -> CursorCase {
    var generator = Philox(seed: seed, stream: 0xC1)
    let order = generator.permutation(of: variableCount)
    var positions = order
    for (position, variable) in order.enumerated() { positions[variable] = position }
    let inputDegrees = positions.map { $0 + 1 }
    var degrees = inputDegrees
    func layer(_ outputs: [Int], adds: Bool = false, hasBias: Bool = true) -> MaskedLayer<Float> {
      let mask = Staircase(inputDegrees: degrees, outputDegrees: outputs)
      let bias = eighths(1, outputs.count, &generator)
      return MaskedLayer(
        weights: eighths(degrees.count, outputs.count, &generator, where: mask.permits),
        bias: hasBias ? bias : nil, mask: mask, addsInputs: adds)
    }
    var hidden: [MaskedLayer<Float>] = []
    for count in hiddenCounts {
      let adds = !hidden.isEmpty && count == degrees.count
      let outputs = adds ? degrees : (0..<count).map { _ in generator.integer(below: variableCount + 1) }
      hidden.append(layer(outputs, adds: adds))
      degrees = outputs
    }
    let output = hiddenCounts.isEmpty ? nil : layer(positions)
    degrees = inputDegrees
    let direct = hasDirect ? layer(positions, hasBias: hiddenCounts.isEmpty) : nil
    return CursorCase(
      description: "masked network \(hiddenCounts)\(hasDirect ? " with direct weights" : "")",
      plan: CursorPlan(
        MaskedNetwork(
          ordering: order.map(Int32.init), hidden: hidden, activation: .relu, output: output, direct: direct)),
      variableCount: variableCount, orders: [order.map(Int32.init)],
      logit: { [hidden] x, order, position in
        let variable = Int(order[position])
        let inputs = x.map { $0 ? 1.0 : 0 }
        var h = inputs
        for layer in hidden {
          let units = (0..<layer.weights.columnCount).map { max(0, sum(layer, h, $0)) }
          h = layer.addsInputs ? zip(units, h).map(+) : units
        }
        return (output.map { sum($0, h, variable) } ?? 0) + (direct.map { sum($0, inputs, variable) } ?? 0)
      },
      tolerance: 0)
  }

  private static func orderless(_ variableCount: Int, _ hiddenCounts: [Int], seed: UInt64) -> CursorCase {
    var generator = Philox(seed: seed, stream: 0xC2)
    let orders = (0..<3).map { _ in generator.permutation(of: variableCount).map(Int32.init) }
    let first = hiddenCounts[0], last = hiddenCounts[hiddenCounts.count - 1]
    let w = eighths(variableCount, first, &generator), u = eighths(variableCount, first, &generator)
    let c = eighths(1, first, &generator)
    let layers = zip(hiddenCounts, hiddenCounts.dropFirst()).map {
      (weights: eighths($0, $1, &generator), bias: eighths(1, $1, &generator))
    }
    let v = eighths(last, variableCount, &generator), b = eighths(1, variableCount, &generator)
    return CursorCase(
      description: "order-agnostic network \(hiddenCounts)",
      plan: CursorPlan(eonade: w, u: u, c: c, layers: layers, v: v, b: b, activation: .relu),
      variableCount: variableCount, orders: orders,
      logit: { x, order, position in
        let variable = Int(order[position])
        var h = (0..<first).map { j in
          max(
            0,
            order[..<position].map(Int.init).reduce(Double(c[0, j])) {
              $0 + Double(u[$1, j]) + (x[$1] ? Double(w[$1, j]) : 0)
            })
        }
        for layer in layers {
          h = (0..<layer.weights.columnCount).map { n in
            max(0, h.indices.reduce(Double(layer.bias[0, n])) { $0 + h[$1] * Double(layer.weights[$1, n]) })
          }
        }
        return h.indices.reduce(Double(b[0, variable])) { $0 + h[$1] * Double(v[$1, variable]) }
      },
      tolerance: 0)
  }
}

private func value(_ activation: Activation, _ a: Double) -> Double {
  activation == .relu ? max(0, a) : 1 / (1 + Double.exponential(-a))
}

private func sum(_ layer: MaskedLayer<Float>, _ x: [Double], _ n: Int) -> Double {
  var sum = layer.bias.map { Double($0[0, n]) } ?? 0
  for k in x.indices where layer.mask.permits(k, n) { sum += x[k] * Double(layer.weights[k, n]) }
  return sum
}

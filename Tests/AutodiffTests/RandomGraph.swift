import Autodiff
import Kernels
import _TestSupport

/// A graph of random ops on random earlier values, with a loss that depends on a parameter.
///
/// Every value keeps a magnitude of about 1: what could grow goes through tanh.
struct RandomGraph {
  private(set) var made: GraphCase
  /// All values, leaves included.
  private(set) var values: [Graph.Value] = []
  let loss: Graph.Value

  init(seed: UInt64) {
    var generator = Philox(seed: seed, stream: 0x6A9)
    var c = GraphCase(seed: seed)
    var columns = 3
    var pool = [c.batch(columns), c.input(columns), c.bits(columns)]
    func pick(_ generator: inout Philox) -> Graph.Value {
      pool[Int.random(in: pool.indices, using: &generator)]
    }
    for _ in 0..<Int.random(in: 3...20, using: &generator) {
      columns = Int.random(in: 1...20, using: &generator)
      let a = pick(&generator)
      let width = c.graph.shape(of: a).columns
      let value: Graph.Value
      switch Int.random(in: 0..<12, using: &generator) {
      case 0: value = c.graph.apply(.tanh, c.graph.product(a, c.parameter(width, columns)))
      case 1:
        let mask = c.graph.mask(
          .random(inputCount: width, outputCount: columns, seed: UInt64(columns) &+ seed))
        let layer = c.graph.maskedLinear(
          a, weights: c.parameter(width, columns), bias: c.parameter(1, columns), mask: mask)
        value = c.graph.apply(.sigmoid, layer)
      case 2: value = c.graph.apply(.tanh, c.graph.addBias(a, c.parameter(1, width)))
      case 3, 4:
        let partners = pool.filter { c.graph.shape(of: $0) == c.graph.shape(of: a) }
        let b = partners[Int.random(in: partners.indices, using: &generator)]
        value =
          Bool.random(using: &generator) ? c.graph.multiply(a, b) : c.graph.apply(.tanh, c.graph.add(a, b))
      case 5: value = c.graph.scale(a, by: Double.random(in: -1...1, using: &generator))
      case 6: value = c.graph.apply([.sigmoid, .softplus][columns % 2], a)
      case 7: value = c.graph.concatenate([a, pick(&generator)])
      case 8: value = c.graph.logMeanExp(a)
      case 9: value = c.graph.dropout(a, rate: 0.5)
      case 10: value = c.graph.mean(a, over: .columns)
      default:
        let row = c.graph.mean(a, over: .rows)
        value = c.graph.product(a, c.graph.product(c.parameter(width, 1), row))
      }
      pool.append(value)
    }
    // The first value depends on a parameter; some of the others may be needed by nothing.
    let tail = c.graph.concatenate([pool[0]] + pool.suffix(3))
    loss = c.graph.mean(c.graph.mean(c.graph.apply(.tanh, tail), over: .columns), over: .rows)
    values = c.graph.nodes.indices.map { Graph.Value(index: $0) }
    made = c
  }
}

import Autodiff
import Foundation
import Kernels

extension EoNADE {
  /// Returns the exact log-probability of each row, in nats: log (1/K) Σ_k p(x | order k).
  ///
  /// - Complexity: K · D times the hidden layers beyond the first, as products of many rows, and O(K · D · H) for the
  ///   first layer and the outputs. All threads take part.
  public func logProbability(of rows: BinaryMatrix, observing observe: (Double) -> Void) -> [Double] {
    let terms = logProbabilitiesByOrder(of: rows, observing: observe)
    return (0..<rows.rowCount).map { row in
      min(0, logSumExp(terms.map { $0[row] }) - log(Double(terms.count)))
    }
  }

  /// Returns log p(x | order) of each row, in nats, order by order.
  public func logProbabilitiesByOrder(
    of rows: BinaryMatrix, observing observe: (Double) -> Void = { _ in }
  ) -> [[Double]] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    guard rows.rowCount > 0 else { return orders.map { _ in [] } }
    let recursion = EoNADERecursion<Float>(self)
    // As many rows as keep their hidden units in the second-level cache, but some tasks for every thread. A row's bits do
    // not depend on the rows beside it.
    let size = max(1, min(128, rows.rowCount * orders.count / 8))
    let starts = Array(stride(from: 0, to: rows.rowCount, by: size))
    let taskCount = starts.count * orders.count
    var parts: [[Double]] = []
    let wave = 4 * Threads.count
    while parts.count < taskCount {
      let first = parts.count
      parts += Threads.map(count: min(wave, taskCount - first)) { index in
        let (order, part) = (first + index).quotientAndRemainder(dividingBy: starts.count)
        let table = rows.rows(starts[part]..<min(starts[part] + size, rows.rowCount))
        return logLikelihoods(logits: recursion.logits(of: table, along: orders[order]), of: table)
      }
      observe(Double(parts.count) / Double(taskCount))
    }
    return orders.indices.map { order in
      parts[order * starts.count..<(order + 1) * starts.count].flatMap { $0 }
    }
  }

  /// Returns the log-probabilities by plain loops in Double, every conditional by a pass of the whole network.
  public func referenceLogProbability(of rows: BinaryMatrix) -> [Double] {
    var graph = Graph()
    let values = graph.input("x of the known", columns: variableCount)
    let known = graph.input("known", columns: variableCount)
    let logits = logits(values: values, known: known, dropout: .none, in: &graph)
    // A batch holds one row with 0, 1, … D − 1 variables known.
    let executor = Executor(
      graph, outputs: [logits], batchCapacity: variableCount,
      parameters: parameters.converted(to: Double.self))
    return (0..<rows.rowCount).map { row in
      let terms = orders.map { order in
        executor.set(known, rowCount: variableCount) { view in
          for count in 0..<variableCount {
            for i in 0..<variableCount { view[count, i] = order.positions[i] < count ? 1 : 0 }
          }
        }
        executor.set(values, rowCount: variableCount) { view in
          for count in 0..<variableCount {
            for i in 0..<variableCount {
              view[count, i] = rows[row, i] && order.positions[i] < count ? 1 : 0
            }
          }
        }
        executor.forward()
        let z = executor[logits]
        return order.variables.enumerated().reduce(0) { sum, next in
          sum
            + logSigmoid(
              rows[row, next.element] ? z[next.offset, next.element] : -z[next.offset, next.element])
        }
      }
      return min(0, logSumExp(terms) - log(Double(orders.count)))
    }
  }

  /// Returns what computes the logits along the one order.
  ///
  /// - Precondition: `sharedOrdering != nil`.
  public func conditionalLogits<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> (BinaryMatrix) -> Matrix<Scalar> {
    guard let sharedOrdering else {
      preconditionFailure("the model mixes \(orders.count) orders: it has no common conditionals")
    }
    let recursion = EoNADERecursion<Scalar>(self)
    return { rows in
      var result = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: variableCount)
      for start in stride(from: 0, to: rows.rowCount, by: batchCapacity) {
        let batch = start..<min(start + batchCapacity, rows.rowCount)
        let logits = recursion.logits(of: rows.rows(batch), along: sharedOrdering)
        result.withUnsafeMutableView(reading: logits) { Scalar.copy($1, into: $0.rows(batch)) }
      }
      return result
    }
  }

  /// Draws rows along an order: variable i of row r is on where `uniforms[r, i] < p(x_i = 1 | …)`.
  ///
  /// Shapes: `uniforms`, the rows and the logits each decision was drawn from are B × D.
  /// - Complexity: that of a likelihood along one order.
  public func draw(uniforms: Matrix<Float>, order: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    precondition(
      uniforms.columnCount == variableCount && orders.indices.contains(order),
      "uniforms of \(uniforms.columnCount) columns along order \(order)")
    let recursion = EoNADERecursion<Float>(self)
    let size = max(1, min(128, uniforms.rowCount / 8))
    let parts = Threads.map(count: (uniforms.rowCount + size - 1) / size) { part in
      let range = part * size..<min((part + 1) * size, uniforms.rowCount)
      var rows = BinaryMatrix(rowCount: range.count, columnCount: variableCount)
      var logits = Matrix<Float>(rowCount: range.count, columnCount: variableCount)
      recursion.walk(along: orders[order], rowCount: range.count) { row, variable, logit in
        logits[row, variable] = logit
        let isOn = uniforms[range.lowerBound + row, variable] < 1 / (1 + Float.exponential(-logit))
        if isOn { rows.turnOn(row, variable) }
        return isOn
      }
      return (rows, logits)
    }
    var logits = Matrix<Float>(rowCount: uniforms.rowCount, columnCount: variableCount)
    for (part, drawn) in parts.enumerated() {
      logits.withUnsafeMutableView(reading: drawn.1) {
        Float.copy($1, into: $0.rows(part * size..<part * size + $1.rowCount))
      }
    }
    return (BinaryMatrix(concatenating: parts.map(\.0), columnCount: variableCount), logits)
  }

  /// Draws the order of every row, then the rows along each order.
  public func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logProbabilities: [Double]) {
    let (rows, logits) = drawSamples(count: count, using: &generator)
    return (rows, logits.map { logLikelihoods(logits: $0, of: rows) } ?? logProbability(of: rows))
  }

  /// Draws the order of every row, then the rows along each order.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    drawSamples(count: count, using: &generator).rows
  }

  private func drawSamples(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logits: Matrix<Float>?) {
    drawnFromComponents(
      count: count, variableCount: variableCount, componentCount: orders.count, using: &generator,
      draw: draw(uniforms:order:))
  }
}

/// The conditionals of an EoNADE along an order, one after another, with the first layer kept from each to the next.
///
///     a_0 = c_0,   z_o(i) = b_o(i) + v_o(i) · h(a_i),   a_{i+1} = a_i + u_o(i) + x_o(i) · w_o(i)
///
/// where h are the layers above a. In the graph of training every conditional is computed afresh: that is the same,
/// but for rounding.
/// - Complexity: a row O(D · H) for one hidden layer; each further one adds a product of H × H a variable.
struct EoNADERecursion<Scalar: KernelScalar>: Sendable {
  private let activation: Activation
  /// D × H.
  private let w: Matrix<Scalar>
  /// D × H.
  private let u: Matrix<Scalar>
  /// 1 × H.
  private let c: Matrix<Scalar>
  private let layers: [(w: Matrix<Scalar>, c: Matrix<Scalar>, mask: Staircase)]
  /// D × H: the transpose of the parameter, so that what a conditional reads lies together.
  private let v: Matrix<Scalar>
  private let b: Matrix<Scalar>

  init(_ model: EoNADE) {
    func parameter(_ name: String) -> Matrix<Scalar> { model.parameters[name].converted(to: Scalar.self) }
    activation = model.configuration.activation
    w = parameter("w0")
    u = parameter("u0")
    c = parameter("c0")
    layers = model.configuration.hiddenCounts.indices.dropFirst().map { layer in
      let weights = parameter("w\(layer)")
      return (
        weights, parameter("c\(layer)"),
        Staircase(denseInputCount: weights.rowCount, outputCount: weights.columnCount)
      )
    }
    let output = parameter("v")
    v = Matrix(rowCount: output.columnCount, columnCount: output.rowCount) { output[$1, $0] }
    b = parameter("b")
  }

  /// Takes the variables in order, telling of each row the logit and being told the value.
  func walk(
    along order: Ordering, rowCount: Int,
    decide: (_ row: Int, _ variable: Int, _ logit: Scalar) -> Bool
  ) {
    guard rowCount > 0 else { return }
    // The first layer's sums, the units of each layer, and the logits of one variable.
    var work = ([c] + [c] + layers.map(\.c)).map {
      Matrix<Scalar>(rowCount: rowCount, columnCount: $0.columnCount)
    }
    work.append(Matrix(rowCount: rowCount, columnCount: 1))
    work.withUnsafeMutableViews { work in
      let (a, h, z) = (work[0], work[1...layers.count + 1], work[layers.count + 2])
      withUnsafeViews(of: w, u, c, v, b) { w, u, c, v, b in
        Scalar.accumulateRow(c, scaledBy: 1, into: a)
        for variable in order.variables {
          let own = variable..<variable + 1
          Scalar.apply(activation, UnsafeMatrixView(a), into: h[1])
          for (layer, index) in zip(layers, 1...) {
            withUnsafeViews(of: layer.w, layer.c) {
              Scalar.maskedLinear(
                UnsafeMatrixView(h[index]), weights: $0, bias: $1, mask: layer.mask, method: .dense,
                into: h[index + 1])
            }
            Scalar.apply(activation, UnsafeMatrixView(h[index + 1]), into: h[index + 1])
          }
          Scalar.product(
            UnsafeMatrixView(h[layers.count + 1]), v.rows(own), transposing: .right, into: z,
            accumulating: false)
          Scalar.accumulateRow(u.rows(own), scaledBy: 1, into: a)
          for row in 0..<rowCount where decide(row, variable, b[0, variable] + z[row, 0]) {
            Scalar.accumulateRow(w.rows(own), scaledBy: 1, into: a.rows(row..<row + 1))
          }
        }
      }
    }
  }

  /// Returns the logits (B × D) of the conditionals of rows along an order.
  func logits(of rows: BinaryMatrix, along order: Ordering) -> Matrix<Scalar> {
    var logits = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: rows.columnCount)
    walk(along: order, rowCount: rows.rowCount) { row, variable, logit in
      logits[row, variable] = logit
      return rows[row, variable]
    }
    return logits
  }
}

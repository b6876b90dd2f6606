import Autodiff
import Essentials
import Kernels

extension EoNADE {
  /// Returns the exact log-probability of each row, in nats: log (1/K) Σ_k p(x | order k).
  ///
  /// - Complexity: K · D times the hidden layers beyond the first, as products of many rows, and O(K · D · H) for the
  ///   first layer and the outputs. All threads take part.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    evaluator().logProbabilities(of: rows)
  }

  /// Returns log p(x | order) of each row, in nats, order by order.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbabilitiesByOrder(of rows: BinaryMatrix) -> [[Double]] {
    let result = try? Likelihood(self).logProbabilitiesByOrder(of: rows) { (_) throws(DensityError) in true }
    // Nothing stops it, and nothing throws.
    return result.flatMap(\.self) ?? orders.map { _ in [] }
  }

  /// The network along each of its orders, with equal weights; nil if there is one.
  public var components: [Component]? {
    guard orders.count > 1 else { return nil }
    let plan = Lazy { cursorPlan() }
    return orders.map {
      Component(
        weight: 1 / Double(orders.count), density: EoNADEAlongOrder(network: along($0), sharedPlan: plan))
    }
  }

  /// The network along its order, if it has one; along any other it would be another density.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    guard orders.allSatisfy({ $0 == orders[0] }), ordering == nil || ordering == orders[0] else { return nil }
    return EoNADEAlongOrder(network: along(orders[0]))
  }
}

extension EoNADE {
  /// The weights arranged for walking; the same for all orders.
  func cursorPlan() -> CursorPlan {
    let layers = configuration.hiddenCounts.indices.dropFirst()
    return CursorPlan(
      eonade: parameters["w0"], u: parameters["u0"], c: parameters["c0"],
      layers: layers.map { (parameters["w\($0)"], parameters["c\($0)"]) }, v: parameters["v"],
      b: parameters["b"], activation: configuration.activation)
  }

  /// What walks along an order by a network's plan.
  static func cursorSource(
    along ordering: Ordering, plan: @escaping @Sendable () -> CursorPlan
  ) -> any CursorSource {
    NetworkCursorSource(ordering: ordering, isOrderAgnostic: true, plan: plan)
  }
}

/// An EoNADE along its one order, as a chain-rule product.
struct EoNADEAlongOrder: PreparableDensity, PreparableConditionals {
  /// Of one order.
  let network: EoNADE
  /// What walks along it, if it is made for several orders; their weights are the same.
  var sharedPlan: Lazy<CursorPlan>?

  var variableCount: Int { network.variableCount }
  var parameterCount: Int { network.parameterCount }
  var ordering: Ordering { network.orders[0] }

  func logProbabilities(of rows: BinaryMatrix) -> [Double] { network.logProbabilities(of: rows) }
  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    network.preparedLikelihood(batchCapacity: batchCapacity)
  }

  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    Executor(EoNADERecursion<Scalar>(network), ordering, batchCapacity: batchCapacity)
  }

  /// A pass of the hidden layers for each variable.
  func cursorSource() -> any CursorSource {
    EoNADE.cursorSource(along: ordering) { [network, sharedPlan] in sharedPlan?.value ?? network.cursorPlan()
    }
  }

  private final class Executor<Scalar: KernelScalar>: ConditionalExecutor {
    private let recursion: EoNADERecursion<Scalar>
    private let ordering: Ordering
    private let batchCapacity: Int

    init(_ recursion: EoNADERecursion<Scalar>, _ ordering: Ordering, batchCapacity: Int) {
      self.recursion = recursion
      self.ordering = ordering
      self.batchCapacity = batchCapacity
    }

    func logits(of rows: BinaryMatrix) -> Matrix<Scalar> {
      var result = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: rows.columnCount)
      for start in stride(from: 0, to: rows.rowCount, by: batchCapacity) {
        let batch = start..<min(start + batchCapacity, rows.rowCount)
        let logits = recursion.logits(of: rows.rows(batch), along: ordering)
        result.withUnsafeMutableView(reading: logits) { Scalar.copy($1, into: $0.rows(batch)) }
      }
      return result
    }
  }
}

extension EoNADE: PreparableDensity {
  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood { Likelihood(self) }

  /// The recursion over all orders, its weights arranged.
  private struct Likelihood: PreparedLikelihood {
    private let recursion: EoNADERecursion<Float>
    private let orders: [Ordering]

    init(_ network: EoNADE) {
      recursion = EoNADERecursion<Float>(network)
      orders = network.orders
    }

    func logProbabilities(
      of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
    ) throws(DensityError) -> [Double]? {
      var result: [Double] = []
      result.reserveCapacity(rows.rowCount)
      let isWhole = try rows.forEachBlock(of: 8192) { (block) throws(DensityError) in
        let done = Double(result.count)
        let terms = try logProbabilitiesByOrder(of: block) { (fraction) throws(DensityError) in
          try observe((done + fraction * Double(block.rowCount)) / Double(rows.rowCount))
        }
        guard let terms else { return false }
        result += (0..<block.rowCount).map { row in
          min(0, logSumExp(terms.map { $0[row] }) - log(Double(terms.count)))
        }
        return true
      }
      return isWhole ? result : nil
    }

    func logProbabilitiesByOrder(
      of rows: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
    ) throws(DensityError) -> [[Double]]? {
      let variableCount = orders[0].variables.count
      precondition(
        rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
      guard rows.rowCount > 0 else { return orders.map { _ in [] } }
      // As many rows as keep their hidden units in the second-level cache, but some tasks for every thread. A row's
      // bits do not depend on the rows beside it.
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
        if try !observe(Double(parts.count) / Double(taskCount)) { return nil }
      }
      return orders.indices.map { order in
        parts[order * starts.count..<(order + 1) * starts.count].flatMap { $0 }
      }
    }
  }
}

extension EoNADE: NetworkFamily {
  package init(_ configuration: Configuration, parameters: Parameters<Float>) {
    self.init(configuration, parameters: parameters, orders: nil)
  }

  package init(_ configuration: Configuration, parameters: Parameters<Float>, masks: StoredMasks) {
    self.init(configuration, parameters: parameters, orders: masks.orderings)
  }

  package var storedMasks: StoredMasks { StoredMasks(orderings: orders) }
  package static func storedMaskShape(
    _ configuration: Configuration
  ) -> (orderingCount: Int, hiddenCounts: [Int]) { (configuration.orderCount, []) }

  package static var optionalMembers: [String: JSONValue] {
    ["activation": "relu", "order_count": 1, "ordering": "resampled"]
  }

  /// Returns the log-probabilities by plain loops in Double, every conditional by a pass of the whole network.
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
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

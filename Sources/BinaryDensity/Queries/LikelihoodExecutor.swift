import Autodiff
import Kernels

/// Computes log-probabilities and logits of a network under parameters that may be replaced: a planned graph and its
/// memory, confined to one thread at a time.
///
/// In `Double` it runs the plain reference kernels: the oracle that every fast result is compared with.
final class LikelihoodExecutor<Scalar: KernelScalar>: ConditionalExecutor {
  private let executor: Executor<Scalar>
  private let rows: Graph.Value
  private let logProbability: Graph.Value
  private let componentLogits: [Graph.Value]
  private let variableCount: Int
  private let renumbering: Renumbering?

  /// Prepares the uniform mixture of some components for batches of up to `batchCapacity` rows.
  ///
  /// - Parameters:
  ///   - components: nil for all.
  ///   - keepingLogits: whether logits will be asked for, besides log p.
  init<Network: NetworkDensity>(
    _ network: Network, components: Range<Int>? = nil, parameters: Parameters<Scalar>, batchCapacity: Int,
    keepingLogits: Bool = false
  ) {
    renumbering = Renumbering(network)
    let model = network.inNaturalOrder()?.model ?? network
    var graph = Graph()
    rows = graph.input("x", columns: network.variableCount, isSparse: true)
    let likelihood = model.likelihood(
      of: rows, components: components ?? 0..<network.componentCount, in: &graph)
    logProbability = likelihood.logProbability
    componentLogits = keepingLogits ? likelihood.logits : []
    executor = Executor(
      graph, outputs: [logProbability] + componentLogits, batchCapacity: batchCapacity,
      parameters: renumbering?.renumbered(parameters) ?? parameters)
    variableCount = network.variableCount
  }

  /// Replaces the parameters.
  func set(_ parameters: Parameters<Scalar>) {
    executor.set(renumbering?.renumbered(parameters) ?? parameters)
  }

  /// Returns log p of each row, in nats; nil if `observe`, which is told the fraction done, says to stop.
  func logProbabilities(
    of table: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    var result: [Double] = []
    result.reserveCapacity(table.rowCount)
    let isWhole = try run(table) { () throws(DensityError) in
      executor.withUnsafeView(of: logProbability) { column in
        for row in 0..<column.rowCount { result.append(Double(column[row, 0])) }
      }
      return try observe(Double(result.count) / Double(table.rowCount))
    }
    return isWhole ? result : nil
  }

  /// Returns the logits (rows × D) of the first component, in the order of the columns.
  ///
  /// - Precondition: it was made keeping logits.
  func logits(of table: BinaryMatrix) -> Matrix<Scalar> {
    var result = Matrix<Scalar>(rowCount: table.rowCount, columnCount: variableCount)
    var start = 0
    run(table) {
      let end = start + executor.batchSize
      executor.withUnsafeView(of: componentLogits[0]) { logits in
        result.withUnsafeMutableView { Scalar.copy(logits, into: $0.rows(start..<end)) }
      }
      start = end
      return true
    }
    guard let renumbering else { return result }
    return result.selecting(rows: nil, columns: renumbering.positions)
  }

  /// Computes batch by batch while `body` says to go on; returns whether it came to the end.
  @discardableResult
  private func run<Failure>(
    _ table: BinaryMatrix, _ body: () throws(Failure) -> Bool
  ) throws(Failure) -> Bool {
    precondition(
      table.columnCount == variableCount, "the rows have \(table.columnCount) columns, not \(variableCount)")
    let table = renumbering.map { table.reorderingColumns($0.order) } ?? table
    for start in stride(from: 0, to: table.rowCount, by: executor.plan.batchCapacity) {
      let batch = start..<min(start + executor.plan.batchCapacity, table.rowCount)
      executor.set(rows, rowCount: batch.count) { table.copyRows(batch, into: $0) }
      executor.forward()
      if try !body() { return false }
    }
    return true
  }
}

extension LikelihoodExecutor: ValidationJudge where Scalar == Float {}

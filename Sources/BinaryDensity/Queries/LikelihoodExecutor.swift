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
  private let batch: RowBatch<Scalar>
  private let renumbering: Renumbering?

  /// Prepares the uniform mixture of some components for batches of up to `batchCapacity` rows.
  ///
  /// Of wide rows batches are smaller, down to 64, so that a matrix of a number for each cell has about 2²³ at most.
  ///
  /// - Parameters:
  ///   - components: nil for all.
  ///   - keepingLogits: whether logits will be asked for, besides log p.
  ///   - columnOrder: which column of the rows each variable of the network is; nil if they are in the same order.
  init<Network: NetworkDensity>(
    _ network: Network, components: Range<Int>? = nil, parameters: Parameters<Scalar>, batchCapacity: Int,
    keepingLogits: Bool = false, columnOrder: [Int]? = nil
  ) {
    let batchCapacity = min(batchCapacity, max(64, (1 << 23) / max(1, network.variableCount)))
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
    // The variables in the order of the renumbered model, as columns of the rows.
    let variables = renumbering?.order
    batch = RowBatch(
      capacity: batchCapacity, columnCount: variableCount,
      columnOrder: columnOrder.map { columns in variables?.map { columns[$0] } ?? columns } ?? variables)
  }

  /// Replaces the parameters.
  func set(_ parameters: Parameters<Scalar>) {
    executor.set(renumbering?.renumbered(parameters) ?? parameters)
  }

  /// Returns log p of each row, in nats; nil if `observe`, which is told the fraction done, says to stop.
  func logProbabilities(
    of source: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    var result: [Double] = []
    result.reserveCapacity(source.rowCount)
    requireVariables(source.columnCount)
    for start in stride(from: 0, to: source.rowCount, by: batch.capacity) {
      try source.gather(Array(start..<min(start + batch.capacity, source.rowCount)), into: batch)
      computeBatch()
      executor.withUnsafeView(of: logProbability) { column in
        for row in 0..<column.rowCount { result.append(orImpossible(Double(column[row, 0]))) }
      }
      if try !observe(Double(result.count) / Double(source.rowCount)) { return nil }
    }
    return result
  }

  /// Returns the logits (rows × D) of the first component, in the order of the network's variables.
  ///
  /// - Precondition: it was made keeping logits.
  func logits(of table: BinaryMatrix) -> Matrix<Scalar> {
    requireVariables(table.columnCount)
    var result = Matrix<Scalar>(rowCount: table.rowCount, columnCount: variableCount)
    for start in stride(from: 0, to: table.rowCount, by: batch.capacity) {
      let rows = start..<min(start + batch.capacity, table.rowCount)
      table.gather(Array(rows), into: batch)
      computeBatch()
      executor.withUnsafeView(of: componentLogits[0]) { logits in
        result.withUnsafeMutableView { Scalar.copy(logits, into: $0.rows(rows)) }
      }
    }
    guard let renumbering else { return result }
    return result.selecting(rows: nil, columns: renumbering.positions)
  }

  private func requireVariables(_ columnCount: Int) {
    precondition(columnCount == variableCount, "the rows have \(columnCount) columns, not \(variableCount)")
  }

  private func computeBatch() {
    executor.set(rows, to: batch)
    executor.forward()
  }
}

extension LikelihoodExecutor: ValidationJudge where Scalar == Float {}

import Autodiff
import Kernels

/// Computes log-probabilities and logits of a model, ready to be asked many times.
///
/// It holds a planned graph, so that asking costs no building. In `Double` it runs the plain reference kernels: the
/// oracle that every fast result is compared with.
public final class Evaluator<Scalar: KernelScalar> {
  private let executor: Executor<Scalar>
  private let rows: Graph.Value
  private let logProbability: Graph.Value
  private let logits: [Graph.Value]
  private let variableCount: Int
  private let renumbering: Renumbering?

  /// Prepares a model for batches of up to `batchCapacity` rows.
  public convenience init(_ model: some AutoregressiveModel, batchCapacity: Int = 512) where Scalar == Float {
    self.init(model, parameters: model.parameters, batchCapacity: batchCapacity)
  }

  /// Prepares a model for evaluation in Double on the reference kernels.
  public convenience init(
    reference model: some AutoregressiveModel, batchCapacity: Int = 64
  ) where Scalar == Double {
    self.init(model, parameters: model.parameters.converted(to: Double.self), batchCapacity: batchCapacity)
  }

  package init(
    _ model: some AutoregressiveModel, parameters: Parameters<Scalar>, batchCapacity: Int,
    keepingLogits: Bool = false
  ) {
    renumbering = Renumbering(model)
    let model = renumbering?.renumbered(model) ?? model
    var graph = Graph()
    rows = model.rows(in: &graph)
    logProbability = model.logProbability(of: rows, in: &graph)
    logits =
      keepingLogits
      ? graph.nodes.compactMap {
        if case .bernoulliLogLikelihood(let logits, _) = $0.op { logits } else { nil }
      } : []
    executor = Executor(
      graph, outputs: [logProbability] + logits, batchCapacity: batchCapacity,
      parameters: renumbering?.renumbered(parameters) ?? parameters)
    variableCount = model.variableCount
  }

  /// Replaces the parameters.
  public func set(_ parameters: Parameters<Scalar>) {
    executor.set(renumbering?.renumbered(parameters) ?? parameters)
  }

  /// Returns log p of each row, in nats.
  ///
  /// - Precondition: `table.columnCount` is the model's variable count.
  public func logProbabilities(of table: BinaryMatrix) -> [Double] {
    logProbabilities(of: table) { _ in }
  }

  /// Returns log p of each row, in nats, telling `observe` the fraction done.
  package func logProbabilities(of table: BinaryMatrix, observing observe: (Double) -> Void) -> [Double] {
    let result = try? logProbabilities(of: table) { (fraction) throws(DensityError) in
      observe(fraction)
      return true
    }
    return result ?? []
  }

  /// Returns log p of each row, in nats; nil if `observe`, which is told the fraction done, says to stop.
  public func logProbabilities(
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

  /// Returns the logits (rows × D) of each component.
  package func logits(of table: BinaryMatrix) -> [Matrix<Scalar>] {
    var result = logits.map { _ in Matrix<Scalar>(rowCount: table.rowCount, columnCount: variableCount) }
    var start = 0
    _ = try? run(table) { () throws(DensityError) in
      let end = start + executor.batchSize
      for (index, value) in logits.enumerated() {
        executor.withUnsafeView(of: value) { logits in
          result[index].withUnsafeMutableView { Scalar.copy(logits, into: $0.rows(start..<end)) }
        }
      }
      start = end
      return true
    }
    guard let renumbering else { return result }
    return result.map { $0.selecting(rows: nil, columns: renumbering.positions) }
  }

  /// Computes batch by batch while `body` says to go on; returns whether it came to the end.
  private func run(_ table: BinaryMatrix, _ body: () throws(DensityError) -> Bool) throws(DensityError)
    -> Bool
  {
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

extension Evaluator: ValidationJudge where Scalar == Float {}

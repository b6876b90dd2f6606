import Autodiff
import Kernels

/// Measures rows by splits that are drawn once.
final class SplitJudge: ValidationJudge {
  private let model: EoNADE
  private let objective: TrainingObjective<EoNADE.SplitInputs>
  private let estimate: Graph.Value
  private let executor: Executor<Float>
  private let batch: RowBatch<Float>

  init(_ model: EoNADE, batchCapacity: Int, columnOrder: [Int]?) {
    batch = RowBatch(capacity: batchCapacity, columnCount: model.variableCount, columnOrder: columnOrder)
    (objective, estimate) = model.splitObjective(.none)
    executor = Executor(
      objective.graph, outputs: [estimate], batchCapacity: batchCapacity, parameters: model.parameters)
    // The parameters are the executor's.
    self.model = EoNADE(model.configuration, parameters: Parameters(), orders: model.orders)
  }

  func set(_ parameters: Parameters<Float>) { executor.set(parameters) }

  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try estimates(of: rows, known: nil, observing: observe)
  }

  func logMarginals(
    of rows: PartialRows, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    try estimates(of: rows.values, known: rows.known, observing: observe)
  }

  /// Some 20 000 splits in all, but from two to sixteen a row: few against the steps of an epoch.
  private func estimates(
    of rows: any RowSource, known: BinaryMatrix?, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    let rowCount = rows.rowCount
    guard rowCount > 0 else { return [] }
    guard let seed = model.configuration.seed else {
      throw .invalidConfiguration(
        "an EoNADE without a seed has no validation splits: give its configuration one")
    }
    let splitCount = min(max(2, (20_000 + rowCount - 1) / rowCount), 16)
    var generator = Philox(seed: seed, stream: .validationSplits)
    let splits = RandomSplits(
      count: splitCount * rowCount, variableCount: model.variableCount, using: generator)
    // So that the order of the table's rows has nothing to do with how much they know.
    let places = generator.permutation(of: rowCount)
    var sums = Array(repeating: 0.0, count: rowCount)
    for split in 0..<splitCount {
      for start in stride(from: 0, to: rowCount, by: batch.capacity) {
        let indices = start..<min(start + batch.capacity, rowCount)
        try rows.gather(Array(indices), into: batch)
        executor.set(objective.rows, to: batch)
        let numbers = indices.map { split * rowCount + places[$0] }
        if let known = known?.selecting(indices) {
          let cells = batch.columnOrder.map(known.selecting(columns:)) ?? known
          model.set(
            known: splits.known(at: numbers, among: cells), among: cells, of: objective, in: executor)
        } else {
          model.set(known: splits.known(at: numbers), of: objective, in: executor)
        }
        executor.forward()
        executor.withUnsafeView(of: estimate) { column in
          for row in indices { sums[row] += Double(column[row - start, 0]) }
        }
        let done = split * rowCount + indices.upperBound
        if try !observe(Double(done) / Double(splitCount * rowCount)) { return nil }
      }
    }
    return sums.map { $0 / Double(splitCount) }
  }
}

import Autodiff
import Foundation
import Kernels

extension EoNADE {
  /// What a step's graph takes besides its rows: how their variables are split into known and unknown ones.
  public struct SplitInputs: Sendable {
    /// B × D: the rows, 0 where unknown.
    let values: Graph.Value
    /// B × D: 1 where known.
    let known: Graph.Value
    /// B × D: 1 where not.
    let unknown: Graph.Value
    /// B × 1: d log 2 for d known variables.
    let surplus: Graph.Value
    /// B × 1: D / (D − d).
    let weight: Graph.Value
  }

  /// An unbiased estimate, from one split a row, of the mean of −log p(x | order) over all D! orders.
  ///
  ///     D / (D − d) · Σ_{i unknown} −log p(x_i | the d known variables)
  ///
  /// with d uniform in 0 ..< D and the d variables uniform among all. (A random order and a uniform place in it make such
  /// a split, and given the split each unknown variable is as likely to be the next.) The mean over the rows of a step is
  /// minimised.
  ///
  /// Logits of known variables are set to 0, which gives each a log-likelihood of −log 2, and d · log 2 is added back.
  /// - Source: Uria, Murray, Larochelle, A Deep and Tractable Density Estimator, ICML 2014, section 3.
  public func objective(_ dropout: Dropout) -> TrainingObjective<SplitInputs> {
    splitObjective(dropout).objective
  }

  /// Returns the objective, and in its graph the estimate of each row's log p (B × 1).
  func splitObjective(_ dropout: Dropout) -> (
    objective: TrainingObjective<SplitInputs>, estimate: Graph.Value
  ) {
    var graph = Graph()
    let rows = graph.input("x", columns: variableCount, isSparse: true)
    let values = graph.input("x of the known", columns: variableCount, isSparse: true)
    let known = graph.input("known", columns: variableCount)
    let unknown = graph.input("unknown", columns: variableCount)
    let surplus = graph.input("d log 2", columns: 1)
    let weight = graph.input("D / (D − d)", columns: 1)
    let logits = logits(values: values, known: known, dropout: dropout, in: &graph)
    let logLikelihood = graph.bernoulliLogLikelihood(logits: graph.multiply(logits, unknown), targets: rows)
    let estimate = graph.multiply(graph.add(logLikelihood, surplus), weight)
    let loss = graph.scale(graph.mean(estimate, over: .rows), by: -1)
    graph.name(logits, "logits")
    graph.name(estimate, "log p")
    graph.name(loss, "loss")
    let objective = TrainingObjective(
      graph: graph, rows: rows, loss: loss,
      inputs: SplitInputs(
        values: values, known: known, unknown: unknown, surplus: surplus, weight: weight))
    return (objective, estimate)
  }

  /// Sets which variables of each row of the present batch are known.
  ///
  /// - Precondition: the rows are set, and `known` has one row for each, none of them all on.
  package func set<Scalar: KernelScalar>(
    known: BinaryMatrix, of objective: TrainingObjective<SplitInputs>, in executor: Executor<Scalar>
  ) {
    let count = known.rowCount
    let inputs = objective.inputs
    executor.set(inputs.known, rowCount: count) { known.copyRows(0..<count, into: $0) }
    executor.set(inputs.values, rowCount: count) { values in
      executor.withUnsafeView(of: objective.rows) { rows in
        executor.withUnsafeView(of: inputs.known) {
          Scalar.multiply(rows, $0, into: values, accumulating: false)
        }
      }
    }
    executor.set(inputs.unknown, rowCount: count) { unknown in
      unknown.fill(1)
      executor.withUnsafeView(of: inputs.known) { Scalar.accumulate($0, scaledBy: -1, into: unknown) }
    }
    let knownCounts = (0..<count).map { known.onBitCount(ofRow: $0) }
    precondition(
      knownCounts.allSatisfy { $0 < variableCount }, "a row of which all is known has nothing to be predicted"
    )
    executor.set(inputs.surplus, rowCount: count) { view in
      for (row, d) in knownCounts.enumerated() { view[row, 0] = Scalar(Double(d) * log(2)) }
    }
    executor.set(inputs.weight, rowCount: count) { view in
      for (row, d) in knownCounts.enumerated() {
        view[row, 0] = Scalar(Double(variableCount) / Double(variableCount - d))
      }
    }
  }

  /// Draws the splits of a step.
  public func prepare(
    _ objective: TrainingObjective<SplitInputs>, in executor: Executor<Float>, seed: UInt64, step: Int
  ) {
    let splits = RandomSplits(
      count: executor.batchSize, variableCount: variableCount,
      using: Philox(seed: seed, stream: .splits, index: UInt64(step)))
    set(known: splits.known(at: 0..<executor.batchSize), of: objective, in: executor)
  }

  /// Estimates, from a few splits of each row that stay the same, the mean of log p(x | order) over all orders.
  ///
  /// Its mean over rows is an unbiased and, because splits are stratified, quiet estimate of what training maximises:
  /// the log-probability along one random order, on average, and so by Jensen's inequality no more than that of a mixture
  /// of them. The exact figure of K orders costs D · K passes of the network.
  public func judge(batchCapacity: Int, columnOrder: [Int]?) -> any ValidationJudge {
    SplitJudge(self, batchCapacity: batchCapacity, columnOrder: columnOrder)
  }
}

/// Random splits of D variables into known and unknown ones, stratified by how many are known.
///
/// Split j of n has d_j = (o + ⌊j · D / n⌋) mod D known variables, with one uniform o for all: each d_j is uniform in
/// 0 ..< D, and together they cover that range evenly. Which variables they are is drawn from numbers that belong to j
/// alone.
package struct RandomSplits: Sendable {
  private let count: Int
  private let variableCount: Int
  private let offset: Int
  private let generator: Philox

  /// Prepares to draw `count` splits from the sequence of a generator, which must be at its start.
  package init(count: Int, variableCount: Int, using generator: Philox) {
    self.count = count
    self.variableCount = variableCount
    var generator = generator
    offset = generator.integer(below: variableCount)
    self.generator = generator
  }

  /// The number of known variables of split `index`.
  package func knownCount(at index: Int) -> Int {
    (offset + index * variableCount / count) % variableCount
  }

  /// Returns the splits with the given indices, one a row, on where a variable is known.
  ///
  /// - Complexity: O(min(d, D − d)) draws a row, on all threads.
  package func known(at indices: some RandomAccessCollection<Int> & Sendable) -> BinaryMatrix {
    let chunk = 16
    let indices = Array(indices)
    let parts = Threads.map(count: (indices.count + chunk - 1) / chunk) { part in
      indices[part * chunk..<min((part + 1) * chunk, indices.count)].flatMap(words(at:))
    }
    return BinaryMatrix(
      rowCount: indices.count, columnCount: variableCount, words: parts.flatMap { $0 })
  }

  /// Draws the known variables of a split, or where they are fewer the unknown ones, as packed bits.
  ///
  /// - Source: R. W. Floyd's sampling without replacement, in Bentley & Floyd, A Sample of Brilliance, CACM 30 (9), 1987.
  private func words(at index: Int) -> [UInt64] {
    var generator = Philox(
      seed: generator.seed, stream: generator.stream, position: UInt64(index + 1) << 32)
    let knownCount = knownCount(at: index)
    let picksKnown = 2 * knownCount <= variableCount
    let pickCount = picksKnown ? knownCount : variableCount - knownCount
    var words = [UInt64](repeating: 0, count: (variableCount + 63) / 64)
    for last in variableCount - pickCount..<variableCount {
      var pick = generator.integer(below: last + 1)
      if words[pick >> 6] >> UInt64(pick & 63) & 1 == 1 { pick = last }
      words[pick >> 6] |= 1 << UInt64(pick & 63)
    }
    if !picksKnown {
      for word in words.indices { words[word] = ~words[word] }
      if variableCount % 64 > 0 { words[words.count - 1] &= 1 << UInt64(variableCount % 64) - 1 }
    }
    return words
  }
}

/// Measures rows by splits that are drawn once.
private final class SplitJudge: ValidationJudge {
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

  /// Some 20 000 splits in all, but from two to sixteen a row: few against the steps of an epoch.
  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
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
        model.set(
          known: splits.known(at: indices.map { split * rowCount + places[$0] }), of: objective, in: executor)
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

import Autodiff
import Essentials
import Kernels

extension EoNADE {
  /// What a step's graph takes besides its rows: how their variables are split into known and unknown ones.
  public struct SplitInputs: Sendable {
    /// B × D: the rows, 0 where unknown.
    let values: Graph.Value
    /// B × D: 1 where known.
    let known: Graph.Value
    /// B × D: 1 where not, and where there is a value to be predicted.
    let unknown: Graph.Value
    /// B × 1: log 2 for every other variable, d log 2 for d known ones.
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
  ///
  /// A missing cell is neither seen nor asked for: of a row whose table knows n variables, d is uniform in 0 ..< n, the d
  /// variables are of those n, and the estimate, of the mean of −log p(the n variables | order), is
  ///
  ///     n / (n − d) · Σ_{i of the other n − d} −log p(x_i | the d known variables)
  ///
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
  /// - Parameters:
  ///   - known: which are, of those that have a value.
  ///   - cells: which variables have a value in the table; nil if all have.
  ///   - objective: whose inputs are set.
  ///   - executor: what computes the objective.
  /// - Precondition: the rows are set, and `known` has one row for each, which leaves a variable that has a value, if any
  ///   has.
  package func set<Scalar: KernelScalar>(
    known: BinaryMatrix, among cells: BinaryMatrix? = nil, of objective: TrainingObjective<SplitInputs>,
    in executor: Executor<Scalar>
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
      if let cells { cells.copyRows(0..<count, into: unknown) } else { unknown.fill(1) }
      executor.withUnsafeView(of: inputs.known) { Scalar.accumulate($0, scaledBy: -1, into: unknown) }
    }
    let counts = (0..<count).map { row in
      (known: known.onBitCount(ofRow: row), all: cells?.onBitCount(ofRow: row) ?? variableCount)
    }
    precondition(
      counts.allSatisfy { $0.known < max(1, $0.all) },
      "a row of which all is known has nothing to be predicted")
    executor.set(inputs.surplus, rowCount: count) { view in
      for (row, counts) in counts.enumerated() {
        view[row, 0] = Scalar(Double(variableCount - counts.all + counts.known) * log(2))
      }
    }
    executor.set(inputs.weight, rowCount: count) { view in
      for (row, counts) in counts.enumerated() {
        view[row, 0] = Scalar(Double(counts.all) / Double(max(1, counts.all - counts.known)))
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

  /// True: a missing cell is neither seen nor asked for.
  public static var takesMissingCells: Bool { true }

  /// Draws the splits of a step among the cells that the rows have.
  public func prepare(
    _ objective: TrainingObjective<SplitInputs>, known cells: BinaryMatrix, in executor: Executor<Float>,
    seed: UInt64, step: Int
  ) {
    let splits = RandomSplits(
      count: executor.batchSize, variableCount: variableCount,
      using: Philox(seed: seed, stream: .splits, index: UInt64(step)))
    set(
      known: splits.known(at: 0..<executor.batchSize, among: cells), among: cells, of: objective, in: executor
    )
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

import Kernels

extension Density {
  /// Draws rows by ancestral sampling of all variables at once, repeated until nothing changes.
  ///
  /// With uniforms u fixed, the sample is the one x with x_i = [u_i < p(x_i = 1 | x_<i)] for all i. Starting from any
  /// guess, x ← [u < p(· | x)] makes at least one more variable of the ordering final each time, so it ends, at the
  /// same x that drawing variable by variable gives, after at most D + 1 evaluations; where variables depend on few
  /// others it takes far fewer. Rows that have settled drop out.
  ///
  /// - Returns: the rows, and the logits (B × D) that each decision was drawn from.
  /// - Precondition: `sharedOrdering != nil`.
  /// - Source: Song, Meng, Liao, Ermon, Accelerating Feedforward Computation via Parallel Nonlinear Equation Solving,
  ///   ICML 2021; Wiggers & Hoogeboom, Predictive Sampling, ICML 2020.
  package func drawnByIteration(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    precondition(count >= 0, "cannot draw \(count) rows")
    var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
    uniforms.fillUniform(using: &generator)
    var result = BinaryMatrix(rowCount: count, columnCount: variableCount)
    var resultLogits = Matrix<Float>(rowCount: count, columnCount: variableCount)
    guard count > 0, variableCount > 0 else { return (result, resultLogits) }
    let capacity = min(512, count)
    let logits = conditionalLogits(in: Float.self, batchCapacity: capacity)
    for start in stride(from: 0, to: count, by: capacity) {
      var active = Array(start..<min(start + capacity, count))
      while !active.isEmpty {
        let rows = result.selecting(active)
        let z = logits(rows)
        var probabilities = z
        probabilities.apply(.sigmoid)
        var remaining: [Int] = []
        for (index, row) in active.enumerated() {
          var isSettled = true
          for i in 0..<variableCount {
            let bit = uniforms[row, i] < probabilities[index, i]
            if bit != rows[index, i] {
              result[row, i] = bit
              isSettled = false
            }
          }
          if isSettled {
            resultLogits.withUnsafeMutableView(reading: z) {
              Float.copy($1.rows(index..<index + 1), into: $0.rows(row..<row + 1))
            }
          } else {
            remaining.append(row)
          }
        }
        active = remaining
      }
    }
    return (result, resultLogits)
  }
}

/// Returns Σ_i log p(x_i) of each row under independent Bernoullis of given logits (B × D), in nats.
func logLikelihoods<Scalar: KernelScalar>(logits: Matrix<Scalar>, of rows: BinaryMatrix) -> [Double] {
  guard rows.rowCount > 0 else { return [] }
  var targets = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: rows.columnCount)
  targets.withUnsafeMutableView { rows.copyRows(0..<rows.rowCount, into: $0) }
  var sums = Matrix<Scalar>(rowCount: rows.rowCount, columnCount: 1)
  sums.withUnsafeMutableView(reading: logits, targets) {
    Scalar.bernoulliLogLikelihood(logits: $1, targets: $2, into: $0)
  }
  return sums.elements.map { Double($0) }
}

import Essentials
import Kernels

extension BernoulliMixture {
  /// What an iteration of expectation maximisation has found.
  public typealias Iteration = FittingIteration

  /// Fits a mixture by expectation maximisation.
  ///
  ///     r_nk = w_k p_k(x_n) / p(x_n)
  ///     p_ki ← (Σ_n r_nk x_ni + a·m_i) / (Σ_n r_nk + a)     w_k ← (Σ_n r_nk + a) / (N + K·a)
  ///
  /// with m the smoothed marginals of the table: every component has, besides its share of the rows, a rows that look
  /// like all the others, so that components without rows and constant columns stay finite. That maximises the
  /// posterior under a prior whose logarithm is a·Σ_k (log w_k + Σ_i m_i log p_ki + (1 − m_i) log(1 − p_ki)). A
  /// component begins as a random row that counts as much as the prior.
  ///
  /// It ends when the objective rises by less than a share of `tolerance`, after `iterationLimit` iterations, or when
  /// five in a row have not made the validation rows likelier. Then the mixture is returned that was best on the
  /// validation rows; without any, the last.
  /// - Parameters:
  ///   - rows: what is fitted, N rows.
  ///   - validation: rows that decide when to stop, with the columns of `rows`.
  ///   - componentCount: K.
  ///   - pseudoCount: a.
  ///   - tolerance: the share of the objective that an iteration must gain.
  ///   - iterationLimit: the most iterations.
  ///   - seed: the seed of the rows that components begin at.
  ///   - observe: is told of each iteration, and says whether to go on.
  /// - Throws: `DensityError.invalidConfiguration` for a table without rows or columns, no components, and a
  ///   pseudo-count that is not from 1e-9 to 1e9.
  /// - Complexity: O(K · (on-bits + N + D)) an iteration, on all threads.
  /// - Source: Dempster, Laird, Rubin, J. Royal Statistical Society B 39, 1977; the prior as in Bishop, Pattern
  ///   Recognition and Machine Learning, section 9.3.3 and exercise 9.18.
  public static func fit(
    to rows: BinaryMatrix, validation: BinaryMatrix? = nil, componentCount: Int = 500,
    pseudoCount: Double = 1, tolerance: Double = 3e-5, iterationLimit: Int = 200, seed: UInt64 = 0,
    observing observe: (Iteration) -> Bool = { _ in true }
  ) throws(DensityError) -> Self {
    try fit(
      to: ObservedRows(rows), validation: validation.map { ObservedRows($0) }, componentCount: componentCount,
      pseudoCount: pseudoCount, tolerance: tolerance, iterationLimit: iterationLimit, seed: seed,
      while: { true }, observing: observe)
  }

  /// Fits a mixture to rows with missing cells, as to complete ones.
  ///
  /// The components alone are what expectations are taken of; a missing cell is in no count, neither of ones nor of rows:
  ///
  ///     r_nk ∝ w_k p_k(the known cells of x_n)
  ///     p_ki ← (Σ_{n knows i} r_nk x_ni + a·m_i) / (Σ_{n knows i} r_nk + a)     w_k as of complete rows
  ///
  /// which maximises the likelihood of the known cells under the same prior, with m the marginals of the known cells.
  /// - Throws: as for complete rows.
  /// - Complexity: O(K · (on-bits + missing cells + N + D)) an iteration, on all threads.
  public static func fit(
    to rows: PartialRows, validation: PartialRows? = nil, componentCount: Int = 500,
    pseudoCount: Double = 1, tolerance: Double = 3e-5, iterationLimit: Int = 200, seed: UInt64 = 0,
    observing observe: (Iteration) -> Bool = { _ in true }
  ) throws(DensityError) -> Self {
    try fit(
      to: ObservedRows(rows), validation: validation.map { ObservedRows($0) }, componentCount: componentCount,
      pseudoCount: pseudoCount, tolerance: tolerance, iterationLimit: iterationLimit, seed: seed,
      while: { true }, observing: observe)
  }

  /// Fits as the above does, and ends besides as soon as `goesOn`, which is asked many times an iteration, says no; what
  /// that iteration has found is dropped.
  static func fit(
    to rows: ObservedRows, validation: ObservedRows? = nil, componentCount: Int = 500,
    pseudoCount: Double = 1, tolerance: Double = 3e-5, iterationLimit: Int = 200, seed: UInt64 = 0,
    while goesOn: () -> Bool, observing observe: (Iteration) -> Bool = { _ in true }
  ) throws(DensityError) -> Self {
    try Baseline.check(rows.values, pseudoCount: pseudoCount)
    guard componentCount > 0 else {
      throw .invalidConfiguration("a mixture needs at least one component, not \(componentCount)")
    }
    try checkMemoryOfFitting(to: rows.values, componentCount: componentCount)
    let validation = validation.flatMap { $0.rowCount > 0 ? $0 : nil }
    let prior = Prior(rows, pseudoCount: pseudoCount)
    var current = prior.initialMixture(rows, componentCount: componentCount, seed: seed)
    var best = current
    var (bestNumber, bestNLL, previous) = (0, Double.infinity, -Double.infinity)
    for number in 0... {
      let statistics = current.expectedStatistics(of: rows, while: goesOn)
      let objective = statistics.logProbability + prior.logDensity(of: current)
      guard goesOn() else { break }
      let validationNLL = validation.map {
        -current.logMarginals(of: $0).reduce(0, +) / Double($0.rowCount)
      }
      if validationNLL.map({ $0 < bestNLL }) ?? true {
        (best, bestNumber, bestNLL) = (current, number, validationNLL ?? .infinity)
      }
      let isWanted = observe(
        Iteration(
          number: number, objective: objective,
          trainingNLL: -statistics.logProbability / Double(rows.rowCount), validationNLL: validationNLL))
      guard isWanted, number < iterationLimit, number < bestNumber + 5,
        objective - previous > tolerance * abs(objective)
      else { break }
      previous = objective
      current = prior.maximizer(statistics)
    }
    return best
  }

  /// Refuses a mixture that the memory is too small to fit.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  static func checkMemoryOfFitting(to rows: BinaryMatrix, componentCount: Int) throws(DensityError) {
    // Logits, what is counted for them in two types, and the shares of a batch of rows, before and after.
    let bytes = 24 * Double(rows.columnCount) + 8 * Double(min(1024, rows.rowCount)) + 64
    try checkMemory(of: "fitting this mixture", bytes: Double(componentCount) * bytes)
  }

  /// Returns log p of the known cells of each row, in single precision.
  private func logMarginals(of rows: ObservedRows) -> [Double] {
    var result: [Double] = []
    forEachBatch(of: rows, in: Float.self) { _, _, logProbabilities in
      for row in 0..<logProbabilities.rowCount { result.append(min(0, Double(logProbabilities[row, 0]))) }
    }
    return result
  }

  /// What the M-step needs of the rows.
  private struct Statistics {
    /// Σ_n r_nk x_ni, D × K.
    var ones: Matrix<Float>
    /// Σ_{n does not know i} r_nk, D × K, where cells are missing.
    var missing: Matrix<Float>?
    /// Σ_n r_nk, 1 × K.
    var totals: Matrix<Float>
    /// Σ_n log p(x_n).
    var logProbability = 0.0
  }

  /// The E-step.
  private func expectedStatistics(of rows: ObservedRows, while goesOn: () -> Bool) -> Statistics {
    var statistics = Statistics(
      ones: Matrix(rowCount: variableCount, columnCount: componentCount),
      missing: rows.missing.map { _ in Matrix(rowCount: variableCount, columnCount: componentCount) },
      totals: Matrix(rowCount: 1, columnCount: componentCount))
    var sum = 0.0
    forEachBatch(of: rows, in: Float.self, while: goesOn) { x, joint, logProbabilities in
      for row in 0..<x.rowCount { sum += Double(logProbabilities[row, 0]) }
      // r = exp(joint − log p). The kernel divides by the K that it takes a mean over.
      let scale = Matrix<Float>(rowCount: x.rowCount, columnCount: 1, repeating: Float(componentCount))
      var responsibilities = Matrix<Float>(rowCount: x.rowCount, columnCount: componentCount)
      responsibilities.withUnsafeMutableView(reading: scale) {
        Float.accumulateLogMeanExpGradient(joint, output: logProbabilities, $1, into: $0)
      }
      statistics.ones.withUnsafeMutableView(reading: responsibilities) { x.values.accumulate($1, into: $0) }
      if let missing = x.missing {
        statistics.missing?.withUnsafeMutableView(reading: responsibilities) {
          missing.accumulate($1, into: $0)
        }
      }
      statistics.totals.withUnsafeMutableView(reading: responsibilities) {
        Float.accumulateSumOfRows($1, scaledBy: 1, into: $0)
      }
    }
    statistics.logProbability = sum
    return statistics
  }

  /// What every component has seen before any row: `pseudoCount` rows of the smoothed marginals.
  private struct Prior {
    let pseudoCount: Double
    /// a·m_i and a·(1 − m_i).
    let counts: [(on: Double, off: Double)]

    init(_ rows: ObservedRows, pseudoCount: Double) {
      self.pseudoCount = pseudoCount
      counts = rows.marginals.logits.elements.map {
        (pseudoCount * exp(logSigmoid(Double($0))), pseudoCount * exp(logSigmoid(-Double($0))))
      }
    }

    /// The M-step.
    func maximizer(_ statistics: Statistics) -> BernoulliMixture {
      let (ones, missing, totals) = (statistics.ones, statistics.missing, statistics.totals)
      // A few variables a task.
      let height = 256
      let blocks = Threads.map(count: (ones.rowCount + height - 1) / height) { part in
        let variables = part * height..<min((part + 1) * height, ones.rowCount)
        return Matrix<Float>(rowCount: variables.count, columnCount: ones.columnCount) { place, k in
          let i = variables.lowerBound + place
          let on = Double(ones[i, k])
          // Rounding may leave a component a little more ones than rows.
          let off = max(0, Double(totals[0, k]) - Double(missing?[i, k] ?? 0) - on)
          return Float(log((on + counts[i].on) / (off + counts[i].off)))
        }
      }
      var logits = Matrix<Float>(uninitializedRowCount: ones.rowCount, columnCount: ones.columnCount)
      for (part, block) in blocks.enumerated() {
        logits.withUnsafeMutableView(reading: block) {
          Float.copy($1, into: $0.rows(part * height..<part * height + $1.rowCount))
        }
      }
      return BernoulliMixture(
        logits: logits,
        logWeights: Matrix(rowCount: 1, columnCount: ones.columnCount) { _, k in
          Float(log(Double(totals[0, k]) + pseudoCount))
        })
    }

    /// A mixture whose components have each seen one row, drawn without replacement while there are any.
    func initialMixture(_ rows: ObservedRows, componentCount: Int, seed: UInt64) -> BernoulliMixture {
      var generator = Philox(seed: seed, stream: .weights)
      let order = generator.permutation(of: rows.rowCount)
      func counts(_ table: BinaryMatrix) -> Matrix<Float> {
        var counts = Matrix<Float>(rowCount: table.columnCount, columnCount: componentCount)
        for k in 0..<componentCount {
          for i in table.onBits(ofRow: order[k % order.count]) { counts[i, k] = Float(pseudoCount) }
        }
        return counts
      }
      return maximizer(
        Statistics(
          ones: counts(rows.values), missing: rows.missing.map(counts),
          totals: Matrix(rowCount: 1, columnCount: componentCount, repeating: Float(pseudoCount))))
    }

    /// The logarithm of the prior's density, up to a constant.
    func logDensity(of mixture: BernoulliMixture) -> Double {
      let z = mixture.logits
      // m log σ(z) + (1 − m) log σ(−z), as log σ(z) = z + log σ(−z): of log σ(−z) the sums over i are there, beside log w.
      var sum = pseudoCount * mixture.logJointOfZeros.elements.reduce(0, +)
      for (i, count) in counts.enumerated() {
        sum += count.on * (0..<z.columnCount).reduce(0) { $0 + Double(z[i, $1]) }
      }
      return sum
    }
  }
}

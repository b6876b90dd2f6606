import Essentials
import Kernels

extension ChowLiuTree {
  /// Fits a tree to rows with missing cells by expectation maximisation over trees.
  ///
  ///     n_ij(a, b) ← Σ_n p(x_i = a, x_j = b | the known cells of row n)     then the tree of complete rows
  ///
  /// The expectations are the present tree's own, exact ones, for all pairs of variables; so an iteration may change edges
  /// as well as conditionals, and never lowers
  ///
  ///     Σ_n log p(the known cells of x_n) + 4s · E_u log p(u),   u uniform over all vectors
  ///
  /// the second term being what smoothing by s is: 4s rows more, of every vector alike. It begins with the tree of the
  /// counts of each pair over the rows that know both, and ends when an iteration gains less than a share of `tolerance`,
  /// or after `iterationLimit`: at a maximum that need not be the largest. Missing cells are taken to be missing at random.
  /// - Parameters:
  ///   - rows: what is fitted; a row of which nothing is known says nothing.
  ///   - pseudoCount: s, as for complete rows.
  ///   - tolerance: the share of the objective that an iteration must gain.
  ///   - iterationLimit: the most iterations.
  ///   - observe: is told of each iteration, and says whether to go on.
  /// - Throws: as for complete rows.
  /// - Complexity: an iteration takes O(N · D²) on all threads; 80·D² bytes.
  /// - Source: Meila & Jordan, Learning with Mixtures of Trees, JMLR 1, 2000, for expected counts in the place of counts.
  public static func fit(
    to rows: PartialRows, pseudoCount: Double = 0.5, tolerance: Double = 1e-6, iterationLimit: Int = 100,
    observing observe: (FittingIteration) -> Bool = { _ in true }
  ) throws(DensityError) -> Self {
    let tree = try fit(
      to: ObservedRows(rows), pseudoCount: pseudoCount, tolerance: tolerance, iterationLimit: iterationLimit,
      while: { true }, observing: observe)
    guard let tree else { preconditionFailure("nobody stopped it") }
    return tree
  }

  /// Fits a tree, at once to complete rows; nil if `goesOn`, which is asked all the time, says no before there is any.
  static func fit(
    to rows: ObservedRows, pseudoCount: Double = 0.5, tolerance: Double = 1e-6, iterationLimit: Int = 100,
    memoryShare: Double = 1, while goesOn: () -> Bool,
    observing observe: (FittingIteration) -> Bool = { _ in true }
  ) throws(DensityError) -> Self? {
    guard let partial = rows.partial else {
      return try fit(
        to: rows.values, pseudoCount: pseudoCount, memoryShare: memoryShare, while: goesOn)
    }
    try Baseline.check(rows.values, pseudoCount: pseudoCount)
    let pairs = Double(rows.columnCount) * Double(rows.columnCount)
    try checkMemory(
      of: "counting all pairs of columns of partly known rows", bytes: PairCounts.bytesPerPartialPair * pairs,
      share: memoryShare,
      instead: insteadOfPairs)
    let counts = PairCounts(knownPairsOf: partial, pseudoCount: pseudoCount, while: goesOn)
    guard goesOn(), var current = tree(of: counts, while: goesOn) else { return nil }
    var previous = -Double.infinity
    for number in 0... {
      var statistics = ExpectedPairs(variableCount: rows.columnCount)
      statistics.add(partial, under: current, while: goesOn)
      guard goesOn() else { break }
      let objective = statistics.logProbability + 4 * pseudoCount * current.meanLogProbability
      let isWanted = observe(
        FittingIteration(
          number: number, objective: objective,
          trainingNLL: -statistics.logProbability / Double(rows.rowCount), validationNLL: nil))
      guard isWanted, number < iterationLimit, objective - previous > tolerance * abs(objective) else {
        break
      }
      previous = objective
      let expected = PairCounts(
        ones: statistics.ones, rowCount: Double(rows.rowCount), pseudoCount: pseudoCount)
      guard let next = tree(of: expected, while: goesOn) else { break }
      current = next
    }
    return current
  }

  /// The mean of log p over all vectors, each once.
  private var meanLogProbability: Double {
    var sum = 0.0
    for z in logits.elements { sum += logSigmoid(Double(z)) + logSigmoid(-Double(z)) }
    return sum / 4
  }
}

extension ChowLiuTree.PairCounts {
  /// Counts each pair over the rows that know both.
  fileprivate init(knownPairsOf rows: PartialRows, pseudoCount: Double, while goesOn: () -> Bool) {
    let count = rows.columnCount
    let mask = Staircase(denseInputCount: count, outputCount: count)
    var ones = Matrix<Float>(rowCount: count, columnCount: count)
    var (both, on) = (ones, ones)
    var knownBatch = Matrix<Float>(rowCount: min(1024, rows.rowCount), columnCount: count)
    rows.values.forEachBatch(in: Float.self, while: goesOn) { range, x in
      knownBatch.withUnsafeMutableView { known in
        let known = known.rows(0..<range.count)
        rows.known.copyRows(range, into: known)
        func add(_ k: UnsafeMatrixView<Float>, _ l: UnsafeMatrixView<Float>, to sums: inout Matrix<Float>) {
          sums.withUnsafeMutableView {
            Float.maskedLinearWeightGradient(k, l, mask: mask, method: .sparse, into: $0)
          }
        }
        add(x, x, to: &ones)
        add(x, UnsafeMatrixView(known), to: &on)
        add(UnsafeMatrixView(known), UnsafeMatrixView(known), to: &both)
      }
    }
    self.init(
      ones: ones, known: (both, on), rowCount: Double(rows.rowCount), pseudoCount: pseudoCount)
  }
}

/// What is expected of all pairs of variables of rows with missing cells.
///
///     E n_ij(1, 1) = Σ_n q_ni q_nj + c_nij,   q_ni = p(x_i = 1 | the known cells of row n)
///
/// with the covariances c_nij of missing variables that no known one parts in the tree.
private struct ExpectedPairs {
  /// D × D, with E n_i(1) on the diagonal.
  private var sums: [Double]
  /// Σ_n log p(the known cells of row n).
  private(set) var logProbability = 0.0
  private let count: Int

  init(variableCount: Int) {
    count = variableCount
    sums = Array(repeating: 0, count: count * count)
  }

  var ones: Matrix<Float> {
    Matrix(rowCount: count, columnCount: count) { Float(sums[$0 * count + $1]) }
  }

  /// Adds rows, a thousand at a time; the sums do not depend on the number of threads.
  mutating func add(_ rows: PartialRows, under tree: ChowLiuTree, while goesOn: () -> Bool) {
    let forest = tree.forest
    let mask = Staircase(denseInputCount: count, outputCount: count)
    let (size, chunk) = (1024, 256)
    for start in stride(from: 0, to: rows.rowCount, by: size) where goesOn() {
      let end = min(start + size, rows.rowCount)
      let parts = Threads.map(count: (end - start + chunk - 1) / chunk) { part in
        let first = start + part * chunk
        return ForestExpectations(forest, rows, first..<min(first + chunk, end))
      }
      var expected = Matrix<Float>(rowCount: end - start, columnCount: count)
      var products = Matrix<Float>(rowCount: count, columnCount: count)
      var row = 0
      for part in parts {
        logProbability += part.logProbability
        for (index, q) in part.probabilities.enumerated() {
          expected[row + index / count, index % count] = Float(q)
          sums[index % count * (count + 1)] += q
        }
        row += part.probabilities.count / count
      }
      products.withUnsafeMutableView(reading: expected) {
        Float.maskedLinearWeightGradient($1, $1, mask: mask, method: .dense, into: $0)
      }
      for i in 0..<count {
        for j in 0..<i {
          let covariance = parts.reduce(0) { $0 + $1.covariances[i * count + j] }
          let sum = Double(products[i, j]) + covariance
          sums[i * count + j] += sum
          sums[j * count + i] += sum
        }
      }
    }
  }
}

/// The exact expectations of a forest for some rows.
private struct ForestExpectations {
  /// q, rows × D.
  private(set) var probabilities: [Double] = []
  /// Σ_n c_nij at i · D + j, i > j.
  private(set) var covariances: [Double]
  private(set) var logProbability = 0.0
  private let forest: BinaryForest
  /// The present row's c_ij, of which those of its pairs are written before they are read.
  private var rowCovariances: [Double]

  init(_ forest: BinaryForest, _ rows: PartialRows, _ range: Range<Int>) {
    self.forest = forest
    let count = forest.variableCount
    covariances = Array(repeating: 0, count: count * count)
    rowCovariances = covariances
    probabilities.reserveCapacity(range.count * count)
    for row in range { add(rows[row: row]) }
    rowCovariances = []
  }

  private mutating func add(_ row: [Bool?]) {
    let count = forest.variableCount
    // λ_i(a), what is known at and below i given x_i = a, up to a factor, at 2·i + a; the factors' logarithms are summed.
    var beliefs = [Double](repeating: 1, count: 2 * count)
    for (i, value) in row.enumerated() {
      if let value { beliefs[2 * i + (value ? 0 : 1)] = 0 }
    }
    for i in forest.order.reversed() {
      let (off, on) = (beliefs[2 * i], beliefs[2 * i + 1])
      func message(_ b: Int) -> Double {
        off * forest.probability(i, 0, given: b) + on * forest.probability(i, 1, given: b)
      }
      guard let parent = forest.parents[i] else {
        logProbability += log(message(0))
        continue
      }
      // At least one of the two is positive, and neither is below e⁻⁸⁰ times the other's factor.
      let (ifOff, ifOn) = (beliefs[2 * parent] * message(0), beliefs[2 * parent + 1] * message(1))
      let largest = max(ifOff, ifOn)
      logProbability += log(largest)
      (beliefs[2 * parent], beliefs[2 * parent + 1]) = (ifOff / largest, ifOn / largest)
    }
    // Downwards: x_i is on with a chance of t_0, t_1 given its parent and all that is known.
    var q = [Double](repeating: 0, count: count)
    // Missing variables that no known one parts, in the order of the walk; c_ij for each pair of a group.
    var group = [Int](repeating: -1, count: count)
    var members: [[Int]] = []
    for i in forest.order {
      func transition(_ b: Int) -> Double {
        let off = beliefs[2 * i] * forest.probability(i, 0, given: b)
        let on = beliefs[2 * i + 1] * forest.probability(i, 1, given: b)
        return on / (off + on)
      }
      if let value = row[i] {
        q[i] = value ? 1 : 0
        continue
      }
      guard let parent = forest.parents[i], group[parent] >= 0 else {
        q[i] = transition(forest.parents[i].map { q[$0] == 1 ? 1 : 0 } ?? 0)
        group[i] = members.count
        members.append([i])
        continue
      }
      let (ifOff, ifOn) = (transition(0), transition(1))
      q[i] = ifOff + (ifOn - ifOff) * q[parent]
      group[i] = group[parent]
      for j in members[group[i]] {
        let ofParent =
          j == parent ? q[j] * (1 - q[j]) : rowCovariances[max(j, parent) * count + min(j, parent)]
        let covariance = (ifOn - ifOff) * ofParent
        rowCovariances[max(i, j) * count + min(i, j)] = covariance
        covariances[max(i, j) * count + min(i, j)] += covariance
      }
      members[group[i]].append(i)
    }
    probabilities += q
  }
}

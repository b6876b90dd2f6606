import Kernels

/// Whether a table's rows could be draws of a model, and where they differ from these.
///
///     if let test = try model.twoSampleTest(against: heldOut) {
///       print(test.logProbability.differencePValue, test.discrepancy.pValue)
///       for column in test.columns where column.pValue < 0.01 { print(column) }
///     }
///
/// The rows must be ones that the model was not trained on: those are likelier under it than any others. Under the hypothesis that
/// the table's rows are independent draws of the model each p-value is at most α with a probability of at most α: exactly for those
/// by permutation, (1 + permutations as extreme) / (1 + permutations), nearly for those of columns and pairs.
public struct TwoSampleTest: Hashable, Sendable, Codable {
  /// How many rows of the table were compared: all, or as many as `Options.rowLimit` says, chosen at random.
  public let tableRowCount: Int
  /// How many rows were drawn of the model.
  public let modelRowCount: Int
  /// log p of the table's rows beside that of the model's own.
  public let logProbability: LogProbabilityComparison
  /// The distance of the two sets of rows by a kernel that knows nothing of the model.
  public let discrepancy: MeanDiscrepancy
  /// The columns that differ most in their shares of ones, first the one that differs most.
  public let columns: [ShareDifference]
  /// The pairs of columns that differ most in the share of rows in which both are on.
  public let pairs: [ShareDifference]
  /// How many columns were looked at for pairs: all, or as many as the work allows, evenly spread.
  public let pairedColumnCount: Int

  /// How much work a test may be.
  public struct Options: Hashable, Sendable, Codable {
    /// How many rows are drawn of the model.
    public var rowCount: Int
    /// How many rows of the table are compared at the most; of a larger one so many are chosen at random.
    public var rowLimit: Int
    /// How many rows of each the kernel compares at the most; its time grows as their square.
    public var kernelRowLimit: Int
    /// How often rows are permuted; no p-value by permutation is below 1 / (1 + permutations).
    public var permutationCount: Int
    /// How many columns, and how many pairs, are named.
    public var namedCount: Int
    /// The seed of draws, choices and permutations.
    public var seed: UInt64

    /// Creates options.
    public init(
      rowCount: Int = 10_000, rowLimit: Int = 100_000, kernelRowLimit: Int = 2000,
      permutationCount: Int = 999, namedCount: Int = 5, seed: UInt64 = 0
    ) {
      self.rowCount = rowCount
      self.rowLimit = rowLimit
      self.kernelRowLimit = kernelRowLimit
      self.permutationCount = permutationCount
      self.namedCount = namedCount
      self.seed = seed
    }

    /// What is wrong with the options, or nil.
    public var problem: String? {
      for (name, value, range) in [
        ("rows of the model", rowCount, 2...10_000_000), ("rows of the table", rowLimit, 2...10_000_000),
        ("rows for the kernel", kernelRowLimit, 2...20_000),
        ("permutations", permutationCount, 1...100_000), ("columns", namedCount, 0...1_000_000),
      ] where !range.contains(value) {
        return "a two-sample test takes from \(range.lowerBound) to \(range.upperBound) \(name), not \(value)"
      }
      return nil
    }
  }
}

extension Density {
  /// Tests whether a table's rows could be draws of the density.
  ///
  /// - Parameters:
  ///   - rows: rows that the density was not trained on, at least two.
  ///   - options: how many rows are drawn and compared, and by what seed.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: the test, the same for any number of threads; nil if `observe` said to stop.
  /// - Throws: `DensityError.invalidConfiguration` for options that mean nothing; `.mismatch` for another number of columns, and
  ///   for fewer than two rows; `.unsupported` for a density that cannot be sampled; `.undefined` for a row whose log p is not a
  ///   number; what `observe` throws.
  /// - Complexity: a draw and a likelihood a row; O(permutations · rows); O(permutations · n²) for n rows that the kernel
  ///   compares; O(columns² · rows / 64), bounded as in `TableDescription`. Memory for the rows and O(n · permutations).
  public func twoSampleTest(
    against rows: BinaryMatrix, _ options: TwoSampleTest.Options = TwoSampleTest.Options(),
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> TwoSampleTest? {
    if let problem = options.problem { throw .invalidConfiguration(problem) }
    guard rows.columnCount == variableCount else {
      throw .mismatch(
        path: "the table", expected: "\(variableCount) columns as in the model", found: "\(rows.columnCount)")
    }
    guard rows.rowCount > 1 else {
      throw .mismatch(path: "the table", expected: "at least 2 rows to compare", found: "\(rows.rowCount)")
    }
    // The drawn rows as they come, as a table and by columns, and numbers of each; what the kernel needs is bounded.
    let drawnBytes = Double(options.rowCount) * (3 * Double((variableCount + 63) / 64 * 8) + 64)
    try checkMemory(of: "drawing \(options.rowCount) rows", bytes: drawnBytes)
    func share(_ start: Double, _ end: Double, _ fraction: Double) throws(DensityError) -> Bool {
      try observe(start + (end - start) * fraction)
    }
    var chooser = Philox(seed: options.seed, stream: .comparedRows)
    let table = rows.choosing(options.rowLimit, using: &chooser)
    let evaluator = evaluator()
    let drawn = try evaluator.rows(count: options.rowCount, seed: options.seed) {
      (fraction) throws(DensityError) in try share(0, 0.2, fraction)
    }
    guard let drawn else { return nil }
    let tableScores = try evaluator.logProbabilities(of: table) { (fraction) throws(DensityError) in
      try share(0.2, 0.4, fraction)
    }
    guard let tableScores else { return nil }
    let modelScores = try evaluator.logProbabilities(of: drawn) { (fraction) throws(DensityError) in
      try share(0.4, 0.6, fraction)
    }
    guard let modelScores else { return nil }
    let logProbability = try LogProbabilityComparison(
      table: tableScores, model: modelScores, permutationCount: options.permutationCount, seed: options.seed
    ) { (fraction) throws(DensityError) in try share(0.6, 0.7, fraction) }
    guard let logProbability else { return nil }
    let discrepancy = try MeanDiscrepancy(
      table.choosing(options.kernelRowLimit, using: &chooser),
      drawn.rows(0..<min(drawn.rowCount, options.kernelRowLimit)),
      permutationCount: options.permutationCount, seed: options.seed
    ) { (fraction) throws(DensityError) in try share(0.7, 0.95, fraction) }
    guard let discrepancy else { return nil }
    let shares = ShareComparison(table: table, model: drawn)
    guard try observe(1) else { return nil }
    return TwoSampleTest(
      tableRowCount: table.rowCount, modelRowCount: drawn.rowCount, logProbability: logProbability,
      discrepancy: discrepancy, columns: shares.columns(options.namedCount),
      pairs: shares.pairs(options.namedCount), pairedColumnCount: shares.pairedColumnCount)
  }
}

extension BinaryMatrix {
  /// Returns some of the rows, chosen at random without repetition, or all if there are no more.
  fileprivate func choosing(_ count: Int, using generator: inout Philox) -> BinaryMatrix {
    count < rowCount ? selecting(generator.choice(of: count, from: rowCount)) : self
  }
}

extension Philox {
  /// Returns a uniform choice of some of 0 ..< total, in random order.
  ///
  /// - Complexity: O(total).
  mutating func choice(of count: Int, from total: Int) -> ArraySlice<Int> {
    var indices = Array(0..<total)
    for place in 0..<count { indices.swapAt(place, place + integer(below: total - place)) }
    return indices[..<count]
  }

  /// The generator of one permutation.
  init(seed: UInt64, permutation: Int) {
    self.init(seed: seed, stream: .comparedRows, index: UInt64(permutation) + 1)
  }
}

/// Returns the p-value of a statistic beside those of permutations: (1 + how many of them are as extreme) / (1 + all).
///
/// - Source: Phipson, Smyth, Permutation P-values Should Never Be Zero, Stat. Appl. Genet. Mol. Biol. 9, 2010.
func permutationPValue(_ asExtreme: [Bool]) -> Double {
  Double(1 + asExtreme.count { $0 }) / Double(1 + asExtreme.count)
}

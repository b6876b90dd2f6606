import Kernels

extension Inference {
  /// Returns what pairs of variables tell of each other.
  ///
  /// Exact for tractable densities and mixtures of these, whose p(x_i, x_j) is known (of a Chow-Liu tree in closed form along
  /// its paths), and for up to 20 variables, whose rows are tabulated. Else the pairs are counted in rows drawn from the
  /// density under the seed of `options`, and each number has its standard error, by the delta method: the first-order
  /// bias of the counts is taken off (see Miller 1955), and the error has a term of 1/n besides for pairs that are nearly
  /// independent.
  /// - Parameters:
  ///   - columns: the columns whose pairs with all columns are wanted; nil for all pairs.
  ///   - rowCount: n, how many rows to draw, where that is needed.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop. The same numbers for any number of threads.
  /// - Throws: `DensityError.invalidConfiguration` for fewer than 2 rows or more than 10⁹, or more pairs than there is memory for;
  ///   `.unsupported` if the density cannot be drawn from; `.undefined` if log p is not a number; what `observe` throws.
  /// - Precondition: the columns are columns of the density, each named once.
  /// - Complexity: O(R · D) memory, of exact answers and of counts, for R columns. Counting takes O(R · D · n / 64) beside
  ///   the draws.
  /// - Source: Shannon, A Mathematical Theory of Communication, 1948; for trees Chow & Liu, IEEE Trans. Information Theory
  ///   14, 1968.
  public func mutualInformation(
    of columns: [Int]? = nil, rowCount: Int = 1 << 16,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> MutualInformation? {
    let columns = checked(columns)
    try checkMemory(
      of: "the mutual information of all pairs", bytes: 16.5 * Double(columns.count) * Double(variableCount))
    if node.knowsPairs {
      return try node.pairProbabilities(of: columns, observing: observe).map {
        MutualInformation(columns: columns, $0)
      }
    }
    guard variableCount > options.tabulationLimit else {
      return try probabilityTable(observing: observe).map {
        MutualInformation(columns: columns, $0.pairProbabilities(of: columns))
      }
    }
    return try counted(columns, rowCount: rowCount, observing: observe)
  }

  /// Counts pairs in rows drawn from the density.
  private func counted(
    _ columns: [Int], rowCount: Int, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> MutualInformation? {
    var bothOn = Matrix<Double>(rowCount: columns.count, columnCount: variableCount)
    var on = [Double](repeating: 0, count: variableCount)
    let places = MutualInformation.places(of: columns, variableCount: variableCount)
    let all = Array(0..<variableCount)
    let isWhole = try forEachDrawnBlock(of: rowCount, upTo: 8192) { (rows, fraction) throws(DensityError) in
      let bits = ColumnBits(rows, known: nil, columns: all)
      for (column, count) in rows.onCounts.enumerated() { on[column] += Double(count) }
      // The counts of so many columns at once take no more than some megabytes.
      for start in stride(from: 0, to: columns.count, by: 256) {
        let counts = Threads.map(count: min(256, columns.count - start)) { index in
          // Two columns that both are wanted are counted once.
          bits.bothCounts(
            of: columns[start + index], with: all.filter { places[$0] > start + index })
        }
        for (index, counts) in counts.enumerated() {
          var next = 0
          for other in all where places[other] > start + index {
            bothOn[start + index, other] += Double(counts[next])
            next += 1
          }
        }
      }
      return try observe(fraction)
    }
    guard isWhole else { return nil }
    for (place, column) in columns.enumerated() {
      bothOn[place, column] = on[column]
      for (earlier, other) in columns.prefix(place).enumerated() {
        bothOn[place, other] = bothOn[earlier, column]
      }
    }
    return MutualInformation(
      columns: columns, PairProbabilities(bothOn: bothOn, on: on), drawnRowCount: rowCount)
  }

  /// Hands on rows drawn from the density, block by block, and which fraction of them there has been; false if `body` said
  /// to stop.
  func forEachDrawnBlock(
    of rowCount: Int, upTo mostRows: Int,
    _ body: (BinaryMatrix, _ fraction: Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    guard (2...1_000_000_000).contains(rowCount) else {
      throw .invalidConfiguration("from 2 to 1000000000 rows are drawn, not \(rowCount)")
    }
    var generator = Philox(seed: options.seed, stream: .dependence)
    let evaluator = density.evaluator()
    // What is drawn of rows takes 4 bytes a cell.
    let length = min(mostRows, max(64, (1 << 24) / variableCount / 64 * 64))
    for start in stride(from: 0, to: rowCount, by: length) {
      let end = min(start + length, rowCount)
      let rows = try evaluator.sample(count: end - start, using: &generator)
      if start == 0 { try evaluator.checkLogProbabilityOfFirst(rows) }
      guard try body(rows, Double(end) / Double(rowCount)) else { return false }
    }
    return true
  }

  /// Returns the columns, or all if none are named.
  func checked(_ columns: [Int]?) -> [Int] {
    let columns = columns ?? Array(0..<variableCount)
    precondition(
      columns.allSatisfy { (0..<variableCount).contains($0) } && Set(columns).count == columns.count,
      "the columns \(columns) are not each one of \(variableCount)")
    return columns
  }
}

import Essentials
import Kernels

/// The maximum mean discrepancy of two sets of rows: how far the means of their features are apart, of all functions of rows that a
/// kernel k of the Hamming distance d makes.
///
///     MMD² = E k(x, x′) + E k(y, y′) − 2 E k(x, y),   k(x, y) = exp(−d(x, y) / ℓ)
///
/// It is 0 where both come from one distribution, and from no other pair: k is a product of positive definite kernels of single bits,
/// so no function of rows is beyond it. ℓ is the median distance of two different rows of both sets together, at least 1.
///
/// - Source: Gretton, Borgwardt, Rasch, Schölkopf, Smola, A Kernel Two-Sample Test, JMLR 13, 2012: lemma 6 (the unbiased
///   estimate), section 8 (the median).
public struct MeanDiscrepancy: Hashable, Sendable, Codable {
  /// The unbiased estimate of MMD², which may be below 0; its standard error is that of the rows' own shares in it, and no
  /// less than the standard deviation of the permutations'.
  public let value: Measured
  /// The p-value of an estimate as large, by permutation.
  public let pValue: Double
  /// ℓ, in bits.
  public let length: Double
  /// How many rows of the table were compared: all, or some chosen at random.
  public let tableRowCount: Int
  /// How many rows of the model were compared.
  public let modelRowCount: Int

  /// Compares two sets of rows; nil if `observe` said to stop.
  ///
  /// - Precondition: both have the same columns, and at least two rows.
  /// - Complexity: O(n² · (columns / 64 + permutations)) for n rows in all, some 8 kB a row.
  package init?(
    _ table: BinaryMatrix, _ model: BinaryMatrix, permutationCount: Int, seed: UInt64,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    let rows = (table + model).packed()
    let kernel = CentredKernel(rows)
    var (found, error): ([Double], Double) = ([], 0)
    for first in stride(from: 0, through: permutationCount, by: Self.groupLength) {
      let group = first..<min(first + Self.groupLength, permutationCount + 1)
      let isTable = Self.permutations(group, of: rows.rowCount, tableCount: table.rowCount, seed: seed)
      var sums = KernelSums(table.rowCount, model.rowCount, isTable)
      for start in stride(from: 0, to: rows.rowCount, by: Self.blockLength) {
        let block = start..<min(start + Self.blockLength, rows.rowCount)
        sums.add(kernel.values(of: block), block)
        let ofGroup = Double(block.upperBound) / Double(rows.rowCount)
        let fraction = (Double(first) + ofGroup * Double(group.count)) / Double(permutationCount + 1)
        if try !observe(fraction) { return nil }
      }
      found += sums.statistics
      if first == 0 { error = sums.standardError }
    }
    // Of rows more regular than draws the shares differ too little, and near 0 they differ for the smaller part of the error.
    var permuted = RunningMean()
    permuted.add(Array(found.dropFirst()))
    let scatter = permuted.standardError * permuted.count.squareRoot()
    value = Measured(found[0], standardError: scatter.isFinite ? max(error, scatter) : error)
    pValue = permutationPValue(found.dropFirst().map { $0 >= found[0] - kernel.tolerance })
    length = kernel.length
    (tableRowCount, modelRowCount) = (table.rowCount, model.rowCount)
  }

  /// So many permutations are looked at together.
  private static let groupLength = 1024
  /// So many rows of the kernel are held at once.
  private static let blockLength = 256

  /// Returns which of n rows are the table's, as 1, in a column for each permutation; the first of all is none.
  private static func permutations(
    _ group: Range<Int>, of rowCount: Int, tableCount: Int, seed: UInt64
  ) -> Matrix<Float> {
    let chosen = Threads.map(count: group.count) { index in
      guard group.lowerBound + index > 0 else { return Array(0..<tableCount) }
      var generator = Philox(seed: seed, permutation: group.lowerBound + index)
      return Array(generator.choice(of: tableCount, from: rowCount))
    }
    var result = Matrix<Float>(rowCount: rowCount, columnCount: group.count)
    for (column, rows) in chosen.enumerated() {
      for row in rows { result[row, column] = 1 }
    }
    return result
  }
}

/// k(x, y) − the mean of k over all pairs of different rows; 0 for a row with itself.
///
/// What is the same for all pairs is no part of MMD², and without it float32 errs less.
private struct CentredKernel: Sendable {
  private let rows: BinaryMatrix
  let length: Double
  private let byDistance: [Float]
  /// By how much an estimate of MMD² may differ by rounding, and much less than it scatters.
  let tolerance: Double

  init(_ rows: BinaryMatrix) {
    self.rows = rows
    let parts = Threads.map(count: 64) { part in
      var counts = [Int](repeating: 0, count: rows.columnCount + 1)
      for row in stride(from: part, to: rows.rowCount, by: 64) {
        for other in 0..<row { counts[rows.distance(row, other)] += 1 }
      }
      return counts
    }
    let counts = parts.dropFirst().reduce(parts[0]) { zip($0, $1).map(+) }
    let all = counts.reduce(0, +)
    var (median, below) = (0, counts[0])
    while 2 * below < all {
      median += 1
      below += counts[median]
    }
    let length = Double(max(1, median))
    self.length = length
    let values = counts.indices.map { exp(-Double($0) / length) }
    let mean = zip(values, counts).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(all)
    let squares = zip(values, counts).reduce(0) { $0 + ($1.0 - mean) * ($1.0 - mean) * Double($1.1) }
    byDistance = values.map { Float($0 - mean) }
    tolerance = 1e-6 * (squares / Double(all)).squareRoot() / Double(rows.rowCount).squareRoot()
  }

  /// Returns the kernel of some rows with all.
  func values(of block: Range<Int>) -> Matrix<Float> {
    let values = Threads.map(count: block.count) { index in
      let row = block.lowerBound + index
      return (0..<rows.rowCount).map { $0 == row ? 0 : byDistance[rows.distance(row, $0)] }
    }
    return Matrix(rowCount: block.count, columnCount: rows.rowCount, elements: values.flatMap { $0 })
  }
}

/// The sums of a kernel over pairs of rows that are both the table's, or one the table's and one the model's.
private struct KernelSums {
  private let tableCount: Int
  private let modelCount: Int
  private let isTable: Matrix<Float>
  /// Over pairs within the table.
  private var within: [Double]
  /// Over pairs of a row of the table and any row.
  private var ofTable: [Double]
  /// Over all pairs.
  private var total = 0.0
  /// The rows' shares in the estimate: the mean kernel with others of its own set, less that with the other set.
  private var shares: [Double] = []

  init(_ tableCount: Int, _ modelCount: Int, _ isTable: Matrix<Float>) {
    self.tableCount = tableCount
    self.modelCount = modelCount
    self.isTable = isTable
    within = Array(repeating: 0, count: isTable.columnCount)
    ofTable = within
  }

  /// Adds the pairs of some rows with all.
  mutating func add(_ kernel: Matrix<Float>, _ block: Range<Int>) {
    var withTable = Matrix<Float>(rowCount: block.count, columnCount: isTable.columnCount)
    withTable.withUnsafeMutableView(reading: kernel, isTable) { sums, kernel, isTable in
      Float.product(kernel, isTable, transposing: .none, into: sums, accumulating: false)
    }
    let (m, n) = (Double(tableCount), Double(modelCount))
    for (index, row) in block.enumerated() {
      let all = kernel[row: index].reduce(0.0) { $0 + Double($1) }
      total += all
      for column in within.indices where isTable[row, column] == 1 {
        within[column] += Double(withTable[index, column])
        ofTable[column] += all
      }
      let own = Double(withTable[index, 0])
      shares.append(row < tableCount ? own / (m - 1) - (all - own) / n : (all - own) / (n - 1) - own / m)
    }
  }

  /// MMD² of the rows as they are, and of each permutation.
  var statistics: [Double] {
    let (m, n) = (Double(tableCount), Double(modelCount))
    return zip(within, ofTable).map { within, ofTable in
      let between = ofTable - within
      return within / (m * (m - 1)) + (total - within - 2 * between) / (n * (n - 1)) - 2 * between / (m * n)
    }
  }

  /// √(4 Var(shares of the table's rows) / m + 4 Var(shares of the model's) / n).
  var standardError: Double {
    var (table, model) = (RunningMean(), RunningMean())
    table.add(Array(shares[..<tableCount]))
    model.add(Array(shares[tableCount...]))
    let (a, b) = (table.standardError, model.standardError)
    return 2 * (a * a + b * b).squareRoot()
  }
}

extension BinaryMatrix {
  /// Returns in how many columns two rows differ.
  fileprivate func distance(_ first: Int, _ second: Int) -> Int {
    words.withUnsafeBufferPointer { words in
      var count = 0
      let (a, b) = (first * wordsPerRow, second * wordsPerRow)
      for word in 0..<wordsPerRow { count &+= (words[a + word] ^ words[b + word]).nonzeroBitCount }
      return count
    }
  }
}

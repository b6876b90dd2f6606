import Essentials
import Kernels

/// The probabilities of all 2ᴰ rows of a density of few variables: whatever is asked of it is a sum over some of them.
struct ProbabilityTable: Sendable {
  /// The most variables that are tabulated.
  static let variableLimit = 20

  /// The number D of variables.
  let variableCount: Int
  /// log p of each row; bit c of a row's index is its column c.
  let logProbabilities: [Double]
  /// p of each row over the largest of them.
  let shares: [Double]
  private let logLargest: Double

  /// Creates the table of given log-probabilities.
  init(variableCount: Int, logProbabilities: [Double]) {
    self.variableCount = variableCount
    self.logProbabilities = logProbabilities
    let largest = logProbabilities.reduce(-Double.infinity, max)
    logLargest = largest
    shares = logProbabilities.map { exp($0 - largest) }
  }

  /// Tabulates a density; nil if `observe` said to stop.
  ///
  /// - Precondition: at most `variableLimit` variables.
  /// - Complexity: 2ᴰ⁺¹ steps of a chain, of each component of a mixture; 16 · 2ᴰ bytes.
  init?(
    _ node: QueryNode, variableCount: Int, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    precondition(variableCount <= Self.variableLimit, "2 to the \(variableCount) rows are not tabulated")
    guard let terms = try Self.logProbabilities(node, variableCount, observing: observe) else { return nil }
    self.init(variableCount: variableCount, logProbabilities: terms)
  }

  /// Returns the table, unless log p of the density that it is of is not a number.
  ///
  /// - Throws: `DensityError.undefined`.
  func checked(by density: any Density) throws(DensityError) -> ProbabilityTable {
    if let row = logProbabilities.firstIndex(where: { $0.isNaN || $0 == .infinity }) {
      throw .undefined(row: row)
    }
    // Where a cursor's clamped numbers hide it, the likelihood of the likeliest row tells.
    let likeliest = logProbabilities.indices.max { logProbabilities[$0] < logProbabilities[$1] } ?? 0
    let row = BinaryMatrix(rowCount: 1, columnCount: variableCount) { likeliest >> $1 & 1 == 1 }
    try density.evaluator().checkLogProbabilityOfFirst(row)
    return self
  }

  private static func logProbabilities(
    _ node: QueryNode, _ variableCount: Int, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    switch node {
    case .tractable(let density):
      return density.logProbabilities(of: .allRows(ofWidth: variableCount))
    case .opaque(let density): return density.logProbabilities(of: .allRows(ofWidth: variableCount))
    case .mixture(let logWeights, let parts):
      var sums: [Double] = Array(repeating: -.infinity, count: 1 << variableCount)
      for (index, part) in parts.enumerated() {
        let terms = try logProbabilities(part, variableCount) { (fraction) throws(DensityError) in
          try observe((Double(index) + fraction) / Double(parts.count))
        }
        guard let terms else { return nil }
        for row in sums.indices { sums[row] = logSumExp(sums[row], terms[row] + logWeights[index]) }
      }
      return sums
    case .chain(let chain):
      let path = EvidencePath(unknownCount: variableCount)
      guard let terms = try chain.assignments(of: path, observing: observe) else { return nil }
      // From the order of the chain to that of the columns.
      var result = terms
      for (index, term) in terms.enumerated() {
        var row = 0
        for (position, variable) in chain.ordering.variables.enumerated() {
          row |= (index >> position & 1) << variable
        }
        result[row] = term
      }
      return result
    }
  }

  /// The rows' indices that agree with a row of evidence.
  private func compatible(_ evidence: PartialRows, row: Int) -> CompatibleIndices {
    let (values, known) = (evidence.values, evidence.known)
    var (base, unknown) = (0, 0)
    for column in 0..<variableCount {
      if known[row, column] {
        base |= (values[row, column] ? 1 : 0) << column
      } else {
        unknown |= 1 << column
      }
    }
    return CompatibleIndices(base: base, unknown: unknown)
  }

  /// Returns log p(x_known) of a row of evidence.
  ///
  /// - Complexity: O(2^unknown).
  func logMarginal(of evidence: PartialRows, row: Int) -> Double {
    let indices = compatible(evidence, row: row)
    let sum = indices.reduce(0) { $0 + shares[$1] }
    // Beside the largest they may all have vanished.
    guard sum > 1e-280 else { return logSumExp(indices.map { logProbabilities[$0] }) }
    return logLargest + log(sum)
  }

  /// Draws rows that agree with a row of evidence, as indices; nil if its probability is zero.
  ///
  /// - Complexity: O(2^unknown), and O(unknown) a draw.
  func draw(
    _ count: Int, given evidence: PartialRows, row: Int, where isWanted: (Int) -> Bool = { _ in true },
    using generator: inout Philox
  ) -> [Int]? {
    completions(compatible(evidence, row: row), where: isWanted).map { completions in
      (0..<count).map { _ in completions.draw(using: &generator) }
    }
  }

  private func completions(
    _ indices: CompatibleIndices, where isWanted: (Int) -> Bool
  ) -> Completions? {
    let indices = indices.filter(isWanted)
    let largest = indices.reduce(-Double.infinity) { max($0, logProbabilities[$1]) }
    guard largest > -.infinity else { return nil }
    return Completions(
      indices: indices, chooser: CumulativeWeights(indices.map { exp(logProbabilities[$0] - largest) }))
  }

  /// Rows of a table that are drawn from.
  struct Completions: Sendable {
    fileprivate let indices: [Int]
    fileprivate let chooser: CumulativeWeights

    /// Returns the index of a row, drawn by its probability.
    func draw(using generator: inout Philox) -> Int { indices[chooser.draw(using: &generator)] }
  }
}

extension ProbabilityTable {
  // MARK: A row's known values

  /// Returns the rows that agree with known values, to be drawn from; nil if their probability is zero.
  ///
  /// - Complexity: O(2^unknown).
  func completions(of values: [Bool?], where isWanted: (Int) -> Bool = { _ in true }) -> Completions? {
    completions(CompatibleIndices(values), where: isWanted)
  }

  /// Returns the index of the most probable row that agrees with known values, the first of several.
  ///
  /// - Complexity: O(2^unknown).
  func mode(of values: [Bool?]) -> Int {
    let indices = CompatibleIndices(values)
    return indices.reduce(indices.base) { logProbabilities[$1] > logProbabilities[$0] ? $1 : $0 }
  }

  /// Returns p(x_known, Σ_i x_i = n) for n = 0 … D.
  ///
  /// - Complexity: O(2^unknown).
  func probabilitiesByOnBitCount(of values: [Bool?]) -> [WideDouble] {
    var sums = [WideDouble](repeating: .zero, count: variableCount + 1)
    for index in CompatibleIndices(values) {
      sums[index.nonzeroBitCount] += WideDouble(exponentOf: logProbabilities[index])
    }
    return sums
  }
}

/// The indices of a table's rows that have some given bits: ascending over the bits that are free.
private struct CompatibleIndices: Sequence, IteratorProtocol {
  let base: Int
  let unknown: Int
  private var free = 0
  private var isDone = false

  init(base: Int, unknown: Int) {
    self.base = base
    self.unknown = unknown
  }

  /// - Parameter values: of each column; nil is unknown.
  init(_ values: [Bool?]) {
    self.init(
      base: values.enumerated().reduce(0) { $0 | ($1.element == true ? 1 << $1.offset : 0) },
      unknown: values.enumerated().reduce(0) { $0 | ($1.element == nil ? 1 << $1.offset : 0) })
  }

  mutating func next() -> Int? {
    guard !isDone else { return nil }
    let index = base | free
    // The next larger number whose bits are free ones.
    free = ((free | ~unknown) &+ 1) & unknown
    isDone = free == 0
    return index
  }
}

/// Weights that indices are drawn by.
struct CumulativeWeights: Sendable {
  private let sums: [Double]

  /// - Precondition: no weight is negative, and one is above zero.
  init(_ weights: [Double]) {
    var sum = 0.0
    sums = weights.map { weight in
      sum += weight
      return sum
    }
    precondition(sum > 0, "nothing has a weight")
  }

  /// Returns index i with probability w_i / Σ w.
  ///
  /// - Complexity: O(log count).
  func draw(using generator: inout Philox) -> Int {
    let u = Double(generator.next() >> 11) * 0x1p-53 * (sums.last ?? 0)
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > u { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension EvidencePath {
  /// The path of all assignments of some variables.
  init(unknownCount: Int) { self.init(values: Array(repeating: nil, count: unknownCount)) }
}

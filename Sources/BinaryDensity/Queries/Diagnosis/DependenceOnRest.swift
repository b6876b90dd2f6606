import Essentials
import Kernels

/// How much all other variables tell of one, in nats.
///
///     I(x_i; x_rest) = H(x_i) − H(x_i | x_rest)
///
/// It is at least the mutual information with any other variable, and at most the entropy.
public struct DependenceOnRest: Hashable, Sendable {
  /// The column i, counted from 0.
  public let column: Int
  /// H(x_i), in nats.
  public let entropy: Measured
  /// I(x_i; x_rest), in nats.
  public let information: Measured
  /// The information over the entropy: 0 of a variable that is independent, 1 of one that follows from the others.
  public var share: Double { entropy.value > 0 ? min(1, information.value / entropy.value) : 0 }
}

extension Inference {
  /// Returns what all other variables tell of each of some.
  ///
  ///     I(x_i; x_rest) = H(E[π]) − E[H(π)],   π = p(x_i = 1 | x_rest) = p(x_i = 1, x_rest) / (p(x_i = 1, x_rest) + p(x_i = 0, x_rest))
  ///
  /// For up to 20 variables exactly, over all rows. Else over rows drawn from the density: π of each is exact, by log p of the
  /// row and of it with x_i flipped, the means have the standard error of the delta method, and the first-order bias of
  /// H(mean π) is taken off. The error has two terms more, for what rows that were not drawn could tell: how much
  /// H changes with half a row added to each value, and H / n.
  /// - Parameters:
  ///   - columns: the columns; nil for all.
  ///   - rowCount: n, how many rows to draw, where that is needed.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: the dependence of each of `columns`, in their order; nil if `observe` said to stop. The same numbers for any
  ///   number of threads.
  /// - Throws: `DensityError.invalidConfiguration` for fewer than 2 rows or more than 10⁹; `.unsupported` if the density cannot
  ///   be drawn from; `.undefined` if log p is not a number; what `observe` throws.
  /// - Precondition: the columns are columns of the density, each named once.
  /// - Complexity: log p of (R + 1) · n rows, for R columns.
  /// - Source: Cover & Thomas, Elements of Information Theory, 2006, section 2.4; π: Besag, The Statistician 24 (3), 1975.
  public func dependenceOnRest(
    of columns: [Int]? = nil, rowCount: Int = 1 << 10,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [DependenceOnRest]? {
    let columns = checked(columns)
    guard variableCount > options.tabulationLimit else {
      return try probabilityTable(observing: observe).map { table in
        Threads.map(count: columns.count) { table.dependenceOnRest(of: columns[$0]) }
      }
    }
    let evaluator = density.evaluator()
    var moments = Array(repeating: ConditionalMoments(), count: columns.count)
    var done = 0.0
    let isWhole = try forEachDrawnBlock(of: rowCount, upTo: 4096) { (rows, fraction) throws(DensityError) in
      let part = fraction - done
      let before = try evaluator.logProbabilities(of: rows) { (_) throws(DensityError) in true } ?? []
      for (place, column) in columns.enumerated() {
        let flipped = rows.flipping(column)
        let after = try evaluator.logProbabilities(of: flipped) { (_) throws(DensityError) in true } ?? []
        for row in 0..<rows.rowCount {
          let difference = before[row] - after[row]
          moments[place].add(logOdds: rows[row, column] ? difference : -difference)
        }
        guard try observe(done + part * Double(place + 1) / Double(columns.count)) else { return false }
      }
      done = fraction
      return true
    }
    return isWhole ? zip(columns, moments).map { $1.dependence(of: $0) } : nil
  }
}

/// Sums over rows of π = p(x_i = 1 | x_rest) and of its entropy, from which I(x_i; x_rest) is estimated.
private struct ConditionalMoments {
  private var count = 0.0
  /// The means of π and H(π), and the sums of squares and of products about them.
  private var (mean, entropyMean) = (0.0, 0.0)
  private var (square, entropySquare, product) = (0.0, 0.0, 0.0)

  /// Adds a row whose log π / (1 − π) is known; ±∞ of what cannot be otherwise.
  mutating func add(logOdds: Double) {
    let terms = LogitTerms(logOdds)
    let (probability, entropy) = (terms.on, terms.meanCost(under: terms))
    count += 1
    let (step, entropyStep) = (probability - mean, entropy - entropyMean)
    mean += step / count
    entropyMean += entropyStep / count
    square += step * (probability - mean)
    entropySquare += entropyStep * (entropy - entropyMean)
    product += step * (entropy - entropyMean)
  }

  func dependence(of column: Int) -> DependenceOnRest {
    let entropy = BitCounts(on: mean, total: 1).entropy
    let inside = mean > 0 && mean < 1
    let slope = inside ? log((1 - mean) / mean) : 0
    let (a, b, c) = (square / (count - 1), entropySquare / (count - 1), product / (count - 1))
    // What the curve of H takes from H(mean π).
    let bias = inside ? a / (2 * count * mean * (1 - mean)) : 0
    // What a variable that is on in hardly any row may hide.
    let smooth = BitCounts(on: count * mean + 0.5, total: count + 1).entropy
    let unseen = pow(abs(smooth - entropy) + entropy / count, 2)
    func error(_ variance: Double) -> Double { (max(0, variance) / count + unseen).squareRoot() }
    let unbiased = min(log(2), entropy + bias)
    return DependenceOnRest(
      column: column, entropy: Measured(unbiased, standardError: error(slope * slope * a)),
      information: Measured(
        min(unbiased, max(0, entropy - entropyMean + bias)),
        standardError: error(slope * slope * a + b - 2 * slope * c)))
  }
}

extension ProbabilityTable {
  fileprivate func dependenceOnRest(of column: Int) -> DependenceOnRest {
    let bit = 1 << column
    var (total, on, conditional) = (0.0, 0.0, 0.0)
    for row in shares.indices where row & bit == 0 {
      let (off, other) = (shares[row], shares[row | bit])
      total += off + other
      on += other
      conditional += (off + other) * BitCounts(on: other, total: off + other).entropy
    }
    let entropy = BitCounts(on: on, total: total).entropy
    return DependenceOnRest(
      column: column, entropy: Measured(entropy),
      information: Measured(max(0, entropy - conditional / total)))
  }
}

extension BinaryMatrix {
  /// Returns the rows with one column flipped.
  fileprivate func flipping(_ column: Int) -> BinaryMatrix {
    var flipped = self
    for row in 0..<rowCount { flipped.words[row * wordsPerRow + column / 64] ^= 1 << UInt64(column % 64) }
    return flipped
  }
}

import Essentials
import Kernels

/// How alike rows are to one row as a density sees them: by the conditionals that each row brings about.
///
/// Along an order of the variables, z_i(x) is the logit of p(x_i = 1 | the variables of x before i). The divergence of
/// two rows is that of Jeffreys between the two chains of conditionals:
///
///     J(x, y) = Σ_i (σ(z_i(x)) − σ(z_i(y))) · (z_i(x) − z_i(y)) ≥ 0
///
/// It is 0 where both rows lead the density to the same expectations at every step, whatever bits they have; a density
/// of independent variables takes all rows for alike. Of a mixture without one order it is the mean over the
/// components, by their weights.
///
///     let likeness = try RowLikeness(to: rows.rows(0..<1), under: model)
///     let nearest = likeness.divergences(of: rows).enumerated().min { $0.element < $1.element }
///
/// - Source: H. Jeffreys, An Invariant Form for the Prior Probability in Estimation Problems, Proc. R. Soc. A 186, 1946.
public struct RowLikeness: Sendable {
  /// The number D of variables.
  public let variableCount: Int
  private let chains: [Chain]

  private struct Chain: Sendable {
    let weight: Double
    let evaluator: AutoregressiveEvaluator
    let logits: [Float]
  }

  /// Prepares the comparison with a row.
  ///
  /// - Parameters:
  ///   - row: the row, as a table of one.
  ///   - density: what sees the rows.
  /// - Throws: `DensityError.unsupported` for a density that has neither conditionals nor components that have.
  /// - Precondition: `row.rowCount == 1` and `row.columnCount == density.variableCount`.
  public init(to row: BinaryMatrix, under density: any Density) throws(DensityError) {
    precondition(
      row.rowCount == 1 && row.columnCount == density.variableCount,
      "\(row) for a row of \(density.variableCount) variables")
    variableCount = density.variableCount
    var chains: [Chain] = []
    for leaf in density.leaves {
      guard let chain = leaf.density.autoregressive() else {
        throw .unsupported(
          "rows are compared by conditionals, and a density of type \(type(of: leaf.density)) has none: "
            + "it needs an order, or components that have one")
      }
      let evaluator = chain.evaluator()
      chains.append(
        Chain(
          weight: leaf.weight, evaluator: evaluator,
          logits: Array(evaluator.conditionalLogits(of: row).elements)))
    }
    self.chains = chains
  }

  /// Returns J of each row, in nats.
  ///
  /// - Precondition: `rows.columnCount == variableCount`.
  /// - Complexity: O(rows · D), after as many conditionals.
  public func divergences(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "rows of \(rows.columnCount) columns for \(variableCount) variables")
    var sums = Array(repeating: 0.0, count: rows.rowCount)
    for start in stride(from: 0, to: rows.rowCount, by: Self.blockLength) {
      let block = rows.rows(start..<min(start + Self.blockLength, rows.rowCount))
      for chain in chains {
        let logits = chain.evaluator.conditionalLogits(of: block)
        for row in 0..<block.rowCount {
          var sum = 0.0
          for column in 0..<variableCount { sum += Self.term(logits[row, column], chain.logits[column]) }
          sums[start + row] += chain.weight * sum
        }
      }
    }
    return sums
  }

  /// So many rows' logits are held at once.
  private static let blockLength = 512

  /// (σ(a) − σ(b)) · (a − b); 0 for equal ones, infinite too.
  private static func term(_ a: Float, _ b: Float) -> Double {
    guard a != b else { return 0 }
    let (a, b) = (Double(a), Double(b))
    return (1 / (1 + exp(-a)) - 1 / (1 + exp(-b))) * (a - b)
  }
}

import Kernels

/// A density whose variables have other numbers.
///
/// Its variable c is variable `columns[c]` of the density it stands for.
struct RenumberedDensity<Base: Density>: Density {
  private let base: Base
  private let columns: [Int]
  /// The number here of each variable of the base.
  private let places: [Int]

  /// - Precondition: the columns are a permutation of the variables.
  init(_ base: Base, columns: [Int]) {
    let ordering = Ordering(columns)
    self.base = base
    self.columns = columns
    places = ordering.positions
  }

  var variableCount: Int { columns.count }

  func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    base.logProbabilities(of: rows.selecting(columns: places))
  }

  func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    try base.sample(count: count, using: &generator).selecting(columns: columns)
  }

  func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    func renumbered(_ chain: some AutoregressiveDensity) -> any AutoregressiveDensity {
      RenumberedChain(base: chain, columns: columns, places: places)
    }
    let wanted = ordering.map { Ordering($0.variables.map { columns[$0] }) }
    return base.autoregressive(along: wanted).map { renumbered($0) }
  }
}

/// The conditionals of such a density.
private struct RenumberedChain<Base: AutoregressiveDensity>: AutoregressiveDensity {
  let base: Base
  let columns: [Int]
  let places: [Int]

  var variableCount: Int { columns.count }
  var ordering: Ordering { Ordering(base.ordering.variables.map { places[$0] }) }

  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    let logits = base.conditionalLogits(of: rows.selecting(columns: places))
    return Matrix(rowCount: rows.rowCount, columnCount: columns.count) { logits[$0, columns[$1]] }
  }
}

extension Density {
  /// Returns the density with its variables in another order.
  func renumbered(_ columns: [Int]) -> any Density { RenumberedDensity(self, columns: columns) }
}

import Essentials
import Kernels

/// A column, or a pair of columns, and in what share of a table's rows and of a model's it is on; of a pair, both.
public struct ShareDifference: Hashable, Sendable, Codable {
  /// The columns, counted from 0: one or two.
  public let columns: [Int]
  /// The share of the table's rows.
  public let tableShare: Double
  /// The share of the model's rows.
  public let modelShare: Double
  /// How many standard deviations the table is from the model, by the signed root of the likelihood ratio.
  ///
  ///     z = ± √(2 Σ O log (O / E))
  ///
  /// over the four numbers O of rows, on and off, in both, and those E that equal shares would have. Unlike the difference over its
  /// standard error it is nearly normal where shares are small, too.
  ///
  /// - Source: Wilks, Ann. Math. Stat. 9, 1938.
  public let z: Double
  /// The p-value of a |z| as large for any of the columns, or of the pairs, that were compared: by Bonferroni's inequality
  /// that of one, times their number.
  public let pValue: Double

  /// Compares how often something is on.
  ///
  /// - Parameter comparisonCount: among how many such comparisons this one is.
  package init(
    columns: [Int], tableOn: Int, tableRows: Int, modelOn: Int, modelRows: Int, comparisonCount: Int
  ) {
    self.columns = columns
    tableShare = Double(tableOn) / Double(tableRows)
    modelShare = Double(modelOn) / Double(modelRows)
    let share = Double(tableOn + modelOn) / Double(tableRows + modelRows)
    func term(_ own: Double, _ shared: Double) -> Double { own > 0 ? own * log(own / shared) : 0 }
    /// Σ O log (O / E) of one of both.
    func divergence(_ own: Double, _ count: Int) -> Double {
      Double(count) * (term(own, share) + term(1 - own, 1 - share))
    }
    let sum = divergence(tableShare, tableRows) + divergence(modelShare, modelRows)
    let size = (2 * max(0, sum)).squareRoot()
    z = tableShare < modelShare ? -size : size
    pValue = min(1, Double(comparisonCount) * erfc(size / 2.0.squareRoot()))
  }
}

/// The shares of ones of two tables of the same columns.
struct ShareComparison {
  private let table: BinaryMatrix
  private let model: BinaryMatrix
  /// The columns whose pairs are compared.
  private let paired: [Int]

  init(table: BinaryMatrix, model: BinaryMatrix) {
    self.table = table
    self.model = model
    paired = ColumnBits.columns(
      Array(0..<table.columnCount), rowCount: table.rowCount + model.rowCount)
  }

  var pairedColumnCount: Int { paired.count }

  /// Returns the columns that differ most.
  func columns(_ count: Int) -> [ShareDifference] {
    let (tableOn, modelOn) = (table.onCounts, model.onCounts)
    return largest(
      count,
      of: tableOn.indices.map {
        difference([$0], tableOn[$0], modelOn[$0], comparisonCount: table.columnCount)
      })
  }

  /// Returns the pairs that differ most in how often both are on.
  func pairs(_ count: Int) -> [ShareDifference] {
    guard count > 0, paired.count > 1 else { return [] }
    let tableBits = ColumnBits(table, known: nil, columns: paired)
    let modelBits = ColumnBits(model, known: nil, columns: paired)
    let all = paired.count * (paired.count - 1) / 2
    let parts = Threads.map(count: paired.count - 1) { first in
      largest(
        count,
        of: (first + 1..<paired.count).map { second in
          ShareDifference(
            columns: [paired[first], paired[second]], tableOn: tableBits.bothCount(first, second),
            tableRows: tableBits.rowCount, modelOn: modelBits.bothCount(first, second),
            modelRows: modelBits.rowCount, comparisonCount: all)
        })
    }
    return largest(count, of: parts.flatMap { $0 })
  }

  private func difference(
    _ columns: [Int], _ tableOn: Int, _ modelOn: Int, comparisonCount: Int
  ) -> ShareDifference {
    ShareDifference(
      columns: columns, tableOn: tableOn, tableRows: table.rowCount, modelOn: modelOn,
      modelRows: model.rowCount, comparisonCount: comparisonCount)
  }

  /// The first of equal ones are those of first columns.
  private func largest(_ count: Int, of differences: [ShareDifference]) -> [ShareDifference] {
    Array(
      differences.enumerated().sorted {
        (abs($1.element.z), $0.offset) < (abs($0.element.z), $1.offset)
      }.prefix(count).map(\.element))
  }
}

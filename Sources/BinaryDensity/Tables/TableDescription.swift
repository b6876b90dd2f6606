/// What one wants to see of a table before a density is fitted to it.
///
///     let description = TableDescription(try DataTable.read("table.csv").rows(split: .train))
///     for pair in description.pairs { print(pair.first, pair.second, pair.mutualInformation) }
///
/// Columns and rows count from 0.
public struct TableDescription: Hashable, Sendable {
  /// A column all of whose cells that are there are equal.
  public struct Constant: Hashable, Sendable {
    /// The column.
    public let column: Int
    /// Its only value; nil if all its cells are missing.
    public let value: Bool?
  }

  /// Two columns, and what one tells of the other.
  public struct Pair: Hashable, Sendable {
    /// The column on the left.
    public let first: Int
    /// The column on the right.
    public let second: Int
    /// I = Σ_ab p(a, b) · log (p(a, b) / (p(a) · p(b))) of the frequencies p in rows in which both are there, in nats.
    public let mutualInformation: Double
  }

  /// The number of rows.
  public let rowCount: Int
  /// The number of columns.
  public let columnCount: Int
  /// In how many rows each column is on.
  public let onCounts: [Int]
  /// How many cells of each column are missing.
  public let missingCounts: [Int]
  /// Columns that do not vary.
  public let constants: [Constant]
  /// Groups of columns that are equal in all rows, each ascending; constant ones are left out.
  public let equalColumns: [[Int]]
  /// Groups of columns side by side of which every row has exactly one on: see `ColumnGroups.observed(in:)`.
  public let groups: ColumnGroups?
  /// How many rows equal an earlier one.
  public let duplicateRowCount: Int
  /// The pairs that tell most of each other, first the one that tells most; constant columns are in none.
  public let pairs: [Pair]
  /// How many columns were looked at for pairs: all that vary, or as many as the work allows, evenly spread.
  public let pairedColumnCount: Int
  /// How many rows were counted for pairs: all, or evenly spread ones.
  public let pairedRowCount: Int

  /// Counts all there is.
  ///
  /// - Parameters:
  ///   - rows: the table.
  ///   - pairCount: how many pairs to name.
  /// - Complexity: O(rows · columns + pairs of columns · rows / 64), of which the second is bounded: pairs are those of
  ///   at most 2048 columns in 2²⁰ rows, and of fewer columns in many rows.
  public init(_ rows: BinaryMatrix, pairCount: Int = 10) {
    self.init(rows, known: nil, pairCount: pairCount)
  }

  /// Counts all there is of rows of which cells are missing.
  public init(_ rows: PartialRows, pairCount: Int = 10) {
    self.init(rows.values, known: rows.known, pairCount: pairCount)
  }

  /// Counts all there is of a table that is read from its start to its end, in bounded memory: rows that are more than it
  /// holds wait in a file without a name, in the folder for temporary files.
  ///
  /// - Parameters:
  ///   - table: the table, of which nothing was read.
  ///   - pairCount: how many pairs to name.
  ///   - observe: is told the fraction read, as far as that is known.
  /// - Throws: what reading throws; `DensityError.mismatch` for a table without rows; `.unwritable` where the disk is full.
  public init(
    _ table: TableStream, pairCount: Int = 10,
    observing observe: (_ fraction: Double?) throws(DensityError) -> Void = { _ throws(DensityError) in }
  ) throws(DensityError) {
    let passes = try TablePasses(table, observing: observe)
    guard passes.rowCount > 0 else {
      throw .malformed(
        path: table.path, at: .byte(0), expected: "a row of 0 and 1", found: "the end of the file")
    }
    try self.init(passes, pairCount: pairCount)
  }

  private init(_ rows: BinaryMatrix, known: BinaryMatrix?, pairCount: Int) {
    do throws(DensityError) {
      try self.init(TablePasses(rows, known: known), pairCount: pairCount)
    } catch {
      preconditionFailure("a table in memory cannot be read: \(error)")
    }
  }

  private init(_ passes: TablePasses, pairCount: Int) throws(DensityError) {
    precondition(pairCount >= 0, "there are no \(pairCount) pairs")
    rowCount = passes.rowCount
    columnCount = passes.columnCount
    onCounts = passes.onCounts
    missingCounts =
      passes.knownCounts?.map { passes.rowCount - $0 } ?? Array(repeating: 0, count: passes.columnCount)
    var constants: [Constant] = []
    var varying: [Int] = []
    for column in 0..<passes.columnCount {
      let all = passes.knownCounts?[column] ?? passes.rowCount
      let onCount = passes.onCounts[column]
      if onCount > 0 && onCount < all {
        varying.append(column)
      } else {
        constants.append(Constant(column: column, value: all == 0 ? nil : onCount > 0))
      }
    }
    self.constants = constants
    equalColumns = try passes.equalColumns(among: varying)
    groups = passes.knownCounts == nil ? try ColumnGroups.observed(in: passes) : nil
    duplicateRowCount = try passes.duplicateRowCount()
    let columns = ColumnBits.columns(varying, rowCount: passes.rowCount)
    let bits = try ColumnBits(passes, columns: columns)
    pairs = bits.mostInformativePairs(pairCount)
    pairedColumnCount = columns.count
    pairedRowCount = bits.rowCount
  }
}

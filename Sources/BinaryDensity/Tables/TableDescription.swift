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

  private init(_ rows: BinaryMatrix, known: BinaryMatrix?, pairCount: Int) {
    precondition(pairCount >= 0, "there are no \(pairCount) pairs")
    rowCount = rows.rowCount
    columnCount = rows.columnCount
    let onCounts = rows.onCounts
    let knownCounts = known?.onCounts
    self.onCounts = onCounts
    missingCounts = knownCounts?.map { rows.rowCount - $0 } ?? Array(repeating: 0, count: rows.columnCount)
    var constants: [Constant] = []
    var varying: [Int] = []
    for column in 0..<rows.columnCount {
      let all = knownCounts?[column] ?? rows.rowCount
      if onCounts[column] > 0 && onCounts[column] < all {
        varying.append(column)
      } else {
        constants.append(Constant(column: column, value: all == 0 ? nil : onCounts[column] > 0))
      }
    }
    self.constants = constants
    equalColumns = rows.equalColumns(among: varying, known: known)
    groups = known == nil ? ColumnGroups.observed(in: rows) : nil
    duplicateRowCount = rows.duplicateRowCount(known: known)
    let columns = ColumnBits.columns(varying, rowCount: rows.rowCount)
    let bits = ColumnBits(rows, known: known, columns: columns)
    pairs = bits.mostInformativePairs(pairCount)
    pairedColumnCount = columns.count
    pairedRowCount = bits.rowCount
  }
}

extension BinaryMatrix {
  /// Returns groups of columns that are equal in all rows, by first columns.
  ///
  /// Columns are compared where sums of random numbers, one a row, over their on-bits are equal.
  fileprivate func equalColumns(among columns: [Int], known: BinaryMatrix?) -> [[Int]] {
    var sums = [UInt64](repeating: 0, count: columnCount)
    for row in 0..<rowCount {
      for column in onBits(ofRow: row) { sums[column] &+= Self.mixed(UInt64(row)) }
      if let known {
        for column in known.onBits(ofRow: row) { sums[column] &+= Self.mixed(~UInt64(row)) }
      }
    }
    var groups: [[Int]] = []
    var candidates: [UInt64: [Int]] = [:]
    for column in columns {
      let equal = candidates[sums[column], default: []].first { group in
        let other = groups[group][0]
        return (0..<rowCount).allSatisfy { row in
          self[row, column] == self[row, other] && (known.map { $0[row, column] == $0[row, other] } ?? true)
        }
      }
      if let equal {
        groups[equal].append(column)
      } else {
        candidates[sums[column], default: []].append(groups.count)
        groups.append([column])
      }
    }
    return groups.filter { $0.count > 1 }
  }

  /// Returns how many rows equal an earlier one.
  fileprivate func duplicateRowCount(known: BinaryMatrix?) -> Int {
    let parts = [self] + (known.map { [$0] } ?? [])
    let sums = (0..<rowCount).map { row in
      parts.reduce(UInt64(0)) { sum, part in
        part.words[row * wordsPerRow..<(row + 1) * wordsPerRow].reduce(sum) { Self.mixed($0 ^ $1) }
      }
    }
    let order = sums.indices.sorted { (sums[$0], $0) < (sums[$1], $1) }
    var count = 0
    /// Rows of one sum of which none equals another.
    var different: [Int] = []
    for row in order {
      if let first = different.first, sums[first] != sums[row] { different = [] }
      let isSeen = different.contains { other in
        parts.allSatisfy { part in
          part.words[row * wordsPerRow..<(row + 1) * wordsPerRow]
            == part.words[other * wordsPerRow..<(other + 1) * wordsPerRow]
        }
      }
      if isSeen { count += 1 } else { different.append(row) }
    }
    return count
  }

  /// A number that looks random and is a function of another (the finalizer of SplitMix64).
  private static func mixed(_ number: UInt64) -> UInt64 {
    var z = number &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

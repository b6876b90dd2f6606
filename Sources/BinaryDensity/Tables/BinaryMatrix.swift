/// A table of bits: rows are observations, columns are variables.
///
/// Each row is packed into ⌈columns / 64⌉ words of 64 bits, so an MNIST digit of 784 pixels takes 13 words or
/// 104 bytes. Column c of a row is bit c mod 64 of its word ⌊c / 64⌋.
///
///     var rows = BinaryMatrix([[1, 0, 1], [0, 0, 1]])
///     rows[1, 0] = true
///     print(rows.onBitCount, Array(rows.onBits(ofRow: 0)))  // 4 [0, 2]
///
/// Invariant: the bits of a row's last word beyond its last column are zero, so that words can be compared
/// and counted whole.
public struct BinaryMatrix: Hashable, Sendable {
  /// The number of rows.
  public let rowCount: Int
  /// The number of columns.
  public let columnCount: Int
  /// The packed rows, one after another.
  @usableFromInline package internal(set) var words: [UInt64]

  /// The words of one row.
  @inlinable package var wordsPerRow: Int { (columnCount + 63) / 64 }

  /// Creates a table of zeros.
  public init(rowCount: Int, columnCount: Int) {
    precondition(rowCount >= 0 && columnCount >= 0, "a table cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.words = Array(repeating: 0, count: rowCount * ((columnCount + 63) / 64))
  }

  /// Creates a table from its packed words.
  ///
  /// - Precondition: ⌈columns / 64⌉ words a row, with zeros beyond the last column.
  package init(rowCount: Int, columnCount: Int, words: [UInt64]) {
    precondition(rowCount >= 0 && columnCount >= 0, "a table cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.words = words
    precondition(
      words.count == rowCount * wordsPerRow, "\(words.count) words cannot fill \(rowCount) × \(columnCount)")
    precondition(unusedBitsAreZero, "a bit beyond the last column is set")
  }

  /// Returns a table of ones.
  package static func ones(rowCount: Int, columnCount: Int) -> BinaryMatrix {
    var row = [UInt64](repeating: ~0, count: (columnCount + 63) / 64)
    if columnCount % 64 != 0 { row[row.count - 1] = 1 << UInt64(columnCount % 64) - 1 }
    return BinaryMatrix(
      rowCount: rowCount, columnCount: columnCount,
      words: Array(repeatElement(row, count: rowCount).joined()))
  }

  /// Returns a table of ones of the shape of another.
  package static func ones(like other: BinaryMatrix) -> BinaryMatrix {
    ones(rowCount: other.rowCount, columnCount: other.columnCount)
  }

  /// Creates a table by asking for each bit, row by row.
  public init(rowCount: Int, columnCount: Int, isOn: (_ row: Int, _ column: Int) -> Bool) {
    self.init(rowCount: rowCount, columnCount: columnCount)
    var index = 0
    for row in 0..<rowCount {
      for start in stride(from: 0, to: columnCount, by: 64) {
        var word: UInt64 = 0
        for column in start..<min(start + 64, columnCount) where isOn(row, column) {
          word |= 1 << UInt64(column - start)
        }
        words[index] = word
        index += 1
      }
    }
  }

  /// Creates a table from rows of the same length; no rows make a table of no columns.
  public init(_ rows: [[Bool]]) {
    let columnCount = rows.first?.count ?? 0
    for (index, row) in rows.enumerated() {
      precondition(
        row.count == columnCount, "row \(index) has \(row.count) columns, row 0 has \(columnCount)")
    }
    self.init(rowCount: rows.count, columnCount: columnCount) { rows[$0][$1] }
  }

  /// Creates a table from rows of zeros and ones of the same length.
  public init(_ rows: [[Int]]) {
    self.init(
      rows.map { row in
        row.map { value in
          precondition(value == 0 || value == 1, "\(value) is not a bit")
          return value == 1
        }
      })
  }

  /// Returns all 2ᴰ rows of D variables: column c of row r is bit c of r.
  ///
  /// This is the sample space over which the probabilities of a model sum to 1.
  /// - Precondition: `0 <= columnCount <= 24`.
  /// - Complexity: 8 · 2ᴰ bytes.
  public static func allRows(ofWidth columnCount: Int) -> BinaryMatrix {
    precondition(
      (0...24).contains(columnCount), "2 to the \(columnCount) rows are not enumerated; at most 2²⁴")
    guard columnCount > 0 else { return BinaryMatrix(rowCount: 1, columnCount: 0) }
    return BinaryMatrix(
      rowCount: 1 << columnCount, columnCount: columnCount, words: Array(0..<UInt64(1) << UInt64(columnCount))
    )
  }

  /// The bit at a row and a column.
  public subscript(row: Int, column: Int) -> Bool {
    get {
      checkPosition(row, column)
      return words[row * wordsPerRow + column / 64] >> UInt64(column % 64) & 1 == 1
    }
    set {
      checkPosition(row, column)
      let bit: UInt64 = 1 << UInt64(column % 64)
      if newValue {
        words[row * wordsPerRow + column / 64] |= bit
      } else {
        words[row * wordsPerRow + column / 64] &= ~bit
      }
    }
  }

  /// The bits of one row.
  public subscript(row row: Int) -> [Bool] {
    (0..<columnCount).map { self[row, $0] }
  }

  /// Whether the invariant of this type holds.
  package var unusedBitsAreZero: Bool {
    guard columnCount % 64 != 0 else { return true }
    let unused = ~UInt64(0) << UInt64(columnCount % 64)
    return stride(from: wordsPerRow - 1, to: words.count, by: wordsPerRow).allSatisfy {
      words[$0] & unused == 0
    }
  }

  /// Sets a bit, unchecked in optimised builds.
  mutating func turnOn(_ row: Int, _ column: Int) {
    assert(row >= 0 && row < rowCount && column >= 0 && column < columnCount)
    words[row * wordsPerRow + column / 64] |= 1 << UInt64(column % 64)
  }

  private func checkPosition(_ row: Int, _ column: Int) {
    precondition(
      row >= 0 && row < rowCount && column >= 0 && column < columnCount,
      "(\(row), \(column)) is outside \(rowCount) × \(columnCount)")
  }
}

extension BinaryMatrix: CustomStringConvertible {
  /// The shape, such as `50000 × 784 bits`.
  public var description: String { "\(rowCount) × \(columnCount) bits" }
}

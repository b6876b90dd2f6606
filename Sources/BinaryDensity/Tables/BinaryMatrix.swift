/// A table of bits: rows are observations, columns are variables.
///
/// Each row is packed into ⌈columns / 64⌉ words of 64 bits, so an MNIST digit of 784 pixels takes 13 words or
/// 104 bytes. Column c of a row is bit c mod 64 of its word ⌊c / 64⌋.
///
///     var rows = BinaryMatrix([[1, 0, 1], [0, 0, 1]])
///     rows[1, 0] = true
///     print(rows.onBitCount, Array(rows.onBits(ofRow: 0)))  // 4 [0, 2]
///
/// A large table of few on-bits, read from a file or made of lists, keeps for each row the list of its on-bits instead,
/// where that is smaller: four bytes an on-bit. It is equal to the packed table of the same bits, and gives the same answers; who
/// changes a bit of it packs it.
///
/// Invariant: the bits of a row's last word beyond its last column are zero, so that words can be compared
/// and counted whole.
public struct BinaryMatrix: Sendable {
  /// The number of rows.
  public let rowCount: Int
  /// The number of columns.
  public let columnCount: Int
  /// The packed rows, one after another; none where there are lists.
  @usableFromInline var packedWords: [UInt64]
  /// The rows as lists; nil if they are packed.
  @usableFromInline package private(set) var lists: OnBitLists?

  /// The packed rows, one after another.
  ///
  /// - Complexity: O(1), but O(words) each time where the rows are lists: whoever needs more than one takes them once, or
  ///   a block of them.
  @inlinable package internal(set) var words: [UInt64] {
    _read {
      if let lists {
        yield lists.words(ofRows: 0..<rowCount, wordsPerRow: wordsPerRow)
      } else {
        yield packedWords
      }
    }
    _modify {
      if lists != nil { pack() }
      yield &packedWords
    }
  }

  /// The words of one row.
  @inlinable package var wordsPerRow: Int { (columnCount + 63) / 64 }

  /// Creates a table of zeros.
  public init(rowCount: Int, columnCount: Int) {
    precondition(rowCount >= 0 && columnCount >= 0, "a table cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    packedWords = Array(repeating: 0, count: rowCount * ((columnCount + 63) / 64))
  }

  /// Creates a table from its packed words.
  ///
  /// - Precondition: ⌈columns / 64⌉ words a row, with zeros beyond the last column.
  package init(rowCount: Int, columnCount: Int, words: [UInt64]) {
    precondition(rowCount >= 0 && columnCount >= 0, "a table cannot be \(rowCount) × \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    packedWords = words
    precondition(
      words.count == rowCount * wordsPerRow, "\(words.count) words cannot fill \(rowCount) × \(columnCount)")
    precondition(unusedBitsAreZero, "a bit beyond the last column is set")
  }

  /// Creates a table that keeps lists.
  ///
  /// - Precondition: their columns are below `columnCount`, which is at most 2³¹ − 1.
  /// - Complexity: O(on-bits), for it looks.
  package init(columnCount: Int, lists: OnBitLists) {
    precondition(columnCount <= Int(Int32.max), "rows of \(columnCount) columns are not kept as lists")
    precondition(
      columnCount >= 0 && lists.columns.allSatisfy { $0 < columnCount },
      "a list has a column that is not below \(columnCount)")
    self.rowCount = lists.rowCount
    self.columnCount = columnCount
    self.lists = lists
    packedWords = []
  }

  /// Creates a table from the columns that are on in each row, in any order; one that is named twice is on.
  ///
  /// The rows are kept as lists where that takes less memory than packed words.
  ///
  ///     let baskets = BinaryMatrix(onBits: [[0, 49_999], [17], []], columnCount: 50_000)
  ///
  /// - Precondition: `0 <= column < columnCount` for each of them, and `columnCount` is at most 2³¹ − 1.
  /// - Complexity: O(on-bits · log on-bits of a row).
  public init(onBits rows: some Sequence<some Sequence<Int>>, columnCount: Int) {
    var lists = OnBitLists()
    for row in rows {
      let sorted = row.sorted()
      precondition(
        (sorted.first ?? 0) >= 0 && (sorted.last ?? -1) < columnCount,
        "row \(lists.rowCount) has a column outside 0..<\(columnCount)")
      let distinct = sorted.indices.filter { $0 == 0 || sorted[$0] != sorted[$0 - 1] }
      lists.append(distinct.map { UInt32(sorted[$0]) })
    }
    self.init(columnCount: columnCount, lists: lists)
    if !lists.isSmaller(thanPackedRowsOf: columnCount) { pack() }
  }

  /// Whether the rows are kept as lists of their on-bits.
  package var isListed: Bool { lists != nil }

  // Apart, so that who asks packed rows bit by bit pays a comparison and no more.
  @inline(never) private func isListedOn(_ row: Int, _ column: Int) -> Bool {
    lists?.isOn(row, column) ?? false
  }

  /// Keeps the rows packed from now on.
  @usableFromInline mutating func pack() {
    guard let lists else { return }
    packedWords = lists.words(ofRows: 0..<rowCount, wordsPerRow: wordsPerRow)
    self.lists = nil
  }

  /// Returns the same rows as lists where these take less memory, else as they are.
  ///
  /// - Complexity: O(words).
  func listedWhereSmaller() -> BinaryMatrix {
    guard lists == nil, columnCount <= Int(Int32.max),
      let lists = OnBitLists(smallerThan: packedWords, wordsPerRow: wordsPerRow, rowCount: rowCount)
    else { return self }
    return BinaryMatrix(columnCount: columnCount, lists: lists)
  }

  /// Returns the same rows, packed.
  ///
  /// - Complexity: O(1), or O(words) of lists.
  func packed() -> BinaryMatrix {
    var result = self
    result.pack()
    return result
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
        packedWords[index] = word
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
      if isListed { return isListedOn(row, column) }
      return packedWords[row * wordsPerRow + column / 64] >> UInt64(column % 64) & 1 == 1
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
    var bits = [Bool](repeating: false, count: columnCount)
    for column in onBits(ofRow: row) { bits[column] = true }
    return bits
  }

  /// Whether the invariant of this type holds.
  package var unusedBitsAreZero: Bool {
    guard columnCount % 64 != 0 else { return true }
    let unused = ~UInt64(0) << UInt64(columnCount % 64)
    return stride(from: wordsPerRow - 1, to: packedWords.count, by: wordsPerRow).allSatisfy {
      packedWords[$0] & unused == 0
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

extension BinaryMatrix: Hashable {
  /// Whether two tables have the same shape and bits, however they keep them.
  public static func == (first: BinaryMatrix, second: BinaryMatrix) -> Bool {
    guard first.rowCount == second.rowCount, first.columnCount == second.columnCount else { return false }
    if first.lists == nil && second.lists == nil { return first.packedWords == second.packedWords }
    return (0..<first.rowCount).allSatisfy { first.onBits(ofRow: $0).elementsEqual(second.onBits(ofRow: $0)) }
  }

  /// Hashes the shape and the bits.
  ///
  /// - Complexity: O(words).
  public func hash(into hasher: inout Hasher) {
    hasher.combine(rowCount)
    hasher.combine(columnCount)
    hasher.combine(checksum)
  }
}

extension BinaryMatrix: CustomStringConvertible {
  /// The shape, such as `50000 × 784 bits`.
  public var description: String { "\(rowCount) × \(columnCount) bits" }
}

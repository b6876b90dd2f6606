import Kernels

/// Some columns of a table, each packed along the rows, so that pairs of them are counted 64 rows at a time.
struct ColumnBits {
  /// The number of rows that were packed.
  let rowCount: Int
  private let columns: [Int]
  private let wordsPerColumn: Int
  /// The columns' on-bits, one after another.
  private let values: [UInt64]
  /// Where their cells are there; nil if none is missing.
  private let known: [UInt64]?
  /// In how many rows each column is on.
  private let onCounts: [Int]

  private static let mostColumns = 2048
  private static let mostRows = 1 << 20
  /// The most words of pairs: some seconds' work.
  private static let mostWords = 1 << 31

  /// Returns columns whose pairs are few enough to be counted: all of them, or evenly spread ones.
  static func columns(_ columns: [Int], rowCount: Int) -> [Int] {
    let words = (min(rowCount, mostRows) + 63) / 64
    var count = min(columns.count, mostColumns)
    while count > 2, count * (count - 1) / 2 * words > mostWords { count -= max(1, count / 64) }
    guard count < columns.count else { return columns }
    return (0..<count).map { columns[$0 * columns.count / count] }
  }

  /// Packs columns of a table; of very many rows, evenly spread ones.
  init(_ rows: BinaryMatrix, known: BinaryMatrix?, columns: [Int]) {
    do throws(DensityError) {
      try self.init(TablePasses(rows, known: known), columns: columns)
    } catch {
      preconditionFailure("a table in memory cannot be read: \(error)")
    }
  }

  /// Does the same, block by block.
  ///
  /// - Throws: what reading throws.
  init(_ passes: TablePasses, columns: [Int]) throws(DensityError) {
    let chosen = min(passes.rowCount, Self.mostRows)
    var (values, known) = (Packer(columns, rowCount: chosen), Packer(columns, rowCount: chosen))
    let isPartial = passes.knownCounts != nil
    var next = 0
    try passes.forEachBlock { (firstRow, rows, cells) throws(DensityError) in
      let cells = isPartial ? cells ?? .ones(like: rows) : nil
      while next < chosen {
        let row = next * passes.rowCount / chosen - firstRow
        guard row < rows.rowCount else { break }
        values.add(rows, row)
        if let cells { known.add(cells, row) }
        next += 1
      }
    }
    self.columns = columns
    rowCount = chosen
    wordsPerColumn = (chosen + 63) / 64
    let (packed, length) = (values.packed, wordsPerColumn)
    self.values = packed
    onCounts = columns.indices.map { Self.count(packed, $0, packed, $0, length: length) }
    self.known = isPartial ? known.packed : nil
  }

  /// Packs columns along rows that come one after another.
  private struct Packer {
    private let length: Int
    private let columns: [Int]
    /// The columns' places by the word that holds them, so that each 64 × 64 bits are turned once.
    private let byWord: [(key: Int, value: [Int])]
    private var words: [UInt64]
    /// The rows since the last 64: for each word that is wanted, its 64.
    private var pending: [UInt64]
    private var rowCount = 0

    init(_ columns: [Int], rowCount: Int) {
      self.columns = columns
      length = (rowCount + 63) / 64
      words = Array(repeating: 0, count: columns.count * length)
      byWord = Dictionary(grouping: columns.indices) { columns[$0] / 64 }.sorted { $0.key < $1.key }
      pending = Array(repeating: 0, count: 64 * byWord.count)
    }

    mutating func add(_ rows: BinaryMatrix, _ row: Int) {
      for (index, word) in byWord.enumerated() {
        pending[64 * index + rowCount % 64] = rows.words[row * rows.wordsPerRow + word.key]
      }
      rowCount += 1
      if rowCount % 64 == 0 { turn(part: rowCount / 64 - 1) }
    }

    private mutating func turn(part: Int) {
      for (index, word) in byWord.enumerated() {
        var block = Array(pending[64 * index..<64 * index + 64])
        ColumnBits.transpose(&block)
        for place in word.value { words[place * length + part] = block[columns[place] % 64] }
      }
      pending.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    /// The columns' bits, one after another.
    var packed: [UInt64] {
      mutating get {
        if rowCount % 64 != 0 { turn(part: rowCount / 64) }
        return words
      }
    }
  }

  /// Turns 64 × 64 bits: bit c of word r becomes bit r of word c.
  ///
  /// - Source: H. S. Warren, Hacker's Delight, section 7-3.
  fileprivate static func transpose(_ block: inout [UInt64]) {
    block.withUnsafeMutableBufferPointer { block in
      var width = 32
      var mask: UInt64 = 0x0000_0000_FFFF_FFFF
      while width != 0 {
        var row = 0
        while row < 64 {
          let swapped = (block[row] >> UInt64(width) ^ block[row + width]) & mask
          block[row] ^= swapped << UInt64(width)
          block[row + width] ^= swapped
          row = (row + width + 1) & ~width
        }
        width >>= 1
        mask ^= mask << UInt64(width)
      }
    }
  }

  /// Returns the pairs of most mutual information, first the one of most; of equal ones those of first columns.
  func mostInformativePairs(_ count: Int) -> [TableDescription.Pair] {
    guard count > 0, columns.count > 1 else { return [] }
    let parts = Threads.map(count: columns.count - 1) { first in
      best(count, of: (first + 1..<columns.count).map { pair(first, $0) })
    }
    return best(count, of: parts.flatMap { $0 })
  }

  private func best(_ count: Int, of pairs: [TableDescription.Pair]) -> [TableDescription.Pair] {
    Array(
      pairs.sorted {
        ($1.mutualInformation, $0.first, $0.second) < ($0.mutualInformation, $1.first, $1.second)
      }.prefix(count))
  }

  private func pair(_ first: Int, _ second: Int) -> TableDescription.Pair {
    let both = Self.count(values, first, values, second, length: wordsPerColumn)
    let (a, b, all): (Int, Int, Int)
    if let known {
      a = Self.count(values, first, known, second, length: wordsPerColumn)
      b = Self.count(known, first, values, second, length: wordsPerColumn)
      all = Self.count(known, first, known, second, length: wordsPerColumn)
    } else {
      (a, b, all) = (onCounts[first], onCounts[second], rowCount)
    }
    return TableDescription.Pair(
      first: columns[first], second: columns[second],
      mutualInformation: BitPairTable(
        both: Double(both), first: Double(a), second: Double(b), total: Double(all)
      ).mutualInformation)
  }

  /// Returns in how many rows a column, by its place among those that were packed, is on together with each of others.
  func bothCounts(of first: Int, with others: [Int]) -> [Int] {
    others.map { Self.count(values, first, values, $0, length: wordsPerColumn) }
  }

  /// Returns in how many rows the columns at two places are both on.
  func bothCount(_ first: Int, _ second: Int) -> Int {
    Self.count(values, first, values, second, length: wordsPerColumn)
  }

  /// Returns in how many rows a column of each of two tables is on.
  private static func count(
    _ a: [UInt64], _ i: Int, _ b: [UInt64], _ j: Int, length: Int
  ) -> Int {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress.map({ $0 + i * length }), let b = b.baseAddress.map({ $0 + j * length })
        else { return 0 }
        var count = 0
        for word in 0..<length { count &+= (a[word] & b[word]).nonzeroBitCount }
        return count
      }
    }
  }
}

/// Rows of bits, column after column, as walks take them: the values of one variable lie side by side.
struct BitColumns: Sendable {
  let rowCount: Int
  let columnCount: Int
  /// Column i's values at i · rowCount ..< (i + 1) · rowCount.
  private(set) var bits: [Bool]

  /// Creates rows of zeros.
  init(rowCount: Int, columnCount: Int) {
    self.rowCount = rowCount
    self.columnCount = columnCount
    bits = Array(repeating: false, count: rowCount * columnCount)
  }

  /// Takes some rows of a table.
  init(_ table: BinaryMatrix, rows: [Int]) {
    self.init(rowCount: rows.count, columnCount: table.columnCount)
    if table.isListed {
      for (place, row) in rows.enumerated() {
        for column in table.onBits(ofRow: row) { bits[column * rows.count + place] = true }
      }
      return
    }
    let (words, width) = (table.packedWords, table.wordsPerRow)
    var target = bits.mutableSpan
    for column in 0..<table.columnCount {
      let (word, shift) = (column / 64, UInt64(column % 64))
      let base = column * rows.count
      for index in rows.indices {
        target[base + index] = words[rows[index] * width + word] >> shift & 1 == 1
      }
    }
  }

  /// Copies one column's values of some rows.
  func copy(column: Int, members: [Int], into values: inout MutableSpan<Bool>) {
    let (source, base) = (bits.span, column * rowCount)
    if members.count == rowCount {
      for row in 0..<rowCount { values[row] = source[base + row] }
    } else {
      for index in members.indices { values[index] = source[base + members[index]] }
    }
  }

  /// Sets one column's values of some rows.
  mutating func set(column: Int, members: [Int], to values: Span<Bool>) {
    let base = column * rowCount
    var target = bits.mutableSpan
    for index in members.indices { target[base + members[index]] = values[index] }
  }

  /// The rows packed as in a `BinaryMatrix`, one after another.
  func packed() -> [UInt64] {
    let width = (columnCount + 63) / 64
    // The rows' words of one place side by side, so that the inner loop goes through neighbours.
    var words = [UInt64](repeating: 0, count: rowCount * width)
    var plane = [UInt64](repeating: 0, count: rowCount)
    let source = bits.span
    for word in 0..<width {
      for row in plane.indices { plane[row] = 0 }
      for column in word * 64..<min(word * 64 + 64, columnCount) {
        let (base, shift) = (column * rowCount, UInt64(column % 64))
        for row in plane.indices { plane[row] |= (source[base + row] ? 1 : 0) << shift }
      }
      for row in plane.indices { words[row * width + word] = plane[row] }
    }
    return words
  }
}

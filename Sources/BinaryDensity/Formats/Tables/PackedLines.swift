/// Rows of a text that are packed as they are read.
struct PackedLines {
  private let columnCount: Int
  private let wordsPerRow: Int
  private(set) var rowCount = 0
  private var words: [UInt64] = []
  /// Nil while no cell is missing.
  private var known: [UInt64]?

  init(columnCount: Int) {
    self.columnCount = columnCount
    wordsPerRow = (columnCount + 63) / 64
  }

  /// Returns the rows and starts anew.
  mutating func takeBlock() -> TableBlock {
    var block = TableBlock(columnCount: columnCount)
    (block.rowCount, block.words, block.known) = (rowCount, words, known)
    let capacity = words.count
    words = []
    words.reserveCapacity(capacity)
    (rowCount, known) = (0, nil)
    return block
  }

  /// Appends a row of zeros that are all known.
  mutating func appendEmpty() {
    for _ in 0..<wordsPerRow { words.append(0) }
    rowCount += 1
    if known != nil { appendKnown(rowCount: 1) }
  }

  /// Appends a row of missing cells.
  mutating func appendMissing() {
    appendEmpty()
    for column in 0..<columnCount { setLastMissing(column) }
  }

  /// Turns a cell of the last row on.
  @inline(__always)
  mutating func setLast(_ column: Int) {
    words[words.count - wordsPerRow + column >> 6] |= 1 << UInt64(column & 63)
  }

  /// Turns a cell of the last row into a missing one.
  mutating func setLastMissing(_ column: Int) {
    if known == nil {
      known = []
      appendKnown(rowCount: rowCount)
    }
    known?[words.count - wordsPerRow + column >> 6] &= ~(1 << UInt64(column & 63))
  }

  /// Appends rows that a body reads into words that are zero; it may use fewer.
  mutating func append(
    upTo count: Int, _ body: (UnsafeMutablePointer<UInt64>) -> (rowCount: Int, byteCount: Int)
  ) -> (byteCount: Int, lineCount: Int) {
    let first = words.count
    words.append(contentsOf: repeatElement(0, count: count * wordsPerRow))
    let read = words.withUnsafeMutableBufferPointer { words in
      words.baseAddress.map { body($0 + first) } ?? (rowCount: 0, byteCount: 0)
    }
    words.removeLast((count - read.rowCount) * wordsPerRow)
    rowCount += read.rowCount
    if known != nil { appendKnown(rowCount: read.rowCount) }
    return (read.byteCount, read.rowCount)
  }

  private mutating func appendKnown(rowCount: Int) {
    let used = columnCount % 64
    for _ in 0..<rowCount {
      for _ in 1..<wordsPerRow { known?.append(~0) }
      known?.append(used == 0 ? ~0 : 1 << UInt64(used) - 1)
    }
  }
}

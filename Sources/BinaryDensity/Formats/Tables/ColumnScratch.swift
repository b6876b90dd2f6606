/// A table that comes column by column and goes row by row, packed all the time.
///
/// It is kept in bands of 4096 rows; in a band lie its columns one after another, 64 words each. A band is transposed as
/// it goes, and its memory given back, so that the table is never there twice.
final class ColumnScratch {
  let rowCount: Int
  let columnCount: Int
  private var bits: ScratchMemory
  /// Which cells are missing; nil while none is.
  private var missing: ScratchMemory?
  /// The cells as bytes, once they are grey levels.
  private(set) var levels: ScratchMemory?

  private static let wordsPerBand = 64
  private var wordCount: Int { (rowCount + 63) / 64 }

  /// - Throws: `unreadable` for a table that no memory can hold.
  init(rowCount: Int, columnCount: Int, path: String) throws(DensityError) {
    (self.rowCount, self.columnCount) = (rowCount, columnCount)
    bits = try Self.memory(rowCount, columnCount, path)
    self.path = path
  }

  private let path: String

  private static func memory(
    _ rowCount: Int, _ columnCount: Int, _ path: String
  ) throws(DensityError) -> ScratchMemory {
    guard let count = checkedProduct(of: [(rowCount + 63) / 64, columnCount, 8]),
      count <= ScratchMemory.physicalMemory, let memory = ScratchMemory(byteCount: count)
    else {
      throw .unreadable(
        path: path, reason: "a table of \(rowCount) × \(columnCount) bits does not fit this machine's memory")
    }
    return memory
  }

  /// Where the word of some row of a column lies: `word` counts the column's words.
  private func place(_ word: Int, _ column: Int) -> Int {
    let band = word / Self.wordsPerBand
    return band * Self.wordsPerBand * columnCount + column * wordsInBand(band) + word % Self.wordsPerBand
  }

  private func wordsInBand(_ band: Int) -> Int {
    min(Self.wordsPerBand, wordCount - band * Self.wordsPerBand)
  }

  /// Sets the cells of rows 64 · `word` … of a column.
  func set(_ cells: Cells, word: Int, column: Int) throws(DensityError) {
    bits.words(UInt64.self)[place(word, column)] = cells.on
    if cells.missing != 0 { try missingWords()[place(word, column)] = cells.missing }
  }

  /// Whether a cell is on.
  func isOn(_ row: Int, _ column: Int) -> Bool {
    bits.words(UInt64.self)[place(row / 64, column)] >> UInt64(row % 64) & 1 == 1
  }

  /// Turns a cell on.
  func turnOn(_ row: Int, _ column: Int) {
    bits.words(UInt64.self)[place(row / 64, column)] |= 1 << UInt64(row % 64)
  }

  /// Says that a cell is missing.
  func setMissing(_ row: Int, _ column: Int) throws(DensityError) {
    try missingWords()[place(row / 64, column)] |= 1 << UInt64(row % 64)
  }

  private func missingWords() throws(DensityError) -> UnsafeMutablePointer<UInt64> {
    if let missing { return missing.words(UInt64.self) }
    let memory = try Self.memory(rowCount, columnCount, path)
    missing = memory
    return memory.words(UInt64.self)
  }

  // MARK: Grey levels

  /// Makes bytes of the bits so far, and takes bytes from now on.
  func makeLevels() throws(DensityError) {
    guard let memory = ScratchMemory(byteCount: rowCount * columnCount) else {
      throw .unreadable(path: path, reason: "\(rowCount) × \(columnCount) grey levels do not fit the memory")
    }
    levels = memory
    for column in 0..<columnCount {
      for word in 0..<wordCount {
        var rest = bits.words(UInt64.self)[place(word, column)]
        while rest != 0 {
          set(level: 1, 64 * word + rest.trailingZeroBitCount, column)
          rest &= rest - 1
        }
      }
    }
    bits.release(before: .max)
  }

  /// Sets a grey level.
  ///
  /// - Precondition: bytes are taken.
  func set(level: UInt8, _ row: Int, _ column: Int) {
    levels?.words(UInt8.self)[levelPlace(row, column)] = level
  }

  private func levelPlace(_ row: Int, _ column: Int) -> Int {
    let band = row / 4096 * 4096
    return band * columnCount + column * min(4096, rowCount - band) + row - band
  }

  // MARK: Rows

  /// Hands over the rows in blocks, once.
  ///
  /// - Parameter tell: is told how many rows are done, before each block.
  func forEachBlock(
    of length: Int, tell: (Int) -> Void, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var builder = BlockBuilder(columnCount: columnCount, length: length)
    var rowsDone = 0
    func handOver(_ block: TableBlock) throws(DensityError) -> Bool {
      rowsDone += block.rowCount
      tell(rowsDone)
      return try body(block)
    }
    if let levels {
      for row in 0..<rowCount {
        if row % 4096 == 0 { levels.release(before: row * columnCount) }
        let bytes = levels.words(UInt8.self)
        let level = (0..<columnCount).lazy.map { bytes[self.levelPlace(row, $0)] }
        guard try builder.add(levels: level, handOver) else { return false }
      }
      return try builder.finish(handOver)
    }
    let wordsPerRow = builder.block.wordsPerRow
    var rows = [UInt64](repeating: 0, count: 64 * wordsPerRow)
    var missingRows: [UInt64]?
    for word in 0..<wordCount {
      if word % Self.wordsPerBand == 0 {
        bits.release(before: 8 * word * columnCount)
        missing?.release(before: 8 * word * columnCount)
      }
      if let missing {
        transpose(word, of: missing, into: &rows)
        missingRows = rows
      }
      transpose(word, of: bits, into: &rows)
      for row in 0..<min(64, rowCount - 64 * word) {
        let range = row * wordsPerRow..<(row + 1) * wordsPerRow
        guard try builder.add(row: rows[range], missing: missingRows?[range], handOver) else { return false }
      }
    }
    return try builder.finish(handOver)
  }

  /// Writes 64 rows of packed words.
  private func transpose(_ word: Int, of memory: ScratchMemory, into rows: inout [UInt64]) {
    let wordsPerRow = rows.count / 64
    let words = memory.words(UInt64.self)
    let stride = wordsInBand(word / Self.wordsPerBand)
    var square = [UInt64](repeating: 0, count: 64)
    for group in 0..<wordsPerRow {
      let first = place(word, 64 * group)
      for column in 0..<64 {
        square[column] = 64 * group + column < columnCount ? words[first + column * stride] : 0
      }
      transposeBits(&square)
      for row in 0..<64 { rows[row * wordsPerRow + group] = square[row] }
    }
  }
}

/// Transposes 64 words of 64 bits: bit c of word r becomes bit r of word c.
///
/// - Source: H. S. Warren, Hacker's Delight, 2nd edition, section 7–3: ever smaller blocks are exchanged.
func transposeBits(_ words: inout [UInt64]) {
  var width = 32
  var low: UInt64 = 0xFFFF_FFFF
  while width > 0 {
    for row in 0..<64 where row & width == 0 {
      let exchanged = (words[row] >> UInt64(width) ^ words[row + width]) & low
      words[row] ^= exchanged << UInt64(width)
      words[row + width] ^= exchanged
    }
    width /= 2
    low ^= low << UInt64(width)
  }
}

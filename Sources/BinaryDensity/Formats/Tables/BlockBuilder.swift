extension TableBlock {
  /// Adds words with the cells that are missing among them; they continue the rows.
  mutating func append(_ on: UInt64, missing: UInt64 = 0, count: Int) {
    if missing != 0, known == nil { known = allKnown }
    words.append(on)
    known?.append(mask(count) & ~missing)
  }

  /// The words that say of every cell so far that it is known.
  private var allKnown: [UInt64] {
    let last = mask((columnCount - 1) % 64 + 1)
    return words.indices.map { $0 % wordsPerRow == wordsPerRow - 1 ? last : ~0 }
  }

  /// Makes grey levels 0 and 1 of the bits so far.
  ///
  /// - Parameter columns: how many cells the last row has, if it is not complete.
  mutating func makeLevels(columns: Int) {
    var levels: [UInt8] = []
    for row in 0...rowCount {
      for column in 0..<(row < rowCount ? columnCount : columns) {
        levels.append(UInt8(words[row * wordsPerRow + column / 64] >> UInt64(column % 64) & 1))
      }
    }
    (self.levels, words) = (levels, [])
  }

  /// Forgets the rows, and keeps their memory.
  mutating func removeAll() {
    rowCount = 0
    words.removeAll(keepingCapacity: true)
    levels?.removeAll(keepingCapacity: true)
    known = nil
  }
}

/// Cuts rows that come in any pieces into blocks of one length.
struct BlockBuilder {
  private(set) var block: TableBlock
  private let length: Int

  init(columnCount: Int, length: Int) {
    block = TableBlock(columnCount: columnCount)
    self.length = length
  }

  /// Adds some rows of packed words, and hands over the block if it is full.
  ///
  /// - Parameter missing: as many words, nil if nothing is missing.
  /// - Returns: what `body` says.
  mutating func add(
    row: ArraySlice<UInt64>, missing: ArraySlice<UInt64>?,
    _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    for (index, word) in row.enumerated() {
      block.append(
        word, missing: missing.map { $0[$0.startIndex + index] } ?? 0,
        count: min(64, block.columnCount - 64 * index))
    }
    return try endRow(body)
  }

  /// Adds a row of grey levels.
  mutating func add(
    levels: some Sequence<UInt8>, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    if block.levels == nil { block.levels = [] }
    block.levels?.append(contentsOf: levels)
    return try endRow(body)
  }

  /// Hands over what remains.
  mutating func finish(_ body: (TableBlock) throws(DensityError) -> Bool) throws(DensityError) -> Bool {
    guard block.rowCount > 0 else { return true }
    defer { block.removeAll() }
    return try body(block)
  }

  private mutating func endRow(
    _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    block.rowCount += 1
    return block.rowCount < length ? true : try finish(body)
  }
}

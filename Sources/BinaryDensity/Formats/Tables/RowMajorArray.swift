/// An array whose rows lie one after another.
final class RowMajorArray: TableReader {
  let layout: TableLayout
  private let array: ArrayFile
  /// How many rows were passed over.
  private var skippedCount = 0

  init(_ array: ArrayFile, layout: TableLayout) {
    (self.array, self.layout) = (array, layout)
  }

  func skip(rows count: Int) throws(DensityError) -> Bool {
    try array.source.skip(count * array.shape.columnCount * array.type.size)
    skippedCount = count
    return true
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let size = array.type.size
    var packer = RowPacker(array, length: length)
    packer.row = skippedCount
    while packer.row < array.shape.rowCount {
      let wanted = min(array.shape.columnCount - packer.column, 64) * size
      let count = try array.source.takeAvailable(atLeast: wanted) { (bytes) throws(DensityError) in
        try packer.pack(bytes)
      }
      guard count > 0 else { throw array.endsEarly }
      let isLast = packer.row == array.shape.rowCount
      guard isLast || packer.block.rowCount == length else { continue }
      if isLast { try array.source.expectEnd() }
      array.tell(rowsDone: packer.row)
      guard try body(packer.block) else { return false }
      packer.block.removeAll()
    }
    return true
  }
}

/// Packs numbers into the rows of a block.
private struct RowPacker {
  let array: ArrayFile
  let length: Int
  let pack: CellPacker
  var block: TableBlock
  var row = 0
  /// The next column: the first of a word.
  var column = 0

  init(_ array: ArrayFile, length: Int) {
    self.array = array
    self.length = length
    pack = array.type.packer(array.rule, array.order)
    block = TableBlock(columnCount: array.shape.columnCount)
    // Rows of a few thousand columns are many; wider ones make room as they come.
    if block.wordsPerRow < 64 {
      block.words.reserveCapacity(min(length, array.shape.rowCount) * block.wordsPerRow)
    }
  }

  /// Packs as many whole words and rows as the bytes hold, up to the end of the block, and returns how many bytes
  /// these are.
  mutating func pack(_ bytes: UnsafeRawBufferPointer) throws(DensityError) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    if block.levels != nil { return takeLevels(bytes) }
    let size = array.type.size
    let available = bytes.count / size
    let rowCount = array.shape.rowCount
    let columnCount = array.shape.columnCount
    var used = 0
    while block.rowCount < length, row < rowCount {
      let count = min(64, columnCount - column)
      guard used + count <= available else { break }
      let cells = pack(base + used * size, count)
      if cells.strange != 0 {
        guard array.allowsGrey else {
          let index = cells.strange.trailingZeroBitCount
          let place = (used + index) * size
          throw array.refusal(
            UnsafeRawBufferPointer(rebasing: bytes[place...]), row: row, column: column + index)
        }
        block.makeLevels(columns: column)
        return used + takeLevels(UnsafeRawBufferPointer(rebasing: bytes[used...]))
      }
      block.append(cells.on, missing: cells.missing, count: count)
      used += count
      column += count
      if column == columnCount { endRow() }
    }
    return used * size
  }

  /// Takes bytes for grey levels; all blocks from now on hold them.
  private mutating func takeLevels(_ bytes: UnsafeRawBufferPointer) -> Int {
    let columnCount = array.shape.columnCount
    var used = 0
    while used < bytes.count, block.rowCount < length, row < array.shape.rowCount {
      let count = min(columnCount - column, bytes.count - used)
      block.levels?.append(contentsOf: bytes[used..<used + count])
      used += count
      column += count
      if column == columnCount { endRow() }
    }
    return used
  }

  private mutating func endRow() {
    column = 0
    row += 1
    block.rowCount += 1
  }
}

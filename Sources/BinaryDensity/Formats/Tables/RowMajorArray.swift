/// An array whose rows lie one after another.
///
/// Whether its bytes are grey levels is known before any row is handed over: what a row means does not depend on the place of
/// the first byte above 1.
final class RowMajorArray: TableReader {
  let layout: TableLayout
  private let array: ArrayFile
  /// How many rows were passed over.
  private var skippedCount = 0
  /// Whether the bytes are grey levels; nil while none above 1 was met and others are to come.
  private var isGrey: Bool?

  init(_ array: ArrayFile, layout: TableLayout) {
    (self.array, self.layout) = (array, layout)
    isGrey = array.allowsGrey ? nil : false
  }

  func skip(rows count: Int) throws(DensityError) -> Bool {
    try lookForLevels()
    var rest = count * array.shape.columnCount * array.type.size
    while isGrey == nil, rest > 0 {
      var isLevel = false
      let taken = try array.source.takeAvailable { (bytes) throws(DensityError) in
        let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(rest))
        isLevel = holdsLevel(part)
        return part.count
      }
      guard taken > 0 else { break }
      if isLevel { isGrey = true }
      rest -= taken
    }
    try array.source.skip(rest)
    skippedCount = count
    return true
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    try lookForLevels()
    let size = array.type.size
    var packer = RowPacker(array, length: length)
    packer.row = skippedCount
    if isGrey == true { packer.block.levels = [] }
    // Bits that are levels 0 and 1 if a level follows.
    var waiting = isGrey == nil ? HeldRows(columnCount: array.shape.columnCount) : nil
    while packer.row < array.shape.rowCount {
      let wanted = min(array.shape.columnCount - packer.column, 64) * size
      let count = try array.source.takeAvailable(atLeast: wanted) { (bytes) throws(DensityError) in
        try packer.pack(bytes)
      }
      guard count > 0 else { throw array.endsEarly }
      let isLast = packer.row == array.shape.rowCount
      guard isLast || packer.block.rowCount == length else { continue }
      if isLast { try array.source.expectEnd() }
      let isLevels = packer.block.levels != nil
      if waiting != nil, !isLevels, !isLast {
        try waiting?.add(BinaryMatrix(packer.block), known: nil)
        packer.block.removeAll()
        continue
      }
      if let held = waiting {
        waiting = nil
        guard try handOver(held, asLevels: isLevels, body) else { return false }
      }
      array.tell(rowsDone: packer.row)
      guard try body(packer.block) else { return false }
      packer.block.removeAll()
    }
    return true
  }

  /// Looks for a byte above 1 in the rest of a file that can be read twice.
  private func lookForLevels() throws(DensityError) {
    guard isGrey == nil else { return }
    var isLevel = false
    let rest = (array.shape.rowCount - skippedCount) * array.shape.columnCount
    let wasThere = try array.source.look(atNext: rest) { bytes in
      isLevel = holdsLevel(bytes)
      return !isLevel
    }
    if wasThere { isGrey = isLevel }
  }

  /// Hands over the rows that waited, while it is said to go on.
  private func handOver(
    _ held: HeldRows, asLevels: Bool, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var goesOn = true
    var row = skippedCount
    try held.forEachBlock { (rows, _) throws(DensityError) in
      guard goesOn else { return }
      var block = TableBlock(columnCount: rows.columnCount)
      (block.rowCount, block.words) = (rows.rowCount, rows.words)
      if asLevels { block.makeLevels(columns: 0) }
      row += rows.rowCount
      array.tell(rowsDone: row)
      goesOn = try body(block)
    }
    return goesOn
  }
}

extension BinaryMatrix {
  /// The bits of a block.
  fileprivate init(_ block: TableBlock) {
    self.init(rowCount: block.rowCount, columnCount: block.columnCount, words: block.words)
  }
}

/// Whether one of some bytes is above 1.
private func holdsLevel(_ bytes: UnsafeRawBufferPointer) -> Bool {
  guard let base = bytes.baseAddress else { return false }
  let wordCount = bytes.count / 8
  var seen: UInt64 = 0
  for word in 0..<wordCount { seen |= base.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self) }
  for place in 8 * wordCount..<bytes.count {
    seen |= UInt64(base.load(fromByteOffset: place, as: UInt8.self))
  }
  return seen & 0xFEFE_FEFE_FEFE_FEFE != 0
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

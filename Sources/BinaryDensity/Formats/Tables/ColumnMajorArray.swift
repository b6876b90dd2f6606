/// An array in Fortran's order: its columns lie one after another.
final class ColumnMajorArray: TableReader {
  let layout: TableLayout
  private let array: ArrayFile

  init(_ array: ArrayFile, layout: TableLayout) {
    (self.array, self.layout) = (array, layout)
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let scratch = try ColumnScratch(
      rowCount: array.shape.rowCount, columnCount: array.shape.columnCount, path: array.source.path)
    var packer = ColumnPacker(array, scratch)
    let size = array.type.size
    while packer.column < array.shape.columnCount {
      let wanted = min(array.shape.rowCount - packer.row, 64) * size
      let count = try array.source.takeAvailable(atLeast: wanted) { (bytes) throws(DensityError) in
        try packer.pack(bytes)
      }
      guard count > 0 else { throw array.endsEarly }
    }
    try array.source.expectEnd()
    return try scratch.forEachBlock(of: length, tell: { array.tell(rowsDone: $0) }, body)
  }
}

/// Packs numbers into the columns of a table.
private struct ColumnPacker {
  let array: ArrayFile
  let scratch: ColumnScratch
  let pack: CellPacker
  /// The columns of the file that are done.
  var column = 0
  /// The next row: the first of a word, but for grey levels.
  var row = 0

  init(_ array: ArrayFile, _ scratch: ColumnScratch) {
    (self.array, self.scratch) = (array, scratch)
    pack = array.type.packer(array.rule, array.order)
  }

  /// Packs as many whole words as the bytes hold, and returns how many bytes these are.
  mutating func pack(_ bytes: UnsafeRawBufferPointer) throws(DensityError) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    if scratch.levels != nil { return takeLevels(bytes) }
    let size = array.type.size
    let (rowCount, columnCount) = (array.shape.rowCount, array.shape.columnCount)
    var used = 0
    while column < columnCount {
      let count = min(64, rowCount - row)
      guard (used + count) * size <= bytes.count else { break }
      let cells = pack(base + used * size, count)
      let target = array.shape.column(ofFortran: column)
      if cells.strange != 0 {
        guard array.allowsGrey else {
          let index = cells.strange.trailingZeroBitCount
          throw array.refusal(
            UnsafeRawBufferPointer(rebasing: bytes[((used + index) * size)...]), row: row + index,
            column: target)
        }
        try scratch.makeLevels()
        return used + takeLevels(UnsafeRawBufferPointer(rebasing: bytes[used...]))
      }
      try scratch.set(cells, word: row / 64, column: target)
      used += count
      row += count
      if row == rowCount { (row, column) = (0, column + 1) }
    }
    return used * size
  }

  private mutating func takeLevels(_ bytes: UnsafeRawBufferPointer) -> Int {
    var used = 0
    while used < bytes.count, column < array.shape.columnCount {
      let target = array.shape.column(ofFortran: column)
      let count = min(array.shape.rowCount - row, bytes.count - used)
      for index in 0..<count { scratch.set(level: bytes[used + index], row + index, target) }
      used += count
      row += count
      if row == array.shape.rowCount { (row, column) = (0, column + 1) }
    }
    return used
  }
}

/// A table that was read whole.
final class WholeTable: TableReader {
  let layout: TableLayout
  private let contents: DataTable.Contents

  init(_ contents: DataTable.Contents, imageShape: ImageShape?, dialect: String) {
    self.contents = contents
    let columnCount =
      switch contents {
      case .bits(let bits): bits.columnCount
      case .partial(let rows): rows.columnCount
      case .greyLevels(let grey): grey.columnCount
      }
    layout = TableLayout(columnCount: columnCount, imageShape: imageShape, dialect: dialect)
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var block = TableBlock(columnCount: layout.columnCount)
    switch contents {
    case .bits(let bits):
      (block.rowCount, block.words) = (bits.rowCount, bits.words)
    case .partial(let rows):
      (block.rowCount, block.words, block.known) = (rows.rowCount, rows.values.words, rows.known.words)
    case .greyLevels(let grey):
      (block.rowCount, block.levels) = (grey.rowCount, grey.levels)
    }
    return try body(block)
  }
}

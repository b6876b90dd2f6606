/// A table of which some columns are read, in an order of their own.
final class SelectedColumns: TableReader {
  /// How the file is taken may be known better as it is read.
  var layout: TableLayout {
    var layout = selection
    layout.dialect = base.layout.dialect
    return layout
  }
  private let selection: TableLayout
  private let base: any TableReader
  private let columns: [Int]

  /// - Parameters:
  ///   - columns: columns of the base, in the order they are wanted; none twice.
  ///   - isReordered: whether their names say so.
  init(_ base: any TableReader, columns: [Int], isReordered: Bool = false) {
    self.base = base
    self.columns = columns
    var layout = base.layout
    let names = layout.columnNames
    let kept = Set(columns)
    layout.columnCount = columns.count
    layout.columnNames = names.map { names in columns.map { names[$0] } }
    layout.leftOut += (0..<base.layout.columnCount).filter { !kept.contains($0) }
      .map { names?[$0] ?? "\($0 + 1)" }
    layout.isReordered = isReordered || layout.isReordered
    if columns != Array(0..<base.layout.columnCount) { layout.imageShape = nil }
    selection = layout
  }

  func skip(rows count: Int) throws(DensityError) -> Bool { try base.skip(rows: count) }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    try base.forEachBlock(of: length) { (block) throws(DensityError) in try body(selecting(block)) }
  }

  private func selecting(_ block: TableBlock) -> TableBlock {
    var result = TableBlock(columnCount: columns.count)
    result.rowCount = block.rowCount
    if let levels = block.levels {
      result.levels = (0..<block.rowCount).flatMap { row in
        columns.map { levels[row * block.columnCount + $0] }
      }
      return result
    }
    result.words = selecting(block.words, of: block)
    result.known = block.known.map { selecting($0, of: block) }
    result.texts = block.texts?.map { row in
      TableText.Row(bytes: row.bytes, cells: columns.map { row.cells[$0] })
    }
    return result
  }

  private func selecting(_ words: [UInt64], of block: TableBlock) -> [UInt64] {
    BinaryMatrix(rowCount: block.rowCount, columnCount: block.columnCount, words: words)
      .selecting(columns: columns).words
  }
}

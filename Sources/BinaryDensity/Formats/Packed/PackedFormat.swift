/// What `density pack` writes.
struct PackedFormat: TableFormat {
  let name = "packed"
  let summary = "rows packed by density pack, each block with a check of its own"
  let hasWords = false

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    start.dropFirst(8).first == UInt8(ascii: "{")
      && String(decoding: start.dropFirst(8), as: UTF8.self).contains("\"\(PackedFile.formatWords)")
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    let file = try PackedFile(source.randomAccess(to: "a packed table"))
    return try PackedReader(file, source, skipsDamaged: options.skipsDamaged).selecting(options)
  }
}

/// Reads a packed file from its start to its end.
private final class PackedReader: TableReader {
  private(set) var layout: TableLayout
  private let file: PackedFile
  private let source: ByteSource
  private let skipsDamaged: Bool
  private var firstRow = 0

  init(_ file: PackedFile, _ source: ByteSource, skipsDamaged: Bool) {
    (self.file, self.source, self.skipsDamaged) = (file, source, skipsDamaged)
    layout = TableLayout(
      columnCount: file.columnCount, rowCount: file.rowCount, columnNames: file.columnNames,
      imageShape: file.imageShape, dialect: "packed bits")
  }

  func skip(rows count: Int) throws(DensityError) -> Bool {
    firstRow = count
    return true
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var damagedCount = 0
    return try file.forEachBlock(
      of: length, fromRow: firstRow,
      skippingDamaged: skipsDamaged
        ? { [self] count in
          damagedCount += count
          layout.dialect = "packed bits, \(damagedCount) rows in damaged blocks left out"
        } : nil
    ) { [source] (block, fraction) throws(DensityError) in
      source.fraction = fraction
      return try body(block)
    }
  }
}

extension PackedFile {
  /// Calls `body` with the rows in their order, in blocks of `length` rows of which the last may be shorter, and with how
  /// much of the file that was, while it says to go on.
  ///
  /// - Parameters:
  ///   - firstRow: how many rows to pass over.
  ///   - skippingDamaged: is told how many rows a damaged block has, which is left out; nil to throw.
  func forEachBlock(
    of length: Int, fromRow firstRow: Int = 0, skippingDamaged: ((Int) -> Void)? = nil,
    _ body: (TableBlock, _ fraction: Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var rows = TableBlock(columnCount: columnCount)
    guard firstRow < rowCount else { return true }
    for index in firstRow / blocks.length..<blocks.count {
      let block: Block
      do throws(DensityError) {
        block = try read(index)
      } catch {
        guard case .malformed = error, let skippingDamaged else { throw error }
        skippingDamaged(blocks[index].count)
        continue
      }
      let count = blocks[index].count
      var start = max(0, firstRow - blocks[index].lowerBound)
      while start < count {
        let end = min(count, start + length - rows.rowCount)
        rows.append(block, start..<end)
        start = end
        if rows.rowCount == length {
          guard try body(rows, Double(blocks[index].lowerBound + end) / Double(rowCount)) else {
            return false
          }
          rows = TableBlock(columnCount: columnCount)
        }
      }
    }
    return rows.rowCount == 0 ? true : try body(rows, 1)
  }
}

extension TableBlock {
  /// Appends some rows of a block of a file.
  fileprivate mutating func append(_ block: PackedFile.Block, _ range: Range<Int>) {
    let places = range.lowerBound * wordsPerRow..<range.upperBound * wordsPerRow
    if known != nil || block.known != nil {
      var cells = known ?? BinaryMatrix.ones(rowCount: rowCount, columnCount: columnCount).words
      known = nil
      if let others = block.known {
        cells += others[places]
      } else {
        cells += BinaryMatrix.ones(rowCount: range.count, columnCount: columnCount).words
      }
      known = cells
    }
    words += block.words[places]
    rowCount += range.count
  }
}

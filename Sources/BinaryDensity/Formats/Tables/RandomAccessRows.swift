/// A table of zeros whose bits are turned on in any order; memory is taken where a bit is on.
struct RandomAccessRows {
  enum Outcome {
    case done
    case wasOn
    case isTooLarge
  }

  let rowCount: Int
  let columnCount: Int
  private let wordsPerRow: Int
  private let rowsPerChunk: Int
  private var words: [[UInt64]]
  private var heldCount = 0

  /// Returns nil for a table beyond the machine's memory.
  init?(rowCount: Int, columnCount: Int) {
    self.rowCount = rowCount
    self.columnCount = columnCount
    wordsPerRow = (columnCount - 1) / 64 + 1
    let limit = SparseRows.byteLimit(columnCount: columnCount, bytesRead: 0)
    guard let byteCount = checkedProduct(of: [rowCount, wordsPerRow, 8]), byteCount <= limit else {
      return nil
    }
    rowsPerChunk = max(1, (1 << 17) / wordsPerRow)
    words = Array(repeating: [], count: (rowCount - 1) / rowsPerChunk + 1)
  }

  var byteCount: Int { rowCount * wordsPerRow * 8 }

  mutating func turnOn(_ row: Int, _ column: Int, byteLimit: Int) -> Outcome {
    let (chunk, place) = row.quotientAndRemainder(dividingBy: rowsPerChunk)
    if words[chunk].isEmpty {
      let count = rows(ofChunk: chunk) * wordsPerRow
      heldCount += count
      guard heldCount * 8 <= byteLimit else { return .isTooLarge }
      words[chunk] = Array(repeating: 0, count: count)
    }
    let index = place * wordsPerRow + column / 64
    let mask: UInt64 = 1 << UInt64(column % 64)
    guard words[chunk][index] & mask == 0 else { return .wasOn }
    words[chunk][index] |= mask
    return .done
  }

  consuming func chunks() -> PackedChunks {
    let (rowCount, wordsPerRow) = (rowCount, wordsPerRow)
    let counts = words.indices.map { rows(ofChunk: $0) }
    let chunks = zip(words, counts).map { words, count in
      var chunk = SparseRows.Chunk(rowCount: count, wordsPerRow: wordsPerRow, words: words)
      if !words.isEmpty && counts.count > 1 { chunk.shrink() }
      return chunk
    }
    return PackedChunks(chunks, rowCount: rowCount)
  }

  private func rows(ofChunk chunk: Int) -> Int { min(rowsPerChunk, rowCount - chunk * rowsPerChunk) }
}

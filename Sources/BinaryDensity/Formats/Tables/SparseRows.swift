import Essentials

/// Rows that are given by their on-bits and packed as they come: the table becomes as wide as its largest index.
///
/// Rows lie in chunks of about a megabyte. A chunk is as wide as was known when it was filled, and is given its final
/// width when it is taken out, so that memory holds the table once; a full one becomes lists of on-bits if these are smaller.
struct SparseRows {
  /// What can be wrong with an index.
  enum Fault: Error, Equatable {
    /// The row has the bit already.
    case repeated(Int)
    /// The table would become larger than its file makes plausible, or than the machine's memory.
    case tooWide(byteCount: Int)
  }

  /// Some consecutive rows of one width.
  struct Chunk {
    var rowCount = 0
    var wordsPerRow: Int
    var words: [UInt64] = []
    /// The rows in place of words, where these take more memory.
    var lists: OnBitLists?

    /// Takes up less memory, if lists do.
    mutating func shrink() {
      lists = OnBitLists(smallerThan: words, wordsPerRow: wordsPerRow, rowCount: rowCount)
      if lists != nil { words = [] }
    }
  }

  /// The number of rows.
  private(set) var rowCount = 0
  /// The number of columns so far: one more than the largest bit.
  private(set) var width = 0
  /// How many bytes the packed table may have where it has more columns than on-bits make plausible.
  var byteLimit = 0
  private var onBitCount = 0
  private var chunks: [Chunk] = []
  private var current = Chunk(wordsPerRow: 0)
  private static let chunkLength = 1 << 17

  /// Adds a row of zeros.
  mutating func beginRow() throws(Fault) {
    if current.words.count >= Self.chunkLength {
      current.shrink()
      chunks.append(current)
      current = Chunk(wordsPerRow: wordsPerRow)
      current.words.reserveCapacity(Self.chunkLength + wordsPerRow)
    }
    rowCount += 1
    current.rowCount += 1
    try checkSize()
    current.words.append(contentsOf: repeatElement(0, count: current.wordsPerRow))
  }

  /// Turns bits of the last row on.
  ///
  /// - Parameter isSet: whether a bit may be given again.
  /// - Returns: how many bits were given again.
  @discardableResult
  mutating func turnOn(_ bits: [UInt32], allowingRepeats isSet: Bool = false) throws(Fault) -> Int {
    guard let largest = bits.max() else { return 0 }
    if Int(largest) >= width {
      width = Int(largest) + 1
      try checkSize()
      widen()
    }
    let start = current.words.count - current.wordsPerRow
    var firstRepeated: UInt32?
    var repeats = 0
    current.words.withUnsafeMutableBufferPointer { words in
      for bit in bits {
        let place = start + Int(bit >> 6)
        let mask: UInt64 = 1 << UInt64(bit & 63)
        if words[place] & mask != 0 {
          if firstRepeated == nil { firstRepeated = bit }
          repeats += 1
        }
        words[place] |= mask
      }
    }
    onBitCount += bits.count - repeats
    if let firstRepeated, !isSet { throw .repeated(Int(firstRepeated)) }
    return repeats
  }

  /// Whether a bit of the last row is on.
  func isOn(_ bit: Int) -> Bool {
    guard bit / 64 < current.wordsPerRow else { return false }
    return current.words[current.words.count - current.wordsPerRow + bit / 64] >> UInt64(bit % 64) & 1 == 1
  }

  /// Returns all rows in chunks.
  consuming func finished() -> PackedChunks {
    if !chunks.isEmpty { current.shrink() }
    chunks.append(current)
    return PackedChunks(chunks, rowCount: rowCount)
  }

  private var wordsPerRow: Int { (width + 63) / 64 }

  private func checkSize() throws(Fault) { try checkSize(columnCount: width) }

  /// Refuses a table that is out of all proportion to its file.
  ///
  /// That is one that is large when packed, and has more columns than four for each on-bit. With fewer columns it is one of lists,
  /// whose memory grows with the file.
  func checkSize(columnCount: Int) throws(Fault) {
    let (byteCount, overflow) = rowCount.multipliedReportingOverflow(by: (columnCount + 63) / 64 * 8)
    guard overflow || byteCount > byteLimit, columnCount / 4 > onBitCount else { return }
    throw .tooWide(byteCount: overflow ? .max : byteCount)
  }

  /// Widens the last row, and the others of its chunk with it where the chunk stays small.
  ///
  /// They become an eighth wider than is needed. Where they would be more than a chunk holds, they stay as they are, and the last
  /// row begins the next chunk: one large index costs the memory of its own row alone.
  private mutating func widen() {
    let old = current.wordsPerRow
    guard wordsPerRow > old else { return }
    var new = current.rowCount > 1 ? max(wordsPerRow, old + old / 8) : wordsPerRow
    if current.rowCount > 1, current.rowCount > Self.chunkLength / new {
      var last = Chunk(rowCount: 1, wordsPerRow: old)
      last.words = Array(current.words.suffix(old))
      current.words.removeLast(old)
      current.rowCount -= 1
      current.shrink()
      chunks.append(current)
      current = last
      new = wordsPerRow
    }
    var words: [UInt64] = []
    words.reserveCapacity(max(current.rowCount * new, chunks.isEmpty ? 0 : Self.chunkLength + new))
    for row in 0..<current.rowCount {
      words += current.words[row * old..<(row + 1) * old]
      words.append(contentsOf: repeatElement(0, count: new - old))
    }
    current.words = words
    current.wordsPerRow = new
  }

  /// How large a packed table may be whose width its rows say: what is far beyond the file is a mistyped index.
  ///
  /// - Parameters:
  ///   - columnCount: the number of columns if someone gave it, who then knows what he asks for.
  ///   - bytesRead: the size of the file so far.
  static func byteLimit(columnCount: Int?, bytesRead: Int) -> Int {
    let memory = physicalMemory
    return columnCount == nil ? min(memory, bytesRead.multipliedCapped(by: 64) + 64 << 20) : memory
  }

  /// How large a table may be when packed whose rows become lists if these are smaller: of any size if someone gave the number of
  /// columns, as long as the memory holds some numbers for each.
  static func listedByteLimit(columnCount: Int?, bytesRead: Int) -> Int {
    if let columnCount, columnCount <= physicalMemory / 64 { return .max }
    return byteLimit(columnCount: columnCount, bytesRead: bytesRead)
  }

  /// The bytes of memory the machine has.
  private static let physicalMemory: Int = {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let size = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && size > 0 ? pages.multipliedCapped(by: size) : 1 << 36
  }()
}

extension Int {
  /// The product, or a quarter of the largest number where it is larger than that.
  fileprivate func multipliedCapped(by other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max / 4 : Swift.min(product, .max / 4)
  }
}

/// Packed rows in chunks of several widths, to be taken out in order.
struct PackedChunks {
  /// The number of rows that are left.
  private(set) var rowCount: Int
  private var chunks: [SparseRows.Chunk]
  private var nextChunk = 0
  /// The next row of that chunk.
  private var nextRow = 0

  /// Holds chunks in their order; one without words has only zeros.
  init(_ chunks: [SparseRows.Chunk], rowCount: Int) {
    self.chunks = chunks
    self.rowCount = rowCount
  }

  /// Whether rows are kept as lists, so that all of them packed may be much more.
  var hasLists: Bool { chunks.contains { $0.lists != nil } }

  /// Takes out the next rows, at most `count`, as rows of the columns from a first bit on.
  ///
  /// A chunk's memory is freed with its last row.
  mutating func take(_ count: Int, columnCount: Int, firstBit: Int) -> TableBlock {
    var block = TableBlock(columnCount: columnCount)
    let width = block.wordsPerRow
    block.words.reserveCapacity(min(count, rowCount) * width)
    while block.rowCount < count, nextChunk < chunks.count {
      let chunk = chunks[nextChunk]
      let taken = min(count - block.rowCount, chunk.rowCount - nextRow)
      if let lists = chunk.lists {
        block.words += lists.words(
          ofRows: nextRow..<nextRow + taken, wordsPerRow: width, firstColumn: firstBit)
      } else if chunk.words.isEmpty {
        block.words.append(contentsOf: repeatElement(0, count: taken * width))
      } else if firstBit == 0 && chunk.wordsPerRow == width {
        block.words += chunk.words[nextRow * width..<(nextRow + taken) * width]
      } else {
        Self.append(chunk, nextRow..<nextRow + taken, width: width, firstBit: firstBit, to: &block.words)
      }
      block.rowCount += taken
      nextRow += taken
      if nextRow == chunk.rowCount {
        (chunks[nextChunk].words, chunks[nextChunk].lists) = ([], nil)
        nextChunk += 1
        nextRow = 0
      }
    }
    rowCount -= block.rowCount
    return block
  }

  private static func append(
    _ chunk: SparseRows.Chunk, _ rows: Range<Int>, width: Int, firstBit: Int, to words: inout [UInt64]
  ) {
    for row in rows {
      let start = row * chunk.wordsPerRow
      for index in 0..<width {
        let word = index < chunk.wordsPerRow ? chunk.words[start + index] : 0
        guard firstBit > 0 else {
          words.append(word)
          continue
        }
        let next = index + 1 < chunk.wordsPerRow ? chunk.words[start + index + 1] : 0
        words.append(word >> UInt64(firstBit) | next << UInt64(64 - firstBit))
      }
    }
  }
}

/// A table whose rows were all read and packed, because only the last says how wide it is.
final class PackedTable: TableReader {
  let layout: TableLayout
  private var rows: PackedChunks
  private let firstBit: Int

  /// - Parameter firstBit: the bit that is column 0.
  init(_ rows: PackedChunks, _ layout: TableLayout, firstBit: Int = 0) {
    self.rows = rows
    self.layout = layout
    self.firstBit = firstBit
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    while rows.rowCount > 0 {
      guard try body(rows.take(length, columnCount: layout.columnCount, firstBit: firstBit)) else {
        return false
      }
    }
    return true
  }

  func takeRows() -> TableBlock? {
    rows.hasLists ? nil : rows.take(rows.rowCount, columnCount: layout.columnCount, firstBit: firstBit)
  }
}

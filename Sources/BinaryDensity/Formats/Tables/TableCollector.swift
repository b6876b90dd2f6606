import Kernels

/// Gathers the blocks of a table without ever holding them twice.
///
/// Bits whose rows packed are more than `listedByteCount` are kept as lists of on-bits, as long as those are smaller.
struct TableCollector {
  let columnCount: Int
  private let listedByteCount: Int
  private(set) var rowCount = 0
  private var words: [UInt64] = []
  /// The rows so far in place of words, which then are none.
  private var lists: OnBitLists?
  /// Whether lists were larger, and will not be tried again.
  private var isPacked = false
  /// Nil while no cell was missing.
  private var known: [UInt64]?
  /// Not nil once a block of grey levels came.
  private var levels: [UInt8]?

  init(columnCount: Int, listedByteCount: Int) {
    self.columnCount = columnCount
    self.listedByteCount = listedByteCount
  }

  private var wordsPerRow: Int { (columnCount + 63) / 64 }

  /// Adds a block.
  ///
  /// - Parameter fraction: how much of the file is read with it, if that is known: by it room is made once for all; 1 for
  ///   a table that comes in one block.
  mutating func add(_ block: TableBlock, fraction: Double?) {
    if block.levels != nil || block.known != nil { unlist() }
    if block.levels != nil || levels != nil {
      var all = levels ?? levelsOfBits()
      levels = nil
      Self.append(block.levels ?? Self.levels(of: block), to: &all, fraction)
      levels = all
    } else {
      if block.known != nil || known != nil {
        var all = known ?? Self.allKnown(rowCount: rowCount, columnCount: columnCount)
        known = nil
        let added = block.known ?? Self.allKnown(rowCount: block.rowCount, columnCount: columnCount)
        Self.append(added, to: &all, fraction)
        known = all
      }
      if lists != nil {
        lists?.append(words: block.words, wordsPerRow: block.wordsPerRow, rowCount: block.rowCount)
      } else {
        Self.append(block.words, to: &words, fraction)
      }
    }
    rowCount += block.rowCount
    chooseLists()
  }

  /// Goes over to lists once the packed rows are large, and back if lists are larger.
  private mutating func chooseLists() {
    if let lists {
      if !lists.isSmaller(thanPackedRowsOf: columnCount) { unlist() }
    } else if !isPacked, known == nil, levels == nil, 8 * words.count > listedByteCount,
      columnCount <= Int(Int32.max)
    {
      lists = OnBitLists(smallerThan: words, wordsPerRow: wordsPerRow, rowCount: rowCount)
      if lists != nil { words = [] } else { isPacked = true }
    }
  }

  /// Packs the rows, for good.
  private mutating func unlist() {
    isPacked = true
    guard let lists else { return }
    words = lists.words(ofRows: 0..<rowCount, wordsPerRow: wordsPerRow)
    self.lists = nil
  }

  /// What was gathered.
  ///
  /// - Parameter imageShape: the picture a row is.
  consuming func contents(imageShape: ImageShape?) -> DataTable.Contents {
    if let levels {
      return .greyLevels(
        GreyLevels(rowCount: rowCount, columnCount: columnCount, levels: levels, imageShape: imageShape))
    }
    if let lists { return .bits(BinaryMatrix(columnCount: columnCount, lists: lists)) }
    let bits = BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: words)
    guard let known else { return .bits(bits) }
    return .partial(
      PartialRows(
        values: bits, known: BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: known)))
  }

  /// The bits so far as levels 0 and 1.
  private func levelsOfBits() -> [UInt8] {
    var block = TableBlock(columnCount: columnCount)
    (block.rowCount, block.words) = (rowCount, words)
    return Self.levels(of: block)
  }

  private static func levels(of block: TableBlock) -> [UInt8] {
    (0..<block.rowCount).flatMap { row in
      (0..<block.columnCount).map {
        UInt8(block.words[row * block.wordsPerRow + $0 / 64] >> UInt64($0 % 64) & 1)
      }
    }
  }

  private static func allKnown(rowCount: Int, columnCount: Int) -> [UInt64] {
    var row = [UInt64](repeating: ~0, count: (columnCount + 63) / 64)
    if columnCount % 64 != 0 { row[row.count - 1] = (1 << UInt64(columnCount % 64)) - 1 }
    return (0..<rowCount).flatMap { _ in row }
  }

  /// Appends.
  ///
  /// An array that grows is held twice while it moves. Memory that is only reserved costs nothing, so room is made once:
  /// for the whole that the fraction foretells, or, of what has no size, for a share of the machine's memory.
  private static func append<Element>(_ new: [Element], to all: inout [Element], _ fraction: Double?) {
    // What comes whole is shared, not copied.
    guard !all.isEmpty || fraction != 1 else {
      all = new
      return
    }
    let count = all.count + new.count
    if all.capacity < count {
      let foretold = fraction.map { $0 > 0 ? Int(Double(count) / $0 * 1.02) + 1024 : 0 }
      let share = Int(min(MachineMemory.limit, 1e15)) / 16 / MemoryLayout<Element>.stride
      all.reserveCapacity(max(count, foretold ?? share))
    }
    all += new
  }
}

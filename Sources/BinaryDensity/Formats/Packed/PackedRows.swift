import Kernels
import Synchronization

/// The rows of a packed file that is larger than what is to be kept of it: the blocks that were read last are.
///
/// A shuffle asks for the blocks of a window and no others until it goes on to the next (`ShuffledBatches`), so that each
/// block is read once a pass. Each pass has a cache of its own, and whoever trains beside it another.
final class PackedRows: RowSource {
  fileprivate let file: PackedFile
  private let cache: Mutex<BlockCache>

  /// - Precondition: the file has no missing cells.
  init(_ file: PackedFile) {
    precondition(!file.hasKnown, "\(file.path) has missing cells")
    self.file = file
    cache = Mutex(BlockCache())
  }

  var rowCount: Int { file.rowCount }
  var columnCount: Int { file.columnCount }
  var checksum: UInt32 { file.checksum }
  private var wordsPerRow: Int { file.wordsPerRow }

  func rows(inPass pass: Int) -> any RowSource { PackedRows(file) }

  func gather<Scalar: KernelScalar>(_ rows: [Int], into batch: RowBatch<Scalar>) throws(DensityError) {
    batch.fill(try words(ofRows: rows), rows: Array(rows.indices))
  }

  func bits(ofRows rows: [Int]) throws(DensityError) -> BinaryMatrix {
    BinaryMatrix(rowCount: rows.count, columnCount: columnCount, words: try words(ofRows: rows))
  }

  /// Returns what the file says, or else counts.
  func onBitCounts() throws(DensityError) -> [Int] {
    if let counts = file.onBitCounts { return counts }
    return try countedOnBits()
  }

  private func words(ofRows rows: [Int]) throws(DensityError) -> [UInt64] {
    let (length, width) = (file.blocks.length, wordsPerRow)
    var words: [UInt64] = []
    words.reserveCapacity(rows.count * width)
    var failure: DensityError?
    cache.withLock { cache in
      do throws(DensityError) {
        for row in rows {
          let (index, place) = row.quotientAndRemainder(dividingBy: length)
          try cache.withBlock(index, of: file) { words += $0[place * width..<(place + 1) * width] }
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return words
  }

  @discardableResult
  func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    precondition(length > 0, "a block cannot have \(length) rows")
    return try file.forEachBlock(of: length) { (block, _) throws(DensityError) in
      try body(BinaryMatrix(rowCount: block.rowCount, columnCount: block.columnCount, words: block.words))
    }
  }
}

extension PackedRows {
  /// Opens a training table of which more than is to be held must be kept, and can be read as it is wanted; nil for any other.
  ///
  /// - Throws: what opening it throws; `mismatch` where its columns are not those wanted.
  static func unheld(
    _ path: String, _ options: TableOptions, matching wanted: WantedColumns?
  ) throws(DensityError) -> PackedRows? {
    guard options.columns == nil, options.ignored.isEmpty, !options.skipsDamaged, path != "-",
      !Folder.exists(path), !AtomicFile.isWrittenInPlace(path)
    else { return nil }
    let source = try ByteSource(path: path)
    guard PackedFormat().recognizes(Array(try source.peek(DataTable.startLength))[...], path: path),
      options.format ?? PackedFormat().name == PackedFormat().name
    else { return nil }
    try options.expectNoWords(source.path, format: PackedFormat().name)
    let file = try PackedFile(source.randomAccess(to: "a packed table"))
    guard !file.hasKnown, file.rowCount * 8 * file.wordsPerRow > options.heldByteCount else { return nil }
    if let image = options.imageShape, image != file.imageShape { return nil }
    if let wanted {
      guard wanted.count == file.columnCount,
        try ColumnMatching.columns(of: file.columnNames, matching: wanted.names, path: path) == nil
      else { return nil }
    }
    return PackedRows(file)
  }
}

extension DataTable {
  /// A sample of rows that are not held, in place of them, with all that is known of the table.
  init(path: String, sampling rows: PackedRows) throws(DensityError) {
    let sample = try rows.sample()
    self.init(
      path: path, contents: .bits(sample), imageShape: rows.file.imageShape,
      columnNames: rows.file.columnNames,
      summary: TableSummary(
        TableLayout(
          columnCount: rows.columnCount,
          dialect:
            "packed bits, \(rows.rowCount) rows that are not held in memory; what is no network is fitted to "
            + "\(sample.rowCount) of them"), missingCount: 0, isGrey: false))
  }
}

/// The blocks of a file that were read last, up to 256 MiB: that is more than two windows of a usual shuffle.
private struct BlockCache {
  private static let limit = (256 << 20) / RowBlocks.byteCount
  /// The words of the blocks, and which blocks they are.
  private var slots: [[UInt64]] = []
  private var blocks: [Int] = []
  private var slotOfBlock: [Int: Int] = [:]
  /// The slot whose block was read first.
  private var oldest = 0

  /// Calls `body` with the words of a block, which is read if it is not at hand.
  mutating func withBlock(
    _ index: Int, of file: PackedFile, _ body: ([UInt64]) -> Void
  ) throws(DensityError) {
    if let slot = slotOfBlock[index] { return body(slots[slot]) }
    let words = try file.read(index).words
    body(words)
    // Wider rows have blocks of their own size.
    let limit = max(2, Self.limit * RowBlocks.byteCount / max(RowBlocks.byteCount, 8 * words.count))
    if slots.count < limit {
      slotOfBlock[index] = slots.count
      slots.append(words)
      blocks.append(index)
    } else {
      slotOfBlock[blocks[oldest]] = nil
      slotOfBlock[index] = oldest
      (slots[oldest], blocks[oldest]) = (words, index)
      oldest = (oldest + 1) % slots.count
    }
  }
}

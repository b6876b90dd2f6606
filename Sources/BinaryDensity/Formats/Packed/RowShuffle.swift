import Kernels

/// Rows that come in any order and are handed on in one of which each is as probable as any other, however many there are.
///
/// Each row goes into one of 256 parts by a draw of its own; what no longer fits into 64 KiB of a part waits in a file
/// without a name. In the end part after part is put into a random order: memory holds one.
///
/// The order is a function of the seed and the number of rows.
/// - Source: P. Sanders, Random permutations on distributed, external and hierarchical memory, Information Processing
///   Letters 67, 1998.
package final class RowShuffle {
  private static let partCount = 256
  private static let bufferLength = 8192

  /// Whether a cell of any row is missing.
  package private(set) var hasMissing = false
  /// How many rows came.
  package private(set) var rowCount = 0
  private let columnCount: Int
  private let seed: UInt64
  private let draws: Philox
  private let spilled: SpilledBytes
  private var parts = Array(repeating: Part(), count: partCount)

  private struct Part {
    /// A row's words, and then those of what is known of it.
    var words: [UInt64] = []
    /// Where among the spilled bytes others of the part are.
    var places: [Range<Int>] = []
  }

  /// - Parameters:
  ///   - destination: what the rows are for: see `SpilledBytes`.
  ///   - seed: the seed of the order.
  package init(columnCount: Int, seed: UInt64, for destination: String?) {
    self.columnCount = columnCount
    self.seed = seed
    draws = Philox(seed: seed, stream: .shuffledRows)
    spilled = SpilledBytes(for: destination)
  }

  private var wordsPerRow: Int { (columnCount + 63) / 64 }

  /// Adds rows, and which of their cells are known if some are missing.
  ///
  /// - Throws: `DensityError.unwritable`.
  package func add(_ rows: BinaryMatrix, known: BinaryMatrix?) throws(DensityError) {
    hasMissing = hasMissing || known != nil
    let rows = rows.packed()
    let all = known ?? .ones(rowCount: 1, columnCount: columnCount)
    for row in 0..<rows.rowCount {
      let part = Int(draws.words(at: UInt64(rowCount))[0] % UInt32(Self.partCount))
      rowCount += 1
      parts[part].words += rows.words[row * wordsPerRow..<(row + 1) * wordsPerRow]
      let place = known == nil ? 0 : row
      parts[part].words += all.words[place * wordsPerRow..<(place + 1) * wordsPerRow]
      guard parts[part].words.count >= Self.bufferLength else { continue }
      let start = spilled.count
      try spilled.append(parts[part].words)
      parts[part].places.append(start..<spilled.count)
      parts[part].words.removeAll(keepingCapacity: true)
    }
  }

  /// Hands the rows on in their new order.
  ///
  /// - Throws: `DensityError.unreadable`, and what `body` throws.
  package func forEachBlock(
    _ body: (BinaryMatrix, _ known: BinaryMatrix?) throws(DensityError) -> Void
  ) throws(DensityError) {
    for (number, part) in parts.enumerated() {
      var words: [UInt64] = []
      for place in part.places {
        words += try spilled.bytes(place).withUnsafeBytes { [UInt64]($0, order: .host) }
      }
      words += part.words
      let count = words.count / (2 * wordsPerRow)
      guard count > 0 else { continue }
      var generator = Philox(seed: seed, stream: .shuffledRows, index: UInt64(number + 1))
      let both = BinaryMatrix(rowCount: 2 * count, columnCount: columnCount, words: words)
      let order = generator.permutation(of: count)
      let known = hasMissing ? both.selecting(order.map { 2 * $0 + 1 }) : nil
      try body(both.selecting(order.map { 2 * $0 }), known)
    }
  }
}

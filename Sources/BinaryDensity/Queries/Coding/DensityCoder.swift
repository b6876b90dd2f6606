import Kernels
import Synchronization

/// Compresses rows without loss to what they cost under a density, Σ −log₂ p(x) bits and a little, and gives them back.
///
///     let coder = try density.coder()
///     let bytes = coder.compress(rows)
///     let same = try coder.decompress(bytes)
///
/// A product of conditionals is walked, and each bit coded by its own (rANS). A mixture that has none is coded by one
/// component a row, drawn so that the choice costs nothing (bits-back coding). The bytes are the same in every instruction
/// set and for any number of threads.
///
/// Rows cost at most 24 bits a cell, whatever they are: no conditional is taken for more certain than 1 − 2⁻²⁴, which where it
/// is right costs 10⁻⁷ bits. A lane of the file, of which there are at most 64, costs about six bytes, the rest of the header some
/// thirty; a mixture's last rows, at most 512, also cost what choosing their components takes.
/// - Complexity: to compress or decompress a row, about what it costs to walk it; of a mixture, all its components, once and a bit.
///   Memory for the rows, packed, and the file; besides for some hundred rows at a time. All components are held ready.
public struct DensityCoder: Sendable {
  /// Tells the density from others: a file is decompressed by the density that compressed it.
  public let fingerprint: UInt32
  private let code: RowCode

  /// The number D of variables.
  public var variableCount: Int { code.variableCount }

  /// Prepares a density.
  ///
  /// - Throws: `DensityError.unsupported` if it, or a component, has neither conditionals nor components.
  public init(_ density: any Density) throws(DensityError) {
    code = try RowCode(density)
    fingerprint = code.fingerprint(of: density)
  }

  // MARK: Compressing

  /// Compresses rows.
  ///
  /// - Parameters:
  ///   - rows: a table.
  ///   - columnNames: names to keep in the file; who has the model has mostly them too.
  ///   - imageShape: the picture that a row is, to be kept in the file.
  /// - Precondition: `rows.columnCount == variableCount`; as many names, and pixels.
  public func compress(
    _ rows: BinaryMatrix, columnNames: [String]? = nil, imageShape: ImageShape? = nil
  ) -> [UInt8] {
    let bytes = try? compress(rows, columnNames: columnNames, imageShape: imageShape) {
      (_) throws(DensityError) in true
    }
    // Nothing stops it, and nothing throws.
    return bytes.flatMap(\.self) ?? []
  }

  /// Compresses rows, from the last to the first.
  ///
  /// - Parameters:
  ///   - rows: a table.
  ///   - columnNames: names to keep in the file.
  ///   - imageShape: the picture that a row is, to be kept in the file.
  ///   - observe: is told the fraction done from time to time, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: what `observe` throws.
  /// - Precondition: as of `compress(_:columnNames:imageShape:)`.
  public func compress(
    _ rows: BinaryMatrix, columnNames: [String]? = nil, imageShape: ImageShape? = nil,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [UInt8]? {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    precondition(columnNames.map { $0.count == variableCount } ?? true, "names of other columns")
    precondition(imageShape.map { $0.pixelCount == variableCount } ?? true, "pictures of other rows")
    let layout = LaneLayout(
      rowCount: rows.rowCount, columnCount: variableCount, isMixture: code.parts.count > 1)
    let sets = laneSets(layout).map { LaneSet($0, LaneStacks(count: $0.count)) }
    for block in (0..<layout.blockCount).reversed() {
      _ = Threads.map(count: sets.count) { index in
        sets[index].withStacks { stacks, lanes in
          let own = layout.rows(ofBlock: block, lanes: lanes)
          code.push(
            BitColumns(rows, rows: own), lanes: layout.lanes(ofRows: own, in: lanes), onto: &stacks)
        }
        return true
      }
      if try !observe(1 - Double(block) / Double(layout.blockCount)) { return nil }
    }
    let lanes = sets.flatMap { set in
      set.withStacks { stacks, lanes in lanes.indices.map { stacks.bytes(ofLane: $0 - lanes.lowerBound) } }
    }
    return CompressedRows(
      layout: layout, columnCount: variableCount, columnNames: columnNames, imageShape: imageShape,
      fingerprint: fingerprint, checksum: rows.checksum, lanes: lanes
    ).bytes
  }

  // MARK: Decompressing

  /// Decompresses rows.
  ///
  /// - Throws: `DensityError.malformed` for bytes that are no such file, or damaged, or cut; `.mismatch` if another model
  ///   compressed them; `.invalidConfiguration` for more rows than memory holds.
  public func decompress(_ bytes: [UInt8]) throws(DensityError) -> BinaryMatrix {
    let file = try CompressedRows(bytes)
    let need = Double(file.rowCount) * Double((file.columnCount + 63) / 64 * 8)
    try checkMemory(of: "a table of \(file.rowCount) rows", bytes: need)
    var words: [UInt64] = []
    try decompress(file) { (rows, _) throws(DensityError) in
      words += rows.words
      return true
    }
    return BinaryMatrix(rowCount: file.rowCount, columnCount: file.columnCount, words: words)
  }

  /// Decompresses rows block by block, in their order.
  ///
  /// That they are right is known only at the end: whoever keeps them before keeps them provisionally.
  /// - Parameters:
  ///   - file: what is decompressed.
  ///   - body: takes some rows and the fraction done, and says whether to go on.
  /// - Returns: whether it always did.
  /// - Throws: as `decompress(_:)` does, and what `body` throws.
  @discardableResult
  public func decompress(
    _ file: CompressedRows, _ body: (_ rows: BinaryMatrix, _ fraction: Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    guard file.fingerprint == fingerprint, file.columnCount == variableCount else {
      throw .mismatch(
        path: file.path,
        expected: "rows that this model compressed, its fingerprint \(CRC32.text(of: fingerprint))",
        found: "those of \(CRC32.text(of: file.fingerprint)), \(file.columnCount) columns")
    }
    let inconsistent = DensityError.malformed(
      path: file.path, at: .field("rows"), expected: "what their checksum says",
      found: "something else: the file was made on a machine that computes otherwise, or by another program")
    let layout = file.layout
    var sets: [LaneSet] = []
    for lanes in laneSets(layout) {
      guard let stacks = LaneStacks(lanes: Array(file.lanes[lanes])) else { throw inconsistent }
      sets.append(LaneSet(lanes, stacks))
    }
    var check = CRC32()
    for block in 0..<layout.blockCount {
      let all = layout.rows(ofBlock: block)
      let rows = decoded(block, layout, sets)
      guard sets.allSatisfy({ set in set.withStacks { stacks, _ in !stacks.isExhausted } }) else {
        throw inconsistent
      }
      rows.words.withUnsafeBytes { check.update($0) }
      if try !body(rows, Double(all.upperBound) / Double(layout.rowCount)) { return false }
    }
    guard check.value == file.checksum,
      sets.allSatisfy({ set in set.withStacks { stacks, _ in stacks.isUndone } })
    else { throw inconsistent }
    return true
  }

  /// Takes the rows of a block off the stacks.
  private func decoded(_ block: Int, _ layout: LaneLayout, _ sets: [LaneSet]) -> BinaryMatrix {
    let parts = Threads.map(count: sets.count) { index in
      sets[index].withStacks { stacks, lanes in
        let own = layout.rows(ofBlock: block, lanes: lanes)
        return (
          rows: own, words: code.pop(lanes: layout.lanes(ofRows: own, in: lanes), from: &stacks).packed()
        )
      }
    }
    let (all, width) = (layout.rows(ofBlock: block), (variableCount + 63) / 64)
    var words = [UInt64](repeating: 0, count: all.count * width)
    for part in parts {
      for (index, row) in part.rows.enumerated() {
        let target = (row - all.lowerBound) * width
        for word in 0..<width { words[target + word] = part.words[index * width + word] }
      }
    }
    return BinaryMatrix(rowCount: all.count, columnCount: variableCount, words: words)
  }

  private func laneSets(_ layout: LaneLayout) -> [Range<Int>] {
    layout.laneSets(threadCount: Threads.count, rowsPerShard: code.rowsPerShard)
  }
}

extension Density {
  /// Returns the density made ready to compress rows without loss.
  ///
  /// - Throws: `DensityError.unsupported` if it, or a component, has neither conditionals nor components.
  public func coder() throws(DensityError) -> DensityCoder { try DensityCoder(self) }
}

/// The stacks of some lanes, used by one thread at a time.
private final class LaneSet: Sendable {
  private let lanes: Range<Int>
  private let stacks: Mutex<LaneStacks>

  init(_ lanes: Range<Int>, _ stacks: LaneStacks) {
    self.lanes = lanes
    self.stacks = Mutex(stacks)
  }

  func withStacks<Result: Sendable>(_ body: (inout LaneStacks, Range<Int>) -> Result) -> Result {
    stacks.withLock { body(&$0, lanes) }
  }
}

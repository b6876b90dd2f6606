import Arguments
import BinaryDensity

/// The rows that a model is to complete, as they are read: cells that are missing are unknown.
struct EvidenceTable {
  private let table: ModelTable
  private let limit: Int?

  /// Opens a table, or a folder's rows, with the columns in the model's order.
  ///
  /// - Parameters:
  ///   - limit: how many rows to read at the most; nil for all.
  ///   - keepsText: whether rows of text are kept as they stand.
  init(
    _ arguments: ParsedArguments, path: String, for checkpoint: Checkpoint, limit: Int?,
    keepsText: Bool = false
  ) throws {
    self.limit = limit
    let split = try arguments.value("split", as: ValueFormat<DataSplit>.choice)
    table = try ModelTable(
      arguments, ModelTable.Part(path, split), for: checkpoint, keepsText: keepsText)
  }

  /// The file, as errors name it.
  var path: String { table.path }
  /// The height and width of the picture that a row is, if it is one.
  var imageShape: ImageShape? { table.imageShape }
  /// The names of the columns, the table's own or else the model's.
  var columnNames: [String]? { table.columnNames }
  /// How the table stands in its file, if it is a text that is kept.
  var text: TableText? { table.text }

  /// Calls `body` with the rows in their order, in blocks, while it says to go on.
  ///
  /// - Parameter body: is given the number of rows before, what is known, and the fraction read.
  /// - Returns: how many rows there were.
  /// - Throws: what reading and `body` throw; `DensityError.mismatch` for a table without rows. A row that `body` finds
  ///   impossible is named as the table has it.
  @discardableResult
  func forEachBlock(
    of length: Int,
    _ body: (_ rowsBefore: Int, PartialRows, _ fraction: Double?) throws(DensityError) -> Bool
  ) throws(DensityError) -> Int {
    try forEachTextBlock(of: length) { (before, rows, _, fraction) throws(DensityError) in
      try body(before, rows, fraction)
    }
  }

  /// Does the same, and hands on the rows as they stand in a text that is kept.
  @discardableResult
  func forEachTextBlock(
    of length: Int,
    _ body: (_ rowsBefore: Int, PartialRows, [TableText.Row]?, _ fraction: Double?) throws(DensityError)
      -> Bool
  ) throws(DensityError) -> Int {
    var rowCount = 0
    try table.forEachBlock(of: length) { (block) throws(DensityError) in
      let count = min(block.rows.rowCount, (limit ?? .max) - rowCount)
      let known = block.known ?? .ones(like: block.rows)
      let part = PartialRows(values: block.rows.rows(0..<count), known: known.rows(0..<count))
      rowCount += count
      let ofLimit = limit.map { Double(rowCount) / Double($0) }
      let fraction = block.fraction.map { max($0, ofLimit ?? 0) } ?? ofLimit
      do throws(DensityError) {
        let texts = block.texts.map { Array($0.prefix(count)) }
        return try body(block.firstRow, part, texts, fraction) && rowCount < limit ?? .max
      } catch .impossibleEvidence(let row, _) {
        throw .mismatch(
          path: path, expected: "rows that the model holds possible",
          found: "row \(block.firstRow + row + 1), whose known cells have probability zero")
      }
    }
    guard rowCount > 0 else {
      throw .mismatch(path: path, expected: "a row of 0, 1 and missing cells", found: "none")
    }
    return rowCount
  }

  /// Calls `body` with the rows in their order, in parts that take about a second each, while it says to go on: so that
  /// little is lost when work is broken off, and the time left follows from that of the rows done.
  ///
  /// - Parameters:
  ///   - most: how many rows a part has at the most.
  ///   - body: is given the number of rows before, what is known, and what tells the fraction of all that is done when a
  ///     fraction of the part is; it never falls within a table whose length is known.
  @discardableResult
  func forEachPart(
    upTo most: Int,
    _ body: (_ rowsBefore: Int, PartialRows, _ overall: (Double) -> Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Int {
    let clock = ContinuousClock()
    var length = min(2, most)
    var done = 0.0
    return try forEachBlock(of: most) { (before, block, fraction) throws(DensityError) in
      var start = 0
      while start < block.rowCount {
        let range = start..<min(start + length, block.rowCount)
        let begin = clock.now
        func overall(_ part: Double) -> Double {
          guard let fraction else { return part }
          let rows = Double(before + start) + part * Double(range.count)
          done = max(done, fraction * rows / Double(before + block.rowCount))
          return done
        }
        do throws(DensityError) {
          guard try body(before + start, block.selecting(Array(range)), overall) else { return false }
        } catch .impossibleEvidence(let row, let onBitCount) {
          throw .impossibleEvidence(row: start + row, onBitCount: onBitCount)
        }
        let time = clock.now - begin
        if range.count == length {
          length =
            time < .milliseconds(250) ? min(2 * length, most) : time > .seconds(2) ? (length + 1) / 2 : length
        }
        start = range.upperBound
      }
      return true
    }
  }

  /// Says how the table was taken, once it has been read without fault.
  func report() throws { try table.report() }
}

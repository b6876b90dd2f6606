/// A sparse matrix as SciPy's `save_npz` writes it, by rows (CSR) or by columns (CSC).
///
///     format    a word, such as csr
///     shape     the rows and columns
///     indptr    where the numbers of each row (of each column in CSC) begin among all, and where the last ends
///     indices   the column (the row in CSC) of each number, in any order
///     data      the numbers; two of one cell are summed
///
/// - Source: the documentation of `scipy.sparse.save_npz` and `scipy.sparse.csr_array`.
final class SparseArchive: TableReader {
  let layout: TableLayout
  private let archive: ZipArchive
  private let source: ByteSource
  private let rule: CellRule
  private let isByRows: Bool
  private let rowCount: Int
  private let columnCount: Int

  /// - Throws: `malformed` for another kind of matrix, and sizes that contradict each other; `invalidConfiguration`.
  init(_ archive: ZipArchive, _ source: ByteSource, _ options: TableOptions) throws(DensityError) {
    (self.archive, self.source) = (archive, source)
    rule = try Self.rule(options)
    let format = try Self.format(archive)
    guard format == "csr" || format == "csc" else {
      throw .mismatch(
        path: archive.path, expected: "a sparse matrix by rows or columns (CSR or CSC)",
        found: "\(format.uppercased()); save x.tocsr()")
    }
    isByRows = format == "csr"
    var shape = try NumberStream(Self.entry("shape", archive))
    rowCount = try shape.nextIndex("a number of rows", below: 1 << 40)
    let width = try shape.nextIndex("a number of columns", below: 1 << 40)
    guard try shape.next() == nil, rowCount > 0, width > 0 else {
      throw shape.malformed("two sizes above 0", "other ones")
    }
    let wanted = options.fileColumnCount
    columnCount = max(width, wanted ?? options.leastColumnCount)
    guard columnCount == wanted ?? columnCount else {
      throw .mismatch(path: archive.path, expected: "at most \(wanted ?? 0) columns", found: "\(width)")
    }
    layout = TableLayout(
      columnCount: columnCount, rowCount: rowCount, dialect: "scipy \(format.uppercased())")
    let (pointers, indices, data) = try streams()
    guard pointers.count == (isByRows ? rowCount : width) + 1, indices.count == data.count else {
      throw .mismatch(
        path: archive.path,
        expected: "\((isByRows ? rowCount : width) + 1) places in indptr and as many indices as numbers",
        found: "\(pointers.count), \(indices.count) and \(data.count)")
    }
    if wanted == nil { try expectProportion(stored: pointers.count + indices.count) }
  }

  /// Returns which numbers are on and missing, of which that which is not stored is off.
  private static func rule(_ options: TableOptions) throws(DensityError) -> CellRule {
    let rule = try CellRule(options)
    if rule.missing.contains(0), options.borrowedWords != .all {
      throw .invalidConfiguration(
        "--missing: what a sparse matrix does not store is 0, which cannot be missing")
    }
    if rule.off == 0 { return rule }
    guard options.borrowedWords != .none else {
      throw .invalidConfiguration("--values: what a sparse matrix does not store is 0, which has to be off")
    }
    var others = options
    others.values = nil
    return try CellRule(others)
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    isByRows ? try forEachBlockOfRows(length, body) : try forEachBlockOfColumns(length, body)
  }

  // MARK: Rows and columns

  private func forEachBlockOfRows(
    _ length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var builder = BlockBuilder(columnCount: columnCount, length: length)
    let zeros = [UInt64](repeating: 0, count: builder.block.wordsPerRow)
    var words = zeros
    var missing: [UInt64]?
    var rowsDone = 0
    func handOver(_ block: TableBlock) throws(DensityError) -> Bool {
      rowsDone += block.rowCount
      source.fraction = Double(rowsDone) / Double(rowCount)
      return try body(block)
    }
    var cells = try StoredCells(streams(), rule, path: archive.path)
    for row in 0..<rowCount {
      try cells.beginLine()
      while let (column, isOn) = try cells.next(below: columnCount, name: "a column") {
        let bit: UInt64 = 1 << UInt64(column % 64)
        guard let isOn else {
          missing = missing ?? zeros
          missing?[column / 64] |= bit
          continue
        }
        guard isOn else { continue }
        if words[column / 64] & bit != 0 { try cells.expectTwice(row, column) }
        words[column / 64] |= bit
      }
      if let known = missing { for index in words.indices { words[index] &= ~known[index] } }
      try cells.throwRefusal { (row, $0) }
      guard try builder.add(row: words[...], missing: missing?[...], handOver) else { return false }
      for index in words.indices { words[index] = 0 }
      missing = nil
    }
    try cells.expectEnd()
    return try builder.finish(handOver)
  }

  private func forEachBlockOfColumns(
    _ length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let scratch = try ColumnScratch(rowCount: rowCount, columnCount: columnCount, path: archive.path)
    var cells = try StoredCells(streams(), rule, path: archive.path)
    for column in 0..<cells.lineCount {
      try cells.beginLine()
      while let (row, isOn) = try cells.next(below: rowCount, name: "a row") {
        guard let isOn else {
          try scratch.setMissing(row, column)
          continue
        }
        guard isOn else { continue }
        if scratch.isOn(row, column) { try cells.expectTwice(row, column) }
        scratch.turnOn(row, column)
      }
      try cells.throwRefusal { ($0, column) }
    }
    try cells.expectEnd()
    return try scratch.forEachBlock(
      of: length, tell: { source.fraction = Double($0) / Double(rowCount) }, body)
  }

  // MARK: The archive

  private func streams() throws(DensityError) -> (
    pointers: NumberStream, indices: NumberStream, data: NumberStream
  ) {
    (
      try NumberStream(Self.entry("indptr", archive)), try NumberStream(Self.entry("indices", archive)),
      try NumberStream(Self.entry("data", archive))
    )
  }

  private static func entry(_ name: String, _ archive: ZipArchive) throws(DensityError) -> ByteSource {
    guard let entry = archive.entries.first(where: { $0.name == name + ".npy" }) else {
      throw .mismatch(
        path: archive.path, expected: "the array \(quoted(name.utf8)) of a sparse matrix", found: "none")
    }
    return ByteSource(try archive.input(entry), part: "array \(quoted(name.utf8))")
  }

  /// Reads the word that says which kind of sparse matrix it is.
  private static func format(_ archive: ZipArchive) throws(DensityError) -> String {
    guard archive.entries.contains(where: { $0.name == "format.npy" }) else { return "coo" }
    let source = try entry("format", archive)
    _ = try NPYDictionary(from: source)
    // Three or so letters, each in one byte or, as Python's text, in four.
    let letters = try source.take(upTo: 64).filter { $0 != 0 }
    return String(decoding: letters, as: UTF8.self).lowercased()
  }

  /// Refuses a table that is out of all proportion to what is stored of it, as a damaged shape makes it.
  private func expectProportion(stored: Int) throws(DensityError) {
    let size = checkedProduct(of: [rowCount, (columnCount + 63) / 64, 8])
    let largest = 1 << 26 + min(stored, 1 << 40) << 13
    guard let size, size <= largest, size <= ScratchMemory.physicalMemory else {
      throw .mismatch(
        path: archive.path, expected: "a table in proportion to the \(stored) indices that are stored",
        found: "one of \(rowCount) × \(columnCount); say --column-count if this is meant")
    }
  }
}

/// The cells that a sparse matrix stores, line by line.
private struct StoredCells {
  private var pointers: NumberStream
  private var indices: NumberStream
  private var data: NumberStream
  private let rule: CellRule
  private let path: String
  private let isBool: Bool
  /// The numbers of this line that are still to come, and where it ends among all.
  private var rest = 0
  private var end: Int
  /// A number that means nothing, and its index in the line.
  private var refusal: (index: Int, number: Double)?

  init(
    _ streams: (pointers: NumberStream, indices: NumberStream, data: NumberStream), _ rule: CellRule,
    path: String
  ) throws(DensityError) {
    (pointers, indices, data) = streams
    (self.rule, self.path) = (rule, path)
    isBool = data.header.type == .bool
    end = try pointers.nextIndex("a place 0 in indptr", below: 1)
  }

  /// The rows, or the columns.
  var lineCount: Int { pointers.count - 1 }

  mutating func beginLine() throws(DensityError) {
    let next = try pointers.nextIndex("a place in indptr", below: data.count + 1)
    guard next >= end else { throw pointers.malformed("a place of at least \(end)", "\(next)") }
    (rest, end) = (next - end, next)
  }

  /// Returns the next cell of the line, and whether it is on; nil if it is missing.
  mutating func next(below limit: Int, name: String) throws(DensityError) -> (index: Int, isOn: Bool?)? {
    guard rest > 0 else { return nil }
    rest -= 1
    let index = try indices.nextIndex(name, below: limit)
    guard let number = try data.next() else { throw data.malformed("a number", "the end of the array") }
    if number.isNaN || rule.missing.contains(number) { return (index, nil) }
    if number != 0 && number != rule.on { refusal = refusal ?? (index, number) }
    return (index, number == rule.on)
  }

  /// Throws what a number of the line that means nothing deserves.
  func throwRefusal(_ place: (Int) -> (row: Int, column: Int)) throws(DensityError) {
    guard let refusal else { return }
    let (row, column) = place(refusal.index)
    throw .malformed(
      path: path, at: .cell(row: row, column: column, name: nil), expected: rule.expected,
      found: Int(exactly: refusal.number).map(String.init) ?? "\(refusal.number)")
  }

  /// Refuses a cell that is on twice: its numbers are summed, those of bool excepted.
  func expectTwice(_ row: Int, _ column: Int) throws(DensityError) {
    guard !isBool else { return }
    throw .malformed(
      path: path, at: .cell(row: row, column: column, name: nil), expected: rule.expected,
      found: "a cell that is stored twice, which makes the sum of both")
  }

  /// Expects that every number belonged to a line.
  mutating func expectEnd() throws(DensityError) {
    guard end == data.count else { throw pointers.malformed("\(data.count) as the last place", "\(end)") }
    guard try pointers.next() == nil, try indices.next() == nil, try data.next() == nil else {
      throw data.malformed("the end of the array", "more numbers")
    }
  }
}

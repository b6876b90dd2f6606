import BinaryDensity

extension ModelTable {
  /// Calls `body` with the rows in their order, in blocks of which the last may be shorter, while it says to go on.
  ///
  /// - Returns: how many rows there were.
  /// - Throws: what reading and `body` throw.
  @discardableResult
  func forEachBlock(
    of length: Int, _ body: (Block) throws(DensityError) -> Bool
  ) throws(DensityError) -> Int {
    var counter = Counter(shard?.rows)
    switch rows {
    case .stream(let table):
      counter.rowCount = try table.skip(rows: counter.first)
      try table.forEachTextBlock(of: length) { (rows, known, texts) throws(DensityError) in
        try counter.handOn(rows, known, texts, fraction: table.fraction, to: body)
      }
    case .whole(let all):
      try all.forEachBlock(of: length) { (rows) throws(DensityError) in
        try counter.handOn(rows, of: all, to: body)
      }
    }
    return counter.handedCount
  }

  /// Does the same with rows that all have to be complete.
  ///
  /// - Parameter advice: what can be done about missing cells.
  /// - Throws: also `DensityError.malformed` for the first missing cell, after all have been counted.
  @discardableResult
  func forEachCompleteBlock(
    of length: Int, missingCells advice: String, _ body: (Block) throws(DensityError) -> Bool
  ) throws(DensityError) -> Int {
    guard case .stream(let table) = rows else { return try forEachBlock(of: length, body) }
    var counter = Counter(shard?.rows)
    do throws(DensityError) {
      counter.rowCount = try table.skip(rows: counter.first)
      try table.forEachBlock(of: length) { (rows) throws(DensityError) in
        try counter.handOn(rows, fraction: table.fraction, to: body)
      }
    } catch {
      throw DataOptions.explained(error, missingCells: advice)
    }
    return counter.handedCount
  }

  /// The rows, all of which have to be complete.
  func completeRows(missingCells advice: String) -> CompleteRows { CompleteRows(table: self, advice: advice) }

  /// Rows as a stream that any of the library takes.
  struct CompleteRows: RowStream {
    fileprivate let table: ModelTable
    fileprivate let advice: String

    var columnCount: Int { table.checkpoint.model.variableCount }

    func forEachBlock(
      of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
    ) throws(DensityError) -> Bool {
      var goesOn = true
      try table.forEachCompleteBlock(of: length, missingCells: advice) { (block) throws(DensityError) in
        goesOn = try body(block.rows)
        return goesOn
      }
      return goesOn
    }
  }
}

/// Counts what has been read, and hands on the rows that are wanted.
private struct Counter {
  /// How many rows were read or passed over.
  var rowCount = 0
  /// How many rows were handed on.
  private(set) var handedCount = 0
  private let wanted: Range<Int>?
  private var fraction: Double? = 0

  /// - Parameter wanted: the rows that are wanted; nil for all.
  init(_ wanted: Range<Int>?) { self.wanted = wanted }

  /// The first row that is wanted.
  var first: Int { wanted?.lowerBound ?? 0 }

  /// Hands on those of some rows that are wanted; returns whether more are.
  mutating func handOn(
    _ rows: BinaryMatrix, _ known: BinaryMatrix? = nil, _ texts: [TableText.Row]? = nil,
    fraction: Double?, to body: (ModelTable.Block) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let before = rowCount
    rowCount += rows.rowCount
    guard let wanted else {
      return try handOn(
        ModelTable.Block(
          rows: rows, known: known, texts: texts, firstRow: before, fraction: fraction,
          fractionBefore: self.fraction), to: body)
    }
    let range = wanted.clamped(to: before..<rowCount)
    guard !range.isEmpty else { return rowCount < wanted.upperBound }
    let own = range.lowerBound - before..<range.upperBound - before
    let block = ModelTable.Block(
      rows: rows.rows(own), known: known?.rows(own), texts: texts.map { Array($0[own]) },
      firstRow: range.lowerBound, fraction: Double(handedCount + own.count) / Double(wanted.count),
      fractionBefore: self.fraction)
    return try handOn(block, to: body) && rowCount < wanted.upperBound
  }

  private mutating func handOn(
    _ block: ModelTable.Block, to body: (ModelTable.Block) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    handedCount += block.rows.rowCount
    defer { fraction = block.fraction }
    return try body(block)
  }

  mutating func handOn(
    _ rows: BinaryMatrix, of all: BinaryMatrix, to body: (ModelTable.Block) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    try handOn(
      rows, fraction: Double(rowCount + rows.rowCount) / Double(all.rowCount), to: body)
  }
}

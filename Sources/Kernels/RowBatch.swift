/// Some rows of a table as a model takes them: their bits as numbers, in the model's own order of the columns, and the
/// list of each row's on-bits.
///
/// Column p of the batch is column `columnOrder[p]` of the table. What fills a batch is the `gather` of a row source; an
/// executor that is given one reads it where it lies, so a batch is filled again and again without a copy.
///
/// Besides the values of its variables a batch may have a mask of those that are known, and the last of the columns may be
/// a context that the variables are given.
///
/// A batch belongs to one thread at a time.
public final class RowBatch<Scalar: KernelScalar> {
  /// What a batch has of its rows.
  public enum Part: Hashable, Sendable {
    /// The variables: 0 or 1, and 0 where unknown.
    case values
    /// 1 where a variable is known, 0 elsewhere.
    case known
    /// The columns of the context: 0 or 1.
    case context
  }

  /// The most rows the batch holds.
  public let capacity: Int
  /// The number of columns of the table: those of the variables and of the context.
  public let columnCount: Int
  /// How many of them, the last in the batch's order, are the context.
  public let contextCount: Int
  /// The table's columns in the order in which the batch has them; nil if that is the table's own.
  public let columnOrder: [Int]?
  /// The number of rows it holds now.
  public private(set) var rowCount = 0

  // capacity × columnCount each, of which the first rows are in use.
  private var numbers: Matrix<Scalar>
  private var known: Matrix<Scalar>?
  // The place of each of the table's columns among those of the batch.
  private let places: [Int32]?
  // The lists go on into the context: for who reads the variables its first column ends them.
  // There is room for those of as many rows as there have been.
  private var onBits: [Int32] = []
  private var listStarts: [Int] = []
  // Beyond the rows in use, up to where numbers may be other than zero.
  private var usedCount = 0

  /// Makes room for up to `capacity` rows.
  ///
  /// - Parameters:
  ///   - capacity: the most rows.
  ///   - columnCount: the columns of the table.
  ///   - columnOrder: the order of the table's columns in the batch; nil for the table's own.
  ///   - contextCount: how many columns, the last in that order, are a context and no variables.
  ///   - hasKnown: whether there is a mask of what is known.
  /// - Precondition: an order is a permutation of the columns, of which the context are some.
  public init(
    capacity: Int, columnCount: Int, columnOrder: [Int]? = nil, contextCount: Int = 0, hasKnown: Bool = false
  ) {
    precondition(capacity > 0, "a batch cannot hold \(capacity) rows")
    precondition(
      contextCount >= 0 && contextCount <= columnCount,
      "a context of \(contextCount) of \(columnCount) columns")
    self.capacity = capacity
    self.columnCount = columnCount
    self.contextCount = contextCount
    self.columnOrder = columnOrder
    places = columnOrder.map { order in
      var places = [Int32](repeating: -1, count: columnCount)
      for (place, column) in order.enumerated() {
        precondition(
          places.indices.contains(column) && places[column] < 0,
          "an order of \(columnCount) columns is a permutation of them; \(column) breaks it")
        places[column] = Int32(place)
      }
      precondition(order.count == columnCount, "an order of \(order.count) columns, not \(columnCount)")
      return places
    }
    numbers = Matrix(rowCount: capacity, columnCount: columnCount)
    known = hasKnown ? numbers : nil
  }

  /// The number of variables.
  public var variableCount: Int { columnCount - contextCount }

  /// Takes up rows of packed bits: those with the given numbers, of ⌈columnCount / 64⌉ words each.
  ///
  /// - Parameter knownWords: the words of what is known; nil if all is. Where a bit of them is off, so is that of `words`.
  /// - Precondition: there are at most `capacity` rows, and the words of each are there; the batch has a mask if
  ///   anything is unknown.
  /// - Complexity: O(rows · columns), on all threads.
  package func fill(_ words: [UInt64], known knownWords: [UInt64]? = nil, rows: [Int]) {
    precondition(rows.count <= capacity, "\(rows.count) rows do not fit a batch of \(capacity)")
    precondition(knownWords == nil || known != nil, "a batch without a mask takes no rows with unknown cells")
    let wordCount = min(words.count, knownWords?.count ?? .max)
    for row in rows {
      precondition(
        row >= 0 && (row + 1) * wordsPerRow <= wordCount, "there is no row \(row) in \(wordCount) words")
    }
    rowCount = rows.count
    usedCount = max(usedCount, rowCount)
    if listStarts.count < rowCount { listStarts = Array(repeating: 0, count: rowCount) }
    let room = rowCount * UnsafeOnBits.room(columnCount: columnCount)
    if onBits.count < room { onBits = Array(repeating: 0, count: room) }
    withUnsafeOnBits { lists in
      numbers.withUnsafeMutableView { expand(words, rows: rows, into: $0, listing: lists) }
    }
    known?.withUnsafeMutableView {
      if let knownWords {
        expand(knownWords, rows: rows, into: $0, listing: nil)
      } else {
        $0.rows(0..<rows.count).fill(1)
      }
    }
  }

  /// Takes up rows that are lists of their on-bits, ascending: those that stand at some places among `columns`.
  ///
  /// What the batch then holds is what it holds after packed rows of the same bits.
  /// - Precondition: there are at most `capacity` rows, and all their columns are below `columnCount`.
  /// - Complexity: O(on-bits) of these rows and of those before them; with an order of the columns, O(on-bits · log).
  package func fill(lists columns: [UInt32], places rows: [Range<Int>]) {
    precondition(rows.count <= capacity, "\(rows.count) rows do not fit a batch of \(capacity)")
    // As many lists as rows, each with an end.
    let count = rows.reduce(rows.count) { $0 + $1.count }
    numbers.withUnsafeMutableView { numbers in
      for row in 0..<usedCount {
        if row < rowCount {
          var place = listStarts[row]
          while onBits[place] != .max {
            numbers[row, Int(onBits[place])] = 0
            place += 1
          }
        } else {
          numbers.rows(row..<row + 1).fill(0)
        }
      }
      if listStarts.count < rows.count { listStarts = Array(repeating: 0, count: rows.count) }
      if onBits.count < count { onBits = Array(repeating: 0, count: count + count / 4) }
      var start = 0
      for (row, range) in rows.enumerated() {
        listStarts[row] = start
        for place in range {
          let column = Int(columns[place])
          precondition(column < columnCount, "column \(column) of \(columnCount)")
          onBits[start + place - range.lowerBound] = places?[column] ?? Int32(column)
        }
        let end = start + range.count
        if places != nil { onBits[start..<end].sort() }
        for place in start..<end { numbers[row, Int(onBits[place])] = 1 }
        onBits[end] = .max
        start = end + 1
      }
    }
    known?.withUnsafeMutableView { $0.rows(0..<rows.count).fill(1) }
    (rowCount, usedCount) = (rows.count, rows.count)
  }

  private var wordsPerRow: Int { (columnCount + 63) / 64 }

  private func expand(
    _ words: [UInt64], rows: [Int], into target: UnsafeMutableMatrixView<Scalar>,
    listing lists: UnsafeOnBits?
  ) {
    words.withUnsafeBufferPointer { words in
      guard let words = words.baseAddress else { return }
      Scalar.expandBits(
        words, wordsPerRow: wordsPerRow, rows: rows, places: places, into: target.rows(0..<rows.count),
        listing: lists)
    }
  }

  /// The number of columns of a part.
  ///
  /// - Precondition: the batch has the part.
  public func columnCount(of part: Part) -> Int {
    switch part {
    case .values: return variableCount
    case .context: return contextCount
    case .known:
      precondition(known != nil, "the batch was made without a mask of what is known")
      return variableCount
    }
  }

  /// A part, rowCount × its columns, for an executor that holds the batch while it uses the view.
  ///
  /// - Precondition: the batch has the part.
  package func unsafeView(of part: Part) -> UnsafeMatrixView<Scalar> {
    guard let matrix = part == .known ? known : numbers else {
      preconditionFailure("the batch was made without a mask of what is known")
    }
    let all = matrix.uncheckedView
    return UnsafeMatrixView(
      base: all.base + (part == .context ? variableCount : 0), rowCount: rowCount,
      columnCount: columnCount(of: part), stride: all.stride)
  }

  /// Calls `body` with the lists of the on-bits, each up to the first that is not below the number of variables; nil if
  /// there never was a row.
  package func withUnsafeOnBits<Result>(_ body: (UnsafeOnBits?) -> Result) -> Result {
    UnsafeOnBits.withLists(&onBits, &listStarts, body)
  }

  /// Returns the variables that are on in a row, ascending.
  public func onBits(ofRow row: Int) -> [Int] {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    return onBits[listStarts[row]...].prefix { $0 < variableCount }.map(Int.init)
  }

  /// Returns the numbers of a part of a row, each 0 or 1.
  ///
  /// - Precondition: the batch has the part.
  public func numbers(_ part: Part, ofRow row: Int) -> [Scalar] {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    let view = unsafeView(of: part)
    return (0..<view.columnCount).map { view[row, $0] }
  }
}

/// Lists of the columns at which rows of bits are on, as kernels take them: for the time of a closure.
///
/// The list of row r starts at `base + starts[r]`: the columns, ascending, and `Int32.max` after the last. Lists lie close
/// together, so that those of a thousand rows stay in a near cache.
public struct UnsafeOnBits {
  package let base: UnsafeMutablePointer<Int32>
  package let starts: UnsafeMutablePointer<Int>

  /// Calls `body` with lists that arrays hold: their numbers, and where each starts; nil of empty arrays.
  package static func withLists<Result>(
    _ numbers: inout [Int32], _ starts: inout [Int], _ body: (UnsafeOnBits?) -> Result
  ) -> Result {
    numbers.withUnsafeMutableBufferPointer { numbers in
      starts.withUnsafeMutableBufferPointer { starts in
        guard let base = numbers.baseAddress, let starts = starts.baseAddress else { return body(nil) }
        return body(UnsafeOnBits(base: base, starts: starts))
      }
    }
  }

  /// Calls `body` with what stands in a list.
  func forEach(inList list: Int, _ body: (Int) -> Void) {
    var place = starts[list]
    while base[place] != .max {
      body(Int(base[place]))
      place += 1
    }
  }

  /// The room for the list of a row: kernels write lists in whole vectors, up to 16 numbers too far.
  package static func room(columnCount: Int) -> Int { columnCount + 16 }
}

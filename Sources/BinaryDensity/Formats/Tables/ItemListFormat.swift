/// Lines of what is on: item numbers divided by blanks, as the FIMI repository has them, or words.
///
///     1 3 7            milk,bread
///     2                eggs
///
/// An empty line is a row of zeros, and what is given twice is on. Numbers count columns from 1, or from 0 if item 0
/// occurs anywhere; words name columns in the order in which they first occur.
struct ItemListFormat: TableFormat {
  let name = "items"
  let summary = "lists of what is on: item numbers divided by blanks (FIMI), or words"
  let hasWords = false

  /// A list of items cannot be told from a table of blanks with certainty: no line may have a number twice, as rows of
  /// bits have, and one is above 1; unless the file's name tells, numbers ascend in lines of several lengths.
  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    let plain = path.lowercased().hasSuffix(".gz") ? String(path.dropLast(3)) : path
    let isNamed = [".dat", ".fimi", ".items"].contains { plain.lowercased().hasSuffix($0) }
    var counts: Set<Int> = []
    var largest = 0
    for line in wholeLines(of: start) {
      var items: [Int] = []
      for word in line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }) {
        // Nobody numbers items with zeros before.
        guard let number = Self.number(word), word.first != 0x30 || word.count == 1 else { return false }
        items.append(number)
      }
      let isAscending = zip(items, items.dropFirst()).allSatisfy { $0 < $1 }
      guard isAscending || (isNamed && Set(items).count == items.count) else { return false }
      largest = max(largest, items.max() ?? 0)
      counts.insert(items.count)
    }
    return largest > 1 && (isNamed || counts.count > 1)
  }

  fileprivate static func number(_ word: some Collection<UInt8>) -> Int? {
    guard word.count <= 10, word.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return word.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    let start = try source.peek(DataTable.startLength)
    let separators = Self.separators(of: start)
    let hasNames = wholeLines(of: start).contains { line in
      line.split { separators.contains($0) }.contains { Self.number($0) == nil }
    }
    var options = options
    // Where no name is a number, numbers count the columns.
    let hasItems = wholeLines(of: start).contains { $0.contains { !separators.contains($0) && $0 > 0x20 } }
    if !hasNames, hasItems, let names = options.knownNames,
      names.allSatisfy({ $0.isEmpty || Self.number($0.utf8) == nil })
    {
      (options.knownNames, options.keptCount) = (nil, names.count)
    }
    let items = options.knownNames.map { KnownItems($0, options) }
    var parser = ItemListParser(
      path: source.path, options, items, separators: separators, hasNames: hasNames || items != nil)
    let windows = TextWindows(source, endingAfter: separators + [0x0A, 0x0D])
    while try windows.next({ (window) throws(DensityError) in
      parser.setByteLimit(bytesRead: source.offset)
      try parser.add(window)
    }) {}
    let table = try parser.finish()
    guard let items, items.areChosen else { return try table.selecting(options) }
    return table.layout.columnCount == items.wantedCount
      ? table : SelectedColumns(table, columns: Array(0..<items.wantedCount))
  }

  /// What divides the items: a comma, a tab, a semicolon or a bar if there is one, for then names may hold blanks.
  private static func separators(of start: ArraySlice<UInt8>) -> [UInt8] {
    for byte in [UInt8](",\t;|".utf8) where start.contains(byte) { return [byte] }
    return [0x20]
  }
}

/// The words of a list whose columns are a model's, or another table's, some of which may have been chosen or left out.
private struct KnownItems {
  /// Those that are wanted, then others that options name.
  let names: [String]
  /// How many are wanted.
  let wantedCount: Int
  /// Whether there may be no others: they are left out with the columns that were not chosen.
  let isClosed: Bool
  /// Whether the columns were chosen by numbers, which count those of the other table: then those that are wanted are what they
  /// meant.
  let areChosen: Bool

  init(_ wanted: [String], _ options: TableOptions) {
    let words = (options.columns ?? []) + options.ignored
    let known = Set(wanted)
    areChosen = words.contains { !known.contains($0) && ColumnSelection.numbers($0) != nil }
    isClosed = options.columns == nil && !areChosen
    var seen = known
    names = areChosen ? wanted : wanted + words.filter { seen.insert($0).inserted }
    wantedCount = wanted.count
  }
}

/// Packs lines into rows, and knows the line that is wrong.
private struct ItemListParser {
  let path: String
  let columnCount: Int?
  private let leastColumnCount: Int
  private let indexBase: Int?
  private let isClosed: Bool
  private let isSeparator: [Bool]
  private let divider: String
  private let hasNames: Bool
  private var rows = SparseRows()
  private var lines = LineCounter()
  private var isInRow = false
  private var on: [UInt32] = []
  private var repeatCount = 0
  private var zeroLine: Int?
  private var lastItemLine: Int?
  private var numbers: [ArraySlice<UInt8>: Int] = [:]
  private var names: [String] = []

  private static let largestItem = 1 << 31

  init(path: String, _ options: TableOptions, _ items: KnownItems?, separators: [UInt8], hasNames: Bool) {
    self.path = path
    self.hasNames = hasNames
    isClosed = items?.isClosed ?? false
    names = items?.names ?? []
    columnCount =
      isClosed
      ? names.count
      : items == nil
        ? options.fileColumnCount : options.columnCount.map { [count = names.count] in max($0, count) }
    leastColumnCount = options.leastColumnCount
    indexBase = options.indexBase
    numbers = Dictionary(
      names.enumerated().map { (ArraySlice($1.utf8), $0) }, uniquingKeysWith: { first, _ in first })
    isSeparator = (0..<256).map { separators.contains(UInt8($0)) || $0 == 0x0A || $0 == 0x0D }
    divider = separators == [0x20] ? "blanks" : quoted(separators)
  }

  mutating func setByteLimit(bytesRead: Int) {
    rows.byteLimit = SparseRows.listedByteLimit(columnCount: columnCount, bytesRead: bytesRead)
  }

  mutating func add(_ text: UnsafeBufferPointer<UInt8>) throws(DensityError) {
    var place = 0
    while place < text.count {
      let byte = text[place]
      if lines.ends(at: byte) {
        try endLine()
        place += 1
        continue
      }
      if byte <= 0x20 || isSeparator[Int(byte)] {
        place += 1
        continue
      }
      // Reading stops at the byte that every window ends with.
      var end = place
      var number = 0
      while text[end] &- 0x30 < 10, end - place < 10 {
        number = number * 10 + Int(text[end] &- 0x30)
        end += 1
      }
      if hasNames || !(text[end] <= 0x20 || isSeparator[Int(text[end])]) {
        while !isSeparator[Int(text[end])] { end += 1 }
        number = try column(named: Array(text[place..<end]))
      } else if number == 0, zeroLine == nil {
        zeroLine = lines.line
      }
      try add(number)
      place = end
    }
  }

  private mutating func add(_ item: Int) throws(DensityError) {
    let last = columnCount.map { hasNames ? $0 - 1 : $0 } ?? Self.largestItem
    guard item <= last else {
      throw malformed(
        expected: hasNames ? "at most \(last + 1) different items" : "an item of at most \(last)",
        found: hasNames ? quoted(names[item].utf8) : "\(item)")
    }
    if item == columnCount && lastItemLine == nil { lastItemLine = lines.line }
    if !isInRow { try beginRow() }
    on.append(UInt32(item))
    if on.count >= 1 << 16 { try pack() }
  }

  /// Returns the column of a name, a new one if it was not seen before.
  private mutating func column(named word: [UInt8]) throws(DensityError) -> Int {
    var name = word[...]
    while let last = name.last, last <= 0x20 { name.removeLast() }
    guard hasNames else {
      throw malformed(expected: "item numbers divided by \(divider)", found: quoted(name))
    }
    if let quote = name.first, quote == 0x22 {
      guard name.count > 1, name.last == quote else {
        throw malformed(expected: "a quoted item that holds no \(divider)", found: quoted(name))
      }
      name = name.dropFirst().dropLast()
    }
    if let known = numbers[name] { return known }
    guard !isClosed else {
      throw malformed(expected: "an item that the model, or the training table, knows", found: quoted(name))
    }
    guard name.allSatisfy({ $0 >= 0x20 }) else {
      throw malformed(expected: "words divided by \(divider)", found: quoted(name))
    }
    numbers[ArraySlice(Array(name))] = names.count
    names.append(String(decoding: name, as: UTF8.self))
    return names.count - 1
  }

  private mutating func beginRow() throws(DensityError) {
    isInRow = true
    do throws(SparseRows.Fault) { try rows.beginRow() } catch { throw fault(error) }
  }

  private mutating func pack() throws(DensityError) {
    do throws(SparseRows.Fault) {
      repeatCount += try rows.turnOn(on, allowingRepeats: true)
    } catch {
      throw fault(error)
    }
    on.removeAll(keepingCapacity: true)
  }

  private mutating func endLine() throws(DensityError) {
    if !isInRow { try beginRow() }
    try pack()
    isInRow = false
    lines.advance()
  }

  mutating func finish() throws(DensityError) -> PackedTable {
    if indexBase == 1, !hasNames, let zeroLine {
      throw .malformed(
        path: path, at: .line(zeroLine), expected: "items from 1, as in training or by --index-base",
        found: "0")
    }
    let firstBit = hasNames ? 0 : indexBase ?? (zeroLine == nil ? 1 : 0)
    if !hasNames, firstBit == 0, let lastItemLine, let columnCount {
      throw .malformed(
        path: path, at: .line(lastItemLine),
        expected: "an item below \(columnCount), since line \(zeroLine ?? 1) counts from 0",
        found: "\(columnCount)")
    }
    let width = max(rows.width - firstBit, hasNames ? names.count : leastColumnCount)
    guard let count = columnCount ?? (width > 0 ? width : nil) else {
      throw malformed(expected: "a row with an item, or --column-count", found: "the end of the file")
    }
    do throws(SparseRows.Fault) { try rows.checkSize(columnCount: count) } catch { throw fault(error) }
    var layout = TableLayout(
      columnCount: count,
      dialect: "item lists, " + (hasNames ? "words divided by \(divider)" : "numbers from \(firstBit)"))
    if repeatCount > 0 { layout.dialect += ", \(repeatCount) repeated" }
    layout.rowCount = rows.rowCount
    layout.indexBase = hasNames ? nil : firstBit
    if hasNames && names.count == count { layout.columnNames = names }
    return PackedTable(rows.finished(), layout, firstBit: firstBit)
  }

  private func fault(_ fault: SparseRows.Fault) -> DensityError {
    fault.inText(path: path, line: lines.line, width: rows.width - 1)
  }

  private func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .line(lines.line), expected: expected, found: found)
  }
}

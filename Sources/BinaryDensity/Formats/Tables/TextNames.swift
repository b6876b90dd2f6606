/// Whether the first line of a text names its columns, told by the lines that follow.
struct TextNames {
  /// What the fields of the first line are.
  let first: [TextTraits]
  /// What those of the lines after it are.
  let body: [[TextTraits]]
  /// What those of the first line say.
  let names: [String]
  /// What the first fields of the lines after it say, if they are whole numbers.
  private let firstNumbers: [Int?]
  /// How many fields more than the first line all others have: 1 where R wrote names of rows.
  let extraFields: Int

  init(_ lines: ArraySlice<TextSample>, _ delimiter: TextDelimiter, _ words: TextWords) {
    first = lines.first?.traits(delimiter, words) ?? []
    names = lines.first?.texts(delimiter) ?? []
    firstNumbers = lines.dropFirst().map { $0.texts(delimiter, upTo: 1).first.flatMap { Int($0) } }
    var body: [[TextTraits]] = []
    var room = 1 << 22
    for line in lines.dropFirst() where room > 0 {
      body.append(line.traits(delimiter, words))
      room -= body[body.count - 1].count
    }
    let count = first.count
    if !body.isEmpty, body.allSatisfy({ $0.count == count + 1 }) {
      extraFields = 1
    } else if !body.isEmpty, body.allSatisfy({ $0.count == count - 1 }) {
      extraFields = -1
    } else {
      extraFields = 0
      body.removeAll { $0.count != count }
    }
    self.body = body
  }

  /// Whether the first line is names, or a row.
  func areThere(_ options: TableOptions) -> Bool {
    if let hasHeader = options.hasHeader { return hasHeader }
    let asked = (options.columns ?? []) + options.ignored
    if asked.contains(where: { !$0.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D } }) {
      return true
    }
    if hasRowNumbers { return true }
    let texts = first.count { $0.isOther && !$0.contains(.number) }
    let several = first.count { $0.contains(.severalBits) }
    if several > 0, several == texts { return false }
    // Without a row to compare with, only words are names.
    guard !body.isEmpty else { return texts == first.count }
    // A name of rows stands before the columns that have names.
    let shift = max(extraFields, 0)
    let numbered = TableOptions.columns(options, columnCount: first.count + shift)
    var named = 0
    var wordsOverNumbers = 0
    var bodyIsBits = true
    // The bits of the first line, and the columns it would have to number.
    var bits: [Int] = []
    var numberable: [Int] = []
    let bodyHasLetters = body.contains { $0.contains { $0.contains(.letter) } }
    let bodyIsQuoted = body.contains { $0.contains { $0.contains(.quoted) } }
    let start = countsRows && isFirstWithoutName ? 1 : 0
    for column in first.indices.dropFirst(start) where column + shift < (body.first?.count ?? 0) {
      guard numbered?[column + shift] ?? true else { continue }
      var below: TextTraits = []
      for line in body {
        below.formUnion(line[column + shift])
      }
      let isMixed = body.contains { $0[column + shift].isOther }
      if isMixed { bodyIsBits = false }
      if below.contains(.bit), !isMixed { numberable.append(column) }
      if first[column].contains(.bit), bodyIsQuoted || !first[column].contains(.quoted),
        !first[column].contains(.word) || below.contains(.word),
        // A letter is a name where words have more letters than one, all of them.
        !first[column].contains(.letter) || bodyHasLetters
      {
        bits.append(column)
      }
      if first[column].isOther, below.contains(.bit) { named += 1 }
      if first[column].contains(.word), below.contains(.bit), !below.contains(.word) { wordsOverNumbers += 1 }
    }
    if named > 0 {
      // A first line with a bit is a row with a wrong cell, unless its numbers count the columns.
      if !bits.isEmpty, !count(numberable) { return false }
      if texts > 0 { return true }
      let isCell = first.contains { $0.contains(.fraction) || $0.contains(.padded) && !bits.isEmpty }
      let areDistinct = Set(names.dropFirst(start)).count == names.count - start
      return areDistinct && bodyIsBits && !isCell && first.count > 1
    }
    if texts == first.count { return true }
    if wordsOverNumbers > 0, first.allSatisfy({ $0.isOther || $0.contains(.word) }) { return true }
    return Set(names).count == names.count && first.allSatisfy { $0.contains(.quoted) } && !bodyIsQuoted
  }

  /// Whether the names of these columns are whole numbers that follow one another, from 0 or 1 on.
  private func count(_ columns: [Int]) -> Bool {
    guard let first = columns.first.flatMap({ Int(names[$0]) }), first == 0 || first == 1 else {
      return false
    }
    return columns.enumerated().allSatisfy { names[$1] == "\(first + $0)" }
  }

  // MARK: Numbers of rows

  /// Whether the first column counts the rows, from 0 or 1 on.
  var countsRows: Bool {
    guard let first = firstNumbers.first, let first, first == 0 || first == 1 else { return false }
    return firstNumbers.enumerated().allSatisfy { $1 == first + $0 }
  }

  /// Whether the first column has no name of its own, as pandas and R write the numbers of rows.
  var isFirstWithoutName: Bool {
    guard names.count > 1, let name = names.first else { return false }
    return name.isEmpty || name.hasPrefix("Unnamed: 0")
  }

  /// Whether the first fields of the lines after the first are not all bits, so that they may be names.
  var firstAreNames: Bool { body.contains { !($0.first?.contains(.bit) ?? true) } }

  /// Whether nothing stands behind the last delimiter of any line.
  func lastIsEmpty(includingFirst: Bool) -> Bool {
    let lines = (includingFirst ? [first] : []) + body
    return !body.isEmpty && lines.allSatisfy { $0.last?.contains(.empty) ?? false }
  }

  /// Whether pandas wrote numbers of rows before columns that are called 0, 1, 2 and so on.
  private var hasRowNumbers: Bool {
    guard extraFields == 0, isFirstWithoutName, countsRows, firstNumbers.count > 1 else { return false }
    return names[1] == "0" && count(Array(1..<names.count))
  }

  /// Returns for each column whether none of the lines has a bit in it, though it has other cells.
  func columnsWithoutBits(_ columnCount: Int, includingFirst: Bool) -> [Bool] {
    var hasOthers = [Bool](repeating: false, count: columnCount)
    var hasBits = hasOthers
    for line in (includingFirst ? [first] : []) + body where line.count == columnCount {
      for column in line.indices {
        hasOthers[column] = hasOthers[column] || line[column].isOther
        hasBits[column] = hasBits[column] || line[column].contains(.bit)
      }
    }
    return zip(hasOthers, hasBits).map { $0 && !$1 }
  }
}

extension TableOptions {
  /// Returns which columns are kept where they are asked for by numbers alone, or nil.
  fileprivate static func columns(_ options: TableOptions, columnCount: Int) -> [Bool]? {
    guard options.columns != nil || !options.ignored.isEmpty,
      let selection = try? ColumnSelection(options, names: nil, columnCount: columnCount)
    else { return nil }
    var isKept = [Bool](repeating: false, count: columnCount)
    for column in selection.kept { isKept[column] = true }
    return isKept
  }
}

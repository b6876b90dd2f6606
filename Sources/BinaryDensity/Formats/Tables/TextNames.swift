/// Whether the first line of a text names its columns, told by the lines that follow.
struct TextNames {
  /// What the fields of the first line are.
  let first: [TextTraits]
  /// What those of the lines after it are.
  let body: [[TextTraits]]
  /// How many fields more than the first line all others have: 1 where R wrote names of rows.
  let extraFields: Int

  init(_ lines: ArraySlice<TextSample>, _ delimiter: TextDelimiter, _ words: TextWords) {
    first = lines.first?.traits(delimiter, words) ?? []
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
    for column in first.indices where column + shift < (body.first?.count ?? 0) {
      guard numbered?[column + shift] ?? true else { continue }
      var below: TextTraits = []
      for line in body {
        below.formUnion(line[column + shift])
        if line[column + shift].isOther { bodyIsBits = false }
      }
      if first[column].isOther, below.contains(.bit) { named += 1 }
      if first[column].contains(.word), below.contains(.bit), !below.contains(.word) { wordsOverNumbers += 1 }
    }
    // A row of bits with a wrong cell has the same bit twice; names are distinct.
    let bits = first.filter { $0.contains(.bit) && !$0.contains(.word) }
    let areDistinct = bits.count { $0.contains(.on) } <= 1 && bits.count { !$0.contains(.on) } <= 1
    if named > 0 {
      if texts > 0 { return areDistinct }
      // Names that are numbers count the columns: a fraction is a cell, and so is 01 beside 1.
      let isCell = first.contains { $0.contains(.fraction) || $0.contains(.padded) && !bits.isEmpty }
      return areDistinct && bodyIsBits && !isCell && first.count > 1
    }
    if texts == first.count { return true }
    if wordsOverNumbers > 0, first.allSatisfy({ $0.isOther || $0.contains(.word) }) { return true }
    return areDistinct && first.allSatisfy { $0.contains(.quoted) }
      && !body.contains { $0.contains { $0.contains(.quoted) } }
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

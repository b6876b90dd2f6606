extension QueryParser {
  /// Reads `count = (AT LEAST | AT MOST | EXACTLY) number OF list`; nil if the text goes on with something else.
  mutating func count() throws(QueryMistake) -> Query.Event? {
    let word: String
    if next.isKeyword("at"), afterNext.isKeyword("least") || afterNext.isKeyword("most") {
      advance()
      word = next.isKeyword("least") ? "least" : "most"
      advance()
    } else if next.isKeyword("exactly"), case .word(let text) = afterNext.kind, Int(text) != nil {
      word = "exactly"
      advance()
    } else {
      return nil
    }
    guard case .word(let text) = next.kind, let wanted = Int(text), wanted >= 0 else {
      throw mistake("a number such as 2")
    }
    let place = next.place
    advance()
    guard take(keyword: "of") else { throw mistake("\"of\" and a list of columns") }
    let items = try list()
    guard wanted <= items.count else {
      throw QueryMistake(
        place: place, expected: "a number from 0 to \(items.count), for so long is the list",
        found: "\(wanted)")
    }
    return switch word {
    case "least": .count(wanted...items.count, of: items)
    case "most": .count(0...wanted, of: items)
    default: .count(wanted...wanted, of: items)
    }
  }

  /// Reads `list = ALL | "(" item { "," item } ")" | columns { "," columns }`.
  private mutating func list() throws(QueryMistake) -> [Query.Event] {
    if take(keyword: "all") {
      let all = 0..<vocabulary.columnCount
      try mention(all, at: next.place)
      return all.map { .cell($0, true) }
    }
    var items: [Query.Event] = []
    if take(sign: "(") {
      let count = unknownCount
      repeat { items += try item() } while take(sign: ",")
      try checkDecided(since: count)
      try expect(sign: ")", "\",\" or \")\"")
      return items
    }
    repeat { items += try plainColumns() } while take(sign: ",")
    guard next.isSign("|") || next.isSign(")") || next.kind == .end else {
      throw mistake(
        "\",\", \"|\" or \")\" (brackets say where a list ends: at least 2 of (a, b, c), d=1)")
    }
    return items
  }

  /// Reads `item = columns | either`.
  private mutating func item() throws(QueryMistake) -> [Query.Event] {
    if case .numbers = next.kind, afterNext.isSign(",") || afterNext.isSign(")") { return try plainColumns() }
    return [try either()]
  }

  /// Reads columns without a value; each is an event.
  private mutating func plainColumns() throws(QueryMistake) -> [Query.Event] {
    let token = next
    let columns = try columns()
    try mention(columns, at: token.place)
    return columns.map { .cell($0, true) }
  }

  /// Reads `cell = columns [("=" | "!=") value]`.
  mutating func cell() throws(QueryMistake) -> Query.Event {
    let name = next
    let isGiven = isGivenValue
    if isGiven, let group = try groupCell() { return group }
    let columns = try columns()
    guard isGiven else {
      try mention(columns, at: name.place)
      return Self.event(columns, true)
    }
    let isNegated = next.isSign("!=")
    advance()
    let (word, value) = try value()
    switch vocabulary.meaning(of: word) {
    case .value(let isOn):
      try mention(columns, at: name.place)
      let event = Self.event(columns, isOn)
      return isNegated ? .not(event) : event
    case .unknown:
      if isNegated { throw Self.undecided(at: value.place) }
      try mentionUnknown(columns, at: name.place, mark: value.place)
      return .certain
    case nil:
      throw QueryMistake(
        place: value.place, expected: "a value: \(vocabulary.expectedValues)", found: value.found)
    }
  }

  private static func event(_ columns: [Int], _ value: Bool) -> Query.Event {
    columns.count == 1 ? .cell(columns[0], value) : .all(columns.map { .cell($0, value) })
  }

  /// Reads the value after "=".
  private mutating func value() throws(QueryMistake) -> (word: String, token: QueryToken) {
    let token = next
    switch token.kind {
    case .word(let word), .quoted(let word):
      advance()
      return (word, token)
    case .sign("?"):
      advance()
      return ("?", token)
    default:
      throw mistake("a value: \(vocabulary.expectedValues)")
    }
  }

  /// Reads `color=red` where columns `color=red` and `color=blue`, or `color_red` and `color_blue`, are one variable;
  /// nil where `color` is no such group.
  private mutating func groupCell() throws(QueryMistake) -> Query.Event? {
    let token = next
    guard case .word(let name) = token.kind, vocabulary.columns(named: name).isEmpty,
      let group = vocabulary.group(named: name)
    else { return nil }
    advance()
    let isNegated = next.isSign("!=")
    advance()
    let (word, value) = try value()
    if word == "?" {
      if isNegated { throw Self.undecided(at: value.place) }
      try mentionUnknown(group.columns, at: token.place, mark: value.place)
      return .certain
    }
    guard let place = group.values.firstIndex(of: word) else {
      let near = vocabulary.suggest(word, group.values).map { "; did you mean \(quoted($0.utf8))?" }
      throw QueryMistake(
        place: value.place, expected: "a value of \(name): \(Self.some(group.values))",
        found: value.found + (near ?? ""))
    }
    try mention(group.columns, at: token.place)
    note(Query.Category(name: name, columns: group.columns))
    let event = Query.Event.all(group.columns.indices.map { .cell(group.columns[$0], $0 == place) })
    return isNegated ? .not(event) : event
  }

  /// Reads columns: a name, or numbers.
  mutating func columns() throws(QueryMistake) -> [Int] {
    let token = takesBareNumbers ? next.withBareNumbers : next
    let result: [Int]
    switch token.kind {
    case .numbers(let range):
      guard range.upperBound < vocabulary.columnCount else {
        throw mistake("a column's number up to #\(vocabulary.columnCount)")
      }
      result = Array(range)
    case .word(let name), .quoted(let name):
      result = vocabulary.columns(named: name)
      if result.isEmpty { throw unknownName(name, token) }
      if result.count > 1 {
        let numbers = result.map { "#\($0 + 1)" }
        throw QueryMistake(
          place: token.place, expected: "a name of one column, or a number",
          found: "\(token.found), which \(Self.some(numbers)) are called")
      }
    default: throw mistake("a column")
    }
    advance()
    return result
  }

  private func unknownName(_ name: String, _ token: QueryToken) -> QueryMistake {
    if let group = vocabulary.group(named: name) {
      return QueryMistake(
        place: token.place, expected: "a value of \(name), as in \(name)=\(group.values[0])", found: "none")
    }
    var found = token.found
    if vocabulary.columnNames == nil || Int(name) != nil {
      found +=
        Int(name).map { "; columns by number are #1 to #\(vocabulary.columnCount), as in #\($0)" } ?? ""
    } else if case .word = token.kind,
      let whole = vocabulary.columnNames?.first(where: { $0.hasPrefix(name + " ") })
    {
      found += "; a name with blanks needs its double quotes: \(quoted(whole.utf8))"
    } else if let near = vocabulary.nearest(to: name) {
      found += "; did you mean \(quoted(near.utf8))?"
    }
    return QueryMistake(
      place: token.place, expected: "a column, of which \(vocabulary.description)", found: found)
  }

  private static func some(_ words: [String]) -> String {
    words.prefix(6).joined(separator: ", ") + (words.count > 6 ? ", …" : "")
  }
}

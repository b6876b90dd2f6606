/// Reads one query: a method for each rule of the grammar that stands at `Query`.
struct QueryParser {
  let vocabulary: QueryVocabulary
  private let tokens: [QueryToken]
  private var index = 0
  private var depth = 0
  /// The cells that the present side speaks of, in their order, and where.
  private(set) var mentions: [(column: Int, place: Int)] = []
  /// Columns of which a side says that they are unknown.
  private(set) var unknown: Set<Int> = []
  /// Where it says so.
  private var unknownPlaces: [Int] = []
  /// The columns that are taken for one variable.
  private(set) var categories: [Query.Category] = []

  /// Whether a number without # may be a column's.
  var takesBareNumbers = false

  /// Brackets and negations nest at most so deep, far below what a thread's stack holds.
  private static let depthLimit = 100
  /// A query speaks of at most so many cells, however often it repeats them.
  private static let mentionLimit = 1 << 20

  init(_ text: String, _ vocabulary: QueryVocabulary) throws(QueryMistake) {
    self.vocabulary = vocabulary
    tokens = try QueryToken.tokens(of: text)
  }

  var next: QueryToken { tokens[index] }
  /// The token after the next one; the end has none.
  var afterNext: QueryToken { tokens[min(index + 1, tokens.count - 1)] }
  /// Whether a value follows the next name.
  var isGivenValue: Bool { afterNext.isSign("=") || afterNext.isSign("!=") }
  mutating func advance() { index = min(index + 1, tokens.count - 1) }

  mutating func take(sign: String) -> Bool {
    guard next.isSign(sign) else { return false }
    advance()
    return true
  }

  mutating func take(keyword: String) -> Bool {
    guard next.isKeyword(keyword) else { return false }
    advance()
    return true
  }

  mutating func expect(sign: String, _ expected: String) throws(QueryMistake) {
    guard take(sign: sign) else { throw mistake(expected) }
  }

  func mistake(_ expected: String) -> QueryMistake {
    QueryMistake(place: next.place, expected: expected, found: next.found)
  }

  /// Reads the whole text.
  mutating func query() throws(QueryMistake) -> (event: Query.Event, condition: Query.Event?, isLog: Bool) {
    let isLog = take(keyword: "log")
    guard take(keyword: "p") else { throw mistake("P(…) or log P(…)") }
    try expect(sign: "(", "\"(\" after P")
    let event = try side()
    let eventMentions = mentions
    var condition: Query.Event?
    if take(sign: "|") {
      mentions = []
      unknown = []
      condition = try side()
      try checkDisjoint(event, eventMentions, condition)
    }
    try expect(sign: ")", "\",\", \"and\", \"or\"\(condition == nil ? ", \"|\"" : "") or \")\"")
    guard next.kind == .end else { throw mistake("the end of the query after \")\"") }
    return (event, condition, isLog)
  }

  /// Reads one cell that has a value: what it says, and the columns that it says are unknown.
  mutating func cellWithValue() throws(QueryMistake) -> (event: Query.Event, unknown: Set<Int>) {
    let before = unknown
    let event = try simple()
    return (event, unknown.subtracting(before))
  }

  private mutating func side() throws(QueryMistake) -> Query.Event {
    let event = try event()
    try checkCells(of: event)
    return event
  }

  /// Reads `event = either { "," either }`.
  mutating func event() throws(QueryMistake) -> Query.Event {
    try sequence(join: Query.Event.all, { $0.take(sign: ",") }) { (parser) throws(QueryMistake) in
      try parser.either()
    }
  }

  /// Reads `either = both { OR both }`.
  mutating func either() throws(QueryMistake) -> Query.Event {
    let count = unknownCount
    let event = try sequence(join: Query.Event.any, { $0.take(keyword: "or") }) {
      (parser) throws(QueryMistake) in try parser.both()
    }
    if case .any = event { try checkDecided(since: count) }
    return event
  }

  /// Reads `both = simple { AND simple }`.
  private mutating func both() throws(QueryMistake) -> Query.Event {
    try sequence(join: Query.Event.all, { $0.take(keyword: "and") || $0.take(sign: "&") }) {
      (parser) throws(QueryMistake) in try parser.simple()
    }
  }

  private mutating func sequence(
    join: ([Query.Event]) -> Query.Event, _ goesOn: (inout QueryParser) -> Bool,
    _ part: (inout QueryParser) throws(QueryMistake) -> Query.Event
  ) throws(QueryMistake) -> Query.Event {
    var parts = [try part(&self)]
    while goesOn(&self) { parts.append(try part(&self)) }
    return parts.count == 1 ? parts[0] : join(parts)
  }

  /// Reads `simple = (NOT | "!") simple | "(" event ")" | count | cell`.
  private mutating func simple() throws(QueryMistake) -> Query.Event {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw mistake("at most \(Self.depthLimit) brackets and negations inside one another")
    }
    if take(sign: "!") || takeNot() {
      let count = unknownCount
      let event = try simple()
      try checkDecided(since: count)
      return .not(event)
    }
    if take(sign: "(") {
      let event = try event()
      try expect(sign: ")", "\",\", \"and\", \"or\" or \")\"")
      return event
    }
    if let count = try count() { return count }
    return try cell()
  }

  /// Takes note of cells; they are those of columns of the table.
  mutating func mention(_ columns: some Collection<Int>, at place: Int) throws(QueryMistake) {
    guard mentions.count + columns.count <= Self.mentionLimit else {
      throw QueryMistake(
        place: place, expected: "at most \(Self.mentionLimit) cells in a query", found: "more of them")
    }
    for column in columns { mentions.append((column, place)) }
  }

  private mutating func takeNot() -> Bool {
    guard next.isKeyword("not"), afterNext.isOperand else { return false }
    advance()
    return true
  }

  /// Takes note of columns that are said to be unknown by a "?".
  mutating func mentionUnknown(_ columns: [Int], at place: Int, mark: Int) throws(QueryMistake) {
    try mention(columns, at: place)
    unknown.formUnion(columns)
    unknownPlaces.append(mark)
  }

  /// Takes note that columns are taken for one variable.
  mutating func note(_ category: Query.Category) {
    if !categories.contains(category) { categories.append(category) }
  }

  /// How often something has been said to be unknown.
  var unknownCount: Int { unknownPlaces.count }

  /// Checks that nothing has been said to be unknown since there were so many of them: what is no condition can neither
  /// be true nor not.
  func checkDecided(since count: Int) throws(QueryMistake) {
    if unknownPlaces.count > count { throw Self.undecided(at: unknownPlaces[count]) }
  }

  /// The mistake that a "?" is asked whether it is true.
  static func undecided(at place: Int) -> QueryMistake {
    QueryMistake(
      place: place,
      expected: "0 or 1 (unknown is no condition: \"not\", \"or\" and counts say nothing of it)",
      found: "\"?\"")
  }
}

// MARK: - What contradicts itself

extension QueryParser {
  /// Checks that the cells of a conjunction do not contradict each other.
  private func checkCells(of event: Query.Event) throws(QueryMistake) {
    var known: [Int: Bool] = [:]
    for (column, value) in event.cells {
      if known.updateValue(value, forKey: column) == !value {
        throw QueryMistake(
          place: place(of: column), expected: "one value of \(name(of: column))", found: "both 0 and 1")
      }
    }
    if let column = event.columns.filter(unknown.contains).min() {
      throw QueryMistake(
        place: place(of: column), expected: "one value of \(name(of: column))", found: "both ? and a value")
    }
  }

  /// Checks that no column stands in two conjunctions, of which one is given and the other asked for.
  private func checkDisjoint(
    _ event: Query.Event, _ eventMentions: [(column: Int, place: Int)], _ condition: Query.Event?
  ) throws(QueryMistake) {
    guard event.isConjunction, let condition, condition.isConjunction else { return }
    let asked = event.columns
    if let (column, place) = mentions.first(where: {
      asked.contains($0.column) && !unknown.contains($0.column)
    }) {
      throw QueryMistake(
        place: place, expected: "a column that is not asked for",
        found: "\(name(of: column)), which stands before \"|\" too")
    }
  }

  /// Where a column is spoken of last.
  private func place(of column: Int) -> Int { mentions.last { $0.column == column }?.place ?? 1 }

  /// A column's name, for an error.
  func name(of column: Int) -> String {
    vocabulary.columnNames.map { quoted($0[column].utf8) } ?? "#\(column + 1)"
  }
}

extension Query.Event {
  /// The cells of which the event consists, as far as it is a conjunction.
  fileprivate var cells: [(Int, Bool)] {
    switch self {
    case .cell(let column, let value): [(column, value)]
    case .not(.cell(let column, let value)): [(column, !value)]
    case .all(let events): events.flatMap(\.cells)
    default: []
    }
  }

  /// Whether the event is a conjunction of cells and nothing else.
  fileprivate var isConjunction: Bool {
    switch self {
    case .cell, .not(.cell): true
    case .all(let events): events.allSatisfy(\.isConjunction)
    default: false
    }
  }
}

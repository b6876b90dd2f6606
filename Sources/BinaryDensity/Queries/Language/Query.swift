/// A question about a density: how probable an event is, given another.
///
///     let vocabulary = QueryVocabulary(checkpoint)
///     let query = try Query("P(runner | smoker=1, vegan=?)", vocabulary)
///     let answers = try QueryEngine(checkpoint.model).answers(to: [query])
///
/// The grammar; words in capitals stand for themselves in any case, and blanks mean nothing between words:
///
///     query       = ["log"] "P" "(" event ["|" event] ")"
///     event       = either { "," either }                        all of them: a comma binds loosest
///     either      = both { OR both }
///     both        = simple { AND simple }
///     simple      = (NOT | "!") simple | "(" event ")" | count | cell
///     count       = (AT LEAST | AT MOST | EXACTLY) number OF list
///     list        = ALL | "(" item { "," item } ")" | columns { "," columns }
///     item        = columns | either
///     cell        = columns [("=" | "!=") value]                 without a value: it is on
///     columns     = name | "#" number ["-" "#" number]           by number from 1, as everywhere
///     value       = "1" | "0" | a word of the table | "?"        "?": unknown, no condition; not under NOT, OR, counts
///     name        = a word without blanks and , ( ) | = ! & ? "; any other stands in double quotes, "" for " in them
///
/// A range of columns means that all of them are on, or have the value; in a list each of them is an item. A list without
/// brackets goes on to the end of its side. Where columns `color=red` and `color=blue`, or `color_red` and
/// `color_blue`, were one variable, `color=red` says that the named one is on and the others are off.
public struct Query: Hashable, Sendable {
  /// What was asked, as it was written.
  public let text: String
  /// The event whose probability is asked for.
  public let event: Event
  /// What is given; nil if nothing is.
  public let condition: Event?
  /// Whether its logarithm is asked for.
  public let isLogarithm: Bool
  /// The columns that it takes for one variable of several values, as `color=red` takes all columns `color_…`.
  public let categories: [Category]

  /// Creates a question.
  public init(
    text: String, event: Event, condition: Event? = nil, isLogarithm: Bool = false,
    categories: [Category] = []
  ) {
    self.text = text
    self.event = event
    self.condition = condition
    self.isLogarithm = isLogarithm
    self.categories = categories
  }

  /// Columns that are taken for one variable of several values: one of them is on, and the others are off.
  public struct Category: Hashable, Sendable {
    /// The variable's name: what the columns' names begin with.
    public let name: String
    /// The columns, counted from 0.
    public let columns: [Int]
  }

  /// What may be true of a row: cells, and what "not", "and", "or" and counts make of them.
  public indirect enum Event: Hashable, Sendable {
    /// A column, counted from 0, has this value.
    case cell(Int, Bool)
    /// The event is not true.
    case not(Event)
    /// All are true; of none, that is certain.
    case all([Event])
    /// At least one is true; of none, that is impossible.
    case any([Event])
    /// So many of them are true.
    case count(ClosedRange<Int>, of: [Event])
  }
}

extension Query.Event {
  /// What is true of every row.
  public static let certain = Query.Event.all([])
  /// What is true of no row.
  public static let impossible = Query.Event.any([])

  /// Whether it is true of a row.
  ///
  /// - Parameter isOn: the row's value in a column.
  public func isTrue(of isOn: (Int) -> Bool) -> Bool {
    switch self {
    case .cell(let column, let value): isOn(column) == value
    case .not(let event): !event.isTrue(of: isOn)
    case .all(let events): events.allSatisfy { $0.isTrue(of: isOn) }
    case .any(let events): events.contains { $0.isTrue(of: isOn) }
    case .count(let range, let events): range.contains(events.count { $0.isTrue(of: isOn) })
    }
  }

  /// Returns what is left to be asked once some columns are known; `certain` or `impossible` if nothing is.
  ///
  /// No part of the result is certain or impossible, and nothing but a count is negated in it.
  /// - Parameter value: the value of a column, nil if it is not known.
  public func reduced(_ value: (Int) -> Bool?) -> Query.Event {
    switch self {
    case .cell(let column, let wanted):
      guard let known = value(column) else { return self }
      return known == wanted ? .certain : .impossible
    case .not(let event):
      return event.reduced(value).negated
    case .all(let events):
      let rest = events.map { $0.reduced(value) }.filter { $0 != .certain }
      if rest.contains(.impossible) { return .impossible }
      return rest.count == 1 ? rest[0] : .all(rest)
    case .any(let events):
      let rest = events.map { $0.reduced(value) }.filter { $0 != .impossible }
      if rest.contains(.certain) { return .certain }
      return rest.count == 1 ? rest[0] : .any(rest)
    case .count(let range, let events):
      let reduced = events.map { $0.reduced(value) }
      let trueCount = reduced.count { $0 == .certain }
      return .counting(
        range.lowerBound - trueCount, range.upperBound - trueCount,
        of: reduced.filter { $0 != .certain && $0 != .impossible })
    }
  }

  /// The event that it is not true.
  private var negated: Query.Event {
    switch self {
    case .certain: .impossible
    case .impossible: .certain
    case .cell(let column, let value): .cell(column, !value)
    case .not(let event): event
    case .all(let events): .any(events.map(\.negated))
    case .any(let events): .all(events.map(\.negated))
    case .count(let range, let events) where range.lowerBound == 0:
      .counting(range.upperBound + 1, events.count, of: events)
    case .count(let range, let events) where range.upperBound == events.count:
      .counting(0, range.lowerBound - 1, of: events)
    case .count: .not(self)
    }
  }

  /// The event that from `least` to `most` of some undecided events are true, as simply as it can be said.
  private static func counting(_ least: Int, _ most: Int, of events: [Query.Event]) -> Query.Event {
    if least > events.count || most < 0 { return .impossible }
    if least <= 0 && most >= events.count { return .certain }
    if least == events.count { return events.count == 1 ? events[0] : .all(events) }
    if most == 0 {
      let none = events.map(\.negated)
      return none.count == 1 ? none[0] : .all(none)
    }
    return .count(max(0, least)...min(most, events.count), of: events)
  }

  /// The columns that it speaks of.
  public var columns: Set<Int> {
    var result: Set<Int> = []
    collect(into: &result)
    return result
  }

  private func collect(into columns: inout Set<Int>) {
    switch self {
    case .cell(let column, _): columns.insert(column)
    case .not(let event): event.collect(into: &columns)
    case .all(let events), .any(let events), .count(_, let events):
      for event in events { event.collect(into: &columns) }
    }
  }
}

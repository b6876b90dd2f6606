/// What is known of some columns; all others may have either value.
package struct QueryTerm: Hashable, Sendable {
  /// Creates a term that knows nothing.
  package init() {}

  /// The values of the known columns.
  package fileprivate(set) var values: [Int: Bool] = [:]

  /// Whether it knows nothing, and so has probability 1.
  package var isEmpty: Bool { values.isEmpty }
}

extension Query.Event {
  /// Returns disjoint terms whose probabilities sum to that of the event, or nil if there are more than `limit` of them.
  ///
  ///     p(event) = Σ_t p(t)
  ///
  /// A conjunction of cells is one term. Anything else is decided column by column, the first that still matters in the
  /// given order first, and a column that no longer matters stays unknown.
  /// - Parameter positions: where each column stands in that order. Along a chain's own order most terms are prefixes
  ///   of the columns spoken of, and so easy to answer.
  /// - Complexity: O(terms · columns · size of the event).
  package func terms(limit: Int, positions: [Int]) -> [QueryTerm]? {
    var terms: [QueryTerm] = []
    var open = [(event: reduced { _ in nil }, term: QueryTerm())]
    // Every branch ends in a term or in an impossibility; the latter may be many, and each step looks at the whole event.
    var work = 0
    while var (event, term) = open.popLast() {
      guard event.decideCells(in: &term) else { continue }
      if event == .certain {
        guard terms.count < limit else { return nil }
        terms.append(term)
        continue
      }
      let columns = event.columns
      work += columns.count
      guard work <= max(64 * limit, 1 << 22) else { return nil }
      if let column = columns.min(by: { positions[$0] < positions[$1] }) {
        for value in [false, true] {
          var branch = term
          branch.values[column] = value
          open.append((event.reduced { $0 == column ? value : nil }, branch))
        }
      }
    }
    return terms
  }

  /// Takes the cells that must hold for the event into a term, and leaves what else must.
  ///
  /// - Returns: whether that is possible.
  private mutating func decideCells(in term: inout QueryTerm) -> Bool {
    while true {
      let cells = requiredCells
      if cells.isEmpty { return self != .impossible }
      var values: [Int: Bool] = [:]
      for (column, value) in cells where values.updateValue(value, forKey: column) == !value { return false }
      term.values.merge(values) { $1 }
      self = reduced { values[$0] }
    }
  }

  /// The cells of which the event, if it is a conjunction, consists among other things.
  private var requiredCells: [(Int, Bool)] {
    switch self {
    case .cell(let column, let value): [(column, value)]
    case .all(let events): events.flatMap(\.requiredCells)
    default: []
    }
  }

  /// Returns the cells that must hold for the event, and what else must; nil if it is impossible.
  func decided() -> (term: QueryTerm, rest: Query.Event)? {
    var (rest, term) = (reduced { _ in nil }, QueryTerm())
    return rest.decideCells(in: &term) ? (term, rest) : nil
  }

  /// The event as one term, or nil if it is no conjunction of cells, or an impossible one.
  package var term: QueryTerm? { decided().flatMap { $0.rest == .certain ? $0.term : nil } }
}

extension PartialRows {
  /// Creates rows of what terms know.
  init(_ terms: some Collection<QueryTerm>, columnCount: Int) {
    var values = BinaryMatrix(rowCount: terms.count, columnCount: columnCount)
    var known = values
    for (row, term) in terms.enumerated() {
      for (column, value) in term.values {
        known[row, column] = true
        if value { values[row, column] = true }
      }
    }
    self.init(values: values, known: known)
  }
}

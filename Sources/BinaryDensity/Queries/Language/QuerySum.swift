import Kernels

/// The terms of a question: of its event and condition together, and of the condition alone.
struct QuerySum: Hashable, Sendable {
  let joint: [QueryTerm]
  /// Nil if nothing is given.
  let condition: [QueryTerm]?

  /// All of them.
  var terms: [QueryTerm] { joint + (condition ?? []) }
  var termCount: Int { joint.count + (condition?.count ?? 0) }

  /// Expands a question; nil if there are more than `limit` terms in a sum.
  init?(_ query: Query, limit: Int, positions: [Int]) {
    guard let joint = query.joint.terms(limit: limit, positions: positions) else { return nil }
    self.joint = joint
    // Nothing is given either where all that is given is unknown.
    if let condition = query.condition, condition.reduced({ _ in nil }) != .certain {
      guard let terms = condition.terms(limit: limit, positions: positions) else { return nil }
      self.condition = terms
    } else {
      condition = nil
    }
  }
}

extension Query {
  /// The event together with the condition.
  var joint: Event { condition.map { .all([$0, event]) } ?? event }
  /// The columns that it speaks of.
  public var columns: Set<Int> { joint.columns }
}

extension Query.Event {
  /// The numbers of on-bits of rows for which the event holds, if it is the event that the columns which a term leaves
  /// unknown have so many.
  func onBitCounts(besides term: QueryTerm, variableCount: Int) -> ClosedRange<Int>? {
    guard case .count(let range, let events) = self, events.count == variableCount - term.values.count else {
      return nil
    }
    var counted: Set<Int> = []
    for case .cell(let column, true) in events where term.values[column] == nil { counted.insert(column) }
    let known = term.values.values.count { $0 }
    return counted.count == events.count ? range.lowerBound + known...range.upperBound + known : nil
  }
}

extension QueryNode {
  /// Returns log p(Σ x = n, x_known) of each row for n = 0 … D, or nil if the density does not have it.
  func logMarginalsByOnBitCount(of evidence: PartialRows) -> [[Double]]? {
    switch self {
    case .tractable(let density):
      let terms = density.logMarginalsByOnBitCount(of: evidence)
      return (0..<evidence.rowCount).map { row in (0...evidence.columnCount).map { terms[row, $0] } }
    case .mixture(let logWeights, let parts):
      var terms: [[[Double]]] = []
      for part in parts {
        guard let own = part.logMarginalsByOnBitCount(of: evidence) else { return nil }
        terms.append(own)
      }
      return (0..<evidence.rowCount).map { row in
        (0...evidence.columnCount).map { n in
          logSumExp(terms.indices.map { logWeights[$0] + terms[$0][row][n] })
        }
      }
    case .chain, .opaque: return nil
    }
  }
}

import BinaryDensity
import Kernels
import Testing

extension Query.Event {
  /// An event of six columns, of so many levels.
  static func random(depth: Int, using generator: inout Philox) -> Query.Event {
    let kind = depth == 0 ? 0 : Int.random(in: 0..<6, using: &generator)
    func parts() -> [Query.Event] {
      (0..<Int.random(in: 0...4, using: &generator)).map { _ in random(depth: depth - 1, using: &generator) }
    }
    switch kind {
    case 0, 1: return .cell(Int.random(in: 0..<6, using: &generator), Bool.random(using: &generator))
    case 2: return .not(random(depth: depth - 1, using: &generator))
    case 3: return .all(parts())
    case 4: return .any(parts())
    default:
      let events = parts()
      let least = Int.random(in: 0...events.count, using: &generator)
      return .count(least...Int.random(in: least...events.count, using: &generator), of: events)
    }
  }
}

@Suite("Events as sums of terms")
struct QueryExpansionTests {
  @Test("exactly one term holds where the event does, and none elsewhere", arguments: 0..<40 as Range<UInt64>)
  func partition(_ seed: UInt64) throws {
    var generator = Philox(seed: seed)
    let rows = BinaryMatrix.allRows(ofWidth: 6)
    for depth in 0..<5 {
      let event = Query.Event.random(depth: depth, using: &generator)
      let terms = try #require(
        event.terms(limit: 64, positions: Ordering.random(count: 6, seed: seed).positions))
      for row in 0..<rows.rowCount {
        let holding = terms.count { $0.values.allSatisfy { rows[row, $0.key] == $0.value } }
        #expect(holding == (event.isTrue { rows[row, $0] } ? 1 : 0), "\(event)")
      }
      // What some columns leave of an event is true where the event is.
      let reduced = event.reduced { $0 < 3 ? $0 == 1 : nil }
      for row in 0..<rows.rowCount where !rows[row, 0] && rows[row, 1] && !rows[row, 2] {
        #expect(event.isTrue { rows[row, $0] } == reduced.isTrue { rows[row, $0] })
      }
      #expect(reduced.columns.isDisjoint(with: 0..<3))
      if let term = event.term { #expect(terms == [term]) }
    }
  }

  @Test("conjunctions are one term, whatever their length, and no more is decided than matters")
  func sizes() throws {
    let positions = Array(0..<1000)
    func cells(_ range: Range<Int>) -> [Query.Event] { range.map { .cell($0, $0 % 3 == 0) } }
    let conjunction = Query.Event.all([.all(cells(0..<500)), .not(.any(cells(500..<1000)))])
    let terms = try #require(conjunction.terms(limit: 1, positions: positions))
    #expect(terms.count == 1 && terms[0].values.count == 1000 && terms[0].values[999] == false)
    #expect(conjunction.term == terms[0])
    // a, or not a and b, or neither and c, …
    let any = try #require(Query.Event.any(cells(0..<1000)).terms(limit: 1000, positions: positions))
    #expect(any.count == 1000 && any.map(\.values.count).sorted() == Array(1...1000))
    #expect(
      Query.Event.count(1...1, of: cells(0..<300)).terms(limit: 300, positions: positions)?.count == 300)
    #expect(
      Query.Event.count(299...300, of: cells(0..<300)).terms(limit: 300, positions: positions)?.count == 300)
    #expect(Query.Event.count(0...300, of: cells(0..<300)).terms(limit: 1, positions: positions)?.count == 1)
    // (a and b) or (c and d): not a leaves b open.
    let pairs = Query.Event.any([.all(cells(0..<2)), .all(cells(2..<4))])
    #expect(pairs.terms(limit: 9, positions: positions)?.count == 3)
    #expect(
      Query.Event.any([.cell(0, true), .cell(0, false)]).terms(limit: 9, positions: positions)?.count == 2)
    #expect(Query.Event.certain.terms(limit: 1, positions: []) == [QueryTerm()])
    #expect(Query.Event.impossible.terms(limit: 1, positions: []) == [])
    #expect(Query.Event.all([.cell(0, true), .cell(0, false)]).terms(limit: 1, positions: positions) == [])
  }

  @Test("an expansion that is too long ends early")
  func limit() {
    let half = Query.Event.count(20...20, of: (0..<40).map { .cell($0, true) })
    #expect(half.terms(limit: 1 << 12, positions: Array(0..<40)) == nil)
    // Of an exclusive or every branch but one in two is impossible, and all are of full depth.
    let pairs = (0..<30).map { Query.Event.not(.count(1...1, of: [.cell($0, true), .cell($0 + 30, true)])) }
    #expect(Query.Event.all(pairs).terms(limit: 1 << 10, positions: Array(0..<60)) == nil)
    // The same one by one: a list that contradicts itself only at its end.
    let late = Query.Event.all(pairs + [.any([.all([.cell(60, true), .cell(61, true)]), .cell(62, false)])])
    #expect(late.terms(limit: 1 << 10, positions: Array(0..<63)) == nil)
  }
}

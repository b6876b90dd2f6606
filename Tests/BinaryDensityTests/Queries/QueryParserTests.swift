import BinaryDensity
import Testing

@Suite("The language of queries")
struct QueryParserTests {
  static let names = [
    "a", "b", "c", "d", "red wine", "color=red", "color=blue", "color=green", "size_small", "size_big", "or",
    "7",
  ]
  static let vocabulary = QueryVocabulary(columnCount: names.count, columnNames: names)

  static func cells(_ values: KeyValuePairs<Int, Bool>) -> Query.Event {
    .all(values.map { .cell($0.key, $0.value) })
  }

  @Test(
    "says what it means",
    arguments: [
      ("P(a)", .cell(0, true)), ("P(a=1)", .cell(0, true)), ("P(a=0)", .cell(0, false)),
      ("P(a=yes)", .cell(0, true)), ("P(a = False)", .cell(0, false)), ("P(a!=1)", .not(.cell(0, true))),
      ("P(!a)", .not(.cell(0, true))), ("P(not a=0)", .not(.cell(0, false))),
      ("p( NOT not a )", .not(.not(.cell(0, true)))),
      ("P(a, b=0)", cells([0: true, 1: false])), ("P(a and b=0)", cells([0: true, 1: false])),
      ("P(a & b)", cells([0: true, 1: true])), ("P(a or b)", .any([.cell(0, true), .cell(1, true)])),
      // "and" binds before "or", "or" before a comma.
      ("P(a or b and c)", .any([.cell(0, true), cells([1: true, 2: true])])),
      ("P(a, b or c)", .all([.cell(0, true), .any([.cell(1, true), .cell(2, true)])])),
      ("P((a, b) or c)", .any([cells([0: true, 1: true]), .cell(2, true)])),
      ("P(\"red wine\"=1)", .cell(4, true)), ("P(#5)", .cell(4, true)),
      ("P(#2-#4=0)", cells([1: false, 2: false, 3: false])),
      ("P(#2-3)", cells([1: true, 2: true])), ("P(or or or)", .any([.cell(10, true), .cell(10, true)])),
      ("P(7)", .cell(11, true)), ("P(a=?)", .all([])), ("P(a, b=?)", .all([.cell(0, true), .all([])])),
      ("P(color=red)", cells([5: true, 6: false, 7: false])), ("P(size=big)", cells([8: false, 9: true])),
      ("P(color!=blue)", .not(cells([5: false, 6: true, 7: false]))), ("P(\"color=red\")", .cell(5, true)),
      ("P(\"color=red\"=0)", .cell(5, false)), ("P(size_big)", .cell(9, true)), ("P(color=?)", .all([])),
      ("P(at least 2 of a,b,c)", .count(2...3, of: [.cell(0, true), .cell(1, true), .cell(2, true)])),
      ("P(at most 1 of (a, b=0))", .count(0...1, of: [.cell(0, true), .cell(1, false)])),
      ("P(exactly 1 of #1-#3)", .count(1...1, of: [.cell(0, true), .cell(1, true), .cell(2, true)])),
      (
        "P(at least 1 of (#1-#2, c and d), a)",
        .all([
          .count(1...3, of: [.cell(0, true), .cell(1, true), cells([2: true, 3: true])]), .cell(0, true),
        ])
      ),
      ("P(exactly 0 of all)", .count(0...0, of: (0..<12).map { .cell($0, true) })),
      ("P(not at least 1 of a, b)", .not(.count(1...2, of: [.cell(0, true), .cell(1, true)]))),
    ] as [(String, Query.Event)])
  func meaning(_ text: String, _ event: Query.Event) throws {
    let query = try Query(text, Self.vocabulary)
    #expect(query.event == event)
    #expect(query.condition == nil && !query.isLogarithm && query.text == text)
  }

  @Test func hasConditionsAndLogarithms() throws {
    let query = try Query("  log P(a=1 | b=0, c=?) ", Self.vocabulary)
    #expect(query.isLogarithm && query.text == "log P(a=1 | b=0, c=?)")
    #expect(query.event == .cell(0, true) && query.condition == .all([.cell(1, false), .all([])]))
    #expect(query.categories.isEmpty)
    // What is taken for one variable is told of, once, and only where it matters.
    let categories = try Query("P(color=red or color!=blue | size=big)", Self.vocabulary).categories
    #expect(categories.map(\.name) == ["color", "size"])
    #expect(categories.map(\.columns) == [[5, 6, 7], [8, 9]])
    #expect(try Query("P(a | color=?)", Self.vocabulary).categories.isEmpty)
    // What is no list of cells may stand on both sides.
    #expect(try Query("P(a | a or b)", Self.vocabulary).condition == .any([.cell(0, true), .cell(1, true)]))
  }

  @Test(
    "says where it is wrong, what was expected, and what to do",
    arguments: [
      ("", "column 1: expected P(…) or log P(…), found the end of the query"),
      ("Q(a)", "column 1: expected P(…) or log P(…), found \"Q\""),
      ("P a", "column 3: expected \"(\" after P, found \"a\""),
      ("P()", "column 3: expected a column, found \")\""),
      ("P(a", "column 4: expected \",\", \"and\", \"or\", \"|\" or \")\", found the end of the query"),
      ("P(a|b|c)", "column 6: expected \",\", \"and\", \"or\" or \")\", found \"|\""),
      ("P(a) b", "column 6: expected the end of the query after \")\", found \"b\""),
      (
        "P(red wine)",
        "column 3: expected a column, of which there are #1 to #12 (a, b, c, d, red wine, color=red, "
      ),
      (
        "P(red wine)",
        "found \"red\"; a name with blanks needs its double quotes: \"red wine\""
      ),
      ("P(a b)", "column 5: expected \",\", \"and\", \"or\", \"|\" or \")\", found \"b\""),
      ("P(a | size_bg)", "column 7: expected a column, of which there are"),
      ("P(a | size_bg)", "found \"size_bg\"; did you mean \"size_big\"?"),
      ("P(a=maybe)", "column 5: expected a value: 1 or 0 (or yes, no, true, false), or ?, found \"maybe\""),
      ("P(a=2)", "column 5: expected a value: 1 or 0 (or yes, no, true, false), or ?, found \"2\""),
      ("P(a=)", "column 5: expected a value: 1 or 0 (or yes, no, true, false), or ?, found \")\""),
      (
        "P(a!=?)",
        "column 6: expected 0 or 1 (unknown is no condition: \"not\", \"or\" and counts say nothing"
      ),
      ("P(not a=?)", "column 9: expected 0 or 1 (unknown is no condition"),
      ("P(a=1, !(b, c=?))", "column 15: expected 0 or 1 (unknown is no condition"),
      ("P(a or b=?)", "column 10: expected 0 or 1 (unknown is no condition"),
      ("P(at least 1 of (a, b=?))", "column 23: expected 0 or 1 (unknown is no condition"),
      ("P(a | color!=?)", "column 14: expected 0 or 1 (unknown is no condition"),
      ("P(#0)", "column 3: expected a column's number from 1, as in #12, found \"#0\""),
      ("P(#)", "column 3: expected a column's number from 1, as in #12, found \"#)\""),
      ("P(#13)", "column 3: expected a column's number up to #12, found \"#13\""),
      ("P(#99999999999999999999)", "column 3: expected a column's number from 1"),
      ("P(#4-#2)", "column 3: expected a range that ascends, found \"#4-#2\""),
      ("P(9)", "column 3: expected a column, of which"),
      ("P(9)", "columns by number are #1 to #12, as in #9"),
      ("P(color)", "column 3: expected a value of color, as in color=red, found none"),
      (
        "P(color=rde)",
        "column 9: expected a value of color: red, blue, green, found \"rde\"; did you mean \"red\"?"
      ),
      ("P(\"a)", "column 3: expected a closing \", found none to the end of the query"),
      ("P(at least x of a)", "column 12: expected a number such as 2, found \"x\""),
      ("P(at least 2 a)", "column 14: expected \"of\" and a list of columns, found \"a\""),
      ("P(at least 3 of a, b)", "column 12: expected a number from 0 to 2, for so long is the list, found 3"),
      (
        "P(at least 2 of a, b and c)",
        "column 22: expected \",\", \"|\" or \")\" (brackets say where a list ends"
      ),
      (
        "P(at least 2 of a, b, d=1)",
        "column 24: expected \",\", \"|\" or \")\" (brackets say where a list ends"
      ),
      ("P(a=1, b, a=0)", "column 11: expected one value of \"a\", found both 0 and 1"),
      ("P(b | a, !a)", "column 11: expected one value of \"a\", found both 0 and 1"),
      ("P(a, a=?)", "column 6: expected one value of \"a\", found both ? and a value"),
      (
        "P(a, b | c, b=0)",
        "column 13: expected a column that is not asked for, found \"b\", which stands before \"|\" too"
      ),
      (String(repeating: "(", count: 200), "expected P(…)"),
      ("P(" + String(repeating: "(", count: 200), "column 103: expected at most 100 brackets and negations"),
      (
        "P(" + String(repeating: "!", count: 100_000),
        "column 103: expected at most 100 brackets and negations"
      ),
    ])
  func mistakes(_ text: String, _ complaint: String) throws {
    var vocabulary = Self.vocabulary
    vocabulary.suggest = { word, names in
      names.first { Set($0).symmetricDifference(word).count <= 1 && $0.first == word.first }
    }
    do {
      let query = try Query(text, vocabulary)
      Issue.record("\(text) was taken as \(query)")
    } catch {
      #expect("\(error)".contains(complaint), "\(error)")
      #expect(!"\(error)".contains("\n") && "\(error)".hasPrefix(text.prefix(20)))
    }
  }

  @Test("a table's own words are understood")
  func words() throws {
    func event(_ text: String, _ off: String, _ on: String) throws -> Query.Event {
      let vocabulary = QueryVocabulary(
        columnCount: 2, columnNames: ["a", "b"], values: TableOptions.Values(off: off, on: on))
      return try Query(text, vocabulary).event
    }
    #expect(try event("P(a=present)", "absent", "present") == .cell(0, true))
    #expect(try event("P(a=\"absent\")", "absent", "present") == .cell(0, false))
    #expect(try event("P(a=1)", "absent", "present") == .cell(0, true))
    #expect(try event("P(a=-1)", "-1", "1") == .cell(0, false))
    #expect(try event("P(a=1)", "1", "2") == .cell(0, false))
    #expect(try event("P(a=2)", "1", "2") == .cell(0, true))
    for (text, off, on) in [("P(a=0)", "1", "2"), ("P(a=yes)", "absent", "present"), ("P(a=0)", "-1", "1")] {
      #expect(throws: DensityError.self, "\(text)") { try event(text, off, on) }
    }
  }

  @Test("columns without names, and names given twice, go by number")
  func numbers() throws {
    let plain = QueryVocabulary(columnCount: 3)
    #expect(try Query("P(#3)", plain).event == .cell(2, true))
    let error = try #require(throws: DensityError.self) { try Query("P(3)", plain) }
    #expect(
      "\(error)"
        == "P(3): column 3: expected a column, of which there are #1 to #3, without names, found \"3\"; "
        + "columns by number are #1 to #3, as in #3")
    let twice = QueryVocabulary(columnCount: 3, columnNames: ["a", "b", "a"])
    #expect(try Query("P(b)", twice).event == .cell(1, true))
    let second = try #require(throws: DensityError.self) { try Query("P(a)", twice) }
    #expect(
      "\(second)".hasSuffix(
        "expected a name of one column, or a number, found \"a\", which #1, #3 are called"))
  }

  @Test("a file has a query a line, and its errors have their line")
  func files() throws {
    let text = "# people\n\nP(a)\r\n  P(b | a)\n\t# not this\nlog P(#1)"
    let queries = try Query.queries(in: text, Self.vocabulary, path: "q.txt")
    #expect(queries.map(\.text) == ["P(a)", "P(b | a)", "log P(#1)"])
    let error = try #require(throws: DensityError.self) {
      try Query.queries(in: "P(a)\r\n\r\nP(b=1 | x)\n", Self.vocabulary, path: "q.txt")
    }
    #expect("\(error)".hasPrefix("q.txt: line 3, column 9: expected a column, of which there are #1 to #12"))
    #expect("\(error)".hasSuffix("found \"x\""))
  }

  @Test("a line that is wrong does not spoil the others")
  func lines() throws {
    let lines = Query.lines(in: "P(a)\n P(x) \nP(b)", Self.vocabulary, path: "q.txt")
    #expect(lines.map(\.text) == ["P(a)", "P(x)", "P(b)"])
    #expect(try lines[0].query.get().event == .cell(0, true))
    #expect(try lines[2].query.get().event == .cell(1, true))
    let error = try #require(throws: DensityError.self) { try lines[1].query.get() }
    #expect("\(error)".hasPrefix("q.txt: line 2, column 4: expected a column"))
  }

  @Test(
    "options name cells as queries do",
    arguments: [
      ("a", [(0, .nothing)]), ("a, b=0,!c", [(0, .nothing), (1, .value(false)), (2, .value(false))]),
      ("\"red wine\"=yes,#1-#2", [(4, .value(true)), (0, .nothing), (1, .nothing)]),
      ("size=big, a=?", [(8, .value(false)), (9, .value(true)), (0, .unknown)]),
      ("not a, or", [(0, .value(false)), (10, .nothing)]),
      ("#2-4", [(1, .nothing), (2, .nothing), (3, .nothing)]),
      ("a, a", [(0, .nothing)]), ("7", [(11, .nothing)]),
    ] as [(String, [(Int, CellList.Said)])])
  func cellLists(_ text: String, _ cells: [(Int, CellList.Said)]) throws {
    let list = try CellList(text, Self.vocabulary, option: "--given")
    #expect(list.cells.map(\.column) == cells.map(\.0) && list.cells.map(\.said) == cells.map(\.1))
  }

  @Test("numbers without # are columns where no name is a number")
  func bareNumbers() throws {
    let plain = QueryVocabulary(columnCount: 9, columnNames: (1...9).map { "x\($0)" })
    #expect(try CellList("3,7-9,x1=1", plain, option: "--hide").cells.map(\.column) == [2, 6, 7, 8, 0])
    #expect(
      try CellList("3=0", QueryVocabulary(columnCount: 3), option: "--given").values.map(\.column) == [2])
  }

  @Test(
    "a list of cells says where it is wrong",
    arguments: [
      ("x", "--given x: column 1: expected a column, of which there are #1 to #12"),
      ("a=1,a=0", "--given a=1,a=0: column 5: expected one value of \"a\", found 1 and 0"),
      ("a=2", "column 3: expected a value: 1 or 0"),
      ("a b", "column 3: expected \",\" or the end of the list"),
      ("", "column 1: expected a column, found the end"),
      ("a,", "column 3: expected a column, found the end"),
      ("3", "columns by number are #1 to #12, as in #3"), ("#13", "expected a column's number up to #12"),
      ("color!=red", "column 1: expected a value of one column, found a choice between several"),
    ])
  func cellListMistakes(_ text: String, _ complaint: String) throws {
    let error = try #require(throws: DensityError.self) {
      try CellList(text, Self.vocabulary, option: "--given")
    }
    #expect("\(error)".contains(complaint), "\(error)")
  }

  @Test("no text stops the parser", arguments: 0..<8)
  func damage(_ seed: UInt64) throws {
    let pieces = [
      "P", "(", ")", "|", ",", "a", "b", "at", "least", "exactly", "2", "of", "all", "=", "!=", "!", "not",
      "and",
      "or", "#", "#3", "#1-#2", "\"", "?", "color", "red", " ", "\u{301}", "é", "log", "yes", "&",
    ]
    var state = seed &+ 1
    for _ in 0..<2000 {
      var text = "P("
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text += pieces[Int(state >> 33) % pieces.count] + (state & 1 << 40 == 0 ? " " : "")
      }
      do {
        _ = try Query(text, Self.vocabulary)
        _ = try Query(text + ")", Self.vocabulary)
      } catch {
        #expect("\(error)".contains(": column ") && "\(error)".contains(", found "), "\(error)")
      }
    }
  }
}

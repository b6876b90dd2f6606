import BinaryDensity
import Testing
import _TestSupport

@Suite("Sparse tables: svmlight, item lists, Matrix Market, ARFF")
struct SparseTableTests {
  static func read(
    _ text: String, named name: String = "file", _ change: (inout TableOptions) -> Void = { _ in }
  ) throws -> DataTable {
    var options = TableOptions()
    change(&options)
    return try withFile(text.utf8, named: name) { try DataTable.read($0, options) }
  }

  static let expected = BinaryMatrix([[1, 0, 1], [0, 0, 0], [0, 1, 1]])

  @Test(
    "the same table as svmlight has it",
    arguments: [
      "1 1:1 3:1\n-1\n1 2:1 3:1\n", "1 1:1 3:1\r\n-1\r\n1 2:1 3:1\r\n", "1 1:1 3:1\r-1\r1 2:1 3:1",
      "+1 3:1 1:1\n0 \n2.5 3:1.0 2:1e0 1:0\n",
      "# a comment: 5:1\n1 1:1 3:1 # 2:1\n\n1 # none\n1 2:1 3:1#2:1\n",
      "1 qid:7 1:1 3:1\n1 qid:7\n1 qid:8 2:1 3:1\n", "1:1 3:1\n\n2:1 3:1\n", "\n1 0:1 2:1\n1\n1 1:1 2:+1\n",
      "1,2 1:1\t3:1\n3\n1 2:1\t 3:1", "\u{FEFF}1 1:1 3:1\n1\n1 2:1 3:1",
    ])
  func svmlight(text: String) throws {
    let table = try Self.read(text)
    #expect(table.contents == .bits(Self.expected))
    #expect(table.summary.dialect == "svmlight, indices from \(text.contains("0:1") ? 0 : 1)")
    #expect(table.summary.leftOut.contains("label") == !text.hasPrefix("1:1"))
    #expect(table.summary.leftOut.contains("qid") == text.contains("qid"))
  }

  @Test("the number of columns is the largest index, or given; columns are chosen by number")
  func columnCounts() throws {
    #expect(try Self.read("1 1:1\n1 130:1\n").columnCount == 130)
    #expect(try Self.read("1 1:1 5:0\n").columnCount == 5)
    let wide = try Self.read("1 1:1\n1 3:1\n") { $0.columnCount = 70 }
    #expect(wide.contents == .bits(BinaryMatrix(rowCount: 2, columnCount: 70) { $1 == 2 * $0 }))
    let chosen = try Self.read("1 1:1\n1 3:1\n") { $0.columns = ["3", "1"] }
    #expect(chosen.contents == .bits(BinaryMatrix([[0, 1], [1, 0]])))
  }

  @Test("rows that become wider and wider, in more than one chunk", arguments: [1, 64, 65, 200])
  func widening(step: Int) throws {
    let lines = (0..<3000).map { "1 \($0 % 7 + 1):1 \(8 + $0 * step / 10):1" }
    let bits = BinaryMatrix(rowCount: 3000, columnCount: 8 + 2999 * step / 10) {
      $1 == $0 % 7 || $1 + 1 == 8 + $0 * step / 10
    }
    let table = try Self.read(lines.joined(separator: "\n")) { $0.columnCount = bits.columnCount }
    #expect(table.contents == .bits(bits))
    try withFile(lines.joined(separator: "\n").utf8) { path in
      var options = TableOptions()
      options.columnCount = bits.columnCount
      let streamed = try BinaryMatrix(TableStream(path: path, options))
      #expect(streamed == bits)
    }
  }

  static let wrong: [(String, Malformed)] = [
    ("1 1:1\n1 2:2\n", Malformed(.lineCell(line: 2, column: 1, name: nil), "0 or 1", "\"2:2\"")),
    ("1 1:1\n1 3:0.5\n", Malformed(.lineCell(line: 2, column: 2, name: nil), "0 or 1", "\"3:0.5\"")),
    ("1 1:1\n1 3:01\n", Malformed(.lineCell(line: 2, column: 2, name: nil), "0 or 1", "\"3:01\"")),
    ("1 1:1\n\n1 2:1 2:1\n", Malformed(.line(3), "every index once", "index 2 again")),
    ("1 1:1\n1 2:1 2:0\n", Malformed(.line(2), "every index once", "index 2 again")),
    ("1 1:1\n1 4:0 4:0\n", Malformed(.line(2), "every index once", "index 4 again")),
    ("1 1:1\n1 2:1 x\n", Malformed(.line(2), "index:value such as 3:1", "\"x\"")),
    (
      "1 1:1\n1 -2:1\n",
      Malformed(
        .line(2), "index:value such as 3:1, the index a whole number of at most 2147483648", "\"-2:1\"")
    ),
    ("1 1:1\n1 4000000000:1\n", Malformed(.line(2), "an index of at most 2147483648", "4000000000")),
    ("1 1:1\n2:1\n", Malformed(.line(2), "a label first, as other rows have", "none")),
    ("1:1\n2\n3:1\n", Malformed(.line(2), "no label, as other rows have none", "a label")),
    (
      "1 1:1\n1 2000000000:1\n",
      Malformed(
        .line(2), "indices that make a table of a size the file makes plausible (or --column-count)",
        "index 2000000000, with which the packed table takes 476 MiB")
    ),
  ]

  @Test("every way svmlight can be wrong", arguments: wrong)
  func svmlightMalformed(text: String, error: Malformed) throws {
    try expectMalformed(text.utf8, error) { try DataTable.read($0) }
  }

  @Test("an index beyond the number of columns that is given")
  func svmlightBeyond() throws {
    var options = TableOptions()
    options.columnCount = 3
    let beyond = Malformed(.line(2), "an index of at most 3, the number of columns", "4")
    try expectMalformed("1 1:1\n1 4:1\n".utf8, beyond) { try DataTable.read($0, options) }
    let late = Malformed(.line(1), "an index below 3, since line 2 counts from 0", "3")
    try expectMalformed("1 3:1\n1 0:1\n".utf8, late) { try DataTable.read($0, options) }
  }

  @Test(
    "baskets as numbers",
    arguments: [
      ("1 3\n\n2 3\n", "numbers from 1"), ("1 3 \r\n\r\n3 2 3\r\n", "numbers from 1, 1 repeated"),
      ("0 2\n\n1 2", "numbers from 0"), ("1,3\n\n2,3\n", "numbers from 1"),
    ])
  func items(text: String, dialect: String) throws {
    let table = try Self.read(text) { $0.format = "items" }
    #expect(table.contents == .bits(Self.expected))
    #expect(table.summary.dialect == "item lists, " + dialect)
  }

  @Test("baskets are told from tables by lines of several lengths, or by the file's name")
  func itemsRecognized() throws {
    #expect(
      try Self.read("1 3\n\n3\n").contents == .bits(BinaryMatrix([[1, 0, 1], [0, 0, 0], [0, 0, 1]])))
    #expect(try Self.read("3 1\n2 3\n", named: "t.dat").columnCount == 3)
    #expect(
      try Self.read("1 0 1\n0 0 1\n", named: "t.dat").contents
        == .bits(BinaryMatrix([[1, 0, 1], [0, 0, 1]])))
    #expect(throws: DensityError.self) { try Self.read("3 1\n2 3\n") }
  }

  @Test("baskets of words")
  func itemNames() throws {
    let table = try Self.read("rye bread,milk\n\n\"eggs\", milk\n") { $0.format = "items" }
    #expect(table.columnNames == ["rye bread", "milk", "eggs"])
    #expect(table.contents == .bits(BinaryMatrix([[1, 1, 0], [0, 0, 0], [0, 1, 1]])))
    #expect(table.summary.dialect == "item lists, words divided by \",\"")
    let sorted = try Self.read("b a\na c") {
      $0.format = "items"
      $0.columns = ["a", "b", "c"]
    }
    #expect(sorted.contents == .bits(BinaryMatrix([[1, 1, 0], [1, 0, 1]])))
  }

  @Test("every way item lists can be wrong")
  func itemsMalformed() throws {
    var options = TableOptions()
    options.format = "items"
    let cases: [(String, Malformed)] = [
      ("\n\n", Malformed(.line(3), "a row with an item, or --column-count", "the end of the file")),
      ("a,\"b\nc\n", Malformed(.line(1), "a quoted item that holds no \",\"", "\"\\\"b\"")),
      ("1 3000000000\n", Malformed(.line(1), "an item of at most 2147483648", "3000000000")),
    ]
    for (text, error) in cases { try expectMalformed(text.utf8, error) { try DataTable.read($0, options) } }
    options.columnCount = 2
    let beyond = Malformed(.line(2), "an item of at most 2", "3")
    try expectMalformed("1\n3\n".utf8, beyond) { try DataTable.read($0, options) }
    let names = Malformed(.line(2), "at most 2 different items", "\"c\"")
    try expectMalformed("a b\nc\n".utf8, names) { try DataTable.read($0, options) }
  }
}

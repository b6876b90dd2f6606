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

  @Test(
    "lines end with LF, CR LF or CR, whatever is in them and whether the last has an end or not",
    arguments: ["\n", "\r\n", "\r"], ["", "\n", "\r\n", "\r"])
  func lineEnds(end: String, last: String) throws {
    for more in ["", " ", "#x", " # x y"] { try expectLines(end: end, last: last, more: more) }
  }

  private func expectLines(end: String, last: String, more: String) throws {
    let expected = BinaryMatrix([[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]])
    let text = ["1:1\(more)", "", "2:1\(more)", "3:1\(more)"].joined(separator: end) + last
    #expect(try Self.read(text).contents == .bits(expected))
    let labelled = ["1 1:1", "-1\(more)", "1 2:1", "+1 3:1"].joined(separator: end) + last
    #expect(try Self.read(labelled).contents == .bits(expected))
    let items = ["1 1", "", "2", "3"].joined(separator: end) + last
    #expect(try Self.read(items) { $0.format = "items" }.contents == .bits(expected))
    let matrix = [
      "%%MatrixMarket matrix array integer general", "% c", "4 2", "1", "0", "0\t", "1", "0", "0", "1", "1",
    ]
    #expect(
      try Self.read(matrix.joined(separator: end) + last).contents
        == .bits(BinaryMatrix([[1, 0], [0, 0], [0, 1], [1, 1]])))
  }

  @Test("each line may end in its own way")
  func mixedLineEnds() throws {
    let expected = BinaryMatrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    for text in ["1:1\r2:1\n3:1\n", "1:1\r2:1\r\n3:1\r", "1:1\r\n2:1\r3:1\n", "1:1#\r2:1#\n3:1#"] {
      #expect(try Self.read(text).contents == .bits(expected), "\(text.debugDescription)")
    }
    #expect(try Self.read("1:1 2:1\r3:1").contents == .bits(BinaryMatrix([[1, 1, 0], [0, 0, 1]])))
    // Blanks after the last end are no row.
    #expect(try Self.read("1 2\n3\n ") { $0.format = "items" }.rowCount == 2)
    #expect(
      try Self.read("1 2\n3 ") { $0.format = "items" }.contents
        == .bits(BinaryMatrix([[1, 1, 0], [0, 0, 1]])))
    // An end that is a line of its own is a row of zeros.
    #expect(
      try Self.read("1:1\r\r\n2:1\n\r3:1").contents
        == .bits(BinaryMatrix([[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]])))
  }

  static let wordless: [(name: String, bytes: [UInt8])] = [
    ("svmlight", Array("1:1 3:1\n\n2:1 3:1\n".utf8)), ("items", Array("1 3\n\n2 3\n".utf8)),
    ("mtx", Array("%%MatrixMarket matrix array integer general\n3 3\n1 0 0\n0 0 1\n1 0 1\n".utf8)),
    ("pbm", Array("P1 3 1 101\nP1 3 1 000\nP1 3 1 011\n".utf8)),
    ("packed", TableFile.bytes(of: expected, as: .packed)),
  ]

  @Test("words are refused where no cell is one, unless they are another table's", arguments: 0..<5)
  func words(format: Int) throws {
    let (name, bytes) = Self.wordless[format]
    var options = TableOptions()
    options.format = name
    func read(_ path: String) throws -> DataTable.Contents { try DataTable.read(path, options).contents }
    try withFile(bytes) { path in
      func refusal(_ option: String) -> DensityError {
        .invalidConfiguration(
          "\(option): \(path) (\(name)) says itself which cells are on, without words that could be given; leave "
            + "\(option.prefix { $0 != " " }) out")
      }
      for (off, on) in [("1", "0"), ("-1", "1"), ("no", "yes")] {
        options.values = TableOptions.Values(off: off, on: on)
        #expect(throws: refusal("--values \(off),\(on)")) { try read(path) }
        #expect(throws: refusal("--values \(off),\(on)")) { try TableStream(path: path, options) }
        options.borrowedWords = .values
        try #expect(read(path) == .bits(Self.expected))
        options.borrowedWords = .none
      }
      // They say what the file says.
      options.values = TableOptions.Values(off: "0", on: "1.0")
      try #expect(read(path) == .bits(Self.expected))
      options.missing = ["9", "unknown"]
      options.borrowedWords = .values
      #expect(throws: refusal("--missing 9,unknown")) { try read(path) }
      options.borrowedWords = .all
      try #expect(read(path) == .bits(Self.expected))
    }
  }

  @Test("columns chosen of a file of numbers, where a model says how many are left")
  func chosen() throws {
    func read(_ text: String, _ format: String, _ change: (inout TableOptions) -> Void) throws -> DataTable {
      try Self.read(text) {
        $0.format = format
        $0.indexBase = 1
        change(&$0)
      }
    }
    let mark = "%%MatrixMarket matrix coordinate pattern general\n"
    for (text, format) in [
      ("1:1 8:1\n3:1 5:1\n", "svmlight"), ("1 8\n3 5\n", "items"),
      (mark + "2 8 4\n1 1\n1 8\n2 3\n2 5\n", "mtx"),
    ] {
      let some = try read(text, format) {
        $0.columns = ["3", "1", "5-6"]
        $0.keptCount = 4
      }
      #expect(some.contents == .bits(BinaryMatrix([[0, 1, 0, 0], [1, 0, 1, 0]])), "\(format)")
      let others = try read(text, format) {
        $0.ignored = ["4", "6-7", "7"]
        $0.keptCount = 5
      }
      #expect(
        others.contents == .bits(BinaryMatrix([[1, 0, 0, 0, 1], [0, 0, 1, 1, 0]])), "\(format)")
      let all = try read(text, format) { $0.keptCount = 8 }
      #expect(all.columnCount == 8)
    }
    // The last of them may be off in all rows of another file.
    for (text, format) in [("1:1\n3:1\n", "svmlight"), ("1\n3\n", "items")] {
      let some = try read(text, format) {
        $0.columns = ["3", "1", "5-6"]
        $0.keptCount = 4
      }
      #expect(some.contents == .bits(BinaryMatrix([[0, 1, 0, 0], [1, 0, 0, 0]])), "\(format)")
      let others = try read(text, format) {
        $0.ignored = ["1", "9"]
        $0.keptCount = 7
      }
      #expect(others.contents == .bits(BinaryMatrix(rowCount: 2, columnCount: 7) { $0 == 1 && $1 == 1 }))
      #expect(throws: DensityError.self) { try read(text, format) { $0.columns = ["3", "5"] } }
      #expect(throws: DensityError.self) {
        try read(text, format) {
          $0.ignored = ["1"]
          $0.keptCount = 1
        }
      }
    }
  }

  @Test("columns chosen of a file of words, where a model knows the names of those that are left")
  func chosenNames() throws {
    func read(_ text: String, _ names: [String], _ change: (inout TableOptions) -> Void) throws -> DataTable {
      try Self.read(text) {
        $0.format = "items"
        ($0.knownNames, $0.keptCount) = (names, names.count)
        change(&$0)
      }
    }
    let text = "tea,milk\nbread\n\nrice,bread,eggs\n"
    let expected = BinaryMatrix([[0, 1], [1, 0], [0, 0], [1, 0]])
    // Numbers count the columns of the other file.
    for columns in [["bread", "milk"], ["7", "2"], ["1-2"]] {
      let table = try read(text, ["bread", "milk"]) { $0.columns = columns }
      #expect(table.columnNames == ["bread", "milk"] && table.contents == .bits(expected), "\(columns)")
      #expect(Set(table.summary.leftOut) == ["tea", "rice", "eggs"])
    }
    for ignored in [["tea", "rice", "eggs"], ["tea", "rice", "eggs", "beer"], ["3-7"]] {
      let table = try read(text, ["bread", "milk"]) { $0.ignored = ignored }
      #expect(table.columnNames == ["bread", "milk"] && table.contents == .bits(expected), "\(ignored)")
    }
    try withFile(text.utf8) { path in
      var options = TableOptions()
      (options.format, options.knownNames, options.keptCount) = ("items", ["bread", "milk"], 2)
      options.ignored = ["tea", "rice"]
      #expect(
        throws: Malformed(.line(4), "an item that the model, or the training table, knows", "\"eggs\"").error(
          path: path)
      ) { try DataTable.read(path, options) }
    }
    // Of a file of numbers they are chosen by numbers.
    let numbers = try read("2 3\n5\n", ["bread", "milk"]) { $0.columns = ["3", "5"] }
    #expect(numbers.contents == .bits(BinaryMatrix([[1, 0], [0, 1]])))
  }

  @Test("a comment of scikit-learn's says where indices begin")
  func zeroBased() throws {
    let table = try Self.read(
      "# Generated by dump_svmlight_file\n# Column indices are zero-based\n1 1:1\n1 2:1\n")
    #expect(table.contents == .bits(BinaryMatrix([[0, 1, 0], [0, 0, 1]])))
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
    let bits = try? Self.read("0 1 2\n1 0 1\n", named: "t.dat")
    #expect(bits?.summary.dialect.hasPrefix("item") != true)
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

import BinaryDensity
import Testing
import _TestSupport

@Suite("Tables from ARFF files")
struct ARFFTests {
  static let header =
    "% c\n@relation 'a b'\n\n@ATTRIBUTE milk {0,1}\n@attribute 'rye bread' REAL\n"
    + "@attribute \"c\" {f, t}\n"

  @Test(
    "dense and sparse rows",
    arguments: [
      "@data\n1,0,t\n0,0,f\n0,1.0,t\n", "@DATA\r\n1 , 0 , t\r\n% x\r\n\r\n0,0,'f'\r\n0,\"1\",t % y\r\n",
      "@data\n{0 1, 2 t}\n{}\n{1 1,2 t}", "@data\r1\t0\tt\r{ }\r{0 0, 1 1, 2 t}\r",
    ])
  func rows(data: String) throws {
    let table = try SparseTableTests.read(Self.header + data)
    #expect(table.contents == .bits(SparseTableTests.expected))
    #expect(table.columnNames == ["milk", "rye bread", "c"])
    #expect(table.summary.description == "ARFF, 3 columns")
  }

  @Test("what a sparse row leaves out is the first word of its attribute")
  func omitted() throws {
    let table = try SparseTableTests.read(
      "@relation r\n@attribute a {yes,no}\n@attribute b {1}\n@attribute c numeric\n@data\n{}\n{0 no, 2 1}\n")
    #expect(table.contents == .bits(BinaryMatrix([[1, 1, 0], [0, 1, 1]])))
  }

  @Test("missing cells")
  func missing() throws {
    let table = try SparseTableTests.read(Self.header + "@data\n1,0,t\n?,1,f\n{2 ?}\n")
    #expect(
      table.contents == .partial(PartialRows([[1, 0, 1], [nil, 1, 0], [0, 0, nil]])))
    #expect(table.summary.missingCount == 2)
  }

  @Test("words for off, on and missing, of numbers and of nominal attributes, in dense and in sparse rows")
  func givenWords() throws {
    func read(_ data: String, _ options: TableOptions) throws -> DataTable.Contents {
      try SparseTableTests.read(
        "@relation r\n@attribute a {0,1,9}\n@attribute b numeric\n@data\n" + data
      ) { $0 = options }.contents
    }
    let gaps = PartialRows([[1, nil], [nil, 1], [0, 0]])
    #expect(try read("1,9.0\n9,1\n0,0\n", options(missing: "9")) == .partial(gaps))
    #expect(try read("1,9\n9,1\n0,0\n", options(missing: "9.0")) == .partial(gaps))
    #expect(try read("{0 1, 1 9}\n{0 9, 1 1}\n{}\n", options(missing: "9")) == .partial(gaps))
    #expect(
      try read("1,9\n9,1\n0,0\n", options(values: "1,9", missing: "0"))
        == .partial(PartialRows([[0, 1], [1, 0], [nil, nil]])))
    // What a sparse row leaves out is its 0, which may be on or missing.
    #expect(
      try read("{0 1, 1 9}\n{0 1}\n{1 1}\n", options(values: "1,9", missing: "0"))
        == .partial(PartialRows([[0, 1], [0, nil], [nil, 0]])))
    #expect(
      try read("1,0\n{1 1}\n", options(values: "1,0", missing: "9"))
        == .bits(BinaryMatrix([[0, 1], [1, 0]])))
    let signs = "@relation r\n@attribute a numeric\n@attribute b {-1,1}\n@data\n"
    let rows = try SparseTableTests.read(signs + "-1,1\n1.0,-1\n{0 1,1 1}\n") {
      $0.values = TableOptions.Values(off: "-1", on: "1")
    }
    #expect(rows.contents == .bits(BinaryMatrix([[0, 1], [1, 0], [1, 1]])))
    let wrong = options(values: "-1,1")
    for (line, found) in [("0,1", "0"), ("{1 1}", "0"), ("yes,1", "yes")] {
      try expectMalformed(
        (signs + line + "\n").utf8,
        Malformed(.lineCell(line: 5, column: 0, name: "a"), "-1 or 1 (or --ignore a)", "\"\(found)\"")
      ) { try DataTable.read($0, wrong) }
    }
    // Words that another table has say nothing of numbers.
    var borrowed = options(values: "no,yes")
    borrowed.borrowedWords = .values
    let numbers = try SparseTableTests.read("@relation r\n@attribute a numeric\n@data\n1\n0\n") {
      $0 = borrowed
    }
    #expect(numbers.contents == .bits(BinaryMatrix([[1], [0]])))
  }

  @Test("the number of columns that is given is that of the file")
  func columnCount() throws {
    let text = Self.header + "@data\n1,0,t\n"
    let table = try SparseTableTests.read(text) { ($0.columnCount, $0.columns) = (3, ["c", "milk"]) }
    #expect(table.contents == .bits(BinaryMatrix([[1, 1]])))
    #expect(throws: DensityError.self) {
      try SparseTableTests.read(text) { ($0.columnCount, $0.columns) = (2, ["c", "milk"]) }
    }
  }

  @Test("attributes that hold no bits are left out, or refused by name")
  func others() throws {
    let text =
      "@relation r\n@attribute id string\n@attribute a {0,1}\n@attribute class {x,y,z}\n@data\n'q, r',1,x\nw,0,z\n"
    let table = try SparseTableTests.read(text) { $0.ignored = ["id", "class"] }
    #expect(table.contents == .bits(BinaryMatrix([[1], [0]])))
    #expect(table.summary.leftOut == ["id", "class"] && table.columnNames == ["a"])
    let id = Malformed(.line(2), "an attribute of 0 and 1, or --ignore id", "\"id\" of \"string\"")
    try expectMalformed(text.utf8, id) { try DataTable.read($0) }
    var options = TableOptions()
    options.ignored = ["id"]
    let other = Malformed(.line(4), "an attribute of 0 and 1, or --ignore class", "\"class\" of {x,y,z}")
    try expectMalformed(text.utf8, other) { try DataTable.read($0, options) }
    let named = try SparseTableTests.read("@relation r\n@attribute a {low,high}\n@data\nhigh\nlow\n") {
      $0.values = TableOptions.Values(off: "low", on: "high")
    }
    #expect(named.contents == .bits(BinaryMatrix([[1], [0]])))
  }

  @Test("blocks of rows, and blocks of which some have missing cells")
  func blocks() throws {
    let rows = (0..<10_000).map { $0 == 9000 ? "?,1,t" : "\($0 % 2),1,f" }
    let table = try SparseTableTests.read(Self.header + "@data\n" + rows.joined(separator: "\n"))
    #expect(table.rowCount == 10_000 && table.summary.missingCount == 1)
    guard case .partial(let partial) = table.contents else { return #expect(Bool(false)) }
    #expect(partial[row: 9000] == [nil, true, true] && partial[row: 9001] == [true, true, false])
  }

  static let wrong: [(String, Malformed)] = [
    ("@data\n1,0\n", Malformed(.line(8), "3 values", "2")),
    ("@data\n1,0,t,1\n", Malformed(.line(8), "3 values", "more")),
    ("@data\n1,0,t {5}\n", Malformed(.line(8), "the end of the row", "\"{5}\"")),
    (
      "@data\n1,2,t\n",
      Malformed(.lineCell(line: 8, column: 1, name: "rye bread"), "0 or 1 (or --ignore rye bread)", "\"2\"")
    ),
    (
      "@data\n1,0,T\n",
      Malformed(.lineCell(line: 8, column: 2, name: "c"), "f or t (or --ignore c)", "\"T\"")
    ),
    ("@data\n'1,0,t\n", Malformed(.line(8), "a quote that closes in its line", "none")),
    ("@data\n{3 1}\n", Malformed(.line(8), "an attribute of 0 to 2", "3")),
    ("@data\n{1 1, 0 1}\n", Malformed(.line(8), "attributes in ascending order", "0 after 1")),
    ("@data\n{1 1, 1 1}\n", Malformed(.line(8), "attributes in ascending order", "1 after 1")),
    ("@attribute x {a\n@data\n", Malformed(.line(7), "a comma or }", "\"\"")),
    ("@what\n@data\n", Malformed(.line(7), "@relation, @attribute or @data", "\"@what\"")),
    ("", Malformed(.line(7), "@data", "the end of the file")),
  ]

  @Test("every way such a file can be wrong", arguments: wrong)
  func malformed(text: String, error: Malformed) throws {
    try expectMalformed((Self.header + text).utf8, error) { try DataTable.read($0) }
  }

  @Test("another table's words leave an attribute of 0 and 1 as it is")
  func borrowedWords() throws {
    var options = TableOptions()
    (options.values, options.borrowedWords) = (TableOptions.Values(off: "absent", on: "present"), .values)
    let text = "@relation r\n@attribute a {0,1}\n@attribute b {absent,present}\n@data\n1,absent\n0,present\n"
    #expect(try take(text.utf8, options).rows == "10 01")
    options.borrowedWords = .none
    #expect(throws: DensityError.self) { try take(text.utf8, options) }
  }
}

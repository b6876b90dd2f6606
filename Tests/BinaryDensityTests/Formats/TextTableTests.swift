import BinaryDensity
import Testing

@Suite("Tables of text: what they are read as")
struct TextTableTests {
  @Test("a delimiter is decided once a file")
  func delimiters() throws {
    for (text, dialect) in [
      ("1,0,1\n0,0,1\n", "comma"), ("1;0;1\n0;0;1\n", "semicolon"), ("1\t0\t1\n0\t0\t1\n", "tab"),
      ("1|0|1\n0|0|1\n", "pipe"), ("1 0 1\n0  0 1 \n", "blanks"), ("101\n001\n", "bit strings"),
      ("| 1 | 0 | 1 |\n| 0 | 0 | 1 |\n", "pipe"), ("sep=;\n1;0;1\n0;0;1\n", "semicolon"),
      ("\"sep=|\"\r\n1|0|1\r\n0|0|1\r\n", "pipe"), ("  1   0 1 \n\t0 0\t 1\t\n", "blanks"),
      (" 101 \n001", "bit strings"), ("\"1\",\"0\",\"1\"\n0,0,1\n", "comma"),
    ] {
      try #expect(take(text.utf8) == TakenText(rows: "101 001", dialect: dialect))
    }
    try #expect(take("0\n1\n1".utf8) == TakenText(rows: "0 1 1", dialect: "lines"))
    // A text in a column that is left out may hold any of them.
    for text in ["t,a,b\n\"x;y, z\",1,0\nu|v w,0,1\n", "t;a;b\nx, y;1;0\nu v, w|w;0;1\n"] {
      try #expect(take(text.utf8, options(ignore: "t")).rows == "10 01")
    }
    try #expect(take("a\tb\tc\n1\thello world\t0\n0\tx\t1\n".utf8, options(ignore: "b")).rows == "10 01")
  }

  @Test("lines end with LF, CR LF, CR, or not at all")
  func lineEnds() throws {
    for text in [
      "1,0\r0,1\r1,1\r", "1,0\r\n0,1\r\n1,1\r\n", "1,0\n0,1\r1,1", "\r\r1,0\r\n\n0,1\r\r\n1,1\r",
      "1,0 \r0,1\r1,1\n\u{1A}",
    ] {
      try #expect(take(text.utf8).rows == "10 01 11")
    }
  }

  @Test("UTF-8 and UTF-16, with and without mark")
  func encodings() throws {
    let text = "größe,b😀\r\n1,0\r\n0,1\r\n"
    func utf16(_ text: String, bigEndian: Bool) -> [UInt8] {
      text.utf16.flatMap {
        bigEndian ? [UInt8($0 >> 8), UInt8($0 & 255)] : [UInt8($0 & 255), UInt8($0 >> 8)]
      }
    }
    for bytes in [
      Array(text.utf8), Array("\u{FEFF}\(text)".utf8), utf16("\u{FEFF}" + text, bigEndian: true),
      utf16("\u{FEFF}" + text, bigEndian: false), utf16(text, bigEndian: true), utf16(text, bigEndian: false),
    ] {
      let taken = try take(bytes)
      #expect(taken.rows == "10 01" && taken.names == ["größe", "b😀"])
      try #expect(take(Gzip.compress(bytes)) == taken)
    }
    try expectMalformed(
      [0xFF, 0xFE, 0x31, 0, 0x2C, 0, 0x30, 0, 0x0A],
      Malformed(.byte(9), "the rest of a character of UTF-16", "the end of the file"),
      reading: { try DataTable.read($0) })
    try expectMalformed(
      [0xFF, 0xFE, 0, 0, 0x31, 0, 0, 0], Malformed(.byte(0), "a text in UTF-8 or UTF-16", "UTF-32"),
      reading: { try DataTable.read($0) })
  }

  @Test("pipes at both ends of a line divide nothing where the first line has them too")
  func outerPipes() throws {
    for (text, rows) in [
      ("1|0|1\n0|1|0\n|1|\n", "101 010 ?1?"), ("|1|\n1|0|1\n0|1|0\n", "?1? 101 010"),
      ("1|0|1\n| 1 |0\n |1| \n", "101 ?10 ?1?"), ("sep=|\n1|0|1\n|1|\n", "101 ?1?"),
      ("|1|0|\n|0||\n|  |1|\n", "10 0? ?1"), ("|1|\n|0|\n", "1 0"), ("sep=|\n|1|0|\n|0|1|\n", "10 01"),
      // One line of a drawn table that lacks them.
      ("|1|0|\n0|1\n|1|1|\n", "10 01 11"), ("+---+---+\n| 1 | 0 |\n+---+---+\n| 0 | 1 |\n", "10 01"),
    ] {
      let taken = try take(text.utf8)
      #expect(taken.rows == rows && taken.dialect == "pipe" && taken.names == nil, "\(text)")
    }
    let named = try take("a|b|c\n1|0|1\n|1|\n".utf8)
    #expect(named.rows == "101 ?1?" && named.names == ["a", "b", "c"])
    // Names may lack what all rows have.
    let unframed = try take("a|b\n|1|0|\n|0|1|\n".utf8)
    #expect(unframed.rows == "10 01" && unframed.names == ["a", "b"])
    let drawn = try take("| a | b |\n|---|:-:|\n| 1 | 0 |\n|  | 1 |\n".utf8)
    #expect(drawn.rows == "10 ?1" && drawn.names == ["a", "b"])
  }

  @Test("a first line that cannot be a row is names")
  func names() throws {
    for (text, names, line) in [
      ("a,b\n1,0\n0,1\n", ["a", "b"], 1),
      ("\n\"first, of \"\"all\"\"\",b\n1,0\n0,1\n", ["first, of \"all\"", "b"], 2),
      ("1,2\n1,0\n0,1\n", ["1", "2"], 1),
      ("\"0\",\"1\"\n1,0\n0,1\n", ["0", "1"], 1), ("t,n\n1,0\n0,1\n", ["t", "n"], 1),
      ("01,02\n1,0\n0,1\n", ["01", "02"], 1), ("# c\n#a,b\n1,0\n0,1\n", ["a", "b"], 2),
      ("# c\n\na,b\n1,0\n# d\n0,1\n", ["a", "b"], 3), ("\"a\nx\",b\n1,0\n0,1\n", ["a\nx", "b"], 1),
      ("a,a\n1,0\n0,1\n", ["a", "a"], 1), ("| a | b |\n|---|---|\n| 1 | 0 |\n| 0 | 1 |\n", ["a", "b"], 1),
      ("a,b,\n1,0\n0,1\n", ["a", "b"], 1), ("inf,x\n1,0\n0,1\n", ["inf", "x"], 1),
    ] as [(String, [String], Int)] {
      let taken = try take(text.utf8)
      #expect(taken.rows == "10 01" && taken.names == names && taken.nameLine == line, "\(text)")
    }
    // A letter above words is a name, where another name stands beside it.
    for (text, names) in [
      ("x,y\nTrue,False\nFalse,True\n", ["x", "y"]), ("x,y\nyes,no\nno,yes\n", ["x", "y"]),
      ("a,t\ntrue,false\nfalse,true\n", ["a", "t"]),
    ] {
      let taken = try take(text.utf8)
      #expect(taken.rows == "10 01" && taken.names == names, "\(text)")
    }
    // Not where it may be a cell.
    #expect(throws: DensityError.self) { try take("x,y\ny,n\nn,y\n".utf8) }
    try #expect(take("0,1,2,3\n1,0,1,1\n".utf8).names == ["0", "1", "2", "3"])
    try #expect(take("0,1\n1,1\n".utf8, options(header: true)).rows == "11")
    let asked = try take("# a b\n0 1\n".utf8, options(header: true))
    #expect(asked.names == ["a", "b"] && asked.rows == "01")
    try #expect(
      take("my name\n0\n1\n".utf8)
        == TakenText(rows: "0 1", dialect: "lines", names: ["my name"], nameLine: 1))
    for text in ["0,1\n1,1\n", "# any words\n0,1\n1,1\n", "# a b\n0 1\n1 1\n", "False,True\nTrue,True\n"] {
      let taken = try take(text.utf8)
      #expect(taken.names == nil && taken.rows == "01 11", "\(text)")
    }
  }

  @Test("after the names or the first row, a line of as many fields is a row whatever it begins with")
  func comments() throws {
    try #expect(take("id,a\n#1,1\n%2,0\n".utf8, options(ignore: "id")).rows == "1 0")
    try #expect(take("# x,y z\na,b\n1,0\n# d\n% e\n0,1\n".utf8).rows == "10 01")
    try #expect(take("0 1\n# remark\n1 1\n".utf8).rows == "01 11")
    try #expect(take("0\n# x\n1\n".utf8).rows == "0 1")
    try #expect(take("#VALUE!,1\n0,#REF!\n".utf8, options(missing: "#VALUE!,#REF!")).rows == "?1 0?")
  }

  @Test("pandas writes numbers of rows before columns that are called by numbers")
  func pandas() throws {
    for (text, rows, names) in [
      (",0,1,2\n0,1,1,1\n1,0,0,0\n2,1,1,0\n", "111 000 110", ["0", "1", "2"]),
      (",0,1,2\n0,1,1,1\n1,0,0,0\n", "111 000", ["0", "1", "2"]), (",0\n0,1\n1,0\n", "1 0", ["0"]),
      (",0,1\n0,1,1\n1,0,0\n", "11 00", ["0", "1"]), (",0,1\n1,1,1\n2,0,0\n", "11 00", ["0", "1"]),
      (",0,1\n0,True,False\n1,False,True\n", "10 01", ["0", "1"]),
    ] {
      let taken = try take(text.utf8)
      #expect(taken.rows == rows && taken.names == names && taken.leftOut == ["row numbers"], "\(text)")
    }
  }

  @Test("a delimiter at the end of every line makes no column")
  func trailingDelimiters() throws {
    for (text, label) in [
      ("a,b,c,\n1,0,1,\n0,1,1,\n", "4"), ("1,0,1,\n0,1,1,\n", "4"), ("1\t0\t1\t\n0\t1\t1\t\n", "4"),
    ] {
      let taken = try take(text.utf8)
      #expect(taken.rows == "101 011" && taken.leftOut == [label], "\(text)")
    }
    try #expect(take("1,0,\n".utf8).rows == "10?")
    try #expect(take("1,0,\n0,1,\n".utf8, options(columns: "1-3")).rows == "10? 01?")
    try expectMalformed(
      (String(repeating: "1,0,\n", count: 300) + "1,0,1\n").utf8,
      Malformed(.line(301), "2 columns as in line 1", "3 columns"), reading: { try DataTable.read($0) })
  }

  @Test("numbers and names of rows are no columns")
  func rowNames() throws {
    for (text, label) in [
      (",a,b\n0,1,1\n1,0,0\n2,1,0\n", "row numbers"), ("Unnamed: 0,a,b\n7,1,1\n5,0,0\n6,1,0\n", "Unnamed: 0"),
      ("\"\",\"a\",\"b\"\n\"1\",1,1\n\"2\",0,0\n\"3\",1,0\n", "row numbers"),
      ("a b\nr1 1 1\nr2 0 0\nr3 1 0\n", "row names"), ("a,b\n1,1,1\n2,0,0\n3,1,0\n", "row names"),
      ("a,b\n1,1,\n0,0,\n1,0,\n", "3"),
    ] {
      let taken = try take(text.utf8)
      #expect(taken.rows == "11 00 10" && taken.names == ["a", "b"] && taken.leftOut == [label], "\(text)")
    }
    // A column without a name that does not count is a column.
    try #expect(take(",a\n1,1\n0,0\n".utf8).rows == "11 00")
    try #expect(take(",a\n0,1\n1,0\n".utf8, options(columns: "1,2")).rows == "01 10")
  }

  @Test("a line that counts the rows is none of them")
  func counts() throws {
    for text in ["3 4\n", "3,4\n", "3\n", "4\n", "4 3\n"] {
      try #expect(take((text + "0 1 0 1\n1 1 0 0\n0 0 0 1\n").utf8).rows == "0101 1100 0001")
    }
    try #expect(take("3 4\n0101\n1100\n0001\n".utf8).rows == "0101 1100 0001")
    try #expect(take("3 2\n01\n11\n00\n".utf8).rows == "01 11 00")
    try #expect(take("2\n0\n1\n".utf8).rows == "0 1")
    try expectMalformed(
      "4 3\n0 1 0\n1 1 0\n".utf8, Malformed(.line(1), "the number of the rows, 2", "4"),
      reading: { try DataTable.read($0) })
  }

  @Test("bits and missing cells are written in many ways")
  func cells() throws {
    for (text, rows) in [
      ("1.0,0.000e+00,+1\n-0.0,0e5,1.\n", "101 001"), ("True,False\nfalse,TRUE\n", "10 01"),
      ("yes;No\nno;YES\n", "10 01"), ("T F\nf t\n", "10 01"), ("y,1,n\nn,0,Y\n", "110 001"),
      ("1,,?\nNA,NaN,nan\nNULL,none,.\n#N/A,<NA>,1\n\"\",\"NA\",0\n", "1?? ??? ??? ??1 ??0"),
      ("1\t\t0\n\t1\t1\n1\t0\t\n\t\t\n", "1?0 ?11 10? ???"), ("\t\t\n1\t0\t1\n", "??? 101"),
      ("a\n0\n\n \n1\n\n\n", "0 ? ? 1"), ("\n\n0\n\n1\n", "0 ? 1"), ("a\n\n1\n", "? 1"),
      ("1,0\n\n\n0,1\n\n", "10 01"), ("-nan 1\n0 n/a\n", "?1 0?"),
    ] {
      try #expect(take(text.utf8).rows == rows, "\(text)")
    }
    try #expect(take("-1,1\n1.0,-1.0e+00\n".utf8, options(values: "-1,1")).rows == "01 10")
    try #expect(take("M,\nF,M\n".utf8, options(values: "F,M")).rows == "1? 01")
    try #expect(take("1,2\n2,1\n".utf8, options(values: "1,2")).rows == "01 10")
    try #expect(take("1,9\n9.0,1\n".utf8, options(missing: "9")).rows == "1? ?1")
    try #expect(take("bits\n101\n011\n".utf8).rows == "101 011")
    try #expect(take("1,9\n-,1\n".utf8, options(missing: "9,-")).rows == "1? ?1")
    try #expect(take("1,0\n0,1\n".utf8, options(missing: "0")).rows == "1? ?1")
  }

  @Test("columns are taken and left out by names, numbers and ranges")
  func selections() throws {
    let text = "id,a,note,b,c\n17,1,\"x, \"\"y\"\"\n z\",0,1\n18,0,\"\",1,1\n19,1,w,,0\n"
    let ignored = try take(text.utf8, options(ignore: "id,note"))
    #expect(ignored.rows == "101 011 1?0" && ignored.names == ["a", "b", "c"])
    #expect(ignored.leftOut == ["id", "note"])
    try #expect(take(text.utf8, options(ignore: "1,3")) == ignored)
    let taken = try take(text.utf8, options(columns: "c,2"))
    #expect(taken.rows == "11 10 01" && taken.names == ["c", "a"] && taken.leftOut == ["id", "note", "b"])
    try #expect(take("u,1,0\nv,0,1\n".utf8, options(columns: "2-3")).rows == "10 01")
    try #expect(take("01x1,1,0\n01x2,0,1\n".utf8, options(ignore: "1")).rows == "10 01")
    try #expect(take("0110\n1001\n".utf8, options(columns: "4,1-2")).rows == "001 110")
    #expect(
      throws: DensityError.invalidConfiguration(
        "\"a\" is the name of several columns; say its number instead")
    ) {
      try take("a,a\n1,0\n".utf8, options(ignore: "a"))
    }
    #expect(
      throws: DensityError.invalidConfiguration("--ignore nope: no such column; there are 1 to 2 (a, b)")
    ) {
      try take("a,b\n1,0\n".utf8, options(ignore: "nope"))
    }
  }
}

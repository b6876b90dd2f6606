import BinaryDensity
import Testing
import _TestSupport

@Suite("Tables from Matrix Market files")
struct MatrixMarketTests {
  @Test(
    "the same table in many ways",
    arguments: [
      "%%MatrixMarket matrix coordinate pattern general\n% x\n\n3 3 4\n1 1\n3 3\n1 3\n3 2\n",
      "%%matrixmarket MATRIX Coordinate Integer General\r\n3 3 5\r\n1 1 1\r\n2 1 0\r\n3 3 1\r\n1 3 1\r\n3 2 1",
      "%%MatrixMarket matrix coordinate real general\n3 3 4\n1 1 1.0\n3 3 1e0\n1 3 1\n3 2 +1\n",
      "%%MatrixMarket matrix array integer general\n%\n3 3\n1\n0\n0\n0\n0\n1\n1\n0\n1\n",
      "%%MatrixMarket matrix array real general\n3 3\n1 0 0\n0 0 1.\n1 0 1",
    ])
  func spellings(text: String) throws {
    let table = try SparseTableTests.read(text)
    #expect(table.contents == .bits(SparseTableTests.expected))
    let kind = text.lowercased().contains("array") ? "array" : "coordinates"
    #expect(table.summary.dialect == "Matrix Market, \(kind)")
  }

  @Test("the lower triangle of a symmetric matrix")
  func symmetric() throws {
    let expected = BinaryMatrix([[1, 1, 0], [1, 0, 1], [0, 1, 0]])
    let mark = "%%MatrixMarket matrix"
    let coordinates = try SparseTableTests.read(
      "\(mark) coordinate pattern symmetric\n3 3 3\n1 1\n2 1\n3 2\n")
    #expect(coordinates.contents == .bits(expected))
    let array = try SparseTableTests.read("\(mark) array integer symmetric\n3 3\n1\n1\n0\n0\n1\n0\n")
    #expect(array.contents == .bits(expected))
  }

  @Test("many rows in several chunks")
  func large() throws {
    let bits = BinaryMatrix(rowCount: 70_000, columnCount: 200) { $0 % 997 == $1 }
    var text = "%%MatrixMarket matrix coordinate pattern general\n70000 200 \(bits.onBitCount)\n"
    for column in 0..<200 {
      for row in stride(from: column, to: 70_000, by: 997) { text += "\(row + 1) \(column + 1)\n" }
    }
    #expect(try SparseTableTests.read(text).contents == .bits(bits))
  }

  static let wrong: [(String, Malformed)] = [
    ("3 3 1\n", Malformed(.line(2), "the line of the sizes", "the end of the file")),
    ("3 3 1\n1 1 1\n1 2 1\n", Malformed(.line(4), "the end of the file after 1 entries", "another")),
    ("3 3 2\n1 1 1\n", Malformed(.line(4), "2 entries", "1")),
    ("3 3 1\n4 1 1\n", Malformed(.line(3), "a row of 1 to 3 and a column of 1 to 3", "\"4 1 1\"")),
    (
      "3 3 1\n0 1 1\n",
      Malformed(.line(3), "a row of 1 to 3 and a column of 1 to 3", "\"0 1 1\", as if counted from 0")
    ),
    ("3 3 1\n1 2 7\n", Malformed(.line(3), "0 or 1", "\"7\" in row 1, column 2")),
    ("3 3 2\n1 2 1\n1 2 1\n", Malformed(.line(4), "every entry once", "row 1, column 2 again")),
    ("3 3 1\n1 2\n", Malformed(.line(3), "a row, a column and 0 or 1", "\"1 2\"")),
    (
      "3 0 1\n",
      Malformed(.line(2), "the numbers of rows, columns and entries, at least one each", "\"3 0 1\"")
    ),
    (
      "9000000000 9000000000 1\n",
      Malformed(.line(2), "a table that the machine's memory can hold", "\"9000000000 9000000000 1\"")
    ),
    (
      "1000000 1000 1\n1 1 1\n",
      Malformed(.line(4), "a table of a size the file makes plausible", "1000000 × 1000, most of it empty")
    ),
  ]

  @Test("every way such a file can be wrong", arguments: wrong.dropFirst())
  func malformed(text: String, error: Malformed) throws {
    let whole = "%%MatrixMarket matrix coordinate integer general\n" + text
    try expectMalformed(whole.utf8, error) { try DataTable.read($0) }
  }

  @Test("matrices of other kinds")
  func otherKinds() throws {
    let cases: [(String, Malformed)] = [
      (
        "coordinate complex general",
        Malformed(.line(1), "pattern or integer or real or unsigned-integer", "\"complex\"")
      ),
      ("coordinate real hermitian", Malformed(.line(1), "general or symmetric", "\"hermitian\"")),
      (
        "coordinate",
        Malformed(.line(1), "pattern or integer or real or unsigned-integer", "the end of the line")
      ),
    ]
    for (words, error) in cases {
      try expectMalformed("%%MatrixMarket matrix \(words)\n1 1 1\n1 1 1\n".utf8, error) {
        try DataTable.read($0)
      }
    }
  }
}

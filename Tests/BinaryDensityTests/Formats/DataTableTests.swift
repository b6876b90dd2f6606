import BinaryDensity
import Testing

@Suite("Tables by their contents: text and IDX")
struct DataTableTests {
  static func bits(_ text: String) throws -> BinaryMatrix {
    try withFile(text.utf8) { path in
      let table = try DataTable.read(path)
      #expect(table.path == path && table.imageShape == nil)
      let bits = try table.rows(split: .test)
      #expect(table.contents == .bits(bits))
      #expect(table.rowCount == bits.rowCount && table.columnCount == bits.columnCount)
      return bits
    }
  }

  @Test(
    "the same table written in many ways",
    arguments: [
      "1,0,1\n0,0,1\n", "1,0,1\n0,0,1", "1,0,1\r\n0,0,1\r\n", "1;0;1\n0;0;1\n", "1\t0\t1\n0\t0\t1\n",
      "1 0 1\n0 0 1\n", "  1   0 1 \n0 0   1\t\n", " 1 , 0 , 1 \n 0 ,0, 1\n", "\n\n1,0,1\n\n \t\n0,0,1\n\n",
      "1.0,0.0,1.0\n0.0,0.0,1.0\n", "1,0.0,1.\n-0.0,0e5,+1\n",
      "1.000000000000000000e+00 0.000000000000000000e+00 1.000000000000000000e+00\n0 0 1\n",
      "\"1\",\"0\",\"1\"\n\"0\",\"0\",\"1\"\n", "\"1.0\" \"0\" 1\n0 0 1\n",
      "a,b,c\n1,0,1\n0,0,1\n", "\n\"first, of all\";\"b\";\"c 3\"\n1;0;1\n0;0;1\n", "# x y z\n1 0 1\n0 0 1\n",
      ",b,\n1,0,1\n0,0,1\n", "\u{FEFF}1,0,1\n0,0,1\n", "\u{FEFF}größe,b,c\n1,0,1\n0,0,1\n",
    ])
  func spellings(text: String) throws {
    let expected = BinaryMatrix([[1, 0, 1], [0, 0, 1]])
    try #expect(Self.bits(text) == expected)
    try withFile(Gzip.compress(Array(text.utf8))) { path in
      try #expect(DataTable.read(path).contents == .bits(expected))
    }
  }

  @Test("a table of one column, and of one row")
  func thin() throws {
    try #expect(Self.bits("0\n1\n1\n") == BinaryMatrix([[0], [1], [1]]))
    try #expect(Self.bits("1") == BinaryMatrix([[1]]))
    try #expect(Self.bits("0,1") == BinaryMatrix([[0, 1]]))
  }

  @Test("text comes back at any width", arguments: [1, 63, 64, 65, 784, 40_000])
  func widths(columnCount: Int) throws {
    var generator = SplitMix(state: 1)
    let rows = randomBits(rowCount: 5, columnCount: columnCount, using: &generator)
    #expect(
      try Self.bits(String(decoding: TableFile.bytes(of: rows, as: .text), as: UTF8.self)) == rows)
  }

  @Test("an IDX table of any type", arguments: IDXArray.ElementType.allCases)
  func idx(type: IDXArray.ElementType) throws {
    let elements: IDXArray.Elements =
      switch type {
      case .uint8: .uint8([1, 0, 0, 1])
      case .int8: .int8([1, 0, 0, 1])
      case .int16: .int16([1, 0, 0, 1])
      case .int32: .int32([1, 0, 0, 1])
      case .float32: .float32([1, -0.0, 0, 1])
      case .float64: .float64([1, 0, 0, 1])
      }
    try withFile(IDXArray(dimensions: [2, 2], elements: elements).encoded) { path in
      let table = try DataTable.read(path)
      #expect(table.contents == .bits(BinaryMatrix([[1, 0], [0, 1]])))
      #expect(table.imageShape == nil)
    }
    try withFile(IDXArray(dimensions: [1, 2, 2], elements: elements).encoded) { path in
      let table = try DataTable.read(path)
      #expect(table.contents == .bits(BinaryMatrix([[1, 0, 0, 1]])))
      #expect(table.imageShape == ImageShape(height: 2, width: 2))
    }
  }

  @Test("unsigned bytes beyond 1 are grey levels, binarized on demand")
  func grey() throws {
    let array = IDXArray(dimensions: [2, 1, 2], elements: .uint8([0, 1, 128, 255]))
    try withFile(array.encoded) { path in
      let table = try DataTable.read(path)
      let shape = ImageShape(height: 1, width: 2)
      let grey = GreyLevels(rowCount: 2, columnCount: 2, levels: [0, 1, 128, 255], imageShape: shape)
      #expect(table.contents == .greyLevels(grey))
      #expect(table.imageShape == shape && table.rowCount == 2 && table.columnCount == 2)
      #expect(try table.rows(.middleThreshold, split: .train) == BinaryMatrix([[0, 0], [1, 1]]))
      #expect(try table.rows(split: .test) == grey.binarized(.standard, split: .test))
    }
  }

  @Test("an IDX table with other numbers, or without rows or columns")
  func idxMalformed() throws {
    let cases: [(IDXArray, Malformed)] = [
      (
        IDXArray(dimensions: [2], elements: .int8([1, 2])),
        Malformed(
          .cell(row: 1, column: 0, name: nil), "0 or 1",
          "2 (a file of labels, not of rows? The array has one axis)")
      ),
      (
        IDXArray(dimensions: [2, 1], elements: .int32([1, -7])),
        Malformed(.cell(row: 1, column: 0, name: nil), "0 or 1", "-7 (off and on? --values -7,1)")
      ),
      (
        IDXArray(dimensions: [], elements: .uint8([1])),
        Malformed(.byte(3), "at least one row and one column", "one number")
      ),
      (
        IDXArray(dimensions: [0, 28, 28], elements: .uint8([])),
        Malformed(.byte(3), "at least one row and one column", "0 × 28 × 28")
      ),
    ]
    for (array, error) in cases {
      try expectMalformed(array.encoded, error, reading: { try DataTable.read($0) })
    }
    // What begins like IDX is read as IDX.
    try expectMalformed(
      [0, 0, 7, 1, 0, 0, 0, 0],
      Malformed(.byte(2), "an element type, one of 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E", "0x07"),
      reading: { try DataTable.read($0) })
  }
}

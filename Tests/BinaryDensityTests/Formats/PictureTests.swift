import BinaryDensity
import CZlib
import Testing
import _TestSupport

/// What a PNG says, read by the rules of the format with nothing taken from the writer.
private struct DecodedPNG {
  var chunks: [(type: String, data: [UInt8])] = []
  var rows: [UInt8] = []

  init(_ bytes: [UInt8]) throws {
    try #require(bytes.prefix(8) == [137, 80, 78, 71, 13, 10, 26, 10])
    var rest = bytes.dropFirst(8)
    func number() -> Int {
      defer { rest = rest.dropFirst(4) }
      return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
    while !rest.isEmpty {
      let length = number()
      let checked = Array(rest.prefix(4 + length))
      rest = rest.dropFirst(4 + length)
      try #require(UInt32(number()) == Self.check(checked))
      chunks.append((String(decoding: checked[..<4], as: UTF8.self), Array(checked[4...])))
    }
    let header = try #require(chunks.first).data
    let (width, height) = (Int(header[2]) << 8 | Int(header[3]), Int(header[6]) << 8 | Int(header[7]))
    let data = chunks.filter { $0.type == "IDAT" }.flatMap(\.data)
    rows = [UInt8](repeating: 0, count: height * (width + 1))
    var length = uLong(rows.count)
    try #require(uncompress(&rows, &length, data, uLong(data.count)) == Z_OK)
    try #require(Int(length) == rows.count)
  }

  /// The CRC-32 by its definition, one bit at a time.
  private static func check(_ bytes: [UInt8]) -> UInt32 {
    var register = UInt32.max
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ 0xEDB8_8320 : register >> 1 }
    }
    return ~register
  }
}

@Suite("Pictures")
struct PictureTests {
  @Test("A PNG holds its pixels", arguments: [(1, 1), (3, 2), (28, 28), (301, 7), (1, 700)])
  func roundTrip(width: Int, height: Int) throws {
    let pixels = (0..<width * height).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 7) }
    let png = try DecodedPNG(GreyImage(width: width, height: height, pixels: pixels).encodedPNG())
    #expect(png.chunks.map(\.type) == ["IHDR", "IDAT", "IEND"])
    let sizes = [0, 0, width / 256, width % 256, 0, 0, height / 256, height % 256].map { UInt8($0) }
    #expect(png.chunks[0].data == sizes + [8, 0, 0, 0, 0])
    #expect(png.chunks[2].data.isEmpty)
    for row in 0..<height {
      #expect(png.rows[row * (width + 1)] == 0)
      let decoded = png.rows[(row * (width + 1) + 1)..<(row + 1) * (width + 1)]
      #expect(decoded == pixels[row * width..<(row + 1) * width], "row \(row)")
    }
  }

  @Test("A PNG on the disk is the PNG in memory")
  func file() throws {
    try withTemporaryDirectory { directory in
      let image = GreyImage(width: 2, height: 1, pixels: [0, 255])
      try image.writePNG(to: directory + "/a.png")
      #expect(try AtomicFile.read(directory + "/a.png") == image.encodedPNG())
    }
  }

  @Test("A grid, pixel by pixel")
  func grid() {
    let grid = ImageGrid(
      imageWidth: 2, imageHeight: 1, columnCount: 2, magnification: 2, separatorWidth: 1, separatorLevel: 9)
    let picture = grid.picture(of: [[1, 2], [3, 4], [5, 6]])
    let expected: [[UInt8]] = [
      [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
      [9, 1, 1, 2, 2, 9, 3, 3, 4, 4, 9],
      [9, 1, 1, 2, 2, 9, 3, 3, 4, 4, 9],
      [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
      [9, 5, 5, 6, 6, 9, 9, 9, 9, 9, 9],
      [9, 5, 5, 6, 6, 9, 9, 9, 9, 9, 9],
      [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
    ]
    #expect(picture == GreyImage(width: 11, height: 7, pixels: expected.flatMap { $0 }))
  }

  @Test(
    "A grid is as square as can be",
    arguments: [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (100, 10, 10), (101, 11, 10)])
  func shape(count: Int, columns: Int, rows: Int) {
    let grid = ImageGrid(imageWidth: 3, imageHeight: 4, magnification: 1, separatorWidth: 0)
    let picture = grid.picture(of: Array(repeating: Array(repeating: 0, count: 12), count: count))
    #expect(picture.width == 3 * columns && picture.height == 4 * rows)
  }

  @Test("Fewer pictures than columns leave no empty columns")
  func narrow() {
    let grid = ImageGrid(imageWidth: 1, imageHeight: 1, columnCount: 10, magnification: 1, separatorWidth: 0)
    #expect(grid.picture(of: [[1], [2]]) == GreyImage(width: 2, height: 1, pixels: [1, 2]))
  }

  @Test("A table, its names above the columns and its rows in blocks")
  func table() {
    let rows = BinaryMatrix([[1, 0], [0, 1], [1, 1]])
    let picture = TableGrid(columnCount: 2, names: ["l", "."], blockCount: 1, cellSide: 10).picture(of: rows)
    // Four pixels around, a label of six, two between, and a line after each cell.
    #expect(picture.width == 28 && picture.height == 46)
    func level(_ x: Int, _ y: Int) -> UInt8 { picture.pixels[y * picture.width + x] }
    for row in 0..<3 {
      for column in 0..<2 {
        let (x, y) = (4 + 10 * column, 12 + 10 * row)
        #expect(level(x, y) == (rows[row, column] ? 0 : 255) && level(x + 8, y + 8) == level(x, y))
        #expect(level(x + 9, y) == 208 && level(x, y + 9) == 208)
      }
    }
    // A point is two dots wide and high, and stands upright on its left side.
    let dots: [[Int]] = (0..<12).flatMap { y -> [[Int]] in
      (14..<24).filter { level($0, y) == 0 }.map { [$0, y] }
    }
    #expect(dots == [[20, 7], [21, 7], [20, 8], [21, 8]])
    let halves = TableGrid(columnCount: 2, names: ["a", "b"], blockCount: 2, cellSide: 10).picture(of: rows)
    #expect(halves.width == 68 && halves.height == 36)
    #expect(halves.pixels[12 * 68 + 44] == 0 && halves.pixels[22 * 68 + 44] == 255)
    var beside = TableGrid(columnCount: 2, names: ["a", "b"], blockCount: 2, cellSide: 10)
    beside.rowLabels = ["x", "yy", "z"]
    #expect(beside.picture(of: rows).width == 28 + 14)
    var pairs = TableGrid(columnCount: 2, blockCount: 2, cellSide: 4)
    pairs.groupLength = 2
    let grouped = pairs.picture(of: BinaryMatrix([[1, 0], [0, 1], [1, 1], [0, 0]]))
    #expect(grouped.width == 8 + 2 * 8 + 8)
  }

  @Test(
    "Latin letters are drawn without their marks, others are boxes",
    arguments: [
      ("Größe", "Grose"), ("DÉJÀ vu", "DEJA vu"), ("e\u{301}t", "et"), ("Łódź", "Lodz"), ("ŽIŠĪ", "ZISI"),
      ("20–29", "20-29"), ("ſÿÀ", "syA"), ("x年", "x日"),
    ])
  func letters(_ name: String, _ drawn: String) throws {
    let rows = BinaryMatrix(rowCount: 3, columnCount: 1) { $0 + $1 == 1 }
    #expect(rows.picture(names: [name]) == rows.picture(names: [drawn]))
    #expect(rows.picture(names: [name]) != rows.picture(names: [String(drawn.reversed())]))
  }

  @Test("A table is about square, and long names are cut", arguments: [1, 5, 17, 112, 500, 2048])
  func tableShape(columnCount: Int) {
    let rows = BinaryMatrix.random(100, columnCount, seed: 1)
    let names = (0..<columnCount).map { "a name as long as nobody reads it \($0)" }
    let picture = rows.picture(names: names)
    let single = rows.picture(names: names, columns: 1)
    #expect(3 * picture.width <= 4 * picture.height || picture == single)
    #expect(picture.height < 2000 && picture.width < 5000)
    #expect(rows.picture(columns: 1).height < single.height)
  }

  @Test("Contracts of pictures")
  func contracts() async {
    await #expect(processExitsWith: .failure) { _ = TableGrid(columnCount: 2, names: ["a"]) }
    await #expect(processExitsWith: .failure) { _ = TableGrid(columnCount: 2).picture(of: [[1]]) }
    await #expect(processExitsWith: .failure) { _ = GreyImage(width: 2, height: 2, pixels: [1]) }
    await #expect(processExitsWith: .failure) { _ = GreyImage(width: 0, height: 2, pixels: []) }
    await #expect(processExitsWith: .failure) { _ = ImageGrid(imageWidth: 2, imageHeight: 2).picture(of: []) }
    await #expect(processExitsWith: .failure) {
      _ = ImageGrid(imageWidth: 2, imageHeight: 2).picture(of: [[1]])
    }
  }
}

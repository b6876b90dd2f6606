import BinaryDensity
import Testing
import _TestSupport

@Suite("Pictures in PBM and PGM")
struct PortableMapTests {
  static let shape = ImageShape(height: 2, width: 3)
  static let bits = BinaryMatrix([[1, 0, 1, 0, 0, 1]])
  static let two = BinaryMatrix([[1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 1, 1]])

  static func read(_ text: String, _ pixels: [UInt8] = []) throws -> DataTable {
    try withFile(Array(text.utf8) + pixels) { try DataTable.read($0) }
  }

  @Test(
    "plain bits, however they stand",
    arguments: [
      "P1\n3 2\n1 0 1\n0 0 1\n", "P1 3 2 101001", "P1\r\n# made by hand\r\n3 # wide\r\n2\r\n101\r\n001\r\n",
      "P1#c\n3\t2\n1 0 1 # the first line\n001", "P1\n3 2\n101001\n\n  \n",
    ])
  func plain(text: String) throws {
    let table = try Self.read(text)
    #expect(table.contents == .bits(Self.bits) && table.imageShape == Self.shape)
    #expect(table.summary.dialect == "PBM, 2 × 3 pictures")
  }

  @Test("raw bits, lines that begin a byte each, several pictures in a file")
  func raw() throws {
    try #expect(Self.read("P4\n3 2\n", [0xA0, 0x20]).contents == .bits(Self.bits))
    // The bits behind a line mean nothing.
    try #expect(Self.read("P4 3 2\n", [0xBF, 0x3F]).contents == .bits(Self.bits))
    let second = Array("P4\n3 2\n".utf8) + [0x00, 0xE0]
    try #expect(Self.read("P4\n3 2\n", [0xA0, 0x20] + second).contents == .bits(Self.two))
    try #expect(Self.read("P1 3 2 101001\nP1 3 2\n000111\n").contents == .bits(Self.two))
    try #expect(Self.read("P1 3 2 101001\n", second).contents == .bits(Self.two))
  }

  @Test("rows of pictures of any width", arguments: [1, 7, 8, 9, 63, 64, 65, 130])
  func widths(width: Int) throws {
    var generator = SplitMix(state: UInt64(width))
    let rows = randomBits(rowCount: 3, columnCount: 5 * width, using: &generator)
    var bytes: [UInt8] = []
    for row in 0..<3 {
      bytes += Array("P4\n\(width) 5\n".utf8)
      for line in 0..<5 {
        var packed = [UInt8](repeating: 0, count: (width + 7) / 8)
        for column in 0..<width where rows[row, line * width + column] {
          packed[column / 8] |= 0x80 >> (column % 8)
        }
        bytes += packed
      }
    }
    for bytes in [bytes, Gzip.compress(bytes)] {
      try withFile(bytes) { try #expect(DataTable.read($0).contents == .bits(rows)) }
    }
  }

  @Test("grey levels are scaled to 0 … 255; two of them are bits")
  func grey() throws {
    func levels(_ values: [UInt8]) -> GreyLevels {
      GreyLevels(rowCount: 1, columnCount: 6, levels: values, imageShape: Self.shape)
    }
    try #expect(
      Self.read("P2\n3 2\n255\n0 1 2\n128 254 255\n").greyLevels == levels([0, 1, 2, 128, 254, 255]))
    try #expect(Self.read("P2 3 2 15 0 1 2 7 14 15").greyLevels == levels([0, 17, 34, 119, 238, 255]))
    try #expect(
      Self.read("P5 3 2 255\n", [0, 1, 2, 128, 254, 255]).greyLevels == levels([0, 1, 2, 128, 254, 255]))
    try #expect(
      Self.read("P5 3 2 65535\n", [0, 0, 0, 1, 0x7F, 0xFF, 0x80, 0, 0xFF, 0xFE, 0xFF, 0xFF]).greyLevels
        == levels([0, 0, 127, 128, 255, 255]))
    try #expect(Self.read("P5 3 2 1\n", [1, 0, 1, 0, 0, 1]).contents == .bits(Self.bits))
    try #expect(Self.read("P2 3 2 255 0 1 2 3 4 5").summary.dialect == "PGM, 2 × 3 pictures")
  }

  static let wrong: [(String, Malformed)] = [
    (
      "P3 1 1 255 0 0 0",
      Malformed(.byte(0), "PBM or PGM (P1, P2, P4, P5)", "a picture in colour (P3); make it grey")
    ),
    (
      "P6 1 1 255 abc",
      Malformed(.byte(0), "PBM or PGM (P1, P2, P4, P5)", "a picture in colour (P6); make it grey")
    ),
    ("P7\nWIDTH 1\n", Malformed(.byte(0), "PBM or PGM (P1, P2, P4, P5)", "PAM (P7)")),
    ("P1 3 2 10100", Malformed(.byte(12), "the pixels of bits of 2 × 3", "the end of the file")),
    ("P1 3 2 10100x", Malformed(.byte(12), "a pixel 0 or 1", "\"x\"")),
    ("P1 3 0 ", Malformed(.byte(0), "a picture of some pixels", "0 × 3")),
    ("P1 3", Malformed(.byte(4), "a height", "the end of the file")),
    ("P1 -3 2 ", Malformed(.byte(3), "a width", "\"-\"")),
    ("P4 9999999 9999999\n\u{1}", Malformed(.byte(0), "a picture of some pixels", "9999999 × 9999999")),
    (
      "P4 999999 999999\n\u{1}",
      Malformed(.byte(18), "the pixels of bits of 999999 × 999999", "the end of the file")
    ),
    ("P1 99999999999999999999 1 1", Malformed(.byte(16), "a width", "a number of many digits")),
    ("P2 1 1 0 0", Malformed(.byte(0), "a number of white in 1 … 65535", "0")),
    ("P2 1 1 70000 0", Malformed(.byte(0), "a number of white in 1 … 65535", "70000")),
    ("P2 2 1 9 3 10", Malformed(.byte(12), "a pixel of at most 9", "10")),
    ("P1 1 1 0 more", Malformed(.byte(9), "a picture in PBM or PGM", "\"mo\"")),
    (
      "P1 1 1 0 P1 2 1 00",
      Malformed(.byte(9), "picture 2 to be as the first, bits of 1 × 1", "bits of 1 × 2")
    ),
    (
      "P1 1 1 0 P2 1 1 9 0",
      Malformed(.byte(9), "picture 2 to be as the first, bits of 1 × 1", "grey of 1 × 1")
    ),
  ]

  @Test("every way a picture can be wrong", arguments: wrong)
  func malformed(text: String, error: Malformed) throws {
    try expectMalformed(text.utf8, error, reading: { try DataTable.read($0) })
  }

  @Test("a folder of pictures, sorted by name, plain or gzip")
  func folder() throws {
    try withTemporaryDirectory { folder in
      func write(_ bytes: [UInt8], _ name: String) throws {
        try AtomicFile.write(bytes, to: folder + "/" + name)
      }
      let found = DensityError.mismatch(
        path: folder, expected: "MNIST's files, or pictures whose names end in .pbm or .pgm",
        found: "\"notes.txt\"")
      try write(Array("hello".utf8), "notes.txt")
      #expect(throws: found) { try DataTable.read(folder) }
      #expect(!DataTable.holdsPictures(folder: folder))
      try write(Array("P1 3 2 000111".utf8), "b.pbm")
      try write(Gzip.compress(Array("P4 3 2\n".utf8) + [0xA0, 0x20]), "a.PBM.gz")
      try write([1, 2, 3], ".hidden.pbm")
      #expect(DataTable.holdsPictures(folder: folder))
      let table = try DataTable.read(folder + "/")
      #expect(table.contents == .bits(Self.two) && table.imageShape == Self.shape)
      try write(Array("P1 2 3 000111".utf8), "c.pbm")
      #expect(
        throws: DensityError.mismatch(
          path: folder + "/c.pbm", expected: "bits of 2 × 3 as in a.PBM.gz", found: "bits of 3 × 2")
      ) { try DataTable.read(folder) }
      try write([0x89], "d.png")
      #expect(
        throws: DensityError.mismatch(
          path: folder, expected: "pictures in PBM or PGM", found: "\"d.png\"; convert such files first")
      ) { try DataTable.read(folder) }
    }
  }
}

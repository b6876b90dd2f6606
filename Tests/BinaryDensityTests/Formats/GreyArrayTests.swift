import BinaryDensity
import Testing
import _TestSupport

@Suite("Grey levels that stand far behind in an array")
struct GreyArrayTests {
  /// Pictures of 2 × 3 that are 1 everywhere but in one picture, which is white.
  private static let rowCount = 5000
  private static func levels(whiteRow: Int?) -> [UInt8] {
    (0..<rowCount).flatMap { [UInt8](repeating: $0 == whiteRow ? 255 : 1, count: 6) }
  }

  private static let files = [
    "c.npy", "fortran.npy", "c.npy.gz", "stored.npz", "deflated.npz", "x.idx", "x.idx.gz",
  ]

  /// The pictures in one of the files.
  private static func bytes(_ file: String, whiteRow: Int?) -> [UInt8] {
    let levels = levels(whiteRow: whiteRow)
    let shape = [rowCount, 2, 3]
    let bytes =
      file.contains("idx")
      ? IDXArray(dimensions: shape, elements: .uint8(levels)).encoded
      : ArrayTests.file(shape, .uint8, isFortranOrder: file.hasPrefix("fortran"), levels.map(Double.init))
    if file.hasSuffix(".npz") {
      return ZipWriter(isDeflated: file.hasPrefix("deflated")).bytes([("x.npy", bytes)])
    }
    return file.hasSuffix(".gz") ? Gzip.compress(bytes) : bytes
  }

  private static func read(_ table: TableStream, length: Int) throws -> [BinaryMatrix] {
    var blocks: [BinaryMatrix] = []
    try table.forEachPartialBlock(of: length) { (rows, known) throws(DensityError) in
      #expect(known == nil)
      blocks.append(rows)
      return true
    }
    return blocks
  }

  @Test(
    "what a level 1 means does not depend on where the first level above it stands, nor on the length of blocks",
    arguments: files, [0, 3000, 4999])
  func levels(file: String, whiteRow: Int) throws {
    let expected = BinaryMatrix(rowCount: Self.rowCount, columnCount: 6) { row, _ in row == whiteRow }
    try withFile(Self.bytes(file, whiteRow: whiteRow), named: file) { path in
      #expect(try DataTable.read(path).rows(.threshold(128), split: .test) == expected)
      for length in [1000, 1024, 4999, 65_536] {
        let table = try TableStream(path: path, binarization: .threshold(128))
        let blocks = try Self.read(table, length: length)
        #expect(blocks.dropLast().allSatisfy { $0.rowCount == length })
        var row = 0
        for block in blocks {
          #expect(block == expected.rows(row..<row + block.rowCount), "\(length), from row \(row)")
          row += block.rowCount
        }
        #expect(row == Self.rowCount && table.isBinarized)
      }
    }
  }

  @Test("a part of the rows means what it means among all of them", arguments: files, [0, 2000, 4999])
  func parts(file: String, whiteRow: Int) throws {
    try withFile(Self.bytes(file, whiteRow: whiteRow), named: file) { path in
      for skipped in [1, 2000, 2001, 4998] {
        let table = try TableStream(path: path, binarization: .threshold(128))
        let done = try table.skip(rows: skipped)
        // Rows of columns one after another are not passed over.
        #expect(done == (file == "fortran.npy" ? 0 : skipped))
        guard done == skipped else { continue }
        let rows = try Self.read(table, length: 700)
        #expect(rows.reduce(0) { $0 + $1.rowCount } == Self.rowCount - skipped)
        #expect(rows.reduce(0) { $0 + $1.onBitCount } == (whiteRow < skipped ? 0 : 6))
      }
    }
  }

  @Test("a level may be far from the beginning", arguments: ["c.npy", "c.npy.gz"], [0, 150_000])
  func farLevel(file: String, skipped: Int) throws {
    // Longer than what is read at a time, and than what is passed over.
    let rowCount = 200_000
    let levels = (0..<rowCount).flatMap { [UInt8](repeating: $0 == rowCount - 1 ? 255 : 1, count: 6) }
    let array = ArrayTests.file([rowCount, 2, 3], .uint8, isFortranOrder: false, levels.map(Double.init))
    try withFile(file.hasSuffix(".gz") ? Gzip.compress(array) : array, named: file) { path in
      let table = try TableStream(path: path, binarization: .threshold(128))
      #expect(try table.skip(rows: skipped) == skipped)
      let rows = try Self.read(table, length: 4096)
      #expect(rows.reduce(0) { $0 + $1.rowCount } == rowCount - skipped)
      #expect(rows.reduce(0) { $0 + $1.onBitCount } == 6 && rows.last?.onBitCount == 6)
    }
  }

  @Test("an array of 0 and 1 alone is one of bits", arguments: files)
  func bits(file: String) throws {
    try withFile(Self.bytes(file, whiteRow: nil), named: file) { path in
      let table = try TableStream(path: path, binarization: .threshold(128))
      let blocks = try Self.read(table, length: 1024)
      #expect(blocks.map(\.rowCount) == [1024, 1024, 1024, 1024, 904])
      #expect(blocks.allSatisfy { $0.onBitCount == 6 * $0.rowCount } && !table.isBinarized)
      // Who wants no more rows is given none.
      var count = 0
      try TableStream(path: path).forEachBlock(of: 100) { (_) throws(DensityError) in
        count += 1
        return count < 3
      }
      #expect(count == 3)
    }
  }

  @Test(
    "an array that ends early is refused, whether levels were met or not", arguments: ["c.npy", "c.npy.gz"])
  func cut(file: String) throws {
    for whiteRow in [nil, 0, 4000] {
      let whole = Self.bytes("c.npy", whiteRow: whiteRow).dropLast(7)
      let bytes = file.hasSuffix(".gz") ? Gzip.compress(Array(whole)) : Array(whole)
      try withFile(bytes, named: file) { path in
        #expect(throws: DensityError.self) { _ = try Self.read(TableStream(path: path), length: 1000) }
        let table = try? TableStream(path: path)
        #expect(throws: DensityError.self) {
          guard let table else { throw DensityError.interrupted }
          _ = try table.skip(rows: 4500)
          _ = try Self.read(table, length: 1000)
        }
      }
    }
  }
}

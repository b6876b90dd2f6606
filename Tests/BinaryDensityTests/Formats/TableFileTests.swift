import BinaryDensity
import Testing
import _TestSupport

@Suite("Writing tables and numbers")
struct TableFileTests {
  @Test(
    "rows come back from every format, plain and gzip",
    arguments: [
      "a.idx", "a.npy", "a.csv", "a.txt", "a.idx.gz", "b.v2.npy.gz", "a.csv.gz", "a.svm", "a.libsvm.gz",
    ], [1, 12, 65])
  func rows(name: String, columnCount: Int) throws {
    var generator = SplitMix(state: 4)
    let rows = randomBits(rowCount: 20, columnCount: columnCount, using: &generator)
    try withTemporaryDirectory { folder in
      let file = try TableFile(path: folder + "/" + name)
      #expect(file.isCompressed == name.hasSuffix(".gz"))
      try file.write(rows)
      try #expect(DataTable.read(file.path).contents == .bits(rows))
      // A second time over what stands there.
      try file.write(rows.rows(0..<3))
      try #expect(DataTable.read(file.path).rowCount == 3)
      let starts = try ByteSource(path: file.path).peek(1).isEmpty
      #expect(!starts)
    }
  }

  @Test("pictures keep their shape", arguments: ["a.idx", "a.npy"])
  func pictures(name: String) throws {
    let shape = ImageShape(height: 2, width: 3)
    let rows = BinaryMatrix([[1, 0, 0, 0, 1, 1], [0, 1, 0, 0, 0, 0]])
    try withTemporaryDirectory { folder in
      try TableFile(path: folder + "/" + name).write(rows, imageShape: shape)
      let table = try DataTable.read(folder + "/" + name)
      #expect(table.contents == .bits(rows) && table.imageShape == shape)
    }
  }

  @Test("the bytes of each format")
  func bytes() {
    let rows = BinaryMatrix([[1, 0], [0, 1], [1, 1]])
    #expect(TableFile.bytes(of: rows, as: .text) == Array("1,0\n0,1\n1,1\n".utf8))
    #expect(
      TableFile.bytes(of: rows, as: .idx) == [0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2, 1, 0, 0, 1, 1, 1])
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }"
    let npy =
      [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
      + Array(repeating: 0x20, count: 117 - header.utf8.count) + [0x0A, 1, 0, 0, 1, 1, 1]
    #expect(TableFile.bytes(of: rows, as: .npy) == npy)
    #expect(TableFile.bytes(of: BinaryMatrix(rowCount: 2, columnCount: 0), as: .text) == [0x0A, 0x0A])
    #expect(TableFile.bytes(of: [Double](), as: .text).isEmpty)
  }

  @Test("numbers come back exactly")
  func numbers() throws {
    let numbers = [-88.86, 0.1 + 0.2, -0.0, .leastNonzeroMagnitude, 1e300, -.infinity]
    let text = String(decoding: TableFile.bytes(of: numbers, as: .text), as: UTF8.self)
    #expect(text == "-88.86\n0.30000000000000004\n-0.0\n5e-324\n1e+300\n-inf\n")
    #expect(text.split(separator: "\n").map { Double($0) } == numbers)
    try withTemporaryDirectory { folder in
      try TableFile(path: folder + "/a.idx").write(numbers)
      let array = try IDXArray.read(folder + "/a.idx")
      #expect(array == IDXArray(dimensions: [6], elements: .float64(numbers)))
      try TableFile(path: folder + "/a.npy.gz").write(numbers)
      let source = try ByteSource(path: folder + "/a.npy.gz")
      try #expect(NPYHeader.read(from: source) == NPYHeader(type: .float64, dimensions: [6]))
      try #expect(source.takeNumbers(Double.self, count: 6, order: .little, of: "numbers") == numbers)
      try source.expectEnd()
    }
  }

  @Test(
    "a name that means no format is refused", arguments: ["a", "a.png", "a.gz", "npy", "a.npy/b", "", "-"])
  func unknownFormat(path: String) {
    let reason =
      "the name must end in .csv, .txt, .npy, .idx, .svm, .dat or .pbm, or one of these and .gz, or in .bits"
    #expect(throws: DensityError.unwritable(path: path, reason: reason)) { _ = try TableFile(path: path) }
  }

  @Test("numbers go to some formats only")
  func noNumbers() throws {
    let reason = "the name must end in .csv, .txt, .npy or .idx, or one of these and .gz"
    #expect(throws: DensityError.unwritable(path: "a.dat", reason: reason)) {
      _ = try TableFile(path: "a.dat", for: .numbers)
    }
    #expect(try TableFile(path: "a.npy.gz", for: .numbers).format == .npy)
  }

  @Test("a folder that is missing")
  func unwritable() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/none/a.csv"
      let error = #expect(throws: DensityError.self) { try TableFile(path: path).write([1.0]) }
      guard case .unwritable(path, _) = error else {
        Issue.record("unexpected \(String(describing: error))")
        return
      }
    }
  }
}

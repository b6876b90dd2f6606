import BinaryDensity
import Testing

@Suite("NumPy's archives")
struct NPZTests {
  static let rows = BinaryMatrix([[1, 0, 1], [0, 0, 1]])
  static let array = ArrayTests.file([2, 3], .uint8, [1, 0, 1, 0, 0, 1])
  static let writers = [
    ZipWriter(), ZipWriter(isDeflated: true), ZipWriter(isWide: true),
    ZipWriter(isDeflated: true, isWide: true),
  ]

  @Test("one array, stored or deflated, in fields of either width", arguments: 0..<4)
  func one(writer: Int) throws {
    let archive = Self.writers[writer].bytes([("arr_0.npy", Self.array)])
    try withFile(archive) { path in
      let table = try DataTable.read(path)
      #expect(table.contents == .bits(Self.rows))
      #expect(table.summary.dialect == "NPZ array \"arr_0\" of uint8")
      #expect(table.path == path)
    }
    // A comment of the archive, and bytes behind the last header's place.
    var commented = archive
    commented[commented.count - 2] = 5
    try withFile(commented + Array("hello".utf8)) { path in
      try #expect(DataTable.read(path).contents == .bits(Self.rows))
    }
  }

  @Test("a large array in either order, deflated", arguments: [false, true])
  func large(isFortranOrder: Bool) throws {
    var generator = SplitMix(state: 3)
    let rows = randomBits(rowCount: 9000, columnCount: 130, probability: 0.1, using: &generator)
    let numbers = (0..<9000).flatMap { rows[row: $0].map { $0 ? 1.0 : 0.0 } }
    let array = ArrayTests.file([9000, 130], .float32, isFortranOrder: isFortranOrder, numbers)
    try withFile(ZipWriter(isDeflated: true).bytes([("x.npy", array)])) { path in
      try #expect(DataTable.read(path).contents == .bits(rows))
    }
  }

  @Test("several arrays are listed, and one is taken by its name")
  func several() throws {
    let other = ArrayTests.file([4], .int64, [7, 8, 9, 1])
    try withFile(ZipWriter(isDeflated: true).bytes([("y.npy", other), ("x.npy", Self.array)])) { path in
      let list = "\"y\" (4 int64), \"x\" (2 × 3 uint8)"
      #expect(
        throws: DensityError.mismatch(path: path, expected: "one array, or --array NAME", found: list)
      ) { try DataTable.read(path) }
      for name in ["x", "x.npy"] {
        let options = ArrayTests.options { $0.array = name }
        try #expect(DataTable.read(path, options).contents == .bits(Self.rows))
      }
      let none = ArrayTests.options { $0.array = "z" }
      #expect(throws: DensityError.mismatch(path: path, expected: "an array \"z\"", found: list)) {
        try DataTable.read(path, none)
      }
    }
  }

  @Test("what is wrong in an array is said with its name")
  func wrongArray() throws {
    let bytes = ZipWriter().bytes([("x.npy", Array(Self.array.dropLast()))])
    try expectMalformed(
      bytes,
      Malformed(
        .field("array \"x\", byte 133"), "6 bytes of elements (2 × 3)", "the end of the file"),
      reading: { try DataTable.read($0) })
    let coded = ArrayTests.file([2, 3], .uint8, [1, 0, 1, 0, 0, 9])
    try expectMalformed(
      ZipWriter().bytes([("x.npy", coded)]),
      Malformed(
        .cell(row: 1, column: 2, name: nil), "0 or 1", "9 (a code for a missing cell? --missing 9)"),
      reading: { try DataTable.read($0) })
  }

  @Test("other archives are named")
  func others() throws {
    let cases = [
      ("xl/workbook.xml", "an Excel workbook; save its sheet as CSV"),
      ("word/document.xml", "a Word document; save its table as CSV"),
      ("content.xml", "an OpenDocument file; save its sheet as CSV"),
      ("archive/data.pkl", "a PyTorch file; save its table with numpy.save"),
      ("table.csv", "a zip archive (its first entry is \"table.csv\"); unpack it first"),
    ]
    for (name, found) in cases {
      try expectMalformed(
        ZipWriter().bytes([(name, [1, 2, 3])]), Malformed(.byte(0), "an .npz archive of arrays", found),
        reading: { try DataTable.read($0) })
    }
    try expectMalformed(
      ZipWriter().bytes([]), Malformed(.byte(0), "an .npz archive of arrays", "a zip archive of nothing"),
      reading: { try DataTable.read($0) })
    try expectMalformed(
      Gzip.compress(ZipWriter().bytes([("x.npy", Self.array)])),
      Malformed(
        .byte(0), "a zip archive as it is", "a zip archive inside gzip; unpack it with gunzip"),
      reading: { try DataTable.read($0) })
  }

  @Test("damage is found by the checksum, and false sizes cost no memory")
  func damage() throws {
    let archive = ZipWriter().bytes([("x.npy", Self.array)])
    // A bit of the array itself: 0 becomes 1.
    var flipped = archive
    flipped[30 + 5 + 128 + 1] ^= 1
    try withFile(flipped) { path in
      let error = #expect(throws: DensityError.self) { try DataTable.read(path) }
      guard case .malformed(path, .field("entry \"x.npy\""), _, _) = error else {
        Issue.record("unexpected \(String(describing: error))")
        return
      }
    }
    // The directory's sizes and count, one after another, as large as they can be.
    let directory = archive.count - 22 - 46 - 5
    for place in [directory + 20, directory + 24, directory + 42, archive.count - 12, archive.count - 6] {
      var lying = archive
      lying.replaceSubrange(place..<place + 4, with: [0xFE, 0xFF, 0xFF, 0x7F])
      try withFile(lying) { path in #expect(throws: DensityError.self) { try DataTable.read(path) } }
    }
    for length in 0..<archive.count {
      try withFile(archive[..<length]) { path in
        #expect(throws: DensityError.self) { try DataTable.read(path) }
      }
    }
  }
}

@Suite("SciPy's archives of sparse matrices")
struct SparseArchiveTests {
  static func vector(_ type: NPYHeader.ElementType, _ numbers: [Double]) -> [UInt8] {
    ArrayTests.file([numbers.count], type, numbers)
  }

  /// As `save_npz` writes it: the format is an array of no axes of some bytes.
  static func archive(
    _ format: String, shape: [Double], indptr: [Double], indices: [Double], data: [UInt8],
    indexType: NPYHeader.ElementType = .int32, writer: ZipWriter = ZipWriter(isDeflated: true)
  ) -> [UInt8] {
    writer.bytes([
      ("indices.npy", vector(indexType, indices)), ("indptr.npy", vector(indexType, indptr)),
      (
        "format.npy",
        NPYTests.file(NPYTests.header("|S\(format.utf8.count)", "()"), Array(format.utf8))
      ), ("shape.npy", vector(.int64, shape)), ("data.npy", data),
    ])
  }

  @Test(
    "by rows and by columns, indices in any order, zeros that are stored, cells that are stored twice",
    arguments: [NPYHeader.ElementType.bool, .int8, .int64, .float32, .float64],
    [NPYHeader.ElementType.int32, .int64])
  func both(type: NPYHeader.ElementType, indexType: NPYHeader.ElementType) throws {
    let expected = BinaryMatrix([[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]])
    // Rows: 3 and 0 (unsorted), and a stored 0 at 1; nothing; 1, 2, and 2 again as 0.
    let byRows = Self.archive(
      "csr", shape: [3, 4], indptr: [0, 3, 3, 6], indices: [3, 0, 1, 1, 2, 2],
      data: Self.vector(type, [1, 1, 0, 1, 1, 0]), indexType: indexType)
    let byColumns = Self.archive(
      "csc", shape: [3, 4], indptr: [0, 1, 3, 5, 6], indices: [0, 2, 0, 2, 2, 0],
      data: Self.vector(type, [1, 1, 0, 1, 0, 1]), indexType: indexType)
    for (bytes, name) in [(byRows, "scipy CSR"), (byColumns, "scipy CSC")] {
      try withFile(bytes) { path in
        let table = try DataTable.read(path)
        #expect(table.contents == .bits(expected))
        #expect(table.summary.dialect == name)
        let wider = ArrayTests.options { $0.columnCount = 70 }
        #expect(try DataTable.read(path, wider).columnCount == 70)
        let narrower = ArrayTests.options { $0.columnCount = 3 }
        #expect(throws: DensityError.mismatch(path: path, expected: "at most 3 columns", found: "4")) {
          try DataTable.read(path, narrower)
        }
      }
    }
  }

  @Test("what is not stored is 0: it is off, and no cell that is missing")
  func words() throws {
    let bytes = Self.archive(
      "csr", shape: [2, 3], indptr: [0, 2, 3], indices: [0, 2, 1], data: Self.vector(.int64, [2, 9, 2]))
    try withFile(bytes) { path in
      func read(_ values: String?, _ missing: String, _ borrowed: TableOptions.BorrowedWords) throws
        -> DataTable.Contents
      {
        var given = options(values: values, missing: missing)
        given.borrowedWords = borrowed
        return try DataTable.read(path, given).contents
      }
      try #expect(read("0,2", "9", .none) == .partial(PartialRows([[1, 0, nil], [0, 1, 0]])))
      try #expect(read("0,2", "9", .all) == .partial(PartialRows([[1, 0, nil], [0, 1, 0]])))
      for (values, missing) in [("2,0", "9"), ("-1,2", "9"), ("no,yes", "9"), ("0,2", "0")] {
        #expect(throws: DensityError.self) { try read(values, missing, .none) }
      }
    }
    let ones = Self.archive(
      "csr", shape: [2, 8], indptr: [0, 2, 3], indices: [0, 7, 1], data: Self.vector(.int64, [1, 1, 1]))
    try withFile(ones) { path in
      for values in ["no,yes", "-1,1", "1,0"] {
        var given = options(values: values)
        given.borrowedWords = .values
        try #expect(
          DataTable.read(path, given).contents
            == .bits(BinaryMatrix(rowCount: 2, columnCount: 8) { [[0, 7], [1]][$0].contains($1) }))
      }
      // A model says how many of the columns are left.
      var chosen = options(columns: "8,2,9")
      chosen.keptCount = 3
      try #expect(DataTable.read(path, chosen).contents == .bits(BinaryMatrix([[1, 0, 0], [0, 1, 0]])))
      chosen = options(ignore: "2-7")
      chosen.keptCount = 2
      try #expect(DataTable.read(path, chosen).contents == .bits(BinaryMatrix([[1, 1], [0, 0]])))
    }
  }

  @Test("a random matrix, by rows and by columns", arguments: [[5000, 70], [70, 5000], [64, 64]])
  func random(shape: [Int]) throws {
    var generator = SplitMix(state: 9)
    let rows = randomBits(rowCount: shape[0], columnCount: shape[1], probability: 0.02, using: &generator)
    for format in ["csr", "csc"] {
      let isByRows = format == "csr"
      var (indptr, indices) = ([0.0], [Double]())
      for line in 0..<shape[isByRows ? 0 : 1] {
        let on = (0..<shape[isByRows ? 1 : 0]).filter { isByRows ? rows[line, $0] : rows[$0, line] }
        indices += on.shuffled(using: &generator).map { Double($0) }
        indptr.append(Double(indices.count))
      }
      let data = Self.vector(.int8, Array(repeating: 1, count: indices.count))
      let bytes = Self.archive(
        format, shape: shape.map { Double($0) }, indptr: indptr, indices: indices, data: data)
      try withFile(bytes) { path in try #expect(DataTable.read(path).contents == .bits(rows)) }
    }
  }

  @Test("NaN is a missing cell")
  func missing() throws {
    let data = Self.vector(.float64, [1, .nan])
    for (format, indptr, indices) in [("csr", [0, 1, 2], [2, 1]), ("csc", [0, 0, 1, 2], [1, 0])]
      as [(String, [Double], [Double])]
    {
      let data = format == "csr" ? data : Self.vector(.float64, [.nan, 1])
      try withFile(
        Self.archive(format, shape: [2, 3], indptr: indptr, indices: indices, data: data)
      ) { path in
        try #expect(
          DataTable.read(path).contents == .partial(PartialRows([[0, 0, 1], [0, nil, 0]])))
      }
    }
  }

  @Test("other numbers are refused with row and column, by rows and by columns")
  func refused() throws {
    func expect(_ found: String, _ type: NPYHeader.ElementType, _ csr: [Double], _ csc: [Double]) throws {
      let byRows = Self.archive(
        "csr", shape: [2, 3], indptr: [0, 1, 3], indices: [2, 1, 1], data: Self.vector(type, csr))
      let byColumns = Self.archive(
        "csc", shape: [2, 3], indptr: [0, 0, 2, 3], indices: [1, 1, 0], data: Self.vector(type, csc))
      for bytes in [byRows, byColumns] {
        try expectMalformed(
          bytes, Malformed(.cell(row: 1, column: 1, name: nil), "0 or 1", found),
          reading: { try DataTable.read($0) })
      }
    }
    try expect("3", .int64, [1, 3, 0], [0, 3, 1])
    try expect("0.5", .float32, [1, 0.5, 0], [0.5, 0, 1])
    try expect("a cell that is stored twice, which makes the sum of both", .int8, [1, 1, 1], [1, 1, 1])
  }

  @Test("other kinds, and sizes that contradict each other, are refused")
  func wrong() throws {
    let one = Self.vector(.int8, [1])
    func refuses(_ bytes: [UInt8], _ found: String, sourceLocation: SourceLocation = #_sourceLocation) throws
    {
      try withFile(bytes) { path in
        let error = #expect(throws: DensityError.self, sourceLocation: sourceLocation) {
          try DataTable.read(path)
        }
        #expect(
          error?.description.hasSuffix("found " + found) ?? false, "\(String(describing: error))",
          sourceLocation: sourceLocation)
      }
    }
    for format in ["coo", "bsr", "dia"] {
      let bytes = Self.archive(format, shape: [1, 1], indptr: [0, 1], indices: [0], data: one)
      try refuses(bytes, "\(format.uppercased()); save x.tocsr()")
    }
    try refuses(
      Self.archive("csr", shape: [2, 2], indptr: [0, 1], indices: [0], data: one), "2, 1 and 1")
    try refuses(
      Self.archive("csr", shape: [1, 2], indptr: [0, 1], indices: [0, 1], data: one), "2, 2 and 1")
    try refuses(Self.archive("csr", shape: [1, 2], indptr: [0, 1], indices: [2], data: one), "2")
    try refuses(Self.archive("csc", shape: [1, 2], indptr: [0, 1, 1], indices: [-1], data: one), "-1")
    try refuses(Self.archive("csr", shape: [1, 2], indptr: [0, 7], indices: [0], data: one), "7")
    try refuses(Self.archive("csr", shape: [2, 2], indptr: [0, 1, 0], indices: [0], data: one), "0")
    try refuses(Self.archive("csr", shape: [1, 2], indptr: [0, 0], indices: [0], data: one), "0")
    try refuses(
      Self.archive("csr", shape: [1, 1e11], indptr: [0, 1], indices: [0], data: one),
      "one of 1 × 100000000000; say --column-count if this is meant")
    try refuses(
      Self.archive("csc", shape: [1e11, 1], indptr: [0, 1], indices: [0], data: one),
      "one of 100000000000 × 1; say --column-count if this is meant")
  }
}

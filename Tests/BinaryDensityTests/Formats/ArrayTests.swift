import BinaryDensity
import Testing

@Suite("Arrays as tables")
struct ArrayTests {
  /// An array of numbers, given row by row, in a file of either order.
  static func file(
    _ dimensions: [Int], _ type: NPYHeader.ElementType, isFortranOrder: Bool = false, _ numbers: [Double]
  ) -> [UInt8] {
    let header = NPYHeader(
      type: type, order: .little, isFortranOrder: isFortranOrder, dimensions: dimensions
    ).encoded
    let placed = isFortranOrder ? inFortranOrder(dimensions, numbers) : numbers
    var bytes: [UInt8] = []
    switch type {
    case .bool, .uint8: bytes = placed.map { UInt8($0) }
    case .int8: bytes.append(placed.map { Int8($0) }, order: .little)
    case .uint16: bytes.append(placed.map { UInt16($0) }, order: .little)
    case .int16: bytes.append(placed.map { Int16($0) }, order: .little)
    case .uint32: bytes.append(placed.map { UInt32($0) }, order: .little)
    case .int32: bytes.append(placed.map { Int32($0) }, order: .little)
    case .uint64: bytes.append(placed.map { UInt64($0) }, order: .little)
    case .int64: bytes.append(placed.map { Int64($0) }, order: .little)
    case .float16:
      bytes.append(placed.map { $0 == 0 ? 0 : $0.isNaN ? 0x7E00 : 0x3C00 as UInt16 }, order: .little)
    case .float32: bytes.append(placed.map { Float($0) }, order: .little)
    case .float64: bytes.append(placed, order: .little)
    }
    return header + bytes
  }

  static func inFortranOrder<T>(_ dimensions: [Int], _ values: [T]) -> [T] {
    var result = values
    for (index, value) in values.enumerated() {
      var rest = index
      var place = 0
      for (axis, size) in dimensions.enumerated().reversed() {
        place += rest % size * dimensions[..<axis].reduce(1, *)
        rest /= size
      }
      result[place] = value
    }
    return result
  }

  static func options(_ change: (inout TableOptions) -> Void) -> TableOptions {
    var options = TableOptions()
    change(&options)
    return options
  }

  @Test(
    "rows come back at any shape, in either order", arguments: [false, true],
    [
      [1, 1], [1, 200], [200, 1], [63, 64], [64, 63], [65, 65], [130, 7, 10], [4095, 3], [4097, 66],
      [9000, 2],
      [3, 40_000], [2, 3, 4, 5],
    ])
  func shapes(isFortranOrder: Bool, dimensions: [Int]) throws {
    var generator = SplitMix(state: UInt64(dimensions.count))
    let columnCount = dimensions.dropFirst().reduce(1, *)
    let rows = randomBits(rowCount: dimensions[0], columnCount: columnCount, using: &generator)
    let numbers = (0..<dimensions[0]).flatMap { rows[row: $0].map { $0 ? 1.0 : 0.0 } }
    for type in [NPYHeader.ElementType.bool, .uint8, .int64, .float32] {
      try withFile(Self.file(dimensions, type, isFortranOrder: isFortranOrder, numbers)) { path in
        let table = try DataTable.read(path)
        #expect(table.contents == .bits(rows))
        #expect(
          table.imageShape.map { [$0.height, $0.width] }
            == (dimensions.count == 3 ? Array(dimensions[1...]) : nil))
        for length in [1, 100, 5000] where length > 1 || rows.rowCount < 1000 {
          var read: [BinaryMatrix] = []
          try TableStream(path: path).forEachBlock(of: length) { (block) throws(DensityError) in
            read.append(block)
            return true
          }
          #expect(read.dropLast().allSatisfy { $0.rowCount == length })
          var row = 0
          for block in read {
            #expect(block == rows.rows(row..<row + block.rowCount))
            row += block.rowCount
          }
          #expect(row == rows.rowCount)
        }
      }
    }
  }

  @Test(
    "NaN is a missing cell", arguments: [NPYHeader.ElementType.float16, .float32, .float64], [false, true])
  func missing(type: NPYHeader.ElementType, isFortranOrder: Bool) throws {
    let rowCount = 150
    let cells = (0..<rowCount).map { row in
      (0..<70).map { column -> Int? in row > 60 && (row + column) % 31 == 0 ? nil : (row ^ column) & 1 }
    }
    let numbers = cells.flatMap { $0.map { $0.map(Double.init) ?? .nan } }
    try withFile(Self.file([rowCount, 70], type, isFortranOrder: isFortranOrder, numbers)) { path in
      let table = try DataTable.read(path)
      #expect(table.contents == .partial(PartialRows(cells)))
      #expect(table.summary.missingCount == cells.joined().filter { $0 == nil }.count)
      #expect(table.summary.dialect == "NPY of \(type)")
    }
  }

  @Test("numbers are compared as numbers with the words for off, on and missing")
  func values() throws {
    let expected = PartialRows([[1, 0, nil], [0, 1, 1]])
    for type in [NPYHeader.ElementType.int8, .int32, .float64] {
      try withFile(Self.file([2, 3], type, [1, -1, 9, -1, 1, 1])) { path in
        let options = Self.options {
          $0.values = TableOptions.Values(off: "-1", on: "1.0")
          $0.missing = ["none", "9"]
        }
        try #expect(DataTable.read(path, options).contents == .partial(expected))
      }
    }
    try withFile(Self.file([2, 3], .uint8, [255, 0, 0, 0, 255, 255])) { path in
      let options = Self.options { $0.values = TableOptions.Values(off: "0", on: "255") }
      try #expect(DataTable.read(path, options).contents == .bits(BinaryMatrix([[1, 0, 0], [0, 1, 1]])))
      #expect(
        throws: DensityError.malformed(
          path: path, at: .cell(row: 0, column: 0, name: nil), expected: "0 or 1",
          found: "255 (off and on? --values 0,255)")
      ) { try DataTable.read(path) }
      let words = Self.options { $0.values = TableOptions.Values(off: "no", on: "yes") }
      #expect(throws: DensityError.self) { try DataTable.read(path, words) }
    }
    // Words that another table has say nothing of numbers, unless they are some.
    try withFile(Self.file([1, 3], .int8, [1, 0, 1])) { path in
      for (off, on) in [("no", "yes"), ("0", "1")] {
        let options = Self.options {
          ($0.values, $0.borrowedWords) = (TableOptions.Values(off: off, on: on), .values)
        }
        try #expect(DataTable.read(path, options).contents == .bits(BinaryMatrix([[1, 0, 1]])))
      }
      let inverse = Self.options {
        ($0.values, $0.borrowedWords) = (TableOptions.Values(off: "1", on: "0"), .values)
      }
      try #expect(DataTable.read(path, inverse).contents == .bits(BinaryMatrix([[0, 1, 0]])))
    }
    // A 0 or 1 that stands for a missing cell is one.
    try withFile(Self.file([1, 3], .uint8, [2, 1, 0])) { path in
      let options = Self.options {
        $0.values = TableOptions.Values(off: "1", on: "2")
        $0.missing = ["0"]
      }
      try #expect(DataTable.read(path, options).contents == .partial(PartialRows([[1, 0, nil]])))
    }
  }

  static let strange: [([Int], NPYHeader.ElementType, [Double], (row: Int, column: Int), String)] = [
    ([2, 2], .uint8, [0, 1, 9, 1], (1, 0), "9 (a code for a missing cell? --missing 9)"),
    ([4], .uint8, [0, 1, 1, 9], (3, 0), "9 (a file of labels, not of rows? The array has one axis)"),
    ([3], .float64, [0, -3.5, 2], (1, 0), "-3.5 (a file of labels, not of rows? The array has one axis)"),
    ([2, 2], .uint8, [0, 2, 1, 3], (0, 1), "2 (counts? Decide what is on)"),
    (
      [2, 6], .uint8, [0, 20, 31, 42, 53, 64, 75, 86, 97, 108, 119, 200], (0, 1),
      "20 (grey levels? --binarize; bits packed eight to a byte? Unpack them, np.unpackbits)"
    ),
    ([1, 3], .int16, [-1, 1, -1], (0, 0), "-1 (off and on? --values -1,1)"),
    ([1, 3], .int16, [-1, 1, 0], (0, 0), "-1 (a code for a missing cell? --missing -1)"),
    (
      [1, 2, 2, 3], .uint8, Array(repeating: 7, count: 12), (0, 0),
      "7 (pictures in colour? Make them grey, one channel a pixel)"
    ),
    (
      [1, 3, 2, 2], .uint8, Array(repeating: 7, count: 12), (0, 0),
      "7 (pictures in colour? Make them grey, one channel a pixel)"
    ),
    ([1, 1, 2], .float64, [0, .infinity], (0, 1), "inf"),
    ([1, 2, 1], .int32, [0, 7], (0, 1), "7 (a code for a missing cell? --missing 7)"),
    (
      [1, 2], .uint64, [1, 1e19], (0, 1),
      "10000000000000000000 (a code for a missing cell? --missing 10000000000000000000)"
    ),
  ]

  @Test("what means nothing is refused with its place and a guess", arguments: 0..<strange.count)
  func refused(index: Int) throws {
    let (dimensions, type, numbers, place, found) = Self.strange[index]
    for isFortranOrder in [false, true] {
      // The first in the file's own order is named, and the guess goes by what follows.
      if isFortranOrder, !(numbers.filter { $0 != 0 && $0 != 1 }.count == 1) { continue }
      try expectMalformed(
        Self.file(dimensions, type, isFortranOrder: isFortranOrder, numbers),
        Malformed(.cell(row: place.row, column: place.column, name: nil), "0 or 1", found),
        reading: { try DataTable.read($0) })
    }
  }

  @Test("a single code deep in a large table is found, in either order", arguments: [false, true])
  func deep(isFortranOrder: Bool) throws {
    var numbers = [Double](repeating: 1, count: 5000 * 99)
    numbers[4321 * 99 + 98] = 2
    try expectMalformed(
      Self.file([5000, 99], .uint8, isFortranOrder: isFortranOrder, numbers),
      Malformed(
        .cell(row: 4321, column: 98, name: nil), "0 or 1", "2 (a code for a missing cell? --missing 2)"),
      reading: { try DataTable.read($0) })
  }

  @Test("grey levels that begin as bits, in either order", arguments: [false, true], [0, 1, 4500, 8999])
  func lateGrey(isFortranOrder: Bool, row: Int) throws {
    var levels = (0..<9000 * 6).map { UInt8($0 / 6 % 2) }
    levels[row * 6 + 4] = 200
    let bytes = Self.file([9000, 2, 3], .uint8, isFortranOrder: isFortranOrder, levels.map { Double($0) })
    try withFile(bytes) { path in
      let shape = ImageShape(height: 2, width: 3)
      let table = try DataTable.read(path)
      #expect(
        table.greyLevels == GreyLevels(rowCount: 9000, columnCount: 6, levels: levels, imageShape: shape))
      #expect(table.summary.dialect == "NPY of uint8, 2 × 3 pictures")
    }
  }

  @Test("columns are chosen by their numbers, and pictures said by --image")
  func selection() throws {
    try withFile(Self.file([2, 4], .uint8, [1, 0, 0, 1, 0, 1, 1, 1])) { path in
      let options = Self.options { $0.columns = ["4", "1-2"] }
      let table = try DataTable.read(path, options)
      #expect(table.contents == .bits(BinaryMatrix([[1, 1, 0], [1, 0, 1]])))
      #expect(table.summary.leftOut == ["3"])
      let picture = Self.options { $0.imageShape = ImageShape(height: 2, width: 2) }
      try #expect(DataTable.read(path, picture).imageShape == ImageShape(height: 2, width: 2))
    }
  }

  @Test(
    "a header that promises too much costs no memory",
    arguments: [false, true], ["(1000000000000, 70)", "(70, 1000000000000)", "(100000000, 100000000)"])
  func lies(isFortranOrder: Bool, shape: String) throws {
    let bytes = NPYTests.file(
      NPYTests.header("|u1", shape, isFortranOrder: isFortranOrder), [UInt8](repeating: 1, count: 100_000))
    for bytes in [bytes, Gzip.compress(bytes)] {
      try withFile(bytes) { path in
        #expect(throws: DensityError.self) { try DataTable.read(path) }
      }
    }
  }
}

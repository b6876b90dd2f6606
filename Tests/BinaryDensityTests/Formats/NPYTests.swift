import BinaryDensity
import Testing

@Suite("NPY files")
struct NPYTests {
  /// A file with any text for a header, in any version.
  static func file(_ header: String, _ numbers: [UInt8], version: UInt8 = 1) -> [UInt8] {
    var bytes = NPYHeader.magic + [version, 0]
    let text = Array(header.utf8)
    if version == 1 {
      bytes.append([UInt16(text.count)], order: .little)
    } else {
      bytes.append([UInt32(text.count)], order: .little)
    }
    return bytes + text + numbers
  }

  static func header(_ descr: String, _ shape: String, isFortranOrder: Bool = false) -> String {
    "{'descr': '\(descr)', 'fortran_order': \(isFortranOrder ? "True" : "False"), 'shape': \(shape), }\n"
  }

  static func bits(_ bytes: [UInt8]) throws -> BinaryMatrix {
    try withFile(bytes) { path in
      guard case .bits(let bits) = try DataTable.read(path).contents else {
        throw DensityError.invalidConfiguration("grey levels, not bits")
      }
      return bits
    }
  }

  static func encode(_ values: [Int], _ type: NPYHeader.ElementType, _ order: ByteOrder) -> [UInt8] {
    var bytes: [UInt8] = []
    switch type {
    case .bool, .uint8, .int8: bytes = values.map { UInt8($0) }
    case .uint16, .int16: bytes.append(values.map { UInt16($0) }, order: order)
    case .uint32, .int32: bytes.append(values.map { UInt32($0) }, order: order)
    case .uint64, .int64: bytes.append(values.map { UInt64($0) }, order: order)
    case .float16: bytes.append(values.map { $0 == 0 ? 0 : 0x3C00 as UInt16 }, order: order)
    case .float32: bytes.append(values.map { Float($0) }, order: order)
    case .float64: bytes.append(values.map { Double($0) }, order: order)
    }
    return bytes
  }

  @Test(
    "every type, either order of bytes, either order of axes, every version",
    arguments: NPYHeader.ElementType.allCases, [1, 2, 3] as [UInt8])
  func types(type: NPYHeader.ElementType, version: UInt8) throws {
    let rows = [[1, 0, 0], [0, 1, 1]]
    for order in [ByteOrder.little, .big] {
      for isFortranOrder in [false, true] {
        let values = isFortranOrder ? [1, 0, 0, 1, 0, 1] : rows.flatMap { $0 }
        let mark = type.size == 1 ? "|" : order == .little ? "<" : ">"
        let bytes = Self.file(
          Self.header(mark + type.rawValue, "(2, 3)", isFortranOrder: isFortranOrder),
          Self.encode(values, type, order), version: version)
        try #expect(Self.bits(bytes) == BinaryMatrix(rows))
        try #expect(Self.bits(Gzip.compress(bytes)) == BinaryMatrix(rows))
      }
    }
  }

  @Test("axes beyond the first are flattened, the last running fastest")
  func axes() throws {
    let values = (0..<24).map { [1, 3, 4, 8, 9, 14, 15, 22].contains($0) ? 1 : 0 }
    let expected = BinaryMatrix(rowCount: 2, columnCount: 12) { values[$0 * 12 + $1] == 1 }
    let plain = Self.file(Self.header("|u1", "(2, 3, 4)"), values.map { UInt8($0) })
    try #expect(Self.bits(plain) == expected)
    // In Fortran's order, element (i, j, k) stands at i + 2 (j + 3 k).
    var fortran = [UInt8](repeating: 0, count: 24)
    for (index, value) in values.enumerated() {
      fortran[index / 12 + 2 * (index / 4 % 3 + 3 * (index % 4))] = UInt8(value)
    }
    let header = Self.header("|u1", "(2, 3, 4)", isFortranOrder: true)
    try #expect(Self.bits(Self.file(header, fortran)) == expected)
    try withFile(plain) { path in
      try #expect(DataTable.read(path).imageShape == ImageShape(height: 3, width: 4))
    }
    try #expect(Self.bits(Self.file(Self.header("<i2", "(3,)"), [1, 0, 0, 0, 1, 0])).columnCount == 1)
  }

  @Test(
    "unsigned bytes beyond 1 are grey levels of pictures, or where a binarization is given",
    arguments: [false, true], ["(2, 3, 1)", "(2, 3, 1, 1)", "(2, 1, 3, 1)", "(2, 3)"])
  func grey(isFortranOrder: Bool, shape: String) throws {
    let levels: [UInt8] = isFortranOrder ? [0, 2, 1, 200, 255, 3] : [0, 1, 255, 2, 200, 3]
    let header = Self.header("|u1", shape, isFortranOrder: isFortranOrder)
    try withFile(Self.file(header, levels)) { path in
      var options = TableOptions()
      if shape == "(2, 3)" {
        let error = #expect(throws: DensityError.self) { try DataTable.read(path) }
        guard case .malformed(path, .cell, "0 or 1", _) = error else {
          Issue.record("unexpected \(String(describing: error))")
          return
        }
        options.binarization = .standard
      }
      let image: ImageShape? =
        switch shape {
        case "(2, 3)": nil
        case "(2, 1, 3, 1)": ImageShape(height: 1, width: 3)
        default: ImageShape(height: 3, width: 1)
        }
      let grey = GreyLevels(
        rowCount: 2, columnCount: 3, levels: [0, 1, 255, 2, 200, 3], imageShape: image)
      try #expect(DataTable.read(path, options).greyLevels == grey)
    }
  }

  @Test(
    "the text of a header may be written in many ways",
    arguments: [
      "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2)}",
      "{\"shape\":(1,2,),\"descr\":\"<i4\",\"fortran_order\":False}\n",
      "  { 'fortran_order' : False , 'shape' : ( 1 , 2 ) , 'descr' : '=i4' , }   \n",
      "{'descr': '<i4', 'fortran_order': False, 'shape': (1L, 2L), }",
    ])
  func spellings(header: String) throws {
    try #expect(Self.bits(Self.file(header, [1, 0, 0, 0, 0, 0, 0, 0])) == BinaryMatrix([[1, 0]]))
  }

  @Test("a header written is a header read, ending at a multiple of 64 bytes")
  func headerRoundTrip() throws {
    for type in NPYHeader.ElementType.allCases {
      for dimensions in [[], [0], [7], [3, 4], [1_000_000, 28, 28]] {
        let header = NPYHeader(type: type, order: .little, dimensions: dimensions)
        #expect(header.encoded.count % 64 == 0 && header.encoded.last == 0x0A)
        try withFile(header.encoded) { path in
          let source = try ByteSource(path: path)
          try #expect(NPYHeader.read(from: source) == header)
          try source.expectEnd()
        }
      }
    }
  }

  // The usual header below is 60 bytes long, so numbers start at byte 10 + 60.
  static let known = "b1, u1, u2, u4, u8, i1, i2, i4, i8, f2, f4, f8"
  static let wrong: [([UInt8], Malformed)] = [
    ([0x93], Malformed(.byte(1), "the 8 bytes an NPY file begins with", "the end of the file")),
    (
      [0x93] + Array("NUMPX".utf8) + [1, 0],
      Malformed(.byte(0), "\\x93NUMPY", "\"\u{FFFD}NUMPX\"")
    ),
    (NPYHeader.magic + [4, 0], Malformed(.byte(6), "version 1.0, 2.0 or 3.0", "version 4.0")),
    (NPYHeader.magic + [1, 1], Malformed(.byte(6), "version 1.0, 2.0 or 3.0", "version 1.1")),
    (
      NPYHeader.magic + [1, 0, 5],
      Malformed(.byte(9), "the length of the NPY header", "the end of the file")
    ),
    (
      NPYHeader.magic + [1, 0, 200, 0] + Array("{'descr'".utf8),
      Malformed(.byte(18), "an NPY header of 200 bytes", "the end of the file")
    ),
    (
      // Four thousand million bytes of header are not believed either.
      NPYHeader.magic + [2, 0, 0xFF, 0xFF, 0xFF, 0xFF] + Array("{".utf8),
      Malformed(.byte(8), "an NPY header of a few hundred bytes", "one of 4294967295")
    ),
    (file("[1, 2]", []), Malformed(.byte(10), "{ in the NPY header", "\"[1, 2]\"")),
    (file("", []), Malformed(.byte(10), "{ in the NPY header", "the end of the NPY header")),
    (file("{1: 2}", []), Malformed(.byte(11), "a quoted name", "\"1: 2}\"")),
    (
      file("{'descr': '<i4', 'fortran_order': False}", []),
      Malformed(.byte(10), "'descr', 'fortran_order' and 'shape'", "a dictionary without one of them")
    ),
    (
      file("{'descr': '<i4', 'extra': 1}", []),
      Malformed(.byte(27), "'descr', 'fortran_order' and 'shape', each once", "\"extra\"")
    ),
    (
      file("{'descr': '<i4', 'descr': '<i4'}", []),
      Malformed(.byte(27), "'descr', 'fortran_order' and 'shape', each once", "\"descr\"")
    ),
    (
      file("{'descr': [('a', '<i4')]}", []),
      Malformed(.byte(20), "numbers of one type", "a structured array; save its fields as one array")
    ),
    (
      file(header("<c8", "(1,)"), []),
      Malformed(.byte(20), "a type of numbers", "complex numbers (\"<c8\")")
    ),
    (
      file(header("|i4", "(1,)"), []),
      Malformed(.byte(20), "a type of numbers", "\"|i4\", not one of \(known) after <, > or |")
    ),
    (
      file(header("|O", "(1,)"), []),
      Malformed(
        .byte(20), "a type of numbers",
        "Python objects, which are pickled; save numbers instead, as x.astype('uint8')")
    ),
    (
      file(header("<U1", "(1,)"), []),
      Malformed(
        .byte(20), "a type of numbers", "text (\"<U1\"); save numbers instead, as x.astype('uint8')")
    ),
    (
      file("{'fortran_order': 1}", []),
      Malformed(.byte(28), "False in the NPY header", "\"1}\"")
    ),
    (file("{'shape': 3}", []), Malformed(.byte(20), "( in the NPY header", "\"3}\"")),
    (file("{'shape': (-3,)}", []), Malformed(.byte(21), "a size of the array", "\"-3,)}\"")),
    (
      file("{'shape': (99999999999999999999,)}", []),
      Malformed(.byte(21), "a size of the array", "\"9999999999999999\"")
    ),
    (file("{'shape': (3 4)}", []), Malformed(.byte(23), ") in the NPY header", "\"4)}\"")),
    (
      file("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x", [1]),
      Malformed(.byte(66), "the end of the NPY header", "\"x\"")
    ),
    (
      file(header("|u1", "()"), [1]),
      Malformed(.byte(8), "at least one row and one column", "one number")
    ),
    (
      file(header("|u1", "(0, 4)"), []),
      Malformed(.byte(8), "at least one row and one column", "0 × 4")
    ),
    (
      file(header("|u1", "(4, 0)"), []),
      Malformed(.byte(8), "at least one row and one column", "4 × 0")
    ),
    (
      file(header("<f8", "(4294967296, 4294967296)"), [0]),
      Malformed(.byte(8), "sizes whose product fits 60 bits", "4294967296 × 4294967296")
    ),
    (
      file(header("<f8", "(1000000000, 1000000000)"), [0]),
      Malformed(
        .byte(89), "8000000000000000000 bytes of elements (1000000000 × 1000000000)", "the end of the file")
    ),
    (
      file(header("|u1", "(2, 2)"), [0, 1, 1]),
      Malformed(.byte(73), "4 bytes of elements (2 × 2)", "the end of the file")
    ),
    (
      file(header("|u1", "(2, 2)"), [0, 1, 1, 0, 0]),
      Malformed(.byte(74), "the end of the file", "more bytes")
    ),
    (
      file(header("<i2", "(2, 2)"), [0, 0, 1, 0, 2, 0, 0, 0]),
      Malformed(.cell(row: 1, column: 0, name: nil), "0 or 1", "2 (a code for a missing cell? --missing 2)")
    ),
    (
      file(header("|b1", "(2, 2)"), [0, 0, 1, 2]),
      Malformed(
        .cell(row: 1, column: 1, name: nil), "0 or 1", "2 (a code for a missing cell? --missing 2)")
    ),
    (
      file(header("|i1", "(2, 2)"), [0, 0, 1, 0xFF]),
      Malformed(.cell(row: 1, column: 1, name: nil), "0 or 1", "-1 (off and on? --values -1,1)")
    ),
    (
      file(header(">f4", "(1, 1)"), [0x3F, 0, 0, 0]),
      Malformed(
        .cell(row: 0, column: 0, name: nil), "0 or 1",
        "0.5 (a probability, or grey? Decide first what is on, as x > 0.5)")
    ),
    (
      file(header("<f2", "(1, 2)"), [0, 0, 0, 0x40]),
      Malformed(
        .cell(row: 0, column: 1, name: nil), "0 or 1", "2.0 (a code for a missing cell? --missing 2.0)")
    ),
  ]

  @Test("every way a file can be wrong, plain and gzip", arguments: wrong)
  func malformed(bytes: [UInt8], error: Malformed) throws {
    try expectMalformed(bytes, error, reading: { try DataTable.read($0) })
    try expectMalformed(Gzip.compress(bytes), error, reading: { try DataTable.read($0) })
  }
}

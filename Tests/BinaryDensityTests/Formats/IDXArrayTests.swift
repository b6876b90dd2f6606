import BinaryDensity
import Testing
import _TestSupport

@Suite("IDX files")
struct IDXArrayTests {
  static func elements(_ type: IDXArray.ElementType, count: Int) -> IDXArray.Elements {
    var generator = SplitMix(state: UInt64(count))
    let bits = (0..<count).map { _ in generator.next() }
    switch type {
    case .uint8: return .uint8(bits.map { UInt8(truncatingIfNeeded: $0) })
    case .int8: return .int8(bits.map { Int8(truncatingIfNeeded: $0) })
    case .int16: return .int16(bits.map { Int16(truncatingIfNeeded: $0) })
    case .int32: return .int32(bits.map { Int32(truncatingIfNeeded: $0) })
    case .float32: return .float32(bits.map { Float($0) - 0x1p63 })
    case .float64: return .float64(bits.map { Double($0) - 0x1p63 })
    }
  }

  @Test(
    "what is written is read", arguments: IDXArray.ElementType.allCases,
    [
      [], [0], [1], [5], [2, 3], [3, 0, 2], [2, 3, 4], [1, 1, 1, 1, 7], [40_000],
      Array(repeating: 1, count: 255),
    ])
  func roundTrip(type: IDXArray.ElementType, dimensions: [Int]) throws {
    let array = IDXArray(
      dimensions: dimensions, elements: Self.elements(type, count: dimensions.reduce(1, *)))
    try withTemporaryDirectory { folder in
      for name in ["a.idx", "a.idx.gz"] {
        try array.write(to: folder + "/" + name)
        try #expect(IDXArray.read(folder + "/" + name) == array)
      }
      let isCompressed = try ByteSourceTests.readAll(folder + "/a.idx.gz") == array.encoded
      #expect(isCompressed)
    }
  }

  @Test("numbers stand with the most significant byte first")
  func bytes() throws {
    let array = IDXArray(dimensions: [1, 2], elements: .int16([258, -2]))
    #expect(array.encoded == [0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 0xFF, 0xFE])
    let real = IDXArray(dimensions: [], elements: .float64([-1.5]))
    #expect(real.encoded == [0, 0, 0x0E, 0, 0xBF, 0xF8, 0, 0, 0, 0, 0, 0])
  }

  static let wrong: [([UInt8], Malformed)] = [
    ([], Malformed(.byte(0), "the 4 bytes an IDX file begins with", "the end of the file")),
    ([0, 0, 8], Malformed(.byte(3), "the 4 bytes an IDX file begins with", "the end of the file")),
    (
      [0, 1, 8, 1, 0, 0, 0, 0],
      Malformed(.byte(0), "the two zero bytes an IDX file begins with", "0x00 0x01")
    ),
    (
      [0x50, 0x4B, 8, 1],
      Malformed(.byte(0), "the two zero bytes an IDX file begins with", "0x50 0x4B")
    ),
    (
      [0, 0, 0x0A, 1, 0, 0, 0, 0],
      Malformed(.byte(2), "an element type, one of 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E", "0x0A")
    ),
    (
      [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
      Malformed(.byte(14), "the sizes of 3 dimensions", "the end of the file")
    ),
    (
      [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5],
      Malformed(.byte(17), "6 bytes of elements (2 × 3)", "the end of the file")
    ),
    (
      [0, 0, 0x0E, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      Malformed(.byte(15), "8 bytes of elements (1)", "the end of the file")
    ),
    (
      [0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3],
      Malformed(.byte(10), "the end of the file", "more bytes")
    ),
    ([0, 0, 8, 0], Malformed(.byte(4), "1 bytes of elements (one number)", "the end of the file")),
    // Headers that promise what no memory could hold; one allocation of it would end the test.
    (
      [0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 7],
      Malformed(.byte(9), "4294967295 bytes of elements (4294967295)", "the end of the file")
    ),
    (
      [0, 0, 8, 2, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 7],
      Malformed(
        .byte(13), "9223372030412324865 bytes of elements (2147483647 × 4294967295)", "the end of the file")
    ),
    (
      [0, 0, 8, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 7],
      Malformed(.byte(4), "sizes whose product fits 63 bits", "4294967295 × 4294967295")
    ),
    (
      [0, 0, 0x0E, 2, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 7],
      Malformed(.byte(4), "sizes whose product fits 63 bits", "2147483647 × 4294967295")
    ),
  ]

  @Test("every way a file can be wrong, plain and gzip", arguments: wrong)
  func malformed(bytes: [UInt8], error: Malformed) throws {
    try expectMalformed(bytes, error, reading: IDXArray.read)
    try expectMalformed(Gzip.compress(bytes), error, reading: IDXArray.read)
  }

  @Test("a zero among the sizes makes no elements, however large the others are")
  func empty() throws {
    let bytes: [UInt8] =
      [0, 0, 0x0E, 3] + Array(repeating: 0xFF, count: 8) + [0, 0, 0, 0]
    try withFile(bytes) { path in
      let array = try IDXArray.read(path)
      #expect(array.dimensions == [4_294_967_295, 4_294_967_295, 0])
      #expect(array.elements == .float64([]))
      #expect(array.encoded == bytes)
    }
  }

  @Test("gzip cut inside the elements is told from elements that are missing")
  func truncatedGzip() throws {
    let array = IDXArray(dimensions: [100_000], elements: Self.elements(.int32, count: 100_000))
    let bytes = Gzip.compress(array.encoded)
    for length in [bytes.count - 1, bytes.count - 8, bytes.count / 2, 70_000] {
      try expectMalformed(
        bytes[..<length],
        Malformed(.compressedByte(length), "the rest of the gzip stream", "the end of the file"),
        reading: IDXArray.read)
    }
  }

  @Test("a broken contract stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { _ = IDXArray(dimensions: [2], elements: .uint8([1])) }
    await #expect(processExitsWith: .failure) { _ = IDXArray(dimensions: [-1], elements: .uint8([])) }
  }
}

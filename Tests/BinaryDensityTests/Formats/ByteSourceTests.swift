import BinaryDensity
import Testing
import _TestSupport

@Suite("Plain and gzip bytes")
struct ByteSourceTests {
  /// `printf 'binary density\n' | gzip -9n`, written by gzip itself.
  static let text = Array("binary density\n".utf8)
  static let compressed: [UInt8] = [
    0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0x4B, 0xCA, 0xCC, 0x4B, 0x2C, 0xAA, 0x54, 0x48, 0x49, 0xCD,
    0x2B, 0xCE, 0x2C, 0xA9, 0xE4, 0x02, 0x00, 0x24, 0xDC, 0xBC, 0x7C, 0x0F, 0, 0, 0,
  ]

  static func readAll(_ path: String) throws(DensityError) -> [UInt8] {
    let source = try ByteSource(path: path)
    var bytes: [UInt8] = []
    while try !source.isAtEnd() { bytes += try source.take(upTo: 1000) }
    #expect(source.offset == bytes.count)
    return bytes
  }

  @Test("gzip is known by its contents, whatever the name", arguments: ["a.gz", "a.idx", "a"])
  func byContent(name: String) throws {
    try withFile(Self.compressed, named: name) { try #expect(Self.readAll($0) == Self.text) }
    try withFile(Self.text, named: name) { try #expect(Self.readAll($0) == Self.text) }
  }

  @Test("members of gzip follow each other", arguments: [2, 3, 5000])
  func members(count: Int) throws {
    let bytes = (0..<count).flatMap { _ in Self.compressed }
    try withFile(bytes) { path in
      try #expect(Self.readAll(path) == (0..<count).flatMap { _ in Self.text })
    }
  }

  @Test("short files are plain", arguments: [[], [0x1F], [0x1F, 0x8A], [0x8B, 0x1F]] as [[UInt8]])
  func short(bytes: [UInt8]) throws {
    try withFile(bytes) { try #expect(Self.readAll($0) == bytes) }
  }

  @Test(
    "what is compressed comes back, around the sizes of the buffers",
    arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_003], [false, true])
  func roundTrip(count: Int, isNoise: Bool) throws {
    var generator = SplitMix(state: UInt64(count))
    let bytes = (0..<count).map {
      isNoise ? UInt8.random(in: 0...255, using: &generator) : UInt8($0 / 999 % 7)
    }
    let compressed = Gzip.compress(bytes)
    #expect(compressed == Gzip.compress(bytes))
    try withFile(compressed) { try #expect(Self.readAll($0) == bytes) }
    try withFile(bytes) { try #expect(Self.readAll($0) == bytes) }
  }

  @Test("gzip cut short at any byte is an error at that byte", arguments: 2..<35)
  func truncated(length: Int) throws {
    try expectMalformed(
      Self.compressed[..<length],
      Malformed(.compressedByte(length), "the rest of the gzip stream", "the end of the file"),
      reading: Self.readAll)
  }

  @Test(
    "damage is an error", arguments: [(10, 0x07, "invalid block type"), (27, 0, "incorrect data check")])
  func corrupt(offset: Int, value: UInt8, words: String) throws {
    var bytes = Self.compressed
    bytes[offset] = value
    try withFile(bytes) { path in
      let error = #expect(throws: DensityError.self) { _ = try Self.readAll(path) }
      guard case .malformed(path, .compressedByte, "a sound gzip stream", words) = error else {
        Issue.record("unexpected \(String(describing: error))")
        return
      }
    }
  }

  @Test("a wrong length in the trailer is an error")
  func wrongLength() throws {
    var bytes = Self.compressed
    bytes[31] = 16
    try withFile(bytes) { path in
      let error = #expect(throws: DensityError.self) { _ = try Self.readAll(path) }
      guard case .malformed(path, .compressedByte, _, "incorrect length check") = error else {
        Issue.record("unexpected \(String(describing: error))")
        return
      }
    }
  }

  @Test("a flip of any bit is an error or leaves the contents as they were", arguments: 0..<35)
  func flippedBits(offset: Int) throws {
    for bit in 0..<8 {
      var bytes = Self.compressed
      bytes[offset] ^= 1 << UInt8(bit)
      try withFile(bytes) { path in
        guard let contents = try? Self.readAll(path) else { return }
        // A damaged magic makes a plain file. Some bits mean nothing: time and system in the header, and the
        // padding of the last byte before the checksum.
        #expect(contents == (offset < 2 ? bytes : Self.text))
      }
    }
  }

  @Test(
    "nothing but zeros may follow the last member",
    arguments: [[1], [0x1F], [0x1F, 0x8A], Array("more".utf8)] as [[UInt8]], [0, 1, 5, 200_000])
  func trailing(bytes: [UInt8], zeros: Int) throws {
    let padding = [UInt8](repeating: 0, count: zeros)
    try expectMalformed(
      Self.compressed + padding + bytes,
      Malformed(.compressedByte(35 + zeros), "the end of the file or another gzip member", "other bytes"),
      reading: Self.readAll)
    // As a tape pads its blocks, and between members too.
    try withFile(Self.compressed + padding) { try #expect(Self.readAll($0) == Self.text) }
    try withFile(Self.compressed + padding + Self.compressed + padding) {
      try #expect(Self.readAll($0) == Self.text + Self.text)
    }
  }

  @Test("what another program has to unpack is named")
  func packings() throws {
    var tar = [UInt8](repeating: 0x61, count: 512)
    tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
    let cases: [([UInt8], String)] = [
      ([0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0], "zstd; unpack it with zstd -d"),
      (Array("BZh91AY&SY".utf8), "bzip2; unpack it with bunzip2"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0], "xz; unpack it with unxz"),
      ([0x04, 0x22, 0x4D, 0x18, 0, 0], "lz4; unpack it with lz4 -d"),
      ([0x1F, 0x9D, 0x90, 0, 0, 0], "the old .Z; unpack it with uncompress"),
      ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0], "a 7-Zip archive; unpack it"),
      (Array("Rar!".utf8) + [0x1A, 0x07, 0], "a RAR archive; unpack it"),
    ]
    for (bytes, found) in cases {
      try expectMalformed(bytes, Malformed(.byte(0), "a plain file or gzip", found), reading: Self.readAll)
    }
    // Letters alone are text.
    try withFile("BZha,b\n".utf8) { try #expect(Self.readAll($0) == Array("BZha,b\n".utf8)) }
    let error = Malformed(
      .byte(0), "a table", "a tar archive; unpack it (tar -xf) and give a file of it")
    try expectMalformed(tar, error, reading: Self.readAll)
    try expectMalformed(Gzip.compress(tar), error, reading: Self.readAll)
  }

  @Test("bytes are lent where they lie, as many at least as are asked for", arguments: [1, 7, 300_000])
  func lent(minimum: Int) throws {
    let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 * 7) }
    try withFile(bytes) { path in
      let source = try ByteSource(path: path)
      var taken: [UInt8] = []
      var count = -1
      while count != 0 {
        count = try source.takeAvailable(atLeast: minimum) { (lent) throws(DensityError) in
          #expect(lent.count >= min(minimum, bytes.count - taken.count))
          // One byte stays, until it is the last.
          let part = lent.count > minimum ? lent.dropLast() : lent[...]
          taken.append(contentsOf: part)
          return part.count
        }
      }
      #expect(taken == bytes && source.offset == bytes.count)
      #expect(source.fraction == 1)
    }
  }

  @Test("a missing file, a missing folder, a folder")
  func notAFile() throws {
    try withTemporaryDirectory { folder in
      for path in [folder + "/none", folder + "/none/none", ""] {
        #expect(throws: DensityError.missingFile(path: path)) { try ByteSource(path: path) }
      }
      #expect(throws: DensityError.unreadable(path: folder, reason: "Is a directory")) {
        try ByteSource(path: folder)
      }
    }
  }

  @Test("peeking takes nothing, and taking exactly says where the file ends")
  func taking() throws {
    try withFile(Self.text) { path in
      let source = try ByteSource(path: path)
      try #expect(source.peek(6).elementsEqual("binary".utf8))
      try #expect(source.peek(100).elementsEqual(Self.text))
      #expect(source.offset == 0)
      try #expect(source.take(7, of: "a word").elementsEqual("binary ".utf8))
      #expect(throws: Malformed(.byte(15), "ten bytes", "the end of the file").error(path: path)) {
        _ = try source.take(10, of: "ten bytes")
      }
      try source.expectEnd()
    }
  }

  @Test(
    "lines end at a line feed or at the end", arguments: ["", "a", "a\n", "a\nb", "\n\na\n", "a\r\nb\r\n"])
  func lines(text: String) throws {
    let long = String(repeating: "x", count: 70_000)
    for text in [text, long + "\n" + text, text + long] {
      var expected = Array(text.utf8).split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
      // What follows the last line feed is a line only if there is something.
      if expected.last == [] { expected.removeLast() }
      try withFile(text.utf8) { path in
        let source = try ByteSource(path: path)
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        while try source.takeLine(into: &line) { lines.append(line) }
        #expect(lines == expected)
        #expect(source.offset == text.utf8.count)
      }
    }
  }
}

/// A small generator for test data.
///
/// - Source: G. L. Steele, D. Lea, C. H. Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

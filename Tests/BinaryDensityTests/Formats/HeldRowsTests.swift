import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Rows that wait")
struct HeldRowsTests {
  @Test("bytes come back as they went, whether memory held them or a file", arguments: [1, 100, 1 << 20])
  func bytes(memoryLimit: Int) throws {
    try withTemporaryDirectory { folder in
      var generator = Philox(seed: 3)
      let bytes = SpilledBytes(for: folder + "/table.npy", memoryLimit: memoryLimit)
      var all: [UInt8] = []
      for _ in 0..<50 {
        let part = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
          UInt8.random(in: 0...255, using: &generator)
        }
        try bytes.append(part)
        all += part
      }
      // The file has no name, so that nobody has to remove it.
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      #expect(bytes.count == all.count)
      for _ in 0..<2 {
        var taken: [UInt8] = []
        while taken.count < all.count {
          let count = min(all.count - taken.count, Int.random(in: 1...200, using: &generator))
          taken += try bytes.take(count)
        }
        #expect(taken == all)
        bytes.rewind()
      }
    }
  }

  @Test func aFolderThatIsNotThereIsAnError() throws {
    let bytes = SpilledBytes(for: "/nowhere/at/all.npy", memoryLimit: 1)
    #expect { try bytes.append([1]) } throws: { "\($0)".hasPrefix("/nowhere/at/all.npy: cannot be written") }
  }

  @Test func rowsComeBackInTheirBlocks() throws {
    let rows = BinaryMatrix.random(100, 70, seed: 2)
    let known = BinaryMatrix.random(100, 70, seed: 5)
    var held = HeldRows(columnCount: 70)
    try held.add(rows.rows(0..<40), known: nil)
    #expect(!held.hasMissing)
    try held.add(rows.rows(40..<40), known: nil)
    try held.add(rows.rows(40..<100), known: known.rows(40..<100))
    for _ in 0..<2 {
      var parts: [(BinaryMatrix, BinaryMatrix?)] = []
      try held.forEachBlock { (rows, known) throws(DensityError) in parts.append((rows, known)) }
      #expect(parts.map(\.0) == [rows.rows(0..<40), rows.rows(40..<40), rows.rows(40..<100)])
      #expect(parts.map(\.1) == [nil, nil, known.rows(40..<100)])
    }
    #expect(held.hasMissing)
  }

  @Test(
    "numbers that come one after another are the file of all",
    arguments: ["a.npy", "a.idx", "a.txt", "a.npy.gz"])
  func numbers(name: String) throws {
    let numbers = (0..<1000).map { -Double($0 * $0) / 7 }
    try withTemporaryDirectory { folder in
      let file = try TableFile(path: folder + "/" + name, for: .numbers)
      try file.writingNumbers { (writer) throws(DensityError) in
        for start in stride(from: 0, to: 1000, by: 77) {
          try writer.write(Array(numbers[start..<min(start + 77, 1000)]))
        }
      }
      let (parts, expected) = (try AtomicFile.read(file.path), TableFile.bytes(of: numbers, as: file.format))
      let source = try ByteSource(path: file.path)
      #expect(try source.take(expected.count, of: "numbers") == expected)
      #expect(try source.isAtEnd())
      try file.write(numbers)
      #expect(try AtomicFile.read(file.path) == parts)
    }
  }
}

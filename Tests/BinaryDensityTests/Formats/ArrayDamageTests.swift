import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Thousands of damaged arrays and pictures")
struct ArrayDamageTests {
  static let kinds = [
    "npy", "npy in Fortran's order", "npy of float64", "npy of grey pictures", "idx", "npz", "npz deflated",
    "csr", "csc", "pbm", "pbm raw", "pgm", "pgm raw", "gzip",
  ]

  static func original(_ kind: String) -> [UInt8] {
    let numbers = (0..<60).map { Double($0 * $0 % 7 % 2) }
    let levels = (0..<60).map { Double($0 * 4) }
    switch kind {
    case "npy": return ArrayTests.file([5, 12], .uint8, numbers)
    case "npy in Fortran's order": return ArrayTests.file([5, 3, 4], .int16, isFortranOrder: true, numbers)
    case "npy of float64": return ArrayTests.file([5, 12], .float64, numbers)
    case "npy of grey pictures": return ArrayTests.file([5, 3, 4], .uint8, isFortranOrder: true, levels)
    case "idx": return IDXArray(dimensions: [5, 3, 4], elements: .uint8(numbers.map { UInt8($0) })).encoded
    case "npz": return ZipWriter().bytes([("x.npy", original("npy"))])
    case "npz deflated": return ZipWriter(isDeflated: true, isWide: true).bytes([("x.npy", original("npy"))])
    case "csr", "csc":
      return SparseArchiveTests.archive(
        kind, shape: [4, 4], indptr: [0, 2, 2, 3, 5], indices: [3, 0, 1, 1, 2],
        data: SparseArchiveTests.vector(.int8, [1, 1, 1, 1, 0]), writer: ZipWriter())
    case "pbm": return Array("P1\n# two\n4 2\n1010\n0011\nP1 4 2 00001111\n".utf8)
    case "pbm raw":
      return Array("P4\n9 2\n".utf8) + [1, 0x80, 0xFF, 0] + Array("P4 9 2\n".utf8) + [1, 2, 3, 4]
    case "pgm": return Array("P2\n2 2\n15\n0 1\n2 15\nP2 2 2 255 0 255 7 9\n".utf8)
    case "pgm raw": return Array("P5\n2 2\n999\n".utf8) + [0, 1, 2, 3, 3, 4, 1, 2]
    default: return Gzip.compress(original("npy")) + [0, 0, 0] + Gzip.compress([])
    }
  }

  static func damaged(_ original: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      guard !bytes.isEmpty else { break }
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 2:
        bytes[place] = [0, 1, 0x20, 0x28, 0x30, 0x39, 0x7F, 0xFF][Int.random(in: 0..<8, using: &generator)]
      case 3: bytes.remove(at: place)
      case 4: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
      case 5: bytes.insert(0x39, at: place)
      case 6: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &generator)))
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  @Test("any damage is one error or a sound table", arguments: kinds)
  func anyDamage(kind: String) throws {
    var generator = SplitMix(state: UInt64(kind.utf8.count))
    let original = Self.original(kind)
    try withFile(original) { path in #expect(throws: Never.self) { try DataTable.read(path) } }
    var errorCount = 0
    try withTemporaryDirectory { folder in
      let path = folder + "/file"
      for _ in 0..<5000 {
        try ByteFile.write(Self.damaged(original, &generator), to: path)
        do throws(DensityError) {
          let table = try DataTable.read(path)
          let rows: BinaryMatrix
          switch table.contents {
          case .bits(let bits): rows = bits
          case .partial(let partial): rows = partial.values
          case .greyLevels(let grey): rows = grey.binarized(.middleThreshold, split: .test)
          }
          if rows.rowCount == 0 || rows.columnCount == 0 || !rows.unusedBitsAreZero {
            Issue.record("an unsound table, \(rows)")
          }
        } catch {
          errorCount += 1
          let words = error.description
          if !words.hasPrefix(path + ": ") || words.contains("\n") { Issue.record("\(words)") }
        }
      }
    }
    #expect(errorCount > 500)
  }
}

/// A file written without the care of an atomic one, thousands of times.
enum ByteFile {
  static func write(_ bytes: [UInt8], to path: String) throws {
    // A file that is cut to nothing first waits for the disk, on some systems.
    guard let file = fopen(path, "r+b") ?? fopen(path, "wb") else { throw CancellationError() }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count, fflush(file) == 0,
      ftruncate(fileno(file), off_t(bytes.count)) == 0
    else { throw CancellationError() }
  }
}

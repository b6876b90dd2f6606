import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Damaged sparse tables")
struct SparseDamageTests {
  static let sources: [(format: String, text: String)] = [
    ("svmlight", "1 1:1 3:1 # a\n-1 qid:2 2:1\n0\n1 4:1 10:1\n"),
    ("svmlight", "0:1 2:1\n\n1:1 3:0\n"),
    ("items", "1 3\n\n2 3 7\n12\n"),
    ("items", "rye bread,milk\n\n\"eggs\",milk\n"),
    ("mtx", "%%MatrixMarket matrix coordinate integer general\n% c\n3 4 3\n1 1 1\n3 4 1\n2 2 0\n"),
    ("mtx", "%%MatrixMarket matrix array real symmetric\n2 2\n1\n0\n1\n"),
    ("arff", "@relation r\n@attribute a {0,1}\n@attribute 'b c' {t,f}\n@data\n1,t\n?,f\n{1 f}\n{}\n"),
  ]

  /// Changes a few bytes: others in their place, some taken away, some twice.
  private func mutated(_ bytes: [UInt8], using generator: inout SplitMix) -> [UInt8] {
    var bytes = bytes
    let alphabet = Array("0123456789:,;{}'\"%#@?.-+ \t\r\n\u{0}eé".utf8) + [0xFF]
    for _ in 0...Int.random(in: 0..<4, using: &generator) {
      let place = Int.random(in: 0..<max(1, bytes.count), using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0 where place < bytes.count: bytes.remove(at: place)
      case 1 where place < bytes.count:
        bytes[place] = alphabet.randomElement(using: &generator) ?? 0
      case 2: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: min(place, bytes.count))
      case 3: bytes.removeLast(bytes.count - min(place, bytes.count))
      default: bytes += bytes.prefix(place)
      }
    }
    return bytes
  }

  /// Writes a file without waiting for the disk, as Foundation's ways do.
  private func write(_ bytes: [UInt8], to path: String) throws {
    let file = try #require(fopen(path, "w"))
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    fclose(file)
  }

  @Test("five thousand damaged files of each are read or refused in one line", arguments: 0..<7)
  func mutations(source: Int) throws {
    var generator = SplitMix(state: UInt64(source))
    let (format, text) = Self.sources[source]
    var options = TableOptions()
    options.format = format
    try withTemporaryDirectory { folder in
      var readCount = 0
      for number in 0..<5000 / Self.sources.count(where: { $0.format == format }) {
        let path = "\(folder)/\(number)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bytes = mutated(Array(text.utf8), using: &generator)
        try write(bytes, to: path)
        do throws(DensityError) {
          let table = try DataTable.read(path, options)
          readCount += 1
          #expect(table.rowCount >= 1 && table.columnCount >= 1)
          if case .bits(let bits) = table.contents { #expect(bits.unusedBitsAreZero) }
        } catch {
          #expect(!"\(error)".contains("\n") && "\(error)".hasPrefix(path), "\(error)")
          #expect("\(error)".utf8.count < 400, "\(error)")
        }
      }
      // Not everything is refused.
      #expect(readCount > 100, "\(readCount)")
    }
  }

  @Test("lines without an end take no memory to refuse", arguments: ["items", "svmlight", "arff", "mtx"])
  func endless(format: String) throws {
    var options = TableOptions()
    options.format = format
    let start = format == "arff" ? "@relation r\n@attribute a numeric\n@data\n" : ""
    let bytes = Gzip.compress(Array(start.utf8) + [UInt8](repeating: 0x78, count: 40 << 20), level: 1)
    try withFile(bytes) { path in
      #expect(throws: DensityError.self) { try DataTable.read(path, options) }
    }
  }
}

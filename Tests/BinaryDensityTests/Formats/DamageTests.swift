import BinaryDensity
import Testing

@Suite("Damaged files")
struct DamageTests {
  static func original(_ kind: Int) -> [UInt8] {
    var generator = SplitMix(state: 1)
    let rows = randomBits(rowCount: 4, columnCount: 6, using: &generator)
    let shape = ImageShape(height: 2, width: 3)
    switch kind {
    case 0: return TableFile.bytes(of: rows, as: .idx, imageShape: shape)
    case 1: return TableFile.bytes(of: rows, as: .npy, imageShape: shape)
    case 2: return Array("a;b;c;d;e;f\n".utf8) + TableFile.bytes(of: rows, as: .text)
    default: return Gzip.compress(TableFile.bytes(of: rows, as: .idx))
    }
  }

  @Test(
    "any damage is an error or another table, never a crash or a table without shape", arguments: 0..<4,
    [1, 2, 3] as [UInt64])
  func anyDamage(kind: Int, seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    let original = Self.original(kind)
    for _ in 0..<150 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        // The beginning, where headers are, is hit as often as the rest.
        let near = min(bytes.count, Bool.random(using: &generator) ? 24 : .max)
        guard near > 0 else { break }
        let place = Int.random(in: 0..<near, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[place] = [0, 1, 0x30, 0x2C, 0x22, 0xFF][Int.random(in: 0..<6, using: &generator)]
        case 2: bytes.remove(at: place)
        default: bytes.removeSubrange(place...)
        }
      }
      try withFile(bytes) { path in
        do throws(DensityError) {
          let table = try DataTable.read(path)
          #expect(table.rowCount > 0 && table.columnCount > 0)
          #expect(try table.rows(split: .train).unusedBitsAreZero)
        } catch {
          #expect(error.description.hasPrefix(path + ": "))
          #expect(!error.description.contains("\n"))
        }
      }
    }
  }
}

import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Files of compressed rows")
struct CompressedRowsTests {
  /// A model that neither random numbers nor training go into, so that its bytes stand for the format.
  private struct Plain: AutoregressiveDensity {
    let variableCount = 9
    var isReversed = false
    var ordering: Ordering { Ordering(Array(isReversed ? (0..<9).reversed() : Array(0..<9))) }

    func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
      Matrix(rowCount: rows.rowCount, columnCount: 9) { row, column in
        let before = isReversed ? column + 1 : column - 1
        return (0..<9).contains(before) && rows[row, before] ? 1.5 : -0.5
      }
    }
  }

  private static func chain() -> any Density { Plain() }
  /// Without an order.
  private static func mixture() -> any Density {
    Mixture([Plain(), Plain(isReversed: true)], weights: [3, 1])
  }

  private static let rows = BinaryMatrix(rowCount: 11, columnCount: 9) {
    ($0 * 5 + $1 * 3 + $0 * $1) % 4 == 0
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test("the format does not change unseen")
  func golden() throws {
    let chain = try Self.chain().coder().compress(Self.rows, columnNames: (0..<9).map { "c\($0)" })
    #expect(
      hexadecimal(chain)
        == "424452430136030f4dd46aeade0b0901800400002e5b226330222c226331222c226332222c226333"
        + "222c226334222c226335222c226336222c226337222c226338225d11ad852907746e39cc47a220e1"
        + "b57cface0677fb450e")
    let mixture = try Self.mixture().coder().compress(Self.rows)
    #expect(
      hexadecimal(mixture)
        == "4244524301aad0b1dbd46aeade0b0901010000001539a820e2b2a405d97d151c1b31995449f6d553"
        + "ca06b9e5a24b")
    #expect(try Self.mixture().coder().decompress(mixture) == Self.rows)
  }

  @Test("10 000 damaged files are refused", arguments: [1, 2, 3, 4] as [UInt64])
  func damage(seed: UInt64) throws {
    let coder = try (seed % 2 == 0 ? Self.chain() : Self.mixture()).coder()
    let bytes = coder.compress(Self.rows, columnNames: (0..<9).map { "c\($0)" })
    var generator = Philox(seed: seed)
    for _ in 0..<2500 {
      var damaged = bytes
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: damaged[place] = damaged[place] &+ UInt8.random(in: 1...255, using: &generator)
      case 2: damaged.removeLast(bytes.count - place)
      case 3: damaged.remove(at: place)
      default: damaged.insert(UInt8.random(in: 0...255, using: &generator), at: place)
      }
      guard damaged != bytes else { continue }
      #expect(throws: DensityError.self) { try coder.decompress(damaged) }
    }
  }

  /// Damage under a right checksum, as a program could make it: an error, or the same rows where it changes nothing of them.
  @Test("damage that the file's checksum does not see is found by the rows'", arguments: [1, 2] as [UInt64])
  func consistentDamage(seed: UInt64) throws {
    let coder = try (seed % 2 == 0 ? Self.chain() : Self.mixture()).coder()
    let bytes = coder.compress(Self.rows)
    var generator = Philox(seed: seed)
    var refusals = 0
    for _ in 0..<3000 {
      var damaged = bytes
      damaged[Int.random(in: 5..<bytes.count - 4, using: &generator)] ^= UInt8.random(
        in: 1...255, using: &generator)
      do throws(DensityError) {
        #expect(try coder.decompress(Self.sealed(damaged)) == Self.rows)
      } catch {
        refusals += 1
      }
    }
    #expect(refusals > 2500)
  }

  /// Gives bytes the checksum that they should have.
  private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    var check = CRC32()
    check.update(bytes.dropLast(4).map(\.self))
    return bytes.dropLast(4) + [UInt8]([check.value], order: .little)
  }

  @Test("a header that promises 2⁶⁰ rows is refused before there is room for them")
  func bomb() throws {
    let coder = try Self.chain().coder()
    var bytes = coder.compress(Self.rows)
    // Rows, columns, lanes, rows a lane.
    #expect(Array(bytes[13..<15]) == [11, 9])
    for count in [60, 50, 34] {
      var number: [UInt8] = Array(repeating: 0x80, count: count / 7)
      number.append(1 << UInt8(count % 7))
      let bomb = Self.sealed(Array(bytes[..<13]) + number + bytes[14...])
      #expect(throws: DensityError.self) { try coder.decompress(bomb) }
      if count > 50 {
        #expect { try coder.decompress(bomb) } throws: {
          "\($0)".contains("number of rows: expected as many as")
        }
      }
    }
    // So many as could be there stop at the first block that is not.
    bytes = Self.sealed(Array(bytes[..<13]) + [0xFF, 0xFF, 0x7F] + bytes[14...])
    #expect { try coder.decompress(bytes) } throws: {
      "\($0)".contains("rows: expected what their checksum says")
    }
  }

  @Test("errors say what is wrong")
  func errors() throws {
    let bytes = try Self.chain().coder().compress(Self.rows)
    func complaint(_ bytes: [UInt8]) -> String {
      do {
        _ = try CompressedRows(bytes, path: "x.bdr")
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(complaint([]) == "x.bdr: byte 0: expected the letters BDRC of compressed rows, found nothing")
    #expect(
      complaint(Array("a,b\n0,1\n".utf8))
        == "x.bdr: byte 0: expected the letters BDRC of compressed rows, found other bytes")
    #expect(
      complaint(Array(bytes[..<6]))
        == "x.bdr: byte 6: expected the format's version and more, found the end of the file")
    var newer = bytes
    newer[4] = 9
    #expect(complaint(newer) == "x.bdr: byte 4: expected version 1 of the format, found version 9")
    #expect(complaint(bytes.dropLast(7)).contains("the file is damaged or cut"))
    #expect(complaint(bytes) == "")
  }
}

import BinaryDensity
import Foundation
import Testing

@Suite("Numbers as bytes")
struct ByteCodecTests {
  private func checkRoundTrip<T: StoredScalar>(_ numbers: [T], _ little: [UInt8]) {
    let size = little.count / numbers.count
    let big = stride(from: 0, to: little.count, by: size).flatMap { little[$0..<$0 + size].reversed() }
    for (order, bytes) in [(ByteOrder.little, little), (.big, big)] {
      #expect([UInt8](numbers, order: order) == bytes)
      // A collection that is not contiguous takes the other way.
      #expect([UInt8](numbers.lazy.map { $0 }, order: order) == bytes)
      #expect(bytes.withUnsafeBytes { [T]($0, order: order) } == numbers)
    }
  }

  @Test("in both orders")
  func orders() {
    checkRoundTrip([UInt8(1), 255], [1, 255])
    checkRoundTrip([Int16(-2), 258], [0xFE, 0xFF, 2, 1])
    checkRoundTrip([UInt32(0x0102_0304)], [4, 3, 2, 1])
    checkRoundTrip([Int64(-1), 1], Array(repeating: 255, count: 8) + [1, 0, 0, 0, 0, 0, 0, 0])
    checkRoundTrip([Float(-2), 1], [0, 0, 0, 0xC0, 0, 0, 0x80, 0x3F])
    checkRoundTrip([1.0], [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
  }

  @Test("16-bit floating point, every number of it")
  func halves() {
    for bits in UInt16.min ... .max {
      let (sign, exponent, fraction) = (
        bits >> 15 == 0 ? 1.0 : -1.0, Int(bits >> 10 & 31), Double(bits & 1023)
      )
      let value = Float(binary16Bits: bits)
      switch exponent {
      case 31: #expect(fraction == 0 ? Double(value) == sign * .infinity : value.isNaN)
      case 0: #expect(Double(value) == sign * fraction / 1024 * pow(2, -14))
      default: #expect(Double(value) == sign * (1 + fraction / 1024) * pow(2, Double(exponent - 15)))
      }
      if value == 0 { #expect((value.sign == .minus) == (bits >> 15 == 1)) }
      // The bits of a bfloat16 are the upper half of a float's.
      #expect(Float(bfloat16Bits: bits).bitPattern == UInt32(bits) << 16)
    }
  }

  @Test("numbers round to the nearest of 16 bits, ties to even")
  func roundingToHalves() {
    for bits in UInt16.min ... .max {
      let value = Float(binary16Bits: bits)
      if value.isNaN {
        #expect(value.binary16Bits & 0x7FFF > 0x7C00)
        continue
      }
      #expect(value.binary16Bits == bits)
      // Halfway to the next one away from zero, and beside it.
      guard bits & 0x7FFF < 0x7BFF else { continue }
      let next = Float(binary16Bits: bits + 1)
      let middle = (value + next) / 2
      #expect(middle.binary16Bits == (bits % 2 == 0 ? bits : bits + 1))
      let (near, far) = value < next ? (middle.nextDown, middle.nextUp) : (middle.nextUp, middle.nextDown)
      #expect(near.binary16Bits == bits && far.binary16Bits == bits + 1)
    }
    #expect(Float(65519).binary16Bits == 0x7BFF && Float(65520).binary16Bits == 0x7C00)
    #expect((-Float.greatestFiniteMagnitude).binary16Bits == 0xFC00 && Float(1e-9).binary16Bits == 0)
  }

  @Test("a product of sizes is checked")
  func products() {
    #expect(checkedProduct(of: []) == 1 && checkedProduct(of: [3, 4]) == 12)
    #expect(checkedProduct(of: [.max, .max, 0]) == 0)
    #expect(checkedProduct(of: [.max, 2]) == nil && checkedProduct(of: [-1, -1]) == nil)
  }

  @Test("the check of bytes in parts is that of the whole")
  func check() {
    let bytes = Array("123456789".utf8)
    var check = CRC32()
    check.update([])
    check.update(Array(bytes[..<4]))
    check.update(Array(bytes[4...]))
    // The check value of this CRC, as catalogues of them give it.
    #expect(check.value == 0xCBF4_3926 && CRC32.text(of: check.value) == "cbf43926")
    #expect(CRC32.text(of: 0xA) == "0000000a")
  }
}

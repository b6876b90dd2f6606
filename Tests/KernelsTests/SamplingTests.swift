import Kernels
import Testing
import _TestSupport

@Suite struct PhiloxTests {
  /// The vectors for philox4x32_10 in kat_vectors of the authors' Random123.
  @Test func knownAnswers() {
    typealias Block = SIMD4<UInt32>
    #expect(
      Philox.block(Block(0, 0, 0, 0), key: SIMD2(0, 0))
        == Block(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
    #expect(
      Philox.block(Block(repeating: .max), key: SIMD2(repeating: .max))
        == Block(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
    #expect(
      Philox.block(
        Block(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: SIMD2(0xA409_3822, 0x299F_31D0))
        == Block(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
  }

  @Test func drawsInOrder() {
    var a = Philox(seed: 5, stream: 6)
    var b = Philox(seed: 5, stream: 6, position: 3)
    let words = (0..<9).map { _ in a.nextWord() }
    #expect((3..<9).map { _ in b.nextWord() } == Array(words[3...]))
    var c = Philox(seed: 5, stream: 6)
    let pairs = (0..<4).map { _ in c.next() }
    #expect(pairs == (0..<4).map { UInt64(words[2 * $0 + 1]) << 32 | UInt64(words[2 * $0]) })
  }

  @Test func unitFloatsKeepTheLeadingBits() {
    #expect(unitFloat(0) == 0)
    #expect(unitFloat(.max) == 1 - 0x1p-24)
    #expect(unitFloat(1) == 0x1p-32)
    #expect(unitFloat(0x80FF_FFFF) == 0x80FFFF00p-32)
    #expect(unitFloat(0x00FF_FFFF) == 0xFFFFFFp-32)
  }

  /// The bulk kernel gives the very numbers that single draws give, from any position, even past 2³² blocks.
  @Test(arguments: InstructionSet.available, [0, 1, 6, 0x3_FFFF_FFFA, UInt64(1) << 40 | 3])
  func fillsInBulk(set: InstructionSet, position: UInt64) {
    for columns in sizesAroundVectors + [257] {
      var bulk = Philox(seed: 77, stream: 1 << 33 | 9, position: position)
      var single = bulk
      var floats = Matrix<Float>(rowCount: 3, columnCount: columns)
      set.run { floats.withUnsafeMutableView { floats in bulk.fill(floats) } }
      let expected = (0..<3 * columns).map { _ in unitFloat(single.nextWord()) }
      #expect(floats.elements == expected)
      #expect(bulk == single)
    }
  }

  @Test func fillsInDouble() {
    var generator = Philox(seed: 3)
    var again = generator
    var doubles = Matrix<Double>(rowCount: 4, columnCount: 9)
    var floats = Matrix<Float>(rowCount: 4, columnCount: 9)
    doubles.withUnsafeMutableView { doubles in generator.fill(doubles) }
    floats.withUnsafeMutableView { floats in again.fill(floats) }
    #expect(doubles.elements == floats.elements.map(Double.init))
    #expect(generator == again)
  }
}

@Suite struct SamplingTests {
  @Test(arguments: InstructionSet.available, [0, 0.25, 0.9])
  func dropout(set: InstructionSet, rate: Double) {
    for columns in sizesAroundVectors + [130] {
      let x = Matrix<Float>.uniform(3, columns, in: 0.5...1, seed: 91)
      let exact = x.inDouble
      let bits = Philox(seed: 7, stream: 8)
      for accumulating in [false, true] {
        var y = Matrix<Float>.uniform(3, columns, seed: 92)
        var expected = y.inDouble
        set.run {
          y.withUnsafeMutableView(reading: x) { y, x in
            Float.dropout(
              x, rate: rate, scaledBy: Float(1 / (1 - rate)), bits: bits, into: y,
              accumulating: accumulating)
          }
        }
        expected.withUnsafeMutableView(reading: exact) { expected, exact in
          Double.dropout(
            exact, rate: rate, scaledBy: 1 / (1 - rate), bits: bits, into: expected,
            accumulating: accumulating)
        }
        // The rounded scale, the product and the sum, all below 16.
        #expect(firstMismatch(y, expected) { _, _ in 3 * 16 * roundoff } == nil)
      }
    }
  }
}

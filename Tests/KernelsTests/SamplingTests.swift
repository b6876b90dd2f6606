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
      set.run { bulk.fill(floats.mutableView) }
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
    generator.fill(doubles.mutableView)
    again.fill(floats.mutableView)
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
          Float.dropout(x.view, rate: rate, bits: bits, into: y.mutableView, accumulating: accumulating)
        }
        Double.dropout(
          exact.view, rate: rate, bits: bits, into: expected.mutableView, accumulating: accumulating)
        // The rounded scale, the product and the sum, all below 16.
        #expect(firstMismatch(y, expected) { _, _ in 3 * 16 * roundoff } == nil)
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func decides(set: InstructionSet) {
    for columns in sizesAroundVectors {
      let z = Matrix<Float>.uniform(1, columns, in: -8...8, seed: 93)
      let u = Matrix<Float>.uniform(1, columns, in: 0...1, seed: 94)
      var x = Matrix<Float>(rowCount: 1, columnCount: columns, repeating: .nan)
      set.run { Float.decide(logits: z.view, uniforms: u.view, into: x.mutableView) }
      for i in 0..<columns {
        let probability = 1 / (1 + Double.exponential(-Double(z[0, i])))
        // Within rounding of the threshold either decision is right.
        guard abs(Double(u[0, i]) - probability) > 4 * roundoff else { continue }
        #expect(x[0, i] == (Double(u[0, i]) < probability ? 1 : 0))
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func certainDecisions(set: InstructionSet) {
    let z = Matrix<Float>(rowCount: 1, columnCount: 4, elements: [.infinity, -.infinity, 200, -200])
    let u = Matrix<Float>(rowCount: 1, columnCount: 4, elements: [1 - 0x1p-24, 0, 1 - 0x1p-24, 0])
    var x = Matrix<Float>(rowCount: 1, columnCount: 4)
    set.run { Float.decide(logits: z.view, uniforms: u.view, into: x.mutableView) }
    #expect(x.elements == [1, 0, 1, 0])
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func prefixProduct(set: InstructionSet, accumulating: Bool) {
    for lanes in sizesAroundVectors + [64] {
      for count in [0, 1, 2, 7, 100] {
        let w = Matrix<Float>.uniform(1, 100, seed: 95)
        let states = Matrix<Float>.uniform(100, lanes, seed: 96)
        let (exactW, exactStates) = (w.inDouble, states.inDouble)
        let (sizeW, sizeStates) = (exactW.magnitudes, exactStates.magnitudes)
        var y = Matrix<Float>.uniform(1, lanes, seed: 97)
        var expected = y.inDouble
        var magnitude = expected.magnitudes
        set.run {
          Float.prefixProduct(
            weights: w.view, count: count, states: states.view, bias: 0.7, into: y.mutableView,
            accumulating: accumulating)
        }
        Double.prefixProduct(
          weights: exactW.view, count: count, states: exactStates.view, bias: Double(Float(0.7)),
          into: expected.mutableView, accumulating: accumulating)
        Double.prefixProduct(
          weights: sizeW.view, count: count, states: sizeStates.view, bias: Double(Float(0.7)),
          into: magnitude.mutableView, accumulating: accumulating)
        let mismatch = firstMismatch(y, expected, sumOf: count + 1, magnitude: magnitude)
        #expect(mismatch == nil, "\(count) terms, \(lanes) lanes")
      }
    }
  }

  /// A sample does not depend on how many are drawn beside it.
  @Test(arguments: InstructionSet.available)
  func prefixProductLanesAreIndependent(set: InstructionSet) {
    let w = Matrix<Float>.uniform(1, 77, seed: 98)
    let states = Matrix<Float>.uniform(77, 64, seed: 99)
    func result(_ states: Matrix<Float>) -> [UInt32] {
      var y = Matrix<Float>(rowCount: 1, columnCount: states.columnCount)
      set.run {
        Float.prefixProduct(
          weights: w.view, count: 77, states: states.view, bias: 1, into: y.mutableView, accumulating: false)
      }
      return y.bitPatterns
    }
    let all = result(states)
    for lanes in [1, 5, 17, 33] {
      let some = Matrix<Float>(rowCount: 77, columnCount: lanes) { states[$0, $1] }
      #expect(result(some) == Array(all[..<lanes]))
    }
  }
}

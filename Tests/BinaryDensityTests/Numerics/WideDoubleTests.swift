import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Numbers of a wide range")
struct WideDoubleTests {
  /// Numbers whose logarithms are spread over many units of the exponent.
  private func random(seed: UInt64) -> [(number: WideDouble, logarithm: Double)] {
    var generator = Philox(seed: seed)
    return (0..<200).map { index in
      let range = [1.0, 300, 1000, 1e5][index % 4]
      let logarithm = Double.random(in: -range...range, using: &generator)
      return (WideDouble(exponentOf: logarithm), logarithm)
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func arithmetic(seed: UInt64) {
    let numbers = random(seed: seed)
    for ((a, x), (b, y)) in zip(numbers, random(seed: seed + 100)) {
      let tolerance = 1e-15 * (abs(x) + abs(y) + 4)
      #expect(abs(a.logarithm - x) <= tolerance)
      #expect(abs((a * b).logarithm - (x + y)) <= tolerance)
      #expect(abs((a / b).logarithm - (x - y)) <= tolerance)
      let sum = max(x, y) + log1p(exp(-abs(x - y)))
      #expect(abs((a + b).logarithm - sum) <= tolerance)
      #expect(a + b == b + a && a * b == b * a)
      #expect((a < b) == (x < y))
      #expect(a + .zero == a && a * .one == a && a * .zero == .zero && a * 0.0 == .zero)
      if abs(x) < 700 { #expect(abs(a.double / exp(x) - 1) < 1e-12) }
      if x < -800 { #expect(a.double == 0) }
      if x > 800 { #expect(a.double == .infinity) }
    }
  }

  @Test func edges() {
    #expect(WideDouble.zero.logarithm == -.infinity && WideDouble.zero.double == 0)
    #expect(WideDouble.one.logarithm == 0 && WideDouble.one.double == 1)
    #expect(WideDouble(exponentOf: -.infinity) == .zero && WideDouble(exponentOf: -1e18) == .zero)
    #expect(WideDouble.zero < WideDouble(exponentOf: -1e16))
    #expect(
      WideDouble.zero + .zero == .zero && .zero * .zero == WideDouble.zero && .zero / .one == WideDouble.zero)
    for value in [0x1p-1074, 0x1p-1022, 0x1p-256, 0x1p256, 0x1p1023, 3] {
      #expect(WideDouble(value).double == value)
    }
    // Ten thousand factors of 2⁻⁷⁰⁰, and back.
    var product = WideDouble.one
    for _ in 0..<10_000 { product *= 0x1p-700 }
    for _ in 0..<10_000 { product *= 0x1p700 }
    #expect(product == .one)
  }
}

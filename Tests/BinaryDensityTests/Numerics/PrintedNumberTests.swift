import Essentials
import Foundation
import Testing

@Suite("Numbers as they are printed")
struct PrintedNumberTests {
  private let formats = ["%.4f", "%.10g", "%.2g", "%.0e"] + (0...15).map { "%.\($0)f" }

  /// Numbers of any size, by their bits, so that infinities and NaN are among them.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func anyBitsArePrintedAsFoundationPrintsThem(seed: UInt64) {
    var state = seed
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: state ^ state >> 29)
      let format = formats[Int(state >> 33 % UInt64(formats.count))]
      #expect(printed(value, format) == String(format: format, value), "\(value) by \(format)")
    }
  }

  /// Numbers of the sizes that are printed, of which many are near a half of the last digit.
  @Test func halvesArePrintedAsFoundationPrintsThem() {
    for step in -30_000...30_000 {
      for value in [Double(step) / 20_000, (Double(step) / 8).nextUp, Double(step) * 1e-5 + 5e-6] {
        let format = formats[abs(step) % formats.count]
        #expect(printed(value, format) == String(format: format, value), "\(value) by \(format)")
      }
    }
  }

  @Test(arguments: [
    0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, -1e308, .leastNonzeroMagnitude, .nan,
  ])
  func extremesArePrintedAsFoundationPrintsThem(value: Double) {
    for format in formats { #expect(printed(value, format) == String(format: format, value)) }
  }
}

import BinaryDensity
import Foundation
import Testing

@Suite("Numbers with their errors")
struct MeasuredTests {
  @Test(
    arguments: [
      (1.23449, nil, "1.2345 (exact)"), (-.infinity, nil, "-inf (exact)"),
      (1.2344, 0.005, "1.234 ± 0.005"), (85.46321, 0.0141, "85.463 ± 0.014"),
      (85.46321, 0.0351, "85.463 ± 0.035"),
      (85.46321, 0.0361, "85.46 ± 0.04"), (0.12345, 0.0097, "0.123 ± 0.010"), (1234.5, 31, "1234 ± 31"),
      (1234.5, 361, "1234 ± 361"), (0.5, 0, "0.5000 ± 0"), (.infinity, .infinity, "inf ± inf"),
      (1.25, 3e-12, "1.25 ± 3e-12"), (-2e38, 1e37, "-2e+38 ± 1e+37"),
    ] as [(Double, Double?, String)])
  func description(_ value: Double, _ error: Double?, _ text: String) {
    let measured = Measured(value, standardError: error)
    #expect(measured.description == text)
    #expect(measured.isExact == (error == nil))
  }

  @Test func codable() throws {
    for measured in [Measured(1.5), Measured(-2, standardError: 0.25)] {
      let data = try JSONEncoder().encode(measured)
      #expect(try JSONDecoder().decode(Measured.self, from: data) == measured)
    }
  }
}

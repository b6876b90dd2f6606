import BinaryDensity
import Kernels
import Testing

@Suite("AUROC and average precision")
struct RankingQualityTests {
  @Test func handComputed() throws {
    let quality = RankingQuality(anomalies: [4, 2, 2], others: [3, 2, 1, 0])
    #expect(quality.anomalyCount == 3 && quality.otherCount == 4)
    // 4 is above all four; each 2 is above two, and ties with one: (4 + 2.5 + 2.5) / 12.
    #expect(quality.areaUnderCurve == 0.75)
    // At 4 the precision is 1; at 2 it is 3 of 5, for two anomalies.
    #expect(abs(quality.averagePrecision - (1 + 0.6 + 0.6) / 3) < 1e-15)
    // Shares of others below: 1, 5/8, 5/8, of variance 3/64; of anomalies above: 1/3, 2/3, 1, 1, of variance 11/108.
    let error = try #require(quality.areaStandardError)
    #expect(abs(error * error - (3.0 / 64 / 3 + 11.0 / 108 / 4)) < 1e-15)
  }

  @Test func extremes() {
    let perfect = RankingQuality(anomalies: [2, 3], others: [0, 1])
    #expect(perfect.areaUnderCurve == 1 && perfect.averagePrecision == 1)
    #expect(perfect.areaStandardError == 0 && perfect.averagePrecisionStandardError == 0)
    let worst = RankingQuality(anomalies: [-1, 0], others: [.infinity, 1])
    #expect(worst.areaUnderCurve == 0 && abs(worst.averagePrecision - (1.0 / 3 + 0.5) / 2) < 1e-15)
    let equal = RankingQuality(anomalies: [1, 1, 1], others: [1])
    #expect(equal.areaUnderCurve == 0.5 && equal.averagePrecision == 0.75)
    #expect(equal.areaStandardError == nil && equal.averagePrecisionStandardError == nil)
  }

  /// A case with ties, or without any.
  private func scores(_ seed: UInt64, _ m: Int, _ n: Int, ties: Bool) -> (
    anomalies: [Double], others: [Double]
  ) {
    var generator = Philox(seed: seed)
    func draw(_ shift: Double) -> Double {
      let value = shift + 6 * Double.random(in: 0..<1, using: &generator)
      return ties ? value.rounded() : value
    }
    return ((0..<m).map { _ in draw(2) }, (0..<n).map { _ in draw(0) })
  }

  /// Both figures by their definitions, of rows with weights.
  private func figures(
    _ anomalies: [Double], _ others: [Double], _ a: [Double], _ b: [Double]
  ) -> (area: Double, precision: Double) {
    let (totalA, totalB) = (a.reduce(0, +), b.reduce(0, +))
    let (m, n) = (Double(a.count), Double(b.count))
    var (area, precision) = (0.0, 0.0)
    for (score, weight) in zip(anomalies, a) {
      for (other, otherWeight) in zip(others, b) {
        area += weight * otherWeight / totalA / totalB * (score > other ? 1 : score == other ? 0.5 : 0)
      }
      let above = m * zip(anomalies, a).reduce(0) { $0 + ($1.0 >= score ? $1.1 : 0) } / totalA
      let othersAbove = n * zip(others, b).reduce(0) { $0 + ($1.0 >= score ? $1.1 : 0) } / totalB
      precision += weight / totalA * above / (above + othersAbove)
    }
    return (area, precision)
  }

  @Test(
    "figures and errors by their definitions, the influences by finite differences", arguments: [true, false])
  func bruteForce(_ ties: Bool) throws {
    for seed in UInt64(0)..<6 {
      let (anomalies, others) = scores(seed, 9 + Int(seed), 14, ties: ties)
      let (a, b) = (anomalies.map { _ in 1.0 }, others.map { _ in 1.0 })
      let quality = RankingQuality(anomalies: anomalies, others: others)
      let exact = figures(anomalies, others, a, b)
      #expect(abs(quality.areaUnderCurve - exact.area) < 1e-12)
      #expect(abs(quality.averagePrecision - exact.precision) < 1e-12)

      let step = 1e-4
      /// The variance over the rows of one side of how fast the figures change with a row's share.
      func variances(_ count: Int, _ weigh: (Int, Double) -> (area: Double, precision: Double)) -> (
        Double, Double
      ) {
        let slopes = (0..<count).map { row in
          let (up, down) = (weigh(row, 1 + step), weigh(row, 1 - step))
          let scale = Double(count) / (2 * step)
          return ((up.area - down.area) * scale, (up.precision - down.precision) * scale)
        }
        func variance(_ values: [Double]) -> Double {
          let mean = values.reduce(0, +) / Double(count)
          return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        }
        return (variance(slopes.map(\.0)), variance(slopes.map(\.1)))
      }
      func replacing(_ weights: [Double], _ row: Int, _ weight: Double) -> [Double] {
        var weights = weights
        weights[row] = weight
        return weights
      }
      let ofA = variances(a.count) { figures(anomalies, others, replacing(a, $0, $1), b) }
      let ofB = variances(b.count) { figures(anomalies, others, a, replacing(b, $0, $1)) }
      let area = (ofA.0 / Double(a.count) + ofB.0 / Double(b.count)).squareRoot()
      let precision = (ofA.1 / Double(a.count) + ofB.1 / Double(b.count)).squareRoot()
      #expect(abs(try #require(quality.areaStandardError) - area) < 1e-6)
      #expect(abs(try #require(quality.averagePrecisionStandardError) - precision) < 1e-6)
    }
  }

  @Test("figures scatter over fresh rows as their errors say")
  func coverage() throws {
    let all = (0..<400).map { seed -> RankingQuality in
      let (anomalies, others) = scores(1000 + UInt64(seed), 80, 120, ties: false)
      return RankingQuality(anomalies: anomalies, others: others)
    }
    func ratio(_ value: (RankingQuality) -> Double, _ error: (RankingQuality) -> Double?) -> Double {
      let mean = all.reduce(0) { $0 + value($1) } / Double(all.count)
      let variance = all.reduce(0) { $0 + (value($1) - mean) * (value($1) - mean) } / Double(all.count - 1)
      let predicted = all.reduce(0) { $0 + (error($1) ?? .nan) * (error($1) ?? .nan) } / Double(all.count)
      return (predicted / variance).squareRoot()
    }
    // Of 400 a standard deviation is known to 1 / √800; five of those are 0.18.
    #expect(abs(ratio(\.areaUnderCurve, \.areaStandardError) - 1) < 0.18)
    #expect(abs(ratio(\.averagePrecision, \.averagePrecisionStandardError) - 1) < 0.18)
  }
}

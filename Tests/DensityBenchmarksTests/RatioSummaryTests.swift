import DensityBenchmarks
import Testing

@Suite struct RatioSummaryTests {
  /// The tables of the sign test's critical values, one more than which is the rank.
  @Test(arguments: [
    (0, 0), (1, 0), (5, 0), (6, 1), (8, 1), (9, 2), (15, 4), (16, 4), (20, 6), (25, 8), (100, 40),
  ])
  func ranksAreThoseOfTheTables(count: Int, rank: Int) {
    #expect(RatioSummary.rank(count: count) == rank)
  }

  /// Each of the 2ⁿ ways in which ratios lie below and above their median is as likely.
  @Test(arguments: RatioSummary.smallestCount...16)
  func theIntervalHoldsTheMedianInNineteenOfTwentyCases(count: Int) {
    let rank = RatioSummary.rank(count: count)
    func coverage(_ rank: Int) -> Double {
      let hits = (0..<1 << count).count { (rank...count - rank).contains($0.nonzeroBitCount) }
      return Double(hits) / Double(1 << count)
    }
    #expect(coverage(rank) >= 0.95)
    // It is the shortest that does.
    if 2 * (rank + 1) <= count { #expect(coverage(rank + 1) < 0.95) }
  }

  @Test func theLargestCountDoesNotUnderflow() {
    // n/2 − 1.96 · √n/2 and half a step of the binomial.
    #expect(abs(RatioSummary.rank(count: 1000) - 469) <= 1)
  }

  @Test func theMedianAndTheIntervalAreOfTheSortedRatios() {
    let six = RatioSummary([1.02, 0.9, 1.1, 1, 0.96, 1.5])
    #expect(six.median == 1.01 && six.lower == 0.9 && six.upper == 1.5)
    let ratios = (1...15).map { Double($0 * 7 % 16) }
    let summary = RatioSummary(ratios)
    #expect(summary.median == 8 && summary.lower == 4 && summary.upper == 12)
  }

  private static func row(_ label: String, _ lower: Double, _ median: Double, _ upper: Double) -> (
    label: String, ratios: RatioSummary
  ) {
    // Of six ratios the interval is from the least to the most.
    (label, RatioSummary([lower, median, median, median, median, upper]))
  }

  @Test func aRowFailsThatIsSlowTwice() {
    let fast = Self.row("fast", 1.01, 1.1, 1.2)
    let slow = Self.row("slow", 0.93, 0.95, 0.96)
    let doubtful = Self.row("doubtful", 0.93, 0.95, 0.97)
    func verdict(_ second: [String: RatioSummary]) -> Verdict {
      Verdict(first: [fast, slow, doubtful], second: second)
    }
    #expect(verdict([:]).slowRows.isEmpty)
    #expect(verdict(["slow": slow.ratios, "doubtful": slow.ratios]).slowRows == ["slow"])
    #expect(verdict(["slow": doubtful.ratios]).slowRows.isEmpty)
    #expect(!verdict(["slow": slow.ratios]).passes)
    #expect(verdict(["slow": slow.ratios]).description == "failed: below 0.97 in two runs: slow")
  }

  @Test func theGeometricMeanIsOfTheFirstRuns() {
    let verdict = Verdict(
      first: [Self.row("a", 0.4, 0.5, 2), Self.row("b", 1, 2, 3)],
      second: ["a": RatioSummary([1, 1, 1, 1, 1, 1])])
    #expect(abs(verdict.mean - 1) < 1e-12 && verdict.passes && verdict.description == "passed")
    let slower = Verdict(first: [Self.row("a", 0.9, 0.98, 2), Self.row("b", 0.9, 0.99, 2)], second: [:])
    #expect(slower.slowRows.isEmpty && !slower.passes)
    #expect(slower.description == "failed: the geometric mean is below 0.99")
  }
}

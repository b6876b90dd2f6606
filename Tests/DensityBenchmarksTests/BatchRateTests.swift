import DensityBenchmarks
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct BatchRateTests {
  /// Figures on a parabola over the logarithm of the rate, whose least is 2 nats at `optimum`.
  private static func line(
    _ batchSize: Int, optimum: Double, recommended: Double = 4, curvature: Double = 0.3
  )
    -> BatchRates.Line
  {
    BatchRates.Line(
      batchSize: batchSize, recommendedRate: recommended,
      points: [1.0, 2, 4, 5, 8, 16].map { (rate: $0, nll: 2 + curvature * pow(log($0 / optimum), 2)) })
  }

  @Test(arguments: [1.6, 2, 3, 4.5, 7, 10])
  func theBestRateIsTheVertexOfAParabola(optimum: Double) throws {
    let line = Self.line(100, optimum: optimum)
    #expect(abs(try #require(line.optimum) - optimum) < 1e-9 * optimum)
    let best = try #require(line.best)
    #expect(abs(line.loss - (0.3 * pow(log(4 / optimum), 2) - (best.nll - 2))) < 1e-12)
  }

  @Test func thereIsNoBestRateAtAnEndOrBesideWhatDiverged() {
    #expect(Self.line(100, optimum: 0.5).optimum == nil && Self.line(100, optimum: 40).optimum == nil)
    let diverging = BatchRates.Line(
      batchSize: 100, recommendedRate: 2, points: [(1, 3), (2, 2.5), (4, .infinity)])
    #expect(diverging.optimum == nil && diverging.best?.rate == 2 && diverging.loss == 0)
    let lost = BatchRates.Line(batchSize: 100, recommendedRate: 4, points: [(1, 3), (4, .infinity)])
    #expect(lost.loss == .infinity)
  }

  @Test func theExponentIsThatOfTheBestRates() throws {
    let lines = [25, 100, 400, 1000].map { Self.line($0, optimum: 3 * pow(Double($0) / 100, 0.5)) }
    let panel = BatchRates.Panel(title: "a < b", lines: lines)
    let law = try #require(panel.law)
    #expect(abs(law.exponent - 0.5) < 1e-9)
    let text = panel.text.split(separator: "\n")
    #expect(text.count == 7 && text[0] == "a < b: validation NLL, nats")
    #expect(text[1].split(separator: " ").suffix(4) == ["best", "rate", "rule", "loses"])
    #expect(text[6] == "best rate ∝ rows a step to the 0.50 ± 0.00")
    #expect(BatchRates.Panel(title: "", lines: Array(lines[..<2])).law == nil)

    let plot = BatchRatePlot(panels: [panel, panel], note: "20 epochs & more").svg
    let parser = XMLParser(data: Data(plot.utf8))
    #expect(parser.parse())
    #expect(plot.contains("a &lt; b") && plot.contains("20 epochs &amp; more"))
    #expect(plot.components(separatedBy: "<polyline").count == 9)
    #expect(plot.components(separatedBy: "r=\"4.5\"").count == 9)
    #expect(!plot.contains("nan") && !plot.contains("inf"))
  }
}

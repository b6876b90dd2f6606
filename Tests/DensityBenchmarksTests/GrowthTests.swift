import DensityBenchmarks
import Drawing
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct GrowthTests {
  @Test(arguments: [-1.0, 0, 0.5, 1, 2])
  func aPowerIsFound(exponent: Double) {
    let law = PowerLaw([1.0, 3, 10, 32].map { ($0, 0.25 * pow($0, exponent)) })
    #expect(abs(law.exponent - exponent) < 1e-12 && abs(law.factor - 0.25) < 1e-12)
    #expect(law.standardError < 1e-7)
  }

  /// Worked by hand: log y is 0, 1, 0, 1 at log x of 0, 1, 2, 3.
  @Test func theStandardErrorIsThatOfTheSlope() {
    let law = PowerLaw([0.0, 1, 2, 3].map { (exp($0), exp($0.truncatingRemainder(dividingBy: 2))) })
    #expect(abs(law.exponent - 0.2) < 1e-12)
    // Residuals −0.2, 0.6, −0.6, 0.2: √(0.8 / 2 / 5).
    #expect(abs(law.standardError - 0.08.squareRoot()) < 1e-12)
    #expect(PowerLaw([(1, 1), (2, 4)]).standardError == 0)
    #expect(abs(law.largestDeviation - exp(0.6)) < 1e-12 && !law.isStraight)
    #expect(PowerLaw([(1, 1), (2, 2.1), (4, 4)]).isStraight)
  }

  private static func panel(_ names: [String]) -> Growth.Panel {
    Growth.Panel(
      title: "things", symbol: "n", rest: "a < b & c",
      series: names.enumerated().map { index, name in
        let points = [(1.0, 1e-6 * Double(index + 1)), (8.0, 8e-6 * Double(index + 1))]
        return Growth.Series(model: "NADE", operation: name, points: points.map { (x: $0.0, y: $0.1) })
      })
  }

  /// Takes in what a parser finds.
  private final class Reader: NSObject, XMLParserDelegate {
    var counts: [String: Int] = [:]
    var text = ""
    func parser(
      _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      counts[element, default: 0] += 1
    }
    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }

  @Test func thePlotIsWellFormed() {
    let names = ["train", "log p", "sample", "naive sample"]
    let plot = GrowthPlot(panels: [Self.panel(names), Self.panel(["train"])], note: "one <machine> & more")
    let parser = XMLParser(data: Data(plot.svg.utf8))
    let reader = Reader()
    parser.delegate = reader
    #expect(parser.parse())
    #expect(
      reader.counts["polyline"] == 5 && reader.counts["circle"] == 4 && reader.counts["polygon"] == 6
        && reader.counts["g"] == 2)
    #expect(reader.text.contains("one <machine> & more") && reader.text.contains("a < b & c"))
    for name in names { #expect(reader.text.contains("NADE \(name) ∝ n1.00")) }
    #expect(!plot.svg.contains("nan") && !plot.svg.contains("inf"))
  }

  @Test func theTableGivesSizesTimesAndExponent() {
    let lines = Self.panel(["train", "log p"]).text.split(separator: "\n")
    #expect(lines.count == 4)
    func fields(_ line: Substring) -> [Substring] { line.split(separator: " ") }
    #expect(fields(lines[0]).suffix(3) == ["1", "8", "exponent"])
    #expect(fields(lines[1]) == ["NADE", "train", "1.00", "8.00", "1.00", "±", "0.00"])
    #expect(fields(lines[2]) == ["NADE", "log", "p", "2.00", "16.0", "1.00", "±", "0.00"])
    #expect(lines[3] == "(a < b & c)")
  }

  @Test func labelsKeepTheirOrderAndTheirDistance() {
    let places = SVG.spread([50, 10, 12, 95, 96, 97], by: 5, within: 0...100)
    #expect(places == [50, 10, 15, 90, 95, 100])
  }

  @Test func aNoteIsCutIntoLines() {
    #expect(SVG.wrapped("one two three", in: 50) == ["one two", "three"])
    #expect(SVG.wrapped("one two three", in: 100) == ["one two three"])
    #expect(SVG.wrapped("a-word-that-is-wider", in: 10) == ["a-word-that-is-wider"])
    #expect(SVG.wrapped("", in: 10).isEmpty)
  }
}

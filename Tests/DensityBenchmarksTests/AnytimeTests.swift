import BinaryDensity
import DensityBenchmarks
import Foundation
import Testing
import _TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("What a search has at any time")
struct AnytimeTests {
  private func finding(_ table: String, _ seconds: Double, _ nll: Double) -> Anytime.Finding {
    Anytime.Finding(
      table: table, checksum: .max, seconds: seconds, validationNLL: nll, testNLL: nll + 0.1, testError: 0.01,
      recipeCount: 3,
      parameterCount: 100)
  }

  @Test func thePlotHasAPanelATable() {
    let findings = ["plants & <more>", "dna"].flatMap { table in
      [finding(table, 10, 12.5), finding(table, 60, 12.25), finding(table, 300, 12)]
    }
    let svg = AnytimePlot(findings: findings, note: "two cores").svg
    let parser = XMLParser(data: Data(svg.utf8))
    #expect(parser.parse())
    func count(_ part: String) -> Int { svg.components(separatedBy: part).count - 1 }
    #expect(count("<polyline") == 4 && count("<circle") == 12 && count("<g ") == 2)
    #expect(svg.contains("plants &amp; &lt;more&gt;") && svg.contains(">5m 00s<"))
    #expect(!svg.contains("nan") && !svg.contains("inf"))
  }

  @Test func findingsAreReadAsTheyWereWritten() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/findings.json"
      #expect(try Anytime.stored(in: path).isEmpty)
      let findings = [finding("dna", 10, 12.5), finding("plants", 60, 12.25)]
      let report: JSONValue = ["findings": .array(findings.map(\.json))]
      try AtomicFile.write(Array(report.indentedDescription.utf8), to: path)
      #expect(try Anytime.stored(in: path).map(\.json) == findings.map(\.json))
      // A file of something else is not written over.
      try AtomicFile.write(Array("{\"findings\": [{\"table\": 3}]}".utf8), to: path)
      #expect(throws: DensityError.self) { try Anytime.stored(in: path) }
    }
  }

  /// A single figure has no range.
  @Test func onePointIsDrawnToo() {
    let svg = AnytimePlot(findings: [finding("dna", 10, 12.5)], note: "").svg
    #expect(!svg.contains("nan") && svg.contains("<circle"))
  }
}

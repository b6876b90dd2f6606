import Arguments
import BinaryDensity
import Foundation

/// What a search has found after each of several times: what `density fit` would, one search for each.
package struct Anytime {
  /// The training tables.
  let tables: [String]
  /// How long the searches take, in seconds.
  let times: [Double]
  /// Where the plot goes, if anywhere.
  let plot: String?
  let isJSON: Bool

  /// What one search has found.
  package struct Finding {
    let table: String
    let seconds: Double
    /// The means of −log p, in nats, and the standard error of that of the test rows.
    let validationNLL: Double
    let testNLL: Double
    let testError: Double
    let recipeCount: Int
    let parameterCount: Int

    package init(
      table: String, seconds: Double, validationNLL: Double, testNLL: Double, testError: Double,
      recipeCount: Int, parameterCount: Int
    ) {
      (self.table, self.seconds, self.validationNLL) = (table, seconds, validationNLL)
      (self.testNLL, self.testError) = (testNLL, testError)
      (self.recipeCount, self.parameterCount) = (recipeCount, parameterCount)
    }

    fileprivate var json: JSONValue {
      [
        "table": .string(table), "seconds": .real(seconds), "validation_nll": .real(validationNLL),
        "test_nll": .real(testNLL), "test_standard_error": .real(testError), "recipes": .integer(recipeCount),
        "parameters": .integer(parameterCount),
      ]
    }
  }

  /// Searches, and prints a line each.
  func run() throws {
    let columns = TextTable([
      .left("table", 12), .right("time", 7), .right("validation NLL", 14), .right("test NLL", 9),
      .right("± se", 7), .right("recipes", 7), .right("parameters", 11),
    ])
    if let plot { try AtomicFile.checkWritable(plot) }
    // Every table is read before any search begins.
    let data = try tables.map(DataSplits.searched)
    if !isJSON { try Terminal.print(columns.heading) }
    var findings: [Finding] = []
    for (data, test) in data {
      for seconds in times {
        let finding = try search(data, test, seconds: seconds)
        findings.append(finding)
        guard !isJSON else { continue }
        try Terminal.print(
          columns.line([
            finding.table, durationText(seconds: seconds), decimals(finding.validationNLL),
            decimals(finding.testNLL), decimals(finding.testError), "\(finding.recipeCount)",
            "\(finding.parameterCount)",
          ]))
      }
    }
    if isJSON {
      let report: JSONValue = ["findings": .array(findings.map(\.json))]
      try Terminal.print(report.indentedDescription)
    }
    if let plot {
      let picture = AnytimePlot(findings: findings, note: Machine.current.description)
      try AtomicFile.write(Array(picture.svg.utf8), to: plot)
    }
  }

  private func search(_ data: DataSplits, _ test: BinaryMatrix, seconds: Double) throws -> Finding {
    let result = try DensitySearch(data, budget: .seconds(seconds)).run()
    var terms = RunningMean()
    terms.add(result.density.logProbabilities(of: test))
    return Finding(
      table: data.name, seconds: seconds, validationNLL: result.validationNLL, testNLL: -terms.mean,
      testError: terms.standardError, recipeCount: result.trialCount,
      parameterCount: result.density.parameterCount)
  }

  private func decimals(_ value: Double) -> String { String(format: "%.4f", value) }
}

import Arguments
import BinaryDensity
import Foundation

/// What a search has found after each of several times: what `density fit` would, one search for each.
package struct Anytime {
  /// The training tables.
  let tables: [String]
  /// How long the searches take, in seconds.
  let times: [Double]
  /// Where the findings are kept, if anywhere: those that are there are not made again.
  let store: String?
  /// Where the plot goes, if anywhere.
  let plot: String?
  let isJSON: Bool

  /// What one search has found.
  package struct Finding {
    let table: String
    /// A checksum of its training rows.
    let checksum: UInt32
    let seconds: Double
    /// The means of −log p, in nats, and the standard error of that of the test rows.
    let validationNLL: Double
    let testNLL: Double
    let testError: Double
    let recipeCount: Int
    let parameterCount: Int

    package init(
      table: String, checksum: UInt32, seconds: Double, validationNLL: Double, testNLL: Double,
      testError: Double, recipeCount: Int, parameterCount: Int
    ) {
      (self.table, self.checksum, self.seconds) = (table, checksum, seconds)
      self.validationNLL = validationNLL
      (self.testNLL, self.testError) = (testNLL, testError)
      (self.recipeCount, self.parameterCount) = (recipeCount, parameterCount)
    }

    package var json: JSONValue {
      [
        "table": .string(table), "checksum": .integer(Int(checksum)), "seconds": .real(seconds),
        "validation_nll": .real(validationNLL), "test_nll": .real(testNLL),
        "test_standard_error": .real(testError), "recipes": .integer(recipeCount),
        "parameters": .integer(parameterCount),
      ]
    }

    /// Reads what `json` says; nil if it says something else.
    package init?(_ json: JSONValue) {
      guard let table = json["table"]?.string,
        let checksum = json["checksum"]?.integer.flatMap(UInt32.init(exactly:)),
        let seconds = json["seconds"]?.number,
        let validationNLL = json["validation_nll"]?.number, let testNLL = json["test_nll"]?.number,
        let testError = json["test_standard_error"]?.number, let recipeCount = json["recipes"]?.integer,
        let parameterCount = json["parameters"]?.integer
      else { return nil }
      self.init(
        table: table, checksum: checksum, seconds: seconds, validationNLL: validationNLL, testNLL: testNLL,
        testError: testError, recipeCount: recipeCount, parameterCount: parameterCount)
    }
  }

  /// Searches, and prints a line each.
  func run() throws {
    let columns = TextTable([
      .left("table", 12), .right("time", 7), .right("validation NLL", 14), .right("test NLL", 9),
      .right("± se", 7), .right("recipes", 7), .right("parameters", 11),
    ])
    if let plot { try AtomicFile.checkWritable(plot) }
    var stored = try store.map { try Self.stored(in: $0) } ?? []
    // Every table is read before any search begins.
    let data = try tables.map(DataSplits.searched)
    if !isJSON { try Terminal.print(columns.heading) }
    var findings: [Finding] = []
    for (data, test) in data {
      for seconds in times {
        let finding: Finding
        if let earlier = stored.first(where: {
          $0.table == data.name && $0.checksum == data.train.checksum && $0.seconds == seconds
        }) {
          finding = earlier
        } else {
          finding = try search(data, test, seconds: seconds)
          stored.append(finding)
          if let store { try AtomicFile.write(Array(Self.report(stored).utf8), to: store) }
        }
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
    if isJSON { try Terminal.print(Self.report(findings)) }
    if let plot {
      let picture = AnytimePlot(findings: findings, note: Machine.current.description)
      try AtomicFile.write(Array(picture.svg.utf8), to: plot)
    }
  }

  /// Returns the findings that a file keeps; none if there is no such file.
  package static func stored(in path: String) throws -> [Finding] {
    try AtomicFile.checkWritable(path)
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let report = try JSONValue(parsing: AtomicFile.read(path)[...], path: path)
    let findings = report["findings"]?.elements?.map { Finding($0) }
    guard let findings, !findings.contains(where: { $0 == nil }) else {
      throw DensityError.mismatch(path: path, expected: "what --anytime --json prints", found: "other JSON")
    }
    return findings.compactMap(\.self)
  }

  private static func report(_ findings: [Finding]) -> String {
    JSONValue.object([.init(key: "findings", value: .array(findings.map(\.json)))]).indentedDescription
  }

  private func search(_ data: DataSplits, _ test: BinaryMatrix, seconds: Double) throws -> Finding {
    let result = try DensitySearch(data, budget: .seconds(seconds)).run()
    var terms = RunningMean()
    terms.add(result.density.logProbabilities(of: test))
    return Finding(
      table: data.name, checksum: data.train.checksum, seconds: seconds,
      validationNLL: result.validationNLL, testNLL: -terms.mean, testError: terms.standardError,
      recipeCount: result.trialCount,
      parameterCount: result.density.parameterCount)
  }

  private func decimals(_ value: Double) -> String { String(format: "%.4f", value) }
}

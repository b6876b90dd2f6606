import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density score")
struct ScoreTests {
  /// A folder with a model of independent bits, 1 with probabilities of 1/2, 3/4, 7/8, and tables.
  private func withModel(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      // Fitted nearly without pseudo-counts it has nearly these probabilities.
      let rows = BinaryMatrix((0..<8).map { row in [row % 2, row % 4 > 0 ? 1 : 0, row > 0 ? 1 : 0] })
      var checkpoint = Checkpoint(model: try IndependentBernoulli.fit(to: rows, pseudoCount: 1e-9))
      checkpoint.columnNames = ["a", "b", "c"]
      try checkpoint.write(to: folder + "/model.safetensors")
      for (name, text) in [
        ("reference.csv", "0,1,1\n1,1,1\n0,1,1\n1,0,1\n"), ("rows.csv", "1,1,1\n0,0,1\n0,0,0\n1,1,1\n"),
        ("odd.csv", "0,0,0\n1,0,0\n0,1,0\n"), ("wide.csv", "1,0,1,0\n"), ("gap.csv", "1,1,1\n1,,1\n"),
        ("empty.csv", ""),
      ] { try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8) }
      try body(folder)
    }
  }

  private func run(_ line: String, _ folder: String, input: String? = nil) throws -> DensityProgram.Result {
    let words = line.split(separator: " ").map(String.init)
    return try DensityProgram.finish(DensityProgram.start(words, input: input, in: folder))
  }

  /// log p of rows in this model, whatever a is: of 11, 01 and 00 in b and c.
  private static let usual = log(0.5 * 0.75 * 0.875)
  private static let rarer = log(0.5 * 0.25 * 0.875)
  private static let odd = log(0.5 * 0.25 * 0.125)
  private static let mean = (3 * usual + rarer) / 4

  @Test("a line a row, to standard output and to a file")
  func rows() throws {
    try withModel { folder in
      let result = try run("score model.safetensors rows.csv --reference reference.csv", folder)
      #expect(result.status == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 5 && lines.first == "log_p,p_value,typicality,typicality_p_value")
      let numbers = lines.dropFirst().map { $0.split(separator: ",").compactMap { Double($0) } }
      // Of the four of the reference one is as low as the second row, none as the third.
      let expected = [
        [Self.usual, 1, Self.usual - Self.mean, 1],
        [Self.rarer, 0.4, Self.mean - Self.rarer, 0.4],
        [Self.odd, 0.2, Self.mean - Self.odd, 0.2],
      ]
      for (row, values) in zip(numbers, expected + [expected[0]]) {
        #expect(row.count == 4 && zip(row, values).allSatisfy { abs($0 - $1) < 1e-5 }, "\(row) \(values)")
      }
      #expect(result.errors.contains("reference: 4 rows of reference.csv, mean log p"))

      let written = try run(
        "score model.safetensors - --reference reference.csv -o scores.csv", folder,
        input: "1,1,1\n0,0,1\n0,0,0\n1,1,1\n")
      #expect(written.status == 0 && written.output.isEmpty)
      #expect(try String(contentsOfFile: folder + "/scores.csv", encoding: .utf8) == result.output)
    }
  }

  @Test("without a reference the model's own draws are one")
  func draws() throws {
    try withModel { folder in
      let line = "score model.safetensors rows.csv"
      let result = try run(line, folder)
      #expect(
        result.status == 0 && result.errors.contains("reference: 10000 rows drawn from the model, mean log p")
      )
      let pValues = result.output.split(separator: "\n").dropFirst()
        .compactMap { Double($0.split(separator: ",")[1]) }
      // Of 01 and what is rarer, and of 00; five standard errors of 10 000 draws.
      let expected = [1, 0.34375, 0.03125, 1]
      #expect(zip(pValues, expected).allSatisfy { abs($0 - $1) <= 5 * ($1 * (1 - $1) / 10_000).squareRoot() })
      #expect(pValues.count == 4)
      #expect(try run(line, folder).output == result.output)
      #expect(try run(line + " --seed 1", folder).output != result.output)
      // They are others than those of density sample by the same seed.
      #expect(try run("sample model.safetensors -n 99 -o s.csv", folder).status == 0)
      let drawn = try DensityProgram.json(
        run("score model.safetensors s.csv --draws 99 --json", folder).output)
      #expect(drawn["reference_rows"]?.integer == 99 && drawn["rows"]?.integer == 99)
      #expect(drawn["reference_mean_log_p"]?.number != drawn["mean_log_p"]?.number)
      #expect(try run(line + " --draws 99 --top 1", folder).output.hasPrefix("reference   99 rows drawn"))
    }
  }

  @Test("the oddest rows, and another table's rows told from these")
  func reports() throws {
    try withModel { folder in
      let line = "score model.safetensors rows.csv -r reference.csv --top 2 --against odd.csv"
      let text = try run(line, folder)
      #expect(text.status == 0, "\(text.errors)")
      let lines = text.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 8)
      #expect(lines[0].hasPrefix("reference   4 rows of reference.csv, mean log p -1.389 nats"))
      #expect(lines[2].hasPrefix("anomalies   3 of odd.csv; by chance AUROC 0.5, average precision 0.4286"))
      #expect(lines[6].split(separator: " ").prefix(3) == ["3", "-4.159", "0.20000"])
      #expect(lines[7].split(separator: " ").prefix(3) == ["2", "-2.213", "0.40000"])

      let result = try run(line + " --json -o scores.csv", folder)
      let json = try DensityProgram.json(result.output)
      #expect(json["reference_rows"]?.integer == 4 && json["rows"]?.integer == 4)
      #expect(json["against_rows"]?.integer == 3)
      // Of p = 1/64, 1/64, 3/64 against 21/64, 7/64, 1/64, 21/64: two ties, and all other pairs in order.
      let byLogP = try #require(json["by_log_p"])
      #expect(abs((byLogP["auroc"]?.number ?? 0) - (2 * 3.5 + 3) / 12) < 1e-12)
      // Precision is 2/3 at log 1/64, for two anomalies, and 3/4 at log 3/64.
      #expect(abs((byLogP["average_precision"]?.number ?? 0) - (2.0 / 3 * 2 + 0.75) / 3) < 1e-12)
      #expect((byLogP["auroc_standard_error"]?.number ?? 0) > 0)
      #expect(json["by_typicality"]?["auroc"]?.number == byLogP["auroc"]?.number)
      #expect(json["top"]?.elements?.map { $0["row"]?.integer } == [3, 2])
      let file = try String(contentsOfFile: folder + "/scores.csv", encoding: .utf8)
      #expect(file.split(separator: "\n").count == 5)
    }
  }

  @Test(
    "what cannot be is one line and a status",
    arguments: [
      ("rows.csv --reference reference.csv --draws 5", 64, "--draws is of draws"),
      ("rows.csv --draws 0", 64, "--draws"),
      ("rows.csv --reference rows.csv", 64, "rows.csv cannot be its own reference"),
      ("rows.csv --reference ./rows.csv", 64, "cannot be its own reference"),
      ("- --reference -", 64, "standard input, -, can be read once only"),
      ("rows.csv --reference wide.csv", 65, "wide.csv: expected 3 columns"),
      ("wide.csv --reference reference.csv", 65, "wide.csv: expected 3 columns"),
      ("rows.csv --reference reference.csv --against wide.csv", 65, "wide.csv: expected 3 columns"),
      (
        "gap.csv --reference reference.csv", 65,
        "gap.csv: row 2, column 2: expected 0 or 1, found nothing (1 cell"
      ),
      ("rows.csv --reference gap.csv -o out.csv", 65, "'density impute'"),
      ("rows.csv --reference empty.csv", 65, "empty.csv"),
      ("rows.csv --reference none.csv", 66, "none.csv: no such file"),
      ("rows.csv --reference reference.csv -o out.npy", 64, "scores are written as .csv or .txt"),
      ("rows.csv --reference reference.csv -o reference.csv", 73, "the same file as the input"),
      ("rows.csv --reference reference.csv --against odd.csv -o odd.csv", 73, "the same file as the input"),
      ("rows.csv --reference reference.csv --top 0", 64, "--top"),
    ])
  func refusals(_ line: String, _ status: Int32, _ complaint: String) throws {
    try withModel { folder in
      let before = try names(in: folder)
      let result = try run("score model.safetensors " + line, folder)
      #expect(result.status == status, "\(result.errors)")
      let found = try #require(result.complaint, "\(result.errors)")
      #expect(found.contains(complaint), "\(found)")
      #expect(try names(in: folder) == before)
    }
  }
}

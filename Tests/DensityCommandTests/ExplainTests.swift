import BinaryDensity
import Foundation
import Testing
import _TestSupport

/// A folder with models and tables that diagnoses are made of.
enum DiagnosisFolder {
  /// Calls `body` with a folder that has `model.safetensors`, independent bits a, b, c that are 1 with probabilities of 1/2,
  /// 3/4 and 7/8, and `mixture.safetensors`, networks of two orders over three columns without names.
  static func with(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      // Fitted nearly without pseudo-counts it has nearly these probabilities.
      let rows = BinaryMatrix((0..<8).map { row in [row % 2, row % 4 > 0 ? 1 : 0, row > 0 ? 1 : 0] })
      var checkpoint = Checkpoint(model: try IndependentBernoulli.fit(to: rows, pseudoCount: 1e-9))
      checkpoint.columnNames = ["a", "b", "c"]
      try checkpoint.write(to: folder + "/model.safetensors")
      let parts = try [[0, 1, 2], [2, 1, 0]].enumerated().map { index, order in
        try NADE(
          NADE.Configuration(variableCount: 3, hiddenCount: 4, ordering: .explicit(order)),
          seed: UInt64(index))
      }
      try Checkpoint(model: Mixture(parts, weights: [1, 3])).write(to: folder + "/mixture.safetensors")
      for (name, text) in [
        ("rows.csv", "1,1,1\n0,0,1\n0,0,0\n1,1,1\n"), ("wide.csv", "1,0,1,0\n"), ("gap.csv", "1,1,1\n1,,1\n"),
        ("empty.csv", ""), ("word.csv", "1,1,1\n1,0,x\n"),
      ] { try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8) }
      try body(folder)
    }
  }

  static func run(_ line: String, _ folder: String, input: String? = nil) throws -> DensityProgram.Result {
    let words = line.split(separator: " ").map(String.init)
    return try DensityProgram.finish(DensityProgram.start(words, input: input, in: folder))
  }

  /// Refusals that `explain` and `calibration` share.
  static let refusals: [(line: String, status: Int32, complaint: String)] = [
    ("model.safetensors wide.csv", 65, "wide.csv: expected 3 columns"),
    (
      "model.safetensors gap.csv", 65,
      "gap.csv: row 2, column 2 (\"b\"): expected 0 or 1, found nothing; only whole rows"
    ),
    ("model.safetensors word.csv", 65, "word.csv: line 2, column 3"),
    ("model.safetensors empty.csv", 65, "empty.csv"),
    ("model.safetensors none.csv", 66, "none.csv: no such file"),
    ("none.safetensors rows.csv", 66, "none.safetensors: no such file"),
    ("rows.csv rows.csv", 65, "rows.csv"),
    ("model.safetensors rows.csv --rows 3-5", 65, "rows.csv: expected row 5, as --rows says, found 4 rows"),
    ("model.safetensors rows.csv --rows 0", 64, "--rows: expected numbers of rows from 1"),
    ("model.safetensors rows.csv --rows 3-2", 64, "--rows: expected numbers of rows from 1"),
    ("model.safetensors rows.csv --rows 2,,3", 64, "--rows: expected numbers of rows from 1"),
    ("model.safetensors rows.csv --picture why.jpg", 64, "--picture why.jpg: expected a .png"),
    ("model.safetensors rows.csv --picture none/why.png", 73, "none/why.png"),
  ]
}

@Suite("density explain")
struct ExplainTests {
  private func numbers(_ text: String) -> [[Double]] {
    text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").compactMap { Double($0) } }
  }

  private static let expected = [
    [log(0.5), log(0.75), log(0.875)], [log(0.5), log(0.25), log(0.875)], [log(0.5), log(0.25), log(0.125)],
    [log(0.5), log(0.75), log(0.875)],
  ]

  private func isClose(_ rows: [[Double]], _ expected: [[Double]]) -> Bool {
    rows.count == expected.count
      && zip(rows, expected).allSatisfy { row, values in
        row.count == values.count && zip(row, values).allSatisfy { abs($0 - $1) < 1e-5 }
      }
  }

  @Test("a line a row, to standard output, files, from a stream, of some rows")
  func rows() throws {
    try DiagnosisFolder.with { folder in
      let result = try DiagnosisFolder.run("explain model.safetensors rows.csv", folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.hasPrefix("a,b,c\n") && isClose(numbers(result.output), Self.expected))
      let names = "c,b,a\n1,1,1\n1,0,0\n0,0,0\n1,1,1\n"
      let written = try DiagnosisFolder.run(
        "explain model.safetensors - -o why.csv", folder, input: names)
      #expect(written.status == 0 && written.output.isEmpty, "\(written.errors)")
      #expect(try String(contentsOfFile: folder + "/why.csv", encoding: .utf8) == result.output)
      let some = try DiagnosisFolder.run("explain model.safetensors rows.csv --rows 4,2-3,3", folder)
      #expect(isClose(numbers(some.output), Array(Self.expected.dropFirst())))
      // Independent bits are what they are whatever is given.
      let others = try DiagnosisFolder.run("explain model.safetensors rows.csv --others", folder)
      #expect(others.status == 0 && isClose(numbers(others.output), Self.expected))
    }
  }

  @Test("a mixture of several orders has a remainder, and rows add up to log p")
  func remainder() throws {
    try DiagnosisFolder.with { folder in
      let result = try DiagnosisFolder.run("explain mixture.safetensors rows.csv", folder)
      #expect(
        result.status == 0 && result.output.hasPrefix("\"#1\",\"#2\",\"#3\",remainder\n"),
        "\(result.errors)")
      let logp = try DiagnosisFolder.run("logprob mixture.safetensors rows.csv", folder)
      let expected = logp.output.split(separator: "\n").compactMap { Double($0) }
      let rows = numbers(result.output)
      #expect(rows.count == 4 && expected.count == 4)
      for (row, value) in zip(rows, expected) {
        #expect(row.count == 4 && row[3] <= 0 && abs(row.reduce(0, +) - value) < 1e-5)
      }
      let array = try DiagnosisFolder.run("explain mixture.safetensors rows.csv -o why.npy", folder)
      #expect(array.status == 0, "\(array.errors)")
      let size = try FileManager.default.attributesOfItem(atPath: folder + "/why.npy")[.size] as? Int
      #expect(size == 128 + 4 * 4 * 4)
      let others = try DiagnosisFolder.run("explain mixture.safetensors rows.csv --others", folder)
      #expect(others.output.hasPrefix("\"#1\",\"#2\",\"#3\"\n"))
    }
  }

  @Test("the variables by their mean surprise, as text and as JSON")
  func summary() throws {
    try DiagnosisFolder.with { folder in
      let text = try DiagnosisFolder.run("explain model.safetensors rows.csv --summary --top 2", folder)
      #expect(text.status == 0, "\(text.errors)")
      let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
      #expect(lines.count == 6)
      #expect(lines[0] == "rows 4 of rows.csv, each cell given those before it in the model's order")
      // Of b the mean of log 4/3 twice and log 4 twice; of c log 8/7 three times and log 8.
      #expect(lines[2] == "surprise share variable")
      #expect(lines[3] == "0.8370 ± 0.3171 38.93 % b" && lines[4] == "0.6931 ± 0.0000 32.24 % a", "\(lines)")
      #expect(lines[5] == "and 1 more, less surprising: --top 3")

      let result = try DiagnosisFolder.run("explain model.safetensors rows.csv --summary --json", folder)
      let json = try DensityProgram.json(result.output)
      #expect(json["rows"]?.integer == 4 && json["given"]?.string == "before")
      let variables = try #require(json["variables"]?.elements)
      #expect(variables.compactMap { $0["variable"]?.string } == ["b", "a", "c"])
      #expect(variables.compactMap { $0["column"]?.integer } == [2, 1, 3])
      let surprise = variables.compactMap { $0["surprise"]?.number }
      #expect(abs(surprise[2] - (3 * log(8.0 / 7) + log(8)) / 4) < 1e-5)
      #expect(abs(surprise.reduce(0, +) + (json["sum"]?.number ?? 0)) < 1e-9)
      // A quarter of the deviation of log 7 once in four: log 7 · √(3/16 · 4/3) / 2.
      #expect(abs((variables[2]["standard_error"]?.number ?? 0) - log(7.0) / 4) < 1e-5)
    }
  }

  @Test("maps of rows and of means, of rows that are pictures")
  func pictures() throws {
    try DiagnosisFolder.with { folder in
      let line = "explain model.safetensors rows.csv --image 1x3 --picture why.png --magnify 1"
      let rows = try DiagnosisFolder.run(line + " --rows 2-3", folder)
      #expect(rows.status == 0 && rows.output.isEmpty, "\(rows.errors)")
      #expect(
        rows.errors.contains("why.png: black is no surprise, half grey 0.520 nats, white 2.079 or more"),
        "\(rows.errors)")
      let image = try #require(FileManager.default.contents(atPath: folder + "/why.png"))
      #expect(image.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      let means = try DiagnosisFolder.run(line + " --summary -o why.csv", folder)
      #expect(
        means.status == 0 && means.output.contains("variable") && means.errors.contains("white 0.837 or"))
      #expect(
        isClose(numbers(try String(contentsOfFile: folder + "/why.csv", encoding: .utf8)), Self.expected))
    }
  }

  private static let refusals =
    DiagnosisFolder.refusals + [
      ("model.safetensors rows.csv --top 3", 64, "--top is for --summary"),
      ("model.safetensors rows.csv --json", 64, "--json is for --summary"),
      ("model.safetensors rows.csv --summary --top 0", 64, "--top"),
      ("model.safetensors rows.csv --magnify 2", 64, "--magnify is for --picture"),
      (
        "model.safetensors rows.csv --picture why.png", 64,
        "--picture: the rows are no pictures of known height"
      ),
      ("model.safetensors rows.csv -o why.svm", 73, "numbers go to .csv, .txt or .npy"),
      ("model.safetensors rows.csv -o rows.csv", 73, "the same file as the input"),
      ("model.safetensors gap.csv -o why.csv", 65, "'density impute'"),
      ("model.safetensors rows.csv --rows 2-9 -o why.csv", 65, "expected row 9"),
    ]

  @Test("what cannot be is one line and a status", arguments: refusals)
  func refused(_ line: String, _ status: Int32, _ complaint: String) throws {
    try DiagnosisFolder.with { folder in
      let before = try names(in: folder)
      let result = try DiagnosisFolder.run("explain " + line, folder)
      #expect(result.status == status, "\(result.errors)")
      let found = try #require(result.complaint, "\(result.errors)")
      #expect(found.contains(complaint), "\(found)")
      #expect(try names(in: folder) == before)
    }
  }
}

@Suite("density calibration")
struct CalibrationTests {
  @Test("ranges of forecasts, the error and what chance makes of it, as text and as JSON")
  func report() throws {
    try DiagnosisFolder.with { folder in
      let text = try DiagnosisFolder.run("calibration model.safetensors rows.csv --picture bars.png", folder)
      #expect(text.status == 0, "\(text.errors)")
      let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
      #expect(lines.count == 7)
      #expect(lines[0] == "cells 12 of 4 rows of rows.csv, each given those before it in the model's order")
      // Gaps of 0, 0.25 and 0.125, a third of the cells each.
      #expect(lines[1].hasPrefix("calibration error 0.12500 ± "), "\(lines)")
      #expect(lines[4] == "0.467 to 0.533 4 0.5000 0.5000 0.00000 ± 0.28868", "\(lines)")
      #expect(FileManager.default.contents(atPath: folder + "/bars.png")?.starts(with: [0x89, 0x50]) == true)

      // With a hundred times these rows there is something to tell.
      let many = String(repeating: "1,1,1\n0,0,1\n0,0,0\n1,1,1\n", count: 100)
      let biased = try DiagnosisFolder.run("calibration model.safetensors -", folder, input: many)
      #expect(
        biased.output.contains(
          "b, on less often than forecast by 0.25000; by chance ± 0.02165 (z -11.5, the largest of 3)"))

      let result = try DiagnosisFolder.run(
        "calibration model.safetensors - --json", folder, input: "1,1,1\n0,0,1\n")
      let json = try DensityProgram.json(result.output)
      #expect(json["cells"]?.integer == 6 && json["given"]?.string == "before")
      #expect(abs((json["calibration_error"]?.number ?? 0) - (0 + 0.25 + 0.125) / 3) < 1e-6)
      #expect((json["by_chance"]?.number ?? 0) > 0 && json["bins"]?.elements?.count == 15)
      #expect(json["variables"]?.elements?.compactMap { $0["variable"]?.string } == ["a", "b", "c"])
      #expect(abs((json["variables"]?.elements?[1]["gap"]?.number ?? 0) + 0.25) < 1e-6)
    }
  }

  @Test("a mixture of several orders is asked given all others, and says so")
  func others() throws {
    try DiagnosisFolder.with { folder in
      let mixed = try DiagnosisFolder.run("calibration mixture.safetensors rows.csv", folder)
      #expect(
        mixed.status == 0 && mixed.output.contains("each given all others of its row"), "\(mixed.errors)")
      let asked = try DiagnosisFolder.run("calibration mixture.safetensors rows.csv --others", folder)
      #expect(asked.output == mixed.output)
      let some = try DiagnosisFolder.run("calibration model.safetensors rows.csv --rows 1 --others", folder)
      #expect(some.status == 0 && some.output.contains("3 of 1 rows of rows.csv, each given all others"))
    }
  }

  @Test("what cannot be is one line and a status", arguments: DiagnosisFolder.refusals)
  func refused(_ line: String, _ status: Int32, _ complaint: String) throws {
    try DiagnosisFolder.with { folder in
      let before = try names(in: folder)
      let result = try DiagnosisFolder.run("calibration " + line, folder)
      #expect(result.status == status, "\(result.errors)")
      let found = try #require(result.complaint, "\(result.errors)")
      #expect(found.contains(complaint), "\(found)")
      #expect(try names(in: folder) == before)
    }
  }
}

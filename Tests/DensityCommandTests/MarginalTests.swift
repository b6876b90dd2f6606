import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density marginal, and sample with conditions")
struct MarginalTests {
  /// A folder with a chain of three coins, of which the second shows what the first does, and the third is fair.
  private func withModel(_ body: (_ folder: String, _ model: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let rows = BinaryMatrix(rowCount: 400, columnCount: 3) { row, column in
        column < 2 ? row % 4 == 0 : row / 4 % 2 == 0
      }
      let tree = try ChowLiuTree.fit(to: rows)
      let checkpoint = Checkpoint(model: tree, columnNames: ["a", "b", "c"])
      try checkpoint.write(to: folder + "/tree.safetensors")
      try body(folder, "tree.safetensors")
    }
  }

  private func run(_ line: String, _ folder: String) throws -> DensityProgram.Result {
    try DensityProgram.finish(DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
  }

  @Test("a missing cell is summed over, and a row of nothing has probability 1")
  func marginals() throws {
    try withModel { folder, model in
      try "a,b,c\n1,,\n,,\n1,1,\n0,?,1\n".write(
        toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      let result = try run("marginal \(model) gaps.csv", folder)
      let lines = result.output.split(separator: "\n").map { $0.split(separator: ",") }
      #expect(result.status == 0 && lines[0] == ["log_p", "standard_error", "certainty"])
      let found = lines.dropFirst().compactMap { Double($0[0]) }
      // A quarter of the rows, everything, a quarter, and three quarters by a half; smoothed by a pseudo-count.
      for (value, p) in zip(found, [0.25, 1, 0.25, 0.375]) { #expect(abs(exp(value) - p) < 0.01) }
      #expect(found.count == 4 && lines.dropFirst().allSatisfy { $0[1] == "0.0" && $0[2] == "exact" })
      #expect(result.errors.contains("4 rows, mean log p") && result.errors.contains("all exact"))
    }
  }

  @Test("given a column, and each cell given all others")
  func conditionals() throws {
    try withModel { folder, model in
      try "a,b,c\n1,1,\n0,1,\n".write(toFile: folder + "/rows.csv", atomically: true, encoding: .utf8)
      let result = try run("marginal \(model) rows.csv --given a", folder)
      let found = result.output.split(separator: "\n").dropFirst().compactMap {
        Double($0.split(separator: ",")[0])
      }
      #expect(found.count == 2 && exp(found[0]) > 0.98 && exp(found[1]) < 0.02)
      try "a,b,c\n1,0,1\n".write(toFile: folder + "/odd.csv", atomically: true, encoding: .utf8)
      let others = try run("marginal \(model) odd.csv --others -o odd-cells.csv", folder)
      #expect(others.status == 0 && others.output.isEmpty)
      let cells = try String(contentsOfFile: folder + "/odd-cells.csv", encoding: .utf8).split(
        separator: "\n")
      #expect(cells.count == 2 && cells[0] == "a,b,c")
      let numbers = cells[1].split(separator: ",").compactMap { Double($0) }
      #expect(numbers.count == 3 && numbers[0] < -3 && numbers[1] < -3 && abs(numbers[2] - log(0.5)) < 0.02)
    }
  }

  @Test("each known cell given the other known ones, and nothing of a missing one")
  func othersOfGaps() throws {
    try withModel { folder, model in
      let tree = try #require(try Checkpoint(contentsOf: folder + "/" + model).model.tractable)
      func p(_ cells: [Int?]) -> Double { tree.logMarginals(of: PartialRows([cells]))[0] }
      try "a,b,c\n1,,1\n1,0,1\n,0,\n".write(toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      let expected: [[Double?]] = [
        [p([1, nil, 1]) - p([nil, nil, 1]), nil, p([1, nil, 1]) - p([1, nil, nil])],
        [p([1, 0, 1]) - p([nil, 0, 1]), p([1, 0, 1]) - p([1, nil, 1]), p([1, 0, 1]) - p([1, 0, nil])],
        [nil, p([nil, 0, nil]), nil],
      ]
      let result = try run("marginal \(model) gaps.csv --others", folder)
      let lines = result.output.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
      }
      try #require(result.status == 0 && lines.count == 4, "\(result)")
      let json = try DensityProgram.json(run("marginal \(model) gaps.csv --others --json", folder).output)
      #expect(json["mode"]?.string == "others" && json["exact"] == true)
      for (row, cells) in expected.enumerated() {
        let exact = try #require(json["answers"]?.elements?[row]["log_p"]?.elements)
        for (column, value) in cells.enumerated() {
          #expect(
            (lines[row + 1][column] == nil) == (value == nil)
              && (exact[column].number == nil) == (value == nil))
          guard let value, let found = lines[row + 1][column] else { continue }
          #expect(abs(found - value) < 1e-5 && abs((exact[column].number ?? 0) - value) < 1e-5)
        }
      }
      #expect(result.errors.contains("mean log-pseudo-likelihood") && result.errors.contains("exact"))
      // A row of missing cells alone has no answer, and no part in the mean.
      try "a,b,c\n1,,1\n1,0,1\n,,\n,0,\n".write(
        toFile: folder + "/empty.csv", atomically: true, encoding: .utf8)
      let empty = try DensityProgram.json(run("marginal \(model) empty.csv --others --json", folder).output)
      let (mean, other) = (try #require(json["mean"]?.number), try #require(empty["mean"]?.number))
      #expect(empty["rows"]?.number == 4 && abs(mean - other) < 1e-12)
    }
  }

  @Test("a column given a value, and an object a row")
  func givenValues() throws {
    try withModel { folder, model in
      let tree = try #require(try Checkpoint(contentsOf: folder + "/" + model).model.tractable)
      func p(_ cells: [Int?]) -> Double { tree.logMarginals(of: PartialRows([cells]))[0] }
      try "a,b,c\n1,1,0\n0,1,\n".write(toFile: folder + "/rows.csv", atomically: true, encoding: .utf8)
      let json = try DensityProgram.json(
        run("marginal \(model) rows.csv --given a=0,#3 --json", folder).output)
      let rows = try #require(json["answers"]?.elements)
      let expected = [p([0, 1, 0]) - p([0, nil, 0]), p([0, 1, nil]) - p([0, nil, nil])]
      #expect(json["mode"]?.string == "given" && rows.count == 2)
      for (row, value) in zip(rows, expected) {
        #expect(abs((row["log_p"]?.number ?? 9) - value) < 1e-9)
        #expect(row["exact"] == true && row["trusted"] == true && row["standard_error"]?.number == 0)
      }
      #expect(abs((json["mean"]?.number ?? 9) - (expected[0] + expected[1]) / 2) < 1e-9)
    }
  }

  @Test("an interrupt keeps the rows that are done")
  func interrupted() throws {
    try withTemporaryDirectory { folder in
      let model = try NADE(NADE.Configuration(variableCount: 60, hiddenCount: 30), seed: 1)
      try Checkpoint(model: model).write(to: folder + "/m.safetensors")
      let line = (0..<59).map { _ in "," }.joined() + "1\n"
      try String(repeating: line, count: 4000).write(
        toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      let running = try DensityProgram.start(
        ["marginal", "m.safetensors", "gaps.csv", "-o", "p.csv", "--enumerate", "0", "--error", "0.001"],
        in: folder)
      sleep(8)
      kill(running.process.processIdentifier, SIGINT)
      let result = try DensityProgram.finish(running)
      try #require(result.status == 130, "\(result.errors)")
      guard FileManager.default.fileExists(atPath: folder + "/p.csv") else {
        // A machine so busy that not a row was done.
        #expect(result.complaint == "density: interrupted before there was anything to keep")
        return
      }
      let lines = try String(contentsOfFile: folder + "/p.csv", encoding: .utf8).split(separator: "\n")
      #expect((2...4000).contains(lines.count))
      #expect(result.errors.hasSuffix("interrupted after \(lines.count - 1) rows, kept in p.csv\n"))
    }
  }

  @Test("samples given cells, of a number of ones, and distinct")
  func samples() throws {
    try withModel { folder, model in
      let result = try run("sample \(model) --given a=1 -n 1000 --distinct -o -", folder)
      let lines = result.output.split(separator: "\n")
      #expect(result.status == 0 && lines[0] == "count,a,b,c")
      #expect(lines.dropFirst().allSatisfy { $0.split(separator: ",")[1] == "1" })
      let counts = lines.dropFirst().compactMap { Int($0.split(separator: ",")[0]) }
      #expect(counts.reduce(0, +) == 1000 && counts == counts.sorted(by: >) && counts[0] > 400)
      let ones = try run("sample \(model) --on-bits 1 -n 50 -o -", folder)
      #expect(
        ones.output.split(separator: "\n").dropFirst().allSatisfy { $0.filter { $0 == "1" }.count == 1 })
      // Without an output the rows of a table are printed; a column by itself is on.
      let printed = try run("sample \(model) --given a -n 3", folder)
      #expect(
        printed.status == 0
          && printed.output.split(separator: "\n").dropFirst().allSatisfy { $0.hasPrefix("1,") })
      #expect(printed.output.hasPrefix("a,b,c\n") && printed.output.split(separator: "\n").count == 4)
      let cold = try run("sample \(model) --temperature 0.01 -n 20 -o -", folder)
      #expect(cold.errors.contains("not drawn from p"))
    }
  }

  @Test(
    "what cannot be asked is one line and a status",
    arguments: [
      ("sample tree.safetensors --given d=1 -o -", 64, "--given d=1: column 1: expected a column, of which"),
      ("sample tree.safetensors --given a=2 -o -", 64, "expected a value: 1 or 0"),
      ("sample tree.safetensors --given a=1,a=0 -o -", 64, "expected one value of \"a\", found 1 and 0"),
      ("sample tree.safetensors --exact 10 -o -", 64, "--given"),
      ("sample tree.safetensors --on-bits 4 -o -", 64, "from 0 to 3"),
      ("sample tree.safetensors --given a=1 --on-bits 0 -o -", 65, "0 on-bits"),
      ("sample tree.safetensors --temperature 0 -o -", 64, "--temperature"),
      ("sample tree.safetensors --particles 64 -o -", 64, "--given"),
      ("sample tree.safetensors --distinct -o rows.npy", 64, "--distinct"),
      ("sample tree.safetensors --order evidence-first --given a=1 -o -", 64, "EoNADE"),
      ("marginal tree.safetensors gaps.csv --others --order own", 64, "--order does not go with --others"),
      ("marginal tree.safetensors gaps.csv --given z", 64, "--given z: column 1: expected a column"),
      ("marginal tree.safetensors wide.csv", 65, "3 columns"),
      ("marginal tree.safetensors gaps.csv --particles 3", 64, "--particles"),
      ("marginal tree.safetensors gaps.csv --error 0", 64, "--error"),
      ("marginal tree.safetensors gaps.csv -o gaps.csv", 73, "gaps.csv"),
    ])
  func errors(_ line: String, _ status: Int32, _ words: String) throws {
    try withModel { folder, _ in
      try "a,b,c\n1,,\n".write(toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      try "1,0,1,1\n".write(toFile: folder + "/wide.csv", atomically: true, encoding: .utf8)
      let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      let result = try run(line, folder)
      #expect(result.status == status, "\(result.errors)")
      #expect(result.errors.split(separator: "\n").last?.contains(words) ?? false, "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)
    }
  }
}

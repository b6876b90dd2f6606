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
      let cold = try run("sample \(model) --temperature 0.01 -n 20 -o -", folder)
      #expect(cold.errors.contains("not drawn from p"))
    }
  }

  @Test(
    "what cannot be asked is one line and a status",
    arguments: [
      ("sample tree.safetensors --given d=1 -o -", 64, "no such column"),
      ("sample tree.safetensors --given a=2 -o -", 64, "expected 0 or 1"),
      ("sample tree.safetensors --given a=1,a=0 -o -", 64, "given twice"),
      ("sample tree.safetensors --given a -o -", 64, "name=1"),
      ("sample tree.safetensors --exact 10 -o -", 64, "--given"),
      ("sample tree.safetensors --on-bits 4 -o -", 64, "from 0 to 3"),
      ("sample tree.safetensors --given a=1 --on-bits 0 -o -", 65, "0 on-bits"),
      ("sample tree.safetensors --temperature 0 -o -", 64, "--temperature"),
      ("sample tree.safetensors --particles 64 -o -", 64, "--given"),
      ("sample tree.safetensors --distinct -o rows.npy", 64, "--distinct"),
      ("sample tree.safetensors --order evidence-first --given a=1 -o -", 64, "EoNADE"),
      ("marginal tree.safetensors gaps.csv --others", 65, "row 1"),
      ("marginal tree.safetensors gaps.csv --given z", 64, "no such column"),
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

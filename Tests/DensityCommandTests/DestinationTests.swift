import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Outputs that are no files, and what a command is to be told")
struct DestinationTests {
  /// A folder with a tree of nine named columns.
  private func withModel(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let rows = BinaryMatrix(rowCount: 100, columnCount: 9) { row, column in row >> (column % 4) & 1 == 1 }
      let checkpoint = Checkpoint(
        model: try ChowLiuTree.fit(to: rows), columnNames: (1...9).map { "x\($0)" })
      try checkpoint.write(to: folder + "/m.safetensors")
      try TableFile(path: folder + "/rows.csv").write(rows, names: checkpoint.columnNames)
      try body(folder)
    }
  }

  @Test("devices, pipes and what is open already are written to where they are")
  func devices() throws {
    try withModel { folder in
      let usual = try DensityProgram.shell("density sample m.safetensors -n 5", in: folder)
      #expect(usual.status == 0 && usual.output.split(separator: "\n").count == 6)
      let lines = [
        "density sample m.safetensors -n 5 -o /dev/null; cat /dev/null",
        "density sample m.safetensors -n 5 -o /dev/stdout | cat",
        "density sample m.safetensors -n 5 -o /dev/stdout",
        "echo before >a.txt; density sample m.safetensors -n 5 -o /dev/stdout >>a.txt; tail -n +2 a.txt",
        "mkfifo pipe; cat pipe >b.txt & density sample m.safetensors -n 5 -o pipe; wait; cat b.txt",
      ]
      for (index, line) in lines.enumerated() {
        let result = try DensityProgram.shell(line, in: folder)
        #expect(result.status == 0, "\(line): \(result.errors)")
        #expect(result.output == (index == 0 ? "" : usual.output), "\(line)")
      }
      #expect(FileManager.default.fileExists(atPath: "/dev/null"))
      for command in [
        "logprob m.safetensors rows.csv", "marginal m.safetensors rows.csv", "mode m.safetensors",
      ] {
        let result = try DensityProgram.shell("density \(command) -o /dev/null", in: folder)
        #expect(result.status == 0, "\(command): \(result.errors)")
      }
      #expect(try names(in: folder) == ["a.txt", "b.txt", "m.safetensors", "pipe", "rows.csv"])
    }
  }

  @Test func allNames() throws {
    try withModel { folder in
      let usual = try DensityProgram.run("info", "m.safetensors", in: folder)
      #expect(usual.output.contains("\"x8\", and 1 more: --names has all\n"))
      let names = try DensityProgram.run("info", "m.safetensors", "--names", in: folder)
      #expect(names.output == (1...9).map { "#\($0) x\($0)\n" }.joined() && names.errors.isEmpty)
    }
  }

  @Test func whatIsToBeNamed() throws {
    try withModel { folder in
      try ("x1,x2\n" + String(repeating: ",\n", count: 9)).write(
        toFile: folder + "/nothing.csv", atomically: true, encoding: .utf8)
      try ("x1,x2\n" + String(repeating: "1,0\n0,1\n", count: 9)).write(
        toFile: folder + "/two.csv", atomically: true, encoding: .utf8)
      try "x1,x2\n,0\n1,1\n".write(toFile: folder + "/halves.csv", atomically: true, encoding: .utf8)
      try ("x1,x2\n" + String(repeating: ",\n", count: 29) + "1,0\n").write(
        toFile: folder + "/little.csv", atomically: true, encoding: .utf8)
      let lines = [
        ("evaluate m.safetensors", 64, "no table is named: name one, as in"),
        ("logprob m.safetensors", 64, "'density logprob model.safetensors table.csv'"),
        ("evaluate m.safetensors rows.csv --split train", 64, "--split is for a folder with a data set"),
        (
          "train -m nade -d two.csv --validation nothing.csv --run r", 65,
          "expected validation rows of which cells are known, to measure by, found 9 of which all are missing"
        ),
        (
          "train -m chow-liu -d two.csv --test nothing.csv --run r", 65,
          "nothing.csv: expected test rows of which cells are known, to measure by, found 9 of which all are missing; give others by --test"
        ),
        ("train -d two.csv --labels x2 --test halves.csv --run r", 64, "halves.csv: cells are missing"),
        // Rows held out are of no table of their own, least of all of the test rows'.
        (
          "train -m nade -d little.csv --test two.csv --run r", 65,
          "little, validation rows: expected validation rows of which cells are known"
        ),
        (
          "fit little.csv --test two.csv -t 1h -o f", 65,
          "little, validation rows: expected validation rows of which cells are known"
        ),
        (
          "fit two.csv --validation nothing.csv -t 0s -o f", 65,
          "nothing.csv: expected validation rows of which cells are known"
        ),
        (
          "fit two.csv --test nothing.csv -t 1h -o f", 65,
          "nothing.csv: expected test rows of which cells are known"
        ),
        (
          "fit two.csv --validation two.csv --test nothing.csv -t 1h -o f", 65,
          "nothing.csv: expected test rows of which cells are known"
        ),
      ]
      for (line, status, words) in lines {
        let result = try DensityProgram.shell("density \(line)", in: folder)
        #expect(result.status == status, "\(line): \(result)")
        #expect(result.complaint?.contains(words) == true, "\(line): \(result.errors)")
      }
      // Rows that know nothing have no figure.
      let two = "two.csv --hidden 2 -e 2 -m nade"
      try ("x1,x2\n1,0\n0,1\n,\n").write(toFile: folder + "/some.csv", atomically: true, encoding: .utf8)
      let result = try DensityProgram.shell(
        "density train -d \(two) --validation some.csv --run s --json", in: folder)
      let figures = try DensityProgram.json(result.output)["results"]?.elements
      #expect(result.status == 0 && figures?[0]["rows"]?.integer == 2, "\(result)")
    }
  }
}

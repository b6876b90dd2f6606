import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Small models by the command")
struct DistillTests {
  /// A table with named columns, and a mixture of it.
  private func prepare(_ folder: String, columnCount: Int = 8) throws {
    let rows = BinaryMatrix(rowCount: 120, columnCount: columnCount) { ($0 * ($1 + 3) + $0 / 7) % 5 < 2 }
    let names = (0..<columnCount).map { "c\($0)" }
    let lines = (0..<rows.rowCount).map { row in
      rows[row: row].map { $0 ? "1" : "0" }.joined(separator: ",")
    }
    try ([names.joined(separator: ",")] + lines).joined(separator: "\n").appending("\n").write(
      toFile: folder + "/rows.csv", atomically: true, encoding: .utf8)
    let networks = try (0..<12).map { seed in
      try NADE(
        NADE.Configuration(variableCount: columnCount, hiddenCount: 16, ordering: .random, seed: seed),
        seed: seed) as any Density
    }
    try Checkpoint(model: Mixture(networks), columnNames: names).write(to: folder + "/m.safetensors")
  }

  @Test func aNetworkOfATenthOfTheSize() throws {
    try withTemporaryDirectory { folder in
      try prepare(folder)
      let result = try DensityProgram.run(
        "distill", "m.safetensors", "rows.csv", "--test", "rows.csv", "-t", "2s", "-o", "s.safetensors",
        in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("108 training, 12 validation, 120 test rows"))
      let lines = result.output.split(separator: "\n")
      #expect(lines[0].contains("size") && lines[0].contains("rows/s"))
      #expect(lines[1].hasSuffix("  mixture") && lines[2].contains("> network distilled of it, NADE 16"))
      #expect(result.output.contains("test NLL") && lines.last == "model  s.safetensors")
      let small = try Checkpoint(contentsOf: folder + "/s.safetensors")
      #expect(small.model is NADE && small.columnNames == (0..<8).map { "c\($0)" })
      let info = try DensityProgram.run("info", "s.safetensors", in: folder)
      #expect(info.output.contains("half precision"))
      // A second time the first file is kept, and programs are told the same.
      let again = try DensityProgram.run(
        "distill", "m.safetensors", "rows.csv", "-t", "1s", "-o", "s.safetensors", "--json", "--size", "2kB",
        in: folder)
      #expect(again.status == 0 && again.errors.contains("s.safetensors~1"), "\(again.errors)")
      let report = try DensityProgram.json(again.output)
      let choices = try #require(report["choices"]?.elements)
      let size = try AtomicFile.read(folder + "/s.safetensors").count
      #expect(choices.count == 2 && choices[1]["bytes"]?.integer == size && size <= 2000)
      #expect(choices[1]["written"] == .bool(true) && choices[0]["written"] == .bool(false))
      let figure = try #require(choices[1]["validation_nll"]?.number)
      #expect(figure > 0 && figure == report["results"]?.elements?[0]["nll"]?.number)
    }
  }

  /// A missing cell of a test row is no zero, where rows to choose by are drawn too.
  @Test func missingCellsOfTestRowsStayMissing() throws {
    try withTemporaryDirectory { folder in
      try prepare(folder)
      let lines = """
        (head -1 rows.csv; for i in 1 2 3 4 5 6; do echo 1,1,1,1,,,,; done) > gaps.csv
        (head -1 rows.csv; for i in 1 2 3; do echo ,,,,,,,; done) > nothing.csv
        density fit rows.csv -t 1s -o f.safetensors -q
        density distill f.safetensors rows.csv --test gaps.csv -t 1s -o s.safetensors -q --json >d.json
        density evaluate s.safetensors gaps.csv --json >e.json
        density distill f.safetensors rows.csv --test nothing.csv -t 1h -o t.safetensors
        """
      let result = try DensityProgram.shell(lines, in: folder)
      #expect(result.status == 65 && result.complaint?.contains("nothing.csv: expected test rows") == true)
      func report(_ name: String) throws -> JSONValue {
        try DensityProgram.json(String(contentsOfFile: "\(folder)/\(name).json", encoding: .utf8))
      }
      let distilled = try #require(report("d")["results"]?.elements?.last)
      let evaluated = try report("e")
      #expect(distilled["of_known_cells"] == .bool(true) && evaluated["of_known_cells"] == .bool(true))
      let (a, b) = (try #require(distilled["nll"]?.number), try #require(evaluated["nll"]?.number))
      #expect(abs(a - b) < 1e-6)
    }
  }

  /// Rows that the model has learnt from would find it, and any student that remembers them, better than they are.
  @Test func noRowThatWasLearntChooses() throws {
    try withTemporaryDirectory { folder in
      func distil(_ model: String, _ options: String = "") throws -> DensityProgram.Result {
        try DensityProgram.shell("density distill \(model) rows.csv -t 1s -o s --json \(options)", in: folder)
      }
      try DensityProgram.writeTable(folder + "/rows.csv", rowCount: 2400)
      try DensityProgram.writeTable(folder + "/others.csv", rowCount: 300)
      // Rows were held out by another seed than that of distilling.
      _ = try DensityProgram.run(
        "fit", "rows.csv", "-t", "1s", "--seed", "5", "-o", "held", "--size", "20kB", in: folder)
      let held = try distil("held")
      #expect(held.status == 0 && held.errors.contains("2160 training, 240 validation"), "\(held.errors)")
      #expect(!held.errors.contains("note"), "\(held.errors)")
      let checkpoint = try Checkpoint(contentsOf: folder + "/s")
      #expect(checkpoint.provenance?.data == (try Checkpoint(contentsOf: folder + "/held").provenance?.data))
      // What was distilled does not tell the seed, and says so.
      _ = try DensityProgram.shell("mv s once", in: folder)
      let again = try distil("once")
      #expect(
        again.status == 0 && again.errors.contains("by a seed that its file does not tell"), "\(again.errors)"
      )
      // A table chose that is not given.
      _ = try DensityProgram.run(
        "fit", "rows.csv", "--validation", "others.csv", "-t", "1s", "-o", "given", "--size", "20kB",
        in: folder)
      let given = try distil("given")
      #expect(given.status == 65 && given.complaint?.contains("expected --validation with rows") == true)
      #expect(try distil("given", "--validation others.csv").status == 0)
      // Other rows may be the model's, or not.
      let other = try DensityProgram.run(
        "distill", "held", "others.csv", "-t", "1s", "-o", "t", in: folder)
      #expect(
        other.status == 0 && other.errors.contains("these rows are others than those"), "\(other.errors)")
    }
  }

  @Test(arguments: [1, 120]) func whereAllRowsWereLearntDrawnOnesChoose(rowCount: Int) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/rows.csv", rowCount: rowCount)
      _ = try DensityProgram.run("fit", "rows.csv", "-t", "1s", "-o", "m", in: folder)
      let result = try DensityProgram.run(
        "distill", "m", "rows.csv", "-t", "1s", "-o", "s", "--json", in: folder)
      #expect(result.status == 0 && result.errors.contains("1000 rows that it draws do"), "\(result.errors)")
      let json = try DensityProgram.json(result.output)
      #expect(json["results"]?.elements?.map { $0["split"]?.string } == ["drawn rows"])
      #expect(json["choices"]?.elements?.allSatisfy { $0["validation_nll"] == .null } == true)
      // So no figure of a network's is one of rows that it was not shown.
      #expect(try Checkpoint(contentsOf: folder + "/s").provenance?.validationNLL == nil)
    }
  }

  @Test func interruptedBeforeThereIsAny() throws {
    try withTemporaryDirectory { folder in
      try prepare(folder)
      let running = try DensityProgram.start(
        ["distill", "m.safetensors", "rows.csv", "-t", "10m", "-o", "s.safetensors"], in: folder)
      // The lines before the work, and a moment.
      while try String(contentsOf: running.errors, encoding: .utf8).split(separator: "\n").count < 2 {
        Thread.sleep(forTimeInterval: 0.05)
      }
      Thread.sleep(forTimeInterval: 0.5)
      kill(running.process.processIdentifier, SIGINT)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 130, "\(result.errors)")
      #expect(result.errors.contains("interrupted"))
      let isThere = FileManager.default.fileExists(atPath: folder + "/s.safetensors")
      #expect(isThere != result.errors.contains("nothing is written"))
      #expect(!result.output.contains("nan"))
      if isThere { _ = try Checkpoint(contentsOf: folder + "/s.safetensors") }
    }
  }

  @Test func fitKeepsToASizeAndPrintsTheTrade() throws {
    try withTemporaryDirectory { folder in
      try prepare(folder, columnCount: 18)
      let result = try DensityProgram.run(
        "fit", "rows.csv", "-t", "2s", "--size", "10kB", "-o", "f.safetensors", "--json", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let size = try AtomicFile.read(folder + "/f.safetensors").count
      #expect(size <= 10_000)
      let choices = try #require(try DensityProgram.json(result.output)["choices"]?.elements)
      let written = choices.filter { $0["written"] == .bool(true) }
      #expect(written.count == 1 && (written[0]["bytes"]?.integer ?? .max) <= size)
      let text = try DensityProgram.run("fit", "rows.csv", "-t", "0", "-o", "g.safetensors", in: folder)
      #expect(text.output.contains("could be kept; > was written"))
    }
  }
}

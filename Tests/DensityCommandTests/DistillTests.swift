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

import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("What a model was made of")
struct ProvenanceTests {
  private func withTable(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 200)
      try AtomicFile.createDirectory(folder + "/elsewhere")
      try body(folder)
    }
  }

  private func density(_ line: String, in folder: String) throws -> DensityProgram.Result {
    let result = try DensityProgram.finish(
      DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
    #expect(result.status == 0, "\(result.errors)")
    return result
  }

  @Test("a checkpoint says it, and so does density info")
  func checkpoint() throws {
    try withTable { folder in
      let report = try DensityProgram.json(
        density("train t.csv --hidden 8 -e 3 --run r --json", in: folder).output)
      let figure = try #require(report["results"]?.elements?.first?["nll"]?.number)
      let provenance = try #require(try Checkpoint(contentsOf: folder + "/r/best.safetensors").provenance)
      #expect(
        provenance.data.name == "t" && provenance.data.rowCount == 180 && provenance.validationRowCount == 20)
      #expect(abs(try #require(provenance.validationNLL) - figure) < 1e-9)
      let info = try density("info r/best.safetensors", in: folder).output
      #expect(info.contains("\n  NADE: activation "))
      #expect(info.contains("made of        t: 180 × 6, checksum "))
      #expect(info.contains("on 20 rows; by version \(Provenance.currentVersion)\n"))
      let json = try DensityProgram.json(density("info r/best.safetensors --json", in: folder).output)
      #expect(json["provenance"]?["validation_nll"]?.number == provenance.validationNLL)
      // Older files say nothing of it.
      var old = try Checkpoint(contentsOf: folder + "/r/best.safetensors")
      old.provenance = nil
      try old.write(to: folder + "/old.safetensors")
      #expect(try Checkpoint(contentsOf: folder + "/old.safetensors").provenance == nil)
      #expect(try !density("info old.safetensors", in: folder).output.contains("made of"))
    }
  }

  @Test("the parts of a mixture are a tree, and JSON is not escaped within JSON")
  func tree() throws {
    try withTable { folder in
      let nade = try NADE(NADE.Configuration(variableCount: 6, hiddenCount: 4), seed: 1)
      let tree = try ChowLiuTree.fit(to: BinaryMatrix.allRows(ofWidth: 6))
      let mixture = Mixture([Ensemble([nade, nade]), tree], weights: [0.75, 0.25])
      try Checkpoint(model: mixture).write(to: folder + "/m.safetensors")
      let lines = try density("info m.safetensors", in: folder).output.split(separator: "\n").map(String.init)
      #expect(lines[1] == "  MIXTURE" && lines[2] == "  ├ 0.750  ENSEMBLE")
      #expect(lines[3].hasPrefix("  │ ├ 0.500  NADE: ") && lines[3].contains("hidden_count 4"))
      #expect(lines[4].hasPrefix("  │ └ 0.500  NADE: ") && lines[5] == "  └ 0.250  CHOW-LIU")
      let json = try DensityProgram.json(density("info m.safetensors --json", in: folder).output)
      let parts = try #require(json["configuration"]?["components"]?.elements)
      #expect(parts.map { $0["model"]?.string } == ["ensemble", "chow-liu"])
      let inner = parts[0]["configuration"]?["components"]?.elements?.first?["configuration"]
      #expect(inner?["hidden_count"]?.integer == 4)
    }
  }

  @Test("a run's record tells what came of it, and another run does the same by it")
  func record() throws {
    try withTable { folder in
      _ = try density("train t.csv -m made --hidden 7 -e3 --seed 5 --run r", in: folder)
      let record = try JSONValue(parsing: AtomicFile.read(folder + "/r/run.json")[...], path: "run.json")
      #expect(record["command"]?.string == "train" && record["version"]?.string == Provenance.currentVersion)
      #expect(record["machine"]?["instruction_set"]?.string != nil)
      #expect(record["data"]?["row_count"]?.integer == 180)
      #expect(record["result"]?["training"]?["epochs"]?.integer == 3)
      #expect(record["result"]?["results"]?.elements?.first?["split"]?.string == "validation")
      // From another folder too, where the table is found by the record.
      _ = try density("train --config ../r/run.json --run s", in: folder + "/elsewhere")
      let best = try AtomicFile.read(folder + "/r/best.safetensors")
      #expect(try AtomicFile.read(folder + "/elsewhere/s/best.safetensors") == best)
      _ = try density("train --config r/run.json --seed 6 --run u", in: folder)
      #expect(try AtomicFile.read(folder + "/u/best.safetensors") != best)
      // What one finished, one goes on with.
      _ = try density("train --resume --run u -e4", in: folder)
      let longer = try JSONValue(parsing: AtomicFile.read(folder + "/u/run.json")[...], path: "run.json")
      #expect(longer["result"]?["training"]?["epochs"]?.integer == 4)
      #expect(longer.members?.count { $0.key == "result" } == 1)
      let faults = [
        ("train --config r/run.json --resume", 64, "--config starts another run"),
        ("train --config none.json", 66, "no such file"), ("train --config t.csv", 65, "t.csv"),
      ]
      for (line, status, text) in faults {
        let result = try DensityProgram.finish(
          DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
        #expect(result.status == status && result.onlyLine?.contains(text) == true, "\(result.errors)")
      }
    }
  }
}

import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Runs that go on")
struct ContinuedRunTests {
  private func withTable(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 200)
      try DensityProgram.writeTable(folder + "/test.csv", rowCount: 40)
      try AtomicFile.createDirectory(folder + "/elsewhere")
      try body(folder)
    }
  }

  private func density(_ line: String, in folder: String) throws -> DensityProgram.Result {
    try DensityProgram.finish(
      DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
  }

  /// The run knows its data, from any folder; a finished one takes more epochs, another patience and nothing else.
  @Test func aFinishedRunGoesOnWithTheDataItKnows() throws {
    try withTable { folder in
      let begun = try density("train -d t.csv --test test.csv --hidden 8 -e 3 --run r", in: folder)
      #expect(begun.status == 0, "\(begun.errors)")
      let longer = try density("train --resume --run ../r -e 6 --json", in: folder + "/elsewhere")
      #expect(longer.status == 0, "\(longer.errors)")
      let report = try DensityProgram.json(longer.output)
      #expect(report["training"]?["epochs"]?.integer == 6)
      #expect(report["results"]?.elements?.map { $0["split"]?.string } == ["validation", "test"])
      let history = try String(contentsOfFile: folder + "/r/history.jsonl", encoding: .utf8)
      #expect(history.split(separator: "\n").count == 6)
      let shorter = try density("train --resume --run r -e 5", in: folder)
      #expect(shorter.status == 64 && shorter.onlyLine?.contains("6 epochs") == true, "\(shorter.errors)")
      // Moved together, they are found again too.
      try FileManager.default.moveItem(atPath: folder + "/r", toPath: folder + "/elsewhere/r")
      for name in ["t.csv", "test.csv"] {
        try FileManager.default.moveItem(atPath: folder + "/" + name, toPath: folder + "/elsewhere/" + name)
      }
      #expect(try density("train --resume --run r -e 7", in: folder + "/elsewhere").status == 0)
      // Other data are refused, and without a record the data are asked for.
      try DensityProgram.writeTable(folder + "/elsewhere/t.csv", rowCount: 90)
      let other = try density("train --resume --run r -e 8", in: folder + "/elsewhere")
      #expect(other.status == 65 && other.onlyLine?.contains("began with") == true, "\(other.errors)")
      try FileManager.default.removeItem(atPath: folder + "/elsewhere/r/run.json")
      let unknown = try density("train --resume --run r", in: folder + "/elsewhere")
      #expect(
        unknown.status == 64 && unknown.onlyLine?.contains("name the table") == true, "\(unknown.errors)")
    }
  }

  @Test func aTrainingBeginsWithACheckpoint() throws {
    try withTable { folder in
      let first = try density("train -d t.csv -m made --hidden 7,5 -e 20 --run a", in: folder)
      #expect(first.status == 0, "\(first.errors)")
      // So small a step moves nothing that can be seen.
      let second = try density(
        "train --from a/last.safetensors -d t.csv -e 1 --rate 1e-12 --run b --json", in: folder)
      #expect(second.status == 0, "\(second.errors)")
      let made = try #require(try Checkpoint(contentsOf: folder + "/b/best.safetensors").model as? MADE)
      let before = try #require(try Checkpoint(contentsOf: folder + "/a/last.safetensors").model as? MADE)
      #expect(made.configuration == before.configuration)
      for (a, b) in zip(made.parameters.matrices, before.parameters.matrices) {
        #expect(zip(a.elements, b.elements).allSatisfy { abs($0 - $1) < 1e-6 })
      }
      let state = try #require(try Checkpoint(contentsOf: folder + "/b/last.safetensors").training)
      #expect(state.progress.epoch == 1 && state.progress.configuration.learningRate == 1e-12)
    }
  }

  /// Members go on by the same line as one network, after a kill too.
  @Test func membersOfAKilledRunGoOn() throws {
    try withTable { folder in
      let settings = "train -d t.csv --hidden 30 -e 300 --members 3 --orders 2 --ordering random --rate 0.01"
      let running = try DensityProgram.start(
        (settings + " --run a").split(separator: " ").map(String.init), in: folder)
      let deadline = Date() + 30
      while !FileManager.default.fileExists(atPath: folder + "/a/members/2/last.safetensors"),
        Date() < deadline
      {
        usleep(2000)
      }
      kill(running.process.processIdentifier, SIGKILL)
      _ = try DensityProgram.finish(running)
      let resumed = try density("train --resume --run a", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try density(settings + " --run whole", in: folder).status == 0)
      #expect(
        try AtomicFile.read(folder + "/a/best.safetensors")
          == AtomicFile.read(folder + "/whole/best.safetensors"))
    }
  }
}

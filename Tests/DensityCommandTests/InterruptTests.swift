import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Interrupted training")
struct InterruptTests {
  /// Some seconds of training, of which the tests let a part pass; the folder's name is one to be quoted.
  private let settings = [
    "train", "--model", "nade", "--hidden", "200", "--data", "the rows.csv", "--epochs", "300", "--rate",
    "0.01",
  ]

  /// Waits until a file has some lines.
  private func wait(for path: String, lines: Int) throws {
    let deadline = Date() + 30
    while Date() < deadline {
      if let text = try? String(contentsOfFile: path, encoding: .utf8),
        text.split(separator: "\n").count >= lines
      {
        return
      }
      usleep(2000)
    }
    Issue.record("\(path) has not grown to \(lines) lines")
  }

  /// Compares a run that was broken off and resumed with one that was not.
  private func checkFinished(_ folder: String) throws {
    let running = try DensityProgram.start(settings + ["--run", "whole"], in: folder)
    #expect(try DensityProgram.finish(running).status == 0)
    for name in ["best.safetensors", "samples.png"] {
      #expect(try AtomicFile.read(folder + "/whole/" + name) == AtomicFile.read(folder + "/a run/" + name))
    }
    // The states differ in what time they have taken, and in nothing else.
    let states = try ["whole", "a run"].map { run in
      var checkpoint = try Checkpoint(contentsOf: folder + "/\(run)/last.safetensors")
      checkpoint.training?.progress.seconds = 0
      try checkpoint.write(to: folder + "/state.safetensors")
      return try AtomicFile.read(folder + "/state.safetensors")
    }
    #expect(states[0] == states[1])
    let histories = try ["whole", "a run"].map { run in
      try String(contentsOfFile: folder + "/\(run)/history.jsonl", encoding: .utf8).split(separator: "\n")
        .map { try DensityProgram.json(String($0)) }
        .map { line in ["epoch", "training_nll", "validation_nll", "rate"].map { line[$0]?.number } }
    }
    #expect(histories[0] == histories[1] && histories[0].map { $0[0] } == (1...300).map(Double.init))
    #expect(
      try names(in: folder + "/a run")
        == ["best.safetensors", "history.jsonl", "last.safetensors", "run.json", "samples.png"])
  }

  /// An interrupt lets the step end and writes a checkpoint; what is then printed to be typed goes on with
  /// it.
  @Test(arguments: [SIGINT, SIGTERM])
  func interruptAndResume(_ signal: Int32) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/the rows.csv", rowCount: 4000, columnCount: 40)
      let running = try DensityProgram.start(settings + ["--run", "a run"], in: folder)
      try wait(for: folder + "/a run/history.jsonl", lines: 2)
      kill(running.process.processIdentifier, signal)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 130 && result.output.isEmpty)
      #expect(try Checkpoint(contentsOf: folder + "/a run/last.safetensors").training != nil)
      let last = try #require(result.errors.split(separator: "\n").last)
      let parts = last.split(separator: "Resume with: ")
      #expect(parts.count == 2 && parts[0].hasPrefix("interrupted; a run/last.safetensors holds epoch "))
      let resumed = try DensityProgram.shell(String(try #require(parts.last)), in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("resuming after epoch "))
      try checkFinished(folder)
    }
  }

  /// What is fitted without steps ends soon as well; a mixture is kept as it is by then.
  @Test(arguments: [
    ("-m bernoulli-mixture --components 3000", "rows", ["best.safetensors"]),
    ("-m chow-liu", "wide", []),
  ])
  func interruptedBaseline(_ settings: String, table: String, kept: [String]) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/rows.csv", rowCount: 20_000, columnCount: 100)
      try DensityProgram.writeTable(folder + "/wide.csv", rowCount: 100, columnCount: 8000)
      let running = try DensityProgram.start(
        ["train", "-d", table + ".csv", "--run", "run"] + settings.split(separator: " ").map(String.init),
        in: folder)
      try wait(for: running.errors.path, lines: 1)
      kill(running.process.processIdentifier, SIGTERM)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 130 && result.errors.contains("interrupted"), "\(result.errors)")
      #expect(try names(in: folder + "/run") == kept + ["run.json"])
      if !kept.isEmpty {
        #expect(
          try Checkpoint(contentsOf: folder + "/run/best.safetensors").model.kind == .bernoulliMixture)
      }
    }
  }

  /// Whatever a search is at, it ends soon and writes what it has.
  @Test(arguments: [0, 2]) func interruptedSearch(afterEntries count: Int) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/rows.csv", rowCount: 2400, columnCount: 60)
      let running = try DensityProgram.start(["fit", "rows.csv", "-t", "10m", "-o", "m"], in: folder)
      try wait(for: running.errors.path, lines: 1 + count)
      let start = ContinuousClock.now
      kill(running.process.processIdentifier, SIGTERM)
      let result = try DensityProgram.finish(running)
      // The machine may be busy; alone it takes a second.
      #expect(.now - start < .seconds(10))
      #expect(result.status == 130 && result.errors.contains("interrupted"), "\(result.errors)")
      #expect(try Checkpoint(contentsOf: folder + "/m").model.variableCount == 60)
      // The folder stays, for the search to go on.
      #expect(try names(in: folder) == ["m", "m.search", "rows.csv"])
    }
  }

  @Test func manyColumnsMakeNoPicture() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/wide.csv", rowCount: 20, columnCount: 5000)
      let result = try DensityProgram.run(
        "train", "-m", "bernoulli", "-d", "wide.csv", "--run", "r", in: folder)
      #expect(result.status == 0 && result.output.contains("no picture: 5000 columns"), "\(result.output)")
      #expect(try names(in: folder + "/r") == ["best.safetensors", "run.json"])
    }
  }

  /// A kill may come at any time; what stands on disk is whole.
  @Test func killAndResume() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/the rows.csv", rowCount: 4000, columnCount: 40)
      let resume = ["train", "--resume", "--run", "a run", "--data", "the rows.csv"]
      for (arguments, lines) in [(settings + ["--run", "a run"], 3), (resume, 5)] {
        // The first checkpoint is written after the first epoch, before the second begins.
        let running = try DensityProgram.start(arguments, in: folder)
        try wait(for: folder + "/a run/history.jsonl", lines: lines)
        kill(running.process.processIdentifier, SIGKILL)
        #expect(try DensityProgram.finish(running).status == SIGKILL)
      }
      let running = try DensityProgram.start(resume, in: folder)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 0, "\(result.errors)")
      try checkFinished(folder)
    }
  }
}

import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Interrupted training")
struct InterruptTests {
  private let settings = [
    "train", "--model", "nade", "--hidden", "200", "--data", "train.csv", "--epochs", "300", "--rate", "0.01",
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

  private func uninterrupted(in folder: String) throws -> any AutoregressiveModel {
    let running = try DensityProgram.start(settings + ["--run", "whole"], in: folder)
    #expect(try DensityProgram.finish(running).status == 0)
    return try Checkpoint(contentsOf: folder + "/whole/best.safetensors").model
  }

  /// An interrupt lets the step end and writes a checkpoint; resuming then ends with the same bits.
  @Test func interruptAndResume() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 4000, columnCount: 40)
      let running = try DensityProgram.start(settings + ["--run", "run"], in: folder)
      try wait(for: folder + "/run/history.jsonl", lines: 2)
      kill(running.process.processIdentifier, SIGINT)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 130)
      #expect(result.errors.contains("density train --resume --run run --data train.csv"))
      let resumed = try DensityProgram.run(
        "train", "--resume", "--run", "run", "--data", "train.csv", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      let whole = try uninterrupted(in: folder)
      #expect(
        try Checkpoint(contentsOf: folder + "/run/best.safetensors").model.parameters == whole.parameters)
      let history = try String(contentsOfFile: folder + "/run/history.jsonl", encoding: .utf8)
      let epochs = try history.split(separator: "\n").map {
        try DensityProgram.json(String($0))["epoch"]?.integer
      }
      #expect(epochs == Array(1...300))
    }
  }

  /// A second interrupt, or a kill, may come at any time; what stands on disk is whole.
  @Test func killAndResume() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 4000, columnCount: 40)
      let first = try DensityProgram.start(settings + ["--run", "run"], in: folder)
      try wait(for: folder + "/run/history.jsonl", lines: 1)
      kill(first.process.processIdentifier, SIGINT)
      #expect(try DensityProgram.finish(first).status == 130)
      let resume = ["train", "--resume", "--run", "run", "--data", "train.csv"]
      let second = try DensityProgram.start(resume, in: folder)
      try wait(for: folder + "/run/history.jsonl", lines: 4)
      kill(second.process.processIdentifier, SIGKILL)
      _ = try DensityProgram.finish(second)
      let third = try DensityProgram.start(resume, in: folder)
      #expect(try DensityProgram.finish(third).status == 0)
      let whole = try uninterrupted(in: folder)
      #expect(
        try Checkpoint(contentsOf: folder + "/run/best.safetensors").model.parameters == whole.parameters)
      #expect(
        try names(in: folder + "/run") == [
          "best.safetensors", "history.jsonl", "last.safetensors", "samples.png",
        ])
    }
  }
}

import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Where the command's output goes")
struct OutputTests {
  /// Every command that prints, with files of the names that it reads.
  private static let lines = [
    "evaluate model.safetensors train.csv", "evaluate model.safetensors train.csv --json",
    "logprob model.safetensors train.csv", "sample model.safetensors -o -", "info model.safetensors",
    "info model.safetensors --graph --json", "train --data train.csv --epochs 1 --run run",
    "train --data train.csv --epochs 1 --run run --json", "help", "sample --help",
  ]

  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 20)
      try Checkpoint(model: FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1))
        .write(to: folder + "/model.safetensors")
      try body(folder)
    }
  }

  /// A shell that ignores the signal of a broken pipe passes that on, and then writing fails instead.
  @Test(arguments: ["", "trap '' PIPE; "])
  func aReaderThatGoesAwayIsNoFault(_ setting: String) throws {
    try withFiles { folder in
      let result = try DensityProgram.shell(
        setting + "density sample model.safetensors -n 200000 -o - | head -n 1", in: folder)
      #expect(result.status == 0 && result.errors.isEmpty)
      #expect(result.output.count == 12)
      for line in Self.lines {
        let result = try DensityProgram.shell(setting + "density \(line) 2>errors.txt | true", in: folder)
        #expect(result.status == 0)
        let errors = try String(contentsOfFile: folder + "/errors.txt", encoding: .utf8)
        #expect(!errors.contains("density: ") && !errors.contains("rror"), "\(line): \(errors)")
      }
    }
  }

  @Test(arguments: lines)
  func whatCannotBeWrittenIsAnError(_ line: String) throws {
    try withFiles { folder in
      // Closed from the start, and, where there is one, the device that is always full.
      let full = FileManager.default.fileExists(atPath: "/dev/full") ? [">/dev/full"] : []
      for redirection in [">&-"] + full {
        let result = try DensityProgram.shell("density \(line) \(redirection)", in: folder)
        #expect(result.status == 74, "\(redirection)")
        let complaint = try #require(result.complaint, "\(result.errors)")
        #expect(complaint.contains("standard output: cannot be written"))
      }
    }
  }
}

import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("What the command says to bad input")
struct ErrorTests {
  /// A command line, the status it ends with, and words of its one line of complaint.
  struct Fault: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let status: Int32
    let words: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ line: String, _ status: Int32, _ words: String...) {
      arguments = line.split(separator: " ").map(String.init)
      self.status = status
      self.words = words
    }
  }

  /// The files that the faults speak of.
  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 50)
      try DensityProgram.writeTable(folder + "/narrow.csv", rowCount: 5, columnCount: 4)
      try Data("0,1,0\n0,2,0\n".utf8).write(to: URL(fileURLWithPath: folder + "/values.csv"))
      try Data("0,1,0\n0,1\n".utf8).write(to: URL(fileURLWithPath: folder + "/ragged.csv"))
      try Data().write(to: URL(fileURLWithPath: folder + "/empty.csv"))
      let model = try FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1)
      let file = folder + "/model.safetensors"
      try Checkpoint(model: model).write(to: file)
      var bytes = try AtomicFile.read(file)
      try AtomicFile.write(Array(bytes[..<(bytes.count - 5)]), to: folder + "/short.safetensors")
      bytes[bytes.count - 3] ^= 4
      try AtomicFile.write(bytes, to: folder + "/flipped.safetensors")
      try SafetensorsFile(metadata: ["format": "another"]).write(to: folder + "/foreign.safetensors")
      let idx = IDXArray(dimensions: [9, 6], elements: .uint8(Array(repeating: 1, count: 54))).encoded
      try AtomicFile.write(Array(idx[..<40]), to: folder + "/short.idx")
      try IDXArray(dimensions: [9, 6], elements: .uint8(Array(repeating: 1, count: 54)))
        .write(to: folder + "/whole.idx.gz")
      let gzip = try AtomicFile.read(folder + "/whole.idx.gz")
      try AtomicFile.write(Array(gzip[..<(gzip.count - 6)]), to: folder + "/short.idx.gz")
      try body(folder)
    }
  }

  @Test(arguments: [
    Fault("", 64, "no command"),
    Fault("trian", 64, "did you mean train?"),
    Fault("train --hiden 5", 64, "--hiden", "did you mean --hidden?"),
    Fault("train --hidden many", 64, "--hidden", "many"),
    Fault("train --hidden 5,5 --data train.csv", 64, "--hidden", "one layer"),
    Fault("train --epochs 0", 64, "--epochs", "0"),
    Fault("train --rate -1", 64, "--rate", "-1"),
    Fault("train --model vae", 64, "--model", "vae", "nade"),
    Fault("train --epochs", 64, "--epochs"),
    Fault("train --ordering resampled --data train.csv", 64, "one ordering"),
    Fault("train --activation tanh --data train.csv", 64, "sigmoid or relu"),
    Fault("train --data none.csv", 66, "none.csv", "no such file"),
    Fault("train --data none/", 66, "none/", "no such file"),
    Fault("train --data .", 66, "train-images-idx3-ubyte"),
    Fault("train --data values.csv", 65, "values.csv", "line 2", "0 or 1", "2"),
    Fault("train --data ragged.csv", 65, "ragged.csv", "line 2"),
    Fault("train --data empty.csv", 65, "empty.csv", "empty"),
    Fault("train --data short.idx", 65, "short.idx", "byte"),
    Fault("train --data train.csv --test narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault("train --resume --run none", 66, "none/last.safetensors"),
    Fault("train --resume --run none --epochs 5", 64, "--epochs", "resumed"),
    Fault("evaluate", 64, "checkpoint"),
    Fault("evaluate none.safetensors", 66, "none.safetensors", "no such file"),
    Fault("evaluate train.csv", 65, "train.csv"),
    Fault("evaluate short.safetensors train.csv", 65, "short.safetensors", "expected", "found"),
    Fault("evaluate flipped.safetensors train.csv", 65, "flipped.safetensors", "expected", "found"),
    Fault("evaluate foreign.safetensors train.csv", 65, "foreign.safetensors", "another"),
    Fault("evaluate model.safetensors narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault("evaluate model.safetensors train.csv extra", 64, "extra"),
    Fault("logprob model.safetensors short.idx", 65, "short.idx", "byte", "expected", "found"),
    Fault("logprob model.safetensors short.idx.gz", 65, "short.idx.gz", "byte", "expected", "found"),
    Fault("logprob model.safetensors train.csv -o none/scores.txt", 73, "none/scores.txt"),
    Fault("logprob model.safetensors train.csv -o scores.doc", 73, "scores.doc", ".npy"),
    Fault("sample model.safetensors -o none/s.png", 73, "none/s.png"),
    Fault("sample model.safetensors -n 0", 64, "--count", "0"),
    Fault("info flipped.safetensors", 65, "flipped.safetensors"),
  ])
  func saysOneLineAndEndsWithAStatus(_ fault: Fault) throws {
    try withFiles { folder in
      let before = try names(in: folder)
      let running = try DensityProgram.start(fault.arguments, in: folder)
      let result = try DensityProgram.finish(running)
      #expect(result.status == fault.status, "\(result.errors)")
      let complaint = try #require(result.complaint, "\(result.errors)")
      for word in fault.words { #expect(complaint.contains(word), "\(complaint)") }
      #expect(result.output.isEmpty)
      // Nothing half-written.
      #expect(try names(in: folder) == before)
    }
  }

  @Test func aReaderThatGoesAwayIsNoFault() throws {
    try withFiles { folder in
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      let density = DensityProgram.folder.appendingPathComponent("density").path
      shell.arguments = [
        "-c", "'\(density)' sample model.safetensors -n 200000 -o - 2>errors.txt | head -n 1 >first.txt",
      ]
      shell.currentDirectoryURL = URL(fileURLWithPath: folder)
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0)
      #expect(try String(contentsOfFile: folder + "/first.txt", encoding: .utf8).count == 12)
      #expect(try String(contentsOfFile: folder + "/errors.txt", encoding: .utf8).contains("Fatal") == false)
    }
  }
}

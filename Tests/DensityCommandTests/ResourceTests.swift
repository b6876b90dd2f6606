import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("The command within its limits")
struct ResourceTests {
  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 60)
      try DensityProgram.writeTable(folder + "/one.csv", rowCount: 1)
      try Checkpoint(model: FVSBN(FVSBN.Configuration(variableCount: 6, seed: .max), seed: 1))
        .write(to: folder + "/m.safetensors")
      try body(folder)
    }
  }

  #if os(Linux)
    /// Less memory than is wanted is one line and no trace, whether it is seen before or met.
    @Test(arguments: [
      ("train -m bernoulli-mixture --components 1000000 -d t.csv --run r", 64),
      ("train -m made --hidden 100000,100000 -d t.csv --run r", 64),
    ])
    func memoryIsBounded(_ line: String, _ status: Int32) throws {
      try withFiles { folder in
        let result = try DensityProgram.shell("ulimit -v 600000; density \(line)", in: folder)
        #expect(result.status == status, "\(result.errors)")
        #expect(result.errors.contains("memory") && !result.errors.contains(" at /"), "\(result.errors)")
        let lines = result.errors.split(separator: "\n").filter { $0.contains("memory") }
        #expect(lines.count == 1)
      }
    }

    @Test func aProcessBoundToOneProcessorHasOneThread() throws {
      try withFiles { folder in
        let line =
          "unset BINARYDENSITY_THREADS; taskset -c 0 '\(DensityProgram.folder.path)/density' "
          + "train -d t.csv --hidden 300 -e 1000000 --run r & sleep 1; "
          + "grep Threads /proc/$!/status >threads; kill -KILL $!"
        _ = try DensityProgram.shell(line, in: folder)
        let threads = try String(contentsOfFile: folder + "/threads", encoding: .utf8)
        #expect(threads.split(separator: "\t").last == "1\n", "\(threads)")
      }
    }
  #endif

  @Test func aFileLargerThanTheLimitIsAnError() throws {
    try withFiles { folder in
      let result = try DensityProgram.shell(
        "ulimit -f 2; density sample m.safetensors -n 10000 -o a.csv", in: folder)
      #expect(result.status == 73 && result.onlyLine?.contains("a.csv: cannot be written") == true)
      #expect(try names(in: folder) == ["m.safetensors", "one.csv", "t.csv"])
    }
  }

  @Test(arguments: ["abc", "0", "-1", "2.5", "1000"])
  func aWrongNumberOfThreadsIsAnError(_ value: String) throws {
    try withFiles { folder in
      let result = try DensityProgram.shell(
        "BINARYDENSITY_THREADS=\(value); export BINARYDENSITY_THREADS; density info m.safetensors", in: folder
      )
      #expect(result.status == 64 && result.onlyLine?.contains("BINARYDENSITY_THREADS") == true)
    }
  }

  // MARK: What is said

  @Test func numbersAreExactAndAbsentWhereThereIsNone() throws {
    try withFiles { folder in
      let info = try DensityProgram.run("info", "m.safetensors", "--json", in: folder)
      #expect(info.output.contains("\"seed\": 18446744073709551615"), "\(info.output)")
      let one = try DensityProgram.json(
        DensityProgram.run("evaluate", "m.safetensors", "one.csv", "--json", in: folder).output)
      #expect(one["standard_error"] == .null && one["rows"]?.integer == 1)
      let text = try DensityProgram.run("evaluate", "m.safetensors", "one.csv", in: folder).output
      #expect(text.contains("one.csv NLL") && text.contains("1 row)") && !text.contains("±"), "\(text)")
      let compared = try DensityProgram.json(
        DensityProgram.run(
          "evaluate", "m.safetensors", "one.csv", "--against", "m.safetensors", "--json", in: folder
        ).output)
      #expect(compared["against"]?.string == "m.safetensors" && compared["difference"]?.number == 0)
      #expect(compared["difference_standard_error"] == .null)
      #expect(compared["difference_is"]?.string?.contains("log p - log p of against") == true)
    }
  }

  /// The row that is learnt from validates nothing.
  @Test func aSingleRowHasNoValidationFigure() throws {
    try withFiles { folder in
      let text = try DensityProgram.run("fit", "one.csv", "-t", "0", in: folder)
      #expect(text.status == 0 && !text.output.contains("validation"), "\(text.output)")
      #expect(text.output.contains("training NLL") && text.errors.contains("single row"))
      let report = try DensityProgram.json(
        DensityProgram.run("fit", "one.csv", "-t", "0", "--json", in: folder).output)
      let entries = try #require(report["leaderboard"]?.elements)
      #expect(!entries.isEmpty && entries.allSatisfy { $0["validation_nll"] == .null })
    }
  }

  @Test func namesOfAFileAreShownWithoutTheirEscapes() throws {
    try withFiles { folder in
      try FileManager.default.copyItem(atPath: folder + "/t.csv", toPath: folder + "/\u{1b}[31mred.csv")
      let result = try DensityProgram.finish(
        DensityProgram.start(
          ["train", "-m", "bernoulli", "-d", "\u{1b}[31mred.csv", "--run", "r"], in: folder))
      #expect(result.status == 0 && result.errors.contains("\\u{1b}[31mred"), "\(result.errors)")
      #expect(!result.errors.contains("\u{1b}") && !result.output.contains("\u{1b}"))
    }
  }
}

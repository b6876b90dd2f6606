import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("The command at work")
struct WorkTests {
  /// Trains a small model of a family in a folder of its own.
  private func withRun(_ model: String, _ body: (_ folder: String, _ run: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let run = folder + "/run"
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 300)
      try DensityProgram.writeTable(folder + "/test.csv", rowCount: 100)
      let result = try DensityProgram.run(
        "train", "--model", model, "--hidden", "8", "--data", folder + "/train.csv", "--test",
        folder + "/test.csv", "--epochs", "3", "--rate", "0.05", "--run", run)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("validation NLL") && result.output.contains("test NLL"))
      #expect(result.output.contains(" ± ") && result.output.contains("bits a variable"))
      #expect(result.errors.contains("epoch 3/3"))
      try body(folder, run)
    }
  }

  @Test(arguments: ["nade", "made", "fvsbn"])
  func trainsEvaluatesAndSamples(_ model: String) throws {
    try withRun(model) { folder, run in
      #expect(
        try names(in: run) == ["best.safetensors", "history.jsonl", "last.safetensors", "samples.png"])
      let best = run + "/best.safetensors"
      let table = folder + "/test.csv"

      // The mean of logprob's numbers is what evaluate prints, and what the library computes.
      let evaluated = try DensityProgram.run("evaluate", best, table, "--json", "--reference")
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let report = try DensityProgram.json(evaluated.output)
      for key in [
        "model", "configuration", "parameters", "split", "rows", "nll", "standard_error", "bits_per_variable",
        "seconds", "rows_per_second",
      ] { #expect(report[key] != nil, "\(key) is missing") }
      #expect(report["model"]?.string == model && report["rows"]?.integer == 100)
      #expect((report["largest_difference"]?.number ?? 1) < 1e-3)
      let scores = try DensityProgram.run("logprob", best, table)
      let numbers = scores.output.split(separator: "\n").compactMap { Double($0) }
      #expect(numbers.count == 100)
      let nll = try #require(report["nll"]?.number)
      #expect(abs(numbers.reduce(0, +) / -100 - nll) < 1e-12 * nll)
      let rows = try DataTable.read(table).rows(split: .test)
      #expect(try Checkpoint(contentsOf: best).model.logProbability(of: rows) == numbers)
      let plain = try DensityProgram.run("evaluate", best, "--data", table)
      #expect(plain.output.contains("nats") && plain.output.contains("100 rows"))

      // Scores and samples in every form, read back.
      for name in ["scores.txt", "scores.npy", "scores.idx.gz"] {
        #expect(try DensityProgram.run("logprob", best, table, "-o", folder + "/" + name).status == 0)
      }
      #expect(try String(contentsOfFile: folder + "/scores.txt", encoding: .utf8) == scores.output)
      let first = try DensityProgram.run("sample", best, "-n", "50", "-o", "-")
      #expect(first.status == 0 && first.output.split(separator: "\n").count == 50)
      #expect(try DensityProgram.run("sample", best, "-n", "50", "-o", "-").output == first.output)
      #expect(try DensityProgram.run("sample", best, "-n", "50", "-s", "1", "-o", "-").output != first.output)
      try first.output.write(toFile: folder + "/first.csv", atomically: true, encoding: .utf8)
      let drawn = try DataTable.read(folder + "/first.csv").rows(split: .test)
      for name in ["rows.csv", "rows.npy", "rows.idx", "rows.idx.gz"] {
        let path = folder + "/" + name
        let result = try DensityProgram.run(
          "sample", best, "-n", "50", "-o", path, "--logprob", folder + "/logp.txt")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try DataTable.read(path).rows(split: .test) == drawn)
        let logProbabilities = try String(contentsOfFile: folder + "/logp.txt", encoding: .utf8)
          .split(separator: "\n").compactMap { Double($0) }
        #expect(
          zip(logProbabilities, try Checkpoint(contentsOf: best).model.logProbability(of: drawn))
            .allSatisfy { abs($0 - $1) < 1e-4 } && logProbabilities.count == 50)
      }
      #expect(try DensityProgram.run("sample", best, "-o", folder + "/grid.png").status == 0)
      let png = try AtomicFile.read(folder + "/grid.png")
      #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))

      let info = try DensityProgram.run("info", run + "/last.safetensors", "--graph")
      #expect(info.output.contains("bernoulliLogLikelihood") && info.output.contains("3 of 3 epochs"))
      let described = try DensityProgram.json(
        try DensityProgram.run("info", run + "/last.safetensors", "--json").output)
      #expect(described["training"]?["epoch"]?.integer == 3 && described["model"]?.string == model)
    }
  }

  @Test func trainPrintsJSONAndKeepsAnEarlierRun() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 100)
      for number in 1...2 {
        let result = try DensityProgram.run(
          "train", "-m", "made", "--hidden", "none", "-d", "train.csv", "-e", "2", "--run", "run", "--json",
          in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let report = try DensityProgram.json(result.output)
        #expect(report["training"]?["epochs"]?.integer == 2)
        let results = try #require(report["results"]?.elements)
        #expect(results.map { $0["split"]?.string } == ["validation"])
        #expect(results.map { $0["rows"]?.integer } == [10])
        #expect(try names(in: folder).contains("run~1") == (number == 2))
      }
    }
  }

  @Test func readsRowsFromAPipe() throws {
    try withRun("fvsbn") { _, run in
      let result = try DensityProgram.run(
        "logprob", run + "/best.safetensors", "-", input: "0,0,0,0,0,0\n1,1,1,1,1,1\n")
      #expect(result.status == 0 && result.output.split(separator: "\n").count == 2)
    }
  }

  @Test(arguments: ["train", "evaluate", "sample", "logprob", "info"])
  func helpSaysWhatThereIs(_ command: String) throws {
    let result = try DensityProgram.run(command, "--help")
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(result.output.contains("density \(command)") && result.output.contains("Examples"))
    #expect(try DensityProgram.run("help", command).output == result.output)
    #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }
}

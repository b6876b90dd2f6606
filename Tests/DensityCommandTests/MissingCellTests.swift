import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Tables with missing cells, at work")
struct MissingCellTests {
  /// A folder with a table of 121 rows, some of whose cells are missing; the last row knows nothing.
  private func withTable(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let rows = (0..<120).map { row in
        ["\(row % 2)", row % 5 == 1 ? "NA" : "\(row % 3 / 2)", row % 4 == 2 ? "" : "\(row % 2)"]
      }
      let lines = ["alpha,beta,gamma"] + rows.map { $0.joined(separator: ",") } + [",,"]
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: folder + "/gaps.csv"))
      try body(folder)
    }
  }

  @Test func trainTakesThem() throws {
    try withTable { folder in
      for model in ["bernoulli", "chow-liu", "bernoulli-mixture", "nade", "made", "eonade", "fvsbn"] {
        let isNetwork = !["bernoulli", "chow-liu", "bernoulli-mixture"].contains(model)
        let result = try DensityProgram.run(
          "train", "-m", model, "-d", folder + "/gaps.csv", "--test", folder + "/gaps.csv", "--run",
          folder + "/" + model, "--json", isNetwork ? "--epochs=3" : "--seed=1")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("gaps: 15.7 % of the training cells are missing"))
        #expect(result.errors.contains("1 of the 121 training rows knows nothing"))
        let results = try DensityProgram.json(result.output)["results"]?.elements ?? []
        #expect(results.map { $0["split"]?.string } == ["validation", "test"])
        #expect(results.allSatisfy { $0["of_known_cells"] == .bool(true) })
        // Of so few columns every marginal is exact.
        #expect(results.allSatisfy { $0["estimated"] != .bool(true) })
        #expect(results.allSatisfy { ($0["nll"]?.number ?? 9) < 2.1 })
      }
    }
  }

  @Test func aRunGoesOnWithItsCompletions() throws {
    try withTable { folder in
      for (run, epochs) in [("whole", "6"), ("parts", "3")] {
        let result = try DensityProgram.run(
          "train", "-d", "gaps.csv", "--hidden", "5", "--epochs", epochs, "--schedule", "constant",
          "--redraw",
          "1", "--run", run, in: folder)
        #expect(result.status == 0, "\(result.errors)")
      }
      let resumed = try DensityProgram.run("train", "--resume", "--run", "parts", "--epochs", "6", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      let models = try ["whole", "parts"].map {
        try Checkpoint(contentsOf: "\(folder)/\($0)/last.safetensors")
      }
      #expect(models[0].training?.completions != nil)
      #expect(models[0].training?.completions == models[1].training?.completions)
      #expect((models[0].model as? NADE)?.parameters == (models[1].model as? NADE)?.parameters)
      // Of the same table with zeros in the place of what is missing it is another training.
      let text = try String(contentsOfFile: folder + "/gaps.csv", encoding: .utf8)
      let zeros = text.replacing("NA", with: "0").replacing(",,", with: ",0,").replacing(",\n", with: ",0\n")
      try Data(zeros.utf8).write(to: URL(filePath: folder + "/gaps.csv"))
      let refused = try DensityProgram.run("train", "--resume", "--run", "parts", "--epochs", "7", in: folder)
      #expect(
        refused.status == 65 && refused.complaint?.contains("the data this training began with") == true)
    }
  }

  @Test func fitTakesThem() throws {
    try withTable { folder in
      let result = try DensityProgram.run(
        "fit", "gaps.csv", "--validation", "gaps.csv", "-t", "2s", "-o", "f.safetensors", "--json", in: folder
      )
      #expect(result.status == 0, "\(result.errors)")
      let json = try DensityProgram.json(result.output)
      #expect((json["leaderboard"]?.elements?.count ?? 0) > 3)
      #expect(json["results"]?.elements?.first?["of_known_cells"] == .bool(true))
    }
  }

  @Test func evaluateMeasuresWhatIsKnown() throws {
    try withTable { folder in
      let fitted = try DensityProgram.run(
        "train", "-m", "chow-liu", "-d", "gaps.csv", "--test", "gaps.csv", "--run", "r", "--json", in: folder)
      let expected = try DensityProgram.json(fitted.output)["results"]?.elements?.last?["nll"]?.number
      let model = "r/best.safetensors"
      let result = try DensityProgram.run("evaluate", model, "gaps.csv", "--json", in: folder)
      let json = try DensityProgram.json(result.output)
      #expect(expected != nil && json["nll"]?.number == expected && json["of_known_cells"] == .bool(true))
      #expect(result.errors.contains("1 row without a known cell: in no figure"))
      let text = try DensityProgram.run("evaluate", model, "gaps.csv", in: folder).output
      #expect(text.contains("NLL of the known cells") && text.contains("bits a known cell, 120 rows)"))
      for option in [["--reference"], ["--against", model]] {
        let refused = try DensityProgram.finish(
          DensityProgram.start(["evaluate", model, "gaps.csv"] + option, in: folder))
        #expect(refused.status == 64 && refused.onlyLine?.contains("compares complete rows") == true)
      }
      // Complete rows are measured as ever, whatever the model has learnt from.
      try Data("alpha,beta,gamma\n1,0,1\n0,1,0\n".utf8).write(to: URL(filePath: folder + "/whole.csv"))
      let whole = try DensityProgram.run("evaluate", model, "whole.csv", "--reference", "--json", in: folder)
      #expect(try whole.status == 0 && DensityProgram.json(whole.output)["of_known_cells"] == nil)
    }
  }

  @Test func whatSaysNothingIsRefused() throws {
    let result = try DensityProgram.run("train", "-m", "eonade", "--redraw", "2")
    #expect(result.status == 64 && result.onlyLine?.contains("--redraw says nothing with an eonade") == true)
    let help = try DensityProgram.run("help", "train").output.split(whereSeparator: \.isWhitespace)
    let words = help.joined(separator: " ")
    #expect(
      words.contains("that they are so by chance, and not because of what stood there, is taken for granted"))
  }
}

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
      let line = [
        "train", "--model", model, "--data", folder + "/train.csv", "--test", folder + "/test.csv",
        "--epochs",
        "3", "--rate", "0.05", "--run", run,
      ]
      let result = try DensityProgram.finish(
        DensityProgram.start(line + (model == "fvsbn" ? [] : ["--hidden", "8"])))
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("validation NLL") && result.output.contains("test NLL"))
      #expect(result.output.contains(" ± ") && result.output.contains("bits a variable"))
      #expect(result.errors.contains("epoch 3/3"))
      try body(folder, run)
    }
  }

  private let figureKeys = [
    "split", "rows", "nll", "standard_error", "bits_per_variable", "seconds", "rows_per_second",
  ]

  /// Compares a line of figures, `test NLL 3.141 ± 0.059 nats (0.7553 bits a variable, 100 rows)`, with the
  /// same in JSON, which has more digits.
  private func checkLine(_ line: String, _ figures: JSONValue) throws {
    let split = try #require(figures["split"]?.string)
    let words = line.dropFirst(split.count).split(whereSeparator: { " (".contains($0) }).map(String.init)
    try #require(line.hasPrefix(split) && words.count == 11, "\(line)")
    for (index, key, decimals) in [(1, "nll", 3.0), (3, "standard_error", 3), (5, "bits_per_variable", 4)] {
      let (printed, exact) = (try #require(Double(words[index])), try #require(figures[key]?.number))
      #expect(abs(printed - exact) <= 0.5001 * pow(10, -decimals), "\(line) \(key) \(exact)")
    }
    #expect(words[9] == figures["rows"]?.integer.map(String.init))
  }

  /// A training is a function of its seed, not of the number of threads, and says the same as text and as
  /// JSON.
  @Test(arguments: ["nade", "made", "fvsbn", "eonade"])
  func trainingIsReproducibleAndSaysTheSameAsJSON(_ model: String) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 300)
      try DensityProgram.writeTable(folder + "/test.csv", rowCount: 70)
      func train(_ run: String, _ more: String...) throws -> String {
        let running = try DensityProgram.start(
          [
            "train", "-m", model, "-d", "train.csv", "--test", "test.csv", "-e", "3", "-b", "32", "-r",
            "0.05",
            "--run", run,
          ] + (model == "fvsbn" ? [] : ["--hidden", "8"]) + more, in: folder)
        let result = try DensityProgram.finish(running)
        #expect(result.status == 0, "\(result.errors)")
        return result.output
      }
      let text = try train("a", "--threads", "1").split(separator: "\n").map(String.init)
      let report = try DensityProgram.json(train("b", "--threads", "2", "--json"))
      _ = try train("c", "--seed", "1")
      let best = try ["a", "b", "c"].map { try AtomicFile.read(folder + "/\($0)/best.safetensors") }
      #expect(best[0] == best[1] && best[0] != best[2])

      #expect(
        report.members?.map(\.key) == [
          "command", "version", "model", "configuration", "parameters", "tables", "training", "results",
        ])
      #expect(report["training"]?["steps"]?.integer == 27)
      let results = try #require(report["results"]?.elements)
      #expect(results.map { $0["split"]?.string } == ["validation", "test"])
      #expect(results.map { $0["rows"]?.integer } == [30, 70])
      try #require(text.count == 5 && text[0].hasPrefix("trained 3 epochs in "))
      for (line, figures) in zip(text[1...2], results) {
        #expect(figures.members?.map(\.key) == figureKeys)
        try checkLine(line, figures)
      }
      #expect(text[3...4] == ["model    a/best.safetensors", "samples  a/samples.png"])

      // A finished run that is resumed says it all again.
      let again = try DensityProgram.run(
        "train", "--resume", "--run", "a", "-d", "train.csv", "--test", "test.csv", in: folder)
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.output.split(separator: "\n").dropFirst() == text.dropFirst().map { Substring($0) }[...])
      #expect(try AtomicFile.read(folder + "/a/best.safetensors") == best[0])
    }
  }

  @Test(arguments: ["nade", "made", "fvsbn", "eonade"])
  func trainsEvaluatesAndSamples(_ model: String) throws {
    try withRun(model) { folder, run in
      #expect(
        try names(in: run) == [
          "best.safetensors", "history.jsonl", "last.safetensors", "run.json", "samples.png",
        ])
      let best = run + "/best.safetensors"
      let table = folder + "/test.csv"

      // The mean of logprob's numbers is what evaluate prints, and what the library computes.
      let evaluated = try DensityProgram.run("evaluate", best, table, "--json", "--reference")
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let report = try DensityProgram.json(evaluated.output)
      #expect(
        report.members?.map(\.key)
          == ["command", "version", "model", "configuration", "parameters"] + figureKeys
          + ["tables", "largest_difference"])
      #expect(report["model"]?.string == model && report["rows"]?.integer == 100)
      #expect((report["largest_difference"]?.number ?? 1) < 1e-3)
      let scores = try DensityProgram.run("logprob", best, table)
      let numbers = scores.output.split(separator: "\n").compactMap { Double($0) }
      #expect(numbers.count == 100)
      let nll = try #require(report["nll"]?.number)
      #expect(abs(numbers.reduce(0, +) / -100 - nll) < 1e-12 * nll)
      let rows = try DataTable.read(table).rows(split: .test)
      #expect(try Checkpoint(contentsOf: best).model.logProbabilities(of: rows) == numbers)
      let itself = try DensityProgram.json(
        DensityProgram.run("evaluate", best, table, "--json", "--against", best).output)
      #expect(itself["difference"]?.number == 0 && itself["difference_standard_error"]?.number == 0)
      let plain = try DensityProgram.run("evaluate", best, "--data", table)
      let line = try #require(plain.output.split(separator: "\n").dropFirst().first)
      try checkLine(String(line), report)

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
          zip(logProbabilities, try Checkpoint(contentsOf: best).model.logProbabilities(of: drawn))
            .allSatisfy { abs($0 - $1) < 1e-4 } && logProbabilities.count == 50)
      }
      #expect(try DensityProgram.run("sample", best, "-n", "50", "-o", folder + "/grid.png").status == 0)
      try TableGrid(columnCount: 6, names: Checkpoint(contentsOf: best).columnNames).picture(of: drawn)
        .writePNG(to: folder + "/expected.png")
      #expect(try AtomicFile.read(folder + "/grid.png") == AtomicFile.read(folder + "/expected.png"))

      let info = try DensityProgram.run("info", run + "/last.safetensors", "--graph")
      #expect(info.output.contains("bernoulliLogLikelihood") && info.output.contains("3 of 3 epochs"))
      let described = try DensityProgram.json(
        try DensityProgram.run("info", run + "/last.safetensors", "--json").output)
      #expect(described["training"]?["epoch"]?.integer == 3 && described["model"]?.string == model)
    }
  }

  @Test(arguments: [
    ("bernoulli", "6 parameters"), ("bernoulli-mixture", "4 components"), ("chow-liu", "12 parameters"),
  ])
  func baselinesAreFittedMeasuredAndSampled(_ model: String, description: String) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 300)
      try DensityProgram.writeTable(folder + "/test.csv", rowCount: 70)
      func train(_ run: String, _ more: String...) throws -> DensityProgram.Result {
        let line = ["train", "-m", model, "-d", "train.csv", "--test", "test.csv", "--run", run]
        let result = try DensityProgram.finish(
          DensityProgram.start(
            line + (model == "bernoulli-mixture" ? ["--components", "4"] : []) + more, in: folder))
        #expect(result.status == 0, "\(result.errors)")
        return result
      }
      let first = try train("a", "--threads", "1")
      #expect(first.errors.contains("270 training, 30 validation, 70 test rows"))
      #expect(first.errors.contains(description))
      let report = try DensityProgram.json(train("b", "--json").output)
      let best = folder + "/a/best.safetensors"
      #expect(try AtomicFile.read(best) == AtomicFile.read(folder + "/b/best.safetensors"))
      #expect(try names(in: folder + "/a") == ["best.safetensors", "run.json", "samples.png"])

      #expect(
        report.members?.map(\.key) == [
          "command", "version", "model", "configuration", "parameters", "tables", "training", "results",
        ])
      #expect(report["model"]?.string == model)
      let results = try #require(report["results"]?.elements)
      #expect(results.map { $0["split"]?.string } == ["validation", "test"])
      let text = first.output.split(separator: "\n").map(String.init)
      try #require(text.count == 5 && text[0].hasPrefix("fitted in "))
      for (line, figures) in zip(text[1...2], results) { try checkLine(line, figures) }
      #expect(text[3...4] == ["model    a/best.safetensors", "samples  a/samples.png"])

      let evaluated = try DensityProgram.json(
        DensityProgram.run("evaluate", best, "test.csv", "--json", "--reference", in: folder).output)
      #expect(evaluated["nll"]?.number == results[1]["nll"]?.number)
      #expect((evaluated["largest_difference"]?.number ?? 1) < 1e-3)
      #expect(
        try DensityProgram.run("logprob", best, "test.csv", in: folder).output.split(separator: "\n").count
          == 70)
      #expect(
        try DensityProgram.run("sample", best, "-n", "9", "-o", "-").output.split(separator: "\n").count == 9)
      #expect(try DensityProgram.run("info", best).output.contains(description))

      // An earlier run is kept.
      _ = try train("a")
      #expect(try names(in: folder).contains("a~1"))
    }
  }

  @Test func fitFindsAMixtureAndSaysTheSameAsJSON() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 300)
      try DensityProgram.writeTable(folder + "/test.csv", rowCount: 70)
      let text = try DensityProgram.run(
        "fit", "train.csv", "--test", "test.csv", "--budget", "1s", "-o", "a.safetensors", in: folder)
      #expect(text.status == 0, "\(text.errors)")
      #expect(text.output.contains("validation NLL") && text.output.contains("test NLL"))
      #expect(
        text.errors.contains("independent Bernoullis") && text.errors.contains("held out in turn, in 5 folds")
      )
      // What a killed search would leave behind is gone.
      #expect(try names(in: folder) == ["a.safetensors", "test.csv", "train.csv"])
      // The rows that choose are not reported on again.
      let quick = try DensityProgram.run(
        "fit", "train.csv", "--test", "test.csv", "--budget", "0", "-o", "b.safetensors", "--json", in: folder
      )
      let report = try DensityProgram.json(quick.output)
      let figures = try #require(report["leaderboard"]?.elements).map { $0["validation_nll"]?.number ?? 0 }
      #expect(figures == figures.sorted() && figures.count >= 4)
      let results = try #require(report["results"]?.elements)
      let evaluated = try DensityProgram.json(
        DensityProgram.run("evaluate", "b.safetensors", "test.csv", "--json", "--reference", in: folder)
          .output)
      #expect(evaluated["nll"]?.number == results.last?["nll"]?.number)
      #expect((evaluated["largest_difference"]?.number ?? 1) < 1e-3)
      // Row by row against another: the difference of the means, known better than the means. The other one is of a fixed number of
      // steps: in a second of a busy machine a search may come to nothing but what no time at all gives.
      let training = try DensityProgram.run(
        "train", "--data", "train.csv", "--model", "fvsbn", "--epochs", "2", "--run", "run", in: folder)
      #expect(training.status == 0, "\(training.errors)")
      let compared = try DensityProgram.json(
        DensityProgram.run(
          "evaluate", "b.safetensors", "test.csv", "--json", "--against", "run/best.safetensors", in: folder
        ).output)
      let rival = try DensityProgram.json(
        DensityProgram.run("evaluate", "run/best.safetensors", "test.csv", "--json", in: folder).output)
      let difference = try #require(rival["nll"]?.number) - (try #require(compared["nll"]?.number))
      #expect(abs(try #require(compared["difference"]?.number) - difference) < 1e-9)
      let errors = [compared["difference_standard_error"]?.number, compared["standard_error"]?.number]
      #expect(try #require(errors[0]) < (try #require(errors[1])) && errors[0] != 0)
      #expect(try DensityProgram.run("sample", "a.safetensors", "-n", "3", "-o", "-", in: folder).status == 0)
      #expect(try DensityProgram.run("info", "a.safetensors", in: folder).output.contains("parameters"))
    }
  }

  /// Members of one order make an ensemble, of several a mixture; a finished member is not trained again.
  @Test func membersAreTrainedIntoOneCheckpoint() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 300)
      func train(_ run: String, _ more: String...) throws -> DensityProgram.Result {
        let running = try DensityProgram.start(
          ["train", "-m", "made", "--hidden", "8", "-d", "train.csv", "-e", "2", "--run", run] + more,
          in: folder)
        return try DensityProgram.finish(running)
      }
      for (run, more, kind) in [
        ("a", ["--members", "3"], "ENSEMBLE"), ("b", ["--members", "4", "--orders", "2"], "MIXTURE"),
        (
          "c",
          [
            "--members", "2", "--orders", "2", "--dropout", "0.2", "--input-dropout", "0.1", "--average",
            "0.9",
          ],
          "MIXTURE"
        ),
      ] {
        let running = try DensityProgram.start(
          ["train", "-m", "made", "--hidden", "8", "-d", "train.csv", "-e", "2", "--run", run] + more,
          in: folder)
        let result = try DensityProgram.finish(running)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains(kind), "\(result.output)")
        #expect(
          try DensityProgram.run("evaluate", run + "/best.safetensors", "train.csv", in: folder).status == 0)
      }
      let before = try AtomicFile.read(folder + "/b/best.safetensors")
      let again = try train("b", "--members", "4", "--orders", "2", "--resume")
      #expect(again.status == 0 && !again.errors.contains("epoch"), "\(again.errors)")
      #expect(try AtomicFile.read(folder + "/b/best.safetensors") == before)
      let more = try train("b", "--members", "6", "--orders", "2", "--resume")
      #expect(more.errors.contains("member 5 of 6") && !more.errors.contains("member 4 of 6: epoch"))
      let other = try train("b", "--members", "4", "--orders", "2", "--resume", "--rate", "0.1")
      #expect(other.status == 65 && other.errors.contains("another training"), "\(other.errors)")
    }
  }

  @Test func evaluatesOverMoreOrders() throws {
    try withRun("eonade") { folder, run in
      let (best, table) = (run + "/best.safetensors", folder + "/test.csv")
      let rows = try DataTable.read(table).rows(split: .test)
      let model = try #require(try Checkpoint(contentsOf: best).model as? EoNADE)
      #expect(model.orders.count == 16)
      for count in [1, 3] {
        let result = try DensityProgram.run("evaluate", best, table, "--json", "--orders", "\(count)")
        let report = try DensityProgram.json(result.output)
        let expected = try model.withOrders(count: count).logProbabilities(of: rows).reduce(0, +) / -100
        #expect(abs((report["nll"]?.number ?? 0) - expected) < 1e-9)
        #expect(report["configuration"]?["order_count"]?.integer == count)
      }
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

  /// Grey pictures are binarized, and samples of a model of pictures are pictures.
  @Test(arguments: ["stochastic", "dynamic", "threshold"])
  func picturesStayPictures(_ binarization: String) throws {
    try withTemporaryDirectory { folder in
      let levels = (0..<40 * 12).map { UInt8(truncatingIfNeeded: $0 * 89) }
      try IDXArray(dimensions: [40, 4, 3], elements: .uint8(levels)).write(to: folder + "/grey.idx.gz")
      let trained = try DensityProgram.run(
        "train", "--data", "grey.idx.gz", "--binarize", binarization, "--hidden", "8", "-e", "2", "--run",
        "run",
        in: folder)
      #expect(trained.status == 0 && trained.errors.contains("binarized: \(binarization)"))
      let best = folder + "/run/best.safetensors"
      for name in ["rows.idx", "grid.png"] {
        let result = try DensityProgram.run(
          "sample", best, "-n", "7", "-o", name, "--columns", "3", "--magnify", "1", in: folder)
        #expect(result.status == 0, "\(result.errors)")
      }
      let rows = try DataTable.read(folder + "/rows.idx")
      #expect(rows.rowCount == 7 && rows.imageShape == ImageShape(height: 4, width: 3))
      let bits = try rows.rows(split: .test)
      try ImageGrid(imageWidth: 3, imageHeight: 4, columnCount: 3, magnification: 1)
        .picture(of: (0..<7).map { row in bits[row: row].map { $0 ? UInt8(255) : 0 } })
        .writePNG(to: folder + "/expected.png")
      #expect(try AtomicFile.read(folder + "/grid.png") == AtomicFile.read(folder + "/expected.png"))

      // The rows that are asked about are made bits by the same rule.
      let scores = try DensityProgram.run(
        "logprob", best, "grey.idx.gz", "--binarize", binarization, "--split", "train", in: folder)
      let rule: Binarization =
        switch binarization {
        case "dynamic": .dynamic(seed: Binarization.standardSeed)
        case "threshold": .middleThreshold
        default: .standard
        }
      let table = try DataTable.read(folder + "/grey.idx.gz").rows(rule, split: .train)
      let expected = try Checkpoint(contentsOf: best).model.logProbabilities(of: table)
      #expect(scores.output.split(separator: "\n").compactMap { Double($0) } == expected)
    }
  }

  @Test func readsRowsFromAPipe() throws {
    try withRun("fvsbn") { _, run in
      let result = try DensityProgram.run(
        "logprob", run + "/best.safetensors", "-", input: "0,0,0,0,0,0\n1,1,1,1,1,1\n")
      #expect(result.status == 0 && result.output.split(separator: "\n").count == 2)
    }
  }

}

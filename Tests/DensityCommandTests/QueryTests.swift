import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Queries at work")
struct QueryTests {
  /// A folder with a table of names and words, and a tree that has learnt from it.
  private func withModel(_ body: (_ model: String, _ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let lines = (1...300).map { i in
        let smoker = i * 7 % 10 < 3
        let cells = [smoker, i * 3 % 7 < (smoker ? 1 : 4), i * 5 % 9 < 2, i % 2 == 0, i % 2 == 1]
        return cells.map { $0 ? "yes" : "no" }.joined(separator: ",")
      }
      let text = (["smoker,runner,vegan,hair=red,hair=blond"] + lines).joined(separator: "\n") + "\n"
      try Data(text.utf8).write(to: URL(filePath: folder + "/people.csv"))
      let result = try DensityProgram.run(
        "train", "-m", "chow-liu", "-d", folder + "/people.csv", "--run", folder + "/r")
      #expect(result.status == 0, "\(result.errors)")
      try body(folder + "/r/best.safetensors", folder)
    }
  }

  @Test func answersAreLinesOfProbabilities() throws {
    try withModel { model, folder in
      let tree = try #require(try Checkpoint(contentsOf: model).model.tractable)
      func p(_ cells: [Int?]) -> Double { exp(tree.logMarginals(of: PartialRows([cells]))[0]) }
      let queries = [
        "P(runner | smoker=yes)", "log P(!vegan, smoker=0)", "P(hair=red)", "P(at least 2 of all | vegan=?)",
      ]
      let result = try DensityProgram.finish(DensityProgram.start(["query", model] + queries))
      #expect(result.status == 0 && result.errors.hasPrefix("hair is taken for one variable of 2 values"))
      let lines = result.output.split(separator: "\n")
      let conditional = p([1, 1, nil, nil, nil]) / p([1, nil, nil, nil, nil])
      #expect(lines[0] == "P(runner | smoker=yes) = \(String(format: "%.4f", conditional)) (exact)")
      let log = Foundation.log(p([0, nil, 0, nil, nil]))
      #expect(lines[1] == "log P(!vegan, smoker=0) = \(String(format: "%.4f", log)) (exact)")
      #expect(lines[2] == "P(hair=red) = \(String(format: "%.4f", p([nil, nil, nil, 1, 0]))) (exact)")
      let counts = tree.logMarginalsByOnBitCount(of: PartialRows(rowCount: 1, columnCount: 5))
      let many = (2...5).reduce(0) { $0 + exp(counts[0, $1]) }
      #expect(lines[3] == "P(at least 2 of all | vegan=?) = \(String(format: "%.4f", many)) (exact)")
      // A file, a pipe and JSON say the same.
      try Data(("# these\n" + queries.joined(separator: "\n") + "\n").utf8).write(
        to: URL(filePath: folder + "/q.txt"))
      #expect(try DensityProgram.run("query", model, "--file", folder + "/q.txt").output == result.output)
      let piped = try DensityProgram.run("query", model, "-f", "-", input: queries.joined(separator: "\r\n"))
      #expect(piped.output == result.output)
      let json = try DensityProgram.json(DensityProgram.run("query", model, queries[0], "--json").output)
      let answer = try #require(json["answers"]?.elements)[0]
      #expect(answer["query"]?.string == queries[0] && answer["exact"] == true)
      #expect(abs((answer["probability"]?.number ?? 0) - conditional) < 1e-12)
    }
  }

  @Test func estimatesAreNeverShownAsExact() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 400, columnCount: 60)
      let trained = try DensityProgram.run(
        "train", "-m", "nade", "--hidden", "8", "-e", "3", "-d", folder + "/t.csv", "--run", folder + "/r")
      #expect(trained.status == 0, "\(trained.errors)")
      let model = folder + "/r/best.safetensors"
      func every(_ start: Int) -> String {
        stride(from: start, to: 61, by: 2).map { "#\($0)" }.joined(separator: ",")
      }
      let result = try DensityProgram.run(
        "query", model, "P(#1)", "P(#60 | #1)", "P(at least 30 of all | #1)", "P(exactly 0 of #1-#60)",
        "P(at least 25 of (\(every(1))), at most 5 of (\(every(2))))", "--particles", "8192")
      #expect(result.status == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n").map(String.init)
      try #require(lines.count == 5)
      #expect(lines[0].hasSuffix(" (exact)") && lines[3].hasSuffix(" (exact)"), "\(lines)")
      #expect(lines[1].contains(" ± ") && lines[1].contains("particles in 32 batches, worth "), "\(lines)")
      #expect(lines[2].contains(" ± ") && lines[2].contains(" of 8192 draws)"), "\(lines)")
      #expect(lines[4].contains(" < 0.000") && lines[4].contains("0 of 8192 draws"), "\(lines)")
      // Numbers have four digits, however small they are.
      for query in ["P(#1-#60=0)", "P(#1-#10)", "P(#1=0)"] {
        let line = try DensityProgram.run("query", model, query).output
        #expect(line.hasSuffix(" (exact)\n"))
        let json = try DensityProgram.json(DensityProgram.run("query", model, query, "--json").output)
        let exact = try #require(json["answers"]?.elements?[0]["probability"]?.number)
        let shown = try #require(Double(line.split(separator: " ").first { Double($0) != nil } ?? ""))
        #expect(abs(shown / exact - 1) < 6e-4, "\(line)")
      }
      let again = try DensityProgram.run("query", model, "P(#60 | #1)", "--particles", "8192")
      #expect(again.output == lines[1] + "\n")
      let json = try DensityProgram.json(
        DensityProgram.run("query", model, "P(#60 | #1)", "--json", "--error", "0.001").output)
      let answer = try #require(json["answers"]?.elements)[0]
      #expect(answer["exact"] == false && answer["trusted"]?.bool == true)
      #expect(try #require(answer["log_p_standard_error"]?.number) > 0)
    }
  }

  @Test("questions without an answer leave the others theirs")
  func someAnswers() throws {
    try withModel { model, folder in
      let queries = ["P(runner)", "P(runner | vegn)", "P(runner | not (vegan or !vegan))", "P(vegan)"]
      try Data((queries.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: folder + "/q.txt"))
      let result = try DensityProgram.run("query", model, "-f", folder + "/q.txt")
      let answers = result.output.split(separator: "\n").map(String.init)
      try #require(answers.count == 4 && result.status == 65, "\(result)")
      for (place, query) in [(0, "P(runner)"), (3, "P(vegan)")] {
        #expect(answers[place] + "\n" == (try DensityProgram.run("query", model, query).output))
      }
      #expect(answers[1].hasPrefix("error: \(folder)/q.txt: line 2, column 12: expected a column"))
      #expect(answers[2].hasPrefix("error: P(runner | not (vegan or !vegan)): expected a condition of prob"))
      #expect(result.errors.hasPrefix("2 of 4 queries have no answer; the first:\ndensity: "))
      let json = try DensityProgram.run("query", model, "-f", folder + "/q.txt", "--json")
      let elements = try #require(DensityProgram.json(json.output)["answers"]?.elements)
      #expect(json.status == 65 && elements.count == 4)
      #expect(elements.map { $0["error"] == nil } == [true, false, false, true])
      #expect(elements.map { $0["query"]?.string } == queries)
    }
  }

  @Test("what is taken for one variable is said, and an answer is one line")
  func categories() throws {
    try withModel { model, folder in
      let result = try DensityProgram.run(
        "query", model, "P(hair=red)", "P(hair=blond\n| smoker)", "P(vegan)")
      #expect(
        result.errors
          == "hair is taken for one variable of 2 values, one on and the others off: hair=red, hair=blond\n")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 3 && lines[1].hasPrefix("P(hair=blond | smoker) = "))
      let plain = try DensityProgram.run("query", model, "P(vegan | hair=?)")
      #expect(plain.status == 0 && plain.errors.isEmpty)
      let json = try DensityProgram.json(
        DensityProgram.run("query", model, "P(hair=red)", "P(vegan)", "--json").output)
      let categories = json["answers"]?.elements?.map { $0["categories"]?.elements }
      #expect(categories?[0]?[0]["columns"] == ["hair=red", "hair=blond"] && categories?[1] == nil)
    }
  }

  @Test("a question that takes long can be broken off", arguments: [false, true])
  func interrupted(_ isIgnored: Bool) throws {
    try withTemporaryDirectory { folder in
      let model = try NADE(NADE.Configuration(variableCount: 400, hiddenCount: 200), seed: 1)
      try Checkpoint(model: model).write(to: folder + "/m.safetensors")
      let line =
        (isIgnored ? "trap '' INT; " : "")
        + "exec '\(DensityProgram.folder.path)/density' query m.safetensors 'P(#1 | #400)' "
        + "--error 1e-9 --particles 8388608 --enumerate 0"
      let running = try DensityProgram.start(["-c", line], of: URL(filePath: "/bin/sh"), in: folder)
      usleep(700_000)
      kill(running.process.processIdentifier, SIGINT)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 130 && result.output.isEmpty)
      #expect(result.complaint == "density: interrupted before there was anything to keep")
    }
  }

  @Test("of several questions each has its answer or its error, wherever they stand")
  func oneMistakeOfSeveral() throws {
    try withModel { model, folder in
      let questions = ["P(runner)", "P(smokr)", "P(vegan)"]
      let right = try DensityProgram.run("query", model, questions[0], questions[2])
      let result = try DensityProgram.run("query", model, questions[0], questions[1], questions[2])
      #expect(result.status == 64)
      #expect(result.complaint?.contains("P(smokr): column 3: expected a column") == true)
      #expect(right.output.split(separator: "\n").allSatisfy { result.output.contains($0) })
    }
  }

  @Test func rowsMostAlikeAreNamed() throws {
    try withModel { model, folder in
      let table = folder + "/people.csv"
      let result = try DensityProgram.run("query", model, "--alike", table, "--row", "7", "-n", "3")
      #expect(result.status == 0 && result.errors.hasPrefix(table))
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 4 && lines[0] == "row         J (nats)  equal bits of 5")
      let json = try DensityProgram.json(
        DensityProgram.run("query", model, "--alike", table, "--row", "7", "-n", "300", "--json").output)
      let found = try #require(json["alike"]?.elements)
      let rows = try DataTable.read(table).rows(split: .test)
      let divergences = try RowLikeness(to: rows.rows(6..<7), under: Checkpoint(contentsOf: model).model)
        .divergences(of: rows)
      #expect(found.count == 299)
      let numbers = found.map { $0["row"]?.integer ?? 0 }
      #expect(Set(numbers) == Set(1...300).subtracting([7]))
      #expect(found.map { $0["divergence"]?.number } == numbers.map { divergences[$0 - 1] })
      #expect(zip(numbers, numbers.dropFirst()).allSatisfy { divergences[$0 - 1] <= divergences[$1 - 1] })
      #expect(lines[1].split(separator: " ")[0] == "\(numbers[0])")
    }
  }

  @Test func mistakesAreOneLineWithTheirPlace() throws {
    try withModel { model, folder in
      try Data("# nothing\n\n".utf8).write(to: URL(filePath: folder + "/empty.txt"))
      let table = folder + "/people.csv"
      let cases: [([String], Int32, String)] = [
        (["P(smokr)"], 64, "P(smokr): column 3: expected a column, of which there are #1 to #5 (smoker, "),
        (["P(smokr)"], 64, "found \"smokr\"; did you mean \"smoker\"?"),
        (["P(runner | smoker=maybe)"], 64, "column 19: expected a value"),
        (
          ["P(hair=rde)"], 64,
          "column 8: expected a value of hair: red, blond, found \"rde\"; did you mean \"red\"?"
        ),
        (["P(hiar=red)"], 64, "found \"hiar\"; did you mean \"hair\"?"),
        (["P(runner | runner=0)"], 64, "column 12: expected a column that is not asked for"),
        (["P(#6)"], 64, "column 3: expected a column's number up to #5, found \"#6\""),
        (["P(runner | not (vegan or !vegan))"], 65, "expected a condition of probability above zero"),
        (["-f", folder + "/empty.txt"], 65, "empty.txt: expected a query such as P(#1 | #2=0) in each line"),
        (["P(not runner=?)"], 64, "column 14: expected 0 or 1"),
        (["-f", folder + "/none.txt"], 66, "none.txt: no such file"), ([], 64, "nothing is asked"),
        (["P(runner)", "--row", "3"], 64, "--row says nothing without --alike"),
        (["P(runner)", "--alike", table], 64, "--alike stands in place of queries"),
        (["--alike", table, "--row", "301"], 64, "--row 301: \(table) has 300 rows"),
        (["P(runner)", "--particles", "3"], 64, "--particles"),
        (["P(runner)", "--error", "0"], 64, "--error"),
        (["P(runner)", "--order", "evidence-first"], 64, "only an EoNADE can take the evidence first"),
      ]
      for (arguments, status, complaint) in cases {
        let result = try DensityProgram.finish(DensityProgram.start(["query", model] + arguments))
        #expect(result.status == status && result.output.isEmpty, "\(arguments): \(result)")
        #expect(result.onlyLine?.contains(complaint) == true, "\(arguments): \(result.errors)")
      }
    }
  }

  @Test("the help and the README have the table of what models answer, as it comes of asking them")
  func table() throws {
    let help = try DensityProgram.run("help", "queries")
    #expect(help.status == 0 && help.errors.isEmpty)
    #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 80 || $0.hasPrefix("  density ") })
    let words = help.output.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
    for group in try QueryCapabilities.all() {
      #expect(words.contains(group.models.joined(separator: ", ") + ":"))
      for question in QueryCapabilities.Question.allCases {
        #expect(words.contains("\(question.rawValue) \(group.words(for: question))"))
      }
    }
    #expect(words.contains("missing at random"))
    #expect(try DensityProgram.run("help").output.contains("\n  help queries "))
    let readme = try String(
      contentsOf: DensityProgram.packageRoot.appendingPathComponent("README.md"), encoding: .utf8)
    let table = try QueryCapabilities.markdown()
    #expect(readme.contains(table), "the README's table is to be:\n\(table)")
  }
}

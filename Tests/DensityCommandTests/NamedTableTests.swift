import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Tables with names, at work")
struct NamedTableTests {
  /// A folder with a named table of 90 rows, the same with its columns reversed, and a tree that has learnt from it.
  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let rows = (0..<90).map { row in [row % 2, row % 3 / 2, row % 5 / 3, (row + row % 3) % 2] }
      func text(_ columns: [Int]) -> String {
        let names = columns.map { ["alpha", "beta", "gamma", "delta"][$0] }
        let lines = rows.map { row in columns.map { "\(row[$0])" }.joined(separator: ",") }
        return ([names.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
      }
      try Data(text([0, 1, 2, 3]).utf8).write(to: URL(filePath: folder + "/named.csv"))
      try Data(text([3, 2, 1, 0]).utf8).write(to: URL(filePath: folder + "/reversed.csv"))
      let result = try DensityProgram.run(
        "train", "-m", "chow-liu", "-d", folder + "/named.csv", "--run", folder + "/r")
      #expect(result.status == 0, "\(result.errors)")
      try body(folder)
    }
  }

  @Test func columnsAreFoundByTheirNames() throws {
    try withFiles { folder in
      let model = folder + "/r/best.safetensors"
      let reports = try ["named", "reversed"].map { name in
        let result = try DensityProgram.run("evaluate", model, "\(folder)/\(name).csv", "--json")
        return try DensityProgram.json(result.output)
      }
      #expect(reports[0]["nll"]?.number != nil && reports[0]["nll"]?.number == reports[1]["nll"]?.number)
      #expect(reports.map { $0["tables"]?.elements?.first?["reordered"] } == [.bool(false), .bool(true)])
      let scores = try ["named", "reversed"].map { name in
        try DensityProgram.run("logprob", model, "\(folder)/\(name).csv")
      }
      #expect(scores[0].output == scores[1].output)
      #expect(scores[0].output.split(separator: "\n").count == 90)
      #expect(scores[1].errors.contains("put in order by their names"))
      let sample = try DensityProgram.run("sample", model, "-n", "3", "-o", "-")
      #expect(sample.output.hasPrefix("alpha,beta,gamma,delta\n"))
      #expect(try DensityProgram.run("info", model).output.contains("\"alpha\", \"beta\""))
    }
  }

  @Test func whatIsLeftOutMayBeInOneTableAlone() throws {
    try withFiles { folder in
      try Data("id,alpha,beta,gamma,delta\n7,1,0,1,0\n8,0,0,1,1\n".utf8).write(
        to: URL(filePath: folder + "/id.csv"))
      func train(_ train: String, _ test: String, _ ignored: String) throws -> DensityProgram.Result {
        try DensityProgram.run(
          "train", "-m", "chow-liu", "-d", train, "--test", test, "--ignore", ignored, "--run", "r2",
          in: folder)
      }
      for tables in [["named.csv", "id.csv"], ["id.csv", "named.csv"]] {
        let result = try train(tables[0], tables[1], "id")
        #expect(result.status == 0 && result.output.contains("test NLL"), "\(result.errors)")
      }
      for wrong in ["ib", "9", "2-7"] {
        let result = try train("named.csv", "reversed.csv", wrong)
        #expect(result.status == 64, "\(result.errors)")
        #expect(
          result.complaint?.contains("--ignore \(wrong): no such column in named.csv, reversed.csv") == true)
      }
      // One table is scored beside another, of which the model knows the names.
      let scored = try DensityProgram.run(
        "score", "r/best.safetensors", "named.csv", "-r", "id.csv", "--ignore", "id", in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
    }
  }

  /// They hold the places of the columns, and are read so by the hint, or where no name is a number.
  @Test(arguments: ["3,1,2", "a,b,c", "1,2,3", "b c,1,x"]) func listsOfItemsComeBack(names: String) throws {
    try withTemporaryDirectory { folder in
      let lines = (0..<200).map { _ in "1,0,0" } + ["0,1,1", "0,1,0"]
      try (["\(names)"] + lines).joined(separator: "\n").appending("\n").write(
        toFile: folder + "/a.csv", atomically: true, encoding: .utf8)
      func run(_ line: String) throws -> DensityProgram.Result {
        let result = try DensityProgram.shell("density \(line)", in: folder)
        #expect(result.status == 0, "\(line): \(result.errors)")
        return result
      }
      _ = try run("train -m chow-liu a.csv --header yes --run r")
      let model = "r/best.safetensors"
      let hint = try run("convert a.csv --header yes a.dat").errors
      let options = try #require(
        hint.split(separator: "\n").compactMap { line in
          line.range(of: "to read it: ").map { String(line[$0.upperBound...]) }
        }.first)
      let expected = try run("logprob \(model) a.csv --header yes").output
      // The hint is right, and where names do not look like places, so is what no hint is given for.
      #expect(try run("logprob \(model) a.dat \(options)").output == expected)
      if !names.contains(where: \.isNumber) || names == "1,2,3" {
        #expect(try run("logprob \(model) a.dat --format items").output == expected)
      }
    }
  }

  @Test(
    "a model of some columns of a sparse table reads that table again",
    arguments: ["t.svm", "t.dat", "words.dat", "t.mtx", "t.csv"], ["--columns 3,1,5-6", "--ignore 2,4,7-8"])
  func chosenColumns(table: String, choice: String) throws {
    try withTemporaryDirectory { folder in
      let on = (0..<60).map { row in
        (1...8).filter { $0 == 1 + row % 8 || (row * $0 + row / 7) % 5 < 2 }
      }
      func write(_ name: String, _ lines: [String]) throws {
        try (lines.joined(separator: "\n") + "\n").write(
          toFile: folder + "/" + name, atomically: true, encoding: .utf8)
      }
      let rows: [String] =
        switch table {
        case "t.svm": on.map { $0.map { "\($0):1" }.joined(separator: " ") }
        case "t.dat": on.map { $0.map(String.init).joined(separator: " ") }
        case "words.dat": on.map { $0.map { "w\($0)" }.joined(separator: ",") }
        case "t.csv": on.map { row in (1...8).map { row.contains($0) ? "1" : "0" }.joined(separator: ",") }
        default: []
        }
      if table == "t.mtx" {
        func matrix(_ on: [[Int]]) -> [String] {
          let cells = on.indices.flatMap { row in on[row].map { "\(row + 1) \($0)" } }
          return ["%%MatrixMarket matrix coordinate pattern general", "\(on.count) 8 \(cells.count)"] + cells
        }
        try write(table, matrix(on))
        try write("v.mtx", matrix(Array(on[..<20])))
      } else {
        // All words in their order first.
        let first = table == "words.dat" ? [(1...8).map { "w\($0)" }.joined(separator: ",")] : []
        try write(table, first + rows)
        try write(
          "v." + (table.hasPrefix("words") ? "dat" : String(table.suffix(3))), Array(rows[..<20].reversed()))
      }
      let options = choice + (table.hasSuffix(".dat") ? " --format items" : "")
      let end = table.suffix(3)
      let trained = try DensityProgram.shell(
        "density train \(table) --validation v.\(end) \(options) -m chow-liu --run r", in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      for name in [table, "v.\(end)"] {
        let result = try DensityProgram.shell(
          "density logprob r/best.safetensors \(name) \(options)", in: folder)
        #expect(result.status == 0 && !result.output.isEmpty, "\(result.errors)")
        guard name == table else { continue }
        // Rows whose columns were chosen before are the same.
        let chosen = try DensityProgram.shell(
          "density convert \(table) s.npy \(options) && density logprob r/best.safetensors s.npy", in: folder)
        #expect(chosen.output == result.output, "\(chosen.errors)")
      }
    }
  }

  @Test("a file of fewer words, and a number of columns too small, is no more than that") func fewerWords()
    throws
  {
    try withTemporaryDirectory { folder in
      try "a,b,c\na,b\nb,c\na\n".write(toFile: folder + "/t.txt", atomically: true, encoding: .utf8)
      try "a\nb\n".write(toFile: folder + "/few.txt", atomically: true, encoding: .utf8)
      let trained = try DensityProgram.shell(
        "density train t.txt --format items --columns 1-3 -m bernoulli --run r", in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let asking = "density logprob r/best.safetensors few.txt --format items --columns 1-3"
      let rows = try DensityProgram.shell(asking, in: folder)
      #expect(rows.status == 0 && rows.output.split(separator: "\n").count >= 2, "\(rows.errors)")
      #expect(try DensityProgram.shell(asking + " --column-count 2", in: folder).output == rows.output)
    }
  }

  @Test func namesThatDifferAreRefused() throws {
    try withFiles { folder in
      try Data("alpha,beta,gamma,other\n1,0,1,0\n".utf8).write(to: URL(filePath: folder + "/other.csv"))
      let result = try DensityProgram.run("logprob", folder + "/r/best.safetensors", folder + "/other.csv")
      #expect(result.status == 65 && result.output.isEmpty)
      #expect(result.errors.contains("\"delta\"") && result.errors.contains("\"other\""))
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }

  @Test func heldOutRowsThatAreTheTrainingRowsAreWarnedOf() throws {
    try withFiles { folder in
      let table = folder + "/named.csv"
      let result = try DensityProgram.run(
        "train", "-m", "bernoulli", "-d", table, "--test", folder + "/reversed.csv", "--run", folder + "/s")
      #expect(result.status == 0 && result.errors.contains("warning: the test rows are the training rows"))
      let fit = try DensityProgram.run(
        "fit", table, "-t", "0", "-o", folder + "/f.safetensors", "--threads", "1")
      #expect(fit.status == 0, "\(fit.errors)")
      #expect(fit.errors.contains("named: 90 rows of 4 variables, each held out in turn, in 30 folds"))
    }
  }

  @Test func missingCellsAreRefusedWithCountAndFirstPlace() throws {
    try withFiles { folder in
      let path = folder + "/gaps.csv"
      // A table that streams is counted to its end, far beyond the first block; a pipe may have none.
      let rows = String(repeating: "1,0,1,0\n", count: 5000)
      try Data("alpha,beta,gamma,delta\n1,0,,0\n\(rows)1,,1,NA\n".utf8).write(to: URL(filePath: path))
      let scores = try DensityProgram.run("logprob", folder + "/r/best.safetensors", path)
      #expect(scores.status == 65 && scores.output.isEmpty)
      #expect(scores.errors.contains("row 1, column 3 (\"gamma\")"))
      #expect(scores.errors.contains("(3 cells are missing)"))
      let piped = try DensityProgram.shell("cat gaps.csv | density logprob r/best.safetensors -", in: folder)
      #expect(piped.errors.contains("(at least 1 cell is missing)"))
    }
  }

  /// A run of Bernoullis on a table, and the scores of another, each made of lines.
  private func scores(
    ofLearning training: String, _ options: [String], asking question: String, _ more: [String] = []
  ) throws -> DensityProgram.Result {
    var result: DensityProgram.Result?
    try withTemporaryDirectory { folder in
      try Data(training.utf8).write(to: URL(filePath: folder + "/train.txt"))
      try Data(question.utf8).write(to: URL(filePath: folder + "/ask.txt"))
      let learnt = try DensityProgram.finish(
        DensityProgram.start(
          ["train", "-m", "bernoulli", "-d", folder + "/train.txt", "--run", folder + "/r"] + options))
      #expect(learnt.status == 0, "\(learnt.errors)")
      result = try DensityProgram.finish(
        DensityProgram.start(["logprob", folder + "/r/best.safetensors", folder + "/ask.txt"] + more))
    }
    return try #require(result)
  }

  @Test func wordsOfItemListsAreColumnsByName() throws {
    let baskets = String(repeating: "milk,bread,beer\nbeer,egg\nmilk\n", count: 5)
    let format = ["--format", "items"]
    let few = try scores(ofLearning: baskets, format, asking: "egg,beer\nmilk,bread\n", format)
    let all = try scores(
      ofLearning: baskets, format, asking: "egg,beer\nmilk,bread\nmilk,bread,beer,egg\n", format)
    #expect(few.output.split(separator: "\n") == Array(all.output.split(separator: "\n").prefix(2)))
    let unknown = try scores(ofLearning: baskets, format, asking: "egg,zzz\n", format)
    #expect(unknown.status == 65 && unknown.errors.contains("zzz"))
  }

  @Test func sparseColumnsAreCountedAsInTraining() throws {
    let table = "1 0:1 2:1\n0 1:1\n1 0:1 1:1\n1 0:1\n"
    let sparse = try scores(ofLearning: table, [], asking: "0 1:1\n0 2:1\n")
    let dense = try scores(ofLearning: table, [], asking: "0,1,0\n0,0,1\n")
    #expect(sparse.status == 0 && sparse.output == dense.output)
  }

  @Test func wordsForBitsAreThoseOfTheTraining() throws {
    let words = try scores(
      ofLearning: "a,b\nJ,N\nN,N\nJ,J\nJ,N\n", ["--values", "N,J"], asking: "a,b\nJ,N\nN,J\n")
    let bits = try scores(
      ofLearning: "a,b\n1,0\n0,0\n1,1\n1,0\n", [], asking: "a,b\n1,0\n0,1\n")
    #expect(words.status == 0 && words.output == bits.output)
  }

  @Test func aColumnLeftOutNeedNotBeInTheOtherTables() throws {
    try withTemporaryDirectory { folder in
      try Data("id,a,b\n7,1,0\n8,0,1\n9,1,1\n".utf8).write(to: URL(filePath: folder + "/t.csv"))
      try Data("a,b\n1,0\n0,1\n".utf8).write(to: URL(filePath: folder + "/u.csv"))
      let result = try DensityProgram.run(
        "train", "-m", "bernoulli", "-d", folder + "/t.csv", "--test", folder + "/u.csv", "--ignore", "id",
        "--run", folder + "/r")
      #expect(result.status == 0, "\(result.errors)")
    }
  }
}
